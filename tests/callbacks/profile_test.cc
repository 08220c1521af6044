#include "callbacks/profile.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/default_flow.h"
#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/pipeline/dynamic_callback_handler.h"
#include "callbacks/progress.h"
#include "callbacks/vocabulary/message.h"

namespace downbeat {

struct OfTheLibrary {  // not in an anonymous namespace
  void on_step_end() {}
};

namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

int64_t time_now = 0;  // nanoseconds: the tests' own clock, which moves only where they say so
int64_t clock_of_test() { return time_now; }
void pass(int64_t microseconds) { time_now += microseconds * 1000; }

struct Slow {
  int64_t microseconds = 0;
  void on_step_end() { pass(microseconds); }
};
struct Breaks {
  void on_step_end() {
    pass(4);
    throw std::domain_error("the hook broke");
  }
};
struct CallsBack {
  std::function<void()> call = [] {};
  void on_step_end() { call(); }
};

struct Slice {
  Slice(std::string given_name, std::string given_category, double microseconds, double duration = 0)
      : name(std::move(given_name)),
        category(std::move(given_category)),
        begin(std::llround(microseconds * 1000)),
        end(begin + std::llround(duration * 1000)) {}
  bool operator==(const Slice&) const = default;

  std::string name;
  std::string category;
  int64_t begin;  // nanoseconds
  int64_t end;
};
void PrintTo(const Slice& slice, std::ostream* out) {
  *out << slice.category << " " << slice.name << " " << slice.begin << " to " << slice.end << " ns";
}

struct Sum {
  int64_t calls = 0;
  double milliseconds = 0;
};

class ProfileTest : public testing::Test {
 protected:
  ProfileTest() {
    time_now = 1'000'000'123;  // a clock's zero means nothing
    std::filesystem::remove(path_);
  }
  ~ProfileTest() override { std::fclose(table_); }

  ProfileOptions options(ProfileOptions given = {}) {
    given.path = path_;
    given.table_stream = table_;
    given.clock = clock_of_test;
    return given;
  }

  // --- A run ---

  void begin(auto& handler) {
    handler.on_train_begin(args_, state_, control_);
    pass(7);
    handler.on_epoch_begin(args_, state_, control_);
  }
  void step(auto& handler, int64_t substeps = 1) {
    pass(10);
    handler.on_step_begin(args_, state_, control_);
    for (int64_t substep = 0; substep < substeps; ++substep) {
      if (substep > 0) handler.on_substep_end(args_, state_, control_);
      pass(1);
      handler.on_substep_begin(args_, state_, control_);
      pass(100);
    }
    handler.on_gradients_ready(args_, state_, control_);
    pass(2);
    handler.on_pre_optimizer_step(args_, state_, control_);
    pass(30);
    handler.on_optimizer_step(args_, state_, control_);
    pass(3);
    ++state_.global_step;
    handler.on_step_end(args_, state_, control_);
  }
  void end(auto& handler, const RunEnd& run_end = {}) {
    handler.on_epoch_end(args_, state_, control_);
    pass(5);
    handler.on_log(args_, state_, control_, Logs{});
    pass(6);
    handler.on_train_end(args_, state_, control_, run_end);
  }
  void train(auto& handler, int steps) {
    begin(handler);
    for (int i = 0; i < steps; ++i) step(handler);
    end(handler);
  }

  // --- What it left ---

