#include <torch/nn/modules/linear.h>

#include <iostream>

#include "trainer/trainer.h"

// A callback of the consumer's own, heard by Downbeat's Trainer.
class PrintSteps {
 public:
  void on_train_end(const downbeat::TrainerState& state) {
    std::cout << "trained " << state.global_step << " steps" << std::endl;
  }
};

int main() {
  return downbeat::run([] {
    const downbeat::TrainingArguments args{.max_steps = 3, .save_strategy = downbeat::SaveStrategy::no};
    const torch::Tensor inputs = torch::rand({16, 4});
    downbeat::Trainer trainer(std::make_shared<torch::nn::LinearImpl>(4, 2), args,
                              downbeat::TensorDataset(inputs, torch::randint(2, {16})),
                              downbeat::Callbacks(PrintSteps{}));
    trainer.compute_loss_func = downbeat::cross_entropy;
    trainer.train();
  });
}
