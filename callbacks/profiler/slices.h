// What a trace is made of: plain records in chunks, so that adding one never copies the others and seldom allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "callbacks/profiler/phase.h"

namespace downbeat::profiler {

struct Slice {
  enum class Kind : unsigned char { phase, step, event, hook };

  int64_t begin;    // nanoseconds of the clock
  int64_t end;      // as begin until it has ended
  uint32_t number;  // of a phase; of a step, from 1; of a hook's callback, among those of the recording
  Event event;      // of an event and of a hook
  Kind kind;
};

class Slices {
 public:
  explicit Slices(int64_t limit) : limit_(limit) {}

  // Where the slice stays; null beyond the limit, and where there is no memory: these are only counted.
  Slice* add(const Slice& slice) {
    if (size_ >= limit_ || (size_ == capacity_ && !grow())) return ++left_out_, nullptr;
    Slice& place = chunks_.back()[static_cast<std::size_t>(size_++ % kChunk)];
    place = slice;
    return &place;
  }

  // In the order of their beginnings: what lies within another comes after it.
  void for_each(auto&& visit) const {
    for (int64_t i = 0; i < size_; ++i) {
      visit(std::as_const(chunks_[static_cast<std::size_t>(i / kChunk)][static_cast<std::size_t>(i % kChunk)]));
    }
  }
  int64_t size() const { return size_; }
  int64_t left_out() const { return left_out_; }

 private:
  static constexpr int64_t kChunk = 1 << 15;  // of 24 bytes

  bool grow() {
    try {
      chunks_.emplace_back(new Slice[kChunk]);
      capacity_ += kChunk;
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  int64_t limit_;
  int64_t size_ = 0;
  int64_t capacity_ = 0;
  int64_t left_out_ = 0;
  std::vector<std::unique_ptr<Slice[]>> chunks_;
};

}  // namespace downbeat::profiler
