// The records of a .wandb file: messages `Record` of wandb_internal.proto, without their number (record_file.h).
//
//   file.append({summary_record(items), history_record(step, items)}, /*values=*/4);
//
// Texts that are no UTF-8 get U+FFFD, as a reader of protobuf refuses them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace downbeat {

// A named value of config, summary or history: a name, or the names on the way to a nested one.
struct WandbItem {
  std::vector<std::string> names;
  std::string json;
};
using WandbItems = std::vector<WandbItem>;

struct WandbRunDescription {
  std::string run_id;
  std::string entity = {};
  std::string project = {};
  std::string group = {};
  std::string job_type = {};
  std::string display_name = {};
  std::string notes = {};
  std::vector<std::string> tags = {};
  std::string host = {};
  int64_t start_time_us = 0;
  std::string git_remote = {};
  std::string git_commit = {};
};

struct WandbMachine {
  std::string os;
  std::string program;
  std::vector<std::string> args;
  std::string host;
  std::string user;
  int64_t cpu_count = 0;          // cores
  int64_t cpu_count_logical = 0;  // threads
  std::string gpu_type = {};
  int64_t gpu_count = 0;
  int64_t memory = 0;  // bytes
};

struct WandbArtifactFile {
  std::string path;  // in the artifact
  std::string local_path;
  std::string md5;  // 16 bytes
  int64_t size = 0;
};

struct WandbArtifact {
  std::string name;
  std::string metadata;  // JSON
  std::vector<std::string> aliases;
  std::vector<WandbArtifactFile> files;  // sorted by path
};

std::string header_record();
std::string run_record(const WandbRunDescription& run);
std::vector<std::string> metric_records();  // all metrics over train/global_step
std::string config_record(const WandbItems& items);
std::string environment_record(const WandbMachine& machine, const WandbRunDescription& run);
std::string summary_record(const WandbItems& items);
std::string history_record(int64_t step, const WandbItems& items);
std::string stats_record(int64_t time_us, const WandbItems& items);
std::string artifact_record(const WandbArtifact& artifact, const WandbRunDescription& run);
std::string exit_record(int exit_code, int64_t runtime_seconds);

// Of an artifact, from its files: hexadecimal.
std::string artifact_digest(const std::vector<WandbArtifactFile>& files);

}  // namespace downbeat
