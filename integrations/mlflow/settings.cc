#include "integrations/mlflow/settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "callbacks/vocabulary/python_json.h"
#include "integrations/mlflow/text.h"
#include "integrations/support/environment.h"
#include "integrations/support/machine.h"
#include "integrations/support/secrets.h"

namespace downbeat {
namespace {

// Not negative.
std::optional<int64_t> whole_number(const std::string& variable) {
  const auto text = environment_variable(variable);
  if (!text) return std::nullopt;
  int64_t number = 0;
  if (!absl::SimpleAtoi(*text, &number) || number < 0) refuse_setting(variable, *text, "a whole number");
  return number;
}

void add_tag(MLflowTexts& tags, const std::string& name, const std::string& value) {
  const std::string key = mlflow_name(name);
  const auto found = std::find_if(tags.begin(), tags.end(), [&](const auto& tag) { return tag.first == key; });
  if (found != tags.end()) tags.erase(found);  // the last one counts
  tags.emplace_back(key, cut(value, kMLflowTagBytes));
}

MLflowTexts tags_of(const MLflowOptions& options) {
  MLflowTexts tags;
  if (const auto text = environment_variable("MLFLOW_TAGS")) {
    const auto object = parse_python_json(*text);
    if (!object.ok() || !object->is_object()) {
      refuse_setting("MLFLOW_TAGS", *text, R"(a JSON object of names and values, {"team": "vision"} for example)");
    }
    for (const auto& [name, value] : object->items()) add_tag(tags, name, mlflow_param(value));
  }
  for (const auto& [name, value] : options.tags) add_tag(tags, name, value);
  const bool is_nested = is_environment_true("MLFLOW_NESTED_RUN");
  const std::string parent = options.parent_run_id.empty() && is_nested
                                 ? environment_variable("MLFLOW_PARENT_RUN_ID", "")
                                 : options.parent_run_id;
  if (!parent.empty()) add_tag(tags, "mlflow.parentRunId", checked_mlflow_run_id("MLFLOW_PARENT_RUN_ID", parent));
  return tags;
}

absl::Duration checked_seconds(const std::string& name, double seconds) {
  if (seconds < 0 || !(seconds <= 1e6)) refuse_setting(name, absl::StrCat(seconds), "a number of seconds");
  return absl::Seconds(seconds);
}

std::string existing_file(const std::string& variable) {
  const std::string path = with_home(environment_variable(variable, ""));
  std::error_code error;
  if (!path.empty() && !std::filesystem::exists(path, error)) refuse_setting(variable, path, "a file that exists");
  return path;
}

// Of the section `mlflow` of ~/.mlflow/credentials.
std::string in_credentials_file(const std::string& name) {
  std::ifstream file(with_home("~/.mlflow/credentials"));
  bool is_in_section = false;
  for (std::string line; std::getline(file, line);) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(text, "[")) is_in_section = text == "[mlflow]";
    const std::size_t end_of_name = text.find_first_of("=:");
    if (!is_in_section || end_of_name == absl::string_view::npos || text.front() == '#' || text.front() == ';')
      continue;
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(text.substr(0, end_of_name)), name)) {
      return std::string(absl::StripAsciiWhitespace(text.substr(end_of_name + 1)));
    }
  }
  return "";
}

std::string credential(const std::string& variable) {
  const auto value = environment_variable(variable);
  return value ? *value : in_credentials_file(variable);
}

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(with_home(path)).lexically_normal().string();
}

MLflowAddress database_at(const std::string& path, const std::string& warning = "") {
  return {.kind = MLflowAddress::Kind::database,
          .place = absolute(path),
          .uri = "sqlite:///" + absolute(path),
          .warning = warning};
}

MLflowAddress server_at(const std::string& uri) {
  std::string place = uri;
  while (absl::EndsWith(place, "/")) place.pop_back();
  const std::size_t host = place.find("://");
  if (host == std::string::npos || host + 3 == place.size()) {
    refuse_setting("MLFLOW_TRACKING_URI", uri, "the address of a server, http://127.0.0.1:5000 for example");
  }
  return {.kind = MLflowAddress::Kind::server, .place = place, .uri = without_credentials(place)};
}

// Letters before a colon. One letter is none: it is a drive of Windows, and no server.
bool has_scheme(const std::string& uri) {
  const std::size_t colon = uri.find(':');
  return colon != std::string::npos && colon > 1 &&
         std::all_of(uri.begin(), uri.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("+-.", c);
         });
}

}  // namespace

std::string checked_mlflow_run_id(const std::string& variable, const std::string& id) {
  const bool is_id = id.size() <= 256 && std::all_of(id.begin(), id.end(), [](char c) {
                       return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
                     });
  if (!is_id) refuse_setting(variable, id, "the id of a run: letters, digits, _ and -");
  return id;
}

