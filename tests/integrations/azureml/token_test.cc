#include "integrations/azureml/token.h"

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/azureml/token_expiry.h"
#include "integrations/support/small_file.h"
#include "tests/integrations/azureml/azureml_test_support.h"

namespace downbeat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

const absl::Time kEnd = absl::FromUnixSeconds(1764000000);

std::string token_with(const std::string& claims) { return "e30." + absl::WebSafeBase64Escape(claims) + ".sig"; }

TEST(TokenExpiry, IsItsClaim) {
  EXPECT_EQ(token_expiry(token_until(kEnd, "a")), kEnd);
  EXPECT_EQ(token_expiry(token_with(R"({"exp": 1764000000.5})")), kEnd + absl::Milliseconds(500));
}

TEST(TokenExpiry, IsReadWithAndWithoutPaddingAndInTheAlphabetOfUrls) {
  EXPECT_EQ(token_expiry("e30.eyJleHAiOjE3NjQwMDAwMDB9.x"), kEnd);
  EXPECT_EQ(token_expiry("e30.eyJleHAiOiAxNzY0MDAwMDAwfQ==.x"), kEnd);
  const std::string odd = token_with("{\"exp\": 1764000000, \"name\": \"\u00fb\u00ff\u00bf?>~\"}");
  EXPECT_EQ(token_expiry(odd), kEnd);
}

TEST(TokenExpiry, OfWhatIsNoTokenIsUnknown) {
  for (const std::string& token : {std::string(),
                                   std::string("opaque"),
                                   std::string("."),
                                   std::string(".."),
                                   std::string("a.b"),
                                   std::string("a.b.c.d"),
                                   std::string("e30.!!!.x"),
                                   std::string("e30.e.x"),
                                   std::string("e30.\xff\xfe.x"),
                                   token_with(""),
                                   token_with("[]"),
                                   token_with("{"),
                                   token_with("\xff\xfe"),
                                   token_with("{}"),
                                   token_with(R"({"exp": "1764000000"})"),
                                   token_with(R"({"exp": null})"),
                                   token_with(R"({"exp": -1})"),
                                   token_with(R"({"exp": 0})"),
                                   token_with(R"({"exp": 1e300})"),
                                   token_with(R"({"exp": 99999999999999999999})"),
                                   token_with(R"({"EXP": 1764000000})"),
                                   std::string(100000, '.'),
                                   std::string(100000, 'A')}) {
    EXPECT_EQ(token_expiry(token), std::nullopt) << token.substr(0, 100);
  }
  EXPECT_EQ(token_expiry(token_with(std::string(10000, '['))), std::nullopt);
}

class AzureMLTokenTest : public testing::Test {
 protected:
  void give(const std::string& token) { setenv("MLFLOW_TRACKING_TOKEN", token.c_str(), 1); }
  void write_file(const std::string& content) {
    std::ofstream(directory_ + "/token") << content;
    setenv("AZUREML_TOKEN_FILE", (directory_ + "/token").c_str(), 1);
  }
  // With the programs that its lines use.
  void install_az(const std::string& lines) {
    write_az(directory_, lines);
    setenv("PATH", (directory_ + ":/usr/bin:/bin").c_str(), 1);
  }

  const std::string directory_ = test_directory();
  const OnlyVariables variables_;
  const ScopedMessageCapture messages_;
  const std::string valid_ = token_until(absl::Now() + absl::Hours(1), "valid");
  const std::string fresh_ = token_until(absl::Now() + absl::Hours(2), "fresh");
  const std::string ending_ = token_until(absl::Now() + absl::Minutes(5), "ending");
  const std::string over_ = token_until(absl::Now() - absl::Minutes(5), "over");
};

TEST_F(AzureMLTokenTest, IsThatOfMLflowBeforeThatOfTheRun) {
  EXPECT_EQ(AzureMLToken().authorization(), "");
  setenv("AZUREML_RUN_TOKEN", "run", 1);
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer run");
  give("mlflow");
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer mlflow");
  give(" mlflow\n");
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer mlflow");
}

TEST_F(AzureMLTokenTest, WithBlanksInsideIsRefusedWithoutSayingIt) {
  for (const std::string token : {"two words", "line\nline", "caf\xc3\xa9"}) {
    give(token);
    try {
      AzureMLToken();
      FAIL();
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(
          error.what(),
          "MLFLOW_TRACKING_TOKEN holds blanks or other characters that no token has: it must be a token alone");
    }
  }
}

TEST_F(AzureMLTokenTest, ThatIsValidForLongIsNotRenewed) {
  give(valid_);
  install_az(az_answer(fresh_));
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer " + valid_);
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/words"));
}

