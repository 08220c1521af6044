#include "integrations/codecarbon/emissions_tracker.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "integrations/support/background_thread.h"
#include "integrations/support/machine.h"

namespace downbeat {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double kSampleEvery = 1;
constexpr double kStale = 0.05;             // a last measurement sooner after the one before would add nothing
constexpr double kLongestWait = 24 * 3600;  // so that no interval is too long for the clock

double now() { return Seconds(Clock::now().time_since_epoch()).count(); }

}  // namespace

EmissionsTracker::EmissionsTracker(Settings settings)
    : settings_(std::move(settings)),
      run_id_(random_uuid()),
      path_((std::filesystem::path(settings_.output_dir) / settings_.output_file).string()),
      thread_(background_thread([this] { run(); })) {}

EmissionsTracker::~EmissionsTracker() { stop(); }

void EmissionsTracker::flush() {
  if (!settings_.update) return;
  const std::lock_guard lock(mutex_);
  if (wish_ == Wish::kNone) wish_ = Wish::kFlush;
  changed_.notify_one();
}

void EmissionsTracker::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    wish_ = Wish::kStop;
  }
  changed_.notify_one();
  thread_.join();
}

void EmissionsTracker::run() {
  try {
    location_ = location_of(settings_);
    EnergyMeter meter(settings_);
    say_what_is_measured(meter);
    started_ = now();
    meter.start(started_);
    measure_until_stopped(meter);
    if (now() - meter.measured() >= kStale) meter.measure(now());
    write(meter, /*is_last=*/true);
  } catch (const std::exception& exception) {
    settings_.tell(LogLevel::warning, absl::StrCat("measuring ended, training goes on: ", exception.what()));
  }
}

void EmissionsTracker::say_what_is_measured(const EnergyMeter& meter) const {
  if (!location_.notice.empty()) settings_.tell(LogLevel::warning, location_.notice);
  if (!settings_.without_effect.empty()) {
    settings_.tell(LogLevel::warning, absl::StrCat("what is set for ", absl::StrJoin(settings_.without_effect, ", "),
                                                   " has no effect here"));
  }
  settings_.tell(LogLevel::info, absl::StrCat("the processor's power is taken from ", meter.method()));
}

void EmissionsTracker::measure_until_stopped(EnergyMeter& meter) {
  double next_sample = started_ + kSampleEvery;
  double next_measurement = started_ + settings_.measure_power_secs;
  std::unique_lock lock(mutex_);
  while (wish_ != Wish::kStop) {
    const double wait = std::min({next_sample - now(), next_measurement - now(), kLongestWait});
    if (wish_ == Wish::kNone && wait > 0) changed_.wait_for(lock, Seconds(wait));
    const bool writes = wish_ == Wish::kFlush;
    if (writes) wish_ = Wish::kNone;
    lock.unlock();

    const double time = now();
    if (time >= next_sample) {
      meter.sample(time);
      next_sample = std::max(next_sample + kSampleEvery, time);
    }
    if (time >= next_measurement || writes) meter.measure(time);
    if (time >= next_measurement) next_measurement = std::max(next_measurement + settings_.measure_power_secs, time);
    if (writes) write(meter, /*is_last=*/false);
    lock.lock();
  }
}

void EmissionsTracker::write(EnergyMeter& meter, bool is_last) {
  const EmissionsRow row{.timestamp = local_time("%Y-%m-%dT%H:%M:%S", absl::Now()),
                         .run_id = run_id_,
                         .duration = now() - started_,
                         .settings = settings_,
                         .location = location_,
                         .machine = meter.machine(),
                         .figures = meter.figures()};
  const std::string used =
      absl::StrCat(row.energy_consumed(), " kWh, ", row.emissions(), " kg CO2e in ", row.duration, " s");
  if (!settings_.save_to_file) {
    if (is_last) settings_.tell(LogLevel::info, absl::StrCat(used, "; nothing is written, as asked for"));
    return;
  }
  const auto backup =
      write_emissions(path_, row.columns(), settings_.update ? EmissionsWrite::kUpdate : EmissionsWrite::kAppend);
  if (!backup.ok()) {
    // Said at the first failure, and at the end with the figures that would be lost.
    if (is_last) {
      settings_.tell(LogLevel::warning, absl::StrCat("the row of this run could not be written to ", path_, ": ",
                                                     std::string(backup.status().message()), "; it used ", used));
    } else if (!std::exchange(failed_, true)) {
      settings_.tell(LogLevel::warning,
                     absl::StrCat(path_, " cannot be written: ", std::string(backup.status().message()),
                                  "; it is tried again, training goes on"));
    }
    return;
  }
  if (!backup->empty()) {
    settings_.tell(LogLevel::warning,
                   absl::StrCat(path_, " had other columns than codecarbon 3.3.2 writes; it is now ", *backup));
  }
  if (is_last) settings_.tell(LogLevel::info, absl::StrCat(used, "; the row is in ", path_));
}

}  // namespace downbeat
