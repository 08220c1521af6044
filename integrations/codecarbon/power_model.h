// The formulas of codecarbon 3.3.2 where nothing can be measured, and its units. Without state.
#pragma once

#include <cstdint>
#include <string>

#include "integrations/codecarbon/energy_source.h"

namespace downbeat {

constexpr double kKilowattHoursPerJoule = 2.77778e-7;  // codecarbon's rounded factor
constexpr double kDefaultCpuWatts = 85;                // a processor without a name
constexpr double kWattsPerThread = 4;                  // a processor whose name is in no table

double kilowatt_hours(double watts, double seconds);
double watts_of(double kilowatt_hours, double seconds);  // 0 for no time

// Of a counter that moved by so much. Counters move in steps of some milliseconds: a shorter time gives no power.
Consumption counted_consumption(double joules, double seconds);

// `load` of the whole machine from 0 to 1.
double cpu_watts(const std::string& model, double design_watts, double load);

// The share of a process that used `cpu_seconds` of all `threads` in `seconds`.
double process_cpu_watts(double design_watts, double cpu_seconds, double seconds, int64_t threads);

int64_t memory_modules(double gibibytes);  // a guess at how many hold so much
double memory_watts(double gibibytes, bool is_arm);

}  // namespace downbeat
