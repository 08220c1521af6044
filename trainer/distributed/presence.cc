#include "trainer/distributed/presence.h"

#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <utility>

namespace downbeat {
namespace {

constexpr std::chrono::milliseconds kBetweenSigns{1000};
constexpr std::chrono::milliseconds kSilence{3000};  // without a new sign: the rank counts as gone
constexpr std::chrono::milliseconds kBetweenLooks{250};

std::string this_process() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return absl::StrCat("process ", getpid(), " on ", host);
}

char letter(Presence::End end) { return end == Presence::End::done ? 'd' : end == Presence::End::failed ? 'f' : 'l'; }

}  // namespace

Presence::Presence(c10::intrusive_ptr<c10d::Store> store, int rank, int world_size)
    : store_(std::move(store)), rank_(rank), all_(static_cast<std::size_t>(world_size)) {
  std::iota(all_.begin(), all_.end(), 0);
  mine_.process = this_process();
}

Presence::~Presence() {
  leave(End::failed, "an exception");
  if (thread_.joinable()) thread_.join();
}

void Presence::meet(std::chrono::seconds timeout) {
  give_sign();
  try {
    store_->wait(keys(all_), timeout);
  } catch (const c10::DistStoreError&) {
    std::vector<int> missing = all_;
    std::erase_if(missing, [&](int rank) { return store_->check({key(rank)}); });
    throw std::runtime_error(absl::StrCat(named(missing, {}), missing.size() == 1 ? " has" : " have",
                                          " not come within ", timeout.count(), " seconds (ddp_timeout), of ",
                                          all_.size(), " that WORLD_SIZE announces"));
  }
  thread_ = std::thread([this] { give_signs(); });
}

void Presence::leave(End end, const std::string& sentence) {
  {
    const std::lock_guard lock(mutex_);
    if (mine_.state != 'r') return;
    mine_.state = letter(end);
    mine_.sentence = sentence;
  }
  changed_.notify_all();
  try {
    give_sign();
  } catch (const std::exception&) {  // nobody is there to read it
  }
}

void Presence::give_sign() {
  std::ostringstream text;
  const std::lock_guard lock(mutex_);  // signs reach the store in their order
  ++mine_.count;
  text << mine_.state << " " << mine_.count << " " << collectives_ << "\n" << mine_.process << "\n" << mine_.sentence;
  const std::string sign = text.str();
  store_->set(key(rank_), std::vector<uint8_t>(sign.begin(), sign.end()));
}

void Presence::give_signs() {
  try {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, kBetweenSigns, [&] { return mine_.state != 'r'; })) return;
      }
      give_sign();
    }
  } catch (const std::exception&) {  // the store is gone: the next collective will say so
  }
}

std::string Presence::key(int rank) const { return absl::StrCat("downbeat/presence/", rank); }

std::vector<std::string> Presence::keys(const std::vector<int>& ranks) const {
  std::vector<std::string> keys;
  for (const int rank : ranks) keys.push_back(key(rank));
  return keys;
}

std::vector<Presence::Sign> Presence::signs_of(const std::vector<int>& ranks) const {
  std::vector<Sign> signs;
  for (const std::vector<uint8_t>& bytes : store_->multiGet(keys(ranks))) {
    std::istringstream text(std::string(bytes.begin(), bytes.end()));
    Sign& sign = signs.emplace_back();
    text >> sign.state >> sign.count >> sign.collectives;
    text.ignore(1);
    std::getline(text, sign.process);
    std::getline(text, sign.sentence, '\0');
  }
  return signs;
}

std::vector<int> Presence::others_in(char state, const std::vector<Sign>& signs) const {
  std::vector<int> others = all_;
  std::erase_if(others,
                [&](int rank) { return rank == rank_ || signs[static_cast<std::size_t>(rank)].state != state; });
  return others;
}

void Presence::see_others_off(std::chrono::milliseconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!others_in('r', signs_of(all_)).empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

// Running ranks that give no sign for kSilence. Clocks are not compared: only whether something new comes.
std::vector<int> Presence::silent_ranks(const std::vector<Sign>& before) const {
  std::vector<int> silent = others_in('r', before);
  for (auto waited = kBetweenLooks; waited <= kSilence && !silent.empty(); waited += kBetweenLooks) {
    std::this_thread::sleep_for(kBetweenLooks);
    const std::vector<Sign> now = signs_of(silent);
    auto sign = now.begin();
    std::erase_if(silent, [&](int rank) { return sign++->count != before[static_cast<std::size_t>(rank)].count; });
  }
  return silent;
}

std::string Presence::find_missing() const {
  const std::vector<int> silent = silent_ranks(signs_of(all_));
  const std::vector<Sign> signs = signs_of(all_);
  const auto sentence = [&](int rank) { return signs[static_cast<std::size_t>(rank)].sentence; };
  if (const auto failed = others_in('f', signs); !failed.empty()) {
    return absl::StrCat(named({failed.front()}, signs), " ended with: ", sentence(failed.front()));
  }
  if (!silent.empty()) {
    return absl::StrCat(named(silent, signs), silent.size() == 1 ? " is" : " are",
                        " gone or stopped: no sign of life for ", kSilence.count() / 1000, " seconds");
  }
  if (const auto lost = others_in('l', signs); !lost.empty()) return sentence(lost.front());
  if (const auto done = others_in('d', signs); !done.empty()) {
    return absl::StrCat(named(done, signs), " came to the end before");
  }
  std::vector<int> late = others_in('r', signs);
  const auto collectives = [&](int rank) { return signs[static_cast<std::size_t>(rank)].collectives; };
  std::erase_if(late, [&](int rank) { return collectives(rank) >= collectives(rank_); });
  if (late.empty()) return "all ranks are there";
  return absl::StrCat(named(late, signs), late.size() == 1 ? " is" : " are", " there, but not come so far yet");
}

// "rank 2 (process 4711 on node-3)", "ranks 1, 2 and 5", "ranks 1, 2, 3, 4, 5, 6, 7, 8 and 120 others".
std::string Presence::named(const std::vector<int>& ranks, const std::vector<Sign>& signs) const {
  if (ranks.size() == 1) {
    const auto rank = static_cast<std::size_t>(ranks.front());
    return absl::StrCat("rank ", rank, rank < signs.size() ? absl::StrCat(" (", signs[rank].process, ")") : "");
  }
  constexpr std::size_t kMostNamed = 8;
  const std::size_t count = std::min(ranks.size(), kMostNamed + 1);
  std::string text = "ranks";
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_rest = i == kMostNamed;
    absl::StrAppend(&text,
                    i == 0           ? " "
                    : i + 1 == count ? " and "
                                     : ", ",
                    is_rest ? absl::StrCat(ranks.size() - kMostNamed, " others") : absl::StrCat(ranks[i]));
  }
  return text;
}

}  // namespace downbeat
