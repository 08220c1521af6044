// Comma-separated values as Python's csv module reads and writes them with its standard settings.
//
//   csv_records("a,b\n1,\"x, y\"\n")     {"a,b\n", "1,\"x, y\"\n"}
//   csv_fields("1,\"x, y\"\n")           {"1", "x, y"}
//   csv_record({"1", "x, y"})            "1,\"x, y\"\n"
#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace downbeat {

// The text cut behind each line's end that is not inside quotes; the last record may have none.
std::vector<absl::string_view> csv_records(absl::string_view text);

std::vector<std::string> csv_fields(absl::string_view record);

std::string csv_record(const std::vector<std::string>& fields);  // quoted only where needed

}  // namespace downbeat
