// DatasetDict: several evaluation sets, each with a name.
//
//   downbeat::DatasetDict<TensorDataset> eval{{"easy", easy}, {"hard", hard}};
//   Trainer trainer(model, args, train, eval);    // metrics eval_easy_loss, eval_hard_loss, ...
//
// They are evaluated one after another, in this order, each with its own on_evaluate; metric_for_best_model names one
// of them: hard_loss. All are of one type; sets of several types can be evaluated by hand: trainer.evaluate(dataset).
#pragma once

#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "trainer/data/dataset.h"

namespace downbeat {

template <Dataset D>
class DatasetDict {
 public:
  DatasetDict(std::initializer_list<std::pair<std::string, D>> sets) : sets_(sets) {}
  explicit DatasetDict(std::vector<std::pair<std::string, D>> sets) : sets_(std::move(sets)) {}

  const std::vector<std::pair<std::string, D>>& sets() const { return sets_; }

 private:
  std::vector<std::pair<std::string, D>> sets_;
};

namespace internal {
template <class T>
struct DatasetInDict;
template <class D>
struct DatasetInDict<DatasetDict<D>> {
  using type = D;
};
}  // namespace internal

template <class T>
using DatasetIn = typename internal::DatasetInDict<T>::type;
template <class T>
inline constexpr bool is_dataset_dict = requires { typename DatasetIn<T>; };

}  // namespace downbeat
