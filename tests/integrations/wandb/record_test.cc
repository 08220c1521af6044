#include "integrations/wandb/record.h"

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "integrations/wandb/md5.h"

namespace downbeat {
namespace {

std::string hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

TEST(Record, OfAHeaderNamesTheProgramAndTheOldestReader) {
  EXPECT_EQ(hex(header_record()),
            "aa01"
            "14"
            "0a12"
            "0a08646f776e62656174"
            "1206302e37302e30");
}

TEST(Record, OfARowHoldsItsStepAlsoWhenItIsZero) {
  EXPECT_EQ(hex(history_record(0, {{.names = {"a"}, .json = "1"}})),
            "12"
            "0d"
            "0a07"
            "0a0161"
            "82010131"
            "1202"
            "0800");
}

TEST(Record, OfANestedValueNamesTheWay) {
  EXPECT_EQ(hex(summary_record({{.names = {"_wandb", "runtime"}, .json = "7"}})),
            "1a17"
            "0a15"
            "12065f77616e6462"
            "120772756e74696d65"
            "82010137");
}

TEST(Record, OfTheEndHoldsTheExitCodeAlsoWhenItIsZero) {
  EXPECT_EQ(hex(exit_record(0, 7)),
            "9201"
            "04"
            "0800"
            "1007");
}

// As wandb.Artifact gives it for a file m.txt that holds hello.
TEST(Artifact, HasTheDigestOfItsManifest) {
  EXPECT_EQ(artifact_digest({{.path = "m.txt", .local_path = "/x", .md5 = Md5().add("hello").digest(), .size = 5}}),
            "e4aa5ffdd228e490cb17984fd56cdd3e");
}

TEST(Record, HoldsOnlyTextThatAReaderTakes) {
  EXPECT_FALSE(absl::StrContains(summary_record({{.names = {"a\xff"}, .json = "1"}}), "\xff"));
}

}  // namespace
}  // namespace downbeat
