// Measures from its construction until stop() on a thread of its own, and writes the row.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "integrations/codecarbon/emissions_file.h"
#include "integrations/codecarbon/energy_meter.h"
#include "integrations/codecarbon/location.h"
#include "integrations/codecarbon/settings.h"

namespace downbeat {

class EmissionsTracker {
 public:
  explicit EmissionsTracker(Settings settings);  // does not wait for anything
  ~EmissionsTracker();
  EmissionsTracker(const EmissionsTracker&) = delete;
  EmissionsTracker& operator=(const EmissionsTracker&) = delete;

  void flush();  // with on_csv_write=update: the row as it would be now, soon; else nothing
  void stop();   // waits for the last measurement and the row

 private:
  enum class Wish { kNone, kFlush, kStop };

  void run();
  void say_what_is_measured(const EnergyMeter& meter) const;
  void measure_until_stopped(EnergyMeter& meter);
  void write(EnergyMeter& meter, bool is_last);

  const Settings settings_;
  const std::string run_id_;
  const std::string path_;
  Location location_;
  double started_ = 0;
  bool failed_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  Wish wish_ = Wish::kNone;
  std::thread thread_;
};

}  // namespace downbeat
