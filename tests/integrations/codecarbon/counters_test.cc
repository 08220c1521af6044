// The energy counters of processors and GPUs, with a tree of files and a library in the machine's place.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "integrations/codecarbon/estimated_power.h"
#include "integrations/codecarbon/nvidia.h"
#include "integrations/codecarbon/power_model.h"
#include "integrations/codecarbon/rapl.h"
#include "integrations/codecarbon/system.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

constexpr double kKilowattHoursPerMicrojoule = kKilowattHoursPerJoule / 1e6;

void write_file(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

class Directory {
 public:
  Directory() {
    // Not in testing::TempDir(), which may lie where the other user that a test becomes can see nothing.
    std::string path = (fs::temp_directory_path() / "codecarbon-XXXXXX").string();
    path_ = ::mkdtemp(path.data());
    fs::permissions(path_, fs::perms(0755));
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class Powercap : public Directory {
 public:
  void domain(const std::string& name, const std::string& called, double energy, double range = 1e12) const {
    write_file(path() / name / "name", called + "\n");
    write_file(path() / name / "max_energy_range_uj", std::to_string(static_cast<long long>(range)) + "\n");
    count(name, energy);
  }
  void count(const std::string& name, double energy) const {
    write_file(path() / name / "energy_uj", std::to_string(static_cast<long long>(energy)) + "\n");
  }
  std::unique_ptr<Rapl> open(bool prefer_platform = false) const {
    return Rapl::open(path().string(), prefer_platform);
  }
};

TEST(Rapl, SumsThePackagesAndNothingInsideThem) {
  const Powercap tree;
  tree.domain("intel-rapl:0", "package-0", 5e6);
  tree.domain("intel-rapl:0/intel-rapl:0:0", "core", 1e6);
  tree.domain("intel-rapl:0/intel-rapl:0:1", "dram", 1e6);
  tree.domain("intel-rapl:1", "package-1", 90e6);
  tree.domain("intel-rapl:2", "psys", 200e6);
  const auto rapl = tree.open();
  ASSERT_NE(rapl, nullptr);
  EXPECT_EQ(rapl->names(), (std::vector<std::string>{"package-0", "package-1"}));
  rapl->start(100);
  tree.count("intel-rapl:0", 5e6 + 300e6);
  tree.count("intel-rapl:0/intel-rapl:0:0", 999e6);
  tree.count("intel-rapl:1", 90e6 + 600e6);
  const Consumption used = rapl->measure(110);
  EXPECT_DOUBLE_EQ(used.kilowatt_hours, 900e6 * kKilowattHoursPerMicrojoule);
  EXPECT_NEAR(used.watts, 90, 1e-3);
  EXPECT_EQ(rapl->measure(120).kilowatt_hours, 0);
}

TEST(Rapl, GoesOnWhenACounterStartsAgain) {
  EXPECT_EQ(counted_between(900, 1000, 1000), 100);
  EXPECT_EQ(counted_between(900, 50, 1000), 150);
  EXPECT_EQ(counted_between(900, 50, 100), std::nullopt);  // that was no wrap

  const Powercap tree;
  tree.domain("intel-rapl:0", "package-0", 990e6, 1000e6);
  const auto rapl = tree.open();
  rapl->start(0);
  tree.count("intel-rapl:0", 20e6);
  EXPECT_DOUBLE_EQ(rapl->measure(1).kilowatt_hours, 30e6 * kKilowattHoursPerMicrojoule);
}

TEST(Rapl, FindsTheTreeOfDevicesToo) {
  const Powercap tree;
  tree.domain("intel-rapl/intel-rapl:0", "package-0", 1);
  ASSERT_NE(tree.open(), nullptr);
}

TEST(Rapl, TakesTheMemoryMappedOneOfTwoWithOneName) {
  const Powercap tree;
  tree.domain("intel-rapl:0", "package-0", 1e9);
  tree.domain("intel-rapl-mmio:0", "package-0", 5e9);
  const auto rapl = tree.open();
  rapl->start(0);
  tree.count("intel-rapl-mmio:0", 5e9 + 1e6);
  EXPECT_DOUBLE_EQ(rapl->measure(1).kilowatt_hours, 1e6 * kKilowattHoursPerMicrojoule);
}

TEST(Rapl, CountsOnceWhatTwoDiesMirror) {
  const Powercap tree;
  tree.domain("intel-rapl:0", "package-0-die-0", 7e9);
  tree.domain("intel-rapl:1", "package-0-die-1", 7e9);
  const auto rapl = tree.open();
  rapl->start(0);
  tree.count("intel-rapl:0", 7.5e9);
  tree.count("intel-rapl:1", 7.5e9);
  EXPECT_DOUBLE_EQ(rapl->measure(1).kilowatt_hours, 500e6 * kKilowattHoursPerMicrojoule);
  EXPECT_EQ(rapl->names(), (std::vector<std::string>{"package-0-die-0"}));
}

TEST(Rapl, CountsBothOfTwoThatOnlyBeganAtTheSameNumber) {
  const Powercap tree;
  tree.domain("intel-rapl:0", "package-0", 7e9);
  tree.domain("intel-rapl:1", "package-1", 7e9);
  const auto rapl = tree.open();
  rapl->start(0);
  tree.count("intel-rapl:0", 7.5e9);
  tree.count("intel-rapl:1", 7.2e9);
  EXPECT_DOUBLE_EQ(rapl->measure(1).kilowatt_hours, 700e6 * kKilowattHoursPerMicrojoule);
}

TEST(Rapl, TakesThePlatformWhenAskedToOrWhenThereIsNothingElse) {
  const Powercap tree;
  tree.domain("intel-rapl:1", "psys", 1);
  EXPECT_EQ(tree.open()->names(), (std::vector<std::string>{"psys"}));
  tree.domain("intel-rapl:0", "package-0", 1);
  EXPECT_EQ(tree.open()->names(), (std::vector<std::string>{"package-0"}));
  EXPECT_EQ(tree.open(true)->names(), (std::vector<std::string>{"psys"}));
}

TEST(Rapl, IsNotThereWithoutCounters) {
  EXPECT_EQ(Rapl::open("/nowhere", false), nullptr);
  EXPECT_EQ(Powercap().open(), nullptr);
}

TEST(Rapl, IsNotThereForWhoMayNotReadIt) {
  const Powercap tree;
  tree.domain("intel-rapl:0", "package-0", 1);
  const fs::path energy = tree.path() / "intel-rapl:0/energy_uj";
  fs::permissions(energy, fs::perms::none);
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  std::string refused;
  EXPECT_EQ(Rapl::open(tree.path().string(), false, &refused), nullptr);
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(refused, energy.string());
}

class Nvidia : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("FAKE_NVML", state_.c_str(), 1); }
  void describe(const std::string& gpus) const { write_file(state_, gpus); }
  std::unique_ptr<NvidiaGpus> open(const std::optional<std::vector<std::string>>& chosen = std::nullopt) {
    return NvidiaGpus::open(fs::absolute("tests/integrations/codecarbon/libfake_nvml.so").string(), chosen, &unknown_);
  }

  Directory directory_;
  std::string state_ = (directory_.path() / "gpus").string();
  std::vector<std::string> unknown_;
};

TEST_F(Nvidia, SumsTheCountersOfAllGpus) {
  describe("GPU-a 1000 0 0 NVIDIA H200\nGPU-b 5000 0 0 NVIDIA H200\n");
  const auto gpus = open();
  ASSERT_NE(gpus, nullptr);
  EXPECT_EQ(gpus->model(), "2 x NVIDIA H200");
  EXPECT_EQ(gpus->count(), 2U);
  gpus->start(50);
  describe("GPU-a 3601000 0 30 NVIDIA H200\nGPU-b 7205000 0 50 NVIDIA H200\n");
  const Consumption used = gpus->measure(60);
  EXPECT_DOUBLE_EQ(used.kilowatt_hours, 10800 * kKilowattHoursPerJoule);
  EXPECT_NEAR(used.watts, 1080, 1e-2);
  EXPECT_EQ(gpus->utilizations(), (std::vector<double>{30, 50}));
}

TEST_F(Nvidia, MeasuresOnlyTheChosenOnes) {
  describe("GPU-a 0 0 0 A\nGPU-b 0 0 0 B\nGPU-c 0 0 0 A\n");
  const auto gpus = open(std::vector<std::string>{"2", "7", "GPU-z"});
  EXPECT_EQ(unknown_, (std::vector<std::string>{"7", "GPU-z"}));
  EXPECT_EQ(gpus->model(), "2 x A1 x B");  // of the machine, as the Python client writes it
  gpus->start(0);
  describe("GPU-a 1000 0 10 A\nGPU-b 1000 0 20 B\nGPU-c 4000 0 30 A\n");
  EXPECT_DOUBLE_EQ(gpus->measure(1).kilowatt_hours, 4 * kKilowattHoursPerJoule);
  EXPECT_EQ(gpus->utilizations(), (std::vector<double>{30}));
}

TEST(ChosenGpus, AreNumbersOrBeginningsOfUuids) {
  const std::vector<std::string> uuids = {"GPU-aa", "GPU-ab", "MIG-cc"};
  std::vector<std::string> unknown;
  const auto chosen = [&](const std::vector<std::string>& names) { return chosen_gpus(names, uuids, &unknown); };
  EXPECT_EQ(chosen({"1", "0", "1"}), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(chosen({"GPU-ab", "MIG-c"}), (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(chosen({"MIG-GPU-aa"}), (std::vector<std::size_t>{0}));
  EXPECT_TRUE(unknown.empty());
  EXPECT_TRUE(chosen({"3", "99999999999999999999999", "-1", "x"}).empty());
  EXPECT_EQ(unknown.size(), 4U);
}

TEST_F(Nvidia, AveragesThePowerOfAGpuWithoutACounter) {
  describe("GPU-a - 100000 0 K80\n");
  const auto gpus = open();
  gpus->start(0);
  gpus->sample(1);
  describe("GPU-a - 300000 0 K80\n");
  gpus->sample(2);
  const Consumption used = gpus->measure(2);
  EXPECT_NEAR(used.watts, 200, 1e-3);
  EXPECT_DOUBLE_EQ(used.kilowatt_hours, 400 * kKilowattHoursPerJoule);
}

TEST_F(Nvidia, TakesThePowerWhileACounterFailsOrWentBack) {
  describe("GPU-a 5000 50000 0 A\n");
  const auto gpus = open();
  gpus->start(0);
  describe("GPU-a 1000 50000 0 A\n");
  EXPECT_DOUBLE_EQ(gpus->measure(2).kilowatt_hours, 100 * kKilowattHoursPerJoule);
  describe("GPU-a 8000 50000 0 A\n");
  EXPECT_DOUBLE_EQ(gpus->measure(4).kilowatt_hours, 7 * kKilowattHoursPerJoule);
  describe("GPU-a - - 0 A\n");
  EXPECT_EQ(gpus->measure(6).kilowatt_hours, 0);
}

TEST_F(Nvidia, IsNotThereWithoutALibraryADriverOrAGpu) {
  EXPECT_EQ(open(), nullptr);  // the library says that there is no driver
  describe("");
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(NvidiaGpus::open("libnowhere.so", std::nullopt, &unknown_), nullptr);
  EXPECT_EQ(NvidiaGpus::open("libm.so.6", std::nullopt, &unknown_), nullptr);  // not such a library
}

TEST(EstimatedPower, IsTheMeanOverTimeOfItsSamples) {
  double watts = 10;
  EstimatedPower source([&](double) { return watts; });
  source.start(0);
  source.sample(1);  // 10 W for 1 s
  watts = 40;
  const Consumption used = source.measure(3);  // 40 W for 2 s
  EXPECT_DOUBLE_EQ(used.watts, 30);
  EXPECT_DOUBLE_EQ(used.kilowatt_hours, kilowatt_hours(30, 3));
  EXPECT_DOUBLE_EQ(source.measure(3).watts, 40);  // no time: the power of the moment
}

TEST(EstimatedPower, OfAProcessorFollowsItsLoad) {
  std::optional<CpuTimes> times = CpuTimes{.total = 1000, .busy = 200};
  const auto source = cpu_by_load("", 100, [&] { return times; });
  source->start(0);
  times = CpuTimes{.total = 1200, .busy = 300};
  EXPECT_DOUBLE_EQ(source->measure(1).watts, 100 * (0.1 + 0.9 * 0.125));
  times = std::nullopt;
  EXPECT_DOUBLE_EQ(source->measure(2).watts, 50);  // no load can be read
}

TEST(EstimatedPower, OfAProcessFollowsItsTimeOnTheProcessor) {
  ProcessUse use{.cpu_seconds = {{7, 10}, {8, 5}}};
  const auto source = cpu_by_process(80, 4, [&] { return use; });
  source->start(0);
  use.cpu_seconds = {{7, 12}, {8, 4}, {9, 100}};  // 8 is another process by now, 9 is new
  EXPECT_DOUBLE_EQ(source->measure(10).watts, 80 * 2 / (10. * 4));
}

TEST(System, ReadsTheLoadAsPsutil) {
  const auto before = parse_cpu_times("cpu  100 10 50 800 40 0 0 0 30 0\ncpu0 1 2 3 4 5 6\n");
  const auto after = parse_cpu_times("cpu  160 10 50 820 60 0 0 0 60 0\n");
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->total, 1000);
  EXPECT_EQ(before->busy, 160);
  EXPECT_DOUBLE_EQ(load_between(*before, *after), 0.6);
  EXPECT_EQ(load_between(*before, *before), 0);
  EXPECT_EQ(parse_cpu_times(""), std::nullopt);
  EXPECT_TRUE(cpu_times());
}

TEST(System, ReadsTheMemoryInGibibytes) {
  const Memory state = parse_memory("MemTotal:  4194304 kB\nMemFree: 7 kB\nMemAvailable:    1048576 kB\n");
  EXPECT_EQ(state.total, 4);
  EXPECT_EQ(state.used, 3);
  EXPECT_GT(memory().total, 0);
}

TEST(System, ReadsTheProcessor) {
  const char* const text = "processor\t: 0\nmodel name\t: AMD EPYC 7763\nphysical id\t: 0\n\nphysical id\t: 1\n";
  EXPECT_EQ(parse_cpu_model(text), "AMD EPYC 7763");
  EXPECT_EQ(parse_sockets(text), 2);
  EXPECT_EQ(parse_cpu_model(""), "");
  EXPECT_EQ(parse_sockets(""), 1);
}

TEST(System, FindsItsOwnProcess) {
  const ProcessUse use = use_of_process_and_children(::getpid());
  EXPECT_EQ(use.cpu_seconds.count(::getpid()), 1U);
  EXPECT_GT(use.memory, 0);
}

}  // namespace

bool operator==(const CpuTimes& a, const CpuTimes& b) { return a.total == b.total && a.busy == b.busy; }

}  // namespace downbeat
