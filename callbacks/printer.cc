#include "callbacks/printer.h"

#include <cstdio>

#include "callbacks/python_dict.h"

namespace downbeat {

void PrinterCallback::on_log(Logs& logs) {
  logs.erase("total_flos");
  std::fputs((python_dict(logs) + "\n").c_str(), stdout);
  std::fflush(stdout);  // a file that someone follows shows the line now
}

}  // namespace downbeat
