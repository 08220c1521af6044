// Any bytes as a pickle.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/trainer/torch_file/pickles.h"
#include "trainer/torch_file/pickle_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  const std::string_view pickle(reinterpret_cast<const char*>(bytes), size);
  (void)downbeat::read_pickle(pickle, downbeat::testing::small_storage);
  return 0;
}
