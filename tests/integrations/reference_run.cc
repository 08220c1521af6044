// The run that clients/hf_reference_logs.py makes with transformers.Trainer and every tracker, by Downbeat: the same
// weights, data and metric, all from formulas. Flags are those of the training arguments, and --trace.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/tanh.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <string>

#include "callbacks/vocabulary/training_arguments_flags.h"
#include "integrations/report_to.h"
#include "trainer/trainer.h"

namespace {

struct TinyRegression : torch::nn::Module {
  TinyRegression()
      : fc1(register_module("fc1", torch::nn::Linear(4, 8))), fc2(register_module("fc2", torch::nn::Linear(8, 1))) {
    const torch::NoGradGuard no_grad;
    for (int i = 0; i < 8; ++i) {
      for (int j = 0; j < 4; ++j) fc1->weight[i][j] = 0.05 * ((7 * i + 3 * j) % 11 - 5);
      fc1->bias[i] = 0.01 * i;
      fc2->weight[0][i] = 0.1 * ((5 * i) % 7 - 3);
    }
    fc2->bias.zero_();
  }

  torch::Tensor forward(const torch::Tensor& x) { return fc2(at::tanh(fc1(x))).squeeze(-1); }
  std::string config() const { return R"({"in_features": 4, "hidden": 8, "model_type": "tiny_regression"})"; }

  torch::nn::Linear fc1, fc2;
};

// Rows `begin` to `end`, without the latter.
downbeat::TensorDataset rows(int64_t begin, int64_t end) {
  const at::Tensor inputs = at::empty({end - begin, 4});
  const at::Tensor labels = at::empty({end - begin});
  for (int64_t n = begin; n < end; ++n) {
    double x[4];
    for (int k = 0; k < 4; ++k) {
      x[k] = std::sin(0.1 * static_cast<double>(4 * n + k));
      inputs[n - begin][k] = x[k];
    }
    labels[n - begin] = 0.5 * x[0] - 0.25 * x[1] + 0.125 * x[2] * x[3];
  }
  return downbeat::TensorDataset(inputs, labels);
}

downbeat::Metrics mean_absolute_error(const downbeat::EvalPrediction& prediction) {
  return {{"mae", (prediction.predictions - prediction.label_ids).abs().mean().item<double>()}};
}

struct ReferenceArguments {
  std::string trace;

  static constexpr const char* kTitle = "Reference run";
  static void describe(auto& field) { field("trace", &ReferenceArguments::trace, "File for a JSON line an event."); }
};

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    ReferenceArguments own;
    const auto args = downbeat::parse_training_arguments(argc, argv, own);
    downbeat::set_num_threads(1);
    downbeat::Trainer trainer(
        std::make_shared<TinyRegression>(), args, rows(0, 64), rows(64, 96),
        downbeat::Callbacks(downbeat::report_to(args), downbeat::TraceCallback({.path = own.trace})));
    trainer.compute_loss_func = [](const at::Tensor& logits, const at::Tensor& labels) {
      return at::mse_loss(logits, labels);
    };
    trainer.compute_metrics = mean_absolute_error;
    trainer.train();
    trainer.predict(rows(96, 112));
  });
}
