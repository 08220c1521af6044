// What trackers tell about the machine and the process, and the names they make of it.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

namespace downbeat {

std::string host_name();
std::string user_name();
std::string operating_system();           // as Python's platform.platform(): Linux-6.1.0-x86_64-with-glibc2.36
std::string program_path();               // of the running program
std::vector<std::string> command_line();  // its arguments, without the program

// `count` random characters of `alphabet`: names of runs. Not from the seed of the training, which it leaves alone.
std::string random_text(int count, absl::string_view alphabet);
std::string random_hex(int count);
std::string random_uuid();  // version 4

std::string local_time(absl::string_view format, absl::Time time);  // absl::FormatTime in the time zone of the machine

}  // namespace downbeat
