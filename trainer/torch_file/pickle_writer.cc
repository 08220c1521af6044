#include "trainer/torch_file/pickle_writer.h"

#include <bit>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "trainer/torch_file/storage_types.h"

namespace downbeat {
namespace {

// As Python decodes it: the shortest form of each code point up to U+10FFFF.
bool is_utf8(std::string_view text) {
  constexpr uint32_t kFirstOfSize[] = {0, 0, 0x80, 0x800, 0x10000};
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const auto size = static_cast<std::size_t>(first < 0x80 ? 1 : std::countl_one(first));
    if (size > 4 || size > text.size() - at || (size == 1 && first >= 0x80)) return false;
    uint32_t code = size == 1 ? first : first & (0x7fU >> size);
    for (const char next : text.substr(at + 1, size - 1)) {
      if ((next & 0xc0) != 0x80) return false;
      code = (code << 6) | (next & 0x3f);
    }
    if (code < kFirstOfSize[size] || code > 0x10ffff) return false;
    at += size;
  }
  return true;
}

class Writer {
 public:
  explicit Writer(const StorageWriter& storage) : storage_(storage) {}

  absl::StatusOr<std::string> written(const PythonValue& value) {
    put("\x80\x02");
    write(value);
    put(".");
    if (!status_.ok()) return status_;
    return std::move(bytes_);
  }

 private:
  void put(std::string_view bytes) { bytes_ += bytes; }
  template <class T>
  void put_number(T number) {
    put({reinterpret_cast<const char*>(&number), sizeof(number)});
  }

  void write(const PythonValue& value) {
    std::visit([this](const auto& held) { write_plain(held); }, static_cast<const PythonValue::Base&>(value));
  }
  void write_plain(std::monostate) { put("N"); }
  void write_plain(bool flag) { put(flag ? "\x88" : "\x89"); }
  void write_plain(int64_t number) {
    if (number >= std::numeric_limits<int32_t>::min() && number <= std::numeric_limits<int32_t>::max()) {
      put("J");
      put_number(static_cast<int32_t>(number));
    } else {
      put("\x8a\x08");  // LONG1 of eight bytes
      put_number(number);
    }
  }
  void write_plain(double number) {
    put("G");
    put_number(__builtin_bswap64(std::bit_cast<uint64_t>(number)));
  }
  void write_plain(const std::string& text) {
    if (!is_utf8(text)) status_ = absl::InvalidArgumentError("bytes that are not UTF-8 cannot be written as a text");
    put("X");
    put_number(static_cast<uint32_t>(text.size()));
    put(text);
  }
  void write_plain(const PythonList& list) {
    put("](");
    for (const PythonValue& item : list) write(item);
    put("e");
  }
  void write_plain(const PythonTuple& tuple) {
    put("(");
    for (const PythonValue& item : tuple.items) write(item);
    put("t");
  }
  void write_plain(const PythonDict& dict) {
    put("}(");
    for (const auto& [key, item] : dict.items()) {
      write(key);
      write(item);
    }
    put("u");
  }
  void write_plain(const std::shared_ptr<const PythonObject>& object) {
    status_ = absl::UnimplementedError(absl::StrCat("an object of type ", object->type, " cannot be written"));
  }

  // torch._utils._rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, backward_hooks)
  void write_plain(const at::Tensor& tensor) {
    const char* type = tensor.defined() ? storage_of_type(tensor.scalar_type()) : nullptr;
    if (!type) {
      const char* name = tensor.defined() ? c10::toString(tensor.scalar_type()) : "undefined";
      status_ = absl::UnimplementedError(absl::StrCat("a tensor of type ", name, " cannot be written"));
      return;
    }
    put("ctorch._utils\n_rebuild_tensor_v2\n((");
    write_plain(std::string("storage"));
    put(absl::StrCat("ctorch\n", type, "\n"));
    write_plain(storage_(tensor));
    write_plain(std::string("cpu"));
    write_plain(tensor.numel());
    put("tQ");
    write_plain(int64_t{0});
    write_ints(tensor.sizes().vec());
    write_ints(contiguous_strides(tensor.sizes().vec()));
    put("\x89"
        "ccollections\nOrderedDict\n)RtR");
  }
  void write_ints(const std::vector<int64_t>& ints) {
    put("(");
    for (const int64_t number : ints) write_plain(number);
    put("t");
  }
  static std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& sizes) {
    std::vector<int64_t> strides(sizes.size(), 1);
    for (std::size_t i = sizes.size(); i > 1; --i) strides[i - 2] = strides[i - 1] * std::max<int64_t>(sizes[i - 1], 1);
    return strides;
  }

  const StorageWriter& storage_;
  std::string bytes_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::string> write_pickle(const PythonValue& value, const StorageWriter& storage) {
  return Writer(storage).written(value);
}

}  // namespace downbeat
