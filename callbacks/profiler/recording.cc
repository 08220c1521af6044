#include "callbacks/profiler/recording.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>

namespace downbeat::profiler {
namespace {

constexpr std::size_t kUsualDepth = 16;

bool is_same(const ObservedCallback& one, const ObservedCallback& other) {
  const bool is_twin = one.type == other.type && one.key == other.key;
  return is_twin && (!one.key.empty() || one.position == other.position);
}

}  // namespace

Recording::Recording(Clock clock, int64_t max_slices) : clock_(clock), slices_(max_slices) {
  open_.reserve(kUsualDepth);
}

void Recording::before_event(Event event) {
  const int64_t now = clock_();
  if (open_.empty()) begin_outermost(event, now);
  open_.push_back({.begin = now, .slice = nullptr, .callback = 0, .is_heard = false});
}

void Recording::begin_outermost(Event event, int64_t now) {
  if (before_) {
    add_phase(phase_between(*before_, event), now);
  } else {
    begin_ = phase_begin_ = now;
  }
  const bool is_step = event == Event::on_step_begin;
  if (is_step || event == Event::on_epoch_end || event == Event::on_train_end || event == Event::on_exception) {
    end_step(now);
  }
  if (!is_step) return;
  step_ = slices_.add({now, now, static_cast<uint32_t>(++steps_), event, Slice::Kind::step});
}

void Recording::before_hook(Event event, const ObservedCallback& callback) {
  const std::size_t number = number_of(callback);
  note_heard(event);
  const int64_t now = clock_();
  Slice* slice = slices_.add({now, now, static_cast<uint32_t>(number), event, Slice::Kind::hook});
  open_.push_back({.begin = now, .slice = slice, .callback = number, .is_heard = true});
}

void Recording::note_heard(Event event) {
  Open& open = open_.back();
  if (open.is_heard) return;
  open.is_heard = true;
  open.slice = slices_.add({open.begin, open.begin, 0, event, Slice::Kind::event});
}

void Recording::after_hook(Event event) {
  const int64_t now = clock_();
  const Open hook = open_.back();
  open_.pop_back();
  if (hook.slice != nullptr) hook.slice->end = now;
  callbacks_[hook.callback].events[static_cast<std::size_t>(event)].add(now - hook.begin);
  if (open_.size() == 1) hooks_.add(now - hook.begin);
}

// An event that nobody hears is but a mark between two phases.
void Recording::after_event(Event event) {
  const Open open = open_.back();
  open_.pop_back();
  if (open.is_heard) {
    const int64_t now = clock_();
    if (open.slice != nullptr) open.slice->end = now;
    if (open_.empty()) add_phase(Phase::callbacks, now);
  }
  if (open_.empty()) before_ = event;
}

void Recording::stop_before(Event event) {
  if (before_) add_phase(phase_between(*before_, event), clock_());
  stop();
}

void Recording::stop() {
  end_step(phase_begin_);
  end_ = phase_begin_;
}

void Recording::add_phase(Phase phase, int64_t until) {
  slices_.add({phase_begin_, until, static_cast<uint32_t>(phase), Event{}, Slice::Kind::phase});
  phases_[static_cast<std::size_t>(phase)].add(until - phase_begin_);
  phase_begin_ = until;
}

void Recording::end_step(int64_t now) {
  if (step_ != nullptr) step_->end = now;
  step_ = nullptr;
}

// A handler that grew or shrank in the middle of the run has other callbacks at its positions.
std::size_t Recording::number_of(const ObservedCallback& callback) {
  if (callback.position >= known_.size()) known_.resize(callback.position + 1);
  Known& known = known_[callback.position];
  if (known.observed == &callback) return known.number;
  const auto found = std::find_if(callbacks_.begin(), callbacks_.end(),
                                  [&](const Callback& other) { return is_same(other.observed, callback); });
  known = {&callback, static_cast<std::size_t>(found - callbacks_.begin())};
  if (found == callbacks_.end()) callbacks_.push_back({callback, label_of(callback), {}});
  return known.number;
}

std::string Recording::label_of(const ObservedCallback& callback) const {
  const std::string name = absl::StrReplaceAll(std::string(callback.type),  // as g++ and clang++ say it
                                               {{"{anonymous}::", ""}, {"(anonymous namespace)::", ""}});
  if (!callback.key.empty()) return absl::StrCat(name, "[", std::string(callback.key), "]");
  const auto twins = std::count_if(callbacks_.begin(), callbacks_.end(), [&](const Callback& other) {
    return other.observed.type == callback.type && other.observed.key.empty();
  });
  return twins == 0 ? name : absl::StrCat(name, "[", twins + 1, "]");
}

}  // namespace downbeat::profiler
