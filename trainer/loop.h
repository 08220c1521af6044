// The training loop: HuggingFace's order as a list of named steps. Free of torch; a step policy does the arithmetic.
//
// The loop alone writes TrainerState. It reads TrainerControl at HuggingFace's places: after each substep, step and
// epoch. On several processes all do the same at the same step: what hooks or signals of one ask for is agreed first,
// see "Several processes" below. Users meet it through Trainer; one who has a training step of another kind (a
// simulator, another library) can write a policy for it, or a loop of his own around a CallbackHandler.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "callbacks/default_flow.h"
#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/prediction_progress.h"
#include "trainer/distributed/process_environment.h"
#include "trainer/interrupt.h"
#include "trainer/loop_rules.h"
#include "trainer/requests.h"

namespace downbeat {

// What the loop asks for. `things(event)` is a std::tuple of references: what events provide besides the vocabulary.
template <class P>
concept StepPolicy = requires(P policy, int64_t n, const TrainerState& state, const std::string& prefix, Logs& logs) {
  { policy.batches_per_epoch() } -> std::convertible_to<int64_t>;
  { policy.train_batch_size() } -> std::convertible_to<int64_t>;
  policy.set_train_batch_size(n);
  { policy.shrink_train_batch(std::exception_ptr()) } -> std::same_as<bool>;  // false: memory was not what ran out
  { policy.read_checkpoint(prefix) } -> std::same_as<TrainerState>;  // of that directory; nothing is changed yet
  policy.begin_train(state);                                         // optimizer and schedule for state.max_steps
  policy.restore_checkpoint();    // weights, optimizer and schedule of the one that was read
  policy.restore_random_state();  // of the one that was read
  policy.begin_epoch(n, n);       // shuffle; number of batches that are passed over
  policy.begin_step(n);           // fetch: number of substeps
  policy.load_batch(n);           // of this substep
  // Substeps of this step, steps since the last log line, whether this is the step's last one, and whether this process
  // has requests. True: one of all processes has.
  { policy.forward_backward(n, n, true, true) } -> std::same_as<bool>;
  policy.collect_gradients();
  policy.clip_gradients();
  policy.optimizer_step();
  policy.scheduler_step();
  { policy.scheduler_wants_metric() } -> std::same_as<bool>;
  policy.scheduler_step(double{});  // after an evaluation
  policy.zero_gradients();
  { policy.input_tokens() } -> std::convertible_to<int64_t>;  // of this substep
  policy.add_token_speed(logs, state);
  { policy.train_logs(n) } -> std::same_as<Logs>;         // steps since the last ones
  { policy.train_metrics(state) } -> std::same_as<Logs>;  // of the whole run
  { policy.evaluation_sets() } -> std::convertible_to<int64_t>;
  { policy.select_evaluation_set(n) } -> std::convertible_to<std::string>;  // prefix of its metrics
  policy.end_train();  // also where something was thrown, before or after begin_train
  policy.begin_prediction();
  { policy.prediction_waits_for_others() } -> std::same_as<bool>;  // in each of its batches
  { policy.prediction_batches() } -> std::convertible_to<int64_t>;
  policy.prediction_step(n);
  { policy.prediction_metrics(prefix) } -> std::same_as<Metrics>;
  { policy.checkpoint(n) } -> std::same_as<Checkpoint>;  // of that step
  { policy.has_checkpoint(n) } -> std::convertible_to<bool>;
  policy.save_checkpoint(state);                                           // and delete those that are too many
  { policy.take_saved(true) } -> std::same_as<std::optional<Checkpoint>>;  // complete since; whether to wait for it
  policy.finish_checkpoints(state);  // best model loaded, the others deleted where the limit is 1
  { policy.processes() } -> std::same_as<const ProcessEnvironment&>;
  { policy.agreed(Requests()) } -> std::same_as<Requests>;  // those of all processes; all ask at the same time
  policy.leave_with_error(prefix);                          // so that the others do not wait in vain
  policy.things(on_step_end);
};

template <class Handler, StepPolicy Policy>
class Loop {
 public:
  // `args` are resolved. Holds references to handler and policy.
  Loop(const TrainingArguments& args, Handler& handler, Policy& policy)
      : asked_(args),
        args_(with_absolute_intervals(args, plan_of(args, policy.batches_per_epoch()).max_steps)),
        handler_(handler),
        policy_(policy),
        requests_(exchange_of(policy)) {}

