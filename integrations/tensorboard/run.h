// TensorBoardRun: what TensorBoardCallback writes, on a thread of its own, and where.
//
// Implementation of tensorboard.h. All functions are for the thread that trains, and none of them waits for the disk
// but drain() and the destructor.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "integrations/support/background_writer.h"
#include "integrations/support/log_record.h"
#include "integrations/tensorboard/event.h"
#include "integrations/tensorboard/event_file.h"

namespace downbeat {

// What stands at the beginning of a training.
struct TensorBoardBeginning {
  int64_t resumed_at = 0;  // step; 0: a new run
  std::vector<std::pair<std::string, std::string>> texts = {};
  std::optional<std::vector<std::pair<std::string, nlohmann::ordered_json>>> hyperparameters = {};
};

class TensorBoardRun {
 public:
  // `chosen_directory`: empty when nobody chose one; `max_file_bytes`: 0 for no limit.
  TensorBoardRun(std::string chosen_directory, std::string output_dir, int64_t max_file_bytes);
  ~TensorBoardRun();
  TensorBoardRun(const TensorBoardRun&) = delete;
  TensorBoardRun& operator=(const TensorBoardRun&) = delete;

  void resume_from(const std::string& checkpoint_directory);
  void begin(TensorBoardBeginning beginning);
  void log(const TrainerState& state, const Logs& logs) { writer_.log(state, logs); }

  using VisitTensors = void (ModelDescription::*)(const ModelDescription::Visit&) const;
  void add_histograms(const std::string& group, int64_t step, const ModelDescription& model, VisitTensors visit);

  void note_in(const std::string& checkpoint_directory);
  void end(std::optional<SessionStatus> status);
  void drain() { writer_.drain(); }

 private:
  // --- On the thread that writes ---

  const std::string& directory();
  EventFile& file();
  void move_to(const std::string& new_directory);
  void write_beginning(const TensorBoardBeginning& beginning);
  void write(const LogRecord& record);
  void write_histogram(double time, int64_t step, const std::string& tag, const std::vector<float>& values);
  void write_end(std::optional<SessionStatus> status);
  void written();
  void close();

  const std::string chosen_directory_;
  const std::string output_dir_;
  const int64_t max_file_bytes_;
  std::atomic<int64_t> waiting_bytes_{0};  // of tensors
  int64_t left_out_ = 0;                   // sets of histograms; of the thread that trains

  std::string directory_;
  std::unique_ptr<EventFile> file_;
  bool has_ended_ = false;
  bool has_session_ = false;  // on the page of hyperparameters
  bool warned_of_not_finite_ = false;

  BackgroundWriter writer_;  // last: its thread uses the others
};

}  // namespace downbeat
