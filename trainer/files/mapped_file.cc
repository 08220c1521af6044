#include "trainer/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace downbeat {
namespace {

absl::Status cannot_read(const std::string& path, absl::string_view reason) {
  return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", reason));
}

}  // namespace

absl::StatusOr<std::shared_ptr<MappedFile>> MappedFile::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // opening a pipe would wait for a writer
  if (file < 0) return cannot_read(path, std::strerror(errno));
  const auto close = absl::MakeCleanup([file] { ::close(file); });
  struct stat status;
  if (::fstat(file, &status) != 0) return cannot_read(path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return cannot_read(path, std::strerror(EISDIR));
  if (!S_ISREG(status.st_mode)) return cannot_read(path, "it is no regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<MappedFile>(new MappedFile(nullptr, 0));
  // Writable although the file is not: pages that are written to become the process' own. Without a reservation for the
  // case that all of them are, which would refuse a file larger than the memory.
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  if (data == MAP_FAILED) return cannot_read(path, std::strerror(errno));
  ::madvise(data, size, MADV_SEQUENTIAL);  // weights are copied into a model front to back; only a hint
  return std::shared_ptr<MappedFile>(new MappedFile(static_cast<char*>(data), size));
}

void MappedFile::forget(char* begin, std::size_t size) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  // Whole pages only: what lies at their edges may be somebody else's.
  const std::uintptr_t first = (address + page - 1) / page * page, end = (address + size) / page * page;
  if (first < end) ::madvise(begin + (first - address), end - first, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(data_, size_);
}

}  // namespace downbeat
