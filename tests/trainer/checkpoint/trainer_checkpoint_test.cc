// What a Trainer saves, keeps and loads.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "callbacks/early_stopping.h"
#include "examples/digits/digits.h"
#include "tests/trainer/support/files.h"
#include "tests/trainer/support/tensors.h"
#include "tests/trainer/support/tiny.h"
#include "trainer/checkpoint/safetensors.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

using testing::content;
using testing::entries;
using testing::floats;
using testing::fresh_directory;
using testing::Moment;
using testing::tiny_arguments;
using testing::TinyRun;
using Strings = std::vector<std::string>;

const Strings kWholeCheckpoint = {"model.safetensors", "optimizer.pt",       "rng_state.pth",
                                  "scheduler.pt",      "trainer_state.json", "training_args.json"};

std::vector<float> weights(const TinyRun& run) {
  return floats(at::cat({run.model->weight.flatten(), run.model->bias}));
}

// --- The same files as HuggingFace's Trainer ---

struct Linear : torch::nn::Module {
  Linear(int64_t in, int64_t out) {
    weight = register_parameter("weight", at::empty({out, in}));
    bias = register_parameter("bias", at::empty({out}));
  }
  at::Tensor weight, bias;
};
struct Digits : torch::nn::Module {
  at::Tensor forward(const at::Tensor& pixels) {
    return at::linear(at::relu(at::linear(pixels, fc1->weight, fc1->bias)), fc2->weight, fc2->bias);
  }
  std::shared_ptr<Linear> fc1 = register_module("fc1", std::make_shared<Linear>(64, 4));
  std::shared_ptr<Linear> fc2 = register_module("fc2", std::make_shared<Linear>(4, 10));
};

std::string without_clock_values(const std::string& json) {
  return std::regex_replace(json, std::regex(R"re(("\w*(_runtime|_per_second)": )[-+.e0-9]+)re"), "$1null");
}

// The last bits of a computed number are those of the processor.
std::string to_five_digits(const std::string& json) {
  nlohmann::ordered_json read = nlohmann::ordered_json::parse(json);
  for (auto& entry : read.at("log_history")) {
    for (auto& [name, value] : entry.items()) {
      if (value.is_number_float()) value = absl::StrFormat("%.5g", value.get<double>());
    }
  }
  return read.dump(2);
}

// reference/ was written by transformers 5.23.0 and torch 2.13.0, by the reference program of tests/parity with
// --init=init_h4.safetensors --hidden=4 --train_rows=128 --eval_rows=32 --output_dir=ck --early_stopping_patience=3 and
// the arguments below.
TEST(Checkpoint, IsTheOneOfHuggingFacesTrainer) {
  const fs::path here = fs::current_path();
  const std::string reference = here / "tests/trainer/checkpoint/reference";
  const auto [train, eval] = digits::load_digits(here / "examples/digits/digits.csv", 128, 32);
  fs::current_path(fresh_directory());

  set_num_threads(1);
  const auto model = std::make_shared<Digits>();
  ASSERT_TRUE(load_state_dict(*model, *load_safetensors(reference + "/init_h4.safetensors"), /*strict=*/true).ok());
  const TrainingArguments args{.output_dir = "ck",
                               .per_device_train_batch_size = 16,
                               .max_steps = 12,
                               .learning_rate = 0.01,
                               .logging_steps = 3,
                               .disable_tqdm = true,
                               .eval_strategy = IntervalStrategy::steps,
                               .eval_steps = 4,
                               .save_steps = 4,
                               .save_total_limit = 2,
                               .load_best_model_at_end = true,
                               .metric_for_best_model = "accuracy",
                               .use_cpu = true};
  Trainer trainer(model, args, train, eval, Callbacks(EarlyStoppingCallback({.early_stopping_patience = 3})));
  trainer.compute_loss_func = cross_entropy;
  trainer.compute_metrics = accuracy;
  trainer.train();

  EXPECT_EQ(entries("ck"), (Strings{"checkpoint-12", "checkpoint-4"}));
  const std::string weights_written = content("ck/checkpoint-12/model.safetensors");
  const std::string weights_expected = content(reference + "/model.safetensors");
  const std::size_t header = weights_expected.find("]}}") + 3;  // the end of the header
  EXPECT_EQ(weights_written.substr(0, header), weights_expected.substr(0, header));
  EXPECT_EQ(weights_written.size(), weights_expected.size());
  const auto tensors = load_safetensors("ck/checkpoint-12/model.safetensors");
  const auto expected = load_safetensors(reference + "/model.safetensors");
  for (const auto& [name, tensor] : *expected) EXPECT_TRUE(tensors->at(name).allclose(tensor, 1e-4, 1e-6)) << name;
  const std::string state = content("ck/checkpoint-12/trainer_state.json");
  EXPECT_EQ(to_five_digits(without_clock_values(state)),
            to_five_digits(without_clock_values(content(reference + "/trainer_state.json"))));
  EXPECT_EQ(nlohmann::json::parse(state).at("best_model_checkpoint"), "ck/checkpoint-4");
  fs::current_path(here);
}

