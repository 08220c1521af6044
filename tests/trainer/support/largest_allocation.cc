#include "tests/trainer/support/largest_allocation.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>

// GCC has a macro for each sanitizer, Clang a feature.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DOWNBEAT_SANITIZER_HAS_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DOWNBEAT_SANITIZER_HAS_MALLOC 1
#endif
#endif

namespace downbeat::testing {
namespace {

std::atomic<std::size_t> largest{0};
std::atomic<std::size_t> total{0};

[[maybe_unused]] std::size_t noted(std::size_t size) {
  total += size;
  if (size > largest) largest = size;
  return size;
}

}  // namespace

void forget_allocations() { largest = total = 0; }
std::size_t largest_allocation() { return largest; }
std::size_t allocated_bytes() { return total; }

#ifdef DOWNBEAT_SANITIZER_HAS_MALLOC
bool sees_allocations() { return false; }
#else
bool sees_allocations() { return true; }
#endif

}  // namespace downbeat::testing

// The program's malloc comes before the C library's for all its libraries, and `new` of the C++ library calls it.
#ifndef DOWNBEAT_SANITIZER_HAS_MALLOC
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept { return __libc_malloc(downbeat::testing::noted(size)); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  downbeat::testing::noted(count * size);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  return __libc_realloc(memory, downbeat::testing::noted(size));
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  *memory = __libc_memalign(alignment, downbeat::testing::noted(size));
  return *memory ? 0 : ENOMEM;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return __libc_memalign(alignment, downbeat::testing::noted(size));
}

}  // extern "C"
#endif
