#include "trainer/torch_file/torch_file.h"

#include <ATen/ops/empty.h>
#include <caffe2/serialize/inline_container.h>
#include <zip.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "trainer/files/file_writer.h"
#include "trainer/files/printable_name.h"
#include "trainer/torch_file/pickle_reader.h"
#include "trainer/torch_file/pickle_writer.h"

namespace downbeat {
namespace {

absl::Status damaged(const std::string& path, const std::string& what) {
  return absl::DataLossError(absl::StrCat(path, " is damaged: ", what));
}
absl::Status unreadable(const std::string& path, const std::string& why) {
  return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", why));
}

// --- Reading ---

struct CloseZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

// The entries of a file of torch.save, which all lie in a folder of one name.
class Archive {
 public:
  static absl::StatusOr<Archive> open(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) return unreadable(path, error.message());
    if (size == 0) return damaged(path, "it is empty");
    int code = 0;
    zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY, &code);
    if (!archive) {
      if (code == ZIP_ER_OPEN || code == ZIP_ER_READ) return unreadable(path, std::strerror(errno));
      zip_error_t why;
      zip_error_init_with_code(&why, code);
      const absl::Status status = damaged(path, absl::StrCat("it is no zip file (", zip_error_strerror(&why), ")"));
      zip_error_fini(&why);
      return status;
    }
    return Archive(path, size, archive);
  }

  // The size of an entry that is read next; an error where it is not there, or packed as torch.save never does. Entries
  // can share their bytes, so that a small file holds much: together they are never larger than it.
  absl::StatusOr<uint64_t> size_of(const std::string& name) {
    zip_stat_t stat;
    if (index_of(name) < 0 || zip_stat_index(archive_.get(), static_cast<uint64_t>(index_of(name)), 0, &stat) != 0) {
      return damaged(path_, absl::StrCat("it has no entry ", printable_name(name)));
    }
    constexpr uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    const bool is_stored = (stat.valid & kNeeded) == kNeeded && stat.comp_method == ZIP_CM_STORE;
    if (!is_stored || stat.size != stat.comp_size) {
      return damaged(path_, absl::StrCat("its entry ", printable_name(name), " is not stored as it is"));
    }
    if (stat.size > unread_) return damaged(path_, "its entries are larger than the file");
    unread_ -= stat.size;
    return stat.size;
  }

  // All bytes of an entry of that size; the check sum is compared at its end.
  absl::Status read(const std::string& name, void* into, uint64_t size) const {
    const std::unique_ptr<zip_file_t, CloseEntry> entry(
        zip_fopen_index(archive_.get(), static_cast<uint64_t>(index_of(name)), 0));
    if (!entry) return damaged(path_, absl::StrCat("its entry ", printable_name(name), " cannot be opened"));
    char* at = static_cast<char*>(into);
    for (uint64_t left = size; left > 0;) {
      const int64_t read = zip_fread(entry.get(), at, left);
      if (read <= 0) return damaged(path_, absl::StrCat("its entry ", printable_name(name), " cannot be read"));
      at += read;
      left -= static_cast<uint64_t>(read);
    }
    char more;
    const bool is_whole = zip_fread(entry.get(), &more, 1) == 0;
    return is_whole ? absl::OkStatus()
                    : damaged(path_, absl::StrCat("the check sum of its entry ", printable_name(name), " is wrong"));
  }

  absl::StatusOr<std::string> text(const std::string& name) {
    const absl::StatusOr<uint64_t> size = size_of(name);
    if (!size.ok()) return size.status();
    std::string bytes(*size, '\0');
    const absl::Status status = read(name, bytes.data(), *size);
    if (!status.ok()) return status;
    return bytes;
  }

  bool has(const std::string& name) const { return index_of(name) >= 0; }
  const std::string& path() const { return path_; }

 private:
  Archive(std::string path, uint64_t file_size, zip_t* archive)
      : path_(std::move(path)), unread_(file_size), archive_(archive) {
    for (int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
      const char* name = zip_get_name(archive, static_cast<uint64_t>(i), ZIP_FL_ENC_RAW);
      const std::string_view text = name ? name : "";
      const std::string_view pickle = "/data.pkl";
      if (text.size() > pickle.size() && text.substr(text.size() - pickle.size()) == pickle) {
        folder_ = text.substr(0, text.size() - pickle.size() + 1);
      }
    }
  }
  int64_t index_of(const std::string& name) const {
    if (name.find('\0') != name.npos) return -1;  // libzip would look for what is before it
    return zip_name_locate(archive_.get(), (folder_ + name).c_str(), ZIP_FL_ENC_RAW);
  }

