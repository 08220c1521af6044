// HuggingFace's argument parser: TrainingArguments, your own arguments and your ABSL_FLAGs from one command line.
//
//   struct DigitsArguments {                                        // a described struct: a plain aggregate
//     std::string csv = "digits.csv";
//     int hidden = 128;
//     static constexpr const char* kTitle = "Digits";               // title in --help; the struct's name if left out
//     static void describe(auto& field) {
//       field("csv", &DigitsArguments::csv, "File that holds the digits.");
//       field("hidden", &DigitsArguments::hidden, "Width of the hidden layer.");
//     }
//   };
//   DigitsArguments digits;
//   const TrainingArguments args = parse_training_arguments(argc, argv, digits);
//
//   digits --learning_rate=3e-3 --max-steps -1 --load_best_model_at_end --report_to tensorboard mlflow --hidden 64
//
// A field is a bool, int, int64_t, double, std::string, std::vector<std::string>, Kwargs, an enumeration with names()
// (argument_types.h), or a std::optional of one. --name=value and --name value are the same, - and _ too; a bool needs
// no value, and one that is true by default has a --no_name; a list is a,b or a b; the last of two same names wins.
// A program that takes its settings from elsewhere fills TrainingArguments itself and calls validate().
#pragma once

#include <absl/status/status.h>

#include <functional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <vector>

#include "callbacks/vocabulary/argument_values.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

// Returns what the command line says. On --help it prints all arguments and exits with 0; on a mistake it prints one
// sentence and exits with 1. `own` are described structs, filled too.
template <class... Own>
TrainingArguments parse_training_arguments(int argc, char** argv, Own&... own);

// The same for a program whose defaults differ: what the command line does not name keeps the value it has in `args`.
template <class... Own>
void parse_training_arguments_into(TrainingArguments& args, int argc, char** argv, Own&... own);

// The same for tests: returns the sentence, without the program's name. After a mistake some values may be set already.
template <class... Own>
absl::Status parse_arguments(const std::vector<std::string>& words, TrainingArguments& args, Own&... own);

// What --help prints. The defaults it shows are the values that args and own have now.
template <class... Own>
std::string help_text(const std::string& program, TrainingArguments& args, Own&... own);

// Implementation: every argument becomes one row, whatever its type and wherever it comes from.

struct Argument {
  std::string name, group, help, kind, default_value;
  std::vector<std::string> choices = {};  // of an enumeration
  bool is_flag = false, is_list = false;  // needs no value; takes several
  std::string negation = {};              // the name that means false, if there is one
  std::function<absl::Status(const std::string& text)> set = nullptr;
};

std::string struct_name(const std::type_info& type);
void append_arguments(TrainingArguments& args, std::vector<Argument>& rows);
absl::Status parse_rows(const std::vector<std::string>& words, std::vector<Argument> rows, TrainingArguments& args);
void parse_or_exit(int argc, char** argv, std::vector<Argument> rows, TrainingArguments& args);
std::string help_of_rows(const std::string& program, std::vector<Argument> rows);

template <class T>
Argument argument_for(const char* name, const std::string& group, const char* help, T& value) {
  static_assert(
      requires(std::string text) { from_text(text, value); },
      "downbeat: an argument is a bool, int, int64_t, double, std::string, std::vector<std::string>, Kwargs, "
      "an enumeration with names(), or a std::optional of one");
  Argument row{name, group, help, kind_of<T>(), to_text(value), choices_of<T>()};
  row.is_flag = row.kind == kind_of<bool>();
  row.is_list = row.kind == kind_of<std::vector<std::string>>();
  if (std::is_same_v<T, bool> && row.default_value == "true") row.negation = "no_" + row.name;
  row.set = [&value](const std::string& text) { return from_text(text, value); };
  return row;
}

template <class Struct>
void append_arguments(Struct& values, std::vector<Argument>& rows) {
  std::string title;
  if constexpr (requires { Struct::kTitle; }) {
    title = Struct::kTitle;
  } else {
    title = struct_name(typeid(Struct));
  }
  const auto field = [&](const char* name, auto member, const char* help) {
    rows.push_back(argument_for(name, title, help, values.*member));
  };
  Struct::describe(field);
}

template <class... Own>
std::vector<Argument> rows_of(TrainingArguments& args, Own&... own) {
  std::vector<Argument> rows;
  append_arguments(args, rows);
  (append_arguments(own, rows), ...);
  return rows;
}

template <class... Own>
TrainingArguments parse_training_arguments(int argc, char** argv, Own&... own) {
  TrainingArguments args;
  parse_training_arguments_into(args, argc, argv, own...);
  return args;
}

template <class... Own>
void parse_training_arguments_into(TrainingArguments& args, int argc, char** argv, Own&... own) {
  parse_or_exit(argc, argv, rows_of(args, own...), args);
}

template <class... Own>
absl::Status parse_arguments(const std::vector<std::string>& words, TrainingArguments& args, Own&... own) {
  return parse_rows(words, rows_of(args, own...), args);
}

template <class... Own>
std::string help_text(const std::string& program, TrainingArguments& args, Own&... own) {
  return help_of_rows(program, rows_of(args, own...));
}

}  // namespace downbeat
