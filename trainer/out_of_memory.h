// Whether an exception says that memory ran out, which auto_find_batch_size answers with a smaller batch.
#pragma once

#include <exception>

namespace downbeat {

// LibTorch's own (of the CPU, of a GPU, of cuDNN) and std::bad_alloc; the same sentences as accelerate's
// should_reduce_batch_size.
bool is_out_of_memory(const std::exception_ptr& exception);

}  // namespace downbeat
