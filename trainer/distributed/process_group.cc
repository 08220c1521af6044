#include "trainer/distributed/process_group.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <exception>
#include <future>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/comm.hpp>
#include <typeinfo>

#include "callbacks/vocabulary/message.h"
#include "trainer/distributed/presence.h"

namespace downbeat {

struct ProcessGroup::Connection {
  c10::intrusive_ptr<c10d::Store> whole_store;  // of all attempts of torchrun
  c10::intrusive_ptr<c10d::Store> store;        // of this group
  c10::intrusive_ptr<c10d::ProcessGroup> group;
  std::shared_ptr<Presence> presence;  // with a thread that asks the store and gets no answer
};

namespace {

// How long the rank that keeps the store stays for the others.
constexpr std::chrono::seconds kLastGoodbye{10};
constexpr std::chrono::seconds kOthersFindOut{5};   // why a collective failed
constexpr std::chrono::seconds kStoreAnswers{10};   // or counts as gone; find_missing() itself takes three
constexpr int64_t kMostDimensions = 64;             // LibTorch's limit
constexpr std::size_t kBroadcastBytes = 250 << 20;  // at once; DistributedDataParallel's

// The first sentence of what LibTorch or Gloo says, without the place in their sources.
std::string cause_of(const std::exception& error) {
  const auto* of_c10 = dynamic_cast<const c10::Error*>(&error);
  std::string text = of_c10 != nullptr ? of_c10->what_without_backtrace() : error.what();
  text = text.substr(0, text.find('\n'));
  text = text.substr(0, text.find(". This "));
  const std::size_t place = text.find("] ");
  return text.rfind('[', 0) == 0 && place != text.npos ? text.substr(place + 2) : text;
}

// Gloo's exceptions have no header here, hence by the name of their type.
bool is_of_communication(const std::exception& error) {
  return dynamic_cast<const c10::DistError*>(&error) != nullptr ||
         std::strstr(typeid(error).name(), "4gloo") != nullptr;
}

bool keeps_store(const ProcessEnvironment& environment) {
  return environment.rank == 0 && !environment.uses_agent_store;
}

std::string store_keeper(const ProcessEnvironment& environment) {
  return absl::StrCat("the store at ", environment.master_addr, ":", environment.master_port, ", which ",
                      environment.uses_agent_store ? "torchrun's first agent" : "rank 0", " keeps,");
}

// presence.find_missing(), or nothing if the store does not answer. Where its machine has vanished, c10d waits until
// TCP gives up, a quarter of an hour, and so does whoever uses the store meanwhile: hence a thread left to itself.
std::optional<std::string> find_missing(const std::shared_ptr<Presence>& presence) try {
  std::packaged_task<std::string()> task([presence] { return presence->find_missing(); });
  std::future<std::string> found = task.get_future();
  std::thread thread(std::move(task));
  if (found.wait_for(kStoreAnswers) == std::future_status::ready) {
    thread.join();
    return found.get();
  }
  thread.detach();
  return {};
} catch (const std::exception&) {
  return {};
}

c10::intrusive_ptr<c10d::Store> connect_store(const ProcessEnvironment& environment, std::chrono::seconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(environment.master_port);
  options.isServer = keeps_store(environment);
  options.numWorkers = static_cast<std::size_t>(environment.world_size);
  options.waitWorkers = false;  // Presence waits, and knows for whom
  options.timeout = timeout;
  options.multiTenant = true;  // as Python
  try {
    return c10::make_intrusive<c10d::TCPStore>(environment.master_addr, options);
  } catch (const std::exception& error) {
    throw std::runtime_error(absl::StrCat("rank ", environment.rank, ": ", store_keeper(environment),
                                          " cannot be reached: ", cause_of(error)));
  }
}

// Neither a restarted attempt nor a second group must see the keys of the one before.
c10::intrusive_ptr<c10d::Store> store_of_group(const c10::intrusive_ptr<c10d::Store>& store,
                                               const ProcessEnvironment& environment) {
  static std::atomic<int> groups = 0;
  const std::string prefix = absl::StrCat("/worker/attempt_", environment.restart_count, "/group_", groups++);
  return c10::make_intrusive<c10d::PrefixStore>(prefix, store);
}

// Gloo writes to the sockets of ranks that have died, which must fail and not end this process; Python ignores SIGPIPE,
// too. A handler, as programs started by this one would inherit SIG_IGN.
void outlive_broken_pipes() {
  struct sigaction action = {};
  sigaction(SIGPIPE, nullptr, &action);
  if (action.sa_handler != SIG_DFL) return;
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  sigaction(SIGPIPE, &action, nullptr);
}

using GlooOptions = c10::intrusive_ptr<c10d::ProcessGroupGloo::Options>;

GlooOptions gloo_options(const ProcessEnvironment& environment, std::chrono::seconds timeout) try {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  for (const std::string& name : environment.gloo_interfaces) {
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(name));
  }
  if (options->devices.empty()) options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  return options;
} catch (const std::exception& error) {
  const std::string names = absl::StrJoin(environment.gloo_interfaces, ",");
  throw std::runtime_error(absl::StrCat("rank ", environment.rank, " cannot use the network interface ",
                                        names.empty() ? "of its host name" : "of GLOO_SOCKET_IFNAME=" + names, ": ",
                                        cause_of(error)));
}

c10::intrusive_ptr<c10d::ProcessGroup> join(const c10::intrusive_ptr<c10d::Store>& store,
                                            const ProcessEnvironment& environment, const GlooOptions& options) {
  auto gloo =
      c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("default_pg/cpu", store),
                                                  environment.rank, environment.world_size, options);
  auto group = c10::make_intrusive<c10d::ProcessGroup>(store, environment.rank, environment.world_size);
  group->setBackend(c10::DeviceType::CPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  group->setGroupName("default");
  return group;
}

// [type, dimensions, size of each], the same length for every tensor.
at::Tensor described(const at::Tensor& tensor) {
  at::Tensor description = at::zeros({2 + kMostDimensions}, at::kLong);
  auto* numbers = description.mutable_data_ptr<int64_t>();
  numbers[0] = static_cast<int64_t>(tensor.scalar_type());
  numbers[1] = tensor.dim();
  std::copy(tensor.sizes().begin(), tensor.sizes().end(), numbers + 2);
  return description;
}

std::string shape_and_type(const at::Tensor& description) {
  const auto* numbers = description.const_data_ptr<int64_t>();
  std::ostringstream text;
  text << static_cast<at::ScalarType>(numbers[0]) << at::IntArrayRef(numbers + 2, static_cast<std::size_t>(numbers[1]));
  return text.str();
}

bool differ_only_in_length(const at::Tensor& a, const at::Tensor& b) {
  constexpr int kLength = 2;  // where the size of the first dimension is
  const auto* left = a.const_data_ptr<int64_t>();
  const auto* right = b.const_data_ptr<int64_t>();
  return std::equal(left, left + kLength, right) &&
         std::equal(left + kLength + 1, left + a.numel(), right + kLength + 1);
}

void check_gathered(const std::vector<at::Tensor>& descriptions) {
  for (std::size_t rank = 1; rank < descriptions.size(); ++rank) {
    if (differ_only_in_length(descriptions[0], descriptions[rank])) continue;
    throw std::invalid_argument(absl::StrCat("all_gather: rank ", rank, " has ", shape_and_type(descriptions[rank]),
                                             " where rank 0 has ", shape_and_type(descriptions[0]),
                                             "; only the first dimension may differ"));
  }
}

at::Tensor padded(const at::Tensor& tensor, int64_t length) {
  if (tensor.size(0) == length) return tensor.contiguous();
  std::vector<int64_t> shape = tensor.sizes().vec();
  shape[0] = length - tensor.size(0);
  return at::cat({tensor, at::zeros(shape, tensor.options())});
}

c10d::ReduceOp operation(Reduction reduction) {
  if (reduction == Reduction::min) return c10d::ReduceOp::MIN;
  return reduction == Reduction::max ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM;
}

}  // namespace

