// CometSettings: what the options of a CometCallback and the environment say together.
#pragma once

#include <string>

#include "integrations/comet/comet_options.h"

namespace downbeat {

struct CometSettings {
  std::string mode;        // get_or_create, create or get
  bool is_enabled = true;  // false: the mode is none of these
  bool is_online = false;
  bool lacks_key = false;  // the reason for which it is offline
  std::string api_key;
  std::string server;  // scheme and host
  std::string workspace;
  std::string project_name;
  std::string experiment_key;
  std::string offline_directory;
  bool log_assets = false;
};

// Throws std::invalid_argument, naming the variable, its value and what is allowed.
CometSettings comet_settings(const CometOptions& options);

}  // namespace downbeat
