// Any bytes as a safetensors file.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/memory_file.h"
#include "trainer/checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  // A file of its own for each input: what was loaded may still lie in it.
  downbeat::testing::MemoryFile file;
  file.write(bytes, size);
  (void)downbeat::load_safetensors(file.path());
  return 0;
}
