// What Linux tells about the machine's load, memory and processor, and about the processes of this run.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace downbeat {

struct CpuTimes {  // of all processors since the machine started, in ticks
  double total = 0;
  double busy = 0;
};
std::optional<CpuTimes> parse_cpu_times(absl::string_view proc_stat);
std::optional<CpuTimes> cpu_times();
double load_between(const CpuTimes& before, const CpuTimes& after);  // from 0 to 1

struct Memory {  // in GiB
  double total = 0;
  double used = 0;
};
Memory parse_memory(absl::string_view proc_meminfo);
Memory memory();

struct ProcessUse {
  std::map<int64_t, double> cpu_seconds;  // by process, since each began
  double memory = 0;                      // of all, in GiB
};
ProcessUse use_of_process_and_children(int64_t process);
double cpu_seconds_between(const ProcessUse& before, const ProcessUse& after);

std::string parse_cpu_model(absl::string_view proc_cpuinfo);  // empty where it has none
int64_t parse_sockets(absl::string_view proc_cpuinfo);        // 1 at least
std::string cpu_model();
int64_t sockets();
int64_t threads();
bool is_arm();

}  // namespace downbeat