TEST_F(AzureMLTokenTest, ThatEndsSoonIsRenewedByAz) {
  give(ending_);
  write_file("other");
  install_az(az_answer(fresh_));
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer " + fresh_);
  EXPECT_EQ(read_small_file(directory_ + "/words"),
            "account get-access-token --resource https://management.azure.com --output json\n");
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(AzureMLTokenTest, ThatEndsSoonIsRenewedFromTheFileWithoutAz) {
  give(ending_);
  write_file(fresh_ + "\n");
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer " + fresh_);
}

TEST_F(AzureMLTokenTest, ThatIsMissingComesFromAzOrTheFile) {
  write_file(fresh_);
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer " + fresh_);
  install_az(az_answer(valid_));
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer " + valid_);
}

TEST_F(AzureMLTokenTest, IsNotReplacedByOneThatEndsEarlier) {
  give(ending_);
  write_file(over_);
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer " + ending_);
}

TEST_F(AzureMLTokenTest, ThatWasRefusedIsRenewedByAnyOther) {
  give(fresh_);
  write_file("opaque");
  AzureMLToken token;
  EXPECT_TRUE(token.renew());
  EXPECT_EQ(token.authorization(), "Bearer opaque");
  EXPECT_FALSE(token.renew());  // the same one
  install_az(az_answer("opaque"));
  EXPECT_FALSE(token.renew());
  write_file("newer");  // where az gives what was refused
  EXPECT_TRUE(token.renew());
  EXPECT_EQ(token.authorization(), "Bearer newer");
}

TEST_F(AzureMLTokenTest, AzThatFailsLeavesItToTheFile) {
  give("old");
  write_file("of the file");
  AzureMLToken token;
  for (const std::string& lines :
       {std::string("exit 1"), az_answer("t") + "\nexit 1", std::string("echo"), std::string("echo '{'"),
        std::string("echo []"), std::string("echo '{\"accessToken\": 5}'"), az_answer(""), az_answer("two words"),
        std::string("kill -9 $$"), std::string("exec head -c 3000000 /dev/zero")}) {
    install_az(lines);
    EXPECT_FALSE(token.renew()) << lines;  // a file with blanks is no token
  }
  write_file("plain");
  EXPECT_TRUE(token.renew());
  EXPECT_EQ(token.authorization(), "Bearer plain");
}

TEST_F(AzureMLTokenTest, AzThatHangsIsKilledWithWhatItStarted) {
  give("old");
  install_az("sleep 1000 & echo $! > \"" + directory_ + "/child\"; wait");
  AzureMLToken token({.az_timeout = absl::Seconds(2)});
  EXPECT_FALSE(token.renew());
  const std::string status = absl::StrCat("/proc/", std::stoi(*read_small_file(directory_ + "/child")), "/status");
  const auto is_gone = [&] {
    return read_small_file(status).value_or("State:\tZ").find("State:\tZ") != std::string::npos;
  };
  for (const absl::Time end = absl::Now() + absl::Seconds(60); !is_gone() && absl::Now() < end;) sched_yield();
  EXPECT_TRUE(is_gone());
}

TEST_F(AzureMLTokenTest, AzThatLeavesSomethingBehindIsNotWaitedFor) {
  give("old");
  install_az(az_answer("new") + "\nsleep 1000 & echo $! > \"" + directory_ + "/child\"");
  AzureMLToken token;
  const absl::Time before = absl::Now();
  EXPECT_TRUE(token.renew());
  EXPECT_LT(absl::Now() - before, absl::Seconds(100));
  kill(std::stoi(*read_small_file(directory_ + "/child")), SIGKILL);
}

TEST_F(AzureMLTokenTest, AProgramThatIsNoneIsNotAz) {
  give("old");
  std::filesystem::create_directories(directory_ + "/az");
  setenv("PATH", directory_.c_str(), 1);
  EXPECT_FALSE(AzureMLToken().renew());
}

TEST_F(AzureMLTokenTest, ThatNothingRenewsIsWarnedAboutOnce) {
  give(ending_);
  write_file("");
  install_az("exit 1");
  AzureMLToken token;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(token.authorization(), "Bearer " + ending_);
  EXPECT_THAT(messages_.lines(),
              ElementsAre(MatchesRegex("downbeat: warning: AzureML: the token ends at ..:..:.. and nothing renews it.*"
                                       "AZUREML_TOKEN_FILE.*")));
  EXPECT_THAT(messages_.text(), Not(HasSubstr(ending_)));
  EXPECT_EQ(read_small_file(directory_ + "/words"),  // a try a minute
            "account get-access-token --resource https://management.azure.com --output json\n");
}

TEST_F(AzureMLTokenTest, ThatHasEndedIsSaid) {
  give(over_);
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer " + over_);
  EXPECT_THAT(messages_.text(), HasSubstr("the token has ended at "));
}

TEST_F(AzureMLTokenTest, ThatSomethingRenewsIsNotWarnedAbout) {
  give(ending_);
  write_file(ending_);  // the next one will be written there
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer " + ending_);
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(AzureMLTokenTest, OfNoKnownFormIsTakenAsItIs) {
  give("opaque");
  EXPECT_EQ(AzureMLToken().authorization(), "Bearer opaque");
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

}  // namespace
}  // namespace downbeat
