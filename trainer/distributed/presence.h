// Presence: signs of life of all ranks in their common store, so that who waits in vain can say for whom.
//
// Each rank writes a sign a second, from a thread of its own: that it is there, how many collectives it has entered,
// and, when it leaves, why. Nobody reads them until something fails. Part of ProcessGroup (process_group.h).
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace c10d {
class Store;
}

namespace downbeat {

class Presence {
 public:
  // `store` is a connection of its own: a store that is asked to wait answers nothing else meanwhile.
  Presence(c10::intrusive_ptr<c10d::Store> store, int rank, int world_size);
  ~Presence();

  // Waits until every rank has given its first sign, then gives further ones. Throws std::runtime_error that names the
  // ranks which have not come in time.
  void meet(std::chrono::seconds timeout);

  void enter_collective() { ++collectives_; }

  enum class End { done, failed, lost_others };
  // The last sign: how this rank ended; where it lost others, what it found to be the reason, which they then find,
  // too. Calls after the first one do nothing.
  void leave(End end, const std::string& sentence);

  // Waits, `limit` at most, until every other rank has left: the one that keeps the store leaves last.
  void see_others_off(std::chrono::milliseconds limit) const;

  // Who is to blame for a collective that fails or takes too long, as a clause: "rank 2 (process 4711 on node-3) is
  // gone or stopped, ...". Takes up to three seconds. Throws c10d's errors if the store does not answer.
  std::string find_missing() const;

 private:
  struct Sign {
    char state = 'r';          // running, done, failed, lost_others
    uint64_t count = 0;        // of signs
    uint64_t collectives = 0;  // entered until then
    std::string process;       // "process 4711 on node-3"
    std::string sentence;      // why it ended: its error, or what find_missing() said
  };
  std::string key(int rank) const;
  void give_sign();
  void give_signs();
  std::vector<std::string> keys(const std::vector<int>& ranks) const;
  std::vector<Sign> signs_of(const std::vector<int>& ranks) const;
  std::vector<int> others_in(char state, const std::vector<Sign>& signs) const;
  std::vector<int> silent_ranks(const std::vector<Sign>& before) const;
  std::string named(const std::vector<int>& ranks, const std::vector<Sign>& signs) const;

  c10::intrusive_ptr<c10d::Store> store_;
  int rank_;
  std::vector<int> all_;  // ranks

  std::atomic<uint64_t> collectives_ = 0;  // entered so far

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  Sign mine_;
  std::thread thread_;
};

}  // namespace downbeat
