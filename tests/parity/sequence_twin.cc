// The C++ twin of reference/sequence_twin.py: the same flags, data, weights and model, run by Downbeat.
#include <ATen/ops/arange.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/pad_sequence.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/linear.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "callbacks/vocabulary/throw_if_error.h"
#include "callbacks/vocabulary/training_arguments_flags.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/neftune.h"
#include "trainer/trainer.h"

namespace {

namespace F = torch::nn::functional;
using downbeat::Metrics;

constexpr int64_t kVocabulary = 32, kWidth = 12, kClasses = 23;

struct SequenceArguments {
  std::optional<std::string> trace, final_weights;
  int64_t train_rows = 70;
  int64_t eval_rows = 21;
  double dropout = 0.0;
  bool counts_items = false;
  bool eval_sets = false;
  int64_t batch_limit = 0;
  bool predict = false;

  static constexpr const char* kTitle = "Sequences";
  static void describe(auto& field) {
    field("trace", &SequenceArguments::trace, "JSONL file for the event trace.");
    field("final", &SequenceArguments::final_weights, "safetensors file for the weights after training.");
    field("train_rows", &SequenceArguments::train_rows, "Sequences for training.");
    field("eval_rows", &SequenceArguments::eval_rows, "Sequences for evaluation.");
    field("dropout", &SequenceArguments::dropout, "Share of the embeddings that is dropped in training.");
    field("counts_items", &SequenceArguments::counts_items, "The model takes num_items_in_batch.");
    field("eval_sets", &SequenceArguments::eval_sets, "Two evaluation sets, short and long.");
    field("batch_limit", &SequenceArguments::batch_limit, "Larger training batches run out of memory.");
    field("predict", &SequenceArguments::predict, "Predict after training.");
  }
};

at::Tensor weights(at::IntArrayRef shape, int64_t factor) {
  return ((at::arange(c10::multiply_integers(shape)) * factor % 101 - 50).to(at::kFloat) / 250).view(shape);
}

struct Sequence {
  at::Tensor input_ids, labels;
};

struct Padded {
  at::Tensor input_ids, attention_mask, labels;
};

class Sequences {
 public:
  Sequences(int64_t first, int64_t size, int64_t longest = 14) : first_(first), size_(size), longest_(longest) {}

  int64_t size() const { return size_; }
  int64_t length(int64_t index) const { return 2 + (first_ + index) * 7 % (longest_ - 1); }
  Sequence get(int64_t index) const {
    const int64_t i = first_ + index;
    std::vector<int64_t> ids, labels;
    for (int64_t j = 0; j < length(index); ++j) {
      ids.push_back((i * 13 + j * 5 + i * j) % 31 + 1);
      labels.push_back((i + j) % 6 != 0 ? (i + j * 3) % kClasses : -100);
    }
    return {at::tensor(ids), at::tensor(labels)};
  }
  Padded collate(const std::vector<Sequence>& sequences) const {
    std::vector<at::Tensor> ids, labels;
    for (const Sequence& sequence : sequences) {
      ids.push_back(sequence.input_ids);
      labels.push_back(sequence.labels);
    }
    const at::Tensor padded = at::pad_sequence(ids, /*batch_first=*/true, 0.0);
    return {padded, padded.ne(0).to(at::kLong), at::pad_sequence(labels, /*batch_first=*/true, -100.0)};
  }

 private:
  int64_t first_, size_, longest_;
};

struct TokenClassifier : torch::nn::Module {
  TokenClassifier(double dropout, int64_t limit)
      : embeddings(register_module("embeddings", downbeat::NeftuneEmbedding(kVocabulary, kWidth))),
        classifier(register_module("classifier", torch::nn::Linear(kWidth, kClasses))),
        p(dropout),
        batch_limit(limit) {
    const at::NoGradGuard no_grad;
    embeddings->weight.copy_(weights({kVocabulary, kWidth}, 37));
    classifier->weight.copy_(weights({kClasses, kWidth}, 53));
    classifier->bias.copy_(weights({kClasses}, 29));
  }

