#include "trainer/distributed/over_ranks.h"

#include <ATen/ops/full.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/scalar_tensor.h>

namespace downbeat {

int64_t sum_over_ranks(ProcessGroup& group, int64_t number) {
  if (!group.is_distributed()) return number;
  const at::Tensor sum = at::full({1}, number, at::kLong);
  group.all_reduce(sum, Reduction::sum);
  return sum.item<int64_t>();
}

double mean_over_ranks(ProcessGroup& group, double number) {
  if (!group.is_distributed()) return number;
  return group.all_gather(at::scalar_tensor(number, at::kFloat)).mean().item<double>();
}

int64_t of_rank_0(ProcessGroup& group, int64_t number) {
  if (!group.is_distributed()) return number;
  const at::Tensor one = at::full({1}, number, at::kLong);
  group.broadcast({one});
  return one.item<int64_t>();
}

double of_rank_0(ProcessGroup& group, double number) {
  if (!group.is_distributed()) return number;
  const at::Tensor one = at::full({1}, number, at::kDouble);
  group.broadcast({one});
  return one.item<double>();
}

}  // namespace downbeat
