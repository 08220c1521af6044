// run: the body of main() with its mistakes turned into one sentence and an exit code.
//
//   int main(int argc, char** argv) {
//     return downbeat::run([&] { ... trainer.train(); });
//   }
//
// What is thrown is printed on stderr and gives 1; an interrupt gives 130. Relative paths mean the folder the user
// stood in, also under `bazel run`.
#pragma once

#include <functional>

namespace downbeat {

int run(const std::function<void()>& body);

}  // namespace downbeat