  downbeat::ModelOutput loss_of(const Padded& batch, std::optional<int64_t> num_items_in_batch) {
    if (is_training() && batch_limit > 0 && batch.input_ids.size(0) > batch_limit) {
      throw std::runtime_error("DefaultCPUAllocator: can't allocate memory");
    }
    at::Tensor hidden = embeddings(batch.input_ids);
    if (p > 0) hidden = at::dropout(hidden, p, is_training());
    hidden = at::relu(hidden * batch.attention_mask.unsqueeze(-1));
    // Not classifier(hidden): for three dimensions torch::nn::Linear is a product and a sum, which rounds bfloat16
    // twice.
    downbeat::ModelOutput output{.loss = {}, .logits = at::linear(hidden, classifier->weight, classifier->bias)};
    const at::Tensor logits = output.logits.view({-1, kClasses}), labels = batch.labels.view(-1);
    if (num_items_in_batch) {
      output.loss = F::cross_entropy(logits, labels, F::CrossEntropyFuncOptions().reduction(torch::kSum));
      output.loss = output.loss / *num_items_in_batch;
    } else {
      output.loss = F::cross_entropy(logits, labels);
    }
    return output;
  }

  downbeat::ModelOutput forward(const Padded& batch) { return loss_of(batch, std::nullopt); }

  downbeat::NeftuneEmbedding embeddings;
  torch::nn::Linear classifier;
  double p;
  int64_t batch_limit;
};

struct CountingTokenClassifier : TokenClassifier {
  using TokenClassifier::TokenClassifier;
  downbeat::ModelOutput forward(const Padded& batch, std::optional<int64_t> num_items_in_batch) {
    return loss_of(batch, num_items_in_batch);
  }
};

struct Counts {
  int64_t right = 0, all = 0;
};

Counts counts_of(const downbeat::EvalPrediction& prediction) {
  const at::Tensor counted = prediction.label_ids.ne(-100);
  const at::Tensor right = prediction.predictions.argmax(-1).eq(prediction.label_ids).logical_and(counted);
  return {right.sum().item<int64_t>(), counted.sum().item<int64_t>()};
}

double share(Counts counts) { return static_cast<double>(counts.right) / static_cast<double>(counts.all); }

Metrics whole_metrics(const downbeat::EvalPrediction& prediction) {
  Metrics metrics{{"accuracy", share(counts_of(prediction))}};
  if (prediction.inputs.defined()) metrics["inputs"] = prediction.inputs.sum().to(at::kDouble).item<double>();
  if (prediction.losses.defined()) {
    metrics["losses"] = static_cast<double>(prediction.losses.size(0));
    metrics["last_loss"] = prediction.losses[-1].item<double>();
  }
  return metrics;
}

struct BatchMetrics {
  Counts sum;
  Metrics operator()(const downbeat::EvalPrediction& prediction, bool compute_result) {
    const Counts counts = counts_of(prediction);
    sum.right += counts.right;
    sum.all += counts.all;
    if (!compute_result) return {};
    const Metrics metrics{{"accuracy", share(sum)}, {"counted", static_cast<double>(sum.all)}};
    sum = {};
    return metrics;
  }
};

template <class Model>
void train(const downbeat::TrainingArguments& args, const SequenceArguments& own, const auto& eval) {
  downbeat::set_num_threads(1);
  auto model = std::make_shared<Model>(own.dropout, own.batch_limit);
  std::optional<downbeat::TraceCallback> trace;
  if (own.trace) trace.emplace(downbeat::TraceCallback({.path = *own.trace, .clock_values_as_null = true}));
  downbeat::Trainer trainer(model, args, Sequences(0, own.train_rows), eval, downbeat::Callbacks(std::move(trace)));
  if (args.batch_eval_metrics) {
    trainer.compute_metrics = BatchMetrics();
  } else {
    trainer.compute_metrics = whole_metrics;
  }
  trainer.train();
  if (own.predict) trainer.predict(Sequences(2000, own.eval_rows));
  if (own.final_weights && trainer.is_world_process_zero())
    downbeat::throw_if_error(downbeat::save_safetensors(downbeat::state_dict(*model), *own.final_weights));
}

template <class Model>
void train(const downbeat::TrainingArguments& args, const SequenceArguments& own) {
  const Sequences eval(1000, own.eval_rows);
  if (own.eval_sets) {
    using Sets = downbeat::DatasetDict<Sequences>;
    train<Model>(args, own, Sets{{"short", Sequences(1000, own.eval_rows, 5)}, {"long", eval}});
  } else {
    train<Model>(args, own, eval);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    SequenceArguments own;
    const auto args = downbeat::parse_training_arguments(argc, argv, own);
    own.counts_items ? train<CountingTokenClassifier>(args, own) : train<TokenClassifier>(args, own);
  });
}
