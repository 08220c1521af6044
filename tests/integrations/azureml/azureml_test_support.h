// What the tests of the AzureML integration share: an environment without its variables, tokens, an `az` of their own.
#pragma once

#include <absl/time/time.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

namespace downbeat {

// While it lives the variables of AzureML and MLflow are only those that are given; PATH leads to no `az`.
class OnlyVariables {
 public:
  OnlyVariables(std::initializer_list<std::pair<std::string, std::string>> variables = {});
  ~OnlyVariables();
  OnlyVariables(const OnlyVariables&) = delete;
  OnlyVariables& operator=(const OnlyVariables&) = delete;

 private:
  std::optional<std::string> path_;
};

// An empty directory of the test that runs.
std::string test_directory();

// A JSON Web Token that ends then; `name` makes it another one.
std::string token_until(absl::Time end, const std::string& name);

// Puts a program `az` into `directory` that notes its words in `directory`/words and then does what the lines of a
// shell say.
void write_az(const std::string& directory, const std::string& lines);
std::string az_answer(const std::string& token);  // lines that answer as the real one does

}  // namespace downbeat
