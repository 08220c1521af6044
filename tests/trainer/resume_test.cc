// Runs that go on from a checkpoint. That they then equal HuggingFace's is shown by tests/parity.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "callbacks/vocabulary/message.h"
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
using testing::TinyRun;
using testing::write;
using Strings = std::vector<std::string>;

const Strings kFiles = {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"};

std::vector<float> weights(const TinyRun& run) {
  return floats(at::cat({run.model->weight.flatten(), run.model->bias}));
}

TrainingArguments six_steps(const std::string& output) {
  return {.output_dir = output, .max_steps = 6, .learning_rate = 0.1, .logging_steps = 1, .save_steps = 2};
}

// A folder with checkpoint-2, -4 and -6, and the weights at the end.
struct WholeRun {
  WholeRun() {
    TinyRun run(six_steps(output));
    run.trainer.train();
    end = weights(run);
  }
  std::string checkpoint(int step) const { return output + "/checkpoint-" + std::to_string(step); }
  void remove(int step) const { fs::remove_all(checkpoint(step)); }

  std::string output = fresh_directory();
  std::vector<float> end;
};

std::string sentence_of_training(TinyRun& run, const std::string& from) {
  try {
    run.trainer.train(from);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

TEST(Resume, GoesOnFromADirectoryToTheSameWeights) {
  const WholeRun whole;
  TinyRun run(six_steps(whole.output + "-another"));
  int64_t steps = 0;
  run.hear([&](const Moment& moment) { steps += moment.event == "on_step_end"; });
  const TrainOutput out = run.trainer.train(whole.checkpoint(4));
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(out.global_step, 6);
  EXPECT_EQ(weights(run), whole.end);
}

TEST(Resume, TellsCallbacksFromWhichCheckpointAfterItIsLoaded) {
  const WholeRun whole;
  TinyRun run(six_steps(whole.output));
  std::string directory;
  std::vector<float> then;
  run.hear([&](const Moment& moment) {
    if (moment.event != "on_load_checkpoint") return;
    directory = moment.checkpoint->directory;
    then = floats(moment.model.bias);
  });
  run.trainer.train(whole.checkpoint(4));
  EXPECT_EQ(directory, whole.checkpoint(4));
  EXPECT_EQ(then, floats(load_safetensors(whole.checkpoint(4) + "/model.safetensors")->at("bias")));
}

TEST(Resume, ByTrueTakesTheNewestOne) {
  const WholeRun whole;
  whole.remove(6);
  TrainingArguments args = six_steps(whole.output);
  args.resume_from_checkpoint = "true";
  TinyRun run(args);
  int64_t first = -1;
  run.hear([&](const Moment& moment) {
    if (moment.event == "on_train_begin") first = moment.state.global_step;
  });
  run.trainer.train();
  EXPECT_EQ(first, 4);
  EXPECT_EQ(weights(run), whole.end);
}

TEST(Resume, ByTrueNeedsOneAndByAutoDoesNot) {
  const std::string output = fresh_directory();
  TinyRun run(six_steps(output));
  EXPECT_EQ(sentence_of_training(run, "true"),
            "resume_from_checkpoint=true finds no checkpoint in " + output + "; auto begins anew where there is none");
  EXPECT_EQ(run.trainer.train("auto").global_step, 6);
}

TEST(Resume, NamesADirectoryThatIsNotThere) {
  TinyRun run(six_steps(fresh_directory()));
  EXPECT_EQ(sentence_of_training(run, "runs/none"), "there is no checkpoint runs/none");
}

// --- What is damaged ---

class DamagedNewest : public ::testing::TestWithParam<std::string> {};

TEST_P(DamagedNewest, IsPassedOverWithAWarningForTheOneBefore) {
  const WholeRun whole;
  const std::string file = whole.checkpoint(6) + "/" + GetParam();
  const std::string bytes = content(file);
  write(file, bytes.substr(0, bytes.size() / 2));
  for (const char* asked : {"true", "auto"}) {
    whole.remove(8);
    TinyRun run(six_steps(whole.output));
    const ScopedMessageCapture messages;
    int64_t first = -1;
    run.hear([&](const Moment& moment) {
      if (moment.event == "on_train_begin") first = moment.state.global_step;
      if (moment.event == "on_save") throw std::domain_error("far enough");  // what is damaged stays for the next turn
    });
    EXPECT_EQ(sentence_of_training(run, asked), "far enough");
    EXPECT_EQ(first, 4);
    EXPECT_TRUE(absl::StrContains(messages.text(), file)) << messages.text();
    EXPECT_TRUE(absl::StrContains(messages.text(), "it is passed over")) << messages.text();
    write(file, bytes.substr(0, bytes.size() / 2));
  }
}

TEST_P(DamagedNewest, IsASentenceWhereItIsAskedForByName) {
  const WholeRun whole;
  const std::string file = whole.checkpoint(6) + "/" + GetParam();
  write(file, content(file).substr(0, 20));
  TinyRun run(six_steps(whole.output));
  const std::vector<float> before = weights(run);
  const std::string sentence = sentence_of_training(run, whole.checkpoint(6));
  EXPECT_EQ(sentence.find(file + " is damaged: "), 0u) << sentence;
  EXPECT_EQ(weights(run), before);
  EXPECT_EQ(entries(whole.output), (Strings{"checkpoint-2", "checkpoint-4", "checkpoint-6"}));
}

INSTANTIATE_TEST_SUITE_P(Of, DamagedNewest, ::testing::ValuesIn(kFiles),
                         [](const auto& file) { return file.param.substr(0, file.param.find('.')); });

TEST(Resume, SaysThatEveryCheckpointIsDamaged) {
  const WholeRun whole;
  for (const int step : {2, 4, 6}) fs::remove(whole.checkpoint(step) + "/model.safetensors");
  TinyRun run(six_steps(whole.output));
  const ScopedMessageCapture messages;
  EXPECT_EQ(sentence_of_training(run, "auto"), "every checkpoint in " + whole.output + " is damaged");
  EXPECT_EQ(messages.lines().size(), 3u);
}

TEST(Resume, NeverTakesOneThatHuggingFaceHadNotFinished) {
  const WholeRun whole;
  write(whole.checkpoint(6) + "/checkpoint-is-incomplete.txt", "");
  TinyRun run(six_steps(whole.output));
  EXPECT_EQ(sentence_of_training(run, whole.checkpoint(6)),
            whole.checkpoint(6) + " is not complete: it has a checkpoint-is-incomplete.txt");
}

// --- What does not fit ---

TEST(Resume, NamesFileAndTensorOfAnotherModelsCheckpointAndChangesNothing) {
  const WholeRun whole;
  const std::string file = whole.checkpoint(4) + "/model.safetensors";
  StateDict tensors = *load_safetensors(file);
  tensors["weight"] = testing::fractions(8).view({4, 2});
  ASSERT_TRUE(save_safetensors(tensors, file).ok());
  TinyRun run(six_steps(whole.output));
  const std::vector<float> before = weights(run);
  EXPECT_EQ(sentence_of_training(run, whole.checkpoint(4)),
            file + ": weight has shape [4, 2] in the file but [3, 2] in the model");
  tensors.erase("weight");
  ASSERT_TRUE(save_safetensors(tensors, file).ok());
  EXPECT_EQ(sentence_of_training(run, whole.checkpoint(4)), file + ": the file lacks weight");
  EXPECT_EQ(weights(run), before);
}

TEST(Resume, SaysThatTheOptimizerIsAnotherOne) {
  const WholeRun whole;
  TrainingArguments args = six_steps(whole.output);
  args.optim = OptimizerNames::rmsprop;
  TinyRun run(args);
  const std::vector<float> before = weights(run);
  const std::string sentence = sentence_of_training(run, whole.checkpoint(4));
  EXPECT_EQ(sentence.find(whole.checkpoint(4) + "/optimizer.pt: "), 0u) << sentence;
  EXPECT_EQ(weights(run), before);
}

TEST(Resume, BeginsOptimizerAndScheduleAnewWhereOneOfThemIsMissingAndSaysSo) {
  const WholeRun whole;
  fs::remove(whole.checkpoint(4) + "/scheduler.pt");
  TinyRun run(six_steps(whole.output));
  const ScopedMessageCapture messages;
  EXPECT_EQ(run.trainer.train(whole.checkpoint(4)).global_step, 6);
  EXPECT_EQ(messages.lines().at(0), "downbeat: warning: there is no " + whole.checkpoint(4) +
                                        "/scheduler.pt: optimizer and schedule begin anew");
}

TEST(Resume, WithSaveOnlyModelHasTheWeightsAlone) {
  const std::string output = fresh_directory();
  TrainingArguments args = six_steps(output);
  args.save_only_model = true;
  TinyRun(args).trainer.train();
  EXPECT_EQ(entries(output + "/checkpoint-4"),
            (Strings{"model.safetensors", "trainer_state.json", "training_args.json"}));
  const ScopedMessageCapture messages;
  EXPECT_EQ(TinyRun(args).trainer.train(output + "/checkpoint-4").global_step, 6);
}

// --- Saving in the background ---

TEST(AsyncSave, WritesTheSameCheckpointsAndAnnouncesEachWhenItIsWhole) {
  const WholeRun whole;
  TrainingArguments args = six_steps(whole.output + "-async");
  args.async_save = true;
  TinyRun run(args);
  std::vector<int64_t> saved;
  run.hear([&](const Moment& moment) {
    if (moment.event != "on_save") return;
    saved.push_back(moment.checkpoint->step);
    EXPECT_TRUE(fs::exists(moment.checkpoint->directory + "/trainer_state.json"));
  });
  run.trainer.train();
  EXPECT_EQ(saved, (std::vector<int64_t>{2, 4, 6}));
  for (const int step : {2, 4, 6}) {
    const std::string checkpoint = args.output_dir + "/checkpoint-" + std::to_string(step);
    for (const char* file : {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"}) {
      EXPECT_EQ(content(checkpoint + "/" + file), content(whole.checkpoint(step) + "/" + file)) << file << step;
    }
  }
}

TEST(AsyncSave, ThrowsWhatWentWrongInTheBackgroundAndKeepsTheLastGoodCheckpoint) {
  TrainingArguments args = six_steps(fresh_directory());
  args.async_save = true;
  TinyRun run(args);
  // No file of more than 64 bytes can be written once the first checkpoint is whole, as on a full disk.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  run.hear([&](const Moment& moment) {
    if (moment.event != "on_save") return;
    const rlimit small{64, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  });
  const std::string sentence = sentence_of_training(run, "");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(absl::StrContains(sentence, "checkpoint-4")) << sentence;
  EXPECT_EQ(entries(args.output_dir), (Strings{"checkpoint-2"}));
}

}  // namespace
}  // namespace downbeat