  std::string path_;
  uint64_t unread_;  // bytes of the file
  std::unique_ptr<zip_t, CloseZip> archive_;
  std::string folder_;  // with its slash
};

absl::Status check_byte_order(Archive& archive) {
  if (!archive.has("byteorder")) return absl::OkStatus();
  const absl::StatusOr<std::string> order = archive.text("byteorder");
  if (!order.ok()) return order.status();
  if (*order == "little") return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("cannot read ", archive.path(), ": its byte order is ",
                                               printable_name(*order), ", and only little is read"));
}

absl::StatusOr<at::Tensor> read_storage(Archive& archive, const std::string& key, at::ScalarType type,
                                        int64_t elements) {
  const std::string name = "data/" + key;
  const absl::StatusOr<uint64_t> size = archive.size_of(name);
  if (!size.ok()) return size.status();
  uint64_t bytes = 0;
  const bool overflows = __builtin_mul_overflow(static_cast<uint64_t>(elements), c10::elementSize(type), &bytes);
  if (elements < 0 || overflows || bytes != *size) {
    return damaged(archive.path(),
                   absl::StrCat("its entry ", printable_name(name), " has ", *size, " bytes, which is not the size of ",
                                elements, " elements of type ", c10::toString(type)));
  }
  at::Tensor tensor = at::empty({elements}, type);
  const absl::Status status = archive.read(name, tensor.mutable_data_ptr(), *size);
  if (!status.ok()) return status;
  return tensor;
}

// --- Writing ---

// A failure of `file` is only told by its finish(): PyTorchStreamWriter would throw for it in its destructor, which
// ends the program.
void write_records(const std::string& pickle, const std::vector<at::Tensor>& tensors, FileWriter& file) {
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* bytes, std::size_t size) {
    static_cast<void>(file.write({static_cast<const char*>(bytes), size}));
    return size;
  });
  writer.writeRecord("data.pkl", pickle.data(), pickle.size());
  writer.writeRecord("byteorder", "little", 6);
  for (std::size_t i = 0; i < tensors.size() && file.status().ok(); ++i) {
    const at::Tensor tensor = tensors[i].detach().cpu().resolve_conj().resolve_neg().contiguous();
    writer.writeRecord(absl::StrCat("data/", i), tensor.const_data_ptr(), tensor.nbytes());
  }
  writer.writeEndOfFile();
}

}  // namespace

absl::StatusOr<PythonValue> load_torch_file(const std::string& path) {
  absl::StatusOr<Archive> archive = Archive::open(path);
  if (!archive.ok()) return archive.status();
  if (const absl::Status status = check_byte_order(*archive); !status.ok()) return status;
  const absl::StatusOr<std::string> pickle = archive->text("data.pkl");
  if (!pickle.ok()) return pickle.status();
  absl::StatusOr<PythonValue> value =
      read_pickle(*pickle, [&](const std::string& key, at::ScalarType type, int64_t elements) {
        return read_storage(*archive, key, type, elements);
      });
  if (value.ok() || std::string(value.status().message()).find(path) != std::string::npos) return value;
  return absl::IsDataLoss(value.status())
             ? damaged(path, std::string(value.status().message()))
             : absl::Status(value.status().code(),
                            absl::StrCat("cannot read ", path, ": ", std::string(value.status().message())));
}

absl::Status save_torch_file(const PythonValue& value, const std::string& path) {
  std::vector<at::Tensor> tensors;
  const absl::StatusOr<std::string> pickle = write_pickle(value, [&](const at::Tensor& tensor) {
    tensors.push_back(tensor);
    return absl::StrCat(tensors.size() - 1);
  });
  if (!pickle.ok()) {
    return absl::Status(pickle.status().code(),
                        absl::StrCat("cannot write ", path, ": ", std::string(pickle.status().message())));
  }
  FileWriter file;
  if (absl::Status status = file.open(path); !status.ok()) return status;
  try {
    write_records(*pickle, tensors, file);
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", error.what()));
  }
  return file.finish();
}

}  // namespace downbeat
