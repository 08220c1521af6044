#include "callbacks/trace.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <variant>

#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/python_json.h"

namespace downbeat {
namespace {

using Json = nlohmann::ordered_json;

bool depends_on_clock(const std::string& name) {
  return absl::EndsWith(name, "_runtime") || absl::EndsWith(name, "_per_second") ||
         absl::EndsWith(name, "_model_preparation_time") || name == "total_flos";
}

Json json_of(const Logs& logs, bool clock_values_as_null) {
  Json out = Json::object();
  for (const auto& [name, value] : logs) {
    if (clock_values_as_null && depends_on_clock(name)) {
      out[name] = nullptr;
    } else if (name == "epoch") {
      out[name] = number_or(value, 0);  // a float even where it is whole
    } else {
      std::visit([&, &key = name](const auto& held) { out[key] = held; }, value);
    }
  }
  return out;
}

}  // namespace

// The file is emptied by the first event only, which the first process alone hears: all processes construct their
// callbacks, and the others must not take away what it has written.
TraceCallback::TraceCallback(TraceOptions options) : options_(std::move(options)) {
  file_.open(options_.path, std::ios::app);
  if (!file_) {
    throw std::runtime_error(
        absl::StrCat("TraceCallback cannot write to \"", options_.path, "\": ", std::strerror(errno)));
  }
}

void TraceCallback::write(std::string_view event, const TrainerState& state, const TrainerControl& control,
                          const Logs* logs) {
  if (failed_) return;
  if (!std::exchange(begun_, true)) {
    file_.close();
    file_.open(options_.path, std::ios::trunc);
  }
  Json line = {{"event", event},
               {"global_step", state.global_step},
               {"epoch", state.epoch},
               {"control",
                {{"should_training_stop", control.should_training_stop},
                 {"should_epoch_stop", control.should_epoch_stop},
                 {"should_save", control.should_save},
                 {"should_evaluate", control.should_evaluate},
                 {"should_log", control.should_log}}}};
  if (logs != nullptr) line[event == "on_log" ? "logs" : "metrics"] = json_of(*logs, options_.clock_values_as_null);
  file_ << python_json(line) + "\n" << std::flush;
  if (!file_) {
    failed_ = true;  // a full disk does not stop a run
    warn(absl::StrCat("TraceCallback cannot write to \"", options_.path, "\" any more: ", std::strerror(errno)));
  }
}

}  // namespace downbeat
