#include "callbacks/printer.h"

#include <cstdio>

#include "callbacks/python_dict.h"

namespace downbeat {

void PrinterCallback::on_log(Logs& logs, const TrainerState& state) {
  logs.erase("total_flos");
  if (!state.is_local_process_zero) return;
  std::fputs((python_dict(logs) + "\n").c_str(), stdout);
  std::fflush(stdout);  // a file that someone follows shows the line now
}

}  // namespace downbeat