  void init() {
    note_ranks();
    telling_others([&] { fire(on_init_end); });
  }

  // Runs to the end: on_train_begin always has its on_train_end, whatever is thrown.
  // With a directory it goes on from the checkpoint there.
  void train(const std::string& from = {}) {
    const InterruptGuard guard;
    while (!try_run(from)) {
    }
    if (const int signal = requests_.signal(); signal != 0) {
      requests_.begin_run();
      throw Interrupted(signal);
    }
  }

  Metrics evaluate() {
    return telling_others([&] {
      std::optional<Metrics> metrics = try_evaluate();
      if (!metrics) throw Interrupted(requests_.signal());
      return *metrics;
    });
  }

  Metrics predict() {
    return telling_others([&] {
      const std::string prefix = policy_.select_evaluation_set(0);
      fire_prediction(on_predict_begin, 0);
      if (!predict_batches()) throw Interrupted(requests_.signal());
      const Metrics metrics = policy_.prediction_metrics(prefix);
      fire(on_predict, metrics);
      return metrics;
    });
  }

  // Adds the epoch, puts the line into the history and lets on_log hear it.
  void log(Logs& logs) { log(logs, /*is_of_training=*/false); }

  const TrainerState& state() const { return state_; }
  const TrainingArguments& args() const { return args_; }
  const Logs& train_metrics() const { return train_metrics_; }  // of the last run

 private:
  // --- Logging ---

  void log(Logs& logs, bool is_of_training) {
    logs["epoch"] = state_.epoch;
    if (state_.epoch == 0) logs["epoch"] = int64_t{0};  // an integer until the first step, as in HuggingFace
    if (args_.include_num_input_tokens_seen != TokensSeen::no) {
      logs["num_input_tokens_seen"] = state_.num_input_tokens_seen;
      if (is_of_training) policy_.add_token_speed(logs, state_);
    }
    Logs entry = logs;
    entry["step"] = state_.global_step;
    state_.log_history.push_back(std::move(entry));
    fire(on_log, logs);
  }

  // --- A run ---

  void begin_run() {
    state_ = TrainerState();
    note_ranks();
    requests_.begin_run();
    control_.stop_reason.clear();
    control_.stopped_by.clear();
    interrupted_ = train_begun_ = train_ended_ = is_predicting_ = false;
    event_ = {};
  }

  void note_ranks() {
    state_.is_world_process_zero = policy_.processes().is_world_process_zero();
    state_.is_local_process_zero = policy_.processes().is_local_process_zero();
  }

  // False when memory ran out and the run is to begin anew with a smaller batch.
  bool try_run(const std::string& from) {
    begin_run();
    try {
      run(from);
      return true;
    } catch (...) {
      const bool may_shrink = args_.auto_find_batch_size && !is_predicting_;
      if (may_shrink && policy_.shrink_train_batch(std::current_exception())) return false;
      fail(std::current_exception());
      throw;
    }
  }

  void run(const std::string& from) {
    plan(from);
    train_begun_ = true;
    fire(on_train_begin);
    if (args_.eval_on_start) try_evaluate();
    note_interrupt();
    for (int64_t epoch = start_.epoch; epoch < state_.num_train_epochs && !interrupted_; ++epoch) {
      run_epoch(epoch);
      if (control_.should_training_stop) break;
    }
    note_interrupt();  // one that came with the last save
    finish();
  }