ProcessGroup::ProcessGroup(const ProcessEnvironment& environment, std::chrono::seconds timeout)
    : environment_(environment),
      timeout_(timeout),
      exceptions_at_start_(std::uncaught_exceptions()),
      is_over_(!environment.is_distributed()) {
  if (!is_distributed()) return;
  connection_ = std::make_unique<Connection>();
  outlive_broken_pipes();
  const GlooOptions options = gloo_options(environment_, timeout_);
  connection_->whole_store = connect_store(environment_, timeout_);
  connection_->store = store_of_group(connection_->whole_store, environment_);
  connection_->presence = std::make_unique<Presence>(connection_->store->clone(), rank(), world_size());
  talk("the other ranks", [&] { connection_->presence->meet(timeout_); });
  wait_for("the first connections between ranks",
           [&] { connection_->group = join(connection_->store, environment_, options); });
}

ProcessGroup::~ProcessGroup() {
  if (is_over_ || std::uncaught_exceptions() > exceptions_at_start_) return;
  try {
    finish();
  } catch (const std::exception& error) {
    warn(error.what());
  }
}

int ProcessGroup::rank() const { return environment_.rank; }
int ProcessGroup::world_size() const { return environment_.world_size; }
const ProcessEnvironment& ProcessGroup::environment() const { return environment_; }

