// TorchModelDescription: what Trainer tells callbacks that know no torch about the model.
#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <string>

#include "callbacks/vocabulary/model_description.h"

namespace downbeat {

class TorchModelDescription : public ModelDescription {
 public:
  TorchModelDescription(std::shared_ptr<torch::nn::Module> model, std::function<std::string()> config);

  std::string config() const override { return config_(); }
  std::string text() const override;
  int64_t num_parameters() const override;
  void visit_parameters(const Visit& visit) const override;
  void visit_gradients(const Visit& visit) const override;

 private:
  std::shared_ptr<torch::nn::Module> model_;
  std::function<std::string()> config_;
};

}  // namespace downbeat
