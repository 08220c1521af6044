#include "integrations/wandb/record.h"

#include <absl/strings/escaping.h>

#include "absl/strings/str_cat.h"
#include "integrations/support/json_text.h"
#include "integrations/support/machine.h"
#include "integrations/support/protobuf_writer.h"
#include "integrations/wandb/md5.h"

namespace downbeat {
namespace {

// Fields of Record.
enum RecordField {
  kHistory = 2,
  kSummary = 3,
  kConfig = 5,
  kStats = 7,
  kArtifact = 8,
  kMetric = 12,
  kRun = 17,
  kExit = 18,
  kHeader = 21,
  kEnvironment = 26,
};

constexpr char kMetricStep[] = "train/global_step";

std::string record(RecordField field, const ProtobufWriter& content) {
  return ProtobufWriter().add_message(field, content).bytes();
}

void add_text(ProtobufWriter& to, int field, const std::string& text) {
  if (!text.empty()) to.add_bytes(field, valid_utf8(text));
}
void add_texts(ProtobufWriter& to, int field, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) to.add_bytes(field, valid_utf8(text));
}

// google.protobuf.Timestamp
ProtobufWriter timestamp(int64_t time_us) {
  ProtobufWriter time;
  time.add_int64(1, time_us / 1000000).add_int64(2, time_us % 1000000 * 1000);
  return time;
}

ProtobufWriter item_message(const WandbItem& item) {
  ProtobufWriter message;
  if (item.names.size() == 1) {
    message.add_bytes(1, valid_utf8(item.names[0]));
  } else {
    add_texts(message, 2, item.names);
  }
  message.add_bytes(16, item.json);
  return message;
}

ProtobufWriter items_message(int field, const WandbItems& items) {
  ProtobufWriter message;
  for (const WandbItem& item : items) message.add_message(field, item_message(item));
  return message;
}

void add_git(ProtobufWriter& to, int field, const WandbRunDescription& run) {
  if (run.git_commit.empty()) return;
  ProtobufWriter git;
  add_text(git, 1, run.git_remote);
  add_text(git, 2, run.git_commit);
  to.add_message(field, git);
}

ProtobufWriter manifest(const std::vector<WandbArtifactFile>& files) {
  ProtobufWriter message;
  message.add_int64(1, 1).add_bytes(2, "wandb-storage-policy-v1");
  message.add_message(3, ProtobufWriter().add_bytes(1, "storageLayout").add_bytes(2, "\"V2\""));
  for (const WandbArtifactFile& file : files) {
    ProtobufWriter entry;
    entry.add_bytes(1, valid_utf8(file.path)).add_bytes(2, absl::Base64Escape(file.md5)).add_int64(4, file.size);
    entry.add_bytes(6, file.local_path).add_int64(8, 1);  // not to be copied into the client's cache
    message.add_message(4, entry);
  }
  return message;
}

std::string client_id() { return random_text(128, "abcdefghijklmnopqrstuvwxyz0123456789"); }

}  // namespace

std::string header_record() {
  ProtobufWriter version;
  version.add_bytes(1, "downbeat").add_bytes(2, "0.70.0");
  return record(kHeader, ProtobufWriter().add_message(1, version));
}

std::string run_record(const WandbRunDescription& run) {
  ProtobufWriter message;
  add_text(message, 1, run.run_id);
  add_text(message, 2, run.entity);
  add_text(message, 3, run.project);
  add_text(message, 6, run.group);
  add_text(message, 7, run.job_type);
  add_text(message, 8, run.display_name);
  add_text(message, 9, run.notes);
  add_texts(message, 10, run.tags);
  add_text(message, 13, run.host);
  message.add_message(17, timestamp(run.start_time_us));
  add_git(message, 21, run);
  return record(kRun, message);
}

std::vector<std::string> metric_records() {
  ProtobufWriter defined;
  defined.add_int64(3, 1);
  ProtobufWriter step_sync;
  step_sync.add_int64(1, 1).add_int64(3, 1);
  ProtobufWriter step;
  step.add_bytes(1, kMetricStep).add_message(6, defined);
  ProtobufWriter others;
  others.add_bytes(2, "*").add_bytes(4, kMetricStep).add_message(6, step_sync);
  return {record(kMetric, step), record(kMetric, others)};
}

std::string config_record(const WandbItems& items) { return record(kConfig, items_message(1, items)); }

std::string environment_record(const WandbMachine& machine, const WandbRunDescription& run) {
  ProtobufWriter message;
  add_text(message, 1, machine.os);
  message.add_message(3, timestamp(run.start_time_us));
  add_texts(message, 5, machine.args);
  add_text(message, 6, machine.program);
  add_git(message, 9, run);
  add_text(message, 12, machine.host);
  add_text(message, 13, machine.user);
  add_text(message, 14, machine.program);
  message.add_int64(16, machine.cpu_count).add_int64(17, machine.cpu_count_logical);
  if (machine.gpu_count > 0) {
    add_text(message, 18, machine.gpu_type);
    message.add_int64(19, machine.gpu_count);
  }
  if (machine.memory > 0) message.add_message(21, ProtobufWriter().add_int64(1, machine.memory));
  message.add_bytes(199, random_uuid());
  return record(kEnvironment, message);
}

std::string summary_record(const WandbItems& items) { return record(kSummary, items_message(1, items)); }

std::string history_record(int64_t step, const WandbItems& items) {
  ProtobufWriter message = items_message(1, items);
  message.add_message(2, ProtobufWriter().add_int64(1, step));
  return record(kHistory, message);
}

std::string stats_record(int64_t time_us, const WandbItems& items) {
  ProtobufWriter message;
  message.add_int64(1, 0).add_message(2, timestamp(time_us));
  for (const WandbItem& item : items) message.add_message(3, item_message(item));
  return record(kStats, message);
}

std::string artifact_record(const WandbArtifact& artifact, const WandbRunDescription& run) {
  ProtobufWriter message;
  add_text(message, 1, run.run_id);
  add_text(message, 2, run.project);
  add_text(message, 3, run.entity);
  add_text(message, 4, "model");
  add_text(message, 5, artifact.name);
  add_text(message, 6, artifact_digest(artifact.files));
  add_text(message, 8, artifact.metadata);
  message.add_int64(9, 1);
  add_texts(message, 11, artifact.aliases);
  message.add_message(12, manifest(artifact.files));
  message.add_int64(14, 1);
  add_text(message, 15, client_id());
  add_text(message, 16, client_id());
  add_text(message, 20, "MANIFEST_MD5");
  return record(kArtifact, message);
}

std::string exit_record(int exit_code, int64_t runtime_seconds) {
  ProtobufWriter message;
  message.add_int64(1, exit_code).add_int64(2, runtime_seconds);
  return record(kExit, message);
}

std::string artifact_digest(const std::vector<WandbArtifactFile>& files) {
  Md5 md5;
  md5.add("wandb-artifact-manifest-v1\n");
  for (const WandbArtifactFile& file : files) {
    md5.add(absl::StrCat(valid_utf8(file.path), ":", absl::Base64Escape(file.md5), "\n"));
  }
  return absl::BytesToHexString(md5.digest());
}

}  // namespace downbeat
