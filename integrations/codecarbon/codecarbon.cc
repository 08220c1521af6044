#include "integrations/codecarbon/codecarbon.h"

#include <utility>

#include "integrations/codecarbon/emissions_tracker.h"
#include "integrations/codecarbon/settings.h"

namespace downbeat {

struct CodeCarbonCallback::Run {
  EmissionsTracker tracker;
};

CodeCarbonCallback::CodeCarbonCallback(CodeCarbonOptions options) : options_(std::move(options)) {}
CodeCarbonCallback::~CodeCarbonCallback() = default;
CodeCarbonCallback::CodeCarbonCallback(CodeCarbonCallback&&) noexcept = default;
CodeCarbonCallback& CodeCarbonCallback::operator=(CodeCarbonCallback&&) noexcept = default;

void CodeCarbonCallback::on_init_end(const TrainingArguments& args) { settings_of(options_, args.output_dir); }

void CodeCarbonCallback::on_train_begin(const TrainingArguments& args) {
  run_.reset();
  run_.reset(new Run{EmissionsTracker(settings_of(options_, args.output_dir))});
}

void CodeCarbonCallback::on_save() {
  if (run_ != nullptr) run_->tracker.flush();
}

void CodeCarbonCallback::on_train_end() { run_.reset(); }

}  // namespace downbeat
