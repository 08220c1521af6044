// The C++ twin of the reference program that made golden/: the same flags, model, data and split, run by Downbeat.
//
// Flags are those of every training argument and of TwinArguments below, as --name=value. The trace has null where a
// value depends on the clock, as the golden ones.
#include <torch/nn/modules/linear.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "callbacks/vocabulary/throw_if_error.h"
#include "callbacks/vocabulary/training_arguments_flags.h"
#include "examples/digits/digits.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/trainer.h"

namespace {

using downbeat::TrainerControl;

struct TwinArguments {
  std::optional<std::string> data, trace, init, final_weights, resume;
  int64_t hidden = 128;
  double dropout = 0.0;
  int threads = 1;
  int64_t train_rows = digits::kTrainRows;
  int64_t eval_rows = 0;
  bool no_metrics = false;
  std::vector<std::string> nan_at, meddle;
  std::optional<int64_t> early_stopping_patience;
  double early_stopping_threshold = 0.0;
  bool evaluate_after_train = false;

  static constexpr const char* kTitle = "Twin";
  static void describe(auto& field) {
    field("data", &TwinArguments::data, "CSV file: 64 pixel columns, then the label.");
    field("trace", &TwinArguments::trace, "JSONL file for the event trace.");
    field("init", &TwinArguments::init, "safetensors file with the initial weights.");
    field("final", &TwinArguments::final_weights, "safetensors file for the weights after training.");
    field("hidden", &TwinArguments::hidden, "Width of the hidden layer.");
    field("dropout", &TwinArguments::dropout, "Share of the hidden layer that is dropped in training.");
    field("threads", &TwinArguments::threads, "Threads inside one operation.");
    field("train_rows", &TwinArguments::train_rows, "Use only the first rows of the training part.");
    field("eval_rows", &TwinArguments::eval_rows, "Use only the first rows of the evaluation part; 0 = all.");
    field("no_metrics", &TwinArguments::no_metrics, "Train without compute_metrics.");
    field("nan_at", &TwinArguments::nan_at, "Training forward calls (from 1) whose loss is NaN.");
    field("meddle", &TwinArguments::meddle, "Rules EVENT:STEP:CONTROL_FIELD=0/1 for a callback that sets flags.");
    field("early_stopping_patience", &TwinArguments::early_stopping_patience, "Adds an EarlyStoppingCallback.");
    field("early_stopping_threshold", &TwinArguments::early_stopping_threshold, "Its threshold.");
    field("evaluate_after_train", &TwinArguments::evaluate_after_train, "Evaluate once more after training.");
    field("resume", &TwinArguments::resume, "Checkpoint directory, or 'last'.");
  }
};

struct DigitsMLP : torch::nn::Module {
  DigitsMLP(int64_t width, double dropout, std::set<int64_t> nan_calls)
      : fc1(register_module("fc1", torch::nn::Linear(64, width))),
        fc2(register_module("fc2", torch::nn::Linear(width, 10))),
        p(dropout),
        nan_at(std::move(nan_calls)) {}

  downbeat::ModelOutput forward(const downbeat::Batch& batch) {
    torch::Tensor hidden = torch::relu(fc1(batch.inputs));
    if (p > 0) hidden = torch::dropout(hidden, p, is_training());
    downbeat::ModelOutput output{.loss = {}, .logits = fc2(hidden)};
    output.loss = downbeat::cross_entropy(output.logits, batch.labels);
    // The value becomes NaN, the gradient stays that of the true loss.
    if (is_training() && nan_at.contains(++calls)) output.loss = output.loss + torch::tensor(std::nanf(""));
    return output;
  }

