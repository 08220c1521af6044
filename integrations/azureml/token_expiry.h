// When a bearer token ends.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

namespace downbeat {

// `exp` of a JSON Web Token (RFC 7519), unverified; nothing where the token is no such thing or does not say.
std::optional<absl::Time> token_expiry(const std::string& token);

}  // namespace downbeat
