#include "integrations/codecarbon/cpu_table.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "integrations/codecarbon/csv.h"
#include "integrations/codecarbon/data/tables.h"

namespace downbeat {
namespace {

struct Cpu {
  std::string name;
  double watts = 0;  // 0 where the table's own value is garbled, as for four old Celerons
};

std::vector<Cpu> read_table() {
  const std::string_view text = codecarbon_data::cpu_power;
  std::vector<Cpu> table;
  for (const absl::string_view record : csv_records({text.data(), text.size()})) {
    const std::vector<std::string> fields = csv_fields(record);
    if (fields.size() != 2 || fields[0] == "Name") continue;
    double watts = 0;
    table.push_back({fields[0], absl::SimpleAtod(fields[1], &watts) ? watts : 0});
  }
  return table;
}

std::size_t after(const std::string& text, std::size_t at, bool (*kind)(unsigned char)) {
  while (at < text.size() && kind(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

// Where " @ 2.30GHz" ends that begins at `at`; `at` where it is none.
std::size_t frequency_end(const std::string& text, std::size_t at) {
  if (text.compare(at, 2, " @") != 0) return at;
  const std::size_t whole = after(text, at + 2, absl::ascii_isspace);
  const std::size_t point = after(text, whole, absl::ascii_isdigit);
  if (point == whole || text.compare(point, 1, ".") != 0) return at;
  const std::size_t unit = after(text, point + 1, absl::ascii_isdigit);
  return unit > point + 1 && text.compare(unit, 3, "GHz") == 0 ? unit + 3 : at;
}

std::string without_frequencies(const std::string& text) {
  std::string rest;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = frequency_end(text, at);
    if (end == at) rest += text[at];
    at = std::max(end, at + 1);
  }
  return rest;
}

std::string without_decorations(std::string model) {
  absl::StrReplaceAll({{"(R)", ""}}, &model);
  if (const std::size_t at = model.find(" CPU @ "); at != std::string::npos && at > 0) model.resize(at);
  absl::StrReplaceAll({{" CPU", ""}}, &model);
  return without_frequencies(model);
}

// Letters and digits of ASCII; no name of the table has other letters.
std::set<std::string> words_of(const std::string& name) {
  std::set<std::string> words;
  std::string word;
  for (const char c : name + " ") {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      word += absl::ascii_tolower(static_cast<unsigned char>(c));
    } else if (!word.empty()) {
      words.insert(std::move(word));
      word.clear();
    }
  }
  return words;
}

const Cpu* same_name(const std::vector<Cpu>& table, const std::string& model) {
  const std::string wanted = absl::AsciiStrToLower(model);
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Cpu& cpu) { return absl::AsciiStrToLower(cpu.name) == wanted; });
  return found != table.end() ? &*found : nullptr;
}

// What the Python client calls a token set ratio of 100: one set of words holds the other. A second such name in the
// table makes it a guess, and it is none.
const Cpu* only_one_with_words(const std::vector<Cpu>& table, const std::string& model) {
  const std::set<std::string> wanted = words_of(model);
  const Cpu* only = nullptr;
  for (const Cpu& cpu : table) {
    const std::set<std::string> words = words_of(cpu.name);
    if (wanted.empty() || words.empty()) continue;
    const bool holds = std::includes(words.begin(), words.end(), wanted.begin(), wanted.end()) ||
                       std::includes(wanted.begin(), wanted.end(), words.begin(), words.end());
    if (holds && only != nullptr) return nullptr;
    if (holds) only = &cpu;
  }
  return only;
}

}  // namespace

std::optional<double> cpu_design_power(const std::string& model) {
  const std::vector<Cpu> table = read_table();
  const std::string bare = without_decorations(model);
  const Cpu* cpu = same_name(table, model);
  if (cpu == nullptr) cpu = same_name(table, bare);
  if (cpu == nullptr) cpu = only_one_with_words(table, bare);
  if (cpu == nullptr || cpu->watts == 0) return std::nullopt;
  return cpu->watts;
}

std::vector<std::string> cpu_table_names() {
  std::vector<std::string> names;
  for (const Cpu& cpu : read_table()) names.push_back(cpu.name);
  return names;
}

}  // namespace downbeat
