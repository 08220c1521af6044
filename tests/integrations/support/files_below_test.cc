#include "integrations/support/files_below.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class FilesBelow : public testing::Test {
 protected:
  FilesBelow() {
    for (const char* path : {"b.txt", "a/c.txt", "a/d/e.txt", "f.json.writing-17"}) {
      EXPECT_TRUE(write_small_file(directory_ + "/" + path, "").ok());
    }
  }
  ~FilesBelow() override { fs::remove_all(directory_); }

  const std::string directory_ = testing::TempDir() + "files_below";
  std::error_code error_;
};

TEST_F(FilesBelow, AreNamedInOrderWithoutWhatIsBeingWritten) {
  EXPECT_THAT(files_below(directory_, error_), ElementsAre("a/c.txt", "a/d/e.txt", "b.txt"));
  EXPECT_FALSE(error_);
}

TEST_F(FilesBelow, MayLeaveOutADirectory) {
  EXPECT_THAT(files_below(directory_, error_, directory_ + "/a/../a/d"), ElementsAre("a/c.txt", "b.txt"));
}

TEST_F(FilesBelow, TakeLinksForWhatTheyLeadTo) {
  fs::create_symlink("b.txt", directory_ + "/link");
  fs::create_symlink("nowhere", directory_ + "/c");
  EXPECT_THAT(files_below(directory_, error_), ElementsAre("a/c.txt", "a/d/e.txt", "b.txt", "link"));
}

TEST_F(FilesBelow, AreNoneWhereThereIsNoDirectory) {
  EXPECT_THAT(files_below(directory_ + "/none", error_), IsEmpty());
  EXPECT_TRUE(error_);
}

}  // namespace
}  // namespace downbeat
