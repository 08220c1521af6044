// MLflowServer: a run's entries over MLflow's REST interface, version 2.0.
//
//   MLflowServer server({.uri = "http://host:5000"}, std::make_unique<FixedCredentials>("Bearer ..."));
//
// What a server refuses of a batch is found by halves and left out, so that the rest is stored. Source: the answers of
// MLflow 3.17.2; older servers hold params of 500 or 250 characters, to which they are then cut.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "integrations/mlflow/destination.h"
#include "integrations/support/http_client.h"

namespace downbeat {

// What goes into the header Authorization.
class MLflowCredentials {
 public:
  virtual ~MLflowCredentials() = default;
  virtual std::string authorization() = 0;    // asked for before every request; empty: no header
  virtual bool renew() { return false; }      // after a 401; true: there is another one now
  virtual std::string variables() const = 0;  // which set it, for warnings
};

class FixedCredentials : public MLflowCredentials {
 public:
  FixedCredentials(std::string authorization, std::string variables)
      : authorization_(std::move(authorization)), variables_(std::move(variables)) {}
  std::string authorization() override { return authorization_; }
  std::string variables() const override { return variables_; }

 private:
  const std::string authorization_;
  const std::string variables_;
};

struct MLflowServerOptions {
  std::string tracker = "MLflow";  // for warnings
  std::string uri = {};            // without a slash at its end
  HttpClientOptions http = {};
};

class MLflowServer : public MLflowDestination {
 public:
  MLflowServer(MLflowServerOptions options, std::unique_ptr<MLflowCredentials> credentials);

  std::string name() const override;
  std::string credentials() const override { return credentials_->variables(); }
  HttpClient* client() override { return &client_; }

 private:
  struct Answer {
    SendResult result;
    int status = 0;
    std::string error_code = {};  // MLflow's
    nlohmann::json body = {};
  };
  using Item = std::pair<std::string, nlohmann::json>;  // kind and metric, param or tag

  SendResult place(PlacedRun& run) override;
  SendResult log(PlacedRun& run, const nlohmann::json& batch) override;
  SendResult set_status(PlacedRun& run, const std::string& status, int64_t end_time) override;
  SendResult add_artifact(PlacedRun& run, const std::string& file, const std::string& path) override;

  Answer ask(HttpRequest request);
  Answer get(const std::string& path);
  Answer post(const std::string& path, const nlohmann::json& body);
  SendResult find_experiment(const MLflowRunStart& start, std::string& id);
  SendResult find_run(const std::string& experiment, PlacedRun& run);
  SendResult create_run(const std::string& experiment, PlacedRun& run);
  SendResult find_artifacts(PlacedRun& run);
  SendResult log_items(PlacedRun& run, std::vector<Item> items);
  SendResult log_shortened(PlacedRun& run, Item item, const SendResult& refusal);

  const MLflowServerOptions options_;
  const std::unique_ptr<MLflowCredentials> credentials_;
  HttpClient client_;
};

}  // namespace downbeat
