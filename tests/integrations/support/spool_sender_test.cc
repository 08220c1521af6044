#include "integrations/support/spool_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "callbacks/vocabulary/message.h"

namespace downbeat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using What = SendResult::What;

constexpr auto kSoon = absl::Milliseconds(1);

class SpoolSenderTest : public testing::Test {
 protected:
  SpoolSenderTest() { std::filesystem::remove_all(directory_); }

  // Sends three entries to a server that first gives these answers, then takes everything. True when all was sent.
  bool send(std::vector<SendResult> answers,
            const SpoolSenderOptions& options = {
                .server = "the server", .credentials = "TEST_KEY", .replay = "run `replay`", .first_delay = kSoon}) {
    Spool spool("Test", directory_ + "/a/spool.jsonl");
    for (const char* entry : {"one", "two", "three"}) spool.append(entry);
    std::size_t asked = 0;
    SpoolSender sender(
        "Test", spool,
        [&](const std::string& entry) -> SendResult {
          const SendResult answer = asked < answers.size() ? answers[asked] : SendResult{};
          ++asked;
          if (answer.what == What::sent) sent_.push_back(entry);
          return answer;
        },
        options);
    sender.wake();
    return sender.finish(absl::Seconds(60));
  }

  const std::string directory_ = testing::TempDir() + "/spool_sender";
  std::vector<std::string> sent_;
  ScopedMessageCapture messages_;
};

TEST_F(SpoolSenderTest, SendsAllInOrder) {
  EXPECT_TRUE(send({}));
  EXPECT_THAT(sent_, ElementsAre("one", "two", "three"));
  EXPECT_THAT(messages_.lines(), IsEmpty());
}

TEST_F(SpoolSenderTest, TriesAgainAfterWhatPassesAndSaysItOnce) {
  EXPECT_TRUE(send({{What::failed, "no route"}, {}, {What::failed, "no route"}, {What::failed, "no route"}}));
  EXPECT_THAT(sent_, ElementsAre("one", "two", "three"));
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("Test: the server cannot be reached (no route); training goes "
                                                       "on, everything is kept in ")));
}

TEST_F(SpoolSenderTest, KeepsEverythingForAServerThatStaysDown) {
  EXPECT_FALSE(send(std::vector<SendResult>(100, {What::failed, "no route"})));
  EXPECT_THAT(sent_, IsEmpty());
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("no route"), HasSubstr("; to send it: run `replay`")));
}

TEST_F(SpoolSenderTest, WaitsAsLongAsTheServerAsks) {
  SendResult busy{What::failed, "it answers 429", absl::Milliseconds(30)};
  const absl::Time start = absl::Now();
  EXPECT_TRUE(send({busy}));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(30));
}

TEST_F(SpoolSenderTest, StopsWhereTheCredentialsAreRefused) {
  EXPECT_FALSE(send({{}, {What::unauthorized, "it answers 401"}}));
  EXPECT_THAT(sent_, ElementsAre("one"));
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("refuses the credentials (it answers 401); check TEST_KEY"),
                                             HasSubstr("is kept in")));
}

TEST_F(SpoolSenderTest, PassesOverWhatTheServerNeverTakes) {
  EXPECT_FALSE(send({{What::refused, "it answers 400"}}));
  EXPECT_THAT(sent_, ElementsAre("two", "three"));
  EXPECT_THAT(messages_.lines(), ElementsAre(HasSubstr("does not take a request (it answers 400)")));
}

TEST(ResultOf, SortsAnswers) {
  const auto what = [](int status) { return result_of(HttpResponse{.status = status}).what; };
  EXPECT_EQ(what(200), What::sent);
  for (const int status : {408, 429, 500, 502, 503, 504}) EXPECT_EQ(what(status), What::failed) << status;
  for (const int status : {401, 403}) EXPECT_EQ(what(status), What::unauthorized) << status;
  for (const int status : {400, 404, 409, 413, 501}) EXPECT_EQ(what(status), What::refused) << status;
  EXPECT_EQ(result_of(absl::UnavailableError("no route")).what, What::failed);
  EXPECT_EQ(result_of(absl::NotFoundError("cannot read a file")).what, What::refused);
}

}  // namespace
}  // namespace downbeat
