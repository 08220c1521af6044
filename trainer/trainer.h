// Trainer: HuggingFace's, for a torch::nn::Module.
//
//   downbeat::Trainer trainer(std::make_shared<Digits>(), args, train, eval,
//                             downbeat::Callbacks(downbeat::EarlyStoppingCallback({.early_stopping_patience = 3})));
//   trainer.compute_loss_func = downbeat::cross_entropy;      // unless forward() itself returns loss and logits
//   trainer.compute_metrics = downbeat::accuracy;
//   const downbeat::TrainOutput out = trainer.train();
//   const downbeat::Metrics metrics = trainer.evaluate();
//
// The model's forward() takes the inputs or the batch (forward.h); a dataset has size() and get(index) or
// get_batch(indices) (dataset.h); the evaluation set may be left out. This header brings no torch/torch.h: include the
// modules that your model uses. Started by torchrun in several processes, each trains on its share of the data and
// averages gradients with the others (distributed/README.md).
//
// Besides what events.h lists, hooks may ask for: the model by its class or as torch::nn::Module& and ProcessGroup&
// (every event); Optimizer& and LRScheduler& (from on_train_begin on); the batch by its class (on_substep_begin);
// Gradients& (on_gradients_ready to on_optimizer_step) and const GradientNorm& (on_pre_optimizer_step,
// on_optimizer_step).
//
// Trainer throws what user code threw, and one sentence (std::exception) where something is not as it should be. With a
// training step that is none of LibTorch's use //callbacks alone and a loop of your own.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "callbacks/callbacks.h"
#include "trainer/data/batch_loader.h"
#include "trainer/data/dataset.h"
#include "trainer/data/dataset_dict.h"
#include "trainer/data/tensor_dataset.h"
#include "trainer/data/torch_dataset.h"
#include "trainer/forward.h"
#include "trainer/loop.h"
#include "trainer/memory.h"
#include "trainer/run.h"
#include "trainer/seed.h"
#include "trainer/torch_step_policy.h"
#include "trainer/trainer_checks.h"

namespace downbeat {

struct TrainOutput {
  int64_t global_step;
  double training_loss;
  Logs metrics;
};

template <class Model, Dataset Train, class Eval>
class BoundStepPolicy : public TorchStepPolicy {
 public:
  using Batch = BatchOf<Train>;

  BoundStepPolicy(std::shared_ptr<Model> model, const TrainingArguments& args, const TrainerFunctions& functions,
                  Train train, Eval eval, const DataCollator<Train>& data_collator)
      : TorchStepPolicy(model, args, functions, train.size(), model_traits<Model, Batch>()),
        model_(std::move(model)),
        train_(std::move(train)),
        eval_(std::move(eval)),
        data_collator_(data_collator),
        loader_([this](Indices indices) { return batch_of(train_, data_collator_, indices); }, workers()) {
    add_evaluation_sets();
  }
  ~BoundStepPolicy() override { drop_prediction_sets(); }

  template <class Event>
  auto things(Event) {
    constexpr bool is_init = std::is_same_v<Event, events::on_init_end>;
    constexpr bool has_batch = std::is_same_v<Event, events::on_substep_begin>;
    constexpr bool has_norm =
        std::is_same_v<Event, events::on_pre_optimizer_step> || std::is_same_v<Event, events::on_optimizer_step>;
    constexpr bool has_gradients = has_norm || std::is_same_v<Event, events::on_gradients_ready>;
    if constexpr (is_init) {
      return std::tie(*model_, model_description(), process_group());
    } else if constexpr (has_batch) {
      return std::tie(*model_, model_description(), process_group(), optimizer(), lr_scheduler(), selected_);
    } else if constexpr (has_norm) {
      return std::tie(*model_, model_description(), process_group(), optimizer(), lr_scheduler(), gradients(),
                      gradient_norm());
    } else if constexpr (has_gradients) {
      return std::tie(*model_, model_description(), process_group(), optimizer(), lr_scheduler(), gradients());
    } else {
      return std::tie(*model_, model_description(), process_group(), optimizer(), lr_scheduler());
    }
  }

