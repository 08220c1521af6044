#include "integrations/comet/comet_archive.h"

#include <absl/strings/str_cat.h>
#include <zip.h>

#include <memory>

namespace downbeat {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};

absl::Status failure(const std::string& path, const std::string& reason) {
  return absl::UnavailableError(absl::StrCat(path, " cannot be written: ", reason));
}

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

absl::Status write_archive(const std::string& path, const std::vector<ArchiveMember>& members) {
  int code = 0;
  std::unique_ptr<zip_t, Discard> archive(zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (archive == nullptr) return failure(path, text_of(code));
  for (const ArchiveMember& member : members) {
    zip_source_t* source = zip_source_file(archive.get(), member.path.c_str(), 0, -1);
    const zip_int64_t index =
        source == nullptr ? -1 : zip_file_add(archive.get(), member.name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      return failure(path, zip_strerror(archive.get()));
    }
    const zip_int32_t method = member.is_compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE;
    zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), method, 0);
  }
  if (zip_close(archive.get()) != 0) return failure(path, zip_strerror(archive.get()));
  static_cast<void>(archive.release());  // closing has freed it
  return absl::OkStatus();
}

}  // namespace downbeat
