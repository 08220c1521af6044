// The types a field of TrainingArguments may have: enumerations spelt as on the command line, and the two containers.
//
//   enum class Shape { circle, square };                                  // an own enumeration joins in with one line:
//   constexpr const char* names(Shape) { return "circle square"; }
//   to_string(Shape::square) == "square";  from_string<Shape>("circle") == Shape::circle;
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace downbeat {

enum class IntervalStrategy { no, steps, epoch };
enum class SaveStrategy { no, steps, epoch, best };
enum class SamplingStrategy { random, sequential, group_by_length, batch_rebalance };
enum class OptimizerNames { adamw_torch_fused, adamw_torch, sgd, adagrad, rmsprop, adafactor };
enum class TokensSeen { no, all, non_padding };
enum class LogLevel { detail, debug, info, warning, error, critical, passive };  // passive: leave the level as it is
enum class SchedulerType {
  linear,
  cosine,
  cosine_with_restarts,
  polynomial,
  constant,
  constant_with_warmup,
  inverse_sqrt,
  reduce_lr_on_plateau,
  cosine_with_min_lr,
  cosine_warmup_with_min_lr,
  warmup_stable_decay,
  greedy
};

// The enumerators' names in their order, a blank between two.
constexpr const char* names(IntervalStrategy) { return "no steps epoch"; }
constexpr const char* names(SaveStrategy) { return "no steps epoch best"; }
constexpr const char* names(SamplingStrategy) { return "random sequential group_by_length batch_rebalance"; }
constexpr const char* names(OptimizerNames) { return "adamw_torch_fused adamw_torch sgd adagrad rmsprop adafactor"; }
constexpr const char* names(TokensSeen) { return "no all non_padding"; }
constexpr const char* names(LogLevel) { return "detail debug info warning error critical passive"; }
constexpr const char* names(SchedulerType) {
  return "linear cosine cosine_with_restarts polynomial constant constant_with_warmup inverse_sqrt "
         "reduce_lr_on_plateau cosine_with_min_lr cosine_warmup_with_min_lr warmup_stable_decay greedy";
}

using Scalar = std::variant<bool, int64_t, double, std::string>;
using Kwargs = std::map<std::string, Scalar>;  // Python's dict of keyword arguments; JSON on the command line

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) { names(value); };

// "no steps epoch" as a list.
inline std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> all;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    all.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

std::string to_string(NamedEnum auto value) { return split_names(names(value)).at(static_cast<size_t>(value)); }

template <NamedEnum E>
std::optional<E> from_string(const std::string& name) {
  const std::vector<std::string> all = split_names(names(E{}));
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace downbeat
