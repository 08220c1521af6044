#include "examples/gpt2/gpt2_config.h"

#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/python_json.h"

namespace gpt2 {
namespace {

using Json = nlohmann::json;  // sorts its keys, as HuggingFace does

void for_each_field(auto& config, const auto& field) {
  field("vocab_size", config.vocab_size);
  field("n_positions", config.n_positions);
  field("n_embd", config.n_embd);
  field("n_layer", config.n_layer);
  field("n_head", config.n_head);
  field("n_inner", config.n_inner);
  field("resid_pdrop", config.resid_pdrop);
  field("embd_pdrop", config.embd_pdrop);
  field("attn_pdrop", config.attn_pdrop);
  field("layer_norm_epsilon", config.layer_norm_epsilon);
  field("initializer_range", config.initializer_range);
}

// The values of the fields that choose another computation than that of gpt2.h.
Json what_is_computed() {
  return {{"model_type", "gpt2"},
          {"activation_function", "gelu_new"},
          {"add_cross_attention", false},
          {"reorder_and_upcast_attn", false},
          {"scale_attn_by_inverse_layer_idx", false},
          {"scale_attn_weights", true},
          {"tie_word_embeddings", true}};
}

// What a config.json that was made anew holds besides. Bytes have no token for the begin or the end of a text.
Json other_defaults() {
  return {{"bos_token_id", nullptr},       {"eos_token_id", nullptr},      {"pad_token_id", nullptr},
          {"summary_activation", nullptr}, {"summary_first_dropout", 0.1}, {"summary_proj_to_labels", true},
          {"summary_type", "cls_index"},   {"summary_use_proj", true},     {"use_cache", true}};
}

bool read(const Json& json, int64_t& value) {
  if (json.is_number_integer()) value = json.get<int64_t>();
  return json.is_number_integer();
}
bool read(const Json& json, double& value) {
  if (json.is_number()) value = json.get<double>();
  return json.is_number();
}
bool read(const Json& json, std::optional<int64_t>& value) { return json.is_null() || read(json, value.emplace()); }

Json json_of(const auto& value) { return value; }
Json json_of(const std::optional<int64_t>& value) { return value ? Json(*value) : Json(); }

absl::Status check_is_computed(const Json& json) {
  const Json computed = what_is_computed();
  for (const auto& item : computed.items()) {
    const auto found = json.find(item.key());
    if (found == json.end() || *found == item.value()) continue;
    return absl::InvalidArgumentError(absl::StrCat(item.key(), " is ", downbeat::python_json(*found),
                                                   "; this example computes only ",
                                                   downbeat::python_json(item.value())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status validate(const GPT2Config& config) {
  const auto sizes = {std::pair("vocab_size", config.vocab_size),
                      {"n_positions", config.n_positions},
                      {"n_embd", config.n_embd},
                      {"n_layer", config.n_layer},
                      {"n_head", config.n_head},
                      {"n_inner", config.n_inner.value_or(1)}};
  for (const auto& [name, size] : sizes) {
    if (size < 1) return absl::InvalidArgumentError(absl::StrCat(name, "=", size, " is not at least 1"));
  }
  const auto shares = {std::pair("resid_pdrop", config.resid_pdrop),
                       {"embd_pdrop", config.embd_pdrop},
                       {"attn_pdrop", config.attn_pdrop}};
  for (const auto& [name, share] : shares) {
    if (!(share >= 0 && share <= 1)) {
      return absl::InvalidArgumentError(absl::StrCat(name, "=", share, " is not between 0 and 1"));
    }
  }
  if (config.n_embd % config.n_head != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("n_embd=", config.n_embd, " is not a multiple of n_head=", config.n_head));
  }
  return absl::OkStatus();
}

absl::StatusOr<GPT2Config> gpt2_config_from_json(absl::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("it is no JSON object");
  absl::Status status = check_is_computed(json);
  GPT2Config config;
  for_each_field(config, [&](const char* name, auto& value) {
    const auto found = json.find(name);
    if (found == json.end() || !status.ok() || read(*found, value)) return;
    status = absl::InvalidArgumentError(absl::StrCat(name, " is ", downbeat::python_json(*found), ", which is no ",
                                                     std::is_same_v<decltype(value), double&> ? "number" : "integer"));
  });
  if (status.ok()) status = validate(config);
  if (!status.ok()) return status;
  config.others = std::string(text);
  return config;
}

std::string to_json(const GPT2Config& config) {
  Json json = config.others.empty() ? other_defaults() : Json::parse(config.others);
  json.update(what_is_computed());
  for_each_field(config, [&](const char* name, const auto& value) { json[name] = json_of(value); });
  json["architectures"] = {"GPT2LMHeadModel"};
  json["dtype"] = "float32";
  json.erase("torch_dtype");  // its name in older files
  return downbeat::python_json(json, /*indent=*/2) + "\n";
}

}  // namespace gpt2