  // `data` has to live as long as what is returned.
  template <Dataset D>
  PredictionSet prediction_set(std::string prefix, const D& data, bool gathers_logits = false) {
    const auto make = [this, &data](Indices indices) { return batch_of(data, collator_for<D>(), indices); };
    const auto loader = std::make_shared<BatchLoader<BatchOf<D>>>(make, workers());
    return {.prefix = std::move(prefix),
            .size = data.size(),
            .begin = [loader](const Sampler& sampler) { loader->begin(sampler); },
            .forward_next = [this, loader] { return run(loader->next()); },
            .lengths = [&data] { return lengths_of(data); },
            .gathers_logits = gathers_logits};
  }

 private:
  void add_evaluation_sets() {
    if constexpr (is_dataset_dict<Eval>) {
      for (const auto& [name, data] : eval_.sets()) add_evaluation_set(prediction_set("eval_" + name, data));
    } else if constexpr (!std::is_same_v<Eval, NoDataset>) {
      add_evaluation_set(prediction_set("eval", eval_));
    }
  }

  std::vector<int64_t> train_lengths() const override { return lengths_of(train_); }
  void begin_batches(const Sampler& sampler, int64_t first) override { loader_.begin(sampler, first); }
  void fetch_batches(int64_t count) override {
    fetched_.clear();
    for (int64_t i = 0; i < count; ++i) fetched_.push_back(loader_.next());
  }
  std::optional<int64_t> labels_in_step() const override {
    std::optional<int64_t> labels;
    for (const Batch& batch : fetched_) {
      const std::optional<int64_t> of_batch = count_labels(labels_of(batch), kTraits.counts_shifted());
      if (of_batch) labels = labels.value_or(0) + *of_batch;
    }
    return labels;
  }
  void select_batch(int64_t substep, at::Device device) override {
    selected_ = moved_to(fetched_[static_cast<std::size_t>(substep)], device);
  }
  std::string model_config() const override {
    if constexpr (requires { std::string(std::as_const(*model_).config()); }) return std::as_const(*model_).config();
    return "";
  }
  std::optional<int64_t> tokens_in_selected(bool non_padding) const override {
    return count_tokens(selected_, non_padding);
  }
  ForwardResult forward_selected(std::optional<int64_t> num_items_in_batch) override {
    return forward(*model_, selected_, num_items_in_batch);
  }

  template <class B>
  ForwardResult run(B fetched) {
    const B batch = moved_to(std::move(fetched), device());
    std::optional<int64_t> num_items;
    if constexpr (TakesNumItems<Model, B>) {
      num_items = over_ranks(count_labels(labels_of(batch), kTraits.counts_shifted()));
    }
    return forward(*model_, batch, num_items);
  }
  template <class D>
  DataCollator<D> collator_for() const {
    if constexpr (std::is_same_v<DataCollator<D>, DataCollator<Train>>) {
      return data_collator_;
    } else {
      return {};
    }
  }

  static constexpr ModelTraits kTraits = model_traits<Model, Batch>();
  std::shared_ptr<Model> model_;
  Train train_;
  Eval eval_;
  const DataCollator<Train>& data_collator_;
  std::vector<Batch> fetched_;
  Batch selected_;
  BatchLoader<Batch> loader_;  // last: its threads use the others
};

struct WrongArguments;

template <class Model, class Train, class Eval = NoDataset, class... Cs>
class Trainer {
  static_assert(Dataset<Train> && (Dataset<Eval> || is_dataset_dict<Eval>),
                "downbeat: a dataset has size() and get_batch(indices), or size(), get(index) and, unless examples are "
                "{inputs, labels}, collate(examples)");
  template <class D>
  static constexpr bool can_take() {
    if constexpr (std::is_same_v<D, NoDataset>) return true;
    if constexpr (Dataset<D>) return TakesEither<Model, BatchOf<D>>;
    if constexpr (is_dataset_dict<D>) return TakesEither<Model, BatchOf<DatasetIn<D>>>;
    return true;
  }
  static_assert(
      can_take<Train>() && can_take<Eval>(),
      "downbeat: the model has no forward() that takes what the dataset gives, neither batch.inputs nor batch");

  using Handler = CallbackHandler<DefaultFlowCallback, Cs..., std::optional<ProgressCallback>,
                                  std::optional<PrinterCallback>, DynamicCallbacks>;
  using Policy = BoundStepPolicy<Model, Train, Eval>;

