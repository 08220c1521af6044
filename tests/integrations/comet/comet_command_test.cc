#include "integrations/comet/comet_command.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace downbeat {
namespace {

using Words = std::vector<std::string>;

TEST(WithoutSecrets, HidesValuesOfNamesThatSoundSecret) {
  EXPECT_EQ(
      without_secrets({"--hub_token=a", "--API_KEY", "b", "--password", "c", "--client-secret=d"}),
      (Words{"--hub_token=<hidden>", "--API_KEY", "<hidden>", "--password", "<hidden>", "--client-secret=<hidden>"}));
}

TEST(WithoutSecrets, LeavesTheRest) {
  const Words words{"--learning_rate=3e-3", "data.csv", "--token", "--seed=1", "a=b"};
  EXPECT_EQ(without_secrets(words), words);
}

TEST(WithoutSecrets, TakesUserInfoFromAddresses) {
  EXPECT_EQ(without_secrets({"--uri=https://me:pw@host:1/x"}), Words{"--uri=https://host:1/x"});
}

}  // namespace
}  // namespace downbeat
