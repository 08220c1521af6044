#include "trainer/data/sampler.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randperm.h>

#include <algorithm>
#include <numeric>

namespace downbeat {

Sampler::Sampler(int64_t size, int64_t batch_size, bool drop_last)
    : order_(static_cast<std::size_t>(size)), batch_size_(batch_size), drop_last_(drop_last) {
  std::iota(order_.begin(), order_.end(), 0);
}

void Sampler::shuffle(int64_t base_seed, int64_t epoch) {
  const auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(base_seed + epoch));
  const at::Tensor order = at::randperm(size(), generator, at::kLong);
  std::copy_n(order.const_data_ptr<int64_t>(), order_.size(), order_.begin());
}

int64_t Sampler::batches() const {
  return drop_last_ ? size() / batch_size_ : (size() + batch_size_ - 1) / batch_size_;
}

Indices Sampler::batch(int64_t number) const {
  const auto first = static_cast<std::size_t>(number * batch_size_);
  return Indices(order_).subspan(first, std::min(static_cast<std::size_t>(batch_size_), order_.size() - first));
}

}  // namespace downbeat
