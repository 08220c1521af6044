#include "integrations/mlflow/rest.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/mlflow/text.h"
#include "integrations/support/json_text.h"
#include "integrations/support/secrets.h"

namespace downbeat {
namespace {

using What = SendResult::What;

constexpr char kProxied[] = "mlflow-artifacts:";

// An answer that MLflow would not give, be it a page of another program.
SendResult not_understood(const std::string& what) {
  return {What::refused, absl::StrCat("its answer names no ", what, ": is it an MLflow server?")};
}

std::string text_in(const nlohmann::json& object, const char* pointer) {
  const nlohmann::json::json_pointer where(pointer);
  return object.contains(where) && object[where].is_string() ? object[where].get<std::string>() : "";
}

std::string percent_encoded_path(const std::string& path) {
  std::string encoded;
  for (const auto& part : absl::StrSplit(path, '/')) {
    absl::StrAppend(&encoded, encoded.empty() ? "" : "/", percent_encoded(std::string(part)));
  }
  return encoded;
}

// mlflow-artifacts:/1/RUN/artifacts and mlflow-artifacts://HOST/1/RUN/artifacts are 1/RUN/artifacts.
std::string proxied_path(const std::string& uri) {
  absl::string_view rest = absl::StripPrefix(uri, kProxied);
  if (absl::ConsumePrefix(&rest, "//")) rest.remove_prefix(std::min(rest.find('/'), rest.size()));
  while (absl::ConsumePrefix(&rest, "/")) continue;
  return std::string(rest);
}

}  // namespace

MLflowServer::MLflowServer(MLflowServerOptions options, std::unique_ptr<MLflowCredentials> credentials)
    : options_(std::move(options)), credentials_(std::move(credentials)), client_(options_.http) {}

std::string MLflowServer::name() const { return without_credentials(options_.uri); }

MLflowServer::Answer MLflowServer::ask(HttpRequest request) {
  request.url = absl::StrCat(options_.uri, request.url);
  client_.set_authorization(credentials_->authorization());
  absl::StatusOr<HttpResponse> response = client_.send(request);
  if (response.ok() && response->status == 401 && credentials_->renew()) {
    client_.set_authorization(credentials_->authorization());
    response = client_.send(request);
  }
  Answer answer{.result = result_of(response)};
  if (!response.ok()) return answer;
  answer.status = response->status;
  answer.body = nlohmann::json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  answer.error_code = text_in(answer.body, "/error_code");
  return answer;
}

MLflowServer::Answer MLflowServer::get(const std::string& path) { return ask({.url = "/api/2.0/mlflow/" + path}); }

MLflowServer::Answer MLflowServer::post(const std::string& path, const nlohmann::json& body) {
  return ask({.method = "POST", .url = "/api/2.0/mlflow/" + path, .body = json_line(body)});
}

SendResult MLflowServer::place(PlacedRun& run) {
  if (!run.start.run_id.empty()) {
    run.id = run.start.run_id;
    return {};
  }
  std::string experiment;
  SendResult result = find_experiment(run.start, experiment);
  if (result.what == What::sent && run.may_exist) result = find_run(experiment, run);
  if (result.what == What::sent && run.id.empty()) result = create_run(experiment, run);
  return result;
}

SendResult MLflowServer::find_experiment(const MLflowRunStart& start, std::string& id) {
  if (!start.experiment_id.empty()) {
    id = start.experiment_id;
    return {};
  }
  const auto by_name = [&] {
    return get("experiments/get-by-name?experiment_name=" + percent_encoded(start.experiment_name));
  };
  Answer answer = by_name();
  if (answer.error_code == "RESOURCE_DOES_NOT_EXIST") {
    const Answer made = post("experiments/create", {{"name", start.experiment_name}});
    id = text_in(made.body, "/experiment_id");
    if (!id.empty()) return {};
    if (made.error_code != "RESOURCE_ALREADY_EXISTS") {
      return made.result.what == What::sent ? not_understood("experiment") : made.result;
    }
    answer = by_name();  // another program was quicker, or the answer to an earlier try was lost
  }
  if (answer.result.what != What::sent) return answer.result;
  id = text_in(answer.body, "/experiment/experiment_id");
  return id.empty() ? not_understood("experiment") : SendResult{};
}

SendResult MLflowServer::find_run(const std::string& experiment, PlacedRun& run) {
  const std::string filter = absl::StrCat("tags.`", kMLflowKeyTag, "` = '", run.start.key, "'");
  const Answer answer = post("runs/search", {{"experiment_ids", {experiment}}, {"filter", filter}, {"max_results", 1}});
  if (answer.result.what != What::sent) return answer.result;
  if (!answer.body.is_object()) return not_understood("run");
  run.id = text_in(answer.body, "/runs/0/info/run_id");
  return {};
}

SendResult MLflowServer::create_run(const std::string& experiment, PlacedRun& run) {
  nlohmann::json body{
      {"experiment_id", experiment}, {"start_time", run.start.start_time}, {"tags", key_value_list(run.start.tags)}};
  body["tags"].push_back({{"key", kMLflowKeyTag}, {"value", run.start.key}});
  if (!run.start.run_name.empty()) body["run_name"] = run.start.run_name;
  run.may_exist = true;  // also where no answer arrives
  const Answer answer = ask({.method = "POST",
                             .url = "/api/2.0/mlflow/runs/create",
                             .body = json_line(body),
                             .at_most_once = true});  // twice would make two runs
  if (answer.result.what != What::sent) return answer.result;
  run.id = text_in(answer.body, "/run/info/run_id");
  run.artifacts = text_in(answer.body, "/run/info/artifact_uri");
  return run.id.empty() ? not_understood("run") : SendResult{};
}

SendResult MLflowServer::set_status(PlacedRun& run, const std::string& status, int64_t end_time) {
  nlohmann::json body{{"run_id", run.id}, {"status", status}};
  if (end_time > 0) body["end_time"] = end_time;
  return post("runs/update", body).result;
}

SendResult MLflowServer::log(PlacedRun& run, const nlohmann::json& batch) {
  std::vector<Item> items;
  for (const auto& [kind, list] : batch.items()) {
    for (const auto& item : list) items.emplace_back(kind, item);
  }
  return log_items(run, std::move(items));
}

SendResult MLflowServer::log_items(PlacedRun& run, std::vector<Item> items) {
  nlohmann::json body{{"run_id", run.id}};
  for (const auto& [kind, item] : items) body[kind].push_back(item);
  Answer answer = post("runs/log-batch", body);
  const bool is_of_items = answer.status == 400 || answer.status == 413;
  if (!is_of_items || items.empty()) return answer.result;
  if (items.size() == 1) return log_shortened(run, std::move(items.front()), answer.result);

  const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
  for (const auto& half : {std::vector(items.begin(), middle), std::vector(middle, items.end())}) {
    SendResult result = log_items(run, half);
    if (result.what != What::sent) return result;
  }
  return {};
}

SendResult MLflowServer::log_shortened(PlacedRun& run, Item item, const SendResult& refusal) {
  auto& [kind, content] = item;
  const std::string key = content.at("key");
  const std::string value = content.at("value").is_string() ? content["value"].get<std::string>() : "";
  for (const std::size_t bytes : {5000, 500, 250}) {
    if (kind == "metrics" || value.size() <= bytes) continue;
    content["value"] = cut(value, bytes);
    Answer answer = post("runs/log-batch", {{"run_id", run.id}, {kind, {content}}});
    if (answer.status != 400) return answer.result;
  }
  if (run.refused.insert(absl::StrCat(kind, "/", key)).second) {
    warn(absl::StrCat(options_.tracker, ": ", name(), " does not take ", key, " of the ", kind, " (", refusal.reason,
                      "); it is left out"));
  }
  return {};
}

SendResult MLflowServer::find_artifacts(PlacedRun& run) {
  if (!run.artifacts.empty()) return {};
  const Answer answer = get("runs/get?run_id=" + percent_encoded(run.id));
  if (answer.result.what != What::sent) return answer.result;
  run.artifacts = text_in(answer.body, "/run/info/artifact_uri");
  return run.artifacts.empty() ? not_understood("place for artifacts") : SendResult{};
}

SendResult MLflowServer::add_artifact(PlacedRun& run, const std::string& file, const std::string& path) {
  SendResult result = find_artifacts(run);
  if (result.what != What::sent) return result;
  if (absl::StartsWith(run.artifacts, "/") || absl::StartsWith(run.artifacts, "file:///")) {
    return copy_artifact(file, std::string(absl::StripPrefix(run.artifacts, "file://")), path);
  }
  if (!absl::StartsWith(run.artifacts, kProxied)) {
    return {What::refused, absl::StrCat("it keeps artifacts in ", without_credentials(run.artifacts),
                                        ", and Downbeat uploads only through a server with --serve-artifacts")};
  }
  const std::string target = absl::StrCat(proxied_path(run.artifacts), "/", path);
  return ask({.method = "PUT",
              .url = absl::StrCat("/api/2.0/mlflow-artifacts/artifacts/", percent_encoded_path(target)),
              .content_type = "application/octet-stream",
              .upload_file = file})
      .result;
}

}  // namespace downbeat