MLflowSettings mlflow_settings(const MLflowOptions& options) {
  MLflowSettings settings{
      .tracking_uri = chosen_setting(options.tracking_uri, "MLFLOW_TRACKING_URI"),
      .experiment_name = chosen_setting(options.experiment_name, "MLFLOW_EXPERIMENT_NAME"),
      .run_id = checked_mlflow_run_id("MLFLOW_RUN_ID", chosen_setting(options.run_id, "MLFLOW_RUN_ID")),
      .tags = tags_of(options),
      .log_artifacts = options.log_artifacts.value_or(is_environment_true("HF_MLFLOW_LOG_ARTIFACTS")),
      .flatten_params = options.flatten_params.value_or(is_environment_true("MLFLOW_FLATTEN_PARAMS")),
      .max_params = whole_number("MLFLOW_MAX_LOG_PARAMS"),
      .finish_timeout = checked_seconds("finish_timeout_seconds", options.finish_timeout_seconds)};
  if (settings.experiment_name.empty()) settings.experiment_id = environment_variable("MLFLOW_EXPERIMENT_ID", "");
  if (settings.experiment_name.empty() && settings.experiment_id.empty()) settings.experiment_name = "Default";
  return settings;
}

HttpClientOptions mlflow_http_options(const MLflowOptions& options) {
  HttpClientOptions http{.certificate_authorities = existing_file("MLFLOW_TRACKING_SERVER_CERT_PATH"),
                         .client_certificate = existing_file("MLFLOW_TRACKING_CLIENT_CERT_PATH")};
  http.verify_certificates = !is_environment_true("MLFLOW_TRACKING_INSECURE_TLS");
  if (!http.verify_certificates && !http.certificate_authorities.empty()) {
    throw std::invalid_argument(
        "MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH contradict each other: unset one of them");
  }
  const auto seconds = whole_number("MLFLOW_HTTP_REQUEST_TIMEOUT");
  const absl::Duration chosen_timeout = checked_seconds("request_timeout_seconds", options.request_timeout_seconds);
  if (chosen_timeout > absl::ZeroDuration()) {
    http.timeout = chosen_timeout;
  } else if (seconds.value_or(0) > 0) {
    http.timeout = absl::Seconds(*seconds);
  }
  http.connect_timeout = std::min(http.connect_timeout, http.timeout);
  return http;
}

std::unique_ptr<MLflowCredentials> mlflow_credentials() {
  const std::string user = credential("MLFLOW_TRACKING_USERNAME");
  const std::string password = credential("MLFLOW_TRACKING_PASSWORD");
  const std::string token = environment_variable("MLFLOW_TRACKING_TOKEN", "");
  std::string authorization;
  if (!user.empty() && !password.empty()) {
    authorization = "Basic " + absl::Base64Escape(user + ":" + password);
  } else if (!token.empty()) {
    authorization = "Bearer " + token;
  }
  return std::make_unique<FixedCredentials>(
      authorization, "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN");
}

std::string mlflow_user() {
  const std::string user = credential("MLFLOW_TRACKING_USERNAME");
  return user.empty() ? user_name() : user;
}

MLflowAddress mlflow_address(const std::string& tracking_uri) {
  constexpr char kSqlite[] = "sqlite:///";
  if (tracking_uri.empty()) return database_at("mlflow.db");
  if (absl::StartsWithIgnoreCase(tracking_uri, "http://") || absl::StartsWithIgnoreCase(tracking_uri, "https://")) {
    return server_at(tracking_uri);
  }
  if (absl::StartsWith(tracking_uri, "sqlite:")) {
    const std::string path(absl::StripPrefix(tracking_uri.substr(0, tracking_uri.find('?')), kSqlite));
    if (!absl::StartsWith(tracking_uri, kSqlite) || path.empty() || path == ":memory:") {
      refuse_setting("MLFLOW_TRACKING_URI", tracking_uri, "sqlite:///PATH where it names a file of SQLite");
    }
    return database_at(path);
  }
  const bool is_file = absl::StartsWith(tracking_uri, "file:");
  if (is_file || (!has_scheme(tracking_uri) && tracking_uri != "databricks")) {
    absl::string_view directory = tracking_uri;
    if (absl::ConsumePrefix(&directory, "file:")) absl::ConsumePrefix(&directory, "//");
    const std::string path = absolute((std::filesystem::path(std::string(directory)) / "mlflow.db").string());
    return database_at(path, absl::StrCat("MLflow has given up its directories of files: the run is written to ", path,
                                          ", which `mlflow ui --backend-store-uri sqlite:///", path, "` shows"));
  }
  const std::string clean = without_credentials(tracking_uri);
  return {.kind = MLflowAddress::Kind::unknown,
          .place = {},
          .uri = clean,
          .warning = absl::StrCat("Downbeat cannot send to ", clean, ": ",
                                  absl::StartsWith(clean, "azureml:") ? "that is for --report_to=azure_ml"
                                                                      : "it knows http://, https:// and sqlite:///",
                                  "; the run is kept in a spool")};
}

}  // namespace downbeat
