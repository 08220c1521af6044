// downbeat-mlflow-replay: sends a run that a training could not send; see kHelp.
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "integrations/azureml/address.h"
#include "integrations/azureml/settings.h"
#include "integrations/mlflow/destinations.h"
#include "integrations/mlflow/settings.h"
#include "integrations/mlflow/spool_replay.h"
#include "integrations/support/http_client.h"
#include "integrations/support/secrets.h"
#include "integrations/support/spool_sender.h"

namespace downbeat {
namespace {

using What = SendResult::What;

constexpr char kHelp[] =
    R"(downbeat-mlflow-replay SPOOL [URI]

Sends a run that a training kept in SPOOL (OUTPUT_DIR/mlflow/TIME-RANDOM/spool.jsonl) because its MLflow server or
database could not be reached, from the first entry that is not taken yet; then removes SPOOL. What is there already is
not stored twice.

URI   http://HOST:PORT, https://..., sqlite:///PATH or azureml://...; without it, where the training wanted to send the
      run.

Credentials and certificates are those of MLflow's own client: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or
MLFLOW_TRACKING_TOKEN, MLFLOW_TRACKING_SERVER_CERT_PATH and so on. For AzureML the token is MLFLOW_TRACKING_TOKEN or
AZUREML_RUN_TOKEN, else that of `az login`, else in the file that AZUREML_TOKEN_FILE names. To send a whole run once
more, to another server for example, remove SPOOL.acknowledged first.
)";

constexpr int kTries = 4;  // in a row, of which none gets any further

std::unique_ptr<MLflowDestination> destination_at(const std::string& uri) {
  if (const auto workspace = azureml_address_in(uri)) return azureml_destination(*workspace, {});
  return mlflow_destination(mlflow_address(uri), {});
}

std::string what_happened(const MLflowDestination& destination, const SendResult& result) {
  if (result.what == What::failed) return absl::StrCat("cannot be reached (", result.reason, ")");
  if (result.what == What::refused) return absl::StrCat("does not take the run (", result.reason, ")");
  return absl::StrCat("refuses the credentials (", result.reason, "); check ", destination.credentials());
}

void send_all(SpoolReplay& replay, MLflowDestination& destination, const std::string& path) {
  int tries = 0;
  while (true) {
    const int64_t before = replay.sent();
    const SendResult result = replay.send_all(destination);
    if (result.what == What::sent) return;
    tries = replay.sent() > before ? 1 : tries + 1;
    if (result.what != What::failed || tries == kTries) {
      throw std::runtime_error(absl::StrCat(destination.name(), " ", what_happened(destination, result),
                                            "; what it has not taken stays in ", path));
    }
    absl::SleepFor(result.retry_after.value_or(absl::Seconds(1 << (tries - 1))));
  }
}

void replay(const std::string& path, const std::string& chosen_uri) {
  auto opened = SpoolReplay::open("MLflow", path);
  if (!opened.ok()) throw std::runtime_error(std::string(opened.status().message()));
  SpoolReplay& spool = **opened;
  const std::string uri = chosen_uri.empty() ? spool.run().start.uri : chosen_uri;
  const auto destination = destination_at(uri);
  if (!destination) {
    throw std::runtime_error(absl::StrCat("cannot send to ", without_credentials(uri),
                                          ": name an http://, https://, sqlite:/// or azureml:// URI"));
  }
  send_all(spool, *destination, path);
  std::cout << "sent " << spool.sent() - spool.refused() << " entries of run " << spool.run().id << " to "
            << destination->name() << "\n";
  if (spool.refused() == 0) return;
  throw std::runtime_error(absl::StrCat(destination->name(), " refuses ", spool.refused(), " of ", spool.sent(),
                                        " entries (", spool.refusal(), "), which stay in ", path));
}

void run(const std::vector<std::string>& words) {
  const bool asks_for_help =
      std::any_of(words.begin(), words.end(), [](const std::string& word) { return word == "--help" || word == "-h"; });
  if (asks_for_help) {
    std::cout << kHelp;
    return;
  }
  const bool is_option = !words.empty() && absl::StartsWith(words.front(), "-");
  if (is_option || words.empty() || words.size() > 2) {
    const std::string given =
        is_option ? words.front() + " is not known" : absl::StrCat(words.size(), " arguments are given");
    throw std::runtime_error(given + ": it takes the path of a spool and perhaps a URI, see --help");
  }
  replay(words[0], words.size() == 2 ? words[1] : "");
}

}  // namespace
}  // namespace downbeat

int main(int argc, char** argv) {
  try {
    downbeat::run({argv + 1, argv + argc});
    return EXIT_SUCCESS;
  } catch (const std::exception& exception) {
    std::cerr << "downbeat-mlflow-replay: " << exception.what() << "\n";
    return EXIT_FAILURE;
  }
}
