#include "callbacks/printer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "callbacks/pipeline/callback_handler.h"

namespace downbeat {
namespace {

std::string printed(Logs& logs, const TrainerState& state = {}) {
  CallbackHandler handler(PrinterCallback{});
  TrainerControl control;
  testing::internal::CaptureStdout();
  handler.on_log(TrainingArguments{}, state, control, logs);
  return testing::internal::GetCapturedStdout();
}

TEST(PrinterTest, PrintsADictWithFourSignificantDigits) {
  Logs logs{{"loss", 2.33154}, {"learning_rate", 5e-05}, {"tokens", int64_t{4096}}, {"epoch", 1.0}};
  EXPECT_EQ(printed(logs), "{'loss': '2.332', 'learning_rate': '5e-05', 'tokens': 4096, 'epoch': '1'}\n");
}

TEST(PrinterTest, PrintsTextOfAnyLength) {
  Logs logs{{"text", std::string(1000, 'x')}};
  EXPECT_EQ(printed(logs), "{'text': '" + std::string(1000, 'x') + "'}\n");
}

TEST(PrinterTest, RemovesTotalFlosForTheCallbacksAfterItToo) {
  Logs logs{{"total_flos", 12.0}, {"train_loss", 0.5}};
  EXPECT_EQ(printed(logs), "{'train_loss': '0.5'}\n");
  EXPECT_FALSE(logs.contains("total_flos"));
}

TEST(PrinterTest, PrintsOnTheFirstProcessOfEachMachineOnly) {
  TrainerState state;
  state.is_world_process_zero = false;
  Logs logs{{"train_loss", 0.5}};
  EXPECT_EQ(printed(logs, state), "{'train_loss': '0.5'}\n");
  state.is_local_process_zero = false;
  EXPECT_EQ(printed(logs, state), "");
}

}  // namespace
}  // namespace downbeat
