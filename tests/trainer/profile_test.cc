// ProfileCallback in a real training: its phases are those of Trainer's loop.
#include "callbacks/profile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/trainer/support/files.h"
#include "tests/trainer/support/tiny.h"

namespace downbeat {
namespace {

using Strings = std::vector<std::string>;

struct Phase {
  std::string name;
  int64_t begin;  // nanoseconds
  int64_t end;
};

std::vector<Phase> phases_of(const std::string& path) {
  const auto trace = nlohmann::json::parse(std::ifstream(path));
  std::vector<Phase> phases;
  std::vector<std::optional<std::size_t>> open;  // those that are phases
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("tid") != 1 || event.at("ph") == "M") continue;
    const int64_t time = std::llround(event.at("ts").get<double>() * 1000);
    if (event.at("ph") == "B") {
      const bool is_phase = event.at("cat") == "phase";
      open.push_back(is_phase ? std::optional(phases.size()) : std::nullopt);
      if (is_phase) phases.push_back({event.at("name"), time, time});
    } else {
      if (open.back()) phases[*open.back()].end = time;
      open.pop_back();
    }
  }
  return phases;
}

int64_t clock_of_test() {  // counts the readings
  static int64_t readings = 0;
  return ++readings * 1000;
}

TEST(ProfileOfATraining, CoversTheRunWithThePhasesOfItsSteps) {
  const std::string directory = testing::fresh_directory();
  const std::string path = directory + "/profile.json";
  TrainingArguments args = testing::tiny_arguments({.output_dir = directory + "/out",
                                                    .max_steps = 2,
                                                    .gradient_accumulation_steps = 2,
                                                    .logging_steps = 1,
                                                    .eval_strategy = IntervalStrategy::steps,
                                                    .eval_steps = 2,
                                                    .save_strategy = SaveStrategy::steps,
                                                    .save_steps = 2});
  std::FILE* table = std::tmpfile();
  Trainer trainer(std::make_shared<testing::Tiny>(), args, testing::tiny_set(8), testing::tiny_set(3, 5),
                  Callbacks(ProfileCallback({.path = path, .table_stream = table, .clock = clock_of_test})));
  trainer.compute_loss_func = cross_entropy;
  const int64_t before = clock_of_test();
  trainer.train();
  const int64_t after = clock_of_test();
  std::fclose(table);

  const std::vector<Phase> phases = phases_of(path);
  Strings names;
  int64_t at = 0;
  for (const Phase& phase : phases) {
    if (phase.name != "callbacks") names.push_back(phase.name);
    EXPECT_EQ(phase.begin, at) << phase.name;
    at = phase.end;
  }
  // The first reading is the beginning of on_train_begin, the last the end of on_train_end.
  EXPECT_EQ(at, after - before - 2 * 1000);

  const Strings step = {"data",     "data",      "forward and backward", "data",   "forward and backward",
                        "clipping", "optimizer", "schedule, zero_grad",  "logging"};
  Strings expected = {"other"};
  expected.insert(expected.end(), step.begin(), step.end());
  for (const char* name : {"other", "other"}) expected.push_back(name);  // an epoch ends, another begins
  expected.insert(expected.end(), step.begin(), step.end());
  for (const char* name :
       {"evaluation", "evaluation", "evaluation", "evaluation", "saving", "other", "logging", "finishing"}) {
    expected.push_back(name);
  }
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace downbeat