  std::string table() const {
    std::fflush(table_);
    std::rewind(table_);
    std::string text;
    for (int c = std::fgetc(table_); c != EOF; c = std::fgetc(table_)) text.push_back(static_cast<char>(c));
    return text;
  }
  // "forward and backward" or "Slow on_step_end" -> its sum; "all" is that of the phases, then that of the hooks.
  std::multimap<std::string, Sum> sums() const {
    std::multimap<std::string, Sum> all;
    std::istringstream lines(table());
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.back() != '%') continue;
      std::istringstream words(line);
      Strings names;
      std::string word;
      while (words >> word && !std::isdigit(static_cast<unsigned char>(word[0]))) names.push_back(word);
      std::string name;
      for (const std::string& part : names) name += (name.empty() ? "" : " ") + part;
      Sum sum{.calls = std::stoll(word)};
      words >> sum.milliseconds;
      all.emplace(name, sum);
    }
    return all;
  }
  Sum sum(const std::string& name) const {
    const auto all = sums();
    const auto found = all.find(name);
    EXPECT_NE(found, all.end()) << name << " is not in\n" << table();
    return found == all.end() ? Sum{} : found->second;
  }
  double microseconds_of(const std::string& name) const { return sum(name).milliseconds * 1000; }

  // The trace, each of its events looked at as the format says.
  Json trace() const {
    const Json trace = Json::parse(std::ifstream(path_));
    for (const Json& event : trace.at("traceEvents")) {
      EXPECT_TRUE(event.at("pid").is_number_integer()) << event;
      EXPECT_TRUE(event.at("tid").is_number_integer()) << event;
      const std::string kind = event.at("ph");
      EXPECT_TRUE(kind == "M" || event.at("ts").get<double>() >= 0) << event;
      EXPECT_TRUE(kind == "E" || event.at("name").is_string()) << event;
      if (kind == "M") {
        EXPECT_TRUE(event.at("args").is_object()) << event;
      } else if (kind == "i") {
        EXPECT_EQ(event.at("s"), "g");
      } else {
        EXPECT_TRUE(kind == "B" || kind == "E") << event;
      }
    }
    return trace;
  }
  // The slices in the order of their beginnings. Each ends, the innermost first, and time never goes back.
  static std::vector<Slice> row_of(const Json& trace, int row) {
    std::vector<Slice> slices;
    std::vector<size_t> open;
    int64_t now = 0;
    for (const Json& event : trace.at("traceEvents")) {
      if (event.at("tid") != row || event.at("ph") == "M" || event.at("ph") == "i") continue;
      const int64_t before = std::exchange(now, std::llround(event.at("ts").get<double>() * 1000));
      EXPECT_LE(before, now) << event;
      if (event.at("ph") == "B") {
        open.push_back(slices.size());
        slices.emplace_back(event.at("name"), event.at("cat"), event.at("ts"));
      } else if (open.empty()) {
        ADD_FAILURE() << "an end without a beginning: " << event;
      } else {
        slices[open.back()].end = now;
        open.pop_back();
      }
    }
    EXPECT_TRUE(open.empty()) << open.size() << " slices never end";
    return slices;
  }
  std::vector<Slice> row(int row) const { return row_of(trace(), row); }
  std::vector<Slice> slices_of(const std::string& category) const {
    std::vector<Slice> found;
    for (int tid : {1, 2}) {
      for (const Slice& slice : row(tid)) {
        if (slice.category == category) found.push_back(slice);
      }
    }
    return found;
  }
  Strings names_of(const std::string& category) const {
    Strings names;
    for (const Slice& slice : slices_of(category)) names.push_back(slice.name);
    return names;
  }
  bool has_trace() const { return std::filesystem::exists(path_); }

  const std::string path_ =
      testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name() + ".profile.json";
  std::FILE* table_ = std::tmpfile();
  TrainingArguments args_;
  TrainerState state_;
  TrainerControl control_;
};

