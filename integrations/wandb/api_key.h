// Whether the official program will find a key for the service; the key itself is never read into anything here.
#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace downbeat {

// WANDB_API_KEY, WANDB_IDENTITY_TOKEN_FILE, or an entry of the netrc file (NETRC, else ~/.netrc, ~/_netrc) for the
// host of WANDB_BASE_URL.
bool has_api_key();

std::string wandb_host();  // with its port: api.wandb.ai, 127.0.0.1:8080

// As Python's netrc: an entry of this host, or the default one, with a password that is not empty.
bool netrc_has_password(absl::string_view netrc, absl::string_view host);

}  // namespace downbeat
