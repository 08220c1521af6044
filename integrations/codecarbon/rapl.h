// The energy counters of processors that Linux shows below /sys/class/powercap (RAPL: Intel since 2011, AMD since Zen).
//
//   if (auto rapl = Rapl::open("/sys/class/powercap", {})) ...     // null: none is there, or may be read
//
// Facts: Documentation/power/powercap/powercap.rst of Linux; which counters are summed is codecarbon's choice: the
// packages', of two with one name the memory-mapped one, and of two that always count the same only one (processors of
// several dies show the package's counter on each).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "integrations/codecarbon/energy_source.h"

namespace downbeat {

// In microjoules. A counter starts again at 0 beyond `range`; nothing where that cannot explain a step back.
std::optional<double> counted_between(double before, double after, double range);

class Rapl : public EnergySource {
 public:
  // `refused`, where given, is told the first counter that this user may not read. With `prefer_platform` the counter
  // of the whole platform (psys) is taken if there is one; it is also taken where no package has a counter.
  static std::unique_ptr<Rapl> open(const std::string& directory, bool prefer_platform, std::string* refused = nullptr);

  void start(double now) override;
  Consumption measure(double now) override;

  std::vector<std::string> names() const;  // of the counters that are summed

 private:
  struct Counter {
    std::string name;
    std::string directory;
    double range = 0;
    std::optional<double> last = std::nullopt;
    std::optional<double> used = std::nullopt;            // in the last interval
    std::optional<std::size_t> mirror_of = std::nullopt;  // seems to be: not summed until an interval tells
    bool dropped = false;                                 // it is
  };

  explicit Rapl(std::vector<Counter> counters) : counters_(std::move(counters)) {}
  void suspect_mirrors();
  void settle_mirrors();

  std::vector<Counter> counters_;
  double measured_ = 0;
};

}  // namespace downbeat
