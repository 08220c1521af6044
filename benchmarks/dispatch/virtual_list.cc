// Downbeat's DynamicCallbackHandler: a list of objects with virtual functions, as Python's and most C++ trainers have.
#include <memory>
#include <type_traits>
#include <vector>

#include "benchmarks/dispatch/dispatch.h"
#include "callbacks/pipeline/dynamic_callback_handler.h"
#include "callbacks/vocabulary/message.h"

namespace downbeat::dispatch {
namespace {

struct VirtualCounter : DynamicCallback {
  int64_t sum = 0;
};
struct VirtualHeard final : VirtualCounter {
  void on_step_end(const TrainingArguments&, const TrainerState& state, TrainerControl&) override {
    sum += state.global_step;
  }
};
struct VirtualUnheard final : VirtualCounter {
  void on_push_begin(const TrainingArguments&, const TrainerState&, TrainerControl&) override { ++sum; }
};

template <class Callback, std::size_t count>
class VirtualList {
  using Virtual = std::conditional_t<std::is_same_v<Callback, Heard>, VirtualHeard, VirtualUnheard>;

 public:
  VirtualList() {
    for (std::size_t i = 0; i < count; ++i) handler_.add_callback(callbacks_.emplace_back(std::make_shared<Virtual>()));
  }
  DISPATCH_STEP step(World& world) {
    handler_.on_step_begin(world.args, world.state, world.control);
    handler_.on_pre_optimizer_step(world.args, world.state, world.control);
    handler_.on_optimizer_step(world.args, world.state, world.control);
    handler_.on_step_end(world.args, world.state, world.control);
  }
  int64_t sum() const {
    int64_t all = 0;
    for (const auto& callback : callbacks_) all += callback->sum;
    return all;
  }

 private:
  ScopedMessageCapture silence_;  // many of one class, and no DefaultFlowCallback
  DynamicCallbackHandler handler_;
  std::vector<std::shared_ptr<Virtual>> callbacks_;
};

REGISTER_RIVAL(VirtualList, "virtual_list");

}  // namespace
}  // namespace downbeat::dispatch