TEST_F(ProfileTest, NamesThePhasesOfAStepByWhatHappens) {
  CallbackHandler handler(ProfileCallback(options()), Slow{9});
  train(handler, 1);
  EXPECT_EQ(row(1), (std::vector<Slice>{
                        {"other", "phase", 0, 7},
                        {"data", "phase", 7, 10},
                        {"step", "step", 17, 1 + 100 + 2 + 30 + 3 + 9},
                        {"data", "phase", 17, 1},
                        {"forward and backward", "phase", 18, 100},
                        {"clipping", "phase", 118, 2},
                        {"optimizer", "phase", 120, 30},
                        {"schedule, zero_grad", "phase", 150, 3},
                        {"callbacks", "phase", 153, 9},
                        {"other", "phase", 162, 0},
                        {"logging", "phase", 162, 5},
                        {"finishing", "phase", 167, 6},
                    }));
  EXPECT_EQ(row(2),
            (std::vector<Slice>{{"on_step_end", "event", 153, 9}, {"downbeat::Slow::on_step_end", "hook", 153, 9}}));
}

TEST_F(ProfileTest, NamesWhatLiesBetweenSteps) {
  CallbackHandler handler{ProfileCallback(options())};
  begin(handler);
  step(handler, 2);
  handler.on_log(args_, state_, control_, Logs{});
  handler.on_evaluate_begin(args_, state_, control_, PredictionProgress{});
  pass(50);
  handler.on_prediction_step(args_, state_, control_, PredictionProgress{});
  handler.on_log(args_, state_, control_, Logs{});
  handler.on_evaluate(args_, state_, control_, Metrics{});
  pass(80);
  handler.on_save(args_, state_, control_, Checkpoint{});
  step(handler);
  end(handler);
  EXPECT_EQ(names_of("phase"), (Strings{"other",
                                        "data",
                                        "data",
                                        "forward and backward",
                                        "data",
                                        "forward and backward",
                                        "clipping",
                                        "optimizer",
                                        "schedule, zero_grad",
                                        "logging",
                                        "evaluation",
                                        "evaluation",
                                        "evaluation",
                                        "evaluation",
                                        "saving",
                                        "data",
                                        "data",
                                        "forward and backward",
                                        "clipping",
                                        "optimizer",
                                        "schedule, zero_grad",
                                        "other",
                                        "logging",
                                        "finishing"}));
}

TEST_F(ProfileTest, CallsAnUndividedStepOfALoopOfOnesOwnSo) {
  CallbackHandler handler{ProfileCallback(options())};
  handler.on_train_begin(args_, state_, control_);
  handler.on_step_begin(args_, state_, control_);
  pass(5);
  handler.on_step_end(args_, state_, control_);
  handler.on_train_end(args_, state_, control_);
  EXPECT_EQ(names_of("phase"), (Strings{"data", "undivided step", "finishing"}));
}

TEST_F(ProfileTest, CoversTheRunWithPhases) {
  CallbackHandler handler(Slow{3}, ProfileCallback(options()), Slow{2});
  const int64_t before = time_now;
  train(handler, 3);
  int64_t at = 0;
  for (const Slice& phase : slices_of("phase")) {
    EXPECT_EQ(phase.begin, at);
    at = phase.end;
  }
  EXPECT_EQ(at, time_now - before);
}

TEST_F(ProfileTest, PrintsATable) {
  CallbackHandler handler(Slow{40}, ProfileCallback(options()), with_key<"second">(Slow{8}));
  train(handler, 2);
  EXPECT_EQ(table(), "profile of 2 steps, 0.406 ms; training completed; trace: " + path_ + R"(
phase                        calls      total ms       mean us   share
data                             4         0.022         5.500    5.4%
forward and backward             2         0.200       100.000   49.3%
clipping                         2         0.004         2.000    1.0%
optimizer                        2         0.060        30.000   14.8%
schedule, zero_grad              2         0.006         3.000    1.5%
logging                          1         0.005         5.000    1.2%
finishing                        1         0.006         6.000    1.5%
other                            2         0.007         3.500    1.7%
callbacks                        2         0.096        48.000   23.6%
all                             18         0.406        22.556  100.0%

callback                event             calls      total ms       mean us   share
downbeat::Slow          on_step_end           2         0.080        40.000   19.7%
downbeat::Slow[second]  on_step_end           2         0.016         8.000    3.9%
all                                           4         0.096        24.000   23.6%
)");
}

