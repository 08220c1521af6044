#include "integrations/wandb/record_file.h"

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/support/small_file.h"
#include "integrations/wandb/previous_rows.h"
#include "integrations/wandb/record.h"
#include "tests/integrations/wandb/environment_for_test.h"

namespace downbeat {
namespace {

constexpr int64_t kBlock = 32768;

std::string hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }
std::string header_of(const std::string& chunk) { return hex(chunk.substr(4, 3)); }  // length and type

TEST(Framing, IsTheOneOfTheOfficialClient) {
  const std::string record = absl::HexStringToBytes("0801aa01160a140a0a302e32382e332b6370701206302e37302e30");
  EXPECT_EQ(hex(std::string(kWandbFileHeader)) + hex(framed(7, record)),
            "3a572642e1be00e52cebbc1b00010801aa01160a140a0a302e32382e332b6370701206302e37302e30");
}

TEST(Framing, PutsARecordThatFillsTheBlockIntoOneChunk) {
  EXPECT_EQ(header_of(framed(kBlock - 107, std::string(100, 'x'))), "640001");
  EXPECT_EQ(framed(kBlock - 107, std::string(100, 'x')).size(), 107U);
}

TEST(Framing, CutsARecordAtTheEndsOfBlocks) {
  const std::string bytes = framed(kBlock - 107, std::string(100 + kBlock - 7 + 5, 'x'));
  EXPECT_EQ(header_of(bytes), "640002");                       // FIRST
  EXPECT_EQ(header_of(bytes.substr(107)), "f97f03");           // MIDDLE, a whole block
  EXPECT_EQ(header_of(bytes.substr(107 + kBlock)), "050004");  // LAST
  EXPECT_EQ(bytes.size(), 107U + kBlock + 7 + 5);
}

TEST(Framing, FillsTheRestOfABlockThatHoldsNoHeader) {
  const std::string bytes = framed(kBlock - 6, "xy");
  EXPECT_EQ(bytes.substr(0, 6), std::string(6, '\0'));
  EXPECT_EQ(header_of(bytes.substr(6)), "020001");
}

TEST(Framing, WritesAnEmptyFirstChunkWhereOnlyItsHeaderFits) {
  const std::string bytes = framed(kBlock - 7, "xy");
  EXPECT_EQ(header_of(bytes), "000002");
  EXPECT_EQ(header_of(bytes.substr(7)), "020004");
}

TEST(RecordFile, HoldsWhatMustStandFirst) {
  const std::string directory = empty_directory("record_file");
  RecordFile file(directory + "/run-a.wandb");
  file.hold({header_record()});
  EXPECT_FALSE(file.is_begun());
  EXPECT_TRUE(file.append({history_record(0, {})}));
  EXPECT_TRUE(file.append({history_record(1, {})}));
  const std::string first = absl::StrCat("\x08\x01", header_record());
  const std::string second = absl::StrCat("\x08\x02", history_record(0, {}));
  std::string expected(kWandbFileHeader);
  for (const std::string& record : {first, second, absl::StrCat("\x08\x03", history_record(1, {}))}) {
    expected += framed(static_cast<int64_t>(expected.size()), record);
  }
  EXPECT_EQ(hex(*read_small_file(file.path())), hex(expected));
}

TEST(RecordFile, BeginsWithItsFirstRecordsAlsoWhereTheyFailedAtFirst) {
  const ScopedMessageCapture messages;
  const std::string directory = empty_directory("record_file_later") + "/run";
  std::filesystem::create_symlink("/proc/no", directory);  // nothing can be made there
  RecordFile file(directory + "/run-a.wandb");
  file.hold({header_record()});
  EXPECT_FALSE(file.append({history_record(0, {})}, 3));
  std::filesystem::remove(directory);
  EXPECT_FALSE(file.append({history_record(0, {})}, 2)) << "too early";
  file.try_again();
  EXPECT_TRUE(file.append({history_record(7, {})}, 1));
  EXPECT_EQ(file.lost(), 5);
  EXPECT_EQ(next_step_in_file(file.path()), 8);
  EXPECT_EQ(read_small_file(file.path())->find(header_record()), 7U + 7 + 2);
}

TEST(RecordFile, NeverWritesIntoAFileThatIsThere) {
  const ScopedMessageCapture messages;
  const std::string path = empty_directory("record_file_taken") + "/run-a.wandb";
  ASSERT_TRUE(write_small_file(path, "of another run").ok());
  RecordFile file(path);
  EXPECT_FALSE(file.append({header_record()}));
  EXPECT_EQ(*read_small_file(path), "of another run");
}

std::string file_with_rows(int64_t first, int64_t count) {
  std::string bytes(kWandbFileHeader);
  bytes += framed(7, absl::StrCat("\x08\x01", header_record()));
  for (int64_t step = first; step < first + count; ++step) {
    const WandbItems row{{.names = {"train/loss"}, .json = "0.5"}};
    bytes += framed(static_cast<int64_t>(bytes.size()), absl::StrCat("\x08\x02", history_record(step, row)));
  }
  return bytes;
}

TEST(PreviousRows, AreCountedAcrossBlocks) {
  EXPECT_EQ(next_step_in(file_with_rows(0, 5000)), 5000);
  EXPECT_EQ(next_step_in(file_with_rows(300, 1)), 301);
  EXPECT_EQ(next_step_in(file_with_rows(0, 1)), 1);
}

TEST(PreviousRows, AreCountedUpToTheTornOne) {
  const std::string whole = file_with_rows(0, 2000);
  for (std::size_t cut = 1; cut < 45; ++cut) {
    const int64_t next = next_step_in(whole.substr(0, whole.size() - cut));
    EXPECT_TRUE(next == 1999 || next == 1998) << next;
  }
}

TEST(PreviousRows, AreNoneInOtherFiles) {
  EXPECT_EQ(next_step_in(""), 0);
  EXPECT_EQ(next_step_in("something else"), 0);
  EXPECT_EQ(next_step_in(std::string(kWandbFileHeader) + std::string(1000, '\x04')), 0);
  EXPECT_EQ(next_step_in_file("/proc/no"), 0);
}

}  // namespace
}  // namespace downbeat
