// A library like NVIDIA's libnvidia-ml, of the GPUs that the file FAKE_NVML describes: a line each, of UUID, energy in
// mJ, power in mW, load in % and name; "-" is what a GPU does not support. Read anew with every question.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr int kSuccess = 0, kInvalidArgument = 2, kNotSupported = 3, kDriverNotLoaded = 9;

struct Gpu {
  std::string uuid, energy, power, load, name;
};

const char* path() {
  const char* file = std::getenv("FAKE_NVML");
  return file != nullptr ? file : "";
}

std::vector<Gpu> gpus() {
  std::vector<Gpu> found;
  std::ifstream file(path());
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Gpu gpu;
    words >> gpu.uuid >> gpu.energy >> gpu.power >> gpu.load >> std::ws;
    std::getline(words, gpu.name);
    found.push_back(gpu);
  }
  return found;
}

// A handle is the position plus 1, so that it is never null.
Gpu gpu_of(void* handle) { return gpus().at(reinterpret_cast<std::size_t>(handle) - 1); }

int give(const std::string& text, char* into, unsigned int size) {
  if (text.size() >= size) return kInvalidArgument;
  std::strcpy(into, text.c_str());
  return kSuccess;
}

template <class Number>
int give(const std::string& text, Number* into) {
  if (text == "-") return kNotSupported;
  *into = static_cast<Number>(std::stoull(text));
  return kSuccess;
}

}  // namespace

extern "C" {

struct FakeUtilization {
  unsigned int gpu, memory;
};

int nvmlInit_v2() { return std::ifstream(path()) ? kSuccess : kDriverNotLoaded; }
int nvmlShutdown() { return kSuccess; }
int nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = static_cast<unsigned int>(gpus().size());
  return kSuccess;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** handle) {
  *handle = reinterpret_cast<void*>(static_cast<std::size_t>(index) + 1);
  return kSuccess;
}
int nvmlDeviceGetName(void* handle, char* name, unsigned int size) { return give(gpu_of(handle).name, name, size); }
int nvmlDeviceGetUUID(void* handle, char* uuid, unsigned int size) { return give(gpu_of(handle).uuid, uuid, size); }
int nvmlDeviceGetTotalEnergyConsumption(void* handle, unsigned long long* millijoules) {
  return give(gpu_of(handle).energy, millijoules);
}
int nvmlDeviceGetPowerUsage(void* handle, unsigned int* milliwatts) { return give(gpu_of(handle).power, milliwatts); }
int nvmlDeviceGetUtilizationRates(void* handle, FakeUtilization* rates) {
  return give(gpu_of(handle).load, &rates->gpu);
}
}
