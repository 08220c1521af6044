#include "integrations/wandb/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "integrations/support/small_file.h"
#include "integrations/wandb/api_key.h"
#include "tests/integrations/wandb/environment_for_test.h"

namespace downbeat {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const WandbOptions& options = {}) {
  try {
    resolve_settings(options, {});
  } catch (const std::invalid_argument& sentence) {
    return sentence.what();
  }
  return "";
}

TEST(WandbSettings, ComeFromTheEnvironment) {
  const EnvironmentForTest environment{{"WANDB_PROJECT", "p"},
                                       {"WANDB_ENTITY", "e"},
                                       {"WANDB_NAME", "n"},
                                       {"WANDB_NOTES", "some notes"},
                                       {"WANDB_TAGS", "a,b c"},
                                       {"WANDB_JOB_TYPE", "j"},
                                       {"WANDB_RUN_GROUP", "g"},
                                       {"WANDB_RUN_ID", "id1"},
                                       {"WANDB_RESUME", "allow"},
                                       {"WANDB_DIR", "/d"},
                                       {"WANDB_MODE", "offline"},
                                       {"WANDB_SILENT", "true"},
                                       {"WANDB_LOG_MODEL", "checkpoint"},
                                       {"WANDB_WATCH", "all"}};
  const WandbSettings settings = resolve_settings({}, {});
  EXPECT_EQ(settings.project, "p");
  EXPECT_EQ(settings.entity, "e");
  EXPECT_EQ(settings.name, "n");
  EXPECT_EQ(settings.notes, "some notes");
  EXPECT_THAT(settings.tags, ElementsAre("a", "b c"));
  EXPECT_EQ(settings.job_type, "j");
  EXPECT_EQ(settings.group, "g");
  EXPECT_EQ(settings.run_id, "id1");
  EXPECT_EQ(settings.resume, WandbResume::allow);
  EXPECT_EQ(settings.directory, "/d/wandb");
  EXPECT_EQ(settings.mode, WandbMode::offline);
  EXPECT_TRUE(settings.is_silent);
  EXPECT_EQ(settings.log_model, WandbLogModel::checkpoint);
  EXPECT_TRUE(settings.watches_gradients && settings.watches_parameters);
  EXPECT_EQ(settings.artifact_name, "") << "model-<run id>, as no --run_name is given";
}

TEST(WandbSettings, OfTheProgramWinOverTheEnvironment) {
  const EnvironmentForTest environment{{"WANDB_PROJECT", "p"}, {"WANDB_NAME", "n"}, {"WANDB_MODE", "online"}};
  const WandbSettings settings =
      resolve_settings({.project = "q", .tags = {"t"}, .mode = "offline"}, {.run_name = "a run"});
  EXPECT_EQ(settings.project, "q");
  EXPECT_EQ(settings.name, "a run");
  EXPECT_THAT(settings.tags, ElementsAre("t"));
  EXPECT_EQ(settings.mode, WandbMode::offline);
  EXPECT_EQ(settings.artifact_name, "model-a_run");
}

TEST(WandbSettings, HaveHuggingFacesDefaults) {
  const EnvironmentForTest environment;
  const WandbSettings settings = resolve_settings({}, {});
  EXPECT_EQ(settings.project, "huggingface");
  EXPECT_EQ(settings.name, "");
  EXPECT_EQ(settings.directory, "wandb");
  EXPECT_EQ(settings.log_model, WandbLogModel::none);
}

TEST(WandbSettings, TakeTheHiddenDirectoryWhereItIs) {
  const std::string directory = empty_directory("hidden");
  std::filesystem::create_directory(directory + "/.wandb");
  const EnvironmentForTest environment{{"WANDB_DIR", directory}};
  EXPECT_EQ(resolve_settings({}, {}).directory, directory + "/.wandb");
}

TEST(WandbSettings, AreOfflineWithoutAKey) {
  const EnvironmentForTest environment;
  EXPECT_EQ(resolve_settings({}, {}).mode, WandbMode::offline);
  EXPECT_TRUE(resolve_settings({}, {}).is_without_key);
}

TEST(WandbSettings, AreOnlineWithAKey) {
  const EnvironmentForTest environment{{"WANDB_API_KEY", "secret"}};
  EXPECT_EQ(resolve_settings({}, {}).mode, WandbMode::online);
  EXPECT_EQ(resolve_settings({.mode = "online"}, {}).mode, WandbMode::online);
}

