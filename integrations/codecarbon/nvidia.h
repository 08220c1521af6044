// Energy and load of NVIDIA's GPUs, from the driver's library (NVML), which is opened while the program runs.
//
//   if (auto gpus = NvidiaGpus::open("libnvidia-ml.so.1", chosen)) ...     // null: no library, no driver or no GPU
//
// Facts: NVML API Reference, "Device Queries". A GPU counts its energy since Volta; the power of an older one is
// sampled.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "integrations/codecarbon/energy_source.h"

namespace downbeat {

// Positions in `uuids` of what `chosen` names: numbers, or beginnings of UUIDs with or without MIG-. What is named but
// not there goes to `unknown`.
std::vector<std::size_t> chosen_gpus(const std::vector<std::string>& chosen, const std::vector<std::string>& uuids,
                                     std::vector<std::string>* unknown);

class NvidiaGpus : public EnergySource {
 public:
  // All GPUs where `chosen` is nothing. `unknown` is told what it names that is not there.
  static std::unique_ptr<NvidiaGpus> open(const std::string& library,
                                          const std::optional<std::vector<std::string>>& chosen,
                                          std::vector<std::string>* unknown);
  ~NvidiaGpus() override;

  void start(double now) override;
  void sample(double now) override;
  Consumption measure(double now) override;

  std::vector<double> utilizations() const;            // of those that are measured, in percent, as of now
  std::size_t count() const { return names_.size(); }  // of the machine
  std::string model() const;                           // "2 x NVIDIA H200", of the machine

 private:
  struct Library;
  struct Gpu;

  explicit NvidiaGpus(std::unique_ptr<Library> library);

  std::unique_ptr<Library> library_;
  std::vector<std::string> names_;
  std::vector<Gpu> gpus_;
  double measured_ = 0;
};

}  // namespace downbeat
