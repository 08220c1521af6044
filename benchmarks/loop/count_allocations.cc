// Linked into a program, it counts its calls of operator new, LibTorch's among them.
#include <cstdint>
#include <cstdlib>
#include <new>

#include "benchmarks/loop/measured_run.h"

namespace {

int64_t count = 0;  // the programs have one thread
[[maybe_unused]] const bool is_told = (benchmark_loop::allocations = [] { return count; }, true);

}  // namespace

void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
