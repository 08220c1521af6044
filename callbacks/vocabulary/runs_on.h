// RunsOn: which processes of a distributed run a callback runs on, said by its type.
//
//   struct PrintsTheLoss {
//     static constexpr RunsOn runs_on = RunsOn::world_zero;
//     void on_log(const Logs& logs) { std::cout << logs.at("loss") << "\n"; }   // once, however many processes train
//   };
//
// Elsewhere its hooks are not called; it is constructed, and its state saved and restored, everywhere. It may steer the
// run: Trainer has all ranks do what one of them asks for. What all ranks have to use together, as a ProcessGroup, such a
// callback is not given: the others would never come, and the run would hang. A callback that needs it leaves runs_on out
// and asks TrainerState's is_world_process_zero where only one may write.
#pragma once

namespace downbeat {

enum class RunsOn {
  every_rank,  // also that of a callback that says nothing
  world_zero,  // the one process of the run with is_world_process_zero
  local_zero,  // one on each machine: is_local_process_zero
};

}  // namespace downbeat
