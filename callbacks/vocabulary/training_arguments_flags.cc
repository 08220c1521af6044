#include "callbacks/vocabulary/training_arguments_flags.h"

#include <absl/flags/commandlineflag.h>
#include <absl/flags/reflection.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include "callbacks/vocabulary/nearest_name.h"
#include "callbacks/vocabulary/supported_values.h"
#include "callbacks/vocabulary/training_arguments_checks.h"

namespace downbeat {
namespace {

// ---- The program's own ABSL_FLAGs ----

bool belongs_to_abseil(const absl::CommandLineFlag& flag) {
  const std::string file(flag.Filename());
  return absl::StrContains(file, "absl/flags/") || absl::StrContains(file, "absl/log/");
}

absl::Status set_flag(absl::CommandLineFlag& flag, const std::string& text) {
  std::string error;
  if (flag.ParseFrom(text, &error)) return absl::OkStatus();
  const std::pair<std::string, std::string> parts = absl::StrSplit(error, absl::MaxSplits("; ", 1));
  return absl::InvalidArgumentError(
      absl::StrCat("is not a value that it takes", parts.second.empty() ? "" : ": ", parts.second));
}

void append_program_flags(std::vector<Argument>& rows) {
  for (const auto& named : absl::GetAllFlags()) {
    absl::CommandLineFlag& flag = *named.second;
    if (flag.IsRetired() || belongs_to_abseil(flag)) continue;
    Argument row{std::string(flag.Name()), "Arguments of this program", flag.Help(), "", flag.DefaultValue()};
    row.is_flag = flag.IsOfType<bool>();
    row.is_list = flag.IsOfType<std::vector<std::string>>();
    if (row.is_flag) row.negation = "no" + row.name;  // as Abseil's own parser has it
    row.set = [&flag](const std::string& text) { return set_flag(flag, text); };
    rows.push_back(std::move(row));
  }
}

// ---- Words ----

template <class... Parts>
absl::Status wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

bool is_value(const std::string& word) {
  double number;
  return !absl::StartsWith(word, "-") || word == "-" || absl::SimpleAtod(word, &number);
}

absl::Status check_described_once(const std::vector<Argument>& rows) {
  std::vector<std::string> names;
  for (const Argument& row : rows) names.push_back(row.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? absl::OkStatus() : wrong("--", *twice, " is described twice in this program");
}

absl::Status unknown(const std::string& name, const std::vector<Argument>& rows) {
  if (const char* why = refusal(name)) return wrong("--", name, " ", why);
  std::vector<std::string> names = {"help"};
  for (const Argument& row : rows) names.push_back(row.name);
  return wrong("no argument is called --", name, did_you_mean(name, names, "--", "; --help lists them all"));
}

absl::Status set_value(const Argument& row, const std::string& text) {
  absl::Status status = row.set(text);
  if (status.ok()) return status;
  if (!row.choices.empty()) status = not_among(text, row.choices);
  return wrong("--", row.name, "=", text, " ", std::string(status.message()));
}

// Takes the value that follows the name words[at], and moves `at` to the last word taken.
absl::Status set_from_next_words(const Argument& row, const std::vector<std::string>& words, size_t& at) {
  const size_t most = row.is_list ? words.size() : 1;
  std::vector<std::string> values;
  while (values.size() < most && at + 1 < words.size() && is_value(words[at + 1])) values.push_back(words[++at]);
  if (!values.empty()) return set_value(row, absl::StrJoin(values, ","));
  if (row.is_flag) return set_value(row, "true");
  return wrong("--", row.name, " needs a value");
}

// Sets the argument that words[at] names, and moves `at` to the last word taken.
absl::Status set_argument(const std::vector<Argument>& rows, const std::vector<std::string>& words, size_t& at) {
  const std::string& word = words[at];
  if (!absl::StartsWith(word, "--")) return wrong("'", word, "' is not the name of an argument; write --name=value");
  const size_t equals = std::min(word.find('='), word.size());
  const std::string name = absl::StrReplaceAll(word.substr(2, equals - 2), {{"-", "_"}});
  const bool has_value = equals < word.size();
  for (const Argument& row : rows) {
    if (row.name == name) {
      return has_value ? set_value(row, word.substr(equals + 1)) : set_from_next_words(row, words, at);
    }
    if (row.negation == name && !name.empty()) {
      return has_value ? wrong("--", name, " takes no value") : set_value(row, "false");
    }
  }
  return unknown(name, rows);
}

// ---- Help ----

constexpr size_t kWidth = 100, kIndent = 34;

// The text in lines of kWidth, each after the first begun with kIndent blanks.
std::string wrapped(const std::string& text) {
  std::string lines;
  size_t column = kIndent;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column + 1 + word.size() > kWidth) {
      absl::StrAppend(&lines, "\n", std::string(kIndent, ' '));
      column = kIndent;
    }
    absl::StrAppend(&lines, column == kIndent ? "" : " ", word);
    column += word.size() + (column == kIndent ? 0 : 1);
  }
  return lines;
}

// "(one of no, steps, epoch; default no)"
std::string facts(const Argument& row) {
  std::vector<std::string> parts;
  if (!row.choices.empty()) {
    parts.push_back(absl::StrCat(row.choices.size() == 1 ? "only " : "one of ", absl::StrJoin(row.choices, ", ")));
  } else if (!row.kind.empty()) {
    parts.push_back(row.kind);
  }
  if (!row.default_value.empty()) parts.push_back("default " + row.default_value);
  return parts.empty() ? "" : absl::StrCat(" (", absl::StrJoin(parts, "; "), ")");
}

std::string help_of_row(const Argument& row) {
  std::string name = "  --" + row.name;
  name += name.size() + 2 > kIndent ? "\n" + std::string(kIndent, ' ') : std::string(kIndent - name.size(), ' ');
  return absl::StrCat(name, wrapped(row.help + facts(row)), "\n");
}

std::vector<std::string> groups_in_order(const std::vector<Argument>& rows) {
  std::vector<std::string> groups;
  for (const Argument& row : rows) {
    if (std::count(groups.begin(), groups.end(), row.group) == 0) groups.push_back(row.group);
  }
  return groups;
}

}  // namespace