TEST(WandbSettings, AreOnlineWithAnEntryOfTheNetrcFile) {
  const std::string netrc = empty_directory("netrc") + "/netrc";
  ASSERT_TRUE(write_small_file(netrc, "machine 127.0.0.1:8080\n  login user\n  password secret\n").ok());
  const EnvironmentForTest environment{{"NETRC", netrc}, {"WANDB_BASE_URL", "http://127.0.0.1:8080/"}};
  EXPECT_EQ(resolve_settings({}, {}).mode, WandbMode::online);
}

TEST(WandbSettings, RefuseOnlineWithoutAKey) {
  const EnvironmentForTest environment{{"WANDB_MODE", "online"}};
  EXPECT_THAT(refusal(), AllOf(HasSubstr("WANDB_MODE is 'online'"), HasSubstr("WANDB_API_KEY")));
}

TEST(WandbSettings, RefuseWhatNoClientTakes) {
  const EnvironmentForTest environment;
  EXPECT_THAT(refusal({.mode = "onlin"}), HasSubstr("WANDB_MODE is 'onlin': it must be online, offline or disabled"));
  EXPECT_THAT(refusal({.project = "a/b"}), HasSubstr("WANDB_PROJECT is 'a/b'"));
  EXPECT_THAT(refusal({.run_id = "../x"}), HasSubstr("WANDB_RUN_ID is '../x'"));
  EXPECT_THAT(refusal({.run_id = " x"}), HasSubstr("WANDB_RUN_ID"));
  EXPECT_THAT(refusal({.tags = {std::string(65, 'x')}}), HasSubstr("WANDB_TAGS"));
  EXPECT_THAT(refusal({.watch_steps = -1}), HasSubstr("watch_steps is '-1'"));
  EXPECT_THAT(refusal({.finish_timeout_seconds = -1}), HasSubstr("finish_timeout_seconds is '-1'"));
}

TEST(WandbSettings, RefuseAnUnknownWayToResume) {
  const EnvironmentForTest environment{{"WANDB_RESUME", "perhaps"}};
  EXPECT_THAT(refusal(), HasSubstr("WANDB_RESUME is 'perhaps': it must be allow, must, never or auto"));
}

TEST(WandbSettings, WarnOfValuesThatMeanFalse) {
  const EnvironmentForTest environment{{"WANDB_LOG_MODEL", "true"}, {"WANDB_WATCH", "weights"}};
  const WandbSettings settings = resolve_settings({}, {});
  EXPECT_EQ(settings.log_model, WandbLogModel::none);
  EXPECT_THAT(settings.warnings,
              ElementsAre(HasSubstr("WANDB_LOG_MODEL is 'true'"), HasSubstr("WANDB_WATCH is 'weights'")));
}

TEST(WandbSettings, AreDisabledByEitherVariable) {
  const EnvironmentForTest environment{{"WANDB_DISABLED", "true"}, {"WANDB_MODE", "online"}, {"WANDB_PROJECT", "/"}};
  EXPECT_EQ(resolve_settings({}, {}).mode, WandbMode::disabled);
  EXPECT_EQ(resolve_settings({.mode = "disabled"}, {}).mode, WandbMode::disabled);
}

TEST(Netrc, IsReadAsPythonDoes) {
  EXPECT_TRUE(netrc_has_password("machine a login user password key", "a"));
  EXPECT_TRUE(netrc_has_password("# note\nmachine b password x\nmachine 'a'\n\tlogin 'user'\n\tpassword 'key'\n", "a"));
  EXPECT_TRUE(netrc_has_password("default login user password key", "a"));
  EXPECT_FALSE(netrc_has_password("machine b login user password key", "a"));
  EXPECT_FALSE(netrc_has_password("machine a login user", "a"));
  EXPECT_FALSE(netrc_has_password("machine a login password password ''", "a"));
  EXPECT_FALSE(netrc_has_password("machine", "a"));
  EXPECT_FALSE(netrc_has_password("", "a"));
}

TEST(WandbHost, IsThatOfTheBaseUrl) {
  EXPECT_EQ((EnvironmentForTest(), wandb_host()), "api.wandb.ai");
  const EnvironmentForTest environment{{"WANDB_BASE_URL", "https://user:secret@wandb.example:8443/path?x"}};
  EXPECT_EQ(wandb_host(), "wandb.example:8443");
}

}  // namespace
}  // namespace downbeat