  template <class Tuple>
  struct AsTypes;
  template <class... Things>
  struct AsTypes<std::tuple<Things...>> {
    using type = contract::types<Things...>;
  };
  template <class Event>
  struct ThingsOf : AsTypes<decltype(std::declval<Policy&>().things(Event{}))> {};
  static_assert(Handler::template fits<ThingsOf>());

 public:
  // Throws std::invalid_argument with one sentence when the arguments are not valid or do not go together with the
  // rest.
  Trainer(std::shared_ptr<Model> model, const TrainingArguments& args, Train train, Eval eval,
          CallbackHandler<Cs...> callbacks = CallbackHandler<>())
      : args_(checked(args)),
        policy_(std::move(model), args_, functions_, std::move(train), std::move(eval), data_collator),
        handler_(with_default_callbacks(args_, std::move(callbacks))),
        loop_(args_, handler_, policy_) {
    loop_.init();
  }
  Trainer(std::shared_ptr<Model> model, const TrainingArguments& args, Train train,
          CallbackHandler<Cs...> callbacks = CallbackHandler<>())
    requires std::is_same_v<Eval, NoDataset>
      : Trainer(std::move(model), args, std::move(train), NoDataset{}, std::move(callbacks)) {}

  Trainer(const Trainer&) = delete;  // its parts know each other; keep it in a std::unique_ptr to pass it on
  Trainer& operator=(const Trainer&) = delete;

  // Trains from the first step or, where args.resume_from_checkpoint says so, from a checkpoint: its directory; true
  // for the newest one in output_dir; auto for that if there is one. A signal or an exception leaves after
  // on_train_end.
  TrainOutput train() { return train(args_.resume_from_checkpoint.value_or("false")); }
  TrainOutput train(const std::string& resume_from_checkpoint) {
    loop_.train(policy_.checkpoint_to_resume(resume_from_checkpoint));
    return {loop_.state().global_step, loop_.train_metrics().value_or("train_loss", 0.0), loop_.train_metrics()};
  }

  // Metrics of the evaluation set, with the prefix eval_; of another one.
  Metrics evaluate() {
    if constexpr (std::is_same_v<Eval, NoDataset>) {
      throw std::invalid_argument("evaluate() needs an evaluation set: give one to Trainer or to evaluate(dataset)");
    }
    return loop_.evaluate();
  }
  template <Dataset D>
  Metrics evaluate(const D& dataset, const std::string& metric_key_prefix = "eval") {
    const PredictionSetGuard guard = use(dataset, metric_key_prefix, /*gathers_logits=*/false);
    return loop_.evaluate();
  }

  // Logits, labels and metrics of a dataset; nothing is logged.
  template <Dataset D>
  PredictionOutput predict(const D& dataset, const std::string& metric_key_prefix = "test") {
    const PredictionSetGuard guard = use(dataset, metric_key_prefix, /*gathers_logits=*/true);
    Metrics metrics = loop_.predict();
    EvalPrediction prediction = policy_.prediction();
    return {std::move(prediction.predictions), std::move(prediction.label_ids), std::move(metrics)};
  }

  // Adds the epoch and lets every on_log hear it, as the loop's own lines.
  void log(Logs logs) { loop_.log(logs); }

  // model.safetensors and training_args.json, without the rest of a checkpoint.
  void save_model(const std::string& directory) { policy_.save_model(directory); }
  void save_model() { save_model(args_.output_dir); }

  const TrainerState& state() const { return loop_.state(); }
  bool is_world_process_zero() const { return state().is_world_process_zero; }  // the first of all processes
  bool is_local_process_zero() const { return state().is_local_process_zero; }  // the first of this machine
  ProcessGroup& process_group() { return policy_.process_group(); }             // also where a process is alone
  const TrainingArguments& args() const { return loop_.args(); }

  // The static tuple: trainer.callbacks().get<EarlyStoppingCallback>().counter().
  Handler& callbacks() { return handler_; }

  // Callbacks of run time come last in the order, as in HuggingFace. A plain callback is wrapped.
  template <class C>
  void add_callback(C callback) {
    handler_.template get<DynamicCallbacks>().add_callback(std::move(callback));
  }
  template <class C>
  void add_callback() {
    handler_.template get<DynamicCallbacks>().template add_callback<C>();
  }
  template <class C>
  auto pop_callback() {
    check_is_dynamic<C>();
    return handler_.template get<DynamicCallbacks>().template pop_callback<C>();
  }
  // ProgressCallback and PrinterCallback can be removed too: Trainer put them there by itself.
  template <class C>
  void remove_callback() {
    if constexpr (std::is_same_v<C, ProgressCallback> || std::is_same_v<C, PrinterCallback>) {
      remove_own_callback<C>();
    } else {
      check_is_dynamic<C>();
      handler_.template get<DynamicCallbacks>().template remove_callback<C>();
    }
  }

