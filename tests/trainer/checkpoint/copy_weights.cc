// copy_weights FROM TO MAX_SHARD_SIZE: loads the weights in one directory and saves them into another, for
// weights_reference_test.py.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "trainer/checkpoint/model_weights.h"

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: copy_weights FROM TO MAX_SHARD_SIZE\n";
    return 2;
  }
  const absl::StatusOr<downbeat::StateDict> tensors = downbeat::load_weights(arguments[1]);
  const absl::Status status =
      tensors.ok() ? downbeat::save_weights(*tensors, arguments[2], std::strtoll(arguments[3], nullptr, 10))
                   : tensors.status();
  if (status.ok()) return 0;
  std::cerr << status.message() << "\n";
  return 1;
}
