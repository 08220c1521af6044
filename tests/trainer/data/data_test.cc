#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/scalar_tensor.h>
#include <gtest/gtest.h>
#include <torch/data/datasets/base.h>
#include <torch/data/datasets/map.h>
#include <torch/data/transforms/stack.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/trainer/support/tensors.h"
#include "trainer/data/dataset.h"
#include "trainer/data/sampler.h"
#include "trainer/data/tensor_dataset.h"
#include "trainer/data/torch_dataset.h"

namespace downbeat {
namespace {

using testing::floats;
using testing::fractions;
using testing::int64s;
using testing::integers;
using Ints = std::vector<int64_t>;

Ints batch_of(const Sampler& sampler, int64_t number) {
  const Indices indices = sampler.batch(number);
  return {indices.begin(), indices.end()};
}

struct Order {
  int64_t base_seed, epoch;
  Ints order;
};
const Order kOrders[] = {
#include "tests/trainer/data/sampler_orders.inc"
};

TEST(Sampler, ShufflesEachEpochAsHuggingFace) {
  for (const Order& c : kOrders) {
    const auto size = static_cast<int64_t>(c.order.size());
    Sampler sampler(size, size, /*drop_last=*/false);
    sampler.shuffle(1, 1);
    sampler.shuffle(c.base_seed, c.epoch);
    EXPECT_EQ(batch_of(sampler, 0), c.order) << "seed " << c.base_seed << ", epoch " << c.epoch;
  }
}

const struct {
  uint64_t seed;
  int64_t group_size;
  Ints order;
} kLengthOrders[] = {
#include "tests/trainer/data/length_orders.inc"
};

TEST(Sampler, PutsSamplesOfLikeLengthTogetherAsHuggingFace) {
  for (const auto& c : kLengthOrders) {
    Ints lengths;
    for (std::size_t i = 0; i < c.order.size(); ++i) lengths.push_back(2 + static_cast<int64_t>(i) * 7 % 13);
    const auto size = static_cast<int64_t>(c.order.size());
    Sampler sampler(size, size, /*drop_last=*/false);
    sampler.group_by_length(lengths, c.group_size, at::detail::createCPUGenerator(c.seed));
    EXPECT_EQ(batch_of(sampler, 0), c.order) << size << " samples in groups of " << c.group_size;
  }
}

TEST(Sampler, GoesThroughTheDataInOrderUntilItIsShuffled) {
  const Sampler sampler(5, 2, /*drop_last=*/false);
  EXPECT_EQ(sampler.batches(), 3);
  EXPECT_EQ(batch_of(sampler, 0), (Ints{0, 1}));
  EXPECT_EQ(batch_of(sampler, 2), (Ints{4})) << "the last batch is shorter";
}

TEST(Sampler, LeavesOutTheLastBatchThatIsNotFull) {
  EXPECT_EQ(Sampler(5, 2, /*drop_last=*/true).batches(), 2);
  EXPECT_EQ(Sampler(4, 2, /*drop_last=*/true).batches(), 2);
  EXPECT_EQ(Sampler(1, 2, /*drop_last=*/true).batches(), 0);
  EXPECT_EQ(Sampler(0, 2, /*drop_last=*/false).batches(), 0);
  EXPECT_EQ(Sampler(4, 2, /*drop_last=*/false).batches(), 2);
  EXPECT_EQ(Sampler(3, 100, /*drop_last=*/false).batches(), 1);
}

TEST(Sampler, CutsTheShuffledOrderIntoBatches) {
  Sampler sampler(10, 4, /*drop_last=*/false);
  sampler.shuffle(42, 0);
  EXPECT_EQ(batch_of(sampler, 0), (Ints{2, 6, 1, 8}));
  EXPECT_EQ(batch_of(sampler, 1), (Ints{4, 5, 0, 9}));
  EXPECT_EQ(batch_of(sampler, 2), (Ints{3, 7}));
}

TEST(TensorDataset, GivesTheRowsInTheOrderOfTheIndices) {
  const TensorDataset dataset(fractions(6).view({3, 2}), int64s({10, 11, 12}));
  const Ints indices = {2, 0};
  const Batch batch = dataset.get_batch(indices);
  EXPECT_EQ(dataset.size(), 3);
  EXPECT_EQ(batch.inputs.sizes(), (Ints{2, 2}));
  EXPECT_EQ(floats(batch.inputs[1]), floats(fractions(2)));
  EXPECT_EQ(integers(batch.labels), (Ints{12, 10}));
}

TEST(TensorDataset, MayBeWithoutLabels) {
  const TensorDataset dataset(fractions(4));
  const Ints indices = {1};
  EXPECT_FALSE(dataset.get_batch(indices).labels.defined());
  EXPECT_EQ(floats(dataset.get_batch(indices).inputs), floats(fractions(4).slice(0, 1, 2)));
}

template <class Make>
std::string sentence_of(const Make& make) {
  try {
    make();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(TensorDataset, SaysWhatDoesNotFit) {
  EXPECT_EQ(sentence_of([] { TensorDataset(fractions(4), int64s({1, 2, 3})); }),
            "TensorDataset has 4 inputs but 3 labels");
  const std::string needs_rows = "TensorDataset needs inputs with a first dimension of examples";
  EXPECT_EQ(sentence_of([] { TensorDataset(at::Tensor()); }), needs_rows);
  EXPECT_EQ(sentence_of([] { TensorDataset(fractions(1)[0]); }), needs_rows);
  EXPECT_EQ(sentence_of([] { TensorDataset(fractions(4), fractions(1)[0]); }),
            "TensorDataset needs labels with a first dimension of examples");
}

struct Inputs {
  at::Tensor inputs;
  int64_t labels;
};
struct Target {
  at::Tensor data;
  double target;
};

TEST(DefaultDataCollator, StacksInputsAndWholeLabels) {
  const Batch batch = default_data_collator(std::vector<Inputs>{{fractions(2), 3}, {fractions(2, 1), 4}});
  EXPECT_EQ(batch.inputs.sizes(), (Ints{2, 2}));
  EXPECT_EQ(floats(batch.inputs[1]), floats(fractions(2, 1)));
  EXPECT_EQ(batch.labels.scalar_type(), at::kLong);
  EXPECT_EQ(integers(batch.labels), (Ints{3, 4}));
}

TEST(DefaultDataCollator, MakesFloat32OfFloatingTargets) {
  const Batch batch = default_data_collator(std::vector<Target>{{fractions(2), 0.5}, {fractions(2), 0.25}});
  EXPECT_EQ(batch.labels.scalar_type(), at::kFloat);
  EXPECT_EQ(floats(batch.labels), (std::vector<float>{0.5, 0.25}));
}

TEST(DefaultDataCollator, StacksPairsOfTensors) {
  const Batch batch = default_data_collator(std::vector<std::pair<at::Tensor, at::Tensor>>{
      {fractions(2), int64s({1, 2, 3})}, {fractions(2), int64s({4, 5, 6})}});
  EXPECT_EQ(batch.labels.sizes(), (Ints{2, 3}));
}

TEST(DefaultDataCollator, TakesFlagsAndSmallIntegersAsLabels) {
  EXPECT_EQ(integers(default_data_collator(std::vector<std::pair<at::Tensor, bool>>{{fractions(1), true}}).labels),
            (Ints{1}));
  EXPECT_EQ(integers(default_data_collator(std::vector<std::pair<float, uint8_t>>{{0.5F, 200}}).labels), (Ints{200}));
}

TEST(DefaultDataCollator, LeavesLabelsUndefinedThatAre) {
  const Batch batch = default_data_collator(std::vector<std::pair<at::Tensor, at::Tensor>>{{fractions(2), {}}});
  EXPECT_FALSE(batch.labels.defined());
}

struct Squares {  // get() and nothing else
  int64_t size() const { return 5; }
  Inputs get(int64_t index) const { return {fractions(2, index), index * index}; }
};

TEST(BatchOf, StacksWhatGetGives) {
  const Ints indices = {3, 1};
  const Batch batch = downbeat::batch_of(Squares(), {}, indices);
  EXPECT_EQ(integers(batch.labels), (Ints{9, 1}));
  EXPECT_EQ(floats(batch.inputs[0]), floats(fractions(2, 3)));
}

TEST(BatchOf, PrefersTheCollatorThatIsGiven) {
  const DataCollator<Squares> labels_only = [](const std::vector<Inputs>& examples) {
    return Batch{{}, int64s({static_cast<int64_t>(examples.size()), examples.front().labels})};
  };
  const Ints indices = {3, 1};
  const Batch batch = downbeat::batch_of(Squares(), labels_only, indices);
  EXPECT_EQ(integers(batch.labels), (Ints{2, 9}));
  EXPECT_FALSE(batch.inputs.defined());
}

struct Words {  // get() and collate() into a batch of its own
  struct Padded {
    std::string text;
  };
  int64_t size() const { return 3; }
  std::string get(int64_t index) const { return std::string(static_cast<std::size_t>(index), 'x'); }
  Padded collate(const std::vector<std::string>& words) const {
    std::string text;
    for (const std::string& word : words) text += word + "|";
    return {text};
  }
};

TEST(BatchOf, UsesTheDatasetsOwnCollateForBatchesOfAnyType) {
  static_assert(std::is_same_v<BatchOf<Words>, Words::Padded>);
  const Ints indices = {2, 0};
  EXPECT_EQ(downbeat::batch_of(Words(), {}, indices).text, "xx||");
  const DataCollator<Words> louder = [](const std::vector<std::string>&) { return Words::Padded{"mine"}; };
  EXPECT_EQ(downbeat::batch_of(Words(), louder, indices).text, "mine");
}

struct Fast {  // get_batch() wins over get()
  int64_t size() const { return 3; }
  Inputs get(int64_t) const { throw std::logic_error("get() is not asked"); }
  Batch get_batch(Indices indices) const { return {{}, int64s({indices.begin(), indices.end()})}; }
};

TEST(BatchOf, AsksGetBatchAndCollatesNothing) {
  const Ints indices = {2, 2};
  EXPECT_EQ(integers(downbeat::batch_of(Fast(), {}, indices).labels), (Ints{2, 2}));
}

struct NoLabelsHere {
  std::string text;
  int64_t other;
};
struct Unstackable {
  std::string inputs;
  int64_t labels;
};
template <class Example>
struct Gets {
  int64_t size() const;
  Example get(int64_t) const;
};
struct NoSize {
  Inputs get(int64_t) const;
};

TEST(DatasetConcept, IsMetByWhatCanBeMadeIntoABatch) {
  static_assert(Dataset<TensorDataset> && Dataset<Squares> && Dataset<Words> && Dataset<Fast> && Dataset<NoDataset>);
  static_assert(Dataset<Gets<std::pair<at::Tensor, float>>>);
  static_assert(!Dataset<Gets<NoLabelsHere>>, "two parts of unknown names are not stacked");
  static_assert(!Dataset<Gets<Unstackable>>, "text is not stacked");
  static_assert(!Dataset<Gets<std::pair<at::Tensor, std::string>>>);
  static_assert(!Dataset<NoSize> && !Dataset<int>);
}

class TorchSquares : public torch::data::datasets::Dataset<TorchSquares> {
 public:
  explicit TorchSquares(bool has_size = true) : has_size_(has_size) {}
  torch::data::Example<> get(std::size_t index) override {
    const auto number = static_cast<int64_t>(index);
    return {fractions(2, number), at::scalar_tensor(number * number, at::kLong)};
  }
  std::optional<std::size_t> size() const override { return has_size_ ? std::optional<std::size_t>(5) : std::nullopt; }

 private:
  bool has_size_;
};

TEST(FromTorch, StacksTheExamplesOfATorchDataset) {
  const auto dataset = from_torch(TorchSquares());
  static_assert(Dataset<decltype(from_torch(TorchSquares()))>);
  const Ints indices = {4, 0};
  const Batch batch = dataset.get_batch(indices);
  EXPECT_EQ(dataset.size(), 5);
  EXPECT_EQ(integers(batch.labels), (Ints{16, 0}));
  EXPECT_EQ(floats(batch.inputs[0]), floats(fractions(2, 4)));
}

TEST(FromTorch, TakesADatasetThatStacksByItself) {
  const auto dataset = from_torch(TorchSquares().map(torch::data::transforms::Stack<>()));
  const Ints indices = {2, 3};
  EXPECT_EQ(dataset.size(), 5);
  EXPECT_EQ(integers(dataset.get_batch(indices).labels), (Ints{4, 9}));
  EXPECT_EQ(dataset.get_batch(indices).inputs.sizes(), (Ints{2, 2}));
}

TEST(FromTorch, RefusesADatasetThatDoesNotKnowItsSize) {
  EXPECT_EQ(sentence_of([] { from_torch(TorchSquares(/*has_size=*/false)); }),
            "from_torch needs a dataset that knows its size");
}

}  // namespace
}  // namespace downbeat
