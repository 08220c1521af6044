// Tests of ProcessGroup that every rank runs, in the same order, under torchrun (collectives_test.py).
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>

#include "trainer/distributed/agreement.h"
#include "trainer/distributed/process_environment.h"
#include "trainer/distributed/process_group.h"

namespace downbeat {
namespace {

std::optional<ProcessGroup> shared_group;

ProcessGroup& group() { return *shared_group; }

// What `body` throws; the same sentence is expected on every rank.
template <class Exception>
std::string sentence_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Exception& exception) {
    return exception.what();
  }
  return "nothing was thrown";
}

TEST(ProcessGroup, BroadcastsInPlaceAlsoWhereMemoryIsNotContiguous) {
  const at::Tensor whole = at::full({2, 3}, group().rank(), at::kFloat);
  const at::Tensor base = at::full({3, 4}, group().rank(), at::kLong);
  const at::Tensor column = base.select(1, 2);
  group().broadcast({whole, at::empty({0}), column}, /*from=*/1);
  EXPECT_TRUE(at::equal(whole, at::full({2, 3}, 1, at::kFloat)));
  EXPECT_TRUE(at::equal(column, at::full({3}, 1, at::kLong)));
  EXPECT_TRUE(at::equal(base.select(1, 1), at::full({3}, group().rank(), at::kLong)));
}

TEST(ProcessGroup, BroadcastsTexts) {
  EXPECT_EQ(group().broadcast_text(group().rank() == 0 ? "seven\n" : "other"), "seven\n");
  EXPECT_EQ(group().broadcast_text(group().rank() == 1 ? "" : "other", /*from=*/1), "");
}

TEST(ProcessGroup, ReducesOverAllRanks) {
  const double world = group().world_size();
  const at::Tensor sum = at::full({2}, group().rank() + 1.0, at::kDouble);
  group().all_reduce(sum, Reduction::sum);
  EXPECT_EQ(sum[0].item<double>(), world * (world + 1) / 2);
  const at::Tensor mean = at::full({}, group().rank() + 1.0, at::kDouble);
  group().all_reduce(mean, Reduction::mean);
  EXPECT_EQ(mean.item<double>(), (world + 1) / 2);
  const at::Tensor min = at::full({1}, 5 - group().rank(), at::kLong);
  group().all_reduce(min, Reduction::min);
  EXPECT_EQ(min.item<int64_t>(), 6 - group().world_size());
}

TEST(ProcessGroup, GathersRowsOfUnequalNumberInTheOrderOfRanks) {
  const at::Tensor mine = at::full({group().rank(), 2}, group().rank(), at::kLong);  // none on rank 0
  const at::Tensor all = group().all_gather(mine);
  const int64_t world = group().world_size();
  ASSERT_EQ(all.sizes(), at::IntArrayRef({world * (world - 1) / 2, 2}));
  int64_t row = 0;
  for (int64_t rank = 0; rank < world; ++rank) {
    for (int64_t i = 0; i < rank; ++i) EXPECT_EQ(all[row++][1].item<int64_t>(), rank);
  }
}

TEST(ProcessGroup, GathersScalarsBooleansAndNothing) {
  const at::Tensor ranks = group().all_gather(at::full({}, group().rank(), at::kLong));
  EXPECT_TRUE(at::equal(ranks, at::arange(group().world_size())));
  const at::Tensor flags = group().all_gather(at::full({1}, group().rank() == 1, at::kBool));
  EXPECT_EQ(flags.sum().item<int64_t>(), 1);
  EXPECT_TRUE(flags[1].item<bool>());
  EXPECT_EQ(group().all_gather(at::empty({0, 3})).sizes(), at::IntArrayRef({0, 3}));
}

TEST(ProcessGroup, RefusesToGatherWhatDiffersInMoreThanItsLength) {
  const auto sentence =
      sentence_of<std::invalid_argument>([] { group().all_gather(at::empty({2, group().rank() == 1 ? 5 : 4})); });
  EXPECT_EQ(sentence,
            "all_gather: rank 1 has Float[2, 5] where rank 0 has Float[2, 4]; only the first dimension may differ");
  EXPECT_EQ(group().all_gather(at::empty({1, 4})).size(0), group().world_size()) << "the group goes on";
}

TEST(ProcessGroup, KeepsTextsInTheStore) {
  if (group().rank() == 1) group().set("greeting", "from rank 1");
  EXPECT_EQ(group().get("greeting"), "from rank 1");
}

TEST(ProcessGroup, PassesExceptionsThatAreNotOfItsOwn) {
  const auto sentence = sentence_of<std::logic_error>(
      [] { group().wait_for("nothing", [] { throw std::logic_error("a mistake of the caller"); }); });
  EXPECT_EQ(sentence, "a mistake of the caller");
}

TEST(ProcessGroup, OutlivesBrokenPipes) {
  std::raise(SIGPIPE);
  group().barrier("the others");
}

TEST(Agreement, IsContentWhereAllRanksSayTheSame) {
  check_same_on_all_ranks(group(), "the arguments", "seed=1\nlearning_rate=0.1");
  check_same_on_all_ranks(group(), "the arguments", "");
}

TEST(Agreement, NamesTheFirstLineThatDiffersOnEveryRank) {
  const std::string rate = group().rank() == 1 ? "0.2" : "0.1";
  const auto sentence = sentence_of<std::runtime_error>(
      [&] { check_same_on_all_ranks(group(), "the arguments", "seed=1\nlearning_rate=" + rate); });
  EXPECT_EQ(sentence,
            "the arguments must be the same on all ranks: line 2 is \"learning_rate=0.2\" on rank 1 and "
            "\"learning_rate=0.1\" on rank 0");
}

TEST(Agreement, NamesALineThatIsMissing) {
  const auto sentence = sentence_of<std::runtime_error>(
      [&] { check_same_on_all_ranks(group(), "the arguments", group().rank() == 1 ? "a" : "a\nb"); });
  EXPECT_EQ(sentence, "the arguments must be the same on all ranks: line 2 is missing on rank 1 and \"b\" on rank 0");
}

TEST(Agreement, DescribesTensorsByNameTypeAndShape) {
  EXPECT_EQ(describe_tensors({{"weight", at::empty({10, 64})}, {"steps", at::empty({}, at::kLong)}}),
            "weight Float[10, 64]\nsteps Long[]");
}

}  // namespace
}  // namespace downbeat

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const auto environment = downbeat::read_process_environment().value();
  {
    downbeat::ProcessGroup first(environment, std::chrono::seconds(60));
  }  // a second one is not disturbed by it
  downbeat::shared_group.emplace(environment, std::chrono::seconds(60));
  const int result = RUN_ALL_TESTS();
  downbeat::shared_group.reset();
  return result;
}
