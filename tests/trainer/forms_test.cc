// Every form of model, data and callbacks that a Trainer takes, and the sentences it throws about what does not fit.
#include <ATen/TensorOperators.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "callbacks/vocabulary/message.h"
#include "tests/trainer/support/files.h"
#include "tests/trainer/support/tensors.h"
#include "tests/trainer/support/tiny.h"

namespace downbeat {
namespace {

using testing::fractions;
using testing::Tiny;
using testing::tiny_arguments;
using testing::tiny_set;
using testing::TinyRun;
using Strings = std::vector<std::string>;

double loss_of_step(const TrainerState& state) { return state.log_history.at(0).at("loss"); }

// The loss of Tiny's first step, which every form of the same model must have.
double expected_loss() {
  TinyRun run({.max_steps = 1, .logging_steps = 1});
  run.trainer.train();
  return loss_of_step(run.trainer.state());
}

template <class Trainer>
double loss_of(Trainer& trainer) {
  trainer.train();
  EXPECT_EQ(trainer.state().global_step, 1);
  return loss_of_step(trainer.state());
}

const TrainingArguments kOneStep = tiny_arguments({.max_steps = 1, .logging_steps = 1});

struct GivesModelOutput : Tiny {
  ModelOutput forward(const Batch& batch) {
    const at::Tensor logits = Tiny::forward(batch.inputs);
    return {.loss = batch.labels.defined() ? cross_entropy(logits, batch.labels) : at::Tensor(), .logits = logits};
  }
};
struct GivesPair : Tiny {
  std::pair<at::Tensor, at::Tensor> forward(const Batch& batch) {
    const at::Tensor logits = Tiny::forward(batch.inputs);
    return {cross_entropy(logits, batch.labels), logits};
  }
};

TEST(Model, MayReturnLossAndLogits) {
  Trainer trainer(std::make_shared<GivesModelOutput>(), kOneStep, tiny_set(8), tiny_set(3));
  trainer.compute_metrics = accuracy;
  EXPECT_EQ(loss_of(trainer), expected_loss());
  EXPECT_TRUE(trainer.evaluate().contains("eval_accuracy"));
  EXPECT_FALSE(trainer.predict(TensorDataset(fractions(4).view({2, 2}))).metrics.contains("test_loss"));
}

TEST(Model, MayReturnAPairOfLossAndLogits) {
  Trainer trainer(std::make_shared<GivesPair>(), kOneStep, tiny_set(8));
  EXPECT_EQ(loss_of(trainer), expected_loss());
}

struct TwoInputs {  // a batch of its own, with to()
  at::Tensor first, second, labels;
  TwoInputs to(at::Device device) const { return {first.to(device), second.to(device), labels.to(device)}; }
};
struct TwoInputsSet {
  int64_t size() const { return 8; }
  TwoInputs get_batch(Indices indices) const {
    const Batch batch = tiny_set(8).get_batch(indices);
    return {batch.inputs.slice(1, 0, 1), batch.inputs.slice(1, 1, 2), batch.labels};
  }
};
struct TakesTwoInputs : Tiny {
  at::Tensor forward(const TwoInputs& batch) { return Tiny::forward(at::cat({batch.first, batch.second}, 1)); }
};

TEST(Model, MayTakeABatchOfItsOwn) {
  Trainer trainer(std::make_shared<TakesTwoInputs>(), kOneStep, TwoInputsSet{}, TwoInputsSet{});
  trainer.compute_loss_func = cross_entropy;
  trainer.compute_metrics = accuracy;
  EXPECT_EQ(loss_of(trainer), expected_loss());
  EXPECT_TRUE(trainer.evaluate().contains("eval_accuracy")) << "metrics see its member labels";
}

struct Reconstruction {  // a batch without to() and without labels
  at::Tensor inputs;
};
struct ReconstructionSet {
  int64_t size() const { return 8; }
  at::Tensor get(int64_t index) const { return fractions(3, index); }
  Reconstruction collate(const std::vector<at::Tensor>& examples) const { return {at::stack(examples)}; }
};
struct Autoencoder : torch::nn::Module {
  Autoencoder() { scale = register_parameter("scale", at::ones({3})); }
  ModelOutput forward(const Reconstruction& batch) {
    return {.loss = (batch.inputs * (scale - 2)).square().mean(), .logits = {}};
  }
  at::Tensor scale;
};

TEST(Model, MayTakeABatchWithoutLabelsAndGiveNoLogits) {
  Trainer trainer(std::make_shared<Autoencoder>(), kOneStep, ReconstructionSet{}, ReconstructionSet{});
  EXPECT_GT(loss_of(trainer), 0);
  EXPECT_GT(trainer.evaluate().at("eval_loss"), 0);
}

TEST(Model, MayBeASequential) {
  torch::nn::Sequential model(torch::nn::Linear(2, 4), torch::nn::Linear(4, 3));
  Trainer trainer(model.ptr(), kOneStep, tiny_set(8), tiny_set(3));
  trainer.compute_loss_func = cross_entropy;
  EXPECT_GT(loss_of(trainer), 0);
}

TEST(ComputeLossFunc, IsCalledWithoutLabelsTooInTraining) {
  Trainer trainer(std::make_shared<Tiny>(), kOneStep, TensorDataset(fractions(16).view({8, 2})));
  trainer.compute_loss_func = [](const at::Tensor& logits, const at::Tensor& labels) {
    EXPECT_FALSE(labels.defined());
    return logits.square().mean();
  };
  EXPECT_GT(loss_of(trainer), 0);
}

struct WithDropout : Tiny {
  at::Tensor forward(const at::Tensor& inputs) { return Tiny::forward(at::dropout(inputs, 0.5, is_training())); }
};

TEST(Model, DropsNothingInEvaluation) {
  Trainer trainer(std::make_shared<WithDropout>(), kOneStep, tiny_set(8), tiny_set(3));
  trainer.compute_loss_func = cross_entropy;
  const double first = trainer.evaluate().at("eval_loss");
  EXPECT_EQ(trainer.evaluate().at("eval_loss"), first);
}

// --- Data ---

struct Examples {  // get() alone: stacked
  int64_t size() const { return 8; }
  std::pair<at::Tensor, int64_t> get(int64_t index) const { return {fractions(16).view({8, 2})[index], index % 3}; }
};

TEST(Data, OfSingleExamplesIsStacked) {
  Trainer trainer(std::make_shared<Tiny>(), kOneStep, Examples{});
  trainer.compute_loss_func = cross_entropy;
  EXPECT_EQ(loss_of(trainer), expected_loss());
}

TEST(Data, IsCollatedByDataCollatorInTrainingAndEvaluation) {
  Trainer trainer(std::make_shared<Tiny>(), kOneStep, Examples{}, Examples{});
  trainer.compute_loss_func = cross_entropy;
  int calls = 0;
  trainer.data_collator = [&](const std::vector<std::pair<at::Tensor, int64_t>>& examples) {
    ++calls;
    return default_data_collator(examples);
  };
  EXPECT_EQ(loss_of(trainer), expected_loss());
  EXPECT_EQ(calls, 1);
  trainer.evaluate();
  EXPECT_EQ(calls, 2);
}

TEST(Data, OfAnotherTypeCanBeEvaluated) {
  TinyRun run({});
  EXPECT_EQ(run.trainer.evaluate(Examples{}).at("eval_loss"), run.trainer.evaluate(tiny_set(8)).at("eval_loss"));
}

// --- Sentences ---

template <class Body>
std::string sentence_of(const Body& body) {
  try {
    body();
  } catch (const std::invalid_argument& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("not an invalid_argument: ") + error.what();
  }
  return "nothing was thrown";
}

std::string sentence_about(const TrainingArguments& args) {
  return sentence_of([&] { Trainer trainer(std::make_shared<Tiny>(), args, tiny_set(8)); });
}

// An evaluation set whose batches but the first are being made when the evaluation breaks off.
struct Watch {
  std::promise<void> broken;
  std::shared_future<void> is_broken{broken.get_future()};
  std::weak_ptr<int> set;
  std::atomic<int> reads_after_its_end = 0;
};
struct WatchedSet {
  explicit WatchedSet(std::shared_ptr<Watch> of) : watch(std::move(of)) { watch->set = life; }
  int64_t size() const { return 8; }
  Batch get_batch(Indices indices) const {
    const std::shared_ptr<Watch> own = watch;
    const Batch batch = tiny_set(8).get_batch(indices);
    if (indices[0] == 0) return batch;
    own->is_broken.wait();
    for (int i = 0; i < 10000; ++i) std::this_thread::yield();
    if (own->set.expired()) ++own->reads_after_its_end;
    return batch;
  }
  std::shared_ptr<Watch> watch;
  std::shared_ptr<int> life = std::make_shared<int>();
};
struct BreaksInEvaluation : Tiny {
  explicit BreaksInEvaluation(std::shared_ptr<Watch> of) : watch(std::move(of)) {}
  at::Tensor forward(const at::Tensor& inputs) {
    if (is_training()) return Tiny::forward(inputs);
    watch->broken.set_value();
    throw std::domain_error("broken");
  }
  std::shared_ptr<Watch> watch;
};

TEST(Data, IsKeptUntilTheWorkersOfABrokenEvaluationHaveEnded) {
  TrainingArguments args = kOneStep;
  args.per_device_eval_batch_size = 1;
  args.dataloader_num_workers = 2;
  const auto watch = std::make_shared<Watch>();
  {
    Trainer trainer(std::make_shared<BreaksInEvaluation>(watch), args, tiny_set(8), WatchedSet(watch));
    EXPECT_THROW(trainer.evaluate(), std::domain_error);
  }
  EXPECT_TRUE(watch->set.expired());
  EXPECT_EQ(watch->reads_after_its_end, 0);
}

TEST(Sentence, SaysThatThereIsNoLoss) {
  Trainer trainer(std::make_shared<Tiny>(), kOneStep, tiny_set(8));
  EXPECT_EQ(sentence_of([&] { trainer.train(); }),
            "the model returns no loss; set trainer.compute_loss_func, for example to downbeat::cross_entropy, or let "
            "forward() return a loss and logits");
}

TEST(Sentence, SaysThatTheTrainingSetIsEmpty) {
  Trainer trainer(std::make_shared<Tiny>(), kOneStep, tiny_set(0));
  trainer.compute_loss_func = cross_entropy;
  EXPECT_EQ(sentence_of([&] { trainer.train(); }), "the training set is empty");
}

TEST(Train, DoesNothingAsHuggingFaceWhereDropLastLeavesNoBatch) {
  TrainingArguments args = kOneStep;
  args.dataloader_drop_last = true;
  Trainer trainer(std::make_shared<Tiny>(), args, tiny_set(3));
  trainer.compute_loss_func = cross_entropy;
  EXPECT_EQ(trainer.train().global_step, 0);
}

TEST(Sentence, SaysThatAnEvaluationNeedsASet) {
  EXPECT_EQ(sentence_about({.eval_strategy = IntervalStrategy::epoch}),
            "eval_strategy=epoch needs an evaluation set; give one to Trainer or set eval_strategy=no");
  EXPECT_EQ(sentence_about({.eval_on_start = true}),
            "eval_on_start needs an evaluation set; give one to Trainer or set eval_on_start=false");
  Trainer trainer(std::make_shared<Tiny>(), kOneStep, tiny_set(8));
  EXPECT_EQ(sentence_of([&] { trainer.evaluate(); }),
            "evaluate() needs an evaluation set: give one to Trainer or to evaluate(dataset)");
}

struct Reports {
  static constexpr std::string_view report_to_name = "tensorboard";
  void on_log() {}
};

TEST(Sentence, SaysThatNobodyReportsWhereReportToAsks) {
  EXPECT_EQ(sentence_about({.report_to = {"wandb"}}),
            "report_to=wandb is asked for, but no callback in the tuple reports there; this program has no trackers");
  EXPECT_EQ(sentence_of([] {
              Trainer trainer(std::make_shared<Tiny>(), {.report_to = {"tensorboard", "wandb"}}, tiny_set(8),
                              Callbacks(Reports{}));
            }),
            "report_to=wandb is asked for, but no callback in the tuple reports there; there are tensorboard");
  EXPECT_EQ(sentence_about({.report_to = {"none"}}), "nothing was thrown");
  EXPECT_EQ(sentence_about({.report_to = {"all"}}), "nothing was thrown");
}

TEST(Sentence, SaysWhichArgumentIsWrong) {
  EXPECT_EQ(sentence_about({.per_device_train_batch_size = 0}), "per_device_train_batch_size=0 must be at least 1");
  EXPECT_EQ(sentence_about({.save_strategy = SaveStrategy::best}), "save_strategy=best needs metric_for_best_model");
}

TEST(Sentence, SaysThatTheOutputDirectoryCannotBeBeforeAnyStepIsMade) {
  const std::string file = testing::fresh_directory() + "/file";
  testing::write(file, "not a folder");
  const auto model = std::make_shared<Tiny>();
  Trainer trainer(model, tiny_arguments({.output_dir = file + "/run", .max_steps = 1}), tiny_set(8));
  trainer.compute_loss_func = cross_entropy;
  try {
    trainer.train();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "cannot create the directory " + file + "/run: Not a directory");
  }
  EXPECT_EQ(model->forwards, 0);
}

// --- Callbacks ---

struct ThatIsFirst {
  void on_log(Logs& logs) { logs["order"] = "user"; }
};
struct ThatIsDynamic {
  void on_log(Logs& logs) {
    logs["order"] = std::get<std::string>(*logs.find("order")) + " dynamic";
    EXPECT_EQ(logs.contains("total_flos"), has_total_flos) << "PrinterCallback, which removes it, is before";
  }
  bool has_total_flos = false;
};

TEST(DefaultCallbacks, StandInHuggingFacesOrder) {
  // Default flow first: its flags are seen, and can be taken back, by the user's; the run-time ones are last.
  struct TakesTheLogBack {
    void on_step_end(const TrainerState& state, TrainerControl& control) {
      EXPECT_EQ(control.should_log, state.global_step % 2 == 0) << "as default flow has set it";
      control.should_log = false;
    }
  };
  Trainer trainer(std::make_shared<Tiny>(), tiny_arguments({.max_steps = 2, .logging_steps = 2}), tiny_set(8),
                  Callbacks(TakesTheLogBack{}, ThatIsFirst{}));
  trainer.compute_loss_func = cross_entropy;
  trainer.add_callback(ThatIsDynamic{});
  const TrainOutput out = trainer.train();
  EXPECT_EQ(trainer.state().log_history.size(), 1) << "no line of step 2, only the last one";
  EXPECT_EQ(std::get<std::string>(*out.metrics.find("order")), "user dynamic");
}

TEST(DefaultCallbacks, PrintOrShowProgressAsDisableTqdmSays) {
  TrainingArguments args = kOneStep;
  const auto has_total_flos_at_the_end = [](const TrainingArguments& a) {
    Trainer trainer(std::make_shared<Tiny>(), a, tiny_set(8));
    trainer.compute_loss_func = cross_entropy;
    return trainer.train().metrics.contains("total_flos");
  };
  EXPECT_FALSE(has_total_flos_at_the_end(args)) << "PrinterCallback removes it";
  args.disable_tqdm = false;
  EXPECT_TRUE(has_total_flos_at_the_end(args));
}

TEST(RemoveCallback, TakesProgressOrPrinterAway) {
  Trainer trainer(std::make_shared<Tiny>(), kOneStep, tiny_set(8));
  trainer.compute_loss_func = cross_entropy;
  trainer.remove_callback<ProgressCallback>();  // is not there: nothing happens
  trainer.remove_callback<PrinterCallback>();
  ::testing::internal::CaptureStdout();
  EXPECT_TRUE(trainer.train().metrics.contains("total_flos"));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

TEST(RemoveCallback, TakesTheProgressBarAway) {
  TrainingArguments args = kOneStep;
  args.disable_tqdm = false;
  Trainer trainer(std::make_shared<Tiny>(), args, tiny_set(8));
  trainer.compute_loss_func = cross_entropy;
  trainer.remove_callback<ProgressCallback>();
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  trainer.train();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

struct Counts {
  void on_step_end() { ++steps; }
  int steps = 0;
};
class CountsVirtually : public DynamicCallback {
 public:
  void on_step_end(const TrainingArguments&, const TrainerState&, TrainerControl&) override { ++steps; }
  int steps = 0;
};

TEST(AddCallback, HearsFromThenOnUntilItIsRemovedOrPopped) {
  TinyRun run({.max_steps = 2});
  const auto virtual_one = std::make_shared<CountsVirtually>();
  run.trainer.add_callback(virtual_one);
  run.trainer.add_callback<Counts>();
  run.trainer.train();
  const std::shared_ptr<Counts> popped = run.trainer.pop_callback<Counts>();
  ASSERT_NE(popped, nullptr);
  EXPECT_EQ(popped->steps, 2);
  run.trainer.train();
  run.trainer.remove_callback<CountsVirtually>();
  run.trainer.train();
  EXPECT_EQ(popped->steps, 2);
  EXPECT_EQ(virtual_one->steps, 4);
  EXPECT_EQ(run.trainer.pop_callback<Counts>(), nullptr);
  run.trainer.remove_callback<Counts>();  // an absent class is ignored, as in HuggingFace
}

TEST(AddCallback, WorksInTheMiddleOfARun) {
  TinyRun run({.max_steps = 3});
  const auto late = std::make_shared<CountsVirtually>();
  run.hear([&](const testing::Moment& moment) {
    if (moment.event == "on_step_begin" && moment.state.global_step == 1) run.trainer.add_callback(late);
  });
  run.trainer.train();
  EXPECT_EQ(late->steps, 2);
}

}  // namespace
}  // namespace downbeat
