#include "trainer/distributed/agreed_requests.h"

#include <ATen/ops/tensor.h>

#include <cstdint>
#include <string>

namespace downbeat {

Requests agreed_requests(ProcessGroup& group, const Requests& mine) {
  const int world_size = group.world_size();
  const TrainerControl& asked = mine.control;
  const at::Tensor numbers =
      at::tensor({int64_t{mine.signal}, int64_t{asked.should_epoch_stop}, int64_t{asked.should_save},
                  int64_t{asked.should_evaluate}, int64_t{asked.should_log},
                  int64_t{asked.should_training_stop ? world_size - group.rank() : 0}});
  group.all_reduce(numbers, Reduction::max);
  const auto* of_all = numbers.const_data_ptr<int64_t>();
  Requests all;
  all.signal = static_cast<int>(of_all[0]);
  all.control.should_epoch_stop = of_all[1] != 0;
  all.control.should_save = of_all[2] != 0;
  all.control.should_evaluate = of_all[3] != 0;
  all.control.should_log = of_all[4] != 0;
  all.control.should_training_stop = of_all[5] != 0;
  if (all.control.should_training_stop) {
    const int first = world_size - static_cast<int>(of_all[5]);
    all.control.stop_reason = group.broadcast_text(asked.stop_reason, first);
    all.control.stopped_by = group.broadcast_text(asked.stopped_by, first);
  }
  return all;
}

}  // namespace downbeat
