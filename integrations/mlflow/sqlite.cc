#include "integrations/mlflow/sqlite.h"

#include <sqlite3.h>

namespace downbeat {

void SqliteFile::Close::operator()(sqlite3* file) const { sqlite3_close(file); }
void SqliteFile::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqliteFile::SqliteFile(const std::string& path, absl::Duration wait) {
  sqlite3* file = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  file_.reset(file);
  if (code != SQLITE_OK) opened_ = file != nullptr ? failure() : absl::ResourceExhaustedError("out of memory");
  if (file != nullptr) sqlite3_busy_timeout(file, static_cast<int>(absl::ToInt64Milliseconds(wait)));
}

SqliteFile::~SqliteFile() = default;

absl::Status SqliteFile::failure() const {
  const bool is_constraint = sqlite3_errcode(file_.get()) == SQLITE_CONSTRAINT;
  const char* text = sqlite3_errmsg(file_.get());
  return is_constraint ? absl::AlreadyExistsError(text) : absl::UnavailableError(text);
}

absl::Status SqliteFile::execute(const std::string& statements) {
  if (!opened_.ok()) return opened_;
  return sqlite3_exec(file_.get(), statements.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK ? absl::OkStatus()
                                                                                               : failure();
}

absl::StatusOr<sqlite3_stmt*> SqliteFile::prepared(const std::string& statement, const std::vector<Value>& values) {
  if (!opened_.ok()) return opened_;
  auto& kept = statements_[statement];
  if (!kept) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v2(file_.get(), statement.c_str(), -1, &made, nullptr) != SQLITE_OK) return failure();
    kept.reset(made);
  }
  sqlite3_reset(kept.get());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    if (const auto* whole = std::get_if<int64_t>(&values[i])) sqlite3_bind_int64(kept.get(), at, *whole);
    if (const auto* number = std::get_if<double>(&values[i])) sqlite3_bind_double(kept.get(), at, *number);
    if (const auto* text = std::get_if<std::string>(&values[i])) {
      sqlite3_bind_text64(kept.get(), at, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
  }
  return kept.get();
}

absl::Status SqliteFile::run(const std::string& statement, const std::vector<Value>& values) {
  return rows(statement, values).status();
}

absl::StatusOr<std::vector<SqliteFile::Row>> SqliteFile::rows(const std::string& statement,
                                                              const std::vector<Value>& values) {
  absl::StatusOr<sqlite3_stmt*> ready = prepared(statement, values);
  if (!ready.ok()) return ready.status();
  std::vector<Row> all;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(*ready)) == SQLITE_ROW) {
    Row& row = all.emplace_back();
    for (int i = 0; i < sqlite3_column_count(*ready); ++i) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(*ready, i));
      row.emplace_back(text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_column_bytes(*ready, i)));
    }
  }
  absl::Status status = code == SQLITE_DONE ? absl::OkStatus() : failure();
  sqlite3_reset(*ready);  // ends its lock
  if (!status.ok()) return status;
  return all;
}

int64_t SqliteFile::last_id() const { return sqlite3_last_insert_rowid(file_.get()); }

}  // namespace downbeat
