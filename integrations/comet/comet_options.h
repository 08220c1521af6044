// CometOptions: where and how a CometCallback reports.
//
//   CometCallback({.project_name = "digits", .log_assets = true})
#pragma once

#include <optional>
#include <string>

namespace downbeat {

// What is left empty is read from the environment variable that stands behind it.
struct CometOptions {
  std::string mode = {};                // COMET_MODE: get_or_create, create, get; anything else: no reporting
  std::optional<bool> online = {};      // COMET_START_ONLINE; neither: online where there is a key
  std::string api_key = {};             // COMET_API_KEY
  std::string url = {};                 // COMET_URL_OVERRIDE; only scheme and host of it count
  std::string workspace = {};           // COMET_WORKSPACE; empty: the first that the key may use
  std::string project_name = {};        // COMET_PROJECT_NAME
  std::string experiment_key = {};      // COMET_EXPERIMENT_KEY: 32 to 50 letters and digits; wins over a checkpoint's
  std::string offline_directory = {};   // COMET_OFFLINE_DIRECTORY
  std::optional<bool> log_assets = {};  // COMET_LOG_ASSETS: output_dir, at the end of training

  double requests_per_second = 10;  // 0: as many as the service answers
  double request_timeout_seconds = 30;
  double finish_timeout_seconds = 60;  // how long the end of the run may wait for the service
  double retry_after_seconds = 1;      // the first try after a failure; then twice as late each time
};

}  // namespace downbeat