std::string struct_name(const std::type_info& type) {
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, nullptr),
                                                    std::free);
  const std::string full = name ? name.get() : type.name();
  const size_t colon = full.rfind("::");
  return colon == full.npos ? full : full.substr(colon + 2);
}

void append_arguments(TrainingArguments& args, std::vector<Argument>& rows) {
  TrainingArguments::describe([&](const char* name, auto member, const char* help, const char* group) {
    Argument row = argument_for(name, group, help, args.*member);
    if (const char* supported = supported_values(name)) row.choices = split_names(supported);
    rows.push_back(std::move(row));
  });
}

absl::Status parse_rows(const std::vector<std::string>& words, std::vector<Argument> rows, TrainingArguments& args) {
  append_program_flags(rows);
  if (absl::Status status = check_described_once(rows); !status.ok()) return status;
  for (size_t at = 0; at < words.size(); ++at) {
    if (absl::Status status = set_argument(rows, words, at); !status.ok()) return status;
  }
  const absl::Status status = validate(args);
  return status.ok() ? status : wrong("--", std::string(status.message()));
}

void parse_or_exit(int argc, char** argv, std::vector<Argument> rows, TrainingArguments& args) {
  const std::string program = argc > 0 ? argv[0] : "program";
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const bool asks_for_help =
      std::any_of(words.begin(), words.end(), [](auto& w) { return w == "--help" || w == "-h"; });
  if (asks_for_help) {
    std::cout << help_of_rows(program, std::move(rows)) << std::flush;
    std::exit(0);
  }
  if (const absl::Status status = parse_rows(words, std::move(rows), args); !status.ok()) {
    std::cerr << program << ": " << status.message() << std::endl;
    std::exit(1);
  }
}

std::string help_of_rows(const std::string& program, std::vector<Argument> rows) {
  append_program_flags(rows);
  std::string text = absl::StrCat("usage: ", program.substr(program.rfind('/') + 1), " [--name=value]...\n\n",
                                  "--name=value and --name value are the same. ",
                                  "Where true or false is asked for, --name alone is true.\n");
  for (const std::string& group : groups_in_order(rows)) {
    absl::StrAppend(&text, "\n", group, ":\n");
    for (const Argument& row : rows) {
      if (row.group == group) text += help_of_row(row);
    }
  }
  return text;
}

}  // namespace downbeat
