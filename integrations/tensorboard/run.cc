#include "integrations/tensorboard/run.h"

#include <absl/time/clock.h>

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "integrations/support/json_text.h"
#include "integrations/support/log_name.h"
#include "integrations/support/now.h"
#include "integrations/support/run_identity.h"
#include "integrations/tensorboard/histogram.h"
#include "integrations/tensorboard/run_directory.h"

namespace downbeat {
namespace {

constexpr int64_t kWaitingBytes = int64_t{256} << 20;
constexpr char kTracker[] = "TensorBoard";  // for warnings
constexpr char kName[] = "tensorboard";     // in checkpoints
constexpr char kLogDir[] = "log_dir";

std::string event_of(double time, int64_t step, const std::string& name, const Logs::Value& value) {
  const std::string tag = rewrite_log_name(name);
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? text_event(time, step, tag, *text) : scalar_event(time, step, tag, number_or(value, 0));
}

}  // namespace

TensorBoardRun::TensorBoardRun(std::string chosen_directory, std::string output_dir, int64_t max_file_bytes)
    : chosen_directory_(std::move(chosen_directory)),
      output_dir_(std::move(output_dir)),
      max_file_bytes_(max_file_bytes),
      directory_(chosen_directory_),
      writer_(kTracker, [this](const LogRecord& record) { write(record); }, [] {}) {}

TensorBoardRun::~TensorBoardRun() {
  writer_.drain();
  close();
  writer_.report_dropped();
  if (left_out_ > 0) {
    warn(absl::StrCat("TensorBoard: ", left_out_,
                      " sets of histograms were left out, as they came faster than they could be written; a larger "
                      "histogram_steps keeps them all"));
  }
}

void TensorBoardRun::resume_from(const std::string& checkpoint_directory) {
  writer_.post([this, checkpoint_directory] {
    const nlohmann::json identity = run_of(checkpoint_directory, kName).value_or(nlohmann::json::object());
    if (const std::string directory = text_named(identity, kLogDir); !directory.empty()) move_to(directory);
  });
}

void TensorBoardRun::begin(TensorBoardBeginning beginning) {
  writer_.post([this, beginning = std::move(beginning)] { write_beginning(beginning); });
}

void TensorBoardRun::add_histograms(const std::string& group, int64_t step, const ModelDescription& model,
                                    VisitTensors visit) {
  if (waiting_bytes_ >= kWaitingBytes) {
    ++left_out_;
    return;
  }
  const double time = now_seconds();
  (model.*visit)([&](const std::string& name, const std::vector<float>& values) {
    waiting_bytes_ += static_cast<int64_t>(values.size() * sizeof(float));
    writer_.post([this, time, step, tag = absl::StrCat(group, "/", name), values] {
      write_histogram(time, step, tag, values);
      waiting_bytes_ -= static_cast<int64_t>(values.size() * sizeof(float));
    });
  });
}

void TensorBoardRun::note_in(const std::string& checkpoint_directory) {
  writer_.post(
      [this, checkpoint_directory] { note_run(kTracker, checkpoint_directory, kName, {{kLogDir, directory()}}); });
}

void TensorBoardRun::end(std::optional<SessionStatus> status) {
  writer_.post([this, status] { write_end(status); });
}

const std::string& TensorBoardRun::directory() {
  if (directory_.empty()) directory_ = new_run_directory(output_dir_, absl::Now());
  return directory_;
}

EventFile& TensorBoardRun::file() {
  if (!file_) file_ = std::make_unique<EventFile>(directory());
  return *file_;
}

// The directory that somebody chose wins. None: a new one with the next event.
void TensorBoardRun::move_to(const std::string& new_directory) {
  close();
  has_ended_ = false;
  directory_ = chosen_directory_.empty() ? new_directory : chosen_directory_;
}

void TensorBoardRun::write_beginning(const TensorBoardBeginning& beginning) {
  if (has_ended_) move_to("");
  if (beginning.resumed_at > 0) {
    close();
    // Its step was logged before the checkpoint was saved.
    file_ = std::make_unique<EventFile>(directory(), beginning.resumed_at + 1);
  }
  const double time = now_seconds();
  for (const auto& [name, text] : beginning.texts) file().add_to_beginning(text_event(time, 0, name, text));
  has_session_ = beginning.hyperparameters.has_value();
  if (has_session_) file().add_to_beginning(session_start_info_event(time, *beginning.hyperparameters));
  file().write(0);
}

void TensorBoardRun::write(const LogRecord& record) {
  const double time = static_cast<double>(record.time_us) / 1e6;
  for (const auto& [name, value] : record.logs) file().add(event_of(time, record.step, name, value));
  file().write(static_cast<int64_t>(record.logs.size()));
  written();
}

void TensorBoardRun::write_histogram(double time, int64_t step, const std::string& tag,
                                     const std::vector<float>& values) {
  const Histogram histogram = histogram_of(values);
  if (histogram.not_finite > 0 && !std::exchange(warned_of_not_finite_, true)) {
    warn(absl::StrCat("TensorBoard: ", histogram.not_finite, " of the ", values.size(), " values of ", tag, " at step ",
                      step, " are NaN or infinite: histograms are those of the finite ones"));
  }
  if (histogram.num == 0) return;
  file().add(histogram_event(time, step, tag, histogram));
  file().write(1);
  written();
}

void TensorBoardRun::write_end(std::optional<SessionStatus> status) {
  if (has_session_ && status) {
    file().add_to_beginning(session_end_info_event(now_seconds(), *status));
    file().write(0);
  }
  close();
  has_session_ = false;
  has_ended_ = true;
}

void TensorBoardRun::written() {
  if (max_file_bytes_ > 0 && file_->size() >= max_file_bytes_) close();
}

void TensorBoardRun::close() {
  if (file_) file_->report_lost();
  file_.reset();
}

}  // namespace downbeat
