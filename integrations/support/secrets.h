// What may be shown of an address and of a command line: no password, no token.
#pragma once

#include <string>
#include <vector>

namespace downbeat {

std::string without_credentials(const std::string& url);  // no user info, no query

// --hub_token=abc and --hub_token abc become --hub_token=<HUB_TOKEN> and --hub_token <HUB_TOKEN>, as HuggingFace shows
// them, and so for every name that ends with token, key, password or secret; an address loses its credentials.
std::vector<std::string> without_secrets(std::vector<std::string> arguments);

}  // namespace downbeat
