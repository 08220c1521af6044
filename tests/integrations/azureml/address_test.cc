#include "integrations/azureml/address.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/integrations/azureml/azureml_test_support.h"

namespace downbeat {
namespace {

constexpr char kScope[] = "subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";

std::string scoped(const std::string& start) { return start + kScope; }

std::string sentence(const std::string& uri) {
  try {
    azureml_address(uri);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(AzureMLAddress, IsHttpsAtTheSecondVersion) {
  const auto address = azureml_address(scoped("azureml://eastus.api.azureml.ms/mlflow/v1.0/"));
  EXPECT_EQ(address->server, scoped("https://eastus.api.azureml.ms/mlflow/v2.0/"));
  EXPECT_EQ(address->uri, scoped("azureml://eastus.api.azureml.ms/mlflow/v1.0/"));
}

TEST(AzureMLAddress, DropsQueryUserInfoAndSlashesAtTheEnd) {
  const auto address =
      azureml_address(scoped("azureml://ada:secret@eastus.api.azureml.ms/mlflow/v1.0/") + "//?is-remote=True&token=x");
  EXPECT_EQ(address->server, scoped("https://eastus.api.azureml.ms/mlflow/v2.0/"));
  EXPECT_EQ(address->uri, scoped("azureml://eastus.api.azureml.ms/mlflow/v1.0/"));
}

TEST(AzureMLAddress, OfTheSecondVersionIsTheSame) {
  EXPECT_EQ(azureml_address(scoped("azureml://host/mlflow/v2.0/"))->server, scoped("https://host/mlflow/v2.0/"));
  EXPECT_EQ(azureml_address(scoped("azureml://host/mlflow/v2.0/"))->uri, scoped("azureml://host/mlflow/v1.0/"));
}

TEST(AzureMLAddress, IsItsOwnForm) {
  const auto address = azureml_address(scoped("azureml://host:8443/mlflow/v1.0/"));
  EXPECT_EQ(azureml_address(address->uri)->server, address->server);
}

TEST(AzureMLAddress, OnlyOfThisMachineIsWithoutTls) {
  for (const std::string host : {"127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"}) {
    EXPECT_EQ(azureml_address(scoped("azureml://" + host + "/mlflow/v1.0/"))->server,
              scoped("http://" + host + "/mlflow/v2.0/"));
  }
  for (const std::string host : {"127.0.0.1.example", "127.0.0.11", "localhost", "10.0.0.1:80"}) {
    EXPECT_EQ(azureml_address(scoped("azureml://" + host + "/mlflow/v1.0/"))->server,
              scoped("https://" + host + "/mlflow/v2.0/"));
  }
}

TEST(AzureMLAddress, OtherAddressesAreRefusedByName) {
  for (const std::string& uri :
       {std::string("http://host:5000"), std::string("mlflow.db"), scoped("https://host/mlflow/v1.0/"),
        std::string("azureml://"), std::string("azureml://host"), std::string("azureml://host/mlflow/v1.0/"),
        scoped("azureml:///mlflow/v1.0/"), scoped("azureml://host/v1.0/"), scoped("azureml://ho st/mlflow/v1.0/")}) {
    EXPECT_EQ(sentence(uri).find("MLFLOW_TRACKING_URI is '" + uri + "': it must be azureml://HOST/mlflow/v1.0/"), 0)
        << sentence(uri);
  }
  EXPECT_EQ(sentence("http://ada:secret@host?token=x").find("secret"), std::string::npos);
}

TEST(AzureMLAddress, IsThatOfTheJobOtherwise) {
  const OnlyVariables variables({{"AZUREML_SERVICE_ENDPOINT", "https://eastus.api.azureml.ms/"},
                                 {"AZUREML_ARM_SUBSCRIPTION", "s"},
                                 {"AZUREML_ARM_RESOURCEGROUP", "my group"},
                                 {"AZUREML_ARM_WORKSPACE_NAME", "w"}});
  EXPECT_EQ(azureml_address("")->server,
            "https://eastus.api.azureml.ms/mlflow/v2.0/subscriptions/s/resourceGroups/my%20group/providers/"
            "Microsoft.MachineLearningServices/workspaces/w");
  EXPECT_EQ(azureml_address(azureml_address("")->uri)->server, azureml_address("")->server);
}

TEST(AzureMLAddress, IsMissingWhereAVariableOfTheJobIs) {
  const OnlyVariables none;
  EXPECT_FALSE(azureml_address(""));
  const OnlyVariables variables({{"AZUREML_SERVICE_ENDPOINT", "https://eastus.api.azureml.ms"},
                                 {"AZUREML_ARM_SUBSCRIPTION", "s"},
                                 {"AZUREML_ARM_RESOURCEGROUP", "g"}});
  EXPECT_FALSE(azureml_address(""));
}

TEST(AzureMLAddress, AnEndpointThatIsNoneIsRefused) {
  const OnlyVariables variables({{"AZUREML_SERVICE_ENDPOINT", "https://"},
                                 {"AZUREML_ARM_SUBSCRIPTION", "s"},
                                 {"AZUREML_ARM_RESOURCEGROUP", "g"},
                                 {"AZUREML_ARM_WORKSPACE_NAME", "w"}});
  EXPECT_EQ(sentence(""),
            "AZUREML_SERVICE_ENDPOINT is 'https://': it must be an address, https://eastus.api.azureml.ms for example");
}

}  // namespace
}  // namespace downbeat
