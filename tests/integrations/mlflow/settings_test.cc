#include "integrations/mlflow/settings.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

namespace downbeat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using Kind = MLflowAddress::Kind;

// Environment variables of MLflow for one test, in a home of its own.
class MLflowSettingsTest : public ::testing::Test {
 protected:
  MLflowSettingsTest() {
    forget();
    std::filesystem::remove_all(home_);
    std::filesystem::create_directories(home_ + "/.mlflow");
    setenv("HOME", home_.c_str(), 1);
  }
  ~MLflowSettingsTest() override { forget(); }

  static void forget() {
    for (const char* name :
         {"MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID", "MLFLOW_TAGS",
          "MLFLOW_NESTED_RUN", "MLFLOW_PARENT_RUN_ID", "MLFLOW_FLATTEN_PARAMS", "MLFLOW_MAX_LOG_PARAMS",
          "HF_MLFLOW_LOG_ARTIFACTS", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN",
          "MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH",
          "MLFLOW_HTTP_REQUEST_TIMEOUT"}) {
      unsetenv(name);
    }
  }
  static void set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(home_ + "/" + name) << text;
    return home_ + "/" + name;
  }

  // What is said about settings that cannot be meant.
  static std::string sentence(const std::function<void()>& read = [] { mlflow_settings({}); }) {
    try {
      read();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  }
  static std::string address_sentence(const std::string& uri) {
    return sentence([&] { mlflow_address(uri); });
  }

  const std::string home_ = (std::filesystem::path(::testing::TempDir()) / "mlflow_settings").string();
};

TEST_F(MLflowSettingsTest, HaveDefaults) {
  const MLflowSettings settings = mlflow_settings({});
  EXPECT_EQ(settings.tracking_uri, "");
  EXPECT_EQ(settings.experiment_name, "Default");
  EXPECT_EQ(settings.experiment_id, "");
  EXPECT_EQ(settings.run_id, "");
  EXPECT_THAT(settings.tags, IsEmpty());
  EXPECT_FALSE(settings.log_artifacts);
  EXPECT_FALSE(settings.flatten_params);
  EXPECT_EQ(settings.max_params, std::nullopt);
  EXPECT_EQ(settings.finish_timeout, absl::Seconds(60));
}

TEST_F(MLflowSettingsTest, AreTakenFromTheEnvironment) {
  set("MLFLOW_TRACKING_URI", "http://host");
  set("MLFLOW_EXPERIMENT_ID", "7");
  set("MLFLOW_RUN_ID", "abc-1_2");
  set("MLFLOW_FLATTEN_PARAMS", "yes");
  set("MLFLOW_MAX_LOG_PARAMS", "5");
  set("HF_MLFLOW_LOG_ARTIFACTS", "On");
  const MLflowSettings settings = mlflow_settings({});
  EXPECT_EQ(settings.tracking_uri, "http://host");
  EXPECT_EQ(settings.experiment_name, "");
  EXPECT_EQ(settings.experiment_id, "7");
  EXPECT_EQ(settings.run_id, "abc-1_2");
  EXPECT_TRUE(settings.flatten_params);
  EXPECT_EQ(settings.max_params, 5);
  EXPECT_TRUE(settings.log_artifacts);
}

TEST_F(MLflowSettingsTest, PreferTheNameOfAnExperimentToItsId) {
  set("MLFLOW_EXPERIMENT_NAME", "digits");
  set("MLFLOW_EXPERIMENT_ID", "7");
  EXPECT_EQ(mlflow_settings({}).experiment_name, "digits");
  EXPECT_EQ(mlflow_settings({}).experiment_id, "");
}

TEST_F(MLflowSettingsTest, PreferOptionsToTheEnvironment) {
  for (const char* name : {"MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"}) set(name, "theirs");
  set("HF_MLFLOW_LOG_ARTIFACTS", "1");
  set("MLFLOW_FLATTEN_PARAMS", "1");
  const MLflowSettings settings = mlflow_settings({.tracking_uri = "ours",
                                                   .experiment_name = "ours",
                                                   .run_id = "ours",
                                                   .log_artifacts = false,
                                                   .flatten_params = false,
                                                   .finish_timeout_seconds = 2});
  EXPECT_EQ(settings.tracking_uri, "ours");
  EXPECT_EQ(settings.experiment_name, "ours");
  EXPECT_EQ(settings.run_id, "ours");
  EXPECT_FALSE(settings.log_artifacts);
  EXPECT_FALSE(settings.flatten_params);
  EXPECT_EQ(settings.finish_timeout, absl::Seconds(2));
}

