#include "integrations/support/http_client.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <curl/curl.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "integrations/support/secrets.h"

namespace downbeat {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeMime {
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};
struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Headers = std::unique_ptr<curl_slist, FreeList>;

void add(Headers& headers, const std::string& line) {
  headers.reset(curl_slist_append(headers.release(), line.c_str()));
}

std::size_t keep_body(char* data, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

int give_up_when_cancelled(void* cancel_at, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return absl::ToUnixMicros(absl::Now()) >= static_cast<std::atomic<int64_t>*>(cancel_at)->load() ? 1 : 0;
}

absl::Status failure(CURLcode code, const std::string& url) {
  const std::string text = absl::StrCat(without_credentials(url), ": ", curl_easy_strerror(code));
  const bool is_late = code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK;
  return is_late ? absl::DeadlineExceededError(text) : absl::UnavailableError(text);
}

}  // namespace

struct HttpClient::Handle {
  std::unique_ptr<CURL, FreeEasy> easy{curl_easy_init()};
};

HttpClient::HttpClient(HttpClientOptions options)
    : options_(std::move(options)), cancel_at_(std::numeric_limits<int64_t>::max()) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(ready);
  handle_ = std::make_unique<Handle>();
}

HttpClient::~HttpClient() = default;

void HttpClient::cancel_at(absl::Time deadline) { cancel_at_ = absl::ToUnixMicros(deadline); }

absl::StatusOr<HttpResponse> HttpClient::send(const HttpRequest& request) {
  CURL* easy = handle_->easy.get();
  if (easy == nullptr) return absl::InternalError("libcurl cannot be started");
  curl_easy_reset(easy);  // keeps the connection
  HttpResponse response;
  Headers headers;
  if (!options_.authorization.empty()) add(headers, "Authorization: " + options_.authorization);
  add(headers, "Expect:");  // no extra round trip before a body

  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request.at_most_once ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "downbeat");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options_.connect_timeout)));
  if (request.upload_file.empty() && request.multipart_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(options_.timeout)));
  } else {  // a file may take long, as long as something moves
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     std::max(1L, static_cast<long>(absl::ToInt64Seconds(options_.timeout))));
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &keep_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &response.body);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &give_up_when_cancelled);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &cancel_at_);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options_.verify_certificates ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options_.verify_certificates ? 2L : 0L);
  if (!options_.certificate_authorities.empty())
    curl_easy_setopt(easy, CURLOPT_CAINFO, options_.certificate_authorities.c_str());
  if (!options_.client_certificate.empty())
    curl_easy_setopt(easy, CURLOPT_SSLCERT, options_.client_certificate.c_str());

  std::unique_ptr<std::FILE, CloseFile> file;
  std::unique_ptr<curl_mime, FreeMime> mime;
  if (!request.upload_file.empty()) {
    file.reset(std::fopen(request.upload_file.c_str(), "rb"));
    std::error_code error;
    const auto size = std::filesystem::file_size(request.upload_file, error);
    if (file == nullptr || error) return absl::NotFoundError("cannot read " + request.upload_file);
    add(headers, "Content-Type: " + request.content_type);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READDATA, file.get());
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
  } else if (!request.multipart_file.empty()) {
    mime.reset(curl_mime_init(easy));
    curl_mimepart* part = curl_mime_addpart(mime.get());
    curl_mime_name(part, "file");
    if (curl_mime_filedata(part, request.multipart_file.c_str()) != CURLE_OK) {
      return absl::NotFoundError("cannot read " + request.multipart_file);
    }
    curl_easy_setopt(easy, CURLOPT_MIMEPOST, mime.get());
  } else if (!request.body.empty() || request.method != "GET") {
    add(headers, "Content-Type: " + request.content_type);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());

  const CURLcode code = curl_easy_perform(easy);
  if (code != CURLE_OK) return failure(code, request.url);
  long status = 0;
  curl_off_t wait = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait);
  response.status = static_cast<int>(status);
  if (wait > 0) response.retry_after = absl::Seconds(wait);
  return response;
}

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || absl::StrContains("-._~", c)) {
      encoded += c;
    } else {
      absl::StrAppend(&encoded, "%", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  return encoded;
}

}  // namespace downbeat
