#include "trainer/distributed/process_environment.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <cstdlib>
#include <optional>

#include "callbacks/vocabulary/argument_values.h"

namespace downbeat {
namespace {

// Reads variables and keeps the first mistake.
class Reader {
 public:
  explicit Reader(const std::function<const char*(const char*)>& variable) : variable_(variable) {}

  std::optional<std::string> text(const char* name) const {
    const char* value = variable_(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  }

  std::string required_text(const char* name) {
    const std::optional<std::string> value = text(name);
    if (!value) refuse(absl::StrCat(name, " is not set, though WORLD_SIZE is more than 1; torchrun sets both"));
    return value.value_or("");
  }

  int number(const char* name, int otherwise, int least, int most) {
    const std::optional<std::string> value = text(name);
    if (!value) return otherwise;
    int read = otherwise;
    const absl::Status status = from_text(*value, read);
    if (!status.ok()) refuse(absl::StrCat(name, "=", *value, " ", std::string(status.message())));
    if (read < least || read > most) refuse(absl::StrCat(name, "=", *value, " is not ", least, " to ", most));
    return read;
  }

  int required_number(const char* name, int least, int most) {
    required_text(name);
    return number(name, least, least, most);
  }

  void refuse(const std::string& sentence) {
    if (mistake_.ok()) mistake_ = absl::InvalidArgumentError(sentence);
  }

  const absl::Status& mistake() const { return mistake_; }

 private:
  const std::function<const char*(const char*)>& variable_;
  absl::Status mistake_;
};

constexpr int kMostProcesses = 1 << 24;

void check_both_or_neither(Reader& reader, const char* name, const char* other) {
  if (!reader.text(name) || reader.text(other)) return;
  reader.refuse(absl::StrCat(other, " is not set, though ", name, "=", *reader.text(name),
                             " is; torchrun sets both, a process that is alone has neither"));
}

void read_place(Reader& reader, ProcessEnvironment& environment) {
  check_both_or_neither(reader, "RANK", "WORLD_SIZE");
  check_both_or_neither(reader, "WORLD_SIZE", "RANK");
  environment.world_size = reader.number("WORLD_SIZE", 1, 1, kMostProcesses);
  environment.rank = reader.number("RANK", 0, 0, environment.world_size - 1);
}

void read_local_place(Reader& reader, ProcessEnvironment& environment) {
  environment.local_world_size = reader.number("LOCAL_WORLD_SIZE", environment.world_size, 1, environment.world_size);
  environment.local_rank = reader.required_number("LOCAL_RANK", 0, environment.local_world_size - 1);
}

void read_store(Reader& reader, ProcessEnvironment& environment) {
  environment.master_addr = reader.required_text("MASTER_ADDR");
  environment.master_port = reader.required_number("MASTER_PORT", 1, 65535);
  environment.uses_agent_store = reader.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
}

void read_launch(Reader& reader, ProcessEnvironment& environment) {
  environment.restart_count = reader.number("TORCHELASTIC_RESTART_COUNT", 0, 0, kMostProcesses);
  environment.run_id = reader.text("TORCHELASTIC_RUN_ID").value_or("");
}

void read_interfaces(const Reader& reader, ProcessEnvironment& environment) {
  const std::string names = reader.text("GLOO_SOCKET_IFNAME").value_or("");
  environment.gloo_interfaces = absl::StrSplit(names, ',', absl::SkipWhitespace());
}

}  // namespace

absl::StatusOr<ProcessEnvironment> read_process_environment() {
  return read_process_environment([](const char* name) { return std::getenv(name); });
}

absl::StatusOr<ProcessEnvironment> read_process_environment(const std::function<const char*(const char*)>& variable) {
  Reader reader(variable);
  ProcessEnvironment environment;
  read_place(reader, environment);
  read_launch(reader, environment);
  if (environment.is_distributed()) {
    read_local_place(reader, environment);
    read_store(reader, environment);
    read_interfaces(reader, environment);
  }
  if (!reader.mistake().ok()) return reader.mistake();
  return environment;
}

}  // namespace downbeat
