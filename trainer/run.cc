#include "trainer/run.h"

#include <c10/util/Exception.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "trainer/interrupt.h"

namespace downbeat {
namespace {

// In one piece: under torchrun several processes write at once.
int failed(const char* sentence) {
  std::cerr << std::string("error: ") + sentence + "\n";
  return 1;
}

void stand_where_the_user_stood() {
  const char* folder = std::getenv("BUILD_WORKING_DIRECTORY");  // set by bazel run, which starts programs elsewhere
  if (folder != nullptr && chdir(folder) != 0) std::cerr << "warning: cannot go to " << folder << std::endl;
}

}  // namespace

int run(const std::function<void()>& body) {
  try {
    stand_where_the_user_stood();
    body();
    return 0;
  } catch (const Interrupted& interrupted) {
    std::cerr << interrupted.what() << std::endl;
    return 130;
  } catch (const c10::Error& error) {
    return failed(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return failed(error.what());
  } catch (...) {
    return failed("something that is no std::exception was thrown");
  }
}

}  // namespace downbeat
