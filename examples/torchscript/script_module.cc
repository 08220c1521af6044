#include "examples/torchscript/script_module.h"

#include <c10/util/Exception.h>
#include <torch/csrc/jit/serialization/import.h>

#include <filesystem>
#include <memory>
#include <stdexcept>

namespace torchscript {
namespace {

torch::jit::Module loaded(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) {
    throw std::runtime_error("cannot read " + path + ": there is no such file");
  }
  try {
    return torch::jit::load(path);
  } catch (const c10::Error&) {  // several pages
    throw std::runtime_error(path + " is no module that torch.jit.save wrote");
  }
}

// Registers the tensors of `script` and, as modules of the same names, those of its modules.
void mirror(const torch::jit::Module& script, torch::nn::Module& module) {
  for (const auto& parameter : script.named_parameters(/*recurse=*/false)) {
    module.register_parameter(parameter.name, parameter.value, parameter.value.requires_grad());
  }
  for (const auto& buffer : script.named_buffers(/*recurse=*/false)) module.register_buffer(buffer.name, buffer.value);
  for (const auto& child : script.named_children()) {
    mirror(child.value, *module.register_module(child.name, std::make_shared<torch::nn::Module>(child.name)));
  }
}

}  // namespace

ScriptModule::ScriptModule(const std::string& path) : script_(loaded(path)) { mirror(script_, *this); }

at::Tensor ScriptModule::forward(const at::Tensor& inputs) { return script_.forward({inputs}).toTensor(); }

void ScriptModule::train(bool on) {
  torch::nn::Module::train(on);
  script_.train(on);
}

}  // namespace torchscript