TEST_F(MLflowSettingsTest, HaveTagsOfBoth) {
  set("MLFLOW_TAGS", R"({"team": "vision", "n": 5, "odd name!": [true]})");
  EXPECT_THAT(mlflow_settings({.tags = {{"n", "6"}, {"long", std::string(8001, 'x')}}}).tags,
              ElementsAre(Pair("team", "vision"), Pair("odd name_", "[true]"), Pair("n", "6"),
                          Pair("long", std::string(8000, 'x'))));
}

TEST_F(MLflowSettingsTest, NameAParentOnlyOfANestedRun) {
  set("MLFLOW_PARENT_RUN_ID", "abc");
  EXPECT_THAT(mlflow_settings({}).tags, IsEmpty());
  EXPECT_THAT(mlflow_settings({.parent_run_id = "def"}).tags, ElementsAre(Pair("mlflow.parentRunId", "def")));
  set("MLFLOW_NESTED_RUN", "TRUE");
  EXPECT_THAT(mlflow_settings({}).tags, ElementsAre(Pair("mlflow.parentRunId", "abc")));
}

TEST_F(MLflowSettingsTest, RefuseWhatCannotBeMeant) {
  set("MLFLOW_TAGS", "[1]");
  EXPECT_EQ(sentence(),
            "MLFLOW_TAGS is '[1]': it must be a JSON object of names and values, {\"team\": \"vision\"} for example");
  set("MLFLOW_TAGS", "");
  set("MLFLOW_MAX_LOG_PARAMS", "-1");
  EXPECT_EQ(sentence(), "MLFLOW_MAX_LOG_PARAMS is '-1': it must be a whole number");
  set("MLFLOW_MAX_LOG_PARAMS", "");
  set("MLFLOW_RUN_ID", "a/b");
  EXPECT_EQ(sentence(), "MLFLOW_RUN_ID is 'a/b': it must be the id of a run: letters, digits, _ and -");
  set("MLFLOW_RUN_ID", "");
  EXPECT_EQ(sentence([] { mlflow_settings({.finish_timeout_seconds = -1}); }),
            "finish_timeout_seconds is '-1': it must be a number of seconds");
}

TEST_F(MLflowSettingsTest, OfRequestsHaveDefaults) {
  const HttpClientOptions http = mlflow_http_options({});
  EXPECT_EQ(http.timeout, absl::Seconds(30));
  EXPECT_EQ(http.connect_timeout, absl::Seconds(5));
  EXPECT_TRUE(http.verify_certificates);
  EXPECT_EQ(http.certificate_authorities, "");
  EXPECT_EQ(http.client_certificate, "");
}

TEST_F(MLflowSettingsTest, OfRequestsAreTakenFromTheEnvironment) {
  set("MLFLOW_HTTP_REQUEST_TIMEOUT", "120");
  set("MLFLOW_TRACKING_SERVER_CERT_PATH", file("ca.pem", ""));
  set("MLFLOW_TRACKING_CLIENT_CERT_PATH", "~/ca.pem");
  const HttpClientOptions http = mlflow_http_options({});
  EXPECT_EQ(http.timeout, absl::Seconds(120));
  EXPECT_EQ(http.certificate_authorities, home_ + "/ca.pem");
  EXPECT_EQ(http.client_certificate, home_ + "/ca.pem");
  EXPECT_EQ(mlflow_http_options({.request_timeout_seconds = 0.5}).timeout, absl::Milliseconds(500));
  EXPECT_EQ(mlflow_http_options({.request_timeout_seconds = 0.5}).connect_timeout, absl::Milliseconds(500));
}

TEST_F(MLflowSettingsTest, OfRequestsRefuseWhatCannotBeMeant) {
  const auto of_requests = [] { mlflow_http_options({}); };
  set("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon");
  EXPECT_EQ(sentence(of_requests), "MLFLOW_HTTP_REQUEST_TIMEOUT is 'soon': it must be a whole number");
  set("MLFLOW_HTTP_REQUEST_TIMEOUT", "");
  set("MLFLOW_TRACKING_CLIENT_CERT_PATH", "/none.pem");
  EXPECT_EQ(sentence(of_requests), "MLFLOW_TRACKING_CLIENT_CERT_PATH is '/none.pem': it must be a file that exists");
  set("MLFLOW_TRACKING_CLIENT_CERT_PATH", "");
  set("MLFLOW_TRACKING_INSECURE_TLS", "true");
  EXPECT_FALSE(mlflow_http_options({}).verify_certificates);
  set("MLFLOW_TRACKING_SERVER_CERT_PATH", file("ca.pem", ""));
  EXPECT_EQ(sentence(of_requests),
            "MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH contradict each other: unset one of "
            "them");
}

