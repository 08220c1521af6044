// What there is to know about the place a stream writes to: whether it is a terminal, how wide, which characters.
#pragma once

#include <cstdio>
#include <optional>

namespace downbeat {

// False too for one that cannot go back in its line (TERM=dumb).
bool is_live_terminal(std::FILE* stream);

bool is_pipe(std::FILE* stream);

// Columns of the window as it is now; empty where nobody knows.
std::optional<int> terminal_width(std::FILE* stream);

// As the environment says (LC_ALL, else LC_CTYPE, else LANG): a program that never calls setlocale is answered too.
bool locale_is_utf8();

}  // namespace downbeat
