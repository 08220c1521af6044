// How large the largest piece of memory was that this program asked for: by new, by malloc and by LibTorch for tensors.
//
//   forget_allocations();
//   load_torch_file(path);
//   EXPECT_LE(largest_allocation(), 65536);
//
// Link it into a test to have the program's malloc replaced by one that counts.
#pragma once

#include <cstddef>

namespace downbeat::testing {

void forget_allocations();
std::size_t largest_allocation();

// Everything asked for, also what was given back at once.
std::size_t allocated_bytes();

// False where the sanitizer has a malloc of its own, whose calls cannot be seen.
bool sees_allocations();

}  // namespace downbeat::testing