TEST_F(MLflowSettingsTest, NeedBothHalvesOfTheCredentials) {
  set("MLFLOW_TRACKING_TOKEN", "token");
  EXPECT_EQ(mlflow_credentials()->authorization(), "Bearer token");
  set("MLFLOW_TRACKING_USERNAME", "ada");
  EXPECT_EQ(mlflow_credentials()->authorization(), "Bearer token");
  set("MLFLOW_TRACKING_PASSWORD", "secret");
  EXPECT_EQ(mlflow_credentials()->authorization(), "Basic " + absl::Base64Escape("ada:secret"));
  EXPECT_EQ(mlflow_user(), "ada");
}

TEST_F(MLflowSettingsTest, FindCredentialsInTheirFile) {
  file(".mlflow/credentials",
       "[other]\nmlflow_tracking_username = eve\n\n[mlflow]\n# mlflow_tracking_username = eve\n"
       "MLflow_Tracking_Username: ada\nmlflow_tracking_password=a=b\n");
  EXPECT_EQ(mlflow_credentials()->authorization(), "Basic " + absl::Base64Escape("ada:a=b"));
}

TEST_F(MLflowSettingsTest, NameVariablesAndNoSecrets) {
  set("MLFLOW_TRACKING_TOKEN", "token");
  EXPECT_EQ(mlflow_credentials()->variables(),
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN");
}

TEST_F(MLflowSettingsTest, LeadToAServer) {
  const MLflowAddress address = mlflow_address("https://ada:secret@host:5000/path//");
  EXPECT_EQ(address.kind, Kind::server);
  EXPECT_EQ(address.place, "https://ada:secret@host:5000/path");
  EXPECT_EQ(address.uri, "https://host:5000/path");
  EXPECT_EQ(address.warning, "");
}

TEST_F(MLflowSettingsTest, LeadToAFileHereWithoutAnAddress) {
  const MLflowAddress address = mlflow_address("");
  EXPECT_EQ(address.kind, Kind::database);
  EXPECT_EQ(address.place, (std::filesystem::current_path() / "mlflow.db").string());
  EXPECT_EQ(address.uri, "sqlite:///" + address.place);
}

TEST_F(MLflowSettingsTest, LeadToAFileOfSqlite) {
  EXPECT_EQ(mlflow_address("sqlite:////runs/x/../m.db?timeout=5").place, "/runs/m.db");
  EXPECT_EQ(mlflow_address("sqlite:///a.db").place, (std::filesystem::current_path() / "a.db").string());
}

TEST_F(MLflowSettingsTest, LeadToAFileInADirectory) {
  for (const char* uri : {"/runs", "/runs/", "file:/runs", "file:///runs"}) {
    const MLflowAddress address = mlflow_address(uri);
    EXPECT_EQ(address.kind, Kind::database) << uri;
    EXPECT_EQ(address.place, "/runs/mlflow.db") << uri;
    EXPECT_THAT(address.warning, HasSubstr("`mlflow ui --backend-store-uri sqlite:////runs/mlflow.db`")) << uri;
  }
  EXPECT_EQ(mlflow_address("~/runs").place, home_ + "/runs/mlflow.db");
}

TEST_F(MLflowSettingsTest, LeadNowhereByAnUnknownScheme) {
  for (const char* uri : {"databricks", "databricks://profile", "postgresql://ada:secret@host/db"}) {
    const MLflowAddress address = mlflow_address(uri);
    EXPECT_EQ(address.kind, Kind::unknown) << uri;
    EXPECT_THAT(address.warning, HasSubstr("it knows http://, https:// and sqlite:///")) << uri;
    EXPECT_THAT(address.warning + address.uri, Not(HasSubstr("secret"))) << uri;
  }
  EXPECT_THAT(mlflow_address("azureml://host/x").warning, HasSubstr("--report_to=azure_ml"));
}

TEST_F(MLflowSettingsTest, RefuseAnAddressThatCannotBeMeant) {
  EXPECT_EQ(address_sentence("http://"),
            "MLFLOW_TRACKING_URI is 'http://': it must be the address of a server, http://127.0.0.1:5000 for example");
  for (const char* uri : {"sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:x"}) {
    EXPECT_EQ(address_sentence(uri), "MLFLOW_TRACKING_URI is '" + std::string(uri) +
                                         "': it must be sqlite:///PATH where it names a file of SQLite");
  }
}

}  // namespace
}  // namespace downbeat
