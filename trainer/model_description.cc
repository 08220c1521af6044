#include "trainer/model_description.h"

#include <sstream>
#include <utility>
#include <vector>

namespace downbeat {
namespace {

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  const float* begin = values.const_data_ptr<float>();
  return {begin, begin + values.numel()};
}

}  // namespace

TorchModelDescription::TorchModelDescription(std::shared_ptr<torch::nn::Module> model,
                                             std::function<std::string()> config)
    : model_(std::move(model)), config_(std::move(config)) {}

std::string TorchModelDescription::text() const {
  std::ostringstream text;
  text << *model_;
  return text.str();
}

int64_t TorchModelDescription::num_parameters() const {
  int64_t count = 0;
  for (const at::Tensor& parameter : model_->parameters()) count += parameter.numel();
  return count;
}

void TorchModelDescription::visit_parameters(const Visit& visit) const {
  for (const auto& parameter : model_->named_parameters()) visit(parameter.key(), values_of(parameter.value()));
}

void TorchModelDescription::visit_gradients(const Visit& visit) const {
  for (const auto& parameter : model_->named_parameters()) {
    const at::Tensor& gradient = parameter.value().grad();
    if (gradient.defined()) visit(parameter.key(), values_of(gradient));
  }
}

}  // namespace downbeat
