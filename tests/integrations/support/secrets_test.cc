#include "integrations/support/secrets.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace downbeat {
namespace {

using Words = std::vector<std::string>;

TEST(WithoutSecrets, HidesValuesOfNamesThatSoundSecret) {
  EXPECT_EQ(without_secrets({"--hub_token=a", "--API_KEY", "b", "--password", "c", "--client-secret=d"}),
            (Words{"--hub_token=<HUB_TOKEN>", "--API_KEY", "<API_KEY>", "--password", "<PASSWORD>",
                   "--client-secret=<CLIENT-SECRET>"}));
}

TEST(WithoutSecrets, LeavesTheRest) {
  const Words words{"--learning_rate=3e-3", "data.csv", "--token", "--seed=1", "a=b", "--tokenizer=t", "-", "--", ""};
  EXPECT_EQ(without_secrets(words), words);
}

TEST(WithoutSecrets, TakesUserInfoFromAddresses) {
  EXPECT_EQ(without_secrets({"--uri=https://me:pw@host:1/x"}), Words{"--uri=https://host:1/x"});
}

TEST(WithoutCredentials, LeavesTheAddress) {
  EXPECT_EQ(without_credentials("https://user:secret@host:5000/path?key=secret#x"), "https://host:5000/path");
  EXPECT_EQ(without_credentials("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(without_credentials("host"), "host");
}

}  // namespace
}  // namespace downbeat
