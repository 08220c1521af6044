#include "integrations/wandb/md5.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "integrations/support/little_endian.h"

namespace downbeat {
namespace {

constexpr std::size_t kBlock = 64;

// RFC 1321, 3.4: the whole part of 2^32 |sin(i)|.
const std::array<uint32_t, 64>& sines() {
  static const std::array<uint32_t, 64> all = [] {
    std::array<uint32_t, 64> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
      table[i] = static_cast<uint32_t>(std::floor(std::abs(std::sin(static_cast<double>(i + 1))) * 4294967296.0));
    }
    return table;
  }();
  return all;
}

constexpr int kShifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

std::array<uint32_t, 16> words_of(const char* block) {
  std::array<uint32_t, 16> words{};
  for (std::size_t i = 0; i < kBlock; ++i) {
    words[i / 4] |= static_cast<uint32_t>(static_cast<unsigned char>(block[i])) << (8 * (i % 4));
  }
  return words;
}

}  // namespace

Md5& Md5::add(absl::string_view bytes) {
  size_ += bytes.size();
  if (!rest_.empty()) {
    const absl::string_view head = bytes.substr(0, kBlock - rest_.size());
    rest_.append(head.data(), head.size());
    bytes.remove_prefix(head.size());
    if (rest_.size() < kBlock) return *this;
    add_block(rest_.data());
    rest_.clear();
  }
  for (; bytes.size() >= kBlock; bytes.remove_prefix(kBlock)) add_block(bytes.data());
  rest_.assign(bytes.data(), bytes.size());
  return *this;
}

std::string Md5::digest() {
  const uint64_t bits = size_ * 8;
  std::string padding = "\x80";
  while ((size_ + padding.size()) % kBlock != kBlock - 8) padding += '\0';
  add(padding + little_endian(bits));
  std::string all;
  for (const uint32_t word : state_) all += little_endian(word);
  return all;
}

void Md5::add_block(const char* block) {
  const std::array<uint32_t, 16> words = words_of(block);
  auto [a, b, c, d] = state_;
  for (uint32_t i = 0; i < 64; ++i) {
    const uint32_t round = i / 16;
    uint32_t mixed = 0;
    uint32_t word = 0;
    if (round == 0) mixed = (b & c) | (~b & d), word = i;
    if (round == 1) mixed = (b & d) | (c & ~d), word = (5 * i + 1) % 16;
    if (round == 2) mixed = b ^ c ^ d, word = (3 * i + 5) % 16;
    if (round == 3) mixed = c ^ (b | ~d), word = (7 * i) % 16;
    mixed += a + sines()[i] + words[word];
    a = std::exchange(d, std::exchange(c, std::exchange(b, b + std::rotl(mixed, kShifts[round][i % 4]))));
  }
  state_ = {state_[0] + a, state_[1] + b, state_[2] + c, state_[3] + d};
}

}  // namespace downbeat
