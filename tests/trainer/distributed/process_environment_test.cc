#include "trainer/distributed/process_environment.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace downbeat {
namespace {

using Variables = std::map<std::string, std::string>;

absl::StatusOr<ProcessEnvironment> read(const Variables& variables) {
  return read_process_environment([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

Variables torchruns() {
  return {{"RANK", "5"},
          {"WORLD_SIZE", "8"},
          {"LOCAL_RANK", "1"},
          {"LOCAL_WORLD_SIZE", "4"},
          {"MASTER_ADDR", "host-0"},
          {"MASTER_PORT", "29400"},
          {"TORCHELASTIC_USE_AGENT_STORE", "True"},
          {"TORCHELASTIC_RESTART_COUNT", "2"},
          {"TORCHELASTIC_RUN_ID", "spring"},
          {"GLOO_SOCKET_IFNAME", "eth0,eth1"}};
}

// The sentence about torchrun's variables with one of them changed, or without it where `value` is empty.
std::string sentence(const std::string& name, const std::string& value) {
  Variables variables = torchruns();
  value.empty() ? static_cast<void>(variables.erase(name)) : static_cast<void>(variables[name] = value);
  return std::string(read(variables).status().message());
}

TEST(ProcessEnvironment, IsOneProcessWhereNothingIsSet) {
  const ProcessEnvironment environment = *read({});
  EXPECT_EQ(environment.rank, 0);
  EXPECT_EQ(environment.world_size, 1);
  EXPECT_FALSE(environment.is_distributed());
  EXPECT_TRUE(environment.is_world_process_zero());
  EXPECT_TRUE(environment.is_local_process_zero());
}

TEST(ProcessEnvironment, ReadsTorchrunsVariables) {
  const ProcessEnvironment environment = *read(torchruns());
  EXPECT_EQ(environment.rank, 5);
  EXPECT_EQ(environment.world_size, 8);
  EXPECT_EQ(environment.local_rank, 1);
  EXPECT_EQ(environment.local_world_size, 4);
  EXPECT_EQ(environment.master_addr, "host-0");
  EXPECT_EQ(environment.master_port, 29400);
  EXPECT_TRUE(environment.uses_agent_store);
  EXPECT_EQ(environment.restart_count, 2);
  EXPECT_EQ(environment.run_id, "spring");
  EXPECT_EQ(environment.gloo_interfaces, (std::vector<std::string>{"eth0", "eth1"}));
  EXPECT_TRUE(environment.is_distributed());
  EXPECT_FALSE(environment.is_world_process_zero());
  EXPECT_FALSE(environment.is_local_process_zero());
}

TEST(ProcessEnvironment, NeedsNoStoreForOneProcessOfTorchrun) {
  EXPECT_FALSE(read({{"RANK", "0"}, {"WORLD_SIZE", "1"}})->is_distributed());
}

TEST(ProcessEnvironment, IsOneProcessWhereOnlyTheStoreIsNamed) {
  EXPECT_FALSE(read({{"MASTER_ADDR", "host-0"}, {"MASTER_PORT", "29400"}})->is_distributed());
}

TEST(ProcessEnvironment, KnowsOfNoLauncherWithoutTorchrunsOwnVariables) {
  Variables variables = torchruns();
  for (const char* name : {"USE_AGENT_STORE", "RESTART_COUNT", "RUN_ID"}) {
    variables.erase(std::string("TORCHELASTIC_") + name);
  }
  variables.erase("LOCAL_WORLD_SIZE");
  const ProcessEnvironment environment = *read(variables);
  EXPECT_FALSE(environment.uses_agent_store);
  EXPECT_EQ(environment.restart_count, 0);
  EXPECT_EQ(environment.local_world_size, 8);
}

TEST(ProcessEnvironment, NamesWhatIsMissing) {
  EXPECT_EQ(sentence("WORLD_SIZE", ""),
            "WORLD_SIZE is not set, though RANK=5 is; torchrun sets both, a process that is alone has neither");
  EXPECT_EQ(sentence("RANK", ""),
            "RANK is not set, though WORLD_SIZE=8 is; torchrun sets both, a process that is alone has neither");
  EXPECT_EQ(sentence("LOCAL_RANK", ""), "LOCAL_RANK is not set, though WORLD_SIZE is more than 1; torchrun sets both");
  EXPECT_EQ(sentence("MASTER_ADDR", ""),
            "MASTER_ADDR is not set, though WORLD_SIZE is more than 1; torchrun sets both");
  EXPECT_EQ(sentence("MASTER_PORT", ""),
            "MASTER_PORT is not set, though WORLD_SIZE is more than 1; torchrun sets both");
}

TEST(ProcessEnvironment, NamesWhatIsNoNumber) {
  EXPECT_EQ(sentence("RANK", "five"), "RANK=five is not an integer");
  EXPECT_EQ(sentence("MASTER_PORT", "29400x"), "MASTER_PORT=29400x is not an integer");
  EXPECT_EQ(sentence("TORCHELASTIC_RESTART_COUNT", "2.5"), "TORCHELASTIC_RESTART_COUNT=2.5 is not an integer");
}

TEST(ProcessEnvironment, NamesWhatContradictsTheRest) {
  EXPECT_EQ(sentence("RANK", "8"), "RANK=8 is not 0 to 7");
  EXPECT_EQ(sentence("RANK", "-1"), "RANK=-1 is not 0 to 7");
  EXPECT_EQ(sentence("LOCAL_RANK", "4"), "LOCAL_RANK=4 is not 0 to 3");
  EXPECT_EQ(sentence("LOCAL_WORLD_SIZE", "9"), "LOCAL_WORLD_SIZE=9 is not 1 to 8");
  EXPECT_EQ(sentence("WORLD_SIZE", "0"), "WORLD_SIZE=0 is not 1 to 16777216");
  EXPECT_EQ(sentence("MASTER_PORT", "65536"), "MASTER_PORT=65536 is not 1 to 65535");
}

}  // namespace
}  // namespace downbeat
