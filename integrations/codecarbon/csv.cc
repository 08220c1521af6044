#include "integrations/codecarbon/csv.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace downbeat {
namespace {

std::string quoted_where_needed(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

absl::string_view without_line_end(absl::string_view record) {
  while (!record.empty() && (record.back() == '\n' || record.back() == '\r')) record.remove_suffix(1);
  return record;
}

}  // namespace

std::vector<absl::string_view> csv_records(absl::string_view text) {
  std::vector<absl::string_view> records;
  bool in_quotes = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_quotes = !in_quotes;
    if (text[i] != '\n' || in_quotes) continue;
    records.push_back(text.substr(begin, i + 1 - begin));
    begin = i + 1;
  }
  if (begin < text.size()) records.push_back(text.substr(begin));
  return records;
}

std::vector<std::string> csv_fields(absl::string_view record) {
  record = without_line_end(record);
  std::vector<std::string> fields(1);
  bool in_quotes = false;
  for (std::size_t i = 0; i < record.size(); ++i) {
    if (record[i] == '"') {
      const bool is_doubled = in_quotes && i + 1 < record.size() && record[i + 1] == '"';
      if (is_doubled) fields.back() += record[++i];
      if (!is_doubled) in_quotes = !in_quotes;
    } else if (record[i] == ',' && !in_quotes) {
      fields.emplace_back();
    } else {
      fields.back() += record[i];
    }
  }
  return fields;
}

std::string csv_record(const std::vector<std::string>& fields) {
  return absl::StrCat(
      absl::StrJoin(fields, ",",
                    [](std::string* out, const std::string& field) { out->append(quoted_where_needed(field)); }),
      "\n");
}

}  // namespace downbeat