const c10::intrusive_ptr<c10d::ProcessGroup>& ProcessGroup::c10d_group() const { return connection_->group; }

void ProcessGroup::wait_for(const std::string& what, const std::function<void()>& collective) {
  if (is_over_) throw std::runtime_error(absl::StrCat("rank ", rank(), " has left the others: there is no ", what));
  connection_->presence->enter_collective();
  talk(what, collective);
}

void ProcessGroup::talk(const std::string& what, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    if (!is_of_communication(error)) throw;
    fail(what, error);
  }
}

void ProcessGroup::fail(const std::string& what, const std::exception& cause) {
  const std::optional<std::string> missing = find_missing(connection_->presence);
  const std::string blamed = missing.value_or(absl::StrCat(store_keeper(environment_), " does not answer any more"));
  const std::string sentence =
      absl::StrCat("rank ", rank(), " waited in vain for ", what, ": ", blamed, " (", cause_of(cause), ")");
  is_over_ = true;
  if (missing) {
    connection_->presence->leave(Presence::End::lost_others, blamed);
    see_others_off(kOthersFindOut);
  }
  throw std::runtime_error(sentence);
}

void ProcessGroup::barrier(const std::string& what, std::optional<std::chrono::seconds> timeout) {
  if (!is_distributed()) return;
  c10d::BarrierOptions options;
  options.timeout = timeout.value_or(timeout_);
  wait_for(what, [&] { c10d_group()->barrier(options)->wait(); });
}

void ProcessGroup::broadcast(const std::vector<at::Tensor>& tensors, int from, const std::string& what) {
  std::vector<at::Tensor> plain;  // sharing memory, without history
  for (const at::Tensor& tensor : tensors) {
    if (tensor.numel() > 0) plain.push_back(tensor.detach());  // Gloo refuses empty ones
  }
  if (plain.empty() || !is_distributed()) return;
  wait_for(what.empty() ? absl::StrCat("what rank ", from, " broadcasts") : what,
           [&] { c10d::broadcast_coalesced(c10d_group(), plain, kBroadcastBytes, from); });
}

