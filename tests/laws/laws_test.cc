// The laws for Downbeat's own callbacks and for some that a user could write.
#include "tests/laws/laws.h"

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "callbacks/default_flow.h"
#include "callbacks/early_stopping.h"
#include "callbacks/printer.h"
#include "callbacks/progress.h"
#include "callbacks/trace.h"

namespace downbeat::laws {
namespace {

struct DefaultFlow {
  static auto make(const Place&) { return DefaultFlowCallback(); }
};
struct EarlyStopping {
  static auto make(const Place&) { return EarlyStoppingCallback({.early_stopping_patience = 2}); }
};
struct Printer {
  static auto make(const Place&) { return PrinterCallback(); }
};
struct Progress {
  static auto make(const Place& place) {
    return ProgressCallback({.bar_stream = place.stream(), .log_stream = place.stream(), .clock = [] { return 0.0; }});
  }
};
struct Trace {
  static auto make(const Place& place) { return TraceCallback({.path = place.path(), .added_events = true}); }
};

// Asks for everything at every event, so that a run has all there is.
struct Greedy {
  static auto make(const Place&) { return Greedy(); }
  void on_step_end(TrainerControl& control) {
    control.should_log = control.should_evaluate = control.should_save = true;
  }
  void on_epoch_end(TrainerControl& control) { control.should_log = control.should_save = true; }
  void on_evaluate(TrainerControl& control) { control.should_evaluate = true; }
};

// Steers by a state of its own, changes the logs, ends epochs early, and stops.
struct Stateful {
  static auto make(const Place&) { return Stateful(); }
  void on_step_end(const TrainerState& state, TrainerControl& control) {
    control.should_log = ++steps % 2 == 0;
    control.should_evaluate = steps % 5 == 0;
    control.should_epoch_stop = state.global_step == 6;
    if (steps == 21) control.stop_training("21 steps were counted");
  }
  void on_log(Logs& logs) { logs["steps"] = steps; }
  CallbackState state() const { return {.attributes = {{"steps", steps}}}; }
  void load_state(const CallbackState& state) { steps = std::get<int64_t>(state.attributes.at("steps")); }
  int64_t steps = 0;
};

// Hears events through one generic hook each.
struct Generic {
  static auto make(const Place&) { return Generic(); }
  void on_step_end(auto& event) { event.control().should_log = event.state().global_step % 3 == 1; }
  void on_log(auto& event) { event.logs()["generic"] = 1.0; }
};

struct Bystander {
  static auto make(const Place&) { return Quiet(); }
};

using Subjects =
    testing::Types<DefaultFlow, EarlyStopping, Printer, Progress, Trace, Greedy, Stateful, Generic, Bystander>;
struct ByClass {
  template <class Subject>
  static std::string GetName(int) {
    return std::string(contract::class_name<Subject>());
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Callbacks, Laws, Subjects, ByClass);

// What a whole run with the default flow leaves behind is HuggingFace's.
TEST(DefaultFlowInARun, LogsEvaluatesSavesAndStopsWhereTheArgumentsSay) {
  std::string heard;
  auto handler = Callbacks(DefaultFlowCallback(), Recorder(&heard));
  SyntheticRun run;
  run.begin(handler);
  run.finish(handler);
  std::vector<std::string> logs, evaluations, saves;
  std::istringstream lines(heard);
  for (std::string event, step, rest; lines >> event >> step && std::getline(lines, rest);) {
    if (event == "on_log" && rest.find(" loss") != std::string::npos) logs.push_back(step);
    if (event == "on_evaluate") evaluations.push_back(step);
    if (event == "on_save") saves.push_back(step);
  }
  using Steps = std::vector<std::string>;
  EXPECT_EQ(logs, (Steps{"3", "6", "9", "12", "15", "18", "21", "24"}));
  EXPECT_EQ(evaluations, (Steps{"4", "8", "12", "16", "20", "24"}));
  EXPECT_EQ(saves, (Steps{"8", "16", "24"}));
  EXPECT_TRUE(run.control.should_training_stop);
  EXPECT_FALSE(run.control.should_epoch_stop || run.control.should_log || run.control.should_evaluate ||
               run.control.should_save);
}

}  // namespace
}  // namespace downbeat::laws
