#include "callbacks/python_dict.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace downbeat {
namespace {

// The expected texts are what Python 3.11 prints for str({k: f"{v:.4g}" if isinstance(v, float) else v ...}).
TEST(PythonDictTest, QuotesFloatsWithFourSignificantDigits) {
  EXPECT_EQ(python_dict({{"loss", 0.42126}, {"grad_norm", 1.3015}, {"learning_rate", 4.8e-05}, {"epoch", 0.05}}),
            "{'loss': '0.4213', 'grad_norm': '1.302', 'learning_rate': '4.8e-05', 'epoch': '0.05'}");
  EXPECT_EQ(
      python_dict({{"loss", std::numeric_limits<double>::quiet_NaN()}, {"x", std::numeric_limits<double>::infinity()}}),
      "{'loss': 'nan', 'x': 'inf'}");
}

TEST(PythonDictTest, PrintsIntegersPlainly) {
  EXPECT_EQ(python_dict({{"step", int64_t{12}}, {"epoch", 1.0}}), "{'step': 12, 'epoch': '1'}");
  EXPECT_EQ(python_dict({}), "{}");
}

TEST(PythonDictTest, QuotesTextAsReprDoes) {
  EXPECT_EQ(python_dict({{"s", "it's"}}), R"({'s': "it's"})");
  EXPECT_EQ(python_dict({{"s", "a \"b\""}}), R"({'s': 'a "b"'})");
  EXPECT_EQ(python_dict({{"s", "it's \"b\""}}), R"({'s': 'it\'s "b"'})");
  EXPECT_EQ(python_dict({{"s", "a\n\t\r\\\x01\x7f"}}), R"({'s': 'a\n\t\r\\\x01\x7f'})");
  EXPECT_EQ(python_dict({{"n", "größer"}}), "{'n': 'größer'}");
  EXPECT_EQ(python_dict({{"it's", int64_t{-3}}}), R"({"it's": -3})");
}

TEST(PythonDictTest, ReplacesTextThatIsTooLongByItsLengthInCharacters) {
  EXPECT_EQ(python_dict({{"s", "größer"}}, 6), "{'s': 'größer'}");
  EXPECT_EQ(python_dict({{"s", "größer"}}, 5), "{'s': '[a text of 6 characters; max_str_len=5 shows no more]'}");
}

}  // namespace
}  // namespace downbeat
