// HttpClient: requests to a tracker's server over libcurl, one after the other on one connection that is kept alive.
//
//   HttpClient client({.authorization = "Bearer " + token});
//   absl::StatusOr<HttpResponse> response = client.send({.method = "POST", .url = uri + "/runs/create", .body = json});
//
// Any answer of the server is a response, 500 as well; a status is a failure of the network (kUnavailable,
// kDeadlineExceeded) and names the server without user info and query. What an `authorization` holds never stands in a
// text. Certificates are verified. For one thread, but for cancel_at(). What is worth another try tells
// spool_sender.h.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace downbeat {

struct HttpClientOptions {
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration timeout = absl::Seconds(30);  // of a request as a whole; of a file: without any progress
  std::string authorization = {};              // value of the header: "Bearer ...", "Basic ...", a bare key
  bool verify_certificates = true;
  std::string certificate_authorities = {};  // file; empty: the system's
  std::string client_certificate = {};       // file with certificate and key
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string body = {};
  std::string content_type = "application/json";
  std::string upload_file = {};     // instead of a body: a file's bytes
  std::string multipart_file = {};  // instead of a body: a file as the part `file` of multipart/form-data
  // Over a connection of its own: where one that was kept breaks before an answer, libcurl sends the request once more.
  bool at_most_once = false;
};

struct HttpResponse {
  int status = 0;
  std::string body = {};
  std::optional<absl::Duration> retry_after = {};
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  absl::StatusOr<HttpResponse> send(const HttpRequest& request);

  void set_authorization(std::string value) { options_.authorization = std::move(value); }

  // From any thread: no request goes on beyond this moment, the one that is under way as well.
  void cancel_at(absl::Time deadline);

 private:
  struct Handle;

  HttpClientOptions options_;
  std::unique_ptr<Handle> handle_;
  std::atomic<int64_t> cancel_at_;  // microseconds since 1970
};

std::string percent_encoded(const std::string& text);  // all but letters, digits and - . _ ~

}  // namespace downbeat
