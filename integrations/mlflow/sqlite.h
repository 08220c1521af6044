// SqliteFile: the little of SQLite that database.h needs, with failures as status.
//
//   SqliteFile file("mlflow.db");
//   absl::Status status = file.run("INSERT INTO tags (key, value) VALUES (?, ?)", {"team", "vision"});
//   absl::StatusOr<std::vector<SqliteFile::Row>> rows = file.rows("SELECT value FROM tags WHERE key = ?", {"team"});
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace downbeat {

class SqliteFile {
 public:
  using Value = std::variant<int64_t, double, std::string>;
  using Row = std::vector<std::string>;  // an empty text for null

  // Opens or makes the file; the first call of a function says when that failed. Waits so long for others.
  SqliteFile(const std::string& path, absl::Duration wait);
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  absl::Status execute(const std::string& statements);
  // kAlreadyExists where a constraint of the table is broken.
  absl::Status run(const std::string& statement, const std::vector<Value>& values = {});
  absl::StatusOr<std::vector<Row>> rows(const std::string& statement, const std::vector<Value>& values = {});
  int64_t last_id() const;

 private:
  struct Close {
    void operator()(sqlite3* file) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  absl::StatusOr<sqlite3_stmt*> prepared(const std::string& statement, const std::vector<Value>& values);
  absl::Status failure() const;

  std::unique_ptr<sqlite3, Close> file_;
  absl::Status opened_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

}  // namespace downbeat
