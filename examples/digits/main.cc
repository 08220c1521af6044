// Trains a small multi-layer perceptron on handwritten digits: the whole of a program that uses Trainer.
#include <torch/nn/modules/linear.h>

#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "callbacks/vocabulary/training_arguments_flags.h"
#include "examples/digits/digits.h"
#include "integrations/report_to.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/trainer.h"

namespace {

struct DigitsArguments {
  std::optional<std::string> data;
  int64_t hidden = 128;
  double dropout = 0.0;
  std::optional<std::string> init;
  std::optional<std::string> trace;

  static constexpr const char* kTitle = "Digits";
  static void describe(auto& field) {
    field("data", &DigitsArguments::data,
          "CSV file with 64 pixels and a label in each line; the program brings its own.");
    field("hidden", &DigitsArguments::hidden, "Width of the hidden layer.");
    field("dropout", &DigitsArguments::dropout, "Share of the hidden layer that is dropped in training, 0 to 1.");
    field("init", &DigitsArguments::init, "safetensors file with the initial weights; drawn from --seed without it.");
    field("trace", &DigitsArguments::trace, "File for a JSON line an event.");
  }
};

struct Digits : torch::nn::Module {
  Digits(int64_t width, double dropout)
      : fc1(register_module("fc1", torch::nn::Linear(64, width))),
        fc2(register_module("fc2", torch::nn::Linear(width, 10))),
        p(dropout) {}

  torch::Tensor forward(const torch::Tensor& pixels) {
    torch::Tensor hidden = torch::relu(fc1(pixels));
    if (p > 0) hidden = torch::dropout(hidden, p, is_training());
    return fc2(hidden);
  }

  torch::nn::Linear fc1, fc2;
  double p;  // of dropping a hidden unit in training
};

void load_weights(torch::nn::Module& model, const std::string& path) {
  const auto weights = downbeat::load_safetensors(path);
  absl::Status status = weights.status();
  if (status.ok()) status = downbeat::load_state_dict(model, *weights, /*strict=*/true);
  if (!status.ok()) throw std::runtime_error("--init=" + path + ": " + std::string(status.message()));
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    DigitsArguments own;
    const auto args = downbeat::parse_training_arguments(argc, argv, own);

    downbeat::set_num_threads(1);  // faster for a model as small as this, and the same bits on every machine of a kind
    downbeat::set_seed(args.seed);
    auto model = std::make_shared<Digits>(own.hidden, own.dropout);
    if (own.init) load_weights(*model, *own.init);
    const auto [train, eval] = digits::load_digits(own.data.value_or(digits::default_data_path()));

    std::optional<downbeat::TraceCallback> trace;
    if (own.trace) trace.emplace(*own.trace);
    downbeat::Trainer trainer(model, args, train, eval,
                              downbeat::Callbacks(downbeat::report_to(args), std::move(trace)));
    trainer.compute_loss_func = downbeat::cross_entropy;
    trainer.compute_metrics = downbeat::accuracy;
    trainer.train();

    const downbeat::Metrics metrics = trainer.evaluate();
    if (!trainer.is_world_process_zero()) return;  // of the processes that torchrun started one speaks
    std::cout << "accuracy on the held-out rows: " << metrics.at("eval_accuracy") << "\n";
    if (args.save_strategy != downbeat::SaveStrategy::no) {
      std::cout << "checkpoints: " << std::filesystem::absolute(args.output_dir).string() << "\n";
    }
  });
}
