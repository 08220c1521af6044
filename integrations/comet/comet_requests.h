// The lines of a Comet archive as requests of the documented REST API, version 2
// (https://www.comet.com/docs/v2/api-and-sdk/rest-api/write-endpoints/).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "integrations/support/http_client.h"

namespace downbeat {

class CometRequests {
 public:
  explicit CometRequests(std::string server) : base_(std::move(server) + "/api/rest/v2/") {}  // "https://www.comet.com"

  HttpRequest workspaces() const;
  HttpRequest create(const std::string& key, const std::string& workspace, const std::string& project) const;
  HttpRequest metadata(const std::string& key) const;  // answered with 200 when there is such an experiment
  HttpRequest heartbeat(const std::string& key) const;
  HttpRequest times(const std::string& key, std::optional<int64_t> start_ms, int64_t end_ms) const;

  // For a line of messages.json; files are read from `directory`. Nothing where the service has no place for it.
  std::optional<HttpRequest> message(const std::string& key, const nlohmann::ordered_json& message,
                                     const std::string& directory) const;

 private:
  HttpRequest write(const std::string& path, const nlohmann::ordered_json& body) const;
  HttpRequest upload(const std::string& key, const nlohmann::ordered_json& payload, const std::string& directory) const;

  const std::string base_;
};

}  // namespace downbeat
