#include "trainer/optim/optimizer_arguments.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/nearest_name.h"

namespace downbeat {
namespace {

const std::vector<std::string>& flags() {
  static const auto& names = *new std::vector<std::string>{"nesterov", "centered"};
  return names;
}

// HuggingFace reads weight_decay here too, where it has no effect: the groups have their own.
std::vector<std::string> known_keys(OptimizerNames optim) {
  switch (optim) {
    case OptimizerNames::sgd:
      return {"momentum", "dampening", "weight_decay", "nesterov"};
    case OptimizerNames::adagrad:
      return {"lr_decay", "weight_decay", "eps"};
    case OptimizerNames::rmsprop:
      return {"momentum", "alpha", "eps", "weight_decay", "centered"};
    default:
      return {};
  }
}

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw std::invalid_argument(absl::StrCat(parts...));
}

void check(const TrainingArguments& args, const std::string& key, const std::string& value) {
  const std::vector<std::string> known = known_keys(args.optim);
  if (std::count(known.begin(), known.end(), key) == 0) {
    const std::string others = known.empty() ? "" : absl::StrCat("; it has ", absl::StrJoin(known, ", "));
    warn(absl::StrCat("optim_args: optim=", to_string(args.optim), " has no ", key, ", which is ignored",
                      did_you_mean(key, known, "", others)));
    return;
  }
  if (std::count(flags().begin(), flags().end(), key) > 0) return;
  double number = 0;
  if (!absl::SimpleAtod(value, &number)) refuse("optim_args: ", key, "=", value, " is not a number");
  if (key != "dampening" && !(number >= 0)) refuse("optim_args: ", key, "=", value, " must be at least 0");
}

}  // namespace

OptimizerArguments::OptimizerArguments(const TrainingArguments& args) {
  const std::string text = absl::StrReplaceAll(args.optim_args.value_or(""), {{" ", ""}});
  if (text.empty()) return;
  for (const std::string& item : std::vector<std::string>(absl::StrSplit(text, ','))) {
    const std::vector<std::string> parts = absl::StrSplit(item, '=');
    if (parts.size() != 2) refuse("optim_args: ", item.empty() ? "an empty item" : item, " is not key=value");
    check(args, parts[0], parts[1]);
    given_[parts[0]] = parts[1];
  }
  if (args.optim == OptimizerNames::sgd && flag("nesterov") &&
      (number("momentum", 0) <= 0 || number("dampening", 0) != 0)) {
    refuse("optim_args: nesterov needs a momentum above 0 and no dampening");
  }
}

double OptimizerArguments::number(const std::string& key, double otherwise) const {
  const auto found = given_.find(key);
  double value = otherwise;
  if (found != given_.end()) static_cast<void>(absl::SimpleAtod(found->second, &value));
  return value;
}

bool OptimizerArguments::flag(const std::string& key) const {
  const auto found = given_.find(key);
  if (found == given_.end()) return false;
  const std::string value = absl::AsciiStrToLower(found->second);
  return value == "true" || value == "1" || value == "yes";
}

}  // namespace downbeat
