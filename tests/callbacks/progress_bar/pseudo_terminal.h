// PseudoTerminal: a terminal window that a test can look at.
//
//   PseudoTerminal terminal(40);
//   std::fputs("a\rb\n", terminal.stream());
//   terminal.screen() == std::vector<std::string>{"b", ""}
//
// It knows what the progress bar uses: UTF-8, \r, \n, erase to the end of the line, line up.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace downbeat {

class PseudoTerminal {
 public:
  explicit PseudoTerminal(int columns);
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  std::FILE* stream() const { return stream_; }
  void resize(int columns);

  const std::string& written();       // all bytes so far, as the program wrote them
  std::vector<std::string> screen();  // what is to be seen now, without trailing blanks; the last line has the cursor,
                                      // or text below it

 private:
  int master_ = -1;
  std::FILE* stream_ = nullptr;
  std::string written_;
};

}  // namespace downbeat
