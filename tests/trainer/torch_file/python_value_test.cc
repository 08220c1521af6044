#include "trainer/torch_file/python_value.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace downbeat {
namespace {

TEST(PythonDict, KeepsTheOrderOfInsertionAndReplacesTheValueOfAKey) {
  PythonDict dict;
  dict.set("z", int64_t{1});
  dict.set("a", int64_t{2});
  dict.set("z", int64_t{3});
  ASSERT_EQ(dict.items().size(), 2);
  EXPECT_EQ(std::get<std::string>(dict.items()[0].first), "z");
  EXPECT_EQ(as_int(dict.items()[0].second), 3);
}

TEST(PythonDict, TellsTextsFromInts) {
  PythonDict dict;
  dict.set("1", std::string("text"));
  dict.set(1, std::string("int"));
  EXPECT_EQ(std::get<std::string>(*dict.find("1")), "text");
  EXPECT_EQ(std::get<std::string>(*dict.find(1)), "int");
  EXPECT_EQ(dict.find("2"), nullptr);
  EXPECT_EQ(dict.find(2), nullptr);
}

TEST(PythonValue, IsNoneUntilItIsSomethingElse) {
  EXPECT_TRUE(PythonValue().is_none());
  EXPECT_FALSE(PythonValue(false).is_none());
}

TEST(PythonValue, IsANumberOnlyWhereItIsAnIntOrAFloat) {
  EXPECT_EQ(as_number(int64_t{3}), 3.0);
  EXPECT_EQ(as_number(0.5), 0.5);
  EXPECT_EQ(as_number(true), std::nullopt);
  EXPECT_EQ(as_number(std::string("3")), std::nullopt);
  EXPECT_EQ(as_number(PythonValue()), std::nullopt);
  EXPECT_EQ(as_int(int64_t{3}), 3);
  EXPECT_EQ(as_int(3.0), std::nullopt);
  EXPECT_EQ(as_int(true), std::nullopt);
}

TEST(PythonValue, IsARowOfNumbersWhereAListOrTupleHoldsNothingElse) {
  const std::vector<double> both = {0.5, 2.0};
  EXPECT_EQ(as_numbers(PythonTuple{{0.5, int64_t{2}}}), both);
  EXPECT_EQ(as_numbers(PythonList{0.5, int64_t{2}}), both);
  EXPECT_EQ(as_numbers(PythonList{}), std::vector<double>());
  EXPECT_EQ(as_numbers(PythonList{0.5, PythonValue()}), std::nullopt);
  EXPECT_EQ(as_numbers(0.5), std::nullopt);
}

TEST(PythonValue, NamesItsTypeAsPythonDoes) {
  EXPECT_EQ(python_type(PythonValue()), "None");
  EXPECT_EQ(python_type(true), "bool");
  EXPECT_EQ(python_type(int64_t{1}), "int");
  EXPECT_EQ(python_type(1.0), "float");
  EXPECT_EQ(python_type(std::string()), "str");
  EXPECT_EQ(python_type(at::zeros({1})), "Tensor");
  EXPECT_EQ(python_type(PythonList()), "list");
  EXPECT_EQ(python_type(PythonTuple()), "tuple");
  EXPECT_EQ(python_type(PythonDict()), "dict");
  EXPECT_EQ(python_type(std::make_shared<const PythonObject>(PythonObject{"numpy.dtype", {}, {}})), "numpy.dtype");
}

}  // namespace
}  // namespace downbeat
