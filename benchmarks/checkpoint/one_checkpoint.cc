// One process of the checkpoint benchmark: saves or loads one checkpoint of LAYERS million parameters with AdamW's
// state, or writes as many bytes, and prints the seconds and the memory that it needed on top of what was there before.
//
//   one_checkpoint save|load OUTPUT_DIR LAYERS        one_checkpoint write FILE BYTES
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full_like.h>
#include <fcntl.h>
#include <torch/nn/module.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
#include "trainer/checkpoint/model_checkpoints.h"
#include "trainer/optim/create_optimizer.h"
#include "trainer/optim/create_scheduler.h"
#include "trainer/run.h"

namespace {

struct Layers : torch::nn::Module {
  explicit Layers(int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      register_parameter(absl::StrCat("w", i), at::empty({1000, 1000}).uniform_(-1, 1));
    }
  }
};

// A line of /proc/self/status, in bytes.
int64_t memory(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kibibytes = 0;
    if (word == name && status >> kibibytes) return kibibytes * 1024;
  }
  throw std::runtime_error("/proc/self/status does not say " + std::string(name));
}

void measure(const std::function<void()>& body) {
  ::sync();                                     // nothing of what came before is still to be written
  std::ofstream("/proc/self/clear_refs") << 5;  // begins the peak anew
  const int64_t before = memory("VmRSS:");
  const auto started = std::chrono::steady_clock::now();
  body();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::cout << "{\"seconds\": " << seconds << ", \"memory\": " << memory("VmHWM:") - before << "}" << std::endl;
}

void write_plainly(const std::string& path, int64_t bytes) {
  const std::vector<char> block(8 << 20, '\x5a');
  measure([&] {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    for (int64_t left = bytes; left > 0;) {
      const ssize_t written =
          ::write(file, block.data(), static_cast<std::size_t>(std::min<int64_t>(left, std::ssize(block))));
      if (written <= 0) throw std::runtime_error("cannot write " + path);
      left -= written;
    }
    if (::fsync(file) != 0 || ::close(file) != 0) throw std::runtime_error("cannot write " + path);
  });
}

void save_or_load(const std::string& what, const std::string& output_dir, int64_t layers) {
  downbeat::TrainingArguments args;
  args.output_dir = output_dir;
  const auto model = std::make_shared<Layers>(layers);
  const auto optimizer = downbeat::create_optimizer(*model, args);
  const auto lr_scheduler = downbeat::create_scheduler(*optimizer, args, 10);
  downbeat::ProcessGroup alone{downbeat::ProcessEnvironment()};
  downbeat::ModelCheckpoints checkpoints(model, args, [] { return std::string(); }, alone);
  if (what == "load") {
    measure([&] {
      checkpoints.read(output_dir + "/checkpoint-1");
      checkpoints.restore(*optimizer, *lr_scheduler);
      checkpoints.restore_random_state();
    });
    return;
  }
  for (at::Tensor& parameter : model->parameters()) parameter.mutable_grad() = at::full_like(parameter, 0.5);
  optimizer->step();
  optimizer->zero_grad();
  downbeat::TrainerState state;
  state.global_step = 1;
  checkpoints.prepare();
  measure([&] { checkpoints.save(state, *optimizer, *lr_scheduler); });
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    const std::vector<std::string> words(argv + 1, argv + argc);
    int64_t number = 0;
    const bool has_number = words.size() == 3 && absl::SimpleAtoi(words[2], &number) && number > 0;
    if (has_number && words[0] == "write") {
      write_plainly(words[1], number);
    } else if (has_number && (words[0] == "save" || words[0] == "load")) {
      save_or_load(words[0], words[1], number);
    } else {
      throw std::invalid_argument(
          "usage: one_checkpoint save|load OUTPUT_DIR LAYERS, or one_checkpoint write FILE BYTES");
    }
  });
}
