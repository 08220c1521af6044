#include "callbacks/vocabulary/training_arguments_json.h"

#include <gtest/gtest.h>

#include <limits>

namespace downbeat {
namespace {

// Every field is another than its default.
const TrainingArguments kAllChanged{
    .output_dir = "runs/é",
    .per_device_train_batch_size = 16,
    .num_train_epochs = 2.5,
    .max_steps = 9007199254740993,
    .learning_rate = 0.1 + 0.2,
    .lr_scheduler_type = SchedulerType::warmup_stable_decay,
    .lr_scheduler_kwargs = {{"cycles", 2}, {"end", 1.0}, {"kind", "true"}, {"on", true}},
    .warmup_steps = 0.1,
    .optim = OptimizerNames::rmsprop,
    .optim_args = "momentum=0.9",
    .weight_decay = 0.01,
    .adam_beta1 = 0.8,
    .adam_beta2 = 0.99,
    .adam_epsilon = 5e-324,
    .gradient_accumulation_steps = 4,
    .average_tokens_across_devices = false,
    .max_grad_norm = std::numeric_limits<double>::infinity(),
    .label_smoothing_factor = 0.1,
    .bf16 = true,
    .neftune_noise_alpha = 5.0,
    .auto_find_batch_size = true,
    .logging_strategy = IntervalStrategy::epoch,
    .logging_steps = 50,
    .logging_first_step = true,
    .log_on_each_node = false,
    .logging_nan_inf_filter = false,
    .include_num_input_tokens_seen = TokensSeen::non_padding,
    .log_level = LogLevel::debug,
    .log_level_replica = LogLevel::error,
    .disable_tqdm = true,
    .report_to = {"tensorboard", "a,b", ""},
    .run_name = "null",
    .eval_strategy = IntervalStrategy::steps,
    .eval_steps = 0.25,
    .eval_delay = 1.5,
    .per_device_eval_batch_size = 32,
    .prediction_loss_only = true,
    .eval_on_start = true,
    .eval_accumulation_steps = 2,
    .include_for_metrics = {"loss"},
    .batch_eval_metrics = true,
    .save_only_model = true,
    .save_strategy = SaveStrategy::best,
    .save_steps = 1e300,
    .save_total_limit = 0,
    .enable_jit_checkpoint = true,
    .load_best_model_at_end = true,
    .metric_for_best_model = "",
    .greater_is_better = false,
    .ignore_data_skip = true,
    .restore_callback_states_from_checkpoint = true,
    .full_determinism = true,
    .seed = -1,
    .data_seed = 0,
    .use_cpu = true,
    .dataloader_drop_last = true,
    .dataloader_num_workers = 3,
    .dataloader_prefetch_factor = 4,
    .train_sampling_strategy = SamplingStrategy::batch_rebalance,
    .ddp_find_unused_parameters = false,
    .ddp_bucket_cap_mb = 5,
    .ddp_broadcast_buffers = true,
    .ddp_backend = "nccl",
    .ddp_timeout = 60,
    .do_train = true,
    .do_eval = true,
    .do_predict = true,
    .resume_from_checkpoint = "true",
    .async_save = true,
    .report_to_new_run = true,
};

std::string mistake(const std::string& text) { return std::string(from_json(text).status().message()); }

TEST(TrainingArgumentsJsonTest, EveryFieldComesBackExactly) {
  const TrainingArguments defaults;
  TrainingArguments::describe([&](const char* name, auto member, auto...) {
    EXPECT_TRUE(kAllChanged.*member != defaults.*member) << name << " is not changed: this test would not see it";
  });
  EXPECT_TRUE(from_json(to_json(kAllChanged)).value() == kAllChanged);
  EXPECT_TRUE(from_json(to_json(defaults)).value() == defaults);
}

TEST(TrainingArgumentsJsonTest, LooksAsHuggingFaceWritesIt) {
  const std::string json = to_json({.learning_rate = 1e-05, .report_to = {"wandb"}, .eval_steps = 20});
  EXPECT_EQ(
      json.find("{\n  \"output_dir\": \"trainer_output\",\n  \"per_device_train_batch_size\": 8,\n"
                "  \"num_train_epochs\": 3.0,\n  \"max_steps\": -1,\n  \"learning_rate\": 1e-05,\n"
                "  \"lr_scheduler_type\": \"linear\",\n  \"lr_scheduler_kwargs\": null,\n  \"warmup_steps\": 0,\n"),
      0u)
      << json;
  for (const char* line : {"  \"report_to\": [\n    \"wandb\"\n  ],\n", "  \"logging_steps\": 500,\n",
                           "  \"eval_steps\": 20,\n", "  \"eval_delay\": 0,\n", "  \"disable_tqdm\": null,\n",
                           "  \"logging_nan_inf_filter\": true,\n", "  \"resume_from_checkpoint\": null,\n"}) {
    EXPECT_NE(json.find(line), json.npos) << line;
  }
}

TEST(TrainingArgumentsJsonTest, WhatIsNotThereOrNullKeepsItsDefault) {
  const auto args =
      from_json(R"({"max_steps": 10, "output_dir": null, "report_to": null, "lr_scheduler_kwargs": null})");
  EXPECT_TRUE(args.value() == TrainingArguments{.max_steps = 10});
}

TEST(TrainingArgumentsJsonTest, AListMayBeOneText) {
  EXPECT_EQ(from_json(R"({"report_to": "tensorboard,mlflow"})")->report_to,
            (std::vector<std::string>{"tensorboard", "mlflow"}));
}

TEST(TrainingArgumentsJsonTest, AnIntegerIsANumberToo) {
  EXPECT_EQ(from_json(R"({"learning_rate": 1})")->learning_rate, 1);
}

TEST(TrainingArgumentsJsonTest, AnUnknownNameIsAnErrorWithTheNearestOne) {
  EXPECT_EQ(mistake(R"({"learning_rat": 1})"), "no argument is called learning_rat; did you mean learning_rate?");
  EXPECT_EQ(mistake(R"({"xyzzy": 1})"), "no argument is called xyzzy");
}

TEST(TrainingArgumentsJsonTest, ARefusedNameIsAnErrorUnlessItIsNull) {
  EXPECT_EQ(mistake(R"({"fp16": false})"), "fp16 is not supported yet: it needs a GPU and a gradient scaler");
  EXPECT_TRUE(from_json(R"({"hub_token": null})").ok());
}

TEST(TrainingArgumentsJsonTest, AValueOfTheWrongKindIsAnError) {
  EXPECT_EQ(mistake(R"({"max_steps": 1.5})"), "max_steps=1.5 is not an integer");
  EXPECT_EQ(mistake(R"({"max_steps": "ten"})"), "max_steps=\"ten\" is not an integer");
  EXPECT_EQ(mistake(R"({"seed": 18446744073709551615})"), "seed=18446744073709551615 is too large an integer");
  EXPECT_EQ(mistake(R"({"learning_rate": true})"), "learning_rate=true is not a number");
  EXPECT_EQ(mistake(R"({"do_train": "maybe"})"), "do_train=\"maybe\" is neither true nor false");
  EXPECT_EQ(mistake(R"({"run_name": ["a"]})"), "run_name=[\"a\"] is not a single value");
  EXPECT_EQ(mistake(R"({"report_to": [1]})"), "report_to=[1] is not a list of texts");
  EXPECT_EQ(mistake(R"({"eval_strategy": "step"})"),
            "eval_strategy=\"step\" is none of no, steps, epoch; did you mean steps?");
  EXPECT_EQ(mistake(R"({"lr_scheduler_kwargs": [1]})"),
            "lr_scheduler_kwargs=[1] is not a JSON object like {\"num_cycles\": 2}");
  EXPECT_EQ(mistake(R"({"lr_scheduler_kwargs": {"a": null}})"),
            "lr_scheduler_kwargs={\"a\": null} holds something other than numbers, texts, true and false");
}

TEST(TrainingArgumentsJsonTest, WhatIsNoObjectIsAnError) {
  EXPECT_EQ(mistake("[]"), "training arguments are a JSON object");
  EXPECT_EQ(mistake("{").find("not JSON: "), 0u);
}

}  // namespace
}  // namespace downbeat
