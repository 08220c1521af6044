#include "examples/gpt2/gpt2.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "examples/gpt2/byte_text.h"
#include "examples/gpt2/generate.h"
#include "tests/trainer/support/files.h"
#include "trainer/checkpoint/safetensors.h"

namespace gpt2 {
namespace {

using downbeat::testing::fresh_directory;
using downbeat::testing::write;

GPT2Config tiny() {
  GPT2Config config;
  config.vocab_size = 256;
  config.n_positions = 8;
  config.n_embd = 12;
  config.n_layer = 2;
  config.n_head = 3;
  return config;
}

std::string sentence_of(const std::string& config) {
  return std::string(gpt2_config_from_json(config).status().message());
}

TEST(GPT2Config, HandsOnWhatItDoesNotKnow) {
  const auto config = gpt2_config_from_json(R"({"n_layer": 3, "eos_token_id": 50256, "mine": [1], "n_inner": null})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->n_layer, 3);
  EXPECT_EQ(config->n_embd, 768);
  EXPECT_EQ(config->n_inner, std::nullopt);
  const std::string json = to_json(*config);
  for (const char* part : {R"("n_layer": 3)", R"("eos_token_id": 50256)", R"("mine": [)", R"("model_type": "gpt2")"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " is not in " << json;
  }
}

TEST(GPT2Config, RefusesInOneSentenceWhatIsNotComputed) {
  EXPECT_EQ(sentence_of("[]"), "it is no JSON object");
  EXPECT_EQ(sentence_of(R"({"activation_function": "relu"})"),
            R"(activation_function is "relu"; this example computes only "gelu_new")");
  EXPECT_EQ(sentence_of(R"({"n_head": "many"})"), R"(n_head is "many", which is no integer)");
  EXPECT_EQ(sentence_of(R"({"attn_pdrop": true})"), "attn_pdrop is true, which is no number");
  EXPECT_EQ(sentence_of(R"({"attn_pdrop": 1.5})"), "attn_pdrop=1.5 is not between 0 and 1");
  EXPECT_EQ(sentence_of(R"({"n_head": 5})"), "n_embd=768 is not a multiple of n_head=5");
  EXPECT_EQ(sentence_of(R"({"n_inner": 0})"), "n_inner=0 is not at least 1");
}

TEST(GPT2LMHeadModel, HasTheTiedWeightOnce) {
  const GPT2LMHeadModel model(tiny());
  const auto weights = downbeat::state_dict(model);
  EXPECT_EQ(weights.size(), 4 + 2 * 12);
  EXPECT_EQ(weights.count("transformer.wte.weight"), 1);
  EXPECT_EQ(weights.count("lm_head.weight"), 0);
  EXPECT_EQ(weights.at("transformer.h.1.attn.c_attn.weight").sizes(), at::IntArrayRef({12, 36}));
}

TEST(GPT2LMHeadModel, SeesNoLaterToken) {
  GPT2LMHeadModel model(tiny());
  model.eval();
  const at::Tensor tokens = at::arange(8, at::kLong).unsqueeze(0);
  at::Tensor changed = tokens.clone();
  changed[0][5] = 100;
  const at::Tensor logits = model.logits(tokens);
  EXPECT_TRUE(logits.slice(1, 0, 5).equal(model.logits(changed).slice(1, 0, 5)));
  EXPECT_FALSE(logits.slice(1, 5, 6).equal(model.logits(changed).slice(1, 5, 6)));
}

TEST(GPT2LMHeadModel, PredictsTheNextTokenAndDividesByTheLabelsOfTheStep) {
  GPT2LMHeadModel model(tiny());
  model.eval();
  const at::Tensor tokens = at::arange(16, at::kLong).view({2, 8});
  const downbeat::ModelOutput mean = model.forward({.inputs = tokens, .labels = tokens}, std::nullopt);
  const at::Tensor expected =
      at::cross_entropy_loss(mean.logits.slice(1, 0, 7).reshape({14, 256}), tokens.slice(1, 1).reshape({14}));
  EXPECT_NEAR(mean.loss.item<float>(), expected.item<float>(), 1e-5);
  const downbeat::ModelOutput of_step = model.forward({.inputs = tokens, .labels = tokens}, 28);
  EXPECT_NEAR(of_step.loss.item<float>(), expected.item<float>() / 2, 1e-5);
}

TEST(FromPretrained, TakesTheNamesOfTheFirstFiles) {
  const std::string directory = fresh_directory();
  const GPT2LMHeadModel model(tiny());
  downbeat::StateDict renamed;
  for (const auto& [name, tensor] : downbeat::state_dict(model)) renamed[name.substr(sizeof "transformer")] = tensor;
  renamed["h.0.attn.bias"] = at::ones({1, 1, 8, 8});
  renamed["h.1.attn.masked_bias"] = at::ones({});
  renamed["lm_head.weight"] = renamed.at("wte.weight");
  write(directory + "/config.json", model.config());
  ASSERT_TRUE(downbeat::save_safetensors(renamed, directory + "/model.safetensors").ok());

  const auto opened = from_pretrained(directory);
  const auto weights = downbeat::state_dict(*opened);
  for (const auto& [name, tensor] : downbeat::state_dict(model)) EXPECT_TRUE(tensor.equal(weights.at(name))) << name;
}

TEST(FromPretrained, NamesTheFileThatIsWrong) {
  const std::string directory = fresh_directory();
  write(directory + "/config.json", R"({"n_head": 5})");
  try {
    from_pretrained(directory);
    FAIL() << "it was opened";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), directory + "/config.json: n_embd=768 is not a multiple of n_head=5");
  }
}

// The numbers are those of the tokens "!", " " and "\n" in the vocabulary that GPT-2 was published with.
TEST(ByteText, HasTheNumbersOfGPT2) {
  const at::Tensor tokens = tokens_of("! \n");
  EXPECT_EQ(tokens[0].item<int64_t>(), 0);
  EXPECT_EQ(tokens[1].item<int64_t>(), 220);
  EXPECT_EQ(tokens[2].item<int64_t>(), 198);
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(text_of(tokens_of(all)), all);
}

TEST(ByteText, KeepsTheLastTenthForEvaluation) {
  const std::string path = fresh_directory() + "/text.txt";
  write(path, std::string(20 * 4 + 3, 'a'));
  const Split data = load_text(path, 4);
  EXPECT_EQ(data.train.size(), 18);
  EXPECT_EQ(data.eval.size(), 2);
}

TEST(Generate, GoesOnPastTheLastPositionAndIsRepeatedByItsSeed) {
  GPT2LMHeadModel model(tiny());
  const at::Tensor prompt = tokens_of("Alice");
  const at::Tensor sample = generate(model, prompt, {.max_new_tokens = 20, .seed = 1});
  EXPECT_EQ(sample.size(0), 25);
  EXPECT_TRUE(sample.slice(0, 0, 5).equal(prompt));
  EXPECT_TRUE(sample.equal(generate(model, prompt, {.max_new_tokens = 20, .seed = 1})));
  EXPECT_FALSE(sample.equal(generate(model, prompt, {.max_new_tokens = 20, .seed = 2})));
}

TEST(Generate, TakesTheMostLikelyTokenAtTemperatureZero) {
  GPT2LMHeadModel model(tiny());
  const at::Tensor prompt = tokens_of("Alice");
  const at::Tensor sample = generate(model, prompt, {.max_new_tokens = 1, .temperature = 0});
  EXPECT_EQ(sample[5].item<int64_t>(), model.logits(prompt.unsqueeze(0))[0][4].argmax().item<int64_t>());
}

}  // namespace
}  // namespace gpt2
