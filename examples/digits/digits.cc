#include "examples/digits/digits.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "examples/runfile.h"

namespace digits {
namespace {

constexpr int64_t kPixels = 64;

struct Rows {
  std::vector<float> pixels;
  std::vector<int64_t> labels;
};

Rows read_rows(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(absl::StrCat("cannot read ", path, "; --data=FILE names the digits"));
  Rows rows;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    int64_t value = 0;
    bool is_good = cells.size() == kPixels + 1;
    for (std::size_t i = 0; is_good && i < cells.size(); ++i) {
      is_good = absl::SimpleAtoi(cells[i], &value) && value >= 0 && value <= 16;
      if (i < kPixels) rows.pixels.push_back(static_cast<float>(value) / 16.0F);
    }
    if (!is_good || value > 9) {
      throw std::runtime_error(
          absl::StrCat(path, ":", number, " is not 64 pixels of 0 to 16 and a label of 0 to 9, with commas between"));
    }
    rows.labels.push_back(value);
  }
  return rows;
}

downbeat::TensorDataset part(const at::Tensor& pixels, const at::Tensor& labels, int64_t begin, int64_t end) {
  return downbeat::TensorDataset(pixels.slice(0, begin, end), labels.slice(0, begin, end));
}

}  // namespace

std::string default_data_path() { return examples::runfile("examples/digits/digits.csv"); }

Split load_digits(const std::string& path, int64_t train_rows, int64_t eval_rows) {
  const Rows rows = read_rows(path);
  const auto n = static_cast<int64_t>(rows.labels.size());
  if (n <= kTrainRows) {
    throw std::runtime_error(absl::StrCat(path, " has ", n, " rows; the first ", kTrainRows, " are for training"));
  }
  const at::Tensor pixels = at::tensor(rows.pixels).view({n, kPixels});
  const at::Tensor labels = at::tensor(rows.labels);
  const auto up_to = [](int64_t wanted, int64_t there) { return wanted > 0 ? std::min(wanted, there) : there; };
  return {part(pixels, labels, 0, up_to(train_rows, kTrainRows)),
          part(pixels, labels, kTrainRows, kTrainRows + up_to(eval_rows, n - kTrainRows))};
}

}  // namespace digits
