#include "examples/gpt2/byte_text.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/runfile.h"

namespace gpt2 {
namespace {

bool is_printable(int byte) { return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD); }

// The bytes in the order of GPT-2's vocabulary: first those that are printable in Latin-1.
std::array<unsigned char, kByteTokens> bytes_in_order() {
  std::array<unsigned char, kByteTokens> bytes;
  for (int i = 0; i < kByteTokens; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(i);
  std::stable_partition(bytes.begin(), bytes.end(), is_printable);
  return bytes;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw std::runtime_error(absl::StrCat("cannot read ", path, "; --data=FILE names the text"));
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

at::Tensor tokens_of(const std::string& text) {
  std::array<int64_t, kByteTokens> token_of_byte;
  const auto bytes = bytes_in_order();
  for (std::size_t token = 0; token < bytes.size(); ++token) {
    token_of_byte[bytes[token]] = static_cast<int64_t>(token);
  }
  std::vector<int64_t> tokens;
  tokens.reserve(text.size());
  for (const char byte : text) tokens.push_back(token_of_byte[static_cast<unsigned char>(byte)]);
  return at::tensor(tokens, at::kLong);
}

std::string text_of(const at::Tensor& tokens) {
  const auto bytes = bytes_in_order();
  std::string text;
  for (int64_t i = 0; i < tokens.size(0); ++i) {
    text += static_cast<char>(bytes.at(static_cast<std::size_t>(tokens[i].item<int64_t>())));
  }
  return text;
}

std::string default_text_path() { return examples::runfile("examples/gpt2/alice.txt"); }

Split load_text(const std::string& path, int64_t block_size) {
  const at::Tensor tokens = tokens_of(read_file(path));
  const int64_t n = tokens.size(0) / block_size;
  if (n < 2) {
    throw std::runtime_error(absl::StrCat(path, " has ", tokens.size(0), " bytes; two blocks of ", block_size,
                                          " are the least, one to train on and one to evaluate"));
  }
  const at::Tensor blocks = tokens.slice(0, 0, n * block_size).view({n, block_size});
  const int64_t train = n - std::max<int64_t>(1, n / 10);
  const auto part = [&](int64_t begin, int64_t end) {
    return downbeat::TensorDataset(blocks.slice(0, begin, end), blocks.slice(0, begin, end));
  };
  return {part(0, train), part(train, n)};
}

}  // namespace gpt2