// --- What is saved ---

TEST(Checkpoint, IsCompleteOnDiskWhenOnSaveHearsOfIt) {
  const std::string output = fresh_directory();
  TinyRun run({.output_dir = output, .max_steps = 4, .save_steps = 2});
  std::vector<int64_t> saved;
  run.hear([&](const Moment& moment) {
    if (!moment.checkpoint) return;
    saved.push_back(moment.checkpoint->step);
    EXPECT_EQ(moment.checkpoint->directory, output + "/checkpoint-" + std::to_string(moment.state.global_step));
    EXPECT_EQ(entries(moment.checkpoint->directory), kWholeCheckpoint);
  });
  run.trainer.train();
  EXPECT_EQ(saved, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(entries(output), (Strings{"checkpoint-2", "checkpoint-4"}));
}

TEST(Checkpoint, OfAStepThatIsSavedTwiceIsTheLaterOne) {
  const std::string output = fresh_directory();
  TinyRun run({.output_dir = output, .max_steps = 2, .save_steps = 2});
  std::vector<int64_t> saved;
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_epoch_end") moment.control.should_save = true;
    if (moment.checkpoint) saved.push_back(moment.checkpoint->step);
  });
  run.trainer.train();
  EXPECT_EQ(saved, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(entries(output), (Strings{"checkpoint-2"}));
}

TEST(Checkpoint, IsNotWrittenWithSaveStrategyNoAndNoFolderIsMade) {
  const std::string output = fresh_directory() + "/never";
  TinyRun run({.output_dir = output, .max_steps = 2, .save_strategy = SaveStrategy::no});
  run.trainer.train();
  EXPECT_FALSE(fs::exists(output));
}

