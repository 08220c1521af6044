#include "integrations/tensorboard/event.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace downbeat {
namespace {

constexpr char kOneSecond[] = "09000000000000f03f";  // wall_time 1.0

std::string hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

TEST(Event, OfTheVersionIsTheFirstOfAFile) {
  EXPECT_EQ(hex(version_event(1)), std::string(kOneSecond) + "1a0d" + hex("brain.Event:2"));
  EXPECT_EQ(hex(version_event(1, 9)), std::string(kOneSecond) +
                                          "1009"
                                          "1a0d" +
                                          hex("brain.Event:2"));
}

TEST(Event, OfASessionSaysThatItStarts) {
  EXPECT_EQ(hex(session_start_event(1, 9)), std::string(kOneSecond) +
                                                "1009"
                                                "3a020801");
}

TEST(Event, OfANumberHoldsItAsFloat) {
  EXPECT_EQ(hex(scalar_event(1, 300, "train/x", 0.5)), std::string(kOneSecond) +
                                                           "10ac02"
                                                           "2a10"
                                                           "0a0e"
                                                           "0a07" +
                                                           hex("train/x") + "150000003f");
}

TEST(Event, OfANumberHoldsZeroNanAndInfinityToo) {
  const auto ends_with = [](double value, const std::string& end) {
    return absl::EndsWith(hex(scalar_event(1, 1, "t", value)), end);
  };
  EXPECT_TRUE(ends_with(0, "1500000000"));
  EXPECT_TRUE(ends_with(std::numeric_limits<double>::quiet_NaN(), "150000c07f"));
  EXPECT_TRUE(ends_with(std::numeric_limits<double>::infinity(), "150000807f"));
  EXPECT_TRUE(ends_with(-std::numeric_limits<double>::infinity(), "15000080ff"));
}

TEST(Event, OfATextIsATensorForTheTextPage) {
  EXPECT_EQ(hex(text_event(1, 0, "args", "{}")), std::string(kOneSecond) +
                                                     "2a2d"
                                                     "0a2b"
                                                     "0a11" +
                                                     hex("args/text_summary") +
                                                     "420c"
                                                     "0807"
                                                     "120412020801"
                                                     "42027b7d" +
                                                     "4a08"
                                                     "0a06"
                                                     "0a04" +
                                                     hex("text"));
}

TEST(Event, NeverHoldsWhatIsNoUtf8) {
  EXPECT_TRUE(absl::StrContains(scalar_event(1, 1, "train/\xff", 1), "train/\xEF\xBF\xBD"));
  EXPECT_TRUE(absl::StrContains(text_event(1, 1, "t", "a\xC3"), "a\xEF\xBF\xBD"));
  EXPECT_TRUE(absl::StrContains(scalar_event(1, 1, "train/\xC3\xA4", 1), "train/\xC3\xA4"));
}

TEST(Event, OfHyperparametersKeepsTheirTypes) {
  const std::string event =
      session_start_info_event(1, {{"a", 2}, {"b", true}, {"c", "x"}, {"d", nullptr}, {"e", {1}}});
  const auto contains = [&](const std::string& part) { return absl::StrContains(hex(event), part); };
  EXPECT_TRUE(
      contains("0a0e"
               "0a0161"
               "1209"
               "110000000000000040"));
  EXPECT_TRUE(
      contains("0a07"
               "0a0162"
               "1202"
               "2001"));
  EXPECT_TRUE(
      contains("0a08"
               "0a0163"
               "1203"
               "1a0178"));
  EXPECT_FALSE(contains("0a0164"));
  EXPECT_TRUE(
      contains("0a0165"
               "1205"
               "1a03" +
               hex("[1]")));
  EXPECT_TRUE(
      contains("4206"
               "0801"
               "12021200"
               "4a"))
      << "an empty tensor of floats";
}

TEST(Event, OfHyperparametersWritesWhatJsonHasNotAsText) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(absl::StrContains(session_start_info_event(1, {{"a", infinity}}), "Infinity"));
}

TEST(Event, OfASessionsEndHoldsItsStatus) {
  EXPECT_TRUE(absl::StrContains(hex(session_end_info_event(1, SessionStatus::success)),
                                "220b"
                                "0801"
                                "11"));
  EXPECT_TRUE(absl::StrContains(hex(session_end_info_event(1, SessionStatus::failure)),
                                "220b"
                                "0802"
                                "11"));
}

TEST(EventRecord, IsFramedByItsLengthAndTwoChecks) {
  const std::string record = event_record(std::string(31, 'x'));
  EXPECT_EQ(record.size(), 8 + 4 + 31 + 4);
  EXPECT_EQ(hex(record.substr(0, 12)), "1f00000000000000514b4418");
  EXPECT_EQ(hex(event_record("123456789").substr(21)), "e5b08ac7");  // c78ab0e5, little-endian
}

}  // namespace
}  // namespace downbeat
