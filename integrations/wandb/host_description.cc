#include "integrations/wandb/host_description.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <absl/time/clock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/python_json.h"
#include "integrations/support/environment.h"
#include "integrations/support/machine.h"
#include "integrations/support/secrets.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

constexpr double kMebibyte = 1 << 20;

// The number behind `name:` in a file of /proc; 0 where there is none.
double value_in(const std::string& path, absl::string_view name) {
  const std::string text = read_small_file(path).value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    const std::vector<absl::string_view> words = absl::StrSplit(parts.second, ' ', absl::SkipWhitespace());
    double value = 0;
    if (parts.first == name && !words.empty() && absl::SimpleAtod(words[0], &value)) return value;
  }
  return 0;
}

// Pairs of socket and core among the processors.
int64_t cores() {
  std::set<std::pair<std::string, std::string>> all;
  const std::string text = read_small_file("/proc/cpuinfo").value_or("");
  std::string socket;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StartsWith(line, "physical id")) socket = parts.second;
    if (absl::StartsWith(line, "core id")) all.emplace(socket, parts.second);
  }
  return all.empty() ? std::thread::hardware_concurrency() : static_cast<int64_t>(all.size());
}

// As the driver of NVIDIA describes them.
void add_gpus(WandbMachine& machine) {
  std::error_code error;
  for (std::filesystem::directory_iterator gpu("/proc/driver/nvidia/gpus", error), end; !error && gpu != end;
       gpu.increment(error)) {
    ++machine.gpu_count;
    const std::string text = read_small_file((gpu->path() / "information").string()).value_or("");
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
      if (parts.first == "Model") machine.gpu_type = std::string(absl::StripAsciiWhitespace(parts.second));
    }
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
                       .memory = static_cast<int64_t>(value_in("/proc/meminfo", "MemTotal") * 1024)};
  add_gpus(machine);
  return machine;
}

WandbItems ProcessStats::now() {
  const double total = value_in("/proc/meminfo", "MemTotal") * 1024;
  const double available = value_in("/proc/meminfo", "MemAvailable") * 1024;
  const double resident = value_in("/proc/self/status", "VmRSS") * 1024;
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
  add("proc.cpu.threads", value_in("/proc/self/status", "Threads"));
  return items;
}

}  // namespace downbeat
