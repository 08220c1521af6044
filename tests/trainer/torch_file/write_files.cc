// write_files REFERENCE OUT: reads the files of torch.save in REFERENCE and writes them again into OUT, and some
// tensors that lie in memory otherwise than they are saved.
#include <ATen/ops/complex.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "tests/trainer/support/tensors.h"
#include "trainer/torch_file/torch_file.h"

namespace {

using downbeat::PythonDict;
using downbeat::PythonValue;
using downbeat::testing::fractions;

void check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

// Without what holds objects or bytes, which are never written.
PythonDict plain(const std::string& path) {
  absl::StatusOr<PythonValue> value = downbeat::load_torch_file(path);
  check(value.status());
  PythonDict dict = std::get<PythonDict>(*std::move(value));
  std::erase_if(dict.items(), [](const auto& item) {
    const auto* key = std::get_if<std::string>(&item.first);
    return key && (*key == "bytes" || *key == "numpy");
  });
  return dict;
}

PythonDict tensors() {
  const at::Tensor complex = at::complex(fractions(4), fractions(4, 1));
  PythonDict dict;
  dict.set("transposed", fractions(6).view({2, 3}).t());
  dict.set("expanded", fractions(1).expand({3}));
  dict.set("sliced", fractions(6).slice(0, 1, 6, 2));
  dict.set("conjugate", complex.conj());
  dict.set("negative", at::imag(complex.conj()));
  dict.set("scalar", at::tensor(2.0F).squeeze());
  dict.set("empty", at::zeros({0, 3}));
  dict.set("parameter", fractions(3).requires_grad_());
  return dict;
}

}  // namespace

int main(int, char** arguments) {
  const std::string reference = arguments[1] + std::string("/"), out = arguments[2] + std::string("/");
  for (const char* name : {"adamw.pt", "sgd_momentum.pt", "lambda_lr.pt", "rng_state.pth", "views.pt", "types.pt",
                           "values.pt", "values_protocol_4.pt"}) {
    check(downbeat::save_torch_file(plain(reference + name), out + name));
  }
  check(downbeat::save_torch_file(tensors(), out + "tensors.pt"));
}