TEST_F(ProfileTest, AddsUpInTheTableWhatIsInTheTrace) {
  CallbackHandler handler(DefaultFlowCallback{}, Slow{40}, ProfileCallback(options()), with_key<"second">(Slow{8}));
  train(handler, 5);
  std::map<std::string, std::pair<int64_t, int64_t>> of_trace;
  for (const Slice& slice : slices_of("phase")) {
    auto& [calls, nanoseconds] = of_trace[slice.name];
    ++calls, nanoseconds += slice.end - slice.begin;
  }
  for (const Slice& slice : slices_of("hook")) {
    std::string name = slice.name;
    auto& [calls, nanoseconds] = of_trace[name.replace(name.rfind("::"), 2, " ")];
    ++calls, nanoseconds += slice.end - slice.begin;
  }
  size_t rows = 0;
  for (const auto& [name, sum] : sums()) {
    if (name == "all") continue;
    ++rows;
    EXPECT_EQ(of_trace[name].first, sum.calls) << name;
    EXPECT_EQ(of_trace[name].second, std::llround(sum.milliseconds * 1e6)) << name;
  }
  EXPECT_EQ(rows, of_trace.size());
}

TEST_F(ProfileTest, MeasuresAllCallbacksWhereverItStandsAndHoweverTheyAreHeld) {
  std::FILE* nowhere = std::tmpfile();
  Slow mine{5};
  DynamicCallbacks list;
  list.add_callback(Slow{6});
  auto handler = Callbacks(
      DefaultFlowCallback{}, Callbacks(Slow{1}, std::optional(OfTheLibrary{})),
      std::optional(ProfileCallback(options())), std::optional<Breaks>(), std::ref(mine),
      ProgressCallback({.bar_stream = nowhere, .log_stream = nowhere, .clock = [] { return 0.0; }}), std::move(list));
  train(handler, 2);
  EXPECT_EQ(sum("downbeat::DefaultFlowCallback on_step_end").calls, 2);
  EXPECT_EQ(sum("downbeat::ProgressCallback on_train_begin").calls, 1);
  EXPECT_EQ(sum("downbeat::ProgressCallback on_train_end").calls, 1);
  EXPECT_EQ(sum("downbeat::OfTheLibrary on_step_end").calls, 2);
  EXPECT_DOUBLE_EQ(microseconds_of("downbeat::Slow on_step_end"), 2);
  EXPECT_DOUBLE_EQ(microseconds_of("downbeat::Slow[2] on_step_end"), 10);
  EXPECT_DOUBLE_EQ(microseconds_of("downbeat::DynamicCallbacks on_step_end"), 12);
  EXPECT_EQ(sums().count("downbeat::Breaks on_step_end"), 0u);
  std::fclose(nowhere);
}

TEST_F(ProfileTest, LeavesAnEmptyListOut) {
  CallbackHandler handler(ProfileCallback(options()), DynamicCallbacks{});
  train(handler, 1);
  EXPECT_EQ(row(2), std::vector<Slice>{});
}

TEST_F(ProfileTest, NamesProcessAndRows) {
  CallbackHandler handler{ProfileCallback(options())};
  train(handler, 1);
  std::map<std::pair<std::string, int>, Json> metadata;
  const Json trace = this->trace();
  for (const Json& event : trace.at("traceEvents")) {
    if (event.at("ph") == "M") metadata[{event.at("name"), event.at("tid")}] = event.at("args");
  }
  EXPECT_EQ(metadata, (decltype(metadata){{{"process_name", 0}, {{"name", "downbeat"}}},
                                          {{"thread_name", 1}, {{"name", "phases"}}},
                                          {{"thread_name", 2}, {{"name", "callbacks"}}},
                                          {{"thread_sort_index", 1}, {{"sort_index", 1}}},
                                          {{"thread_sort_index", 2}, {{"sort_index", 2}}}}));
}

