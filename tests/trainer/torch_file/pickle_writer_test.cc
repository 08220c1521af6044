#include "trainer/torch_file/pickle_writer.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "trainer/torch_file/pickle_reader.h"

namespace downbeat {
namespace {

using namespace std::string_literals;

absl::StatusOr<std::string> written(const PythonValue& value) {
  return write_pickle(value, [](const at::Tensor&) { return std::string("7"); });
}
absl::StatusOr<PythonValue> read_again(const PythonValue& value) {
  return read_pickle(*written(value), [](const std::string&, at::ScalarType type, int64_t elements) {
    return absl::StatusOr<at::Tensor>(at::zeros({elements}, type));
  });
}

TEST(WritePickle, WritesProtocol2) {
  EXPECT_EQ(*written(PythonValue()), "\x80\x02N.");
  EXPECT_EQ(*written(PythonList{true, PythonTuple()}), "\x80\x02](\x88(te.");
  EXPECT_EQ(*written(1.5), "\x80\x02G\x3f\xf8\x00\x00\x00\x00\x00\x00."s);
}

TEST(WritePickle, WritesEveryIntSoThatItIsReadAgain) {
  constexpr int64_t kInt = std::numeric_limits<int32_t>::max();
  for (const int64_t number : {int64_t{0}, int64_t{-1}, kInt, kInt + 1, -kInt - 1, -kInt - 2,
                               std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    EXPECT_EQ(as_int(*read_again(number)), number);
  }
}

TEST(WritePickle, WritesTextsOfUtf8AndRefusesOthers) {
  for (const std::string& text : {""s, "a\0b\n"s, "zw\xc3\xb6lf"s, "\xe2\x82\xac"s, "\xf0\x9f\x94\xa5"s}) {
    EXPECT_EQ(std::get<std::string>(*read_again(text)), text);
  }
  for (const std::string& bytes :
       {"\xff"s, "\xc3"s, "a\xc3z"s, "\x80"s, "\xc0\x80"s, "\xe2\x82"s, "\xf5\x80\x80\x80"s}) {
    EXPECT_EQ(written(PythonList{bytes}).status().message(), "bytes that are not UTF-8 cannot be written as a text");
  }
}

TEST(WritePickle, RefusesObjectsAndNamesTheirType) {
  const PythonValue object = std::make_shared<const PythonObject>(PythonObject{"numpy.dtype", {}, {}});
  EXPECT_EQ(written(PythonTuple{{object}}).status().message(), "an object of type numpy.dtype cannot be written");
}

TEST(WritePickle, RefusesTensorsOfATypeWithoutAStorage) {
  EXPECT_EQ(written(at::zeros({1}, at::kFloat8_e4m3fn)).status().message(),
            "a tensor of type Float8_e4m3fn cannot be written");
  EXPECT_EQ(written(at::Tensor()).status().message(), "a tensor of type undefined cannot be written");
}

TEST(WritePickle, WritesATensorAsIfItWereContiguous) {
  const auto again = read_again(at::zeros({2, 3, 0, 4}).transpose(0, 1));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(std::get<at::Tensor>(*again).sizes(), (std::vector<int64_t>{3, 2, 0, 4}));
  const auto matrix = read_again(at::zeros({2, 3}).transpose(0, 1));
  EXPECT_EQ(std::get<at::Tensor>(*matrix).strides(), (std::vector<int64_t>{2, 1}));
}

}  // namespace
}  // namespace downbeat
