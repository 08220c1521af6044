#include "trainer/distributed/gradient_reducer.h"

#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
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

#include "callbacks/vocabulary/message.h"
#include "trainer/data/divided_up.h"
#include "trainer/distributed/agreement.h"

namespace downbeat {
namespace {

constexpr int64_t kMiB = 1 << 20;

using Members = std::vector<std::vector<std::size_t>>;  // of each bucket: indices of parameters

struct BucketBytes {
  int64_t first, others;
};

BucketBytes bucket_bytes(const GradientReducer::Settings& settings) {
  const int64_t bytes = settings.bucket_cap_mb.value_or(c10d::kDefaultBucketBytesCap / kMiB) * kMiB;
  return {settings.bucket_cap_mb ? bytes : c10d::kDefaultFirstBucketBytes, bytes};
}

// DistributedDataParallel's: without unused parameters there is one bucket until the first backward has shown in which
// order gradients come; otherwise the order of the model stands, the last layers first.
Members assign_buckets(const std::vector<at::Tensor>& parameters, const GradientReducer::Settings& settings) {
  const BucketBytes bytes = bucket_bytes(settings);
  std::vector<std::size_t> limits = {std::numeric_limits<int64_t>::max()};
  if (settings.find_unused_parameters) {
    limits = {static_cast<std::size_t>(bytes.others)};
    if (bytes.first < bytes.others) limits.insert(limits.begin(), static_cast<std::size_t>(bytes.first));
  }
  auto members = std::get<0>(c10d::compute_bucket_assignment_by_size(parameters, limits));
  std::reverse(members.begin(), members.end());
  return members;
}

// Bytes between two borders at which Gloo's ring cuts a reduction: at least two pieces a rank, of 1 MiB at most
// (gloo/allreduce.cc). A sum begins at another rank in each piece.
int64_t bytes_in_piece(int64_t elements, int64_t element_size, int64_t ranks) {
  const int64_t least = divided_up(elements * element_size, kMiB);
  const int64_t pieces = divided_up(std::max(least, 2 * ranks), ranks) * ranks;
  return divided_up(divided_up(elements * element_size, pieces), element_size) * element_size;
}

// Do the sums in a bucket keep their order with a number more at its end?
bool has_room_for_one_more(const std::vector<at::Tensor>& bucket, int64_t ranks) {
  if (ranks == 2) return true;  // a sum of two knows no order
  int64_t elements = 0;
  for (const at::Tensor& tensor : bucket) elements += tensor.numel();
  const int64_t size = bucket.front().element_size();
  return bytes_in_piece(elements, size, ranks) == bytes_in_piece(elements + 1, size, ranks);
}

// c10d warns once on each rank that all parameters are used, of a setting that is the default here.
class QuietReducer : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override {
    const bool is_known = absl::StrContains(warning.msg(), "find_unused_parameters=True was specified");
    if (!is_known) return warn(warning.msg());
    info("all parameters have a part in the loss: ddp_find_unused_parameters=false saves a walk through the graph");
  }
};

}  // namespace

GradientReducer::GradientReducer(ProcessGroup& group, const torch::nn::Module& model, NamedParameters parameters,
                                 const Settings& settings)
    : group_(group), parameters_(std::move(parameters)), settings_(settings) {
  check_agreement(model);
  buffers_ = model.buffers();
  group_.broadcast(model.parameters(), /*from=*/0, "the parameters of rank 0");
  broadcast_buffers();
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : parameters_) tensors.push_back(parameter.second);
  Members members = assign_buckets(tensors, settings_);
  if (settings_.carries_signal) make_signal_carrier(members.back());
  make_reducer(std::move(members));
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

void GradientReducer::make_reducer(Members members) {
  std::vector<at::Tensor> tensors;
  std::unordered_map<std::size_t, std::string> names;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    names[tensors.size()] = name;
    tensors.push_back(tensor);
  };
  for (const auto& [name, tensor] : parameters_) add(name, tensor);
  if (signal_rides_) {
    members.back().push_back(tensors.size());
    add("signal", signal_carrier_);
  }
  const BucketBytes bytes = bucket_bytes(settings_);
  const std::vector<bool> expects_sparse(tensors.size(), false);
  reducer_ = std::make_shared<c10d::Reducer>(
      std::move(tensors), members, group_.c10d_group(), expects_sparse, bytes.others, settings_.find_unused_parameters,
      settings_.gradient_as_bucket_view, std::move(names), bytes.first, /*skip_all_reduce_unused_params=*/false,
      /*use_python_reducer=*/false, /*bucket_bytes_cap_list=*/std::vector<int64_t>{});
}

