// All of //callbacks in one header: the pipeline, what its events tell, and the built-in callbacks. It knows no
// LibTorch.
//
//   downbeat::CallbackHandler handler(downbeat::DefaultFlowCallback{}, downbeat::ProgressCallback{}, MyCallback{});
//
// For loops of one's own; trainer/trainer.h brings it along. A header that only writes a callback needs but the
// vocabulary it names. The command line is vocabulary/training_arguments_flags.h.
#pragma once

#include "callbacks/default_flow.h"
#include "callbacks/early_stopping.h"
#include "callbacks/pipeline/callback_handler.h"
#include "callbacks/pipeline/dynamic_callback_handler.h"
#include "callbacks/printer.h"
#include "callbacks/profile.h"
#include "callbacks/progress.h"
#include "callbacks/trace.h"
#include "callbacks/vocabulary/callback_state.h"
#include "callbacks/vocabulary/checkpoint.h"
#include "callbacks/vocabulary/events.h"
#include "callbacks/vocabulary/logs.h"
#include "callbacks/vocabulary/message.h"
#include "callbacks/vocabulary/model_description.h"
#include "callbacks/vocabulary/prediction_progress.h"
#include "callbacks/vocabulary/run_end.h"
#include "callbacks/vocabulary/runs_on.h"
#include "callbacks/vocabulary/trainer_control.h"
#include "callbacks/vocabulary/trainer_state.h"
#include "callbacks/vocabulary/training_arguments.h"
