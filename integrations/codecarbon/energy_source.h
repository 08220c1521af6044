// Something of the machine that uses energy, and how much since it was last asked.
//
//   source.start(now);                         // seconds of a clock that never goes back
//   source.sample(now);                        // about once a second
//   const Consumption c = source.measure(now); // since start or the measurement before
#pragma once

namespace downbeat {

struct Consumption {
  double watts = 0;
  double kilowatt_hours = 0;
};

class EnergySource {
 public:
  EnergySource() = default;
  virtual ~EnergySource() = default;
  EnergySource(const EnergySource&) = delete;
  EnergySource& operator=(const EnergySource&) = delete;

  virtual void start(double now) = 0;
  virtual void sample(double) {}
  virtual Consumption measure(double now) = 0;
};

}  // namespace downbeat
