// Every event: when it happens, what it provides, and the names that people try instead.
//
// Every event provides `const TrainingArguments&`, `const TrainerState&` and `TrainerControl&`. Trainer adds the model
// to every event, the optimizer and the schedule from on_train_begin on, and what trainer/trainer.h lists for each. T&
// may be changed by a hook, const T& not.
#pragma once

#include <exception>
#include <string_view>

#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/prediction_progress.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"

namespace downbeat {

// The event from which an exception came; empty when it came from the model, the data or the loop itself.
struct EventName {
  std::string_view name;
};

}  // namespace downbeat

// clang-format off
// X(event, what it provides besides...). The first sixteen are HuggingFace's, in its order.
#define DOWNBEAT_EVENTS(X)                                                                                          \
  X(on_init_end)                      /* end of Trainer's constructor */                                            \
  X(on_train_begin)                   /* nothing has run; should_training_stop is taken back before */              \
  X(on_train_end, const RunEnd&)      /* always the last: after stop, exception and signal too */                   \
  X(on_epoch_begin)                   /* should_epoch_stop is taken back before */                                  \
  X(on_epoch_end)                     /* after an early break too */                                                \
  X(on_step_begin)                    /* before the first substep; log, evaluate, save are taken back */            \
  X(on_pre_optimizer_step)            /* gradients are clipped */                                                   \
  X(on_optimizer_step)                /* weights are updated, gradients still there */                              \
  X(on_substep_end)                   /* after a substep that is not the last of its step */                        \
  X(on_step_end)                      /* global_step and epoch have been incremented */                             \
  X(on_evaluate, const Metrics&)      /* logged already; should_evaluate is taken back before */                    \
  X(on_predict, const Metrics&)       /* end of predict() */                                                        \
  X(on_save, const Checkpoint&)       /* it is complete on disk; should_save is taken back before */                \
  X(on_log, Logs&)                    /* what is added here is seen by later callbacks; should_log is taken back */ \
  X(on_prediction_step, const PredictionProgress&) /* after each batch of an evaluation or prediction */            \
  X(on_push_begin)                    /* where something is uploaded: nothing does yet */                           \
  /* Downbeat's own. */                                                                                             \
  X(on_substep_begin)                 /* before each forward */                                                     \
  X(on_gradients_ready)               /* after the last backward of a step, before clipping */                      \
  X(on_evaluate_begin, const PredictionProgress&) /* before the first batch of an evaluation */                     \
  X(on_predict_begin, const PredictionProgress&) /* before the first batch of a prediction */                       \
  X(on_load_checkpoint, const Checkpoint&) /* everything is restored */                                             \
  X(on_exception, const std::exception_ptr&, const EventName&) /* whatever was thrown, before it leaves train() */

