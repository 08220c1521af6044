#include "integrations/wandb/host_description.h"

#include <absl/strings/string_view.h>
#include <absl/time/clock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>
#include <utility>

#include "callbacks/vocabulary/python_json.h"
#include "integrations/support/environment.h"
#include "integrations/support/machine.h"
#include "integrations/support/proc_text.h"
#include "integrations/support/secrets.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

constexpr double kMebibyte = 1 << 20;

std::string text_of(const std::string& path) { return read_small_file(path).value_or(""); }

// What stands there in KiB, in bytes; 0 where there is no such name.
double bytes_in(absl::string_view proc_text, absl::string_view name) {
  return proc_number(proc_text, name).value_or(0) * 1024;
}

// Pairs of socket and core among the processors.
int64_t cores() {
  const std::string text = text_of("/proc/cpuinfo");
  const std::vector<std::string> sockets = proc_values(text, "physical id");
  const std::vector<std::string> cores = proc_values(text, "core id");
  std::set<std::pair<std::string, std::string>> all;
  for (std::size_t i = 0; i < cores.size(); ++i) all.emplace(i < sockets.size() ? sockets[i] : "", cores[i]);
  return all.empty() ? std::thread::hardware_concurrency() : static_cast<int64_t>(all.size());
}

// As the driver of NVIDIA describes them.
void add_gpus(WandbMachine& machine) {
  std::error_code error;
  for (std::filesystem::directory_iterator gpu("/proc/driver/nvidia/gpus", error), end; !error && gpu != end;
       gpu.increment(error)) {
    ++machine.gpu_count;
    const auto models = proc_values(text_of((gpu->path() / "information").string()), "Model");
    if (!models.empty()) machine.gpu_type = models.front();
  }
}

double cpu_seconds_of_process() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * time.tv_usec; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

WandbMachine machine_of_run() {
  WandbMachine machine{.os = operating_system(),
                       .program = program_path(),
                       .args = without_secrets(command_line()),
                       .host = environment_variable("WANDB_HOST", host_name()),
                       .user = user_name(),
                       .cpu_count = cores(),
                       .cpu_count_logical = std::thread::hardware_concurrency(),
                       .memory = static_cast<int64_t>(bytes_in(text_of("/proc/meminfo"), "MemTotal"))};
  add_gpus(machine);
  return machine;
}

WandbItems ProcessStats::now() {
  const std::string machine = text_of("/proc/meminfo");
  const std::string process = text_of("/proc/self/status");
  const double total = bytes_in(machine, "MemTotal");
  const double available = bytes_in(machine, "MemAvailable");
  const double resident = bytes_in(process, "VmRSS");
  WandbItems items;
  const auto add = [&](const char* name, double value) {
    items.push_back({.names = {name}, .json = python_float(value)});
  };
  const absl::Time now = absl::Now();
  const double cpu_seconds = cpu_seconds_of_process();
  const double elapsed = absl::ToDoubleSeconds(now - last_);
  if (last_ != absl::InfinitePast() && elapsed > 0) {
    add("cpu", 100 * (cpu_seconds - cpu_seconds_) / elapsed / std::thread::hardware_concurrency());
  }
  last_ = now;
  cpu_seconds_ = cpu_seconds;
  if (total > 0) {
    add("memory_percent", 100 * (1 - available / total));
    add("proc.memory.percent", 100 * resident / total);
  }
  add("proc.memory.availableMB", available / kMebibyte);
  add("proc.memory.rssMB", resident / kMebibyte);
  add("proc.cpu.threads", proc_number(process, "Threads").value_or(0));
  return items;
}

}  // namespace downbeat