std::string ProcessGroup::broadcast_text(const std::string& text, int from) {
  if (!is_distributed()) return text;
  const at::Tensor size = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  broadcast({size}, from);
  const at::Tensor bytes = at::empty({size.item<int64_t>()}, at::kByte);
  auto* data = reinterpret_cast<char*>(bytes.mutable_data_ptr<uint8_t>());
  if (rank() == from) text.copy(data, text.size());
  broadcast({bytes}, from);
  return {data, static_cast<std::size_t>(bytes.numel())};
}

void ProcessGroup::all_reduce(const at::Tensor& tensor, Reduction reduction) {
  if (!is_distributed()) return;
  const at::Tensor plain = tensor.detach();
  const at::Tensor whole = plain.contiguous();
  std::vector<at::Tensor> one = {whole};
  c10d::AllreduceOptions options;
  options.reduceOp = operation(reduction);
  wait_for("a reduction over all ranks", [&] { c10d_group()->allreduce(one, options)->wait(); });
  if (reduction == Reduction::mean) one[0].div_(world_size());
  if (!plain.is_contiguous()) plain.copy_(whole);
}

at::Tensor ProcessGroup::all_gather(const at::Tensor& tensor) {
  const at::Tensor mine = tensor.dim() == 0 ? tensor.detach().reshape({1}) : tensor.detach();
  if (!is_distributed()) return mine;
  const auto gather = [&](const at::Tensor& one) {
    std::vector<at::Tensor> in = {one};
    std::vector<std::vector<at::Tensor>> out(1);
    for (int i = 0; i < world_size(); ++i) out[0].push_back(at::empty_like(one));
    wait_for("the tensors of all ranks", [&] { c10d_group()->allgather(out, in)->wait(); });
    return out[0];
  };
  const std::vector<at::Tensor> descriptions = gather(described(mine));
  check_gathered(descriptions);
  std::vector<int64_t> lengths;
  for (const at::Tensor& description : descriptions) lengths.push_back(description.const_data_ptr<int64_t>()[2]);
  const at::Tensor longest = padded(mine, *std::max_element(lengths.begin(), lengths.end()));
  std::vector<at::Tensor> parts(lengths.size(), longest);
  if (longest.numel() > 0) parts = gather(longest);  // Gloo refuses empty ones
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = parts[i].slice(0, 0, lengths[i]);
  return at::cat(parts);
}

void ProcessGroup::finish() {
  if (!is_distributed()) return;
  barrier("the end of the run");
  is_over_ = true;
  connection_->presence->leave(Presence::End::done, "");
  see_others_off(kLastGoodbye);
}

void ProcessGroup::see_others_off(std::chrono::seconds limit) {
  if (!keeps_store(environment_)) return;
  try {
    connection_->presence->see_others_off(limit);
  } catch (const std::exception& error) {
    debug(cause_of(error));
  }
}

void ProcessGroup::set(const std::string& key, const std::string& value) {
  if (!is_distributed()) return static_cast<void>(own_keys_[key] = value);
  talk("the store", [&] { connection_->store->set("downbeat/user/" + key, value); });
}

std::string ProcessGroup::get(const std::string& key) {
  if (!is_distributed()) return own_keys_.at(key);
  std::string value;
  talk("the key " + key + " in the store", [&] { value = connection_->store->get_to_str("downbeat/user/" + key); });
  return value;
}

std::string ProcessGroup::first_set(const std::string& key, const std::string& value) {
  if (!is_distributed()) return value;
  std::string first;
  talk("the key " + key + " in the store", [&] {
    const std::string whole = "/worker/downbeat/" + key;
    if (!connection_->whole_store->check({whole})) connection_->whole_store->set(whole, value);
    first = connection_->whole_store->get_to_str(whole);
  });
  return first;
}

void ProcessGroup::leave_with_error(const std::string& sentence) {
  if (is_over_) return;  // alone, or the others know, or the store that would tell them is out of reach
  is_over_ = true;
  connection_->presence->leave(Presence::End::failed, sentence);
}

}  // namespace downbeat
