#pragma once

#include <chrono>

namespace gloo {

class Context {
 public:
  // libtorch_cpu has it under this name; ProcessGroupGloo's inline setTimeout calls it.
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
