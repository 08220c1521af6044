// What the launcher tells a process about its place among the others: torchrun's environment variables.
//
//   const absl::StatusOr<downbeat::ProcessEnvironment> environment = downbeat::read_process_environment();
//   if (environment.ok() && environment->is_distributed()) ...
//
// A process that was not started by a launcher sees none of the variables and is alone: rank 0 of 1. Free of torch. Who
// wants to talk to the other processes makes a ProcessGroup of it (process_group.h).
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <vector>

namespace downbeat {

struct ProcessEnvironment {
  int rank = 0;                   // RANK: 0 <= rank < world_size
  int world_size = 1;             // WORLD_SIZE: processes on all machines
  int local_rank = 0;             // LOCAL_RANK: the place among those of this machine; chooses the device
  int local_world_size = 1;       // LOCAL_WORLD_SIZE
  std::string master_addr;        // MASTER_ADDR, MASTER_PORT: where the store listens
  int master_port = 0;            // 1 to 65535; 0 in a process that is alone
  bool uses_agent_store = false;  // TORCHELASTIC_USE_AGENT_STORE: the launcher keeps the store, otherwise rank 0 does
  int restart_count = 0;          // TORCHELASTIC_RESTART_COUNT: how often torchrun has started all processes anew
  std::string run_id;             // TORCHELASTIC_RUN_ID: torchrun's --rdzv_id; "none" unless given
  std::vector<std::string> gloo_interfaces;  // GLOO_SOCKET_IFNAME: network interfaces; empty: the host name's

  bool is_distributed() const { return world_size > 1; }
  bool is_world_process_zero() const { return rank == 0; }
  bool is_local_process_zero() const { return local_rank == 0; }
};

// One sentence where a variable is missing, is no number, or contradicts another one.
absl::StatusOr<ProcessEnvironment> read_process_environment();

// The same of other variables: `variable` gives the value of one by its name, or nullptr.
absl::StatusOr<ProcessEnvironment> read_process_environment(const std::function<const char*(const char*)>& variable);

}  // namespace downbeat
