#include "integrations/codecarbon/system.h"

#include <absl/strings/match.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "integrations/support/proc_text.h"
#include "integrations/support/small_file.h"

namespace downbeat {
namespace {

constexpr double kKibibytesPerGibibyte = 1024. * 1024;
constexpr double kBytesPerGibibyte = 1024. * kKibibytesPerGibibyte;

std::string text_of(const std::string& path) { return read_small_file(path).value_or(""); }

std::vector<std::string> words_of(absl::string_view line) { return absl::StrSplit(line, ' ', absl::SkipEmpty()); }

struct Process {
  int64_t parent = 0;
  double cpu_seconds = 0;
  double memory = 0;
};

std::optional<Process> parse_process(absl::string_view stat) {
  const std::size_t name_end = stat.rfind(')');  // the name may hold anything
  if (name_end == absl::string_view::npos) return std::nullopt;
  const std::vector<std::string> words = words_of(stat.substr(name_end + 1));
  constexpr std::size_t kParent = 1, kUser = 11, kSystem = 12, kPages = 21;  // counted from the state
  if (words.size() <= kPages) return std::nullopt;
  const auto number = [&](std::size_t at) {
    double value = 0;
    return absl::SimpleAtod(words[at], &value) ? value : 0;
  };
  return Process{.parent = static_cast<int64_t>(number(kParent)),
                 .cpu_seconds = (number(kUser) + number(kSystem)) / static_cast<double>(sysconf(_SC_CLK_TCK)),
                 .memory = number(kPages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / kBytesPerGibibyte};
}

std::map<int64_t, Process> all_processes() {
  std::map<int64_t, Process> processes;
  std::error_code error;
  auto entry = std::filesystem::directory_iterator("/proc", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    int64_t id = 0;
    if (!absl::SimpleAtoi(entry->path().filename().string(), &id)) continue;
    if (const auto process = parse_process(text_of(absl::StrCat("/proc/", id, "/stat")))) processes[id] = *process;
  }
  return processes;
}

}  // namespace

std::optional<CpuTimes> parse_cpu_times(absl::string_view proc_stat) {
  const std::vector<std::string> words = words_of(proc_stat.substr(0, proc_stat.find('\n')));
  constexpr std::size_t kFirst = 1, kIdle = 4, kWaiting = 5, kGuest = 9;  // a guest's time is in user already
  if (words.size() <= kWaiting || words[0] != "cpu") return std::nullopt;
  CpuTimes times;
  for (std::size_t i = kFirst; i < std::min(words.size(), kGuest); ++i) {
    double ticks = 0;
    if (!absl::SimpleAtod(words[i], &ticks)) return std::nullopt;
    times.total += ticks;
    if (i != kIdle && i != kWaiting) times.busy += ticks;
  }
  return times;
}

std::optional<CpuTimes> cpu_times() { return parse_cpu_times(text_of("/proc/stat")); }

double load_between(const CpuTimes& before, const CpuTimes& after) {
  const double total = after.total - before.total;
  return total > 0 ? std::clamp((after.busy - before.busy) / total, 0., 1.) : 0;
}

Memory parse_memory(absl::string_view proc_meminfo) {
  const double total = proc_number(proc_meminfo, "MemTotal").value_or(0);
  const double available = proc_number(proc_meminfo, "MemAvailable").value_or(0);
  return {.total = total / kKibibytesPerGibibyte,
          .used = (total - std::clamp(available, 0., total)) / kKibibytesPerGibibyte};
}

Memory memory() { return parse_memory(text_of("/proc/meminfo")); }

ProcessUse use_of_process_and_children(int64_t process) {
  const std::map<int64_t, Process> all = all_processes();
  ProcessUse use;
  std::vector<int64_t> family = {process};
  for (std::size_t i = 0; i < family.size(); ++i) {
    const auto member = all.find(family[i]);
    if (member == all.end() || !use.cpu_seconds.emplace(family[i], member->second.cpu_seconds).second) continue;
    use.memory += member->second.memory;
    for (const auto& [id, other] : all) {
      if (other.parent == family[i]) family.push_back(id);
    }
  }
  return use;
}

double cpu_seconds_between(const ProcessUse& before, const ProcessUse& after) {
  double seconds = 0;
  for (const auto& [id, now] : after.cpu_seconds) {
    const auto then = before.cpu_seconds.find(id);  // one that is new has its first reading as its beginning
    if (then != before.cpu_seconds.end()) seconds += std::max(now - then->second, 0.);
  }
  return seconds;
}

std::string parse_cpu_model(absl::string_view proc_cpuinfo) {
  const std::vector<std::string> models = proc_values(proc_cpuinfo, "model name");
  return models.empty() ? "" : models.front();
}

int64_t parse_sockets(absl::string_view proc_cpuinfo) {
  const std::vector<std::string> ids = proc_values(proc_cpuinfo, "physical id");
  return std::max<int64_t>(static_cast<int64_t>(std::set<std::string>(ids.begin(), ids.end()).size()), 1);
}

std::string cpu_model() { return parse_cpu_model(text_of("/proc/cpuinfo")); }
int64_t sockets() { return parse_sockets(text_of("/proc/cpuinfo")); }
int64_t threads() { return std::max<int64_t>(sysconf(_SC_NPROCESSORS_ONLN), 1); }

bool is_arm() {
  utsname system{};
  return uname(&system) == 0 &&
         (absl::StrContains(system.machine, "arm") || absl::StrContains(system.machine, "aarch"));
}

}  // namespace downbeat
