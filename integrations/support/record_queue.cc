#include "integrations/support/record_queue.h"

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace downbeat {
namespace {

constexpr std::size_t kChunkSize = 64 * 1024;

enum class Kind : uint8_t { line, prediction, task };

// Of one record: what follows, and the fixed part of a line.
struct Header {
  uint32_t size;  // of the record with its header
  uint32_t values;
  int64_t step;
  double epoch;
  int64_t time_us;
  Kind kind;
};

// Of one value of a line; name and text follow.
struct Item {
  uint32_t name_size;
  uint32_t text_size;
  uint8_t kind;  // index in Logs::Value
  union {
    double number;
    int64_t integer;
  };
};

std::size_t size_of(const Logs& logs) {
  std::size_t size = sizeof(Header);
  for (const auto& [name, value] : logs) {
    const auto* text = std::get_if<std::string>(&value);
    size += sizeof(Item) + name.size() + (text != nullptr ? text->size() : 0);
  }
  return size;
}

template <class T>
void put(char*& to, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof(T));
  to += sizeof(T);
}
void put(char*& to, const std::string& text) {
  std::memcpy(to, text.data(), text.size());
  to += text.size();
}
template <class T>
T take(const char*& from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  from += sizeof(T);
  return value;
}
std::string take_text(const char*& from, std::size_t size) {
  std::string text(from, size);
  from += size;
  return text;
}

void put_items(char*& to, const Logs& logs) {
  for (const auto& [name, value] : logs) {
    Item item{};
    item.name_size = static_cast<uint32_t>(name.size());
    item.kind = static_cast<uint8_t>(value.index());
    const auto* text = std::get_if<std::string>(&value);
    if (text != nullptr) item.text_size = static_cast<uint32_t>(text->size());
    if (const auto* number = std::get_if<double>(&value)) item.number = *number;
    if (const auto* integer = std::get_if<int64_t>(&value)) item.integer = *integer;
    put(to, item);
    put(to, name);
    if (text != nullptr) put(to, *text);
  }
}

LogRecord take_line(const Header& header, const char* from) {
  LogRecord record{.step = header.step,
                   .epoch = header.epoch,
                   .time_us = header.time_us,
                   .is_prediction = header.kind == Kind::prediction,
                   .logs = {}};
  for (uint32_t i = 0; i < header.values; ++i) {
    const auto item = take<Item>(from);
    Logs::Value& value = record.logs[take_text(from, item.name_size)];
    if (item.kind == 0) value = item.number;
    if (item.kind == 1) value = item.integer;
    if (item.kind == 2) value = take_text(from, item.text_size);
  }
  return record;
}

}  // namespace

// The two ends touch different parts: the one that logs appends behind `written`, the other one reads before it.
struct RecordQueue::Chunk {
  static Chunk* make(std::size_t capacity) { return new (::operator new(sizeof(Chunk) + capacity)) Chunk(capacity); }
  static void free(Chunk* chunk) {
    if (chunk == nullptr) return;
    chunk->~Chunk();
    ::operator delete(chunk);
  }
  explicit Chunk(std::size_t size) : capacity(size) {}
  char* data() { return reinterpret_cast<char*>(this + 1); }

  const std::size_t capacity;
  std::atomic<std::size_t> written{0};
  std::atomic<Chunk*> next{nullptr};
};

RecordQueue::RecordQueue(std::size_t limit)
    : limit_(limit), bytes_(kChunkSize), last_(Chunk::make(kChunkSize)), first_(last_) {}

RecordQueue::~RecordQueue() {
  pop([](const LogRecord&) {});  // frees what the tasks hold
  Chunk::free(spare_.load());
  Chunk::free(first_);
}

bool RecordQueue::push(int64_t step, double epoch, int64_t time_us, bool is_prediction, const Logs& logs) {
  const std::size_t size = size_of(logs);
  char* to = reserve(size, /*even_if_full=*/false);
  if (to == nullptr) {
    dropped_.fetch_add(static_cast<int64_t>(logs.size()), std::memory_order_relaxed);
    return false;
  }
  put(to, Header{.size = static_cast<uint32_t>(size),
                 .values = static_cast<uint32_t>(logs.size()),
                 .step = step,
                 .epoch = epoch,
                 .time_us = time_us,
                 .kind = is_prediction ? Kind::prediction : Kind::line});
  put_items(to, logs);
  publish(size);
  return true;
}

void RecordQueue::push(Task task) {
  constexpr std::size_t size = sizeof(Header) + sizeof(Task*);
  auto owned = std::make_unique<Task>(std::move(task));
  char* to = reserve(size, /*even_if_full=*/true);
  put(to, Header{.size = size, .values = 0, .step = 0, .epoch = 0, .time_us = 0, .kind = Kind::task});
  put(to, owned.release());
  publish(size);
}

// Room for one record in the last chunk, or in a new one behind it.
char* RecordQueue::reserve(std::size_t size, bool even_if_full) {
  const std::size_t written = last_->written.load(std::memory_order_relaxed);
  if (written + size <= last_->capacity) return last_->data() + written;
  Chunk* chunk = size <= kChunkSize ? spare_.exchange(nullptr, std::memory_order_acquire) : nullptr;
  if (chunk == nullptr) {
    const std::size_t capacity = size <= kChunkSize ? kChunkSize : size;
    if (!even_if_full && bytes_.load(std::memory_order_relaxed) + capacity > limit_) return nullptr;
    chunk = Chunk::make(capacity);
    bytes_.fetch_add(capacity, std::memory_order_relaxed);
  }
  last_->next.store(chunk, std::memory_order_release);
  last_ = chunk;
  return chunk->data();
}

void RecordQueue::publish(std::size_t size) {
  last_->written.store(last_->written.load(std::memory_order_relaxed) + size, std::memory_order_release);
}

bool RecordQueue::pop(const std::function<void(const LogRecord&)>& line) {
  bool found = false;
  while (true) {
    Chunk* next = first_->next.load(std::memory_order_acquire);  // before `written`: nothing is written behind it
    const std::size_t written = first_->written.load(std::memory_order_acquire);
    while (read_ < written) {
      found = true;
      const char* from = first_->data() + read_;
      const auto header = take<Header>(from);
      read_ += header.size;
      if (header.kind == Kind::task) {
        const std::unique_ptr<Task> task(take<Task*>(from));
        (*task)();
      } else {
        line(take_line(header, from));
      }
    }
    if (next == nullptr) return found;
    Chunk* emptied = std::exchange(first_, next);
    read_ = 0;
    emptied->written.store(0, std::memory_order_relaxed);
    emptied->next.store(nullptr, std::memory_order_relaxed);
    if (emptied->capacity == kChunkSize) emptied = spare_.exchange(emptied, std::memory_order_acq_rel);
    if (emptied != nullptr) {
      bytes_.fetch_sub(emptied->capacity, std::memory_order_relaxed);
      Chunk::free(emptied);
    }
  }
}

}  // namespace downbeat
