#include "trainer/data/sampler.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randperm.h>

#include <algorithm>
#include <numeric>

#include "trainer/data/divided_up.h"

namespace downbeat {

Sampler::Sampler(int64_t size, int64_t batch_size, bool drop_last)
    : order_(static_cast<std::size_t>(size)), batch_size_(batch_size), drop_last_(drop_last) {
  std::iota(order_.begin(), order_.end(), 0);
}

void Sampler::shuffle(int64_t base_seed, int64_t epoch) {
  permute(at::detail::createCPUGenerator(static_cast<uint64_t>(base_seed + epoch)));
}

void Sampler::permute(const std::optional<at::Generator>& generator) {
  const at::Tensor order = at::randperm(size(), generator, at::kLong);
  std::copy_n(order.const_data_ptr<int64_t>(), order_.size(), order_.begin());
}

void Sampler::group_by_length(const std::vector<int64_t>& lengths, int64_t group_size,
                              std::optional<at::Generator> generator) {
  if (order_.empty()) return;
  permute(generator);
  const auto length = [&](int64_t i) { return lengths[static_cast<std::size_t>(i)]; };
  const int64_t groups = std::clamp<int64_t>(size() / (group_size * 4), 1, 50);  // of one piece
  const auto piece = static_cast<std::ptrdiff_t>(groups * group_size);
  auto longest = order_.begin();
  for (auto begin = order_.begin(); begin != order_.end();) {
    const auto end = begin + std::min(piece, order_.end() - begin);
    std::stable_sort(begin, end, [&](int64_t a, int64_t b) { return length(a) > length(b); });
    if (length(*begin) > length(*longest)) longest = begin;
    begin = end;
  }
  std::iter_swap(order_.begin(), longest);
}

int64_t Sampler::batches() const { return drop_last_ ? size() / batch_size_ : divided_up(size(), batch_size_); }

Indices Sampler::batch(int64_t number) const {
  const auto first = static_cast<std::size_t>(number * batch_size_);
  return Indices(order_).subspan(first, std::min(static_cast<std::size_t>(batch_size_), order_.size() - first));
}

}  // namespace downbeat
