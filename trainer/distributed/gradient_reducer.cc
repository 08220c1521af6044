#include "trainer/distributed/gradient_reducer.h"

#include <ATen/ops/zeros.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <utility>

#include "trainer/distributed/agreement.h"

namespace downbeat {
namespace {

constexpr int64_t kMiB = 1 << 20;

struct Buckets {
  int64_t first_bytes, bytes;
  std::vector<std::vector<std::size_t>> members;  // indices of parameters
};

// DistributedDataParallel's: without unused parameters there is one bucket until the first backward has shown in which
// order gradients come; otherwise the order of the model stands, the last layers first.
Buckets assign_buckets(const std::vector<at::Tensor>& parameters, const GradientReducer::Settings& settings) {
  const int64_t bytes = settings.bucket_cap_mb.value_or(c10d::kDefaultBucketBytesCap / kMiB) * kMiB;
  const int64_t first_bytes = settings.bucket_cap_mb ? bytes : c10d::kDefaultFirstBucketBytes;
  std::vector<std::size_t> limits = {std::numeric_limits<int64_t>::max()};
  if (settings.find_unused_parameters) {
    limits = {static_cast<std::size_t>(bytes)};
    if (first_bytes < bytes) limits.insert(limits.begin(), static_cast<std::size_t>(first_bytes));
  }
  auto members = std::get<0>(c10d::compute_bucket_assignment_by_size(parameters, limits));
  std::reverse(members.begin(), members.end());
  return {first_bytes, bytes, std::move(members)};
}

}  // namespace

GradientReducer::GradientReducer(ProcessGroup& group, const torch::nn::Module& model, NamedParameters parameters,
                                 const Settings& settings)
    : group_(group), parameters_(std::move(parameters)), settings_(settings) {
  check_agreement(model);
  buffers_ = model.buffers();
  group_.broadcast(model.parameters(), /*from=*/0, "the parameters of rank 0");
  broadcast_buffers();
  make_reducer();
}

GradientReducer::~GradientReducer() = default;

void GradientReducer::check_agreement(const torch::nn::Module& model) {
  NamedParameters all;
  for (const auto& item : model.named_parameters()) {
    const char* role = item.value().requires_grad() ? "parameter " : "frozen parameter ";
    all.emplace_back(role + item.key(), item.value());
  }
  for (const auto& item : model.named_buffers()) all.emplace_back("buffer " + item.key(), item.value());
  check_same_on_all_ranks(group_, "the model's parameters and buffers", describe_tensors(all));
}

void GradientReducer::broadcast_buffers() { group_.broadcast(buffers_, /*from=*/0, "the buffers of rank 0"); }

void GradientReducer::make_reducer() {
  std::vector<at::Tensor> tensors;
  std::unordered_map<std::size_t, std::string> names;
  if (settings_.signals > 0) {
    signal_values_ = at::zeros({settings_.signals});
    signal_carrier_ = at::zeros({settings_.signals}).requires_grad_();
    names[0] = "signals";
    tensors.push_back(signal_carrier_);
  }
  for (const auto& [name, tensor] : parameters_) {
    names[tensors.size()] = name;
    tensors.push_back(tensor);
  }
  const Buckets buckets = assign_buckets(tensors, settings_);
  const std::vector<bool> expects_sparse(tensors.size(), false);
  reducer_ = std::make_shared<c10d::Reducer>(std::move(tensors), buckets.members, group_.c10d_group(), expects_sparse,
                                             buckets.bytes, settings_.find_unused_parameters,
                                             settings_.gradient_as_bucket_view, std::move(names), buckets.first_bytes,
                                             /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
                                             /*bucket_bytes_cap_list=*/std::vector<int64_t>{});
}

void GradientReducer::before_forward(bool is_last_substep) {
  reduces_ = is_last_substep;
  if (reduces_) reducer_->prepare_for_forward();
  if (reduces_ && settings_.signals > 0) signal_term_ = (signal_carrier_ * signal_values_).sum();
  if (!settings_.broadcast_buffers || !std::exchange(buffers_may_differ_, false)) return;
  broadcast_buffers();
}

void GradientReducer::backward(const at::Tensor& loss, std::span<float> signals) {
  if (!reduces_) {
    loss.backward();
    return;
  }
  buffers_may_differ_ = true;
  group_.wait_for("the gradients of all ranks", [&] {
    const at::Tensor root = with_signals(loss, signals);
    reducer_->prepare_for_backward(settings_.find_unused_parameters ? std::vector<at::Tensor>{root}
                                                                    : std::vector<at::Tensor>{});
    root.backward();
    check_all_were_used();
  });
  take_signals(signals);
}

at::Tensor GradientReducer::with_signals(const at::Tensor& loss, std::span<const float> signals) {
  if (static_cast<int64_t>(signals.size()) != settings_.signals) {
    throw std::invalid_argument(absl::StrCat("GradientReducer: ", signals.size(), " signals are given, ",
                                             settings_.signals, " were announced"));
  }
  if (signals.empty()) return loss;
  std::copy(signals.begin(), signals.end(), signal_values_.mutable_data_ptr<float>());
  return loss + std::exchange(signal_term_, at::Tensor());
}

void GradientReducer::take_signals(std::span<float> signals) {
  if (signals.empty()) return;
  std::copy_n(signal_carrier_.grad().const_data_ptr<float>(), signals.size(), signals.begin());
  signal_carrier_.mutable_grad().reset();
}

// What the reducer checks before it rebuilds its buckets. Python does both before the next forward, when the optimizer
// has used the gradients already.
void GradientReducer::check_all_were_used() {
  try {
    reducer_->rebuild_buckets();
  } catch (const c10::Error& error) {
    if (!absl::StrContains(error.msg(), "Expected to have finished reduction")) throw;
    refuse_unused();
  }
}

void GradientReducer::refuse_unused() {
  std::vector<std::string> unused;
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) unused.push_back(name);
  }
  const std::string sentence =
      absl::StrCat("the loss of rank ", group_.rank(), " does not use all of the model's parameters (",
                   absl::StrJoin(unused, ", "), "); set ddp_find_unused_parameters=true if that is meant");
  group_.leave_with_error(sentence);
  throw std::invalid_argument(sentence);
}

}  // namespace downbeat
