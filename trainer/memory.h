// Memory: whether what LibTorch frees stays with the process.
//
//   int main() { downbeat::keep_freed_memory(); ... trainer.train(); }
//
// A training step frees its activations and gradients and the next one asks for the same again. glibc gives some of it
// back to the system in between, depending on what happens to lie behind it, and each page taken again costs a page
// fault: steps of a small transformer are up to a fifth slower (//benchmarks/loop). Not for a program that should
// shrink after training.
#pragma once

namespace downbeat {

// From here on freed memory is kept for what comes next, on all threads; it changes no number. For the CPU: LibTorch's
// allocator for CUDA does so anyway. Does nothing where the C library is not glibc.
void keep_freed_memory();

}  // namespace downbeat
