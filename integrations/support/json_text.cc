#include "integrations/support/json_text.h"

namespace downbeat {
namespace {

template <class Json>
std::string line_of(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace

std::string valid_utf8(const std::string& text) {
  return nlohmann::json::parse(json_line(nlohmann::json(text))).get<std::string>();
}

std::string json_line(const nlohmann::json& value) { return line_of(value); }
std::string json_line(const nlohmann::ordered_json& value) { return line_of(value); }

}  // namespace downbeat