TEST_F(ProfileTest, NumbersTheStepsAsTheRunDoes) {
  state_.global_step = 40;  // resumed
  CallbackHandler handler{ProfileCallback(options())};
  train(handler, 2);
  std::vector<int64_t> steps;
  const Json trace = this->trace();
  for (const Json& event : trace.at("traceEvents")) {
    if (event.value("name", "") == "step") steps.push_back(event.at("args").at("step"));
  }
  EXPECT_EQ(steps, (std::vector<int64_t>{41, 42}));
  EXPECT_EQ(trace.at("otherData").at("first_step"), 41);
}

TEST_F(ProfileTest, KeepsNanoseconds) {
  CallbackHandler handler{ProfileCallback(options())};
  handler.on_train_begin(args_, state_, control_);
  time_now += 1'002'003;
  handler.on_epoch_begin(args_, state_, control_);
  handler.on_train_end(args_, state_, control_);
  std::stringstream text;
  text << std::ifstream(path_).rdbuf();
  EXPECT_NE(text.str().find(R"("ts": 1002.003,)"), std::string::npos) << text.str();
}

// --- Ends ---

TEST_F(ProfileTest, MeasuresAHookThatThrowsAndWritesWhenTrainingFails) {
  CallbackHandler handler(ProfileCallback(options()), Breaks{}, Slow{1});
  begin(handler);
  EXPECT_THROW(step(handler), std::domain_error);
  pass(11);
  handler.on_exception(args_, state_, control_, std::exception_ptr(), EventName{"on_step_end"});
  handler.on_train_end(args_, state_, control_,
                       RunEnd{.how = RunEnd::How::kFailed, .reason = "the hook \"broke\"\nat 0x12"});
  EXPECT_DOUBLE_EQ(microseconds_of("downbeat::Breaks on_step_end"), 4);
  EXPECT_DOUBLE_EQ(microseconds_of("callbacks"), 4);
  EXPECT_EQ(row(2),
            (std::vector<Slice>{{"on_step_end", "event", 153, 4}, {"downbeat::Breaks::on_step_end", "hook", 153, 4}}));
  EXPECT_EQ(trace().at("otherData").at("how"), "failed");
  EXPECT_EQ(trace().at("otherData").at("reason"), "the hook \"broke\"\nat 0x12");
  EXPECT_EQ(table().substr(0, table().find(';', table().find(';') + 1)),
            "profile of 1 steps, 0.168 ms; training failed (the hook \"broke\")");
}

TEST_F(ProfileTest, NamesThePhaseInWhichSomethingWasThrown) {
  CallbackHandler handler{ProfileCallback(options())};
  begin(handler);
  handler.on_step_begin(args_, state_, control_);
  handler.on_substep_begin(args_, state_, control_);
  pass(60);
  handler.on_exception(args_, state_, control_, std::exception_ptr(), EventName{});
  handler.on_train_end(args_, state_, control_, RunEnd{.how = RunEnd::How::kFailed});
  EXPECT_DOUBLE_EQ(microseconds_of("forward and backward"), 60);
}

TEST_F(ProfileTest, SaysHowTheRunEnded) {
  const std::vector<std::pair<RunEnd::How, std::string>> ends = {{RunEnd::How::kCompleted, "completed"},
                                                                 {RunEnd::How::kStopped, "stopped"},
                                                                 {RunEnd::How::kInterrupted, "interrupted"},
                                                                 {RunEnd::How::kFailed, "failed"}};
  for (const auto& [how, name] : ends) {
    CallbackHandler handler{ProfileCallback(options())};
    begin(handler);
    end(handler, {.how = how, .reason = "of " + name});
    EXPECT_EQ(trace().at("otherData").at("how"), name);
    EXPECT_NE(table().find("training " + name + " (of " + name + ")"), std::string::npos) << table();
  }
}

