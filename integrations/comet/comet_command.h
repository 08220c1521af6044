// The command line of the program as it may be shown: without secrets.
#pragma once

#include <string>
#include <vector>

namespace downbeat {

// --hub_token=abc and --hub_token abc become --hub_token=<hidden> and --hub_token <hidden>, so for every name with
// token, key, password or secret in it; an address loses its user info.
std::vector<std::string> without_secrets(std::vector<std::string> arguments);

}  // namespace downbeat