  void plan(const std::string& from) {
    from.empty() ? begin_state() : take_up(from);
    batches_ = policy_.batches_per_epoch();
    const Plan plan = plan_of(asked_, batches_);
    args_ = with_absolute_intervals(asked_, plan.max_steps);
    state_.max_steps = plan.max_steps;
    state_.num_train_epochs = plan.num_train_epochs;
    from.empty() ? state_.resolve_intervals(args_) : adopt_state(args_, state_);
    last_logged_step_ = state_.global_step;
    start_ = position_of(args_, state_.global_step, batches_);
    policy_.begin_train(state_);
    if (from.empty()) return;
    policy_.restore_checkpoint();
    const Checkpoint checkpoint{.directory = from, .step = state_.global_step};
    fire(on_load_checkpoint, checkpoint);
  }

  void begin_state() {
    state_.train_batch_size = policy_.train_batch_size();
    random_state_waits_ = false;
  }

  void take_up(const std::string& directory) {
    state_ = policy_.read_checkpoint(directory);
    note_ranks();
    if (args_.auto_find_batch_size && state_.train_batch_size) policy_.set_train_batch_size(*state_.train_batch_size);
    if (args_.restore_callback_states_from_checkpoint) restore_callbacks();
    random_state_waits_ = true;
  }

  void restore_callbacks() {
    handler_.load_states(state_.stateful_callbacks);
    warn_of_unknown_callbacks(state_.stateful_callbacks, handler_.states());
    const auto control = state_.stateful_callbacks.find(kControlName);
    if (control != state_.stateful_callbacks.end()) load_state(control->second, control_);
  }

  void run_epoch(int64_t epoch) {
    fire(on_epoch_begin);
    const int64_t passed_over = epoch == start_.epoch ? start_.batches : 0;
    if (passed_over == 0) restore_random_state();
    policy_.begin_epoch(epoch, passed_over);
    for (int64_t first = passed_over; first < batches_; first += args_.gradient_accumulation_steps) {
      run_step(epoch, first);
      if (is_leaving()) break;
    }
    if (batches_ == 0) stop_without_data();
    fire(on_epoch_end);
    requests_.agree(control_);
    note_interrupt();
    log_evaluate_save();
  }

  // As HuggingFace: with dataloader_drop_last a set that is smaller than a batch is no error.
  void stop_without_data() {
    warn("dataloader_drop_last leaves no batch of per_device_train_batch_size examples: nothing is trained");
    control_.should_training_stop = true;
  }

  // Where HuggingFace does: before the pass over the data begins or, in the middle of one, after its first fetch.
  void restore_random_state() {
    if (random_state_waits_) policy_.restore_random_state();
    random_state_waits_ = false;
  }

  void run_step(int64_t epoch, int64_t first) {
    const int64_t substeps = std::min<int64_t>(args_.gradient_accumulation_steps, batches_ - first);
    policy_.begin_step(substeps);
    restore_random_state();
    if (args_.async_save) announce_saved(/*wait=*/false);
    fire(on_step_begin);
    for (int64_t substep = 0; substep < substeps - 1; ++substep) {
      run_substep(substep, substeps);
      fire(on_substep_end);
      // Without a step: gradients and running loss stay as they are. Several processes agree with the gradients first.
      if (is_leaving() && !requests_.is_distributed()) return;
    }
    run_substep(substeps - 1, substeps);
    update_weights();
    ++state_.global_step;
    state_.epoch = static_cast<double>(epoch) + static_cast<double>(first + substeps) / static_cast<double>(batches_);
    fire(on_step_end);
    hold_requests_of_step();
    note_interrupt();
    log_evaluate_save();
  }

  void run_substep(int64_t substep, int64_t substeps) {
    policy_.load_batch(substep);
    fire(on_substep_begin);
    const bool is_last = substep + 1 == substeps;
    if (is_last) requests_.hold(control_, {});
    const int64_t steps_since_log = state_.global_step - last_logged_step_;
    if (policy_.forward_backward(substeps, steps_since_log, is_last, requests_.any())) requests_.exchange();
    requests_.take_up(control_);  // for this step
    if (args_.include_num_input_tokens_seen != TokensSeen::no) state_.num_input_tokens_seen += policy_.input_tokens();
  }

