// ModelDescription: what a callback may want to know about the model without knowing torch: its configuration, its
// printed form, its parameters.
//
//   void on_train_begin(const ModelDescription& model) { std::cout << model.num_parameters() << " parameters\n"; }
//
// Trainer passes it with every event. A loop of one's own may pass one of its own. Nothing of it is worked out before
// it is asked for. Who knows torch asks for torch::nn::Module& instead.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace downbeat {

class ModelDescription {
 public:
  virtual ~ModelDescription() = default;

  virtual std::string config() const = 0;  // a JSON object, as in config.json; empty: the model has none
  virtual std::string text() const = 0;    // the model as its library prints it
  virtual int64_t num_parameters() const = 0;

  // Called with a name and all values, copied to the CPU; gradients: those that are there (from on_gradients_ready to
  // on_optimizer_step).
  using Visit = std::function<void(const std::string& name, const std::vector<float>& values)>;
  virtual void visit_parameters(const Visit& visit) const = 0;
  virtual void visit_gradients(const Visit& visit) const = 0;
};

}  // namespace downbeat
