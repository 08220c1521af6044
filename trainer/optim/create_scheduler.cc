#include "trainer/optim/create_scheduler.h"

#include <stdexcept>

#include "trainer/optim/greedy_lr.h"
#include "trainer/optim/lambda_lr.h"
#include "trainer/optim/lr_lambda.h"
#include "trainer/optim/reduce_lr_on_plateau.h"
#include "trainer/optim/scheduler_arguments.h"

namespace downbeat {
namespace {

Comparison comparison_of(const SchedulerArguments& given, Comparison comparison) {
  comparison.mode = given.one_of("mode", {"min", "max"}, comparison.mode);
  comparison.threshold_mode = given.one_of("threshold_mode", {"rel", "abs"}, comparison.threshold_mode);
  comparison.threshold = given.number("threshold", comparison.threshold);
  return comparison;
}

double factor_of(const SchedulerArguments& given, double otherwise) {
  const double factor = given.number("factor", otherwise);
  if (!(factor < 1.0)) throw std::invalid_argument("lr_scheduler_kwargs: factor must be below 1");
  return factor;
}

ReduceLROnPlateau::Settings plateau_settings(const SchedulerArguments& given) {
  ReduceLROnPlateau::Settings settings;
  settings.comparison = comparison_of(given, settings.comparison);
  settings.factor = factor_of(given, settings.factor);
  settings.patience = given.number("patience", settings.patience);
  settings.cooldown = given.number("cooldown", settings.cooldown);
  settings.min_lr = given.number("min_lr", settings.min_lr);
  settings.eps = given.number("eps", settings.eps);
  return settings;
}

GreedyLR::Settings greedy_settings(const SchedulerArguments& given) {
  GreedyLR::Settings settings;
  settings.comparison = comparison_of(given, settings.comparison);
  settings.factor = factor_of(given, settings.factor);
  settings.patience = given.number("patience", settings.patience);
  settings.cooldown = given.number("cooldown", settings.cooldown);
  settings.warmup = given.number("warmup", settings.warmup);
  settings.min_lr = given.number("min_lr", settings.min_lr);
  settings.max_lr = given.number("max_lr", settings.max_lr);
  settings.eps = given.number("eps", settings.eps);
  settings.verbose = given.flag("verbose", settings.verbose);
  settings.smooth = given.flag("smooth", settings.smooth);
  settings.window_size = static_cast<int64_t>(given.number("window_size", static_cast<double>(settings.window_size)));
  settings.reset_start = given.number("reset_start", settings.reset_start);
  return settings;
}

}  // namespace

std::unique_ptr<LRScheduler> create_scheduler(Optimizer& optimizer, const TrainingArguments& args, int64_t max_steps) {
  const SchedulerArguments given(args);
  if (args.lr_scheduler_type == SchedulerType::reduce_lr_on_plateau) {
    return std::make_unique<ReduceLROnPlateau>(optimizer, plateau_settings(given));
  }
  if (args.lr_scheduler_type == SchedulerType::greedy) {
    return std::make_unique<GreedyLR>(optimizer, greedy_settings(given));
  }
  const bool is_function = args.lr_scheduler_type == SchedulerType::constant;
  return std::make_unique<LambdaLR>(optimizer, lr_lambda(args, max_steps), is_function);
}

void check_scheduler(const TrainingArguments& args) {
  const SchedulerArguments given(args);
  switch (args.lr_scheduler_type) {
    case SchedulerType::reduce_lr_on_plateau:
      static_cast<void>(plateau_settings(given));
      break;
    case SchedulerType::greedy:
      static_cast<void>(greedy_settings(given));
      break;
    default:
      static_cast<void>(lr_lambda(args, /*max_steps=*/1));
  }
}

}  // namespace downbeat
