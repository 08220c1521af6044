#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

#include "integrations/support/environment.h"
#include "integrations/support/http_client.h"
#include "integrations/support/log_name.h"
#include "integrations/support/machine.h"

namespace downbeat {
namespace {

TEST(LogName, IsRewrittenAsHuggingFaceDoes) {
  EXPECT_EQ(rewrite_log_name("eval_loss"), "eval/loss");
  EXPECT_EQ(rewrite_log_name("test_loss"), "test/loss");
  EXPECT_EQ(rewrite_log_name("loss"), "train/loss");
  EXPECT_EQ(rewrite_log_name("train_loss"), "train/train_loss");
  EXPECT_EQ(rewrite_log_name("evaluation"), "train/evaluation");
}

TEST(Url, IsPercentEncoded) { EXPECT_EQ(percent_encoded("a b/ü~"), "a%20b%2f%c3%bc~"); }

TEST(HttpClient, NamesTheServerThatCannotBeReached) {
  HttpClient client({.authorization = "Bearer secret"});
  const auto response = client.send({.url = "http://user:secret@127.0.0.1:1/path?token=secret"});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(std::string(response.status().message()), "http://127.0.0.1:1/path: Couldn't connect to server");
}

TEST(Environment, TakesHuggingFacesWordsForTrue) {
  for (const char* word : {"1", "on", "YES", "True"}) {
    setenv("DOWNBEAT_TEST", word, 1);
    EXPECT_TRUE(is_environment_true("DOWNBEAT_TEST")) << word;
  }
  for (const char* word : {"", "0", "off", "y"}) {
    setenv("DOWNBEAT_TEST", word, 1);
    EXPECT_FALSE(is_environment_true("DOWNBEAT_TEST")) << word;
  }
}

TEST(Environment, IsAskedWhereAnOptionSaysNothing) {
  setenv("DOWNBEAT_TEST", "of the variable", 1);
  EXPECT_EQ(chosen_setting("of the option", "DOWNBEAT_TEST"), "of the option");
  EXPECT_EQ(chosen_setting("", "DOWNBEAT_TEST", "otherwise"), "of the variable");
  setenv("DOWNBEAT_TEST", "", 1);
  EXPECT_EQ(chosen_setting("", "DOWNBEAT_TEST", "otherwise"), "otherwise");
  EXPECT_EQ(chosen_setting("", "DOWNBEAT_TEST"), "");
}

TEST(Environment, SaysWhatASettingMustBe) {
  try {
    refuse_setting("DOWNBEAT_TEST", "maybe", "yes or no");
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "DOWNBEAT_TEST is 'maybe': it must be yes or no");
  }
}

TEST(Environment, KnowsTheHomeDirectory) {
  setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(with_home("~/runs"), "/home/someone/runs");
  EXPECT_EQ(with_home("~"), "/home/someone");
  EXPECT_EQ(with_home("~other/runs"), "~other/runs");
  EXPECT_EQ(with_home("runs/~"), "runs/~");
}

TEST(Machine, MakesNamesThatDiffer) {
  EXPECT_NE(random_uuid(), random_uuid());
  EXPECT_THAT(random_uuid(), testing::MatchesRegex("[0-9a-f]+-[0-9a-f]+-4[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
}

}  // namespace
}  // namespace downbeat