  void update_weights() {
    policy_.collect_gradients();
    fire(on_gradients_ready);
    policy_.clip_gradients();
    fire(on_pre_optimizer_step);
    policy_.optimizer_step();
    fire(on_optimizer_step);
    policy_.scheduler_step();
    policy_.zero_gradients();
  }

  void finish() {
    announce_saved(/*wait=*/true);
    Logs metrics = policy_.train_metrics(state_);
    log(metrics);
    train_metrics_ = std::move(metrics);
    policy_.end_train();
    if (!interrupted_) policy_.finish_checkpoints(state_);  // the checkpoint just written is the one to go on from
    train_ended_ = true;
    fire(on_train_end, run_end_of(state_, control_, interrupted_));
  }

  // The first exception is the one that leaves; what hooks throw on the way is dropped.
  void fail(const std::exception_ptr& exception) {
    const EventName from{event_};
    policy_.leave_with_error(failed_run_end(exception, from).reason);
    policy_.end_train();
    quietly([&] { fire(on_exception, exception, from); });
    if (train_begun_ && !train_ended_) quietly([&] { fire(on_train_end, failed_run_end(exception, from)); });
  }
  static void quietly(auto&& body) {
    try {
      body();
    } catch (...) {
    }
  }

  // --- After a step and after an epoch ---

  void log_evaluate_save() {
    if (control_.should_log && state_.global_step > last_logged_step_) log_training();
    if (control_.should_evaluate && !interrupted_) evaluate_and_note_best();
    if (control_.should_save && (state_.global_step > 0 || !interrupted_)) save();
  }

  void log_training() {
    Logs logs = policy_.train_logs(state_.global_step - last_logged_step_);
    last_logged_step_ = state_.global_step;
    log(logs, /*is_of_training=*/true);
    requests_.agree(control_);
  }

  void evaluate_and_note_best() {
    if (const std::optional<Metrics> metrics = try_evaluate()) {
      requests_.agree(control_);
      if (policy_.scheduler_wants_metric()) policy_.scheduler_step(best_model_metric(args_, *metrics));
      const bool is_best = note_best_metric(args_, *metrics, state_);
      if (args_.save_strategy == SaveStrategy::best) control_.should_save = is_best;  // also takes back what was asked
    }
    note_interrupt();
  }

  void save() {
    note_best_checkpoint();
    // What a checkpoint held of callbacks that this run does not have stays, as in HuggingFace.
    for (auto& [name, callback_state] : handler_.states()) state_.stateful_callbacks[name] = std::move(callback_state);
    state_.stateful_callbacks[kControlName] = state_of(control_);
    announce_saved(/*wait=*/true);  // the one before
    policy_.save_checkpoint(state_);
    control_.should_save = false;  // also where on_save comes later
    announce_saved(/*wait=*/false);
    requests_.agree(control_);
  }

  // The one that is about to be written counts.
  void note_best_checkpoint() {
    const int64_t best = state_.best_global_step.value_or(0);
    if (best == 0 || (best != state_.global_step && !policy_.has_checkpoint(best))) return;
    state_.best_model_checkpoint = policy_.checkpoint(best).directory;
  }

  // One written in the background is announced when it is complete: before a step begins, or the run ends.
  void announce_saved(bool wait) {
    if (const std::optional<Checkpoint> checkpoint = policy_.take_saved(wait)) fire(on_save, *checkpoint);
  }

  // --- Evaluation ---

  // The metrics of all evaluation sets together. Nothing when a signal came in the middle.
  std::optional<Metrics> try_evaluate() {
    Metrics all;
    for (int64_t set = 0; set < policy_.evaluation_sets(); ++set) {
      const std::optional<Metrics> metrics = try_evaluate(policy_.select_evaluation_set(set));
      if (!metrics) return std::nullopt;
      for (const auto& [name, value] : *metrics) all[name] = value;
    }
    return all;
  }

