// Logs as Python prints a dict: {'loss': '0.4213', 'grad_norm': '1.302', 'epoch': '0.05'}.
//
// Numbers that are no integers are quoted, with four significant digits, as HuggingFace's callbacks print them. For
// JSON with all digits use python_json.h.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "callbacks/vocabulary/logs.h"

namespace downbeat {

// A text of more than max_str_len characters is replaced by a note that tells its length.
std::string python_dict(const Logs& logs, int64_t max_str_len = std::numeric_limits<int64_t>::max());

}  // namespace downbeat