void GradientReducer::make_signal_carrier(const std::vector<std::size_t>& last_bucket) {
  std::vector<at::Tensor> bucket;
  for (const std::size_t index : last_bucket) bucket.push_back(parameters_[index].second);
  signal_value_ = at::zeros({1}, bucket.front().options().requires_grad(false));
  signal_carrier_ = at::zeros_like(signal_value_).requires_grad_();
  signal_rides_ = has_room_for_one_more(bucket, group_.world_size());
}

// The buckets have just been made anew in the order of gradients. Where the signal has no room in the last of these,
// another reducer goes on with them without it.
void GradientReducer::keep_sums_in_rebuilt_buckets() {
  if (!signal_rides_) return;
  Members members;
  std::vector<at::Tensor> bucket;
  for (const c10d::GradBucket& rebuilt : reducer_->get_grad_buckets()) {
    bucket.clear();
    std::vector<std::size_t> indices;
    for (const at::Tensor& tensor : rebuilt.getParameters()) {
      if (tensor.is_same(signal_carrier_)) continue;
      const auto is_it = [&](const auto& parameter) { return parameter.second.is_same(tensor); };
      indices.push_back(std::find_if(parameters_.begin(), parameters_.end(), is_it) - parameters_.begin());
      bucket.push_back(tensor);
    }
    if (!indices.empty()) members.push_back(std::move(indices));
  }
  if (bucket.empty() || has_room_for_one_more(bucket, group_.world_size())) return;
  signal_rides_ = false;
  make_reducer(std::move(members));
}

void GradientReducer::before_forward(bool is_last_substep) {
  reduces_ = is_last_substep;
  if (reduces_) reducer_->prepare_for_forward();
  if (reduces_ && signal_rides_) signal_term_ = (signal_carrier_ * signal_value_).sum();
  if (!settings_.broadcast_buffers || !std::exchange(buffers_may_differ_, false)) return;
  broadcast_buffers();
}

bool GradientReducer::backward(const at::Tensor& loss, bool signal) {
  if (!reduces_) {
    loss.backward();
    return false;
  }
  buffers_may_differ_ = true;
  group_.wait_for("the gradients of all ranks", [&] {
    const at::Tensor root = with_signal(loss, signal);
    const auto beside = reduce_signal_beside();
    prepare_for_backward(root);
    root.backward();
    check_all_were_used();
    if (beside) beside->wait();
  });
  const bool is_given = settings_.carries_signal && take_signal();
  if (was_rebuilt_) keep_sums_in_rebuilt_buckets();
  return is_given;
}

void GradientReducer::prepare_for_backward(const at::Tensor& root) {
  QuietReducer handler;
  const c10::WarningUtils::WarningHandlerGuard guard(&handler);
  reducer_->prepare_for_backward(settings_.find_unused_parameters ? std::vector<at::Tensor>{root}
                                                                  : std::vector<at::Tensor>{});
}

at::Tensor GradientReducer::with_signal(const at::Tensor& loss, bool signal) {
  // .data(), as the graph of this step has seen the tensor already.
  if (settings_.carries_signal) signal_value_.data().fill_(signal ? 1 : 0);
  return signal_rides_ ? loss + std::exchange(signal_term_, at::Tensor()) : loss;
}

c10::intrusive_ptr<c10d::Work> GradientReducer::reduce_signal_beside() {
  if (!settings_.carries_signal || signal_rides_) return {};
  std::vector<at::Tensor> one = {signal_value_};
  return group_.c10d_group()->allreduce(one);
}

bool GradientReducer::take_signal() {
  const at::Tensor sum = signal_rides_ ? signal_carrier_.grad() : signal_value_;
  const bool is_given = sum.item<double>() > 0;
  signal_carrier_.mutable_grad().reset();
  return is_given;
}

// What the reducer checks before it rebuilds its buckets. Python does both before the next forward, when the optimizer
// has used the gradients already.
void GradientReducer::check_all_were_used() {
  try {
    was_rebuilt_ = reducer_->rebuild_buckets();
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
