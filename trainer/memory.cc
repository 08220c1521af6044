#include "trainer/memory.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <limits>

namespace downbeat {

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that glibc takes; larger blocks are mapped and unmapped
#endif
}

}  // namespace downbeat
