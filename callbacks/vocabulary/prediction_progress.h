// PredictionProgress: how far an evaluation or a prediction is, as on_evaluate_begin, on_predict_begin and
// on_prediction_step hear it.
//
//   handler.on_prediction_step(args, state, control, PredictionProgress{.batch = ++done, .batches = 12});
//
// Numbers that an evaluation measured are in Metrics.
#pragma once

#include <cstdint>

namespace downbeat {

struct PredictionProgress {
  int64_t batch = 0;     // done so far
  int64_t batches = -1;  // in all; negative where nobody knows
};

}  // namespace downbeat
