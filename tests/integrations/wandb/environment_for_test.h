// While it lives, the environment has no variable of W&B but those that a test sets, and a home without a netrc file.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

extern char** environ;

namespace downbeat {

class EnvironmentForTest {
 public:
  EnvironmentForTest() : EnvironmentForTest(std::initializer_list<std::pair<std::string, std::string>>{}) {}
  EnvironmentForTest(std::initializer_list<std::pair<std::string, std::string>> variables) {
    std::vector<std::string> names;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string text = *variable;
      if (text.rfind("WANDB_", 0) == 0) names.push_back(text.substr(0, text.find('=')));
    }
    for (const std::string& name : names) unsetenv(name.c_str());
    unsetenv("NETRC");
    set("HOME", ::testing::TempDir() + "/home-without-netrc");
    for (const auto& [name, value] : variables) set(name, value);
  }
  ~EnvironmentForTest() {
    for (const std::string& name : set_) unsetenv(name.c_str());
  }
  EnvironmentForTest(const EnvironmentForTest&) = delete;
  EnvironmentForTest& operator=(const EnvironmentForTest&) = delete;

 private:
  void set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    if (name != "PATH") set_.push_back(name);
  }

  std::vector<std::string> set_;
};

// An empty directory of this name.
inline std::string empty_directory(const std::string& name) {
  const std::string path = (std::filesystem::path(::testing::TempDir()) / name).lexically_normal();
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

}  // namespace downbeat
