#include "callbacks/progress_bar/display.h"

#include <mutex>
#include <utility>

#include "callbacks/progress_bar/terminal.h"

namespace downbeat {
namespace {

constexpr char kToLineStart[] = "\r";
constexpr char kEraseRest[] = "\x1b[K";  // of the line
constexpr char kToNextLine[] = "\n\r";
constexpr char kLineUp[] = "\x1b[A";

}  // namespace

ProgressDisplay::ProgressDisplay(std::FILE* bar_stream, std::FILE* log_stream, std::function<double()> clock)
    : bar_stream_(bar_stream),
      log_stream_(log_stream),
      clock_(std::move(clock)),
      live_(is_live_terminal(bar_stream)),
      logs_are_piped_(is_pipe(log_stream)),
      ascii_(!locale_is_utf8()) {}

ProgressDisplay::~ProgressDisplay() { close_all(); }

void ProgressDisplay::open(Place place, std::optional<int64_t> total, int64_t initial) {
  const std::lock_guard lock(terminal_mutex());
  // A live bar's place says what it is; of a line in a file nobody could tell.
  const char* prefix = !live_ && place == kPrediction ? "prediction" : "";
  bars_[place].emplace(ProgressBar::Facts{.total = total, .initial = initial, .prefix = prefix},
                       live_ ? kLivePace : kLinesPace, now());
  if (!live_) return;
  if (!hooks_) hooks_.emplace([this] { erase(); }, [this] { draw(); });
  draw();
}

int64_t ProgressDisplay::advance(Place place, int64_t n) {
  const std::lock_guard lock(terminal_mutex());
  ProgressBar& bar = *bars_[place];
  if (bar.advance(n, now())) {
    if (live_) {
      draw();
    } else {
      write(text(bar.meter(now())) + "\n");
    }
  }
  return bar.next_look();
}

void ProgressDisplay::close(Place place, int64_t n, Leave leave) {
  const std::lock_guard lock(terminal_mutex());
  if (live_) erase();
  ProgressBar bar = *std::exchange(bars_[place], std::nullopt);
  bar.set(n);
  if (leave == Leave::kYes && (live_ || !bar.shows_all())) write(text(bar.final_meter(now())) + "\n");
  if (!any_open()) {
    hooks_.reset();
  } else if (live_) {
    draw();
  }
}

void ProgressDisplay::close_all() {
  const std::lock_guard lock(terminal_mutex());
  const Leave leave_prediction = is_open(kTraining) ? Leave::kNo : Leave::kYes;
  if (is_open(kPrediction)) close(kPrediction, bars_[kPrediction]->n(), leave_prediction);
  if (is_open(kTraining)) close(kTraining, bars_[kTraining]->n(), Leave::kYes);
}

void ProgressDisplay::log_line(const std::string& line, int64_t n) {
  const std::lock_guard lock(terminal_mutex());
  if (is_open(kTraining)) bars_[kTraining]->set(n);
  const bool bars_in_the_way = live_ && any_open();
  if (bars_in_the_way) erase();
  std::fputs((line + "\n").c_str(), log_stream_);
  std::fflush(log_stream_);
  // `program | tee log` writes the line a moment later, to where the cursor stands.
  constexpr double kMoment = 0.1;
  if (logs_are_piped_) drawn_not_before_ = now() + kMoment;
  if (bars_in_the_way) draw();
}

void ProgressDisplay::note(const std::string& line) {
  const std::lock_guard lock(terminal_mutex());
  write(line + "\n");
}

// The last column stays free, as in tqdm: a character there makes some terminals go to the next line.
std::string ProgressDisplay::text(const Meter& meter) const {
  std::optional<int> width = live_ ? terminal_width(bar_stream_) : std::nullopt;
  if (width) --*width;
  return format_meter(meter, {.width = width, .ascii = ascii_});
}

// Always all of it in one piece, so that nothing flickers; the cursor stays in the first line.
void ProgressDisplay::draw() {
  if (now() < drawn_not_before_) return;
  std::string out = kToLineStart;
  if (is_open(kTraining)) out += text(bars_[kTraining]->meter(now())) + kEraseRest;
  if (both_open()) out += kToNextLine;
  if (is_open(kPrediction)) out += text(bars_[kPrediction]->meter(now())) + kEraseRest;
  if (both_open()) out += kLineUp;
  write(out);
}

void ProgressDisplay::erase() {
  std::string out = std::string(kToLineStart) + kEraseRest;
  if (both_open()) out.append(kToNextLine).append(kEraseRest).append(kLineUp);
  write(out);
}

void ProgressDisplay::write(const std::string& text) {
  std::fputs(text.c_str(), bar_stream_);
  std::fflush(bar_stream_);
}

}  // namespace downbeat
