#include "integrations/wandb/md5.h"

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include <string>

namespace downbeat {
namespace {

std::string md5(const std::string& text) { return absl::BytesToHexString(Md5().add(text).digest()); }

TEST(Md5, GivesTheSumsOfRfc1321) {
  EXPECT_EQ(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5("a"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(md5("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(Md5, IsThatOfManyBlocks) { EXPECT_EQ(md5(std::string(1000000, 'a')), "7707d6ae4e027c70eea2a935c2296f21"); }

TEST(Md5, DoesNotDependOnHowTheTextIsCut) {
  for (std::size_t size = 50; size < 200; ++size) {
    const std::string text(size, 'x');
    for (const std::size_t cut : {std::size_t{1}, size / 2, size - 1}) {
      EXPECT_EQ(absl::BytesToHexString(Md5().add(text.substr(0, cut)).add(text.substr(cut)).digest()), md5(text));
    }
  }
}

}  // namespace
}  // namespace downbeat