TEST(Checkpoint, ThatFailsInTheMiddleIsOneSentenceAndLeavesTheLastGoodOneWhole) {
  const std::string output = fresh_directory();
  TinyRun run({.output_dir = output, .max_steps = 4, .save_steps = 1});
  std::string first;
  std::optional<RunEnd> end;
  std::string from = "?";
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  void (*const handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
  run.hear([&](const Moment& moment) {
    if (moment.end) end = *moment.end;
    if (moment.from) from = std::string(moment.from->name);
    if (!moment.checkpoint) return;
    first = content(output + "/checkpoint-1/model.safetensors");
    const rlimit full_disk{256, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full_disk);
  });
  std::string sentence;
  try {
    run.trainer.train();
  } catch (const std::runtime_error& error) {
    sentence = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  const std::string unfinished = output + "/.writing-checkpoint-2/training_args.json";
  EXPECT_EQ(sentence, "cannot write " + unfinished + ": File too large");
  EXPECT_EQ(from, "") << "no hook threw it";
  EXPECT_EQ(end->how, RunEnd::How::kFailed);
  EXPECT_EQ(end->reason, sentence);
  EXPECT_EQ(entries(output), (Strings{"checkpoint-1"}));
  EXPECT_EQ(entries(output + "/checkpoint-1"), kWholeCheckpoint);
  EXPECT_EQ(content(output + "/checkpoint-1/model.safetensors"), first);
}

TEST(SaveModel, WritesWeightsThatAnotherModelLoads) {
  const std::string output = fresh_directory();
  TinyRun run({.output_dir = output, .max_steps = 2, .save_strategy = SaveStrategy::no});
  run.trainer.train();
  run.trainer.save_model();
  EXPECT_EQ(entries(output), (Strings{"model.safetensors", "training_args.json"}));
  run.trainer.save_model(output + "/elsewhere");
  TinyRun other({});
  EXPECT_NE(weights(other), weights(run));
  const auto tensors = load_safetensors(output + "/elsewhere/model.safetensors");
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_TRUE(load_state_dict(*other.model, *tensors, /*strict=*/true).ok());
  EXPECT_EQ(weights(other), weights(run));
}

// --- The best model ---

// Four evaluations with these scores, each after two steps and each with a checkpoint.
struct Scored {
  explicit Scored(TrainingArguments args, std::vector<double> all_scores = {0.5, 0.75, 0.25, 0.5})
      : run(with_evaluations(args)), scores(std::move(all_scores)) {
    run.trainer.compute_metrics = [this](const EvalPrediction&) -> Metrics { return {{"score", scores.at(calls++)}}; };
    run.hear([this](const Moment& moment) {
      if (moment.event == "on_evaluate") at_evaluation.push_back(weights(run));
    });
    run.trainer.train();
  }
  static TrainingArguments with_evaluations(TrainingArguments args) {
    args.output_dir = fresh_directory();
    args.max_steps = 8;
    args.learning_rate = 0.1;
    args.eval_strategy = IntervalStrategy::steps;
    args.eval_steps = 2;
    args.save_steps = 2;
    args.metric_for_best_model = "score";
    return args;
  }
  const TrainerState& state() const { return run.trainer.state(); }
  Strings left() const { return entries(run.trainer.args().output_dir); }
  std::string directory(int64_t step) const {
    return run.trainer.args().output_dir + "/checkpoint-" + std::to_string(step);
  }

  TinyRun run;
  std::vector<double> scores;
  std::size_t calls = 0;
  std::vector<std::vector<float>> at_evaluation;
};

TEST(BestModel, IsLoadedAtTheEnd) {
  const Scored scored({.load_best_model_at_end = true});
  EXPECT_EQ(scored.state().best_metric, 0.75);
  EXPECT_EQ(scored.state().best_global_step, 4);
  EXPECT_EQ(scored.state().best_model_checkpoint, scored.directory(4));
  EXPECT_EQ(weights(scored.run), scored.at_evaluation[1]);
  EXPECT_NE(weights(scored.run), scored.at_evaluation[3]);
}

TEST(BestModel, IsOnlyNotedUnlessItShallBeLoaded) {
  const Scored scored({});
  EXPECT_EQ(scored.state().best_model_checkpoint, scored.directory(4));
  EXPECT_EQ(weights(scored.run), scored.at_evaluation[3]);
}

TEST(BestModel, IsTheLowestWhereGreaterIsNotBetter) {
  const Scored scored({.greater_is_better = false});
  EXPECT_EQ(scored.state().best_global_step, 6);
}

TEST(BestModel, SurvivesTheRotationBesideTheNewest) {
  const Scored scored({.save_total_limit = 2, .load_best_model_at_end = true});
  EXPECT_EQ(scored.left(), (Strings{"checkpoint-4", "checkpoint-8"}));
}

TEST(BestModel, IsTheOnlyOneLeftWithALimitOfOne) {
  const Scored scored({.save_total_limit = 1, .load_best_model_at_end = true});
  EXPECT_EQ(scored.left(), (Strings{"checkpoint-4"}));
  EXPECT_EQ(weights(scored.run), scored.at_evaluation[1]);
}

TEST(BestModel, IsAllThatIsSavedWithSaveStrategyBest) {
  const Scored scored({.save_strategy = SaveStrategy::best});
  EXPECT_EQ(scored.left(), (Strings{"checkpoint-2", "checkpoint-4"}));
}

TEST(BestModel, OfAnEarlierRunIsNotTakenForThatOfTheSecond) {
  Scored scored({.load_best_model_at_end = true}, {0.5, 0.75, 0.25, 0.5, 0.1, 0.2, 0.4, 0.3});
  scored.run.trainer.train();
  EXPECT_EQ(scored.state().best_global_step, 6);
  EXPECT_EQ(scored.state().best_metric, 0.4);
  EXPECT_EQ(weights(scored.run), scored.at_evaluation[6]);
}

}  // namespace
}  // namespace downbeat
