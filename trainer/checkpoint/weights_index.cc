#include "trainer/checkpoint/weights_index.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "trainer/files/printable_name.h"

namespace downbeat {
namespace {

using Json = nlohmann::json;

// A file beside the index.
bool is_plain_name(absl::string_view name) {
  return absl::EndsWith(name, ".safetensors") && name.find_first_of(absl::string_view("/\\\0", 3)) == name.npos;
}

// Keeps the weight_map and nothing else, however deep the rest may be nested.
class IndexReader final : public Json::json_sax_t {
 public:
  IndexReader(WeightsIndex& index, const std::string& path) : index_(index), path_(path) {}

  const absl::Status& status() const { return status_; }
  bool has_map() const { return has_map_; }

  bool start_object(std::size_t) override {
    ++depth_;
    if (!is_map_next_) return is_in_map_ ? refuse_value() : true;
    is_map_next_ = false;
    is_in_map_ = true;
    return true;
  }
  bool end_object() override {
    is_in_map_ = false;
    --depth_;
    return true;
  }
  bool key(std::string& text) override {
    if (is_in_map_) return begin_file(text);
    if (depth_ != 1 || text != "weight_map") return true;
    if (has_map_) return refuse("weight_map is there twice");
    return has_map_ = is_map_next_ = true;
  }
  bool start_array(std::size_t) override {
    ++depth_;
    return value();
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool string(std::string& text) override {
    if (!is_in_map_) return value();
    if (!is_plain_name(text)) {
      return refuse("the file of ", printable_name(file_->first), " is ", printable_name(text),
                    ", but only a .safetensors file beside it is allowed");
    }
    file_->second = text;
    return true;
  }
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(int64_t) override { return value(); }
  bool number_unsigned(uint64_t) override { return value(); }
  bool number_float(double, const std::string&) override { return value(); }
  bool binary(Json::binary_t&) override { return value(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("it is no JSON object");
  }

 private:
  bool begin_file(const std::string& name) {
    const auto [found, is_new] = index_.files.try_emplace(name);
    file_ = found;
    return is_new || refuse(printable_name(name), " is there twice");
  }
  // One that is no object.
  bool value() { return is_map_next_ || is_in_map_ ? refuse_value() : true; }
  bool refuse_value() { return refuse("weight_map is no object of texts"); }
  template <class... Parts>
  bool refuse(const Parts&... parts) {
    status_ = absl::DataLossError(absl::StrCat(path_, " is damaged: ", parts...));
    return false;
  }

  WeightsIndex& index_;
  const std::string& path_;
  absl::Status status_;
  int64_t depth_ = 0;
  bool has_map_ = false;
  bool is_map_next_ = false;
  bool is_in_map_ = false;
  std::map<std::string, std::string>::iterator file_;
};

// As Python's json.dump does, which leaves only ASCII. Throws Json::exception for what is not UTF-8.
std::string pair_text(const std::string& name, const std::string& value) {
  const auto quoted = [](const std::string& text) { return Json(text).dump(-1, ' ', /*ensure_ascii=*/true); };
  return absl::StrCat("    ", quoted(name), ": ", quoted(value));
}

}  // namespace

absl::StatusOr<WeightsIndex> parse_weights_index(absl::string_view text, const std::string& path) {
  WeightsIndex index;
  IndexReader reader(index, path);
  const bool has_nul = absl::StrContains(text, '\0');  // which the parser takes for the end of the text
  if (has_nul) return absl::DataLossError(absl::StrCat(path, " is damaged: it is no JSON object"));
  if (!Json::sax_parse(text.begin(), text.end(), &reader)) return reader.status();
  if (!reader.has_map()) return absl::DataLossError(absl::StrCat(path, " is damaged: it has no weight_map"));
  return index;
}

absl::StatusOr<std::string> weights_index_text(int64_t total_size, const std::map<std::string, std::string>& tied,
                                               const std::vector<std::pair<std::string, std::string>>& files) {
  std::vector<std::string> metadata = {absl::StrCat("    \"total_size\": ", total_size)}, map;
  try {
    for (const auto& [name, kept] : tied) metadata.push_back(pair_text(name, kept));
    for (const auto& [name, file] : files) map.push_back(pair_text(name, file));
  } catch (const Json::exception&) {
    return absl::InvalidArgumentError("a name is not UTF-8");
  }
  return absl::StrCat("{\n  \"metadata\": {\n", absl::StrJoin(metadata, ",\n"), "\n  },\n  \"weight_map\": {\n",
                      absl::StrJoin(map, ",\n"), "\n  }\n}");
}

}  // namespace downbeat
