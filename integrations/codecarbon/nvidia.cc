#include "integrations/codecarbon/nvidia.h"

#include <absl/strings/match.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "integrations/codecarbon/power_model.h"

namespace downbeat {
namespace {

using Device = void*;
constexpr int kSuccess = 0;

struct Rates {  // nvmlUtilization_t
  unsigned int gpu;
  unsigned int memory;
};

struct CloseLibrary {
  void operator()(void* handle) const { dlclose(handle); }
};

}  // namespace

struct NvidiaGpus::Library {
  std::unique_ptr<void, CloseLibrary> handle;
  bool initialized = false;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*count)(unsigned int*) = nullptr;
  int (*device)(unsigned int, Device*) = nullptr;
  int (*name)(Device, char*, unsigned int) = nullptr;
  int (*uuid)(Device, char*, unsigned int) = nullptr;
  int (*energy)(Device, unsigned long long*) = nullptr;  // millijoules since the driver was loaded
  int (*power)(Device, unsigned int*) = nullptr;         // milliwatts
  int (*utilization)(Device, Rates*) = nullptr;

  template <class Function>
  bool find(Function& function, const char* symbol) {
    function = reinterpret_cast<Function>(dlsym(handle.get(), symbol));
    return function != nullptr;
  }

  bool open(const std::string& path) {
    handle.reset(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
    const bool complete = handle != nullptr && find(init, "nvmlInit_v2") && find(shutdown, "nvmlShutdown") &&
                          find(count, "nvmlDeviceGetCount_v2") && find(device, "nvmlDeviceGetHandleByIndex_v2") &&
                          find(name, "nvmlDeviceGetName") && find(uuid, "nvmlDeviceGetUUID") &&
                          find(energy, "nvmlDeviceGetTotalEnergyConsumption") &&
                          find(power, "nvmlDeviceGetPowerUsage") && find(utilization, "nvmlDeviceGetUtilizationRates");
    initialized = complete && init() == kSuccess;
    return initialized;
  }

  std::string text(int (*ask)(Device, char*, unsigned int), Device device_handle) const {
    std::array<char, 97> text{};
    return ask(device_handle, text.data(), text.size() - 1) == kSuccess ? text.data() : "";
  }

  std::optional<double> joules(Device device_handle) const {
    unsigned long long millijoules = 0;
    if (energy(device_handle, &millijoules) != kSuccess) return std::nullopt;
    return static_cast<double>(millijoules) / 1000;
  }

  std::optional<double> watts(Device device_handle) const {
    unsigned int milliwatts = 0;
    if (power(device_handle, &milliwatts) != kSuccess) return std::nullopt;
    return milliwatts / 1000.;
  }

  ~Library() {
    if (initialized) shutdown();
  }
};

struct NvidiaGpus::Gpu {
  Device device = nullptr;
  std::optional<double> joules = std::nullopt;  // the counter as last read
  double watts = 0;                             // sum of the samples, taken only while there is no counter
  int samples = 0;

  void take_sample(const Library& library) {
    const std::optional<double> now = library.watts(device);
    if (!now) return;
    watts += *now;
    ++samples;
  }

  // The counter's difference; or, where it cannot be read or went back, mean power times time.
  double used_joules(const Library& library, double seconds) {
    const std::optional<double> now = library.joules(device);
    const std::optional<double> before = std::exchange(joules, now);
    if (samples == 0 && !(now && before && *now >= *before)) take_sample(library);
    const double mean = samples > 0 ? watts / samples : 0;
    watts = 0;
    samples = 0;
    return now && before && *now >= *before ? *now - *before : mean * seconds;
  }
};

std::vector<std::size_t> chosen_gpus(const std::vector<std::string>& chosen, const std::vector<std::string>& uuids,
                                     std::vector<std::string>* unknown) {
  std::vector<std::size_t> positions;
  for (const std::string& name : chosen) {
    std::size_t position = uuids.size();
    const bool is_number = std::all_of(name.begin(), name.end(),
                                       [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
    if (is_number) {
      if (!absl::SimpleAtoi(name, &position)) position = uuids.size();
    } else {
      const auto found = std::find_if(uuids.begin(), uuids.end(), [&](const std::string& uuid) {
        return absl::StartsWith(uuid, name) || absl::StartsWith(uuid, absl::StripPrefix(name, "MIG-"));
      });
      position = static_cast<std::size_t>(found - uuids.begin());
    }
    position < uuids.size() ? positions.push_back(position) : unknown->push_back(name);
  }
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  return positions;
}

NvidiaGpus::NvidiaGpus(std::unique_ptr<Library> library) : library_(std::move(library)) {}
NvidiaGpus::~NvidiaGpus() = default;

std::unique_ptr<NvidiaGpus> NvidiaGpus::open(const std::string& library,
                                             const std::optional<std::vector<std::string>>& chosen,
                                             std::vector<std::string>* unknown) {
  auto opened = std::make_unique<Library>();
  unsigned int count = 0;
  if (!opened->open(library) || opened->count(&count) != kSuccess || count == 0) return nullptr;

  std::unique_ptr<NvidiaGpus> gpus(new NvidiaGpus(std::move(opened)));
  std::vector<Device> devices;
  std::vector<std::string> uuids;
  for (unsigned int i = 0; i < count; ++i) {
    Device device = nullptr;
    if (gpus->library_->device(i, &device) != kSuccess) device = nullptr;
    devices.push_back(device);
    gpus->names_.push_back(device != nullptr ? gpus->library_->text(gpus->library_->name, device) : "");
    uuids.push_back(device != nullptr ? gpus->library_->text(gpus->library_->uuid, device) : "");
  }
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (!chosen && devices[i] != nullptr) gpus->gpus_.push_back({.device = devices[i]});
  }
  for (const std::size_t i : chosen_gpus(chosen.value_or(std::vector<std::string>()), uuids, unknown)) {
    if (devices[i] != nullptr) gpus->gpus_.push_back({.device = devices[i]});
  }
  return gpus;
}

void NvidiaGpus::start(double now) {
  for (Gpu& gpu : gpus_) gpu = {.device = gpu.device, .joules = library_->joules(gpu.device)};
  measured_ = now;
}

void NvidiaGpus::sample(double) {
  for (Gpu& gpu : gpus_) {
    if (!gpu.joules) gpu.take_sample(*library_);
  }
}

Consumption NvidiaGpus::measure(double now) {
  const double seconds = now - measured_;
  measured_ = now;
  double joules = 0;
  for (Gpu& gpu : gpus_) joules += gpu.used_joules(*library_, seconds);
  return counted_consumption(joules, seconds);
}

std::vector<double> NvidiaGpus::utilizations() const {
  std::vector<double> percents;
  for (const Gpu& gpu : gpus_) {
    Rates rates{};
    if (library_->utilization(gpu.device, &rates) == kSuccess) percents.push_back(rates.gpu);
  }
  return percents;
}

std::string NvidiaGpus::model() const {
  std::vector<std::pair<std::string, int>> counts;  // in the order of the machine
  for (const std::string& name : names_) {
    auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& entry) { return entry.first == name; });
    if (found == counts.end()) found = counts.insert(counts.end(), {name, 0});
    ++found->second;
  }
  std::string text;
  for (const auto& [name, count] : counts) absl::StrAppend(&text, count, " x ", name);
  return text;
}

}  // namespace downbeat
