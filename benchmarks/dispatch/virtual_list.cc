// Downbeat's DynamicCallbackHandler: a list of objects with virtual functions, as most C++ trainers have.
#include <memory>
#include <type_traits>
#include <vector>

#include "benchmarks/dispatch/dispatch.h"
#include "callbacks/pipeline/dynamic_callback_handler.h"
#include "callbacks/vocabulary/message.h"

namespace downbeat::dispatch {
namespace {

template <class Callback>
struct VirtualHeard final : DynamicCallback {
  Callback callback;
  void on_step_end(const TrainingArguments&, const TrainerState& state, TrainerControl&) override {
    callback.on_step_end(state);
  }
};
template <class Callback>
struct VirtualUnheard final : DynamicCallback {
  Callback callback;
  void on_push_begin(const TrainingArguments&, const TrainerState&, TrainerControl&) override {
    callback.on_push_begin();
  }
};

template <class Callback, std::size_t count>
class VirtualList {
  using Virtual = std::conditional_t<Callback::is_heard, VirtualHeard<Callback>, VirtualUnheard<Callback>>;

 public:
  VirtualList() {
    for (std::size_t i = 0; i < count; ++i) handler_.add_callback(callbacks_.emplace_back(std::make_shared<Virtual>()));
  }
  DISPATCH_EVENT event(World& world) { handler_.on_step_end(world.args, world.state, world.control); }
  bool callbacks_are(const Callback& expected) const {
    return std::all_of(callbacks_.begin(), callbacks_.end(),
                       [&](const auto& own) { return own->callback == expected; });
  }

 private:
  ScopedMessageCapture silence_;  // many of one class, and no DefaultFlowCallback
  DynamicCallbackHandler handler_;
  std::vector<std::shared_ptr<Virtual>> callbacks_;
};

REGISTER_RIVAL(VirtualList, "virtual_list");

}  // namespace
}  // namespace downbeat::dispatch