TEST_F(ProfileTest, MeasuresTheLastHooksToo) {
  struct SlowAtTheEnd {
    void on_train_end() { pass(70); }
  };
  CallbackHandler handler(ProfileCallback(options()), SlowAtTheEnd{});
  train(handler, 1);
  EXPECT_EQ(names_of("hook").size(), 1u);
  EXPECT_DOUBLE_EQ(microseconds_of("callbacks"), 70);
}

// --- Limits and options ---

TEST_F(ProfileTest, StopsTheTraceAtItsLimitButNotTheTable) {
  CallbackHandler handler(ProfileCallback(options({.max_events = 6})), Slow{9});
  train(handler, 3);
  const Json trace = this->trace();
  size_t slices = 0;
  Strings marks;
  for (const Json& event : trace.at("traceEvents")) {
    if (event.at("ph") == "B") ++slices;
    if (event.at("ph") == "i") marks.push_back(event.at("name"));
  }
  EXPECT_EQ(slices, 6u);
  // 6 outside of the steps; in each of these itself, 7 phases, an event and a hook.
  const std::string left_out = std::to_string(5 + 3 * 10 - 6 - 1);
  EXPECT_EQ(marks, (Strings{"the trace is full: max_events=6, " + left_out + " events are left out"}));
  EXPECT_EQ(trace.at("otherData").at("events_left_out"), std::stoi(left_out));
  EXPECT_NE(table().find("The trace is full: max_events=6, " + left_out + " events are in this table only.\n"),
            std::string::npos)
      << table();
  EXPECT_EQ(sum("downbeat::Slow on_step_end").calls, 3);
  EXPECT_DOUBLE_EQ(microseconds_of("forward and backward"), 300);
}

TEST_F(ProfileTest, TakesALimitOfZero) {
  CallbackHandler handler(ProfileCallback(options({.max_events = 0})), Slow{9});
  train(handler, 1);
  EXPECT_EQ(row(1).size() + row(2).size(), 0u);
  EXPECT_EQ(sum("downbeat::Slow on_step_end").calls, 1);
}

