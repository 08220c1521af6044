// Damaged weights, by the thousand: each is one sentence or is loaded, and nothing larger than the file is allocated.
#include <ATen/ops/sum.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/trainer/support/files.h"
#include "tests/trainer/support/largest_allocation.h"
#include "tests/trainer/support/tensors.h"
#include "trainer/checkpoint/model_weights.h"

namespace downbeat {
namespace {

using testing::content;
using testing::entries;
using testing::fractions;
using testing::fresh_directory;
using testing::write;

StateDict some_tensors() {
  StateDict tensors = {{"encoder.weight", fractions(24).view({4, 6})},
                       {"encoder.bias", fractions(4)},
                       {"scale", fractions(1).squeeze()},
                       {"empty", fractions(0)},
                       {"counts", fractions(5).to(at::kLong)},
                       {"mask", fractions(7).to(at::kBool)},
                       {"half", fractions(9).to(at::kBFloat16)}};
  tensors["tied"] = tensors["encoder.bias"];
  return tensors;
}

class Damage {
 public:
  explicit Damage(unsigned seed) : random_(seed) {}

  // One to three changes of a kind that damage has, or somebody who means harm.
  std::string of(std::string text) {
    for (std::size_t left = 1 + below(3); left > 0; --left) change(text);
    return text;
  }
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

 private:
  void change(std::string& text) {
    const std::size_t at = below(text.size());
    switch (below(8)) {
      case 0:
        text.resize(at);
        break;
      case 1:
        text.insert(at, 1 + below(20), static_cast<char>(random_()));
        break;
      case 2:
        text.erase(at, 1 + below(20));
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(200)));
        break;
      case 4:
        text.insert(at, kTokens[below(std::size(kTokens))]);
        break;
      case 5:  // the size of the header, where this is a safetensors file
        if (!text.empty()) text[below(std::min<std::size_t>(text.size(), 8))] = static_cast<char>(random_());
        break;
      case 6:
        change_digit(text, at);
        break;
      default:
        if (!text.empty()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
    }
  }
  void change_digit(std::string& text, std::size_t from) {
    const std::size_t at = text.find_first_of("0123456789", from);
    if (at != text.npos) text[at] = static_cast<char>('0' + below(10));
  }

  static constexpr const char* kTokens[] = {"{",
                                            "}",
                                            "[",
                                            "]",
                                            ",",
                                            ":",
                                            "\"",
                                            "9999999999",
                                            "18446744073709551615",
                                            "-1",
                                            "1e999",
                                            "null",
                                            "[[[[[[[[",
                                            "\\u0000",
                                            R"("data_offsets":[0,4])",
                                            R"("shape":[4294967296,4294967296])",
                                            "F64",
                                            "../",
                                            "__metadata__",
                                            "\xff"};

  std::mt19937 random_;
};

// Loads what lies in the directory; true where that succeeds.
bool loads(const std::string& directory, std::size_t file_size) {
  testing::forget_allocations();
  const absl::StatusOr<StateDict> loaded = load_weights(directory);
  EXPECT_LE(testing::largest_allocation(), file_size + (64 << 10));
  if (!loaded.ok()) {
    EXPECT_NE(std::string(loaded.status().message()).find(directory), std::string::npos) << loaded.status();
    EXPECT_EQ(std::string(loaded.status().message()).find('\n'), std::string::npos) << loaded.status();
    return false;
  }
  for (const auto& item : *loaded) {
    if (item.second.scalar_type() == at::kFloat) item.second.sum();  // every byte can be touched
  }
  return true;
}

TEST(DamagedWeights, OfOneFileAreASentenceOrAreLoaded) {
  const std::string directory = fresh_directory(), path = directory + "/model.safetensors";
  ASSERT_TRUE(save_weights(some_tensors(), directory).ok());
  const std::string whole = content(path);
  int loaded = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(seed);
    const std::string damaged = Damage(seed).of(whole);
    write(path, damaged);
    loaded += loads(directory, damaged.size());
  }
  EXPECT_GT(loaded, 10) << "of changes in the data nothing can be known";
  EXPECT_LT(loaded, 900);
}

TEST(DamagedWeights, OfSeveralFilesAreASentenceOrAreLoaded) {
  const std::string root = fresh_directory(), whole = root + "/whole", directory = root + "/damaged";
  std::filesystem::create_directories(directory);
  std::filesystem::create_directories(whole);
  ASSERT_TRUE(save_weights(some_tensors(), whole, 60).ok());
  const std::vector<std::string> names = entries(whole);
  ASSERT_EQ(names.size(), 4);
  int loaded = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(seed);
    Damage damage(seed);
    const std::string& chosen = seed % 2 == 0 ? names.back() : names[damage.below(names.size())];
    std::size_t size = 0;
    for (const std::string& name : names) {
      const std::string text = content(whole + "/" + name);
      const std::string written = name == chosen ? damage.of(text) : text;
      write(directory + "/" + name, written);
      size = std::max(size, written.size());
    }
    loaded += loads(directory, size);
  }
  EXPECT_GT(loaded, 10);
  EXPECT_LT(loaded, 900);
}

}  // namespace
}  // namespace downbeat
