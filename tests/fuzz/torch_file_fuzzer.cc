// Any bytes as a file of torch.save.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/memory_file.h"
#include "trainer/torch_file/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  static downbeat::testing::MemoryFile file;
  file.write(bytes, size);
  (void)downbeat::load_torch_file(file.path());
  return 0;
}