  std::optional<Metrics> try_evaluate(const std::string& prefix) {
    fire_prediction(on_evaluate_begin, 0);
    if (!predict_batches()) return std::nullopt;
    Metrics metrics = policy_.prediction_metrics(prefix);
    log(metrics);
    fire(on_evaluate, std::as_const(metrics));
    return metrics;
  }

  bool predict_batches() {
    is_predicting_ = true;  // until it has succeeded
    policy_.begin_prediction();
    for (int64_t batch = 0; batch < policy_.prediction_batches(); ++batch) {
      policy_.prediction_step(batch);
      fire_prediction(on_prediction_step, batch + 1);
      if (interrupt_signal() != 0 && !policy_.prediction_waits_for_others()) break;
    }
    requests_.agree(control_);
    if (requests_.signal() != 0) return false;
    is_predicting_ = false;
    return true;
  }

  // --- Control and events ---

  // A signal means: stop, and save unless nothing is ever saved.
  void note_interrupt() {
    if (requests_.signal() == 0 || interrupted_) return;
    interrupted_ = true;
    control_.stop_training(std::string("interrupted by ") + signal_name(requests_.signal()));
    control_.stopped_by = signal_name(requests_.signal());
    control_.should_save |= args_.save_strategy != SaveStrategy::no || args_.enable_jit_checkpoint;
  }

  // --- Several processes ---
  //
  // A flag that only some of them see set would have them wait for each other for ever. So what hooks ask for beyond
  // the rules (DefaultFlowCallback's, which are the same everywhere) is held back until all know of it: the gradients
  // tell that there is something, with no collective of its own; one more, in such a step only, says what. What is
  // asked for before the backward of a step is done at its end, what comes later at the end of the next one. After log
  // lines, evaluations, checkpoints and epochs, where all processes meet in any case, it is done at once.

  static std::function<Requests(const Requests&)> exchange_of(Policy& policy) {
    if (!policy.processes().is_distributed()) return {};
    return [&policy](const Requests& mine) { return policy.agreed(mine); };
  }

  void hold_requests_of_step() {
    if (!requests_.is_distributed()) return;
    TrainerControl rules = requests_.forget_taken_up();
    DefaultFlowCallback().on_step_end(args_, state_, rules);
    requests_.hold(control_, rules);
  }

  // What is thrown here ends the other processes, too.
  auto telling_others(auto&& body) {
    try {
      return body();
    } catch (...) {
      policy_.leave_with_error(failed_run_end(std::current_exception(), {}).reason);
      throw;
    }
  }

  bool is_leaving() const { return control_.should_epoch_stop || control_.should_training_stop; }

  template <class Event>
  void fire_prediction(Event event, int64_t batch) {
    const PredictionProgress progress{.batch = batch, .batches = policy_.prediction_batches()};
    fire(event, progress);
  }

  template <class Event, class... Own>
  void fire(Event event, Own&&... own) {
    try {
      const auto things = policy_.things(event);
      // As std::apply, which takes the compiler a second more for all events.
      [&]<std::size_t... i>(std::index_sequence<i...>) {
        handler_.call_event(event, args_, state_, control_, own..., std::get<i>(things)...);
      }(std::make_index_sequence<std::tuple_size_v<decltype(policy_.things(event))>>{});
    } catch (...) {
      if (event_.empty()) event_ = Event::name();
      throw;
    }
  }

  const TrainingArguments asked_;
  TrainingArguments args_;  // with the intervals of the run
  Handler& handler_;
  Policy& policy_;
  TrainerState state_;
  TrainerControl control_;
  RequestsOfAll requests_;
  Logs train_metrics_;
  std::string_view event_;  // from which an exception came
  int64_t batches_ = 0;
  int64_t last_logged_step_ = 0;
  Position start_;                   // of the run
  bool random_state_waits_ = false;  // that of a checkpoint, until it is restored
  bool interrupted_ = false;
  bool is_predicting_ = false;
  bool train_begun_ = false;
  bool train_ended_ = false;
};

}  // namespace downbeat
