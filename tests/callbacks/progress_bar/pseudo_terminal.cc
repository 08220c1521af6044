#include "tests/callbacks/progress_bar/pseudo_terminal.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <stdexcept>

namespace downbeat {
namespace {

size_t length_of_character(unsigned char first) { return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4; }

}  // namespace

PseudoTerminal::PseudoTerminal(int columns) {
  int slave = -1;
  if (openpty(&master_, &slave, nullptr, nullptr, nullptr) != 0) throw std::runtime_error("no pseudo-terminal");
  stream_ = fdopen(slave, "w");
  resize(columns);
}

PseudoTerminal::~PseudoTerminal() {
  std::fclose(stream_);
  close(master_);
}

void PseudoTerminal::resize(int columns) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = 24;
  if (ioctl(master_, TIOCSWINSZ, &size) != 0) throw std::runtime_error("cannot resize the pseudo-terminal");
}

const std::string& PseudoTerminal::written() {
  pollfd ready = {.fd = master_, .events = POLLIN, .revents = 0};
  while (poll(&ready, 1, 0) == 1) {
    char buffer[4096];
    const ssize_t size = read(master_, buffer, sizeof buffer);
    if (size <= 0) break;
    written_.append(buffer, static_cast<size_t>(size));
  }
  return written_;
}

std::vector<std::string> PseudoTerminal::screen() {
  const std::string& bytes = written();
  std::vector<std::vector<std::string>> lines(1);
  size_t row = 0;
  size_t column = 0;
  for (size_t i = 0; i < bytes.size();) {
    if (bytes[i] == '\r') {
      column = 0, ++i;
    } else if (bytes[i] == '\n') {
      if (++row == lines.size()) lines.emplace_back();
      ++i;
    } else if (bytes.compare(i, 3, "\x1b[K") == 0) {
      if (lines[row].size() > column) lines[row].resize(column);
      i += 3;
    } else if (bytes.compare(i, 3, "\x1b[A") == 0) {
      if (row > 0) --row;
      i += 3;
    } else if (bytes[i] == '\x1b') {
      throw std::runtime_error("an escape sequence that this terminal does not know");
    } else {
      const size_t length = length_of_character(static_cast<unsigned char>(bytes[i]));
      if (lines[row].size() <= column) lines[row].resize(column + 1, " ");
      lines[row][column++] = bytes.substr(i, length);
      i += length;
    }
  }
  while (lines.size() > row + 1 && lines.back().empty()) lines.pop_back();

  std::vector<std::string> seen;
  for (const auto& line : lines) {
    std::string text;
    for (const std::string& character : line) text += character;
    text.erase(text.find_last_not_of(' ') + 1);
    seen.push_back(text);
  }
  return seen;
}

}  // namespace downbeat