TEST_F(ProfileTest, HoldsMoreThanAChunk) {
  CallbackHandler handler(ProfileCallback(options()), Slow{1});
  train(handler, 10'000);
  EXPECT_EQ(slices_of("hook").size(), 10'000u);
}

TEST_F(ProfileTest, MeasuresTheStepsAskedFor) {
  CallbackHandler handler(ProfileCallback(options({.skip_first_steps = 2, .steps = 3})), Slow{9});
  train(handler, 8);
  const std::vector<Slice> phases = row(1);
  EXPECT_EQ(phases.front(), (Slice{"step", "step", 0, 155}));
  EXPECT_EQ(phases.back(), (Slice{"data", "phase", 455, 10}));
  EXPECT_EQ(sum("downbeat::Slow on_step_end").calls, 3);
  EXPECT_EQ(sum("data").calls, 6);
  EXPECT_EQ(trace().at("otherData").at("first_step"), 3);
  EXPECT_EQ(table().substr(0, table().find(';')), "profile of 3 steps from step 3, 0.465 ms");
}

TEST_F(ProfileTest, MeasuresFromAStepOnToTheEnd) {
  CallbackHandler handler(ProfileCallback(options({.skip_first_steps = 2})), Slow{9});
  train(handler, 3);
  EXPECT_EQ(sum("downbeat::Slow on_step_end").calls, 1);
  EXPECT_EQ(names_of("phase").back(), "finishing");
}

TEST_F(ProfileTest, WritesAnEmptyProfileWhenAllStepsAreSkipped) {
  CallbackHandler handler(ProfileCallback(options({.skip_first_steps = 20})), Slow{9});
  train(handler, 3);
  EXPECT_EQ(row(1).size() + row(2).size(), 0u);
  EXPECT_EQ(table().substr(0, table().find(';')), "profile of 0 steps, 0.000 ms");
}

TEST_F(ProfileTest, RefusesNegativeNumbersWithASentence) {
  try {
    ProfileCallback profile({.max_events = -1});
    FAIL();
  } catch (const std::invalid_argument& refused) {
    EXPECT_STREQ(refused.what(), "ProfileCallback: max_events=-1 must not be negative");
  }
  EXPECT_THROW(ProfileCallback({.skip_first_steps = -1}), std::invalid_argument);
  EXPECT_THROW(ProfileCallback({.steps = -1}), std::invalid_argument);
}

TEST_F(ProfileTest, MeasuresWithTheSteadyClockUnlessTold) {
  CallbackHandler handler(ProfileCallback({.path = path_, .table_stream = table_}), Slow{1});
  train(handler, 2);
  EXPECT_EQ(sum("downbeat::Slow on_step_end").calls, 2);
  EXPECT_EQ(slices_of("step").size(), 2u);
}

// --- Files ---

TEST_F(ProfileTest, MakesTheFoldersOfItsFile) {
  const std::string folder = testing::TempDir() + "profiles";
  std::filesystem::remove_all(folder);
  ProfileOptions given = options();
  given.path = folder + "/of/a_run.json";
  CallbackHandler handler{ProfileCallback(given)};
  train(handler, 1);
  EXPECT_TRUE(std::filesystem::exists(given.path));
}

TEST_F(ProfileTest, WarnsOnceOfAFileThatCannotBeWrittenAndPrintsTheTable) {
  const std::string file = testing::TempDir() + "a_file";
  std::ofstream(file) << "no folder\n";
  ProfileOptions given = options();
  given.path = file + "/profile.json";
  const ScopedMessageCapture messages;
  CallbackHandler handler(ProfileCallback(given), Slow{9});
  train(handler, 1);
  EXPECT_EQ(messages.text(),
            "downbeat: warning: ProfileCallback cannot write \"" + given.path + "\": Not a directory\n");
  EXPECT_EQ(sum("downbeat::Slow on_step_end").calls, 1);
  EXPECT_EQ(table().find("trace:"), std::string::npos);
}

TEST_F(ProfileTest, WarnsOnceWhenTheDiskIsFull) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  ProfileOptions given = options();
  given.path = "/dev/full";
  const ScopedMessageCapture messages;
  CallbackHandler handler{ProfileCallback(given)};
  train(handler, 1);
  EXPECT_EQ(messages.text(),
            "downbeat: warning: ProfileCallback cannot write \"/dev/full\": No space left on device\n");
}

TEST_F(ProfileTest, WritesOnlyWhatIsAskedFor) {
  ProfileOptions only_trace = options();
  only_trace.table_stream = nullptr;
  CallbackHandler first{ProfileCallback(only_trace)};
  train(first, 1);
  EXPECT_TRUE(has_trace());
  EXPECT_EQ(table(), "");

  std::filesystem::remove(path_);
  ProfileOptions only_table = options();
  only_table.path.clear();
  CallbackHandler second{ProfileCallback(only_table)};
  train(second, 1);
  EXPECT_FALSE(has_trace());
  EXPECT_NE(table(), "");
}

TEST_F(ProfileTest, LeavesWritingToTheFirstProcess) {
  state_.is_world_process_zero = false;
  CallbackHandler handler(ProfileCallback(options()), Slow{9});
  train(handler, 1);
  EXPECT_FALSE(has_trace());
  EXPECT_EQ(table(), "");
}

// --- Several runs, and other than training ---

TEST_F(ProfileTest, BeginsAnewWithEachTraining) {
  CallbackHandler handler(ProfileCallback(options()), Slow{9});
  train(handler, 4);
  pass(1000);
  train(handler, 2);
  EXPECT_EQ(slices_of("step").size(), 2u);
  EXPECT_EQ(row(1).front().begin, 0);
  EXPECT_EQ(slices_of("hook").size(), 2u);
}

TEST_F(ProfileTest, BeginsAnewWhereATrainingNeverGotToItsEnd) {
  CallbackHandler handler(ProfileCallback(options()), Slow{9});
  begin(handler);
  step(handler);  // memory ran out, and the run begins with a smaller batch
  train(handler, 2);
  EXPECT_EQ(slices_of("step").size(), 2u);
}

TEST_F(ProfileTest, IsTheSameForTwoHandlersThatShareIt) {
  ProfileCallback profile(options());
  CallbackHandler first(std::ref(profile), Slow{9});
  train(first, 1);
  CallbackHandler second(OfTheLibrary{}, Slow{8}, std::ref(profile));
  train(second, 1);
  EXPECT_EQ(names_of("hook"), (Strings{"downbeat::OfTheLibrary::on_step_end", "downbeat::Slow::on_step_end"}));
}

TEST_F(ProfileTest, LeavesWhatIsNoTrainingOut) {
  CallbackHandler handler(ProfileCallback(options()), Slow{9});
  handler.on_init_end(args_, state_, control_);
  handler.on_evaluate_begin(args_, state_, control_, PredictionProgress{});
  handler.on_evaluate(args_, state_, control_, Metrics{});
  EXPECT_FALSE(has_trace());
  train(handler, 1);
  std::filesystem::remove(path_);
  handler.on_predict_begin(args_, state_, control_, PredictionProgress{});
  handler.on_predict(args_, state_, control_, Metrics{});
  handler.on_train_end(args_, state_, control_);  // without a beginning
  EXPECT_FALSE(has_trace());
}

TEST_F(ProfileTest, MovesInTheMiddleOfARun) {
  CallbackHandler first(Slow{5}, ProfileCallback(options()), OfTheLibrary{});
  begin(first);
  step(first);
  auto moved = std::move(first);
  step(moved);
  auto grown = std::move(moved).add(with_key<"new">(Slow{6}));
  step(grown);
  auto shrunk = std::move(grown).remove<OfTheLibrary>();
  step(shrunk);
  end(shrunk);
  EXPECT_DOUBLE_EQ(microseconds_of("downbeat::Slow on_step_end"), 20);
  EXPECT_EQ(sum("downbeat::OfTheLibrary on_step_end").calls, 3);
  EXPECT_EQ(sum("downbeat::Slow[new] on_step_end").calls, 2);
  EXPECT_EQ(slices_of("step").size(), 4u);
}

TEST_F(ProfileTest, CountsEventsWithinAHookAsTheHooksOwn) {
  CallbackHandler handler(CallsBack{}, ProfileCallback(options()), Slow{5});
  bool is_within = false;
  handler.get<CallsBack>().call = [&] {  // as who calls trainer.evaluate()
    if (std::exchange(is_within, true)) return;
    handler.on_evaluate_begin(args_, state_, control_, PredictionProgress{});
    pass(50);
    handler.on_step_end(args_, state_, control_);
  };
  train(handler, 1);
  EXPECT_EQ(row(2), (std::vector<Slice>{{"on_step_end", "event", 153, 60},
                                        {"downbeat::CallsBack::on_step_end", "hook", 153, 55},
                                        {"on_step_end", "event", 203, 5},
                                        {"downbeat::CallsBack::on_step_end", "hook", 203, 0},
                                        {"downbeat::Slow::on_step_end", "hook", 203, 5},
                                        {"downbeat::Slow::on_step_end", "hook", 208, 5}}));
  EXPECT_DOUBLE_EQ(microseconds_of("callbacks"), 60);
  EXPECT_EQ(sums().count("evaluation"), 0u);
  const auto all = sums();
  const auto phases = all.find("all");
  EXPECT_DOUBLE_EQ(phases->second.milliseconds, 0.224);
  EXPECT_DOUBLE_EQ(std::next(phases)->second.milliseconds, 0.060);
}

}  // namespace
}  // namespace downbeat
