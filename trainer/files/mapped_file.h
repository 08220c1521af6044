// MappedFile: the bytes of a file in memory without reading it: the system brings a page when it is first touched.
//
//   absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open("model.safetensors");
//   absl::string_view bytes = (*file)->bytes();
//
// The bytes may be written to: that changes them for this process only and never the file. Deleting the file or
// renaming another one over it leaves the mapping whole. Nobody may shorten the file in place while it is mapped:
// touching a page that it no longer has ends the process (SIGBUS). FileWriter never shortens a file in place.
//
// For a small file that is used once, std::ifstream. Free of torch.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace downbeat {

class MappedFile {
 public:
  // A missing file, and what is no regular file, is one sentence that names it (absl::StatusCode::kNotFound).
  static absl::StatusOr<std::shared_ptr<MappedFile>> open(const std::string& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() { return data_; }  // null for an empty file
  absl::string_view bytes() const { return {data_, size_}; }

  // Gives back the memory of these bytes, which nobody uses any more: they become those of the file again.
  void forget(char* begin, std::size_t size);

 private:
  MappedFile(char* data, std::size_t size) : data_(data), size_(size) {}

  char* data_;
  std::size_t size_;
};

}  // namespace downbeat
