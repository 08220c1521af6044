#include "trainer/optim/scheduler_arguments.h"

#include <algorithm>
#include <stdexcept>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "callbacks/vocabulary/nearest_name.h"

namespace downbeat {
namespace {

std::vector<std::string> known_keys(SchedulerType type) {
  using enum SchedulerType;
  switch (type) {
    case cosine:
    case cosine_with_restarts:
      return {"num_cycles"};
    case polynomial:
      return {"lr_end", "power"};
    case inverse_sqrt:
      return {"timescale"};
    case cosine_with_min_lr:
      return {"num_cycles", "min_lr", "min_lr_rate"};
    case cosine_warmup_with_min_lr:
      return {"num_cycles", "min_lr", "min_lr_rate", "warmup_lr_rate"};
    case warmup_stable_decay:
      return {"num_decay_steps", "num_stable_steps", "warmup_type", "decay_type", "min_lr_ratio", "num_cycles"};
    case reduce_lr_on_plateau:
      return {"mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps"};
    case greedy:
      return {"mode",   "factor", "patience", "threshold", "threshold_mode", "cooldown",    "warmup",
              "min_lr", "max_lr", "eps",      "verbose",   "smooth",         "window_size", "reset_start"};
    default:
      return {};
  }
}

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw std::invalid_argument(absl::StrCat("lr_scheduler_kwargs: ", parts...));
}

// HuggingFace's _convert_str_dict.
Scalar converted(const Scalar& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (!text) return value;
  const std::string lower = absl::AsciiStrToLower(*text);
  if (lower == "true" || lower == "false") return lower == "true";
  const bool is_plain = !text->empty() && text->find_first_not_of("0123456789.") == std::string::npos;
  int64_t whole = 0;
  double number = 0;
  if (is_plain && absl::SimpleAtoi(*text, &whole)) return whole;
  if (is_plain && absl::SimpleAtod(*text, &number)) return number;
  return value;
}

}  // namespace

SchedulerArguments::SchedulerArguments(const TrainingArguments& args) : schedule_(to_string(args.lr_scheduler_type)) {
  using enum SchedulerType;
  if (args.lr_scheduler_type == constant || args.lr_scheduler_type == constant_with_warmup) return;
  const std::vector<std::string> known = known_keys(args.lr_scheduler_type);
  for (const auto& [key, value] : args.lr_scheduler_kwargs) {
    if (std::count(known.begin(), known.end(), key) == 0) {
      const std::string others =
          known.empty() ? ", it takes none" : absl::StrCat("; it has ", absl::StrJoin(known, ", "));
      refuse(schedule_, " has no ", key, did_you_mean(key, known, "", others));
    }
    given_[key] = converted(value);
  }
}

double SchedulerArguments::number(const std::string& key) const {
  const auto found = given_.find(key);
  if (found == given_.end()) refuse(schedule_, " needs ", key);
  if (const auto* number = std::get_if<double>(&found->second)) return *number;
  if (const auto* whole = std::get_if<int64_t>(&found->second)) return static_cast<double>(*whole);
  if (const auto* flag = std::get_if<bool>(&found->second)) return *flag ? 1.0 : 0.0;
  refuse(key, "=", std::get<std::string>(found->second), " is not a number");
}

bool SchedulerArguments::flag(const std::string& key, bool otherwise) const {
  const auto found = given_.find(key);
  if (found == given_.end()) return otherwise;
  if (const auto* flag = std::get_if<bool>(&found->second)) return *flag;
  refuse(key, " must be true or false");
}

std::string SchedulerArguments::one_of(const std::string& key, std::initializer_list<const char*> allowed,
                                       const std::string& otherwise) const {
  const auto found = given_.find(key);
  if (found == given_.end()) return otherwise;
  const auto* text = std::get_if<std::string>(&found->second);
  if (text && std::count(allowed.begin(), allowed.end(), *text) > 0) return *text;
  refuse(key, text ? "=" + *text : "", " must be one of ", absl::StrJoin(allowed, ", "));
}

}  // namespace downbeat
