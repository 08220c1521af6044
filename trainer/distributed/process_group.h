// ProcessGroup: the processes of a run, started by torchrun, and what they tell each other: c10d's process group, the
// engine of Python's torch.distributed.
//
//   downbeat::ProcessGroup group(*downbeat::read_process_environment(), std::chrono::seconds(args.ddp_timeout));
//   at::Tensor loss = ...;
//   group.all_reduce(loss, downbeat::Reduction::mean);
//   group.finish();
//
// Everything below "collectives" must be called by all ranks in the same order, and not from several threads. What ends
// in vain, because a rank died, left, or did not come in time, is one std::runtime_error that says what was waited for
// and names the ranks to blame. Only CPU tensors (Gloo).
//
// A process that is alone (world_size 1) may have a group, too, so that code need not ask: it meets nobody, its
// collectives return at once, and it costs nothing.
//
// From the first group of several on SIGPIPE no longer ends the process, as in Python: a rank that died would take
// others along.
//
// For the gradients of a training use GradientReducer (gradient_reducer.h). This header brings none of c10d's.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/distributed/process_environment.h"

namespace c10d {
class ProcessGroup;
}

namespace downbeat {

enum class Reduction { sum, mean, min, max };

class ProcessGroup {
 public:
  // For callbacks: all ranks have to use it together, so that only one that runs on every rank may ask for it.
  static constexpr bool is_collective = true;

  // Meets all other ranks: blocks until they are there. Every rank makes its groups in the same order; a second one in
  // the same process, after the end of the first, needs torchrun's store. `timeout` of this and of every collective:
  // HuggingFace's ddp_timeout.
  explicit ProcessGroup(const ProcessEnvironment& environment,
                        std::chrono::seconds timeout = std::chrono::seconds(1800));
  // finish(), unless it was called, an exception is on its way, or the ranks have failed; a failure is a warning.
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const;
  int world_size() const;
  bool is_distributed() const { return world_size() > 1; }
  const ProcessEnvironment& environment() const;

  // --- Collectives ---

  // Returns when all ranks are there. `what` is what the sentence of a failure says was waited for: "the end of the
  // evaluation".
  void barrier(const std::string& what, std::optional<std::chrono::seconds> timeout = std::nullopt);

  // The tensors of rank `from` into those of the others, which have the same shapes and types, in place. `what` as in
  // barrier; unless given, "what rank 0 broadcasts".
  void broadcast(const std::vector<at::Tensor>& tensors, int from = 0, const std::string& what = "");
  // The text of rank `from` on every rank.
  std::string broadcast_text(const std::string& text, int from = 0);

  // Element by element over all ranks, in place. Same shapes and types everywhere; a mean wants floating point.
  void all_reduce(const at::Tensor& tensor, Reduction reduction);

  // The tensors of all ranks, one after the other along the first dimension, in which they may differ in length (0
  // too); a tensor of no dimensions counts as [1]. Throws std::invalid_argument, on every rank, if they differ
  // otherwise.
  at::Tensor all_gather(const at::Tensor& tensor);

  // The last collective, a barrier: whoever leaves first would break the others' connections. Nothing may follow.
  void finish();

  // --- Between ranks, without all of them ---

  // A text for all ranks to read. `key` is free to choose; keys of an attempt are not seen by the next one
  // (TORCHELASTIC_RESTART_COUNT).
  void set(const std::string& key, const std::string& value);
  // Waits until it is there.
  std::string get(const std::string& key);
  // What an earlier attempt of torchrun set, whose store outlives a restart; unless there is one, `value` for those to
  // come.
  std::string first_set(const std::string& key, const std::string& value);

  // Tells the others why this rank leaves, so that their sentence can say it: for exceptions that are not the group's.
  // The destructor then does not wait for anyone.
  void leave_with_error(const std::string& sentence);

  // --- For parts that talk through c10d themselves ---

  // Runs a collective of one's own, not in a group of one; what c10d or Gloo throws in it becomes the sentence
  // described above, other exceptions pass.
  void wait_for(const std::string& what, const std::function<void()>& collective);
  const c10::intrusive_ptr<c10d::ProcessGroup>& c10d_group() const;

 private:
  struct Connection;
  // wait_for() without counting as a collective.
  void talk(const std::string& what, const std::function<void()>& body);
  void see_others_off(std::chrono::seconds limit);
  [[noreturn]] void fail(const std::string& what, const std::exception& cause);

  ProcessEnvironment environment_;
  std::chrono::seconds timeout_;
  int exceptions_at_start_;
  bool is_over_;                                 // nobody is there to talk to any more
  std::map<std::string, std::string> own_keys_;  // of a group of one
  std::unique_ptr<Connection> connection_;       // null in a group of one
};

}  // namespace downbeat
