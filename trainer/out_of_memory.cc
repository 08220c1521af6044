#include "trainer/out_of_memory.h"

#include <c10/util/Exception.h>

#include <cstring>
#include <new>

namespace downbeat {

bool is_out_of_memory(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const c10::OutOfMemoryError&) {
    return true;
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const std::exception& error) {
    for (const char* sentence : {"CUDA out of memory.", "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED.",
                                 "DefaultCPUAllocator: can't allocate memory"}) {
      if (std::strstr(error.what(), sentence)) return true;
    }
    return false;
  } catch (...) {
    return false;
  }
}

}  // namespace downbeat
