#include "examples/gpt2/generate.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/softmax.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace gpt2 {

at::Tensor generate(GPT2LMHeadModel& model, const at::Tensor& prompt, const GenerateOptions& options) {
  const c10::NoGradGuard no_grad;
  model.eval();
  const at::Device device = model.parameters().front().device();
  const at::Generator generator = at::detail::createCPUGenerator(static_cast<uint64_t>(options.seed));
  at::Tensor tokens = prompt;
  for (int64_t i = 0; i < options.max_new_tokens; ++i) {
    const int64_t first = std::max<int64_t>(0, tokens.size(0) - model.configuration().n_positions);
    const at::Tensor logits = model.logits(tokens.slice(0, first).unsqueeze(0).to(device))[0][-1].cpu();
    const at::Tensor choices = logits.slice(0, 0, options.vocabulary);
    const at::Tensor next = options.temperature > 0 ? at::multinomial(at::softmax(choices / options.temperature, 0), 1,
                                                                      /*replacement=*/false, generator)
                                                    : choices.argmax(0, /*keepdim=*/true);
    tokens = at::cat({tokens, next});
  }
  return tokens;
}

}  // namespace gpt2