 private:
  struct PredictionSetGuard {
    Policy& policy;
    ~PredictionSetGuard() { policy.reset_prediction_set(); }
  };
  template <class D>
  PredictionSetGuard use(const D& dataset, const std::string& prefix, bool gathers_logits) {
    static_assert(can_take<D>(), "downbeat: the model has no forward() that takes what this dataset gives");
    policy_.use_prediction_set(policy_.prediction_set(prefix, dataset, gathers_logits));
    return {policy_};
  }

  template <class C>
  static constexpr void check_is_dynamic() {
    static_assert(
        !CallbackHandler<DefaultFlowCallback, Cs...>::template has<C>(),
        "downbeat: this callback is part of the static tuple and cannot be removed at run time; leave it out, "
        "or call remove<T>() on the callbacks before Trainer is constructed");
  }
  template <class C>
  void remove_own_callback() {
    boost::hana::for_each(handler_.held(), [](auto& held) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(held)>, std::optional<C>>) held.reset();
    });
  }

  static TrainingArguments checked(const TrainingArguments& args) {
    return checked_arguments(args, !std::is_same_v<Eval, NoDataset>, claimed_trackers<Cs...>());
  }

  // HuggingFace's order: default flow, the user's (reporters first), progress or printer, what is added at run time.
  static Handler with_default_callbacks(const TrainingArguments& args, CallbackHandler<Cs...> callbacks) {
    std::optional<ProgressCallback> progress;
    std::optional<PrinterCallback> printer;
    args.disable_tqdm.value_or(false) ? void(printer.emplace()) : void(progress.emplace());
    return Callbacks(DefaultFlowCallback{}, std::move(callbacks), std::move(progress), std::move(printer),
                     DynamicCallbacks{});
  }

  TrainingArguments args_;  // resolved
  TrainerFunctions functions_;

 public:
  // Set before train() or evaluate(); HuggingFace's names.
  ComputeLoss& compute_loss_func = functions_.compute_loss_func;
  ComputeMetrics& compute_metrics = functions_.compute_metrics;
  PreprocessLogitsForMetrics& preprocess_logits_for_metrics = functions_.preprocess_logits_for_metrics;
  DataCollator<Train> data_collator{};  // replaces the dataset's collate
  // Evaluation under c10::InferenceMode in place of no_grad, as Lightning's argument: up to 5 % faster where the model
  // is small. Not for a model that keeps a tensor of an evaluation for training, such as a mask made at first use.
  bool& inference_mode = functions_.inference_mode;

 private:
  Policy policy_;
  Handler handler_;
  Loop<Handler, Policy> loop_;
};

template <class Model, class Train, class... Cs>
Trainer(std::shared_ptr<Model>, const TrainingArguments&, Train, CallbackHandler<Cs...>)
    -> Trainer<Model, Train, NoDataset, Cs...>;
template <class Model, class Train>
Trainer(std::shared_ptr<Model>, const TrainingArguments&, Train) -> Trainer<Model, Train, NoDataset>;
template <class Model, class Train, class Eval>
Trainer(std::shared_ptr<Model>, const TrainingArguments&, Train, Eval) -> Trainer<Model, Train, Eval>;
template <class Model, class Train, class Eval, class... Cs>
Trainer(std::shared_ptr<Model>, const TrainingArguments&, Train, Eval, CallbackHandler<Cs...>)
    -> Trainer<Model, Train, Eval, Cs...>;

// What no constructor takes ends here, so that it is one sentence.
template <class... Given>
Trainer(Given...) -> Trainer<WrongArguments, void, void, Given...>;
template <class... Given>
class Trainer<WrongArguments, void, void, Given...> {
  static_assert(sizeof...(Given) < 0,
                "downbeat: a Trainer is made of (std::shared_ptr<Model>, TrainingArguments, train dataset[, eval "
                "dataset][, Callbacks(...)])");

 public:
  explicit Trainer(Given...);
};

}  // namespace downbeat
