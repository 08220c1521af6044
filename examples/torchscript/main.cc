// Trains a module that Python exported with torch.jit, unchanged, on handwritten digits.
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "callbacks/vocabulary/training_arguments_flags.h"
#include "examples/digits/digits.h"
#include "examples/runfile.h"
#include "examples/torchscript/script_module.h"
#include "trainer/trainer.h"

namespace {

struct TorchScriptArguments {
  std::optional<std::string> model, data;

  static constexpr const char* kTitle = "TorchScript";
  static void describe(auto& field) {
    field("model", &TorchScriptArguments::model,
          "File that torch.jit.save wrote: a module that makes 10 logits of 64 pixels; the program brings its own.");
    field("data", &TorchScriptArguments::data,
          "CSV file with 64 pixels and a label in each line; the program brings its own.");
  }
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    TorchScriptArguments own;
    downbeat::TrainingArguments args{.num_train_epochs = 30, .learning_rate = 3e-3, .logging_steps = 1000};
    downbeat::parse_training_arguments_into(args, argc, argv, own);

    downbeat::set_num_threads(1);
    const auto model = std::make_shared<torchscript::ScriptModule>(
        own.model.value_or(examples::runfile("examples/torchscript/model.pt")));
    const auto [train, eval] = digits::load_digits(own.data.value_or(digits::default_data_path()));

    downbeat::Trainer trainer(model, args, train, eval);
    trainer.compute_loss_func = downbeat::cross_entropy;
    trainer.compute_metrics = downbeat::accuracy;
    trainer.train();

    const downbeat::Metrics metrics = trainer.evaluate();
    std::cout << "accuracy on the held-out rows: " << metrics.at("eval_accuracy") << "\n";
    if (args.save_strategy != downbeat::SaveStrategy::no) {
      std::cout << "checkpoints: " << std::filesystem::absolute(args.output_dir).string() << "\n";
    }
  });
}
