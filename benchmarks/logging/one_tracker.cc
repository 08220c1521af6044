// One process of the logging benchmark: what one on_log with ten numbers costs the thread that trains.
//
//   one_tracker TRACKERS OUTPUT_DIR LINES       TRACKERS as --report_to takes them: tensorboard, all, none
//
// Prints the nanoseconds of each call, sorted, at the median and at the 99th percentile, and the seconds that the
// writing thread needed after the last one. Between two calls lie 100 µs of other work, as in a fast training.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "integrations/report_to.h"

namespace {

using Clock = std::chrono::steady_clock;

int64_t nanoseconds_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

void work_for(std::chrono::microseconds time) {
  const Clock::time_point start = Clock::now();
  while (Clock::now() - start < time) {
  }
}

downbeat::Logs ten_numbers(int64_t line) {
  downbeat::Logs logs;
  for (const char* name : {"loss", "grad_norm", "learning_rate", "epoch", "tokens_per_second", "accuracy", "perplexity",
                           "entropy", "value_loss", "policy_loss"}) {
    logs[name] = 1.0 / static_cast<double>(line + 1);
  }
  return logs;
}

void measure(const std::string& trackers, const std::string& output_dir, int64_t lines) {
  const downbeat::TrainingArguments args{.output_dir = output_dir, .report_to = absl::StrSplit(trackers, ',')};
  downbeat::TrainerState state(args);
  downbeat::TrainerControl control;
  std::vector<int64_t> times;
  Clock::time_point end;
  {
    auto handler = downbeat::report_to(args);
    handler.on_init_end(args, state, control);
    handler.on_train_begin(args, state, control);
    for (int64_t line = 0; line < lines; ++line) {
      downbeat::Logs logs = ten_numbers(line);
      ++state.global_step;
      work_for(std::chrono::microseconds(100));
      const Clock::time_point start = Clock::now();
      handler.on_log(args, state, control, logs);
      times.push_back(nanoseconds_since(start));
    }
    end = Clock::now();
    handler.on_train_end(args, state, control, downbeat::RunEnd{});
  }
  const int64_t drained = nanoseconds_since(end);
  std::sort(times.begin(), times.end());
  std::cout << times[times.size() / 2] << " " << times[times.size() * 99 / 100] << " "
            << static_cast<double>(drained) * 1e-9 << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  int64_t lines = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[3], &lines) || lines < 1) {
    std::cerr << "one_tracker TRACKERS OUTPUT_DIR LINES\n";
    return 1;
  }
  try {
    measure(argv[1], argv[2], lines);
  } catch (const std::exception& exception) {
    std::cerr << exception.what() << "\n";
    return 1;
  }
  return 0;
}
