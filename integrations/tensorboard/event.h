// Events of TensorBoard: each function gives the bytes of one Event message.
//
//   event_record(scalar_event(time, 10, "train/loss", 0.5))     // as it stands in the file
//
// `time` is in seconds since 1970. Text that is no UTF-8 would make a whole file unreadable: what is none in a tag or a
// text becomes U+FFFD. Source: event.proto, summary.proto and plugin_data.proto of tensorboard 2.21.0.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "integrations/tensorboard/histogram.h"

namespace downbeat {

std::string version_event(double time, int64_t step = 0);    // the first of every file
std::string session_start_event(double time, int64_t step);  // what was read before of this step and later is void
std::string scalar_event(double time, int64_t step, const std::string& tag, double value);  // kept as float32
std::string text_event(double time, int64_t step, const std::string& name, const std::string& text);
std::string histogram_event(double time, int64_t step, const std::string& tag, const Histogram& histogram);

// The page of hyperparameters. Numbers, texts and booleans are what they are, lists become JSON, and null is left out.
enum class SessionStatus { success = 1, failure = 2 };
std::string session_start_info_event(
    double time, const std::vector<std::pair<std::string, nlohmann::ordered_json>>& hyperparameters);
std::string session_end_info_event(double time, SessionStatus status);

// The event between its length and its checks.
std::string event_record(absl::string_view event);

}  // namespace downbeat
