#include "tests/integrations/azureml/azureml_test_support.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "integrations/support/environment.h"

namespace downbeat {
namespace {

constexpr const char* kVariables[] = {"MLFLOW_TRACKING_URI",
                                      "MLFLOW_TRACKING_TOKEN",
                                      "MLFLOW_EXPERIMENT_NAME",
                                      "MLFLOW_EXPERIMENT_ID",
                                      "MLFLOW_RUN_ID",
                                      "MLFLOW_TAGS",
                                      "MLFLOW_NESTED_RUN",
                                      "MLFLOW_MAX_LOG_PARAMS",
                                      "HF_MLFLOW_LOG_ARTIFACTS",
                                      "MLFLOW_HTTP_REQUEST_TIMEOUT",
                                      "AZUREML_RUN_ID",
                                      "AZUREML_RUN_TOKEN",
                                      "AZUREML_TOKEN_FILE",
                                      "AZUREML_SERVICE_ENDPOINT",
                                      "AZUREML_ARM_SUBSCRIPTION",
                                      "AZUREML_ARM_RESOURCEGROUP",
                                      "AZUREML_ARM_WORKSPACE_NAME"};

void unset_all() {
  for (const char* name : kVariables) unsetenv(name);
}

}  // namespace

OnlyVariables::OnlyVariables(std::initializer_list<std::pair<std::string, std::string>> variables)
    : path_(environment_variable("PATH")) {
  unset_all();
  setenv("PATH", "/nowhere", 1);
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
}

OnlyVariables::~OnlyVariables() {
  unset_all();
  if (path_) setenv("PATH", path_->c_str(), 1);
}

std::string test_directory() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string directory = absl::StrCat(testing::TempDir(), "/", test->test_suite_name(), ".", test->name());
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  return directory;
}

std::string token_until(absl::Time end, const std::string& name) {
  return absl::StrCat(
      absl::WebSafeBase64Escape(R"({"typ":"JWT","alg":"RS256"})"), ".",
      absl::WebSafeBase64Escape(absl::StrCat(R"({"sub":")", name, R"(","exp":)", absl::ToUnixSeconds(end), "}")),
      ".signature");
}

void write_az(const std::string& directory, const std::string& lines) {
  const std::string path = directory + "/az";
  std::ofstream(path) << "#!/bin/sh\necho \"$@\" >> \"" << directory << "/words\"\n" << lines << "\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

std::string az_answer(const std::string& token) {
  return absl::StrCat(R"(echo '{"accessToken": ")", token,
                      R"(", "expiresOn": "2026-11-26 03:00:00.000000", "tokenType": "Bearer"}')");
}

}  // namespace downbeat
