#include "trainer/distributed/meet.h"

#include <absl/strings/str_cat.h>
#include <zlib.h>

#include <array>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>

#include "callbacks/vocabulary/throw_if_error.h"
#include "callbacks/vocabulary/training_arguments_json.h"
#include "trainer/distributed/agreement.h"

namespace downbeat {
namespace {

void check_arguments(const TrainingArguments& args) {
  if (!args.auto_find_batch_size) return;
  throw std::invalid_argument(
      "auto_find_batch_size is for one process: where memory runs out on one of several, the "
      "others cannot begin anew with it; set per_device_train_batch_size");
}

// Of the file that this process runs.
std::string program() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::array<char, 1 << 16> piece;
  uLong checksum = crc32(0, nullptr, 0);
  int64_t bytes = 0;
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    checksum = crc32(checksum, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(file.gcount()));
    bytes += file.gcount();
  }
  return absl::StrCat("program of ", bytes, " bytes with the checksum ", absl::Hex(checksum, absl::kZeroPad8));
}

}  // namespace

std::shared_ptr<ProcessGroup> meet_other_processes(const TrainingArguments& args) {
  static std::weak_ptr<ProcessGroup> known;  // a second one would need the end of the first
  std::shared_ptr<ProcessGroup> group = known.lock();
  if (!group) {
    const absl::StatusOr<ProcessEnvironment> environment = read_process_environment();
    throw_if_error(environment.status());
    if (environment->is_distributed()) check_arguments(args);
    known = group = std::make_shared<ProcessGroup>(*environment, std::chrono::seconds(args.ddp_timeout));
    if (group->is_distributed()) check_same_on_all_ranks(*group, "the program", program());
  }
  if (group->is_distributed()) check_same_on_all_ranks(*group, "the training arguments", to_json(args));
  return group;
}

}  // namespace downbeat
