#include "callbacks/vocabulary/training_arguments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <type_traits>

#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/training_arguments_checks.h"

namespace downbeat {
namespace {

static_assert(std::is_aggregate_v<TrainingArguments>);

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The fields of HuggingFace transformers 5.23.0 TrainingArguments, in their order.
const std::vector<std::string> kHuggingFaceNames = split_names(
    "output_dir per_device_train_batch_size num_train_epochs max_steps learning_rate lr_scheduler_type "
    "lr_scheduler_kwargs warmup_steps optim optim_args weight_decay adam_beta1 adam_beta2 adam_epsilon "
    "optim_target_modules gradient_accumulation_steps average_tokens_across_devices max_grad_norm "
    "label_smoothing_factor bf16 fp16 bf16_full_eval fp16_full_eval tf32 activation_checkpointing "
    "activation_checkpointing_kwargs gradient_checkpointing gradient_checkpointing_kwargs torch_compile "
    "torch_compile_backend torch_compile_mode use_liger_kernel liger_kernel_config use_cache neftune_noise_alpha "
    "torch_empty_cache_steps auto_find_batch_size logging_strategy logging_steps logging_first_step "
    "log_on_each_node logging_nan_inf_filter include_num_input_tokens_seen log_level log_level_replica "
    "disable_tqdm report_to run_name project trackio_space_id trackio_bucket_id trackio_static_space_id "
    "eval_strategy eval_steps eval_delay per_device_eval_batch_size prediction_loss_only eval_on_start "
    "eval_do_concat_batches eval_use_gather_object eval_accumulation_steps include_for_metrics batch_eval_metrics "
    "save_only_model save_strategy save_steps save_on_each_node save_total_limit enable_jit_checkpoint push_to_hub "
    "hub_token hub_private_repo hub_model_id hub_strategy hub_always_push hub_revision load_best_model_at_end "
    "metric_for_best_model greater_is_better ignore_data_skip restore_callback_states_from_checkpoint "
    "full_determinism seed data_seed use_cpu accelerator_config parallelism_config dataloader_drop_last "
    "dataloader_num_workers dataloader_pin_memory dataloader_persistent_workers dataloader_prefetch_factor "
    "dataloader_multiprocessing_context dataloader_in_order remove_unused_columns label_names "
    "train_sampling_strategy length_column_name ddp_find_unused_parameters ddp_bucket_cap_mb ddp_broadcast_buffers "
    "ddp_static_graph ddp_backend ddp_timeout fsdp fsdp_config deepspeed debug skip_memory_metrics do_train "
    "do_eval do_predict resume_from_checkpoint local_rank");

std::vector<std::string> our_names() {
  std::vector<std::string> names;
  TrainingArguments::describe([&](const char* name, auto...) { names.push_back(name); });
  return names;
}

std::string mistake(const TrainingArguments& args) { return std::string(validate(args).message()); }
TrainingArguments resolved(const TrainingArguments& args) { return resolve(args).value(); }

TEST(TrainingArgumentsTest, EveryNameOfHuggingFaceIsAcceptedOrRefusedAndNeverBoth) {
  const std::vector<std::string> names = our_names();
  const std::set<std::string> accepted(names.begin(), names.end());
  EXPECT_EQ(kHuggingFaceNames.size(), 114u);
  for (const std::string& name : kHuggingFaceNames) {
    EXPECT_NE(accepted.count(name) == 1, refusal(name) != nullptr) << name;
  }
}

TEST(TrainingArgumentsTest, FieldsAreHuggingFacesInItsOrder) {
  const std::vector<std::string> names = our_names();
  std::vector<std::string> in_order;
  for (const std::string& name : kHuggingFaceNames) {
    if (std::count(names.begin(), names.end(), name)) in_order.push_back(name);
  }
  in_order.insert(in_order.end(), {"async_save", "report_to_new_run"});  // Downbeat's own
  EXPECT_EQ(names, in_order);
}

TEST(TrainingArgumentsTest, EveryFieldHasAGroupAndASentenceOfHelp) {
  TrainingArguments::describe([](const char* name, auto, const std::string& help, const std::string& group) {
    EXPECT_FALSE(group.empty()) << name;
    EXPECT_EQ(help.back(), '.') << name;
  });
}

TEST(TrainingArgumentsTest, ARefusalSaysWhyOrWhatTheRightNameIs) {
  EXPECT_STREQ(refusal("evaluation_strategy"), "is called eval_strategy");
  EXPECT_STREQ(refusal("warmup_ratio"), "is gone; give warmup_steps a value below 1");
  EXPECT_STREQ(refusal("no_cuda"), "is called use_cpu");
  EXPECT_STREQ(refusal("torch_compile"), "has no meaning here: torch.compile translates Python bytecode");
  EXPECT_EQ(refusal("max_steps"), nullptr);
  EXPECT_EQ(refusal("xyzzy"), nullptr);
}

TEST(TrainingArgumentsTest, DefaultsAreValidAndHuggingFaces) {
  const TrainingArguments args;
  EXPECT_EQ(mistake(args), "");
  EXPECT_EQ(args.output_dir, "trainer_output");
  EXPECT_EQ(args.per_device_train_batch_size, 8);
  EXPECT_EQ(args.learning_rate, 5e-05);
  EXPECT_EQ(args.save_strategy, SaveStrategy::steps);
  EXPECT_EQ(args.optim, OptimizerNames::adamw_torch_fused);
  EXPECT_EQ(args.seed, 42);
}

TEST(ResolveTest, DoesNothingTwice) {
  const TrainingArguments once = resolved(
      {.eval_strategy = IntervalStrategy::steps, .save_strategy = SaveStrategy::steps, .load_best_model_at_end = true});
  EXPECT_TRUE(resolved(once) == once);
}

TEST(ResolveTest, EvaluationDuringTrainingIsEvaluation) {
  EXPECT_TRUE(resolved({.eval_strategy = IntervalStrategy::epoch}).do_eval);
  EXPECT_FALSE(resolved({}).do_eval);
}

TEST(ResolveTest, EvalStepsFollowLoggingSteps) {
  const auto steps = IntervalStrategy::steps;
  EXPECT_EQ(resolved({.logging_steps = 7, .eval_strategy = steps}).eval_steps, 7);
  EXPECT_EQ(resolved({.logging_steps = 0.1, .eval_strategy = steps, .eval_steps = 0}).eval_steps, 0.1);
  EXPECT_EQ(resolved({.logging_steps = 7, .eval_strategy = steps, .eval_steps = 3}).eval_steps, 3);
  EXPECT_EQ(resolved({.logging_steps = 7, .eval_strategy = IntervalStrategy::epoch}).eval_steps, std::nullopt);
}

TEST(ResolveTest, TheBestModelIsTheOneWithTheLowestLossUnlessAMetricIsNamed) {
  const auto best = resolved({.save_strategy = SaveStrategy::no, .load_best_model_at_end = true});
  EXPECT_EQ(best.metric_for_best_model, "loss");
  EXPECT_EQ(best.greater_is_better, false);
  EXPECT_EQ(resolved({.metric_for_best_model = "accuracy"}).greater_is_better, true);
  EXPECT_EQ(resolved({.metric_for_best_model = "eval_loss"}).greater_is_better, false);
  EXPECT_EQ(resolved({.metric_for_best_model = "gloss"}).greater_is_better, false);
  EXPECT_EQ(resolved({.metric_for_best_model = "accuracy", .greater_is_better = false}).greater_is_better, false);
  EXPECT_EQ(resolved({}).metric_for_best_model, std::nullopt);
  EXPECT_EQ(resolved({}).greater_is_better, std::nullopt);
}

TEST(ResolveTest, ThereIsAProgressBarUnlessWarningsAreNotShown) {
  EXPECT_EQ(resolved({}).disable_tqdm, false);
  EXPECT_EQ(resolved({.disable_tqdm = true}).disable_tqdm, true);
  set_log_level(LogLevel::error);
  EXPECT_EQ(resolved({}).disable_tqdm, true);
  EXPECT_EQ(resolved({.disable_tqdm = false}).disable_tqdm, false);
  set_log_level(LogLevel::warning);
}

TEST(ResolveTest, ReportingToNoneIsReportingNowhere) {
  EXPECT_TRUE(resolved({.report_to = {"none"}}).report_to.empty());
  EXPECT_EQ(resolved({.report_to = {"all"}}).report_to, std::vector<std::string>{"all"});
}

TEST(ResolveTest, ATildeIsTheHomeFolder) {
  setenv("HOME", "/home/ada", 1);
  EXPECT_EQ(resolved({.output_dir = "~/runs"}).output_dir, "/home/ada/runs");
  EXPECT_EQ(resolved({.output_dir = "~"}).output_dir, "/home/ada");
  EXPECT_EQ(resolved({.output_dir = "a/~b"}).output_dir, "a/~b");
}

TEST(ResolveTest, SharesOfAllStepsStay) { EXPECT_EQ(resolved({.logging_steps = 0.1}).logging_steps, 0.1); }

TEST(ValidateTest, ValuesThatThisVersionLacksAreRefusedByName) {
  EXPECT_EQ(
      mistake({.train_sampling_strategy = SamplingStrategy::batch_rebalance}),
      "train_sampling_strategy=batch_rebalance is not supported yet; allowed: random, sequential, group_by_length");
  EXPECT_EQ(mistake({.neftune_noise_alpha = 5.0, .train_sampling_strategy = SamplingStrategy::group_by_length}), "");
  EXPECT_EQ(mistake({.lr_scheduler_type = SchedulerType::cosine, .optim = OptimizerNames::sgd}), "");
  EXPECT_EQ(mistake({.ignore_data_skip = true, .resume_from_checkpoint = "auto"}), "");
  EXPECT_EQ(mistake({.full_determinism = true, .train_sampling_strategy = SamplingStrategy::sequential}), "");
}

TEST(ValidateTest, ThePrefetchFactorNeedsWorkers) {
  EXPECT_EQ(mistake({.dataloader_prefetch_factor = 2}),
            "dataloader_prefetch_factor needs dataloader_num_workers of at least 1");
  EXPECT_EQ(mistake({.dataloader_num_workers = 1, .dataloader_prefetch_factor = 0}),
            "dataloader_prefetch_factor=0 must be between 1 and 1024");
  EXPECT_EQ(mistake({.dataloader_num_workers = -1}), "dataloader_num_workers=-1 must be between 0 and 1024");
  EXPECT_EQ(mistake({.dataloader_num_workers = 2, .dataloader_prefetch_factor = 4}), "");
}

TEST(ValidateTest, AScheduleThatFollowsAMetricNeedsEvaluations) {
  EXPECT_EQ(mistake({.lr_scheduler_type = SchedulerType::greedy}),
            "lr_scheduler_type=greedy follows a metric and needs evaluations: set eval_strategy to steps or epoch");
  const TrainingArguments plateau{.lr_scheduler_type = SchedulerType::reduce_lr_on_plateau,
                                  .eval_strategy = IntervalStrategy::epoch};
  EXPECT_EQ(resolved(plateau).metric_for_best_model, "loss");
  EXPECT_EQ(resolved(plateau).greater_is_better, false);
}

TEST(ValidateTest, MetricsAreGivenInputsAndLossOnly) {
  EXPECT_EQ(mistake({.include_for_metrics = {"loss", "logits"}}),
            "include_for_metrics=logits is not known; allowed: inputs, loss");
}

TEST(ValidateTest, NumbersOutOfRangeAreNamedWithWhatIsAllowed) {
  EXPECT_EQ(mistake({.per_device_train_batch_size = 0}), "per_device_train_batch_size=0 must be at least 1");
  EXPECT_EQ(mistake({.per_device_eval_batch_size = -8}), "per_device_eval_batch_size=-8 must be at least 1");
  EXPECT_EQ(mistake({.gradient_accumulation_steps = 0}), "gradient_accumulation_steps=0 must be at least 1");
  EXPECT_EQ(mistake({.num_train_epochs = -1}), "num_train_epochs=-1 must be at least 0 and finite");
  EXPECT_EQ(mistake({.num_train_epochs = kInfinity}), "num_train_epochs=inf must be at least 0 and finite");
  EXPECT_EQ(mistake({.learning_rate = -0.1}), "learning_rate=-0.1 must be at least 0");
  EXPECT_EQ(mistake({.learning_rate = kNan}), "learning_rate=nan must be at least 0");
  EXPECT_EQ(mistake({.warmup_steps = -1}), "warmup_steps=-1 must be at least 0 and finite");
  EXPECT_EQ(mistake({.weight_decay = -0.1}), "weight_decay=-0.1 must be at least 0");
  EXPECT_EQ(mistake({.adam_beta1 = 1}), "adam_beta1=1 must be at least 0 and below 1");
  EXPECT_EQ(mistake({.adam_beta2 = -0.1}), "adam_beta2=-0.1 must be at least 0 and below 1");
  EXPECT_EQ(mistake({.adam_epsilon = -1e-08}), "adam_epsilon=-1e-08 must be at least 0");
  EXPECT_EQ(mistake({.seed = -1}), "seed=-1 must be between 0 and 4294967295");
  EXPECT_EQ(mistake({.seed = 4294967296}), "seed=4294967296 must be between 0 and 4294967295");
}

TEST(ValidateTest, WhatHuggingFaceAcceptsIsAccepted) {
  EXPECT_EQ(mistake({.num_train_epochs = 0, .learning_rate = 0, .max_grad_norm = -1, .label_smoothing_factor = 1.5}),
            "");
  EXPECT_EQ(mistake({.num_train_epochs = -1, .max_steps = 5, .warmup_steps = 0.5, .eval_delay = -1}), "");
  EXPECT_EQ(mistake({.logging_strategy = IntervalStrategy::epoch, .logging_steps = 0, .save_total_limit = -1}), "");
  EXPECT_EQ(mistake({.logging_steps = 1, .save_steps = 0, .data_seed = -1}), "");
  EXPECT_EQ(mistake({.report_to = {"anything"}, .save_strategy = SaveStrategy::no, .save_steps = 2.5}), "");
}

TEST(ValidateTest, IntervalsAreWholeStepsOrSharesOfThem) {
  const auto steps = IntervalStrategy::steps;
  const std::string rule = " must be a whole number, or below 1 for a share of all steps";
  EXPECT_EQ(mistake({.logging_steps = 2.5}), "logging_steps=2.5" + rule);
  EXPECT_EQ(mistake({.eval_strategy = steps, .eval_steps = 1.5}), "eval_steps=1.5" + rule);
  EXPECT_EQ(mistake({.save_steps = kInfinity}), "save_steps=inf" + rule);
  EXPECT_EQ(mistake({.save_steps = kNan}), "save_steps=nan" + rule);
  EXPECT_EQ(mistake({.logging_steps = 0}), "logging_steps=0 must be above 0, as logging_strategy is steps");
  EXPECT_EQ(mistake({.logging_steps = -5}), "logging_steps=-5 must be above 0, as logging_strategy is steps");
  EXPECT_EQ(mistake({.eval_strategy = steps, .eval_steps = -5}),
            "eval_steps=-5 must be above 0, as eval_strategy is steps");
  EXPECT_EQ(mistake({.logging_strategy = IntervalStrategy::no, .logging_steps = 0, .eval_strategy = steps}),
            "eval_strategy=steps needs eval_steps or logging_steps above 0");
}

TEST(ValidateTest, TheBestModelNeedsASaveAfterEachEvaluation) {
  const auto error = [](double save_steps, double eval_steps) {
    return mistake({.eval_strategy = IntervalStrategy::steps,
                    .eval_steps = eval_steps,
                    .save_steps = save_steps,
                    .load_best_model_at_end = true});
  };
  EXPECT_EQ(error(20, 10), "");
  EXPECT_EQ(error(0.5, 0.25), "");
  EXPECT_EQ(error(0.3, 0.1), "");  // not a multiple in binary
  EXPECT_EQ(error(15, 10), "load_best_model_at_end needs save_steps=15 to be a multiple of eval_steps=10");
  EXPECT_EQ(error(0.25, 0.1), "load_best_model_at_end needs save_steps=0.25 to be a multiple of eval_steps=0.1");
  EXPECT_EQ(
      error(15, 0.4),
      "load_best_model_at_end needs save_steps=15 and eval_steps=0.4 to be both numbers of steps or both shares of "
      "all steps");
}

TEST(ValidateTest, TheBestModelNeedsEvaluationAndSavesOfTheSameKind) {
  EXPECT_EQ(mistake({.load_best_model_at_end = true}),
            "load_best_model_at_end needs eval_strategy and save_strategy to be the same, or save_strategy=best; "
            "they are no and steps");
  const auto epoch = IntervalStrategy::epoch;
  EXPECT_EQ(mistake({.eval_strategy = epoch, .save_strategy = SaveStrategy::epoch, .load_best_model_at_end = true}),
            "");
  EXPECT_EQ(mistake({.eval_strategy = epoch, .save_strategy = SaveStrategy::best, .load_best_model_at_end = true}), "");
  EXPECT_EQ(mistake({.save_strategy = SaveStrategy::best}), "save_strategy=best needs metric_for_best_model");
}

TEST(IntervalTest, BelowOneIsAShareOfAllStepsRoundedUp) {
  EXPECT_EQ(absolute_interval(0.12, 27), 4);
  EXPECT_EQ(absolute_interval(0.1, 30), 3);
  EXPECT_EQ(absolute_interval(0.5, 30), 15);
  EXPECT_EQ(absolute_interval(1, 30), 1);
  EXPECT_EQ(absolute_interval(500, 30), 500);
  EXPECT_EQ(absolute_interval(0, 30), 0);
}

TEST(IntervalTest, WhatNoIntegerHoldsIsNever) {
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(absolute_interval(1e300, 30), kNever);
  EXPECT_EQ(absolute_interval(kInfinity, 30), kNever);
  EXPECT_EQ(absolute_interval(kNan, 30), kNever);
}

TEST(IntervalTest, WarmupOfOneIsOneStep) {
  EXPECT_EQ(warmup_steps({.warmup_steps = 1}, 30), 1);
  EXPECT_EQ(warmup_steps({.warmup_steps = 2.9}, 30), 2);
  EXPECT_EQ(warmup_steps({.warmup_steps = 0.12}, 27), 4);
  EXPECT_EQ(warmup_steps({}, 30), 0);
}

TEST(ArgumentTypesTest, EnumeratorsAreSpeltAsOnTheCommandLine) {
  EXPECT_EQ(to_string(SchedulerType::greedy), "greedy");
  EXPECT_EQ(to_string(LogLevel::passive), "passive");
  EXPECT_EQ(to_string(OptimizerNames::adafactor), "adafactor");
  EXPECT_EQ(from_string<SamplingStrategy>("batch_rebalance"), SamplingStrategy::batch_rebalance);
  EXPECT_EQ(from_string<SaveStrategy>("best"), SaveStrategy::best);
  EXPECT_EQ(from_string<IntervalStrategy>("best"), std::nullopt);
  EXPECT_EQ(from_string<IntervalStrategy>(""), std::nullopt);
}

}  // namespace
}  // namespace downbeat
