#include "callbacks/progress_bar/meter.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace downbeat {
namespace {

struct TqdmMeter {
  int64_t n;
  std::optional<int64_t> total;
  double elapsed;
  std::optional<double> rate;
  int64_t initial;
  std::optional<int> ncols;
  bool ascii;
  const char* prefix;
  const char* text;
};
const TqdmMeter kTqdmMeters[] = {
#include "tests/callbacks/progress_bar/tqdm_meters.inc"
};

TEST(MeterTest, LooksAsTqdmsDoes) {
  for (const TqdmMeter& tqdm : kTqdmMeters) {
    const Meter meter = {tqdm.n, tqdm.total, tqdm.elapsed, tqdm.rate, tqdm.initial, tqdm.prefix};
    EXPECT_EQ(format_meter(meter, {.width = tqdm.ncols, .ascii = tqdm.ascii}), tqdm.text);
  }
}

TEST(MeterTest, SurvivesARateThatIsNextToNothing) {
  const Meter meter = {.n = 1, .total = 1'000'000'000'000, .elapsed = 1, .rate = 1e-300};
  EXPECT_FALSE(format_meter(meter, {}).empty());
}

TEST(MeterTest, SurvivesAWindowWithoutWidth) { EXPECT_EQ(format_meter({.n = 1, .total = 2}, {.width = 0}), ""); }

}  // namespace
}  // namespace downbeat
