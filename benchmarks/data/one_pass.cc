// One process of the data benchmark: passes over shuffled examples of the digits' shape in batches of 32.
//
//   one_pass downbeat|libtorch get|get_batch WORKERS PASSES
//
// Prints a line of JSON with batches a second, after one pass that is not counted, and the sum of what it saw.
#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>
#include <torch/data/dataloader.h>
#include <torch/data/datasets/base.h>
#include <torch/data/datasets/map.h>
#include <torch/data/example.h>
#include <torch/data/samplers/random.h>
#include <torch/data/transforms/stack.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "trainer/data/batch_loader.h"
#include "trainer/data/dataset.h"
#include "trainer/data/tensor_dataset.h"
#include "trainer/run.h"
#include "trainer/seed.h"

namespace {

constexpr int64_t kRows = 1437, kPixels = 64, kClasses = 10, kBatch = 32, kSeed = 42;

struct Data {
  at::Tensor inputs = at::rand({kRows, kPixels});
  at::Tensor labels = at::randint(kClasses, {kRows}, at::kLong);
};

struct Seen {
  int64_t batches = 0;
  int64_t labels = 0;

  void add(const at::Tensor& of_batch) {
    ++batches;
    labels += of_batch.size(0);
  }
};

// --- Downbeat ---

struct Rows {  // with get() alone: the examples of a batch are stacked
  Data data;
  int64_t size() const { return kRows; }
  std::pair<at::Tensor, at::Tensor> get(int64_t index) const { return {data.inputs[index], data.labels[index]}; }
};

template <downbeat::Dataset D>
std::function<void(int64_t, Seen&)> passes_of_downbeat(D data, int64_t workers) {
  const auto kept = std::make_shared<const D>(std::move(data));
  const auto make = [kept](downbeat::Indices indices) { return downbeat::batch_of(*kept, {}, indices); };
  const auto loader =
      std::make_shared<downbeat::BatchLoader<downbeat::Batch>>(make, downbeat::Workers{.num_workers = workers});
  return [loader](int64_t pass, Seen& seen) {
    downbeat::Sampler sampler(kRows, kBatch, /*drop_last=*/false);
    sampler.shuffle(kSeed, pass);
    loader->begin(sampler);
    for (int64_t i = 0; i < sampler.batches(); ++i) seen.add(loader->next().labels);
  };
}

// --- torch::data ---

class TorchRows : public torch::data::datasets::Dataset<TorchRows> {
 public:
  explicit TorchRows(Data data) : data_(std::move(data)) {}
  torch::data::Example<> get(std::size_t index) override {
    const auto i = static_cast<int64_t>(index);
    return {data_.inputs[i], data_.labels[i]};
  }
  std::optional<std::size_t> size() const override { return kRows; }

 private:
  Data data_;
};

class TorchBatches : public torch::data::datasets::BatchDataset<TorchBatches, torch::data::Example<>> {
 public:
  explicit TorchBatches(Data data) : data_(std::move(data)) {}
  torch::data::Example<> get_batch(c10::ArrayRef<std::size_t> indices) override {
    const at::Tensor rows = at::tensor(std::vector<int64_t>(indices.begin(), indices.end()), at::kLong);
    return {at::index_select(data_.inputs, 0, rows), at::index_select(data_.labels, 0, rows)};
  }
  std::optional<std::size_t> size() const override { return kRows; }

 private:
  Data data_;
};

template <class D>
std::function<void(int64_t, Seen&)> passes_of_libtorch(D data, int64_t workers) {
  using Loader = decltype(torch::data::make_data_loader<torch::data::samplers::RandomSampler>(
      std::move(data), torch::data::DataLoaderOptions()))::element_type;
  const std::shared_ptr<Loader> loader = torch::data::make_data_loader<torch::data::samplers::RandomSampler>(
      std::move(data), torch::data::DataLoaderOptions(kBatch).workers(static_cast<std::size_t>(workers)));
  return [loader](int64_t, Seen& seen) {
    for (const torch::data::Example<>& batch : *loader) seen.add(batch.target);
  };
}

std::function<void(int64_t, Seen&)> passes(const std::string& loader, const std::string& dataset, int64_t workers) {
  const bool gets_batches = dataset == "get_batch";
  if (!gets_batches && dataset != "get") throw std::invalid_argument("the dataset is get or get_batch");
  Data data;
  if (loader == "downbeat") {
    return gets_batches ? passes_of_downbeat(downbeat::TensorDataset(data.inputs, data.labels), workers)
                        : passes_of_downbeat(Rows{data}, workers);
  }
  if (loader != "libtorch") throw std::invalid_argument("the loader is downbeat or libtorch");
  return gets_batches ? passes_of_libtorch(TorchBatches(data), workers)
                      : passes_of_libtorch(TorchRows(data).map(torch::data::transforms::Stack<>()), workers);
}

void measure(const std::string& loader, const std::string& dataset, int64_t workers, int64_t count) {
  downbeat::set_num_threads(1);
  downbeat::set_seed(kSeed);
  const auto pass = passes(loader, dataset, workers);
  Seen seen;
  pass(0, seen);
  seen = {};
  const auto start = std::chrono::steady_clock::now();
  for (int64_t number = 1; number <= count; ++number) pass(number, seen);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  if (seen.labels != count * kRows) throw std::logic_error("the loader left out examples");
  std::printf("{\"batches a second\": %.17g}\n", static_cast<double>(seen.batches) / time.count());
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    int64_t workers = 0, count = 0;
    if (argc != 5 || !absl::SimpleAtoi(argv[3], &workers) || !absl::SimpleAtoi(argv[4], &count) || count < 1) {
      throw std::invalid_argument("usage: one_pass downbeat|libtorch get|get_batch WORKERS PASSES");
    }
    measure(argv[1], argv[2], workers, count);
  });
}
