// A callback of one's own: the page to copy from. It fits y = 2x + 1 and stops by itself.
#include <torch/nn/modules/linear.h>

#include <iostream>
#include <memory>

#include "callbacks/vocabulary/training_arguments_flags.h"
#include "trainer/trainer.h"

// A plain class. Each hook has the name of an event and takes what it needs of that event, in any order.
class StopWhenLossIsLow {
 public:
  explicit StopWhenLossIsLow(double threshold) : threshold_(threshold) {}

  void on_log(const downbeat::Logs& logs, downbeat::TrainerControl& control) {
    if (logs.value_or("loss", 1.0) < threshold_) control.stop_training("the loss is below its threshold");
  }

 private:
  double threshold_;
};

// HuggingFace's own parameter list is one case of it; another is the model, by its class or as torch::nn::Module.
class LargestWeight {
 public:
  void on_step_end(const downbeat::TrainingArguments& args, const downbeat::TrainerState& state,
                   downbeat::TrainerControl& control) {
    if (args.logging_first_step && state.global_step == 1) control.should_log = true;
  }
  void on_epoch_end(const torch::nn::Module& model) {
    largest_ = 0;
    for (const torch::Tensor& weight : model.parameters()) {
      largest_ = std::max(largest_, weight.abs().max().item<double>());
    }
  }
  void on_train_end(const downbeat::RunEnd& end) {
    std::cout << "largest weight: " << largest_ << (end.reason.empty() ? "" : "; stopped because " + end.reason)
              << "\n";
  }
  double largest() const { return largest_; }

 private:
  double largest_ = 0;
};

int main(int argc, char** argv) {
  return downbeat::run([&] {
    downbeat::TrainingArguments args{.num_train_epochs = 50,
                                     .learning_rate = 0.05,
                                     .lr_scheduler_type = downbeat::SchedulerType::linear,
                                     .logging_steps = 10,
                                     .save_strategy = downbeat::SaveStrategy::no};
    downbeat::parse_training_arguments_into(args, argc, argv);

    downbeat::set_num_threads(1);
    downbeat::set_seed(args.seed);
    const torch::Tensor x = torch::linspace(-1, 1, 128).unsqueeze(1);
    downbeat::Trainer trainer(std::make_shared<torch::nn::LinearImpl>(1, 1), args,
                              downbeat::TensorDataset(x, 2 * x + 1),
                              downbeat::Callbacks(StopWhenLossIsLow(1e-3), LargestWeight{}));
    trainer.compute_loss_func = [](const torch::Tensor& output, const torch::Tensor& labels) {
      return torch::mse_loss(output, labels);
    };
    const downbeat::TrainOutput out = trainer.train();
    std::cout << out.global_step
              << " steps; largest weight again: " << trainer.callbacks().get<LargestWeight>().largest() << "\n";
  });
}
