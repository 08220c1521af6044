// A thread that leaves the program's signals to the thread that trains.
#pragma once

#include <functional>
#include <thread>

namespace downbeat {

std::thread background_thread(std::function<void()> body);

}  // namespace downbeat
