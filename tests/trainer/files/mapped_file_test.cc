#include "trainer/files/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/trainer/support/files.h"

namespace downbeat {
namespace {

using testing::content;
using testing::fresh_directory;
using testing::write;

TEST(MappedFile, HasTheBytesOfTheFile) {
  const std::string path = fresh_directory() + "/file";
  const std::string text(10'000, 'x');
  write(path, text);
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->bytes(), text);
}

TEST(MappedFile, OfAnEmptyFileIsEmpty) {
  const std::string path = fresh_directory() + "/file";
  write(path, "");
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->bytes().empty());
}

TEST(MappedFile, CanBeWrittenToWithoutChangingTheFile) {
  const std::string path = fresh_directory() + "/file";
  write(path, "abc");
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  (*file)->data()[1] = 'X';
  EXPECT_EQ((*file)->bytes(), "aXc");
  EXPECT_EQ(content(path), "abc");
}

TEST(MappedFile, CanBeReadWhereTheFileIsReadOnlyOrDeleted) {
  const std::string path = fresh_directory() + "/file";
  write(path, "abc");
  ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  std::filesystem::remove(path);
  EXPECT_EQ((*file)->bytes(), "abc");
}

TEST(MappedFile, NamesWhatCannotBeMapped) {
  const std::string directory = fresh_directory(), pipe = directory + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(MappedFile::open(directory + "/missing").status().message(),
            "cannot read " + directory + "/missing: No such file or directory");
  EXPECT_EQ(MappedFile::open(directory).status().message(), "cannot read " + directory + ": Is a directory");
  EXPECT_EQ(MappedFile::open(pipe).status().message(), "cannot read " + pipe + ": it is no regular file");
}

TEST(MappedFile, ForgetsWholePagesThatBecomeThoseOfTheFileAgain) {
  const std::string path = fresh_directory() + "/f";
  write(path, std::string(3 << 16, 'a'));
  const auto file = *MappedFile::open(path);
  for (std::size_t i = 0; i < file->bytes().size(); ++i) file->data()[i] = 'b';
  file->forget(file->data() + 1, 2 << 16);
  EXPECT_EQ(file->data()[0], 'b') << "on a page of which a part is still used";
  EXPECT_EQ(file->data()[1 << 16], 'a');
  EXPECT_EQ(file->data()[(2 << 16) + 1], 'b');
  file->forget(file->data(), 10);  // not one whole page
  EXPECT_EQ(file->data()[0], 'b');
}

}  // namespace
}  // namespace downbeat
