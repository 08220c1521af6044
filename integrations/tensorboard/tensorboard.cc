#include "integrations/tensorboard/tensorboard.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/python_json.h"
#include "integrations/tensorboard/event.h"
#include "integrations/tensorboard/run.h"
#include "integrations/tensorboard/run_directory.h"

namespace downbeat {
namespace {

void require_not_negative(const char* name, int64_t value) {
  if (value >= 0) return;
  throw std::invalid_argument(
      absl::StrCat("TensorBoardOptions::", name, " is ", value, ": it must be 0, which means none, or more"));
}

void check(const TensorBoardOptions& options) {
  require_not_negative("histogram_steps", options.histogram_steps);
  require_not_negative("max_file_bytes", options.max_file_bytes);
}

// In the form of HuggingFace's to_json_string(): of the arguments in their order, of a configuration sorted.
std::vector<std::pair<std::string, std::string>> texts_of(const TrainingArguments& args,
                                                          const ModelDescription* model) {
  std::vector<std::pair<std::string, std::string>> texts{{"args", python_json(arguments_of_run(args), 2)}};
  const nlohmann::ordered_json config = config_of_model(model);
  if (!config.empty()) texts.emplace_back("model_config", python_json(nlohmann::json(config), 2) + "\n");
  return texts;
}

// A run that a signal ended can be resumed: readers keep the first status that they find, so it gets none yet.
std::optional<SessionStatus> status_of(const RunEnd& end) {
  if (end.how == RunEnd::How::kInterrupted) return std::nullopt;
  return end.how == RunEnd::How::kFailed ? SessionStatus::failure : SessionStatus::success;
}

}  // namespace

TensorBoardCallback::TensorBoardCallback(TensorBoardOptions options) : options_(std::move(options)) {}
TensorBoardCallback::~TensorBoardCallback() = default;
TensorBoardCallback::TensorBoardCallback(TensorBoardCallback&&) noexcept = default;
TensorBoardCallback& TensorBoardCallback::operator=(TensorBoardCallback&&) noexcept = default;

TensorBoardRun& TensorBoardCallback::run(const TrainingArguments& args) {
  if (!run_) {
    check(options_);
    run_ = std::make_unique<TensorBoardRun>(chosen_run_directory(options_.log_dir), args.output_dir,
                                            options_.max_file_bytes);
  }
  return *run_;
}

void TensorBoardCallback::on_init_end(const TrainingArguments&) { check(options_); }

void TensorBoardCallback::on_load_checkpoint(const TrainingArguments& args, const Checkpoint& checkpoint) {
  if (!args.report_to_new_run) run(args).resume_from(checkpoint.directory);
}

void TensorBoardCallback::begin(const TrainingArguments& args, const TrainerState& state,
                                const ModelDescription* model) {
  if (options_.histogram_steps > 0 && model == nullptr) {
    warn(
        "TensorBoard: histogram_steps needs to know the model, and this loop passes no ModelDescription: there will "
        "be no histograms");
  }
  TensorBoardBeginning beginning{.texts = texts_of(args, model)};
  if (!args.report_to_new_run) beginning.resumed_at = state.global_step;
  if (options_.log_hparams) beginning.hyperparameters = flatten(run_parameters(args, model), ".");
  run(args).begin(std::move(beginning));
}

void TensorBoardCallback::on_log(const TrainingArguments& args, const TrainerState& state, const Logs& logs) {
  run(args).log(state, logs);
}

bool TensorBoardCallback::has_histograms_at(int64_t step, const ModelDescription* model) const {
  return options_.histogram_steps > 0 && step % options_.histogram_steps == 0 && model != nullptr;
}

void TensorBoardCallback::add_gradients(const TrainingArguments& args, const TrainerState& state,
                                        const ModelDescription* model) {
  const int64_t step = state.global_step + 1;  // the one that these gradients are for: it is counted at its end
  if (!has_histograms_at(step, model)) return;
  run(args).add_histograms("gradients", step, *model, &ModelDescription::visit_gradients);
}

void TensorBoardCallback::add_parameters(const TrainingArguments& args, const TrainerState& state,
                                         const ModelDescription* model) {
  if (!has_histograms_at(state.global_step, model)) return;
  run(args).add_histograms("parameters", state.global_step, *model, &ModelDescription::visit_parameters);
}

void TensorBoardCallback::on_save(const TrainingArguments& args, const Checkpoint& checkpoint) {
  run(args).note_in(checkpoint.directory);
}

void TensorBoardCallback::on_train_end(const RunEnd& end) {
  if (!run_) return;
  run_->end(status_of(end));
  run_->drain();
}

}  // namespace downbeat
