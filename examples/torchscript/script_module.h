// ScriptModule: a module that Python exported with torch.jit, as a torch::nn::Module that Trainer takes.
//
//   auto model = std::make_shared<torchscript::ScriptModule>("model.pt");
//   downbeat::Trainer trainer(model, args, train, eval);
//
// Its parameters and buffers have the names that they have in Python, so that model.safetensors loads there too. They
// are the script's own tensors: what the optimizer changes, the script sees. A script that puts another tensor in place
// of a buffer, instead of changing it in place, keeps that to itself: the checkpoint holds the first one.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/nn/module.h>

#include <string>

namespace torchscript {

class ScriptModule : public torch::nn::Module {
 public:
  // Throws std::runtime_error with one sentence that names the file.
  explicit ScriptModule(const std::string& path);

  at::Tensor forward(const at::Tensor& inputs);

  // Passed through, so that dropout in the script is off in evaluation.
  void train(bool on = true) override;

 private:
  torch::jit::Module script_;
};

}  // namespace torchscript