// Names that no event has but that someone would try: X(wrong, right). Systematic: every stem with every ending that
// people use, the camel-case spellings, and the hooks of Keras, Lightning, fastai, Ignite, Composer and mmengine, each
// beginning with on.
#define DOWNBEAT_STARTS(X, stem, right) \
  X(on_##stem##_start, right) X(on_##stem##_started, right) X(on_before_##stem, right)
#define DOWNBEAT_FINISHES(X, stem, right)                                                       \
  X(on_##stem##_ended, right) X(on_##stem##_finish, right) X(on_##stem##_finished, right)       \
  X(on_##stem##_done, right) X(on_##stem##_complete, right) X(on_##stem##_completed, right)     \
  X(on_after_##stem, right)
#define DOWNBEAT_BEGINS(X, stem, right) X(on_##stem##_begin, right) DOWNBEAT_STARTS(X, stem, right)
#define DOWNBEAT_ENDS(X, stem, right) X(on_##stem##_end, right) DOWNBEAT_FINISHES(X, stem, right)
// Another word for a stem: on_batch_start, on_batch_end, on_batch.
#define DOWNBEAT_ALIAS(X, stem, begin, end, alone) \
  X(on_##stem, alone) DOWNBEAT_BEGINS(X, stem, begin) DOWNBEAT_ENDS(X, stem, end)
// A stem whose own begin and end are events.
#define DOWNBEAT_PAIR(X, stem, alone) \
  X(on_##stem, alone) DOWNBEAT_STARTS(X, stem, on_##stem##_begin) DOWNBEAT_FINISHES(X, stem, on_##stem##_end)
// An event without an ending: on_log_end is on_log.
#define DOWNBEAT_SINGLE(X, stem, begin) DOWNBEAT_BEGINS(X, stem, begin) DOWNBEAT_ENDS(X, stem, on_##stem)
#define DOWNBEAT_CAMEL(X, name, right) X(On##name, right) X(on##name, right)

#define DOWNBEAT_NEAR_MISSES(X)                                                                                       \
  DOWNBEAT_PAIR(X, train, on_train_begin) DOWNBEAT_PAIR(X, epoch, on_epoch_end) DOWNBEAT_PAIR(X, step, on_step_end)   \
  DOWNBEAT_PAIR(X, substep, on_substep_end)                                                                           \
  DOWNBEAT_ALIAS(X, training, on_train_begin, on_train_end, on_train_begin)                                           \
  DOWNBEAT_ALIAS(X, fit, on_train_begin, on_train_end, on_train_begin)                                                \
  DOWNBEAT_ALIAS(X, run, on_train_begin, on_train_end, on_train_begin)                                                \
  DOWNBEAT_ALIAS(X, train_epoch, on_epoch_begin, on_epoch_end, on_epoch_end)                                          \
  DOWNBEAT_ALIAS(X, training_epoch, on_epoch_begin, on_epoch_end, on_epoch_end)                                       \
  DOWNBEAT_ALIAS(X, batch, on_step_begin, on_step_end, on_step_end)                                                   \
  DOWNBEAT_ALIAS(X, train_batch, on_step_begin, on_step_end, on_step_end)                                             \
  DOWNBEAT_ALIAS(X, training_batch, on_step_begin, on_step_end, on_step_end)                                          \
  DOWNBEAT_ALIAS(X, train_step, on_step_begin, on_step_end, on_step_end)                                              \
  DOWNBEAT_ALIAS(X, training_step, on_step_begin, on_step_end, on_step_end)                                           \
  DOWNBEAT_ALIAS(X, iteration, on_step_begin, on_step_end, on_step_end)                                               \
  DOWNBEAT_ALIAS(X, iter, on_step_begin, on_step_end, on_step_end)                                                    \
  DOWNBEAT_ALIAS(X, train_iter, on_step_begin, on_step_end, on_step_end)                                              \
  DOWNBEAT_ALIAS(X, update, on_step_begin, on_step_end, on_step_end)                                                  \
  DOWNBEAT_ALIAS(X, sub_step, on_substep_begin, on_substep_end, on_substep_end)                                       \
  DOWNBEAT_ALIAS(X, microbatch, on_substep_begin, on_substep_end, on_substep_end)                                     \
  DOWNBEAT_ALIAS(X, micro_batch, on_substep_begin, on_substep_end, on_substep_end)                                    \
  DOWNBEAT_ALIAS(X, get_batch, on_substep_begin, on_substep_end, on_substep_end)                                      \
  DOWNBEAT_ALIAS(X, dataloader, on_substep_begin, on_substep_end, on_substep_end)                                     \
  DOWNBEAT_ALIAS(X, forward, on_substep_begin, on_substep_end, on_substep_begin)                                      \
  DOWNBEAT_ALIAS(X, loss, on_substep_begin, on_substep_end, on_log)                                                   \
  DOWNBEAT_ALIAS(X, backward, on_substep_begin, on_gradients_ready, on_gradients_ready)                               \
  DOWNBEAT_ALIAS(X, evaluation, on_evaluate_begin, on_evaluate, on_evaluate)                                          \
  DOWNBEAT_ALIAS(X, eval, on_evaluate_begin, on_evaluate, on_evaluate)                                                \
  DOWNBEAT_ALIAS(X, validation, on_evaluate_begin, on_evaluate, on_evaluate)                                          \
  DOWNBEAT_ALIAS(X, validate, on_evaluate_begin, on_evaluate, on_evaluate)                                            \
  DOWNBEAT_ALIAS(X, val, on_evaluate_begin, on_evaluate, on_evaluate)                                                 \
  DOWNBEAT_ALIAS(X, test, on_evaluate_begin, on_evaluate, on_evaluate)                                                \
  DOWNBEAT_ALIAS(X, eval_epoch, on_evaluate_begin, on_evaluate, on_evaluate)                                          \
  DOWNBEAT_ALIAS(X, validation_epoch, on_evaluate_begin, on_evaluate, on_evaluate)                                    \
  DOWNBEAT_ALIAS(X, val_epoch, on_evaluate_begin, on_evaluate, on_evaluate)                                           \
  DOWNBEAT_ALIAS(X, test_epoch, on_evaluate_begin, on_evaluate, on_evaluate)                                          \
  DOWNBEAT_ALIAS(X, eval_standalone, on_evaluate_begin, on_evaluate, on_evaluate)                                     \
  DOWNBEAT_ALIAS(X, sanity_check, on_evaluate_begin, on_evaluate, on_evaluate)                                        \
  DOWNBEAT_ALIAS(X, prediction, on_predict_begin, on_predict, on_predict)                                             \
  DOWNBEAT_ALIAS(X, predict_epoch, on_predict_begin, on_predict, on_predict)                                          \
  DOWNBEAT_ALIAS(X, eval_batch, on_prediction_step, on_prediction_step, on_prediction_step)                           \
  DOWNBEAT_ALIAS(X, eval_step, on_prediction_step, on_prediction_step, on_prediction_step)                            \
  DOWNBEAT_ALIAS(X, evaluation_step, on_prediction_step, on_prediction_step, on_prediction_step)                      \
  DOWNBEAT_ALIAS(X, eval_iter, on_prediction_step, on_prediction_step, on_prediction_step)                            \
  DOWNBEAT_ALIAS(X, validation_batch, on_prediction_step, on_prediction_step, on_prediction_step)                     \
  DOWNBEAT_ALIAS(X, validation_step, on_prediction_step, on_prediction_step, on_prediction_step)                      \
  DOWNBEAT_ALIAS(X, val_batch, on_prediction_step, on_prediction_step, on_prediction_step)                            \
  DOWNBEAT_ALIAS(X, val_step, on_prediction_step, on_prediction_step, on_prediction_step)                             \
  DOWNBEAT_ALIAS(X, val_iter, on_prediction_step, on_prediction_step, on_prediction_step)                             \
  DOWNBEAT_ALIAS(X, test_batch, on_prediction_step, on_prediction_step, on_prediction_step)                           \
  DOWNBEAT_ALIAS(X, test_step, on_prediction_step, on_prediction_step, on_prediction_step)                            \
  DOWNBEAT_ALIAS(X, test_iter, on_prediction_step, on_prediction_step, on_prediction_step)                            \
  DOWNBEAT_ALIAS(X, predict_batch, on_prediction_step, on_prediction_step, on_prediction_step)                        \
  DOWNBEAT_ALIAS(X, predict_step, on_prediction_step, on_prediction_step, on_prediction_step)                         \
  DOWNBEAT_ALIAS(X, checkpoint, on_save, on_save, on_save)                                                            \
  DOWNBEAT_ALIAS(X, save_checkpoint, on_save, on_save, on_save)                                                       \
  DOWNBEAT_ALIAS(X, logs, on_log, on_log, on_log) DOWNBEAT_ALIAS(X, logging, on_log, on_log, on_log)                  \
  DOWNBEAT_ALIAS(X, load, on_load_checkpoint, on_load_checkpoint, on_load_checkpoint)                                 \
  DOWNBEAT_ALIAS(X, resume, on_load_checkpoint, on_load_checkpoint, on_load_checkpoint)                               \
  DOWNBEAT_ALIAS(X, gradients, on_gradients_ready, on_gradients_ready, on_gradients_ready)                            \
  DOWNBEAT_ALIAS(X, error, on_exception, on_exception, on_exception)                                                  \
  X(on_init, on_init_end) DOWNBEAT_BEGINS(X, init, on_init_end) DOWNBEAT_FINISHES(X, init, on_init_end)               \
  X(on_push, on_push_begin) DOWNBEAT_STARTS(X, push, on_push_begin) DOWNBEAT_ENDS(X, push, on_push_begin)             \
  DOWNBEAT_STARTS(X, evaluate, on_evaluate_begin) DOWNBEAT_ENDS(X, evaluate, on_evaluate)                             \
  DOWNBEAT_STARTS(X, predict, on_predict_begin) DOWNBEAT_ENDS(X, predict, on_predict)                                 \
  DOWNBEAT_SINGLE(X, pre_optimizer_step, on_pre_optimizer_step)                                                       \
  DOWNBEAT_SINGLE(X, optimizer_step, on_pre_optimizer_step) DOWNBEAT_SINGLE(X, save, on_save)                         \
  DOWNBEAT_SINGLE(X, log, on_log) DOWNBEAT_SINGLE(X, prediction_step, on_prediction_step)                             \
  DOWNBEAT_SINGLE(X, gradients_ready, on_gradients_ready) DOWNBEAT_SINGLE(X, load_checkpoint, on_load_checkpoint)     \
  DOWNBEAT_SINGLE(X, exception, on_exception)                                                                         \
  X(on_before_zero_grad, on_optimizer_step) X(on_zero_grad, on_optimizer_step) X(on_saved, on_save)                   \
  X(on_saved_checkpoint, on_save) X(on_logged, on_log) X(on_evaluated, on_evaluate) X(on_predicted, on_predict)       \
  X(on_steps_end, on_step_end) X(on_epochs_end, on_epoch_end) X(on_started, on_train_begin)                           \
  X(on_completed, on_train_end) X(on_create, on_init_end) X(on_after_create, on_init_end) X(on_close, on_train_end)   \
  X(on_post_close, on_train_end) X(on_terminate, on_train_end) X(on_terminate_single_epoch, on_epoch_end)             \
  X(on_interrupt, on_train_end) X(on_keyboard_interrupt, on_train_end) X(on_exception_raised, on_exception)           \
  X(on_dataloader_stop_iteration, on_epoch_end) X(on_after_pred, on_substep_end)                                      \
  X(on_after_cancel_backward, on_gradients_ready) X(on_after_cancel_step, on_step_end)                                \
  X(on_after_cancel_batch, on_step_end) X(on_after_cancel_epoch, on_epoch_end) X(on_after_cancel_train, on_train_end) \
  X(on_after_cancel_validate, on_evaluate) X(on_after_cancel_fit, on_train_end) X(on_batch_checkpoint, on_save)       \
  X(on_iteration_checkpoint, on_save) X(on_epoch_checkpoint, on_save) X(on_eval_before_all, on_evaluate_begin)        \
  X(on_eval_after_all, on_evaluate) X(on_eval_before_forward, on_evaluate_begin)                                      \
  X(on_eval_after_forward, on_prediction_step) X(on_predict_before_forward, on_predict_begin)                         \
  X(on_predict_after_forward, on_prediction_step)                                                                     \
  DOWNBEAT_CAMEL(X, InitEnd, on_init_end) DOWNBEAT_CAMEL(X, TrainBegin, on_train_begin)                               \
  DOWNBEAT_CAMEL(X, TrainStart, on_train_begin) DOWNBEAT_CAMEL(X, TrainEnd, on_train_end)                             \
  DOWNBEAT_CAMEL(X, EpochBegin, on_epoch_begin) DOWNBEAT_CAMEL(X, EpochStart, on_epoch_begin)                         \
  DOWNBEAT_CAMEL(X, EpochEnd, on_epoch_end) DOWNBEAT_CAMEL(X, StepBegin, on_step_begin)                               \
  DOWNBEAT_CAMEL(X, StepStart, on_step_begin) DOWNBEAT_CAMEL(X, StepEnd, on_step_end)                                 \
  DOWNBEAT_CAMEL(X, BatchBegin, on_step_begin) DOWNBEAT_CAMEL(X, BatchStart, on_step_begin)                           \
  DOWNBEAT_CAMEL(X, BatchEnd, on_step_end) DOWNBEAT_CAMEL(X, PreOptimizerStep, on_pre_optimizer_step)                 \
  DOWNBEAT_CAMEL(X, OptimizerStep, on_optimizer_step) DOWNBEAT_CAMEL(X, SubstepBegin, on_substep_begin)               \
  DOWNBEAT_CAMEL(X, SubstepEnd, on_substep_end) DOWNBEAT_CAMEL(X, Evaluate, on_evaluate)                              \
  DOWNBEAT_CAMEL(X, EvaluateBegin, on_evaluate_begin) DOWNBEAT_CAMEL(X, EvaluateEnd, on_evaluate)                     \
  DOWNBEAT_CAMEL(X, ValidationEnd, on_evaluate) DOWNBEAT_CAMEL(X, Predict, on_predict)                                \
  DOWNBEAT_CAMEL(X, PredictBegin, on_predict_begin) DOWNBEAT_CAMEL(X, Save, on_save) DOWNBEAT_CAMEL(X, Log, on_log)   \
  DOWNBEAT_CAMEL(X, PredictionStep, on_prediction_step) DOWNBEAT_CAMEL(X, PushBegin, on_push_begin)                   \
  DOWNBEAT_CAMEL(X, GradientsReady, on_gradients_ready) DOWNBEAT_CAMEL(X, LoadCheckpoint, on_load_checkpoint)         \
  DOWNBEAT_CAMEL(X, Exception, on_exception)
// clang-format on
