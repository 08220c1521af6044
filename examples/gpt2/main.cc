// Trains GPT-2 on the bytes of a text, or goes on with a trained one, and prints a sample. Its checkpoints open with
// transformers' GPT2LMHeadModel.from_pretrained().
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "callbacks/vocabulary/training_arguments_flags.h"
#include "examples/gpt2/byte_text.h"
#include "examples/gpt2/generate.h"
#include "examples/gpt2/gpt2.h"
#include "trainer/trainer.h"

namespace {

struct Gpt2Arguments {
  std::optional<std::string> data, model_name_or_path;
  std::optional<int64_t> n_layer, n_embd, n_head, block_size;
  std::string prompt = "Alice ";
  int threads = 1;

  static constexpr const char* kTitle = "GPT-2";
  static void describe(auto& field) {
    field("data", &Gpt2Arguments::data, "Text file, of which every byte is a token; the program brings its own.");
    field("model_name_or_path", &Gpt2Arguments::model_name_or_path,
          "Directory with config.json and model.safetensors to go on from: a checkpoint, or what save_pretrained() "
          "wrote. Without it the model is made anew.");
    field("n_layer", &Gpt2Arguments::n_layer, "Layers of a new model; 2 if left out.");
    field("n_embd", &Gpt2Arguments::n_embd, "Width of a new model; 64 if left out.");
    field("n_head", &Gpt2Arguments::n_head, "Attention heads of a new model; 4 if left out.");
    field("block_size", &Gpt2Arguments::block_size,
          "Tokens of an example, and the positions of a new model; 64 if left out.");
    field("prompt", &Gpt2Arguments::prompt, "What the sample at the end begins with.");
    field("threads", &Gpt2Arguments::threads, "Threads inside one operation; more than 1 are for larger models.");
  }
};

constexpr int64_t kBlockSize = 64;

std::shared_ptr<gpt2::GPT2LMHeadModel> model_for(const Gpt2Arguments& own) {
  if (own.model_name_or_path) {
    if (own.n_layer || own.n_embd || own.n_head) {
      throw std::invalid_argument(
          "--n_layer, --n_embd and --n_head are for a new model; that of --model_name_or_path has its own");
    }
    return gpt2::from_pretrained(*own.model_name_or_path);
  }
  return std::make_shared<gpt2::GPT2LMHeadModel>(gpt2::GPT2Config{.vocab_size = gpt2::kByteTokens,
                                                                  .n_positions = own.block_size.value_or(kBlockSize),
                                                                  .n_embd = own.n_embd.value_or(64),
                                                                  .n_layer = own.n_layer.value_or(2),
                                                                  .n_head = own.n_head.value_or(4),
                                                                  .n_inner = {},
                                                                  .others = {}});
}

int64_t block_size_for(const Gpt2Arguments& own, const gpt2::GPT2Config& config) {
  const int64_t size = own.block_size.value_or(std::min(kBlockSize, config.n_positions));
  if (size < 2 || size > config.n_positions) {
    throw std::invalid_argument(
        absl::StrCat("--block_size=", size, " is not between 2 and n_positions, which is ", config.n_positions));
  }
  return size;
}

void check(const Gpt2Arguments& own) {
  if (own.threads < 1) throw std::invalid_argument(absl::StrCat("--threads=", own.threads, " is not at least 1"));
  if (own.prompt.empty()) throw std::invalid_argument("--prompt is empty; a sample begins with at least one byte");
}

void check_vocabulary(const gpt2::GPT2Config& config) {
  if (config.vocab_size >= gpt2::kByteTokens) return;
  throw std::invalid_argument(
      absl::StrCat("the model has vocab_size=", config.vocab_size, "; bytes need at least ", gpt2::kByteTokens));
}

}  // namespace

int main(int argc, char** argv) {
  return downbeat::run([&] {
    Gpt2Arguments own;
    downbeat::TrainingArguments args{.num_train_epochs = 30, .learning_rate = 3e-3, .logging_steps = 100};
    downbeat::parse_training_arguments_into(args, argc, argv, own);
    check(own);

    downbeat::set_num_threads(own.threads);
    downbeat::set_seed(args.seed);
    const auto model = model_for(own);
    check_vocabulary(model->configuration());
    const auto [train, eval] =
        gpt2::load_text(own.data.value_or(gpt2::default_text_path()), block_size_for(own, model->configuration()));

    downbeat::Trainer trainer(model, args, train, eval);
    trainer.train();

    const downbeat::Metrics metrics = trainer.evaluate();
    std::cout << "loss on the held-out text: " << metrics.at("eval_loss") << "\n";
    if (args.save_strategy != downbeat::SaveStrategy::no) {
      std::cout << "checkpoints: " << std::filesystem::absolute(args.output_dir).string() << "\n";
    }
    const at::Tensor sample = gpt2::generate(*model, gpt2::tokens_of(own.prompt), {.seed = args.seed});
    std::cout << "sample:\n" << gpt2::text_of(sample) << "\n";
  });
}
