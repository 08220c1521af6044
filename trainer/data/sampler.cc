#include "trainer/data/sampler.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randperm.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace downbeat {

Sampler::Sampler(int64_t size, int64_t batch_size, bool drop_last, Shard shard)
    : order_(static_cast<std::size_t>(size)), batch_size_(batch_size), drop_last_(drop_last), shard_(shard) {
  std::iota(order_.begin(), order_.end(), 0);
  take_shard();
}

void Sampler::take_shard() {
  if (shard_.world_size > 1) mine_ = shard_of(order_, batch_size_, drop_last_, shard_);
}

void Sampler::set_order(std::vector<int64_t> order) {
  order_ = std::move(order);
  take_shard();
}

void Sampler::shuffle(int64_t base_seed, int64_t epoch) {
  permute(at::detail::createCPUGenerator(static_cast<uint64_t>(base_seed + epoch)));
  take_shard();
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
  take_shard();
}

int64_t Sampler::batches() const { return batches_of_shard(size(), batch_size_, drop_last_, shard_.world_size); }

Indices Sampler::batch(int64_t number) const {
  const Indices all = shard_.world_size > 1 ? mine_ : order_;
  const auto first = static_cast<std::size_t>(number * batch_size_);
  return all.subspan(first, std::min(static_cast<std::size_t>(batch_size_), all.size() - first));
}

}  // namespace downbeat