  torch::nn::Linear fc1, fc2;
  double p;
  std::set<int64_t> nan_at;
  int64_t calls = 0;
};

// Sets a flag of the control whenever an event fires while global_step is the rule's.
class Meddler {
 public:
  explicit Meddler(const std::vector<std::string>& rules) {
    for (const std::string& rule : rules) rules_.push_back(parsed(rule));
  }
#define DOWNBEAT_X(event, ...) \
  void event(auto& view) { meddle(#event, view.state(), view.control()); }
  DOWNBEAT_EVENTS(DOWNBEAT_X)
#undef DOWNBEAT_X

 private:
  struct Rule {
    std::string event;
    int64_t step;
    bool TrainerControl::* flag;
    bool value;
  };

  static bool TrainerControl::* flag_called(const std::string& name) {
    if (name == "should_training_stop") return &TrainerControl::should_training_stop;
    if (name == "should_epoch_stop") return &TrainerControl::should_epoch_stop;
    if (name == "should_save") return &TrainerControl::should_save;
    if (name == "should_evaluate") return &TrainerControl::should_evaluate;
    if (name == "should_log") return &TrainerControl::should_log;
    throw std::invalid_argument("--meddle: no control field is called " + name);
  }
  static Rule parsed(const std::string& text) {
    const std::vector<std::string> parts = absl::StrSplit(text, absl::ByAnyChar(":="));
    Rule rule{};
    if (parts.size() != 4 || !absl::SimpleAtoi(parts[1], &rule.step)) {
      throw std::invalid_argument("--meddle=" + text + " is not EVENT:STEP:CONTROL_FIELD=0/1");
    }
    rule.event = parts[0];
    rule.flag = flag_called(parts[2]);
    rule.value = parts[3] == "1";
    return rule;
  }
  void meddle(const std::string& event, const downbeat::TrainerState& state, TrainerControl& control) const {
    for (const Rule& rule : rules_) {
      if (rule.event == event && rule.step == state.global_step) control.*rule.flag = rule.value;
    }
  }

  std::vector<Rule> rules_;
};

std::set<int64_t> numbers(const std::vector<std::string>& words) {
  std::set<int64_t> all;
  for (const std::string& word : words) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(word, &number)) throw std::invalid_argument("--nan_at: " + word + " is not a number");
    all.insert(number);
  }
  return all;
}

// Removed at the end, where no output_dir was asked for.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "digits_twin_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot create " + name);
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  std::string flag() const { return "--output_dir=" + path_; }

 private:
  std::string path_;
};

downbeat::TrainingArguments parsed(int argc, char** argv, const ScratchDirectory& scratch, TwinArguments& twin) {
  // What the user gives comes later and wins.
  std::vector<std::string> words = {argv[0], scratch.flag(), "--disable_tqdm=true", "--use_cpu=true"};
  words.insert(words.end(), argv + 1, argv + argc);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return downbeat::parse_training_arguments(static_cast<int>(pointers.size()), pointers.data(), twin);
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const ScratchDirectory scratch;
    TwinArguments twin;
    const auto args = parsed(argc, argv, scratch, twin);
    downbeat::set_num_threads(twin.threads);
    const auto [train, eval] =
        digits::load_digits(twin.data.value_or(digits::default_data_path()), twin.train_rows, twin.eval_rows);
    downbeat::set_seed(args.seed);
    auto model = std::make_shared<DigitsMLP>(twin.hidden, twin.dropout, numbers(twin.nan_at));
    if (twin.init) {
      const auto weights = downbeat::load_safetensors(*twin.init);
      downbeat::throw_if_error(weights.status());
      downbeat::throw_if_error(downbeat::load_state_dict(*model, *weights, /*strict=*/true));
    }

    std::optional<downbeat::EarlyStoppingCallback> early_stopping;
    if (twin.early_stopping_patience) {
      early_stopping.emplace(
          downbeat::EarlyStoppingCallback({.early_stopping_patience = *twin.early_stopping_patience,
                                           .early_stopping_threshold = twin.early_stopping_threshold}));
    }
    std::optional<downbeat::TraceCallback> trace;
    if (twin.trace) trace.emplace(downbeat::TraceCallback({.path = *twin.trace, .clock_values_as_null = true}));

    downbeat::Trainer trainer(model, args, train, eval,
                              downbeat::Callbacks(Meddler(twin.meddle), std::move(early_stopping), std::move(trace)));
    if (!twin.no_metrics) trainer.compute_metrics = downbeat::accuracy;
    const std::string resume = twin.resume.value_or(args.resume_from_checkpoint.value_or("false"));
    trainer.train(resume == "last" ? "true" : resume);
    if (twin.evaluate_after_train) trainer.evaluate();
    if (args.do_predict) trainer.predict(eval);
    if (twin.final_weights && trainer.is_world_process_zero())
      downbeat::throw_if_error(downbeat::save_safetensors(downbeat::state_dict(*model), *twin.final_weights));
  });
}
