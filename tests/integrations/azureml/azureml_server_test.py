"""AzureMLCallback with a real MLflow server behind a proxy that stands for AzureML: a workspace's address and a token."""
import base64
import json
import math
import os
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append("tests/integrations/mlflow")

from mlflow_support import CLIENTS, MLflowTest, entries_in, log_lines, points_in, series, wait_for

SCOPE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
CALL = f"/mlflow/v2.0{SCOPE}/api/2.0/mlflow/"


def token_until(seconds, name):
    """A JSON Web Token that ends in so many seconds."""
    def part(claims):
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{part({'alg': 'RS256'})}.{part({'sub': name, 'exp': int(time.time()) + seconds})}.s1gnature{name}"


class Workspace:
    """bearer_proxy.py in front of a server."""

    def __init__(self, server, directory, token, *options, port=0):
        self._record = os.path.join(directory, "requests.json")
        command = [sys.executable, os.path.join(CLIENTS, "bearer_proxy.py"), "--upstream", server, "--token", token,
                   "--prefix", "/mlflow/v2.0" + SCOPE, "--record", self._record, "--port", str(port), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self._process.stdout.readline().split()[1]
        self.uri = self._process.stdout.readline().split()[1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def requests(self):
        """(method and call, status); what is outside of the workspace has its whole path."""
        if not os.path.exists(self._record):
            return []
        with open(self._record, encoding="utf-8") as file:
            return [(f"{one['method']} {one['path'].removeprefix(CALL).split('?')[0]}", one["status"])
                    for one in json.load(file)]

    def calls(self, name):
        return [status for call, status in self.requests() if call == name]

    def close(self):
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process.stdout.close()
            self._process = None


class AzureMLTest(MLflowTest):
    def setUp(self):
        super().setUp()
        secrets = tempfile.TemporaryDirectory()
        self.addCleanup(secrets.cleanup)
        self.secrets = secrets.name
        self.token_file = os.path.join(self.secrets, "token")
        self.token, self.fresh = token_until(3600, "first"), token_until(7200, "fresh")
        self.conducted = []
        self.install_az("exit 1")  # in front of a real one
        self.addCleanup(self.assert_no_token_is_written)

    def assert_no_token_is_written(self):
        texts = [run.text() for run in self.conducted]
        for directory, _, files in os.walk(self.directory):
            for name in files:
                with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as file:
                    texts.append(file.read())
        for text in texts:
            for part in ("s1gnature", *self.token.split("."), *self.fresh.split(".")):
                self.assertNotIn(part, text)

    def install_az(self, lines):
        path = os.path.join(self.secrets, "az")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{lines}\n")
        os.chmod(path, stat.S_IRWXU)

    def write_token(self, token):
        with open(self.token_file + ".new", "w", encoding="utf-8") as file:
            file.write(token + "\n")
        os.replace(self.token_file + ".new", self.token_file)

    def workspace(self, *options, token=None, port=0):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        workspace = Workspace(self.server.uri, directory.name, token or self.token, *options, port=port)
        self.addCleanup(workspace.close)
        return workspace

    def run_at(self, uri, args=None, model=None, **env):
        run = self.run_with(uri, args=args, model=model,
                            **{"PATH": f"{self.secrets}:/usr/bin:/bin", "MLFLOW_TRACKING_TOKEN": self.token, **env})
        self.conducted.append(run)
        return run

    def whole_run(self, uri, warnings=0, **env):
        with self.run_at(uri, **env) as run:
            run.begin()
            log_lines(run)
            run.end()
        self.assertEqual(len(run.warnings), warnings, run.warnings)
        return run

    def spools(self, name="azure_ml"):
        return super().spools(name)

    def given_run(self):
        client = self.client()
        found = client.get_experiment_by_name(self.experiment)
        experiment = found.experiment_id if found else client.create_experiment(self.experiment)
        return client.create_run(experiment).info.run_id

    def assert_all_is_there_once(self, status="FINISHED", **which):
        self.assertEqual(len(self.runs()), 1)
        return self.check({"metrics": series(), "exact_metrics": True, "status": status}, **which)

    def assert_all_were_taken(self, workspace):
        for call, status in workspace.requests():
            self.assertFalse(call.split()[1].startswith("/"), call)  # outside of the workspace
            self.assertLess(status, 300 if "get-by-name" not in call else 405, call)


class Values(AzureMLTest):
    def test_all_lines_arrive_in_a_run_of_ones_own(self):
        workspace = self.workspace()
        with self.run_at(workspace.uri, args={"run_name": "first", "learning_rate": 0.05},
                         model={"config": {"hidden": 4}}) as run:
            run.begin()
            log_lines(run)
            run.end()
            self.assertEqual(run.warnings, [])
        seen = self.assert_all_is_there_once()
        self.assertEqual(seen["run_name"], "first")
        self.assertEqual({name: seen["params"][name] for name in ("hidden", "learning_rate")},
                         {"hidden": "4", "learning_rate": "0.05"})
        self.assert_all_were_taken(workspace)
        self.assertEqual(workspace.calls("POST runs/create"), [200])
        self.assertEqual(workspace.calls("POST runs/update"), [200])
        self.assertEqual(os.listdir(self.output_dir), [])

    def test_the_run_of_the_job_belongs_to_the_platform(self):
        for variable in ("AZUREML_RUN_ID", "MLFLOW_RUN_ID"):
            workspace = self.workspace()
            given = self.given_run()
            other = {"AZUREML_RUN_ID": "another-run"} if variable == "MLFLOW_RUN_ID" else {}
            self.whole_run(workspace.uri, MLFLOW_TAGS='{"team": "vision"}', **{**other, variable: given})
            self.check({"metrics": series(), "exact_metrics": True, "status": "RUNNING", "tags": {"team": "vision"}},
                       run_id=given)
            self.assert_all_were_taken(workspace)
            self.assertEqual({call for call, _ in workspace.requests()}, {"POST runs/log-batch"})

    def test_the_job_says_where_its_workspace_is(self):
        workspace = self.workspace()
        self.whole_run("", AZUREML_SERVICE_ENDPOINT=workspace.url, AZUREML_ARM_SUBSCRIPTION="s",
                       AZUREML_ARM_RESOURCEGROUP="g", AZUREML_ARM_WORKSPACE_NAME="w",
                       MLFLOW_TRACKING_TOKEN="", AZUREML_RUN_TOKEN=self.token)
        self.assert_all_is_there_once()
        self.assert_all_were_taken(workspace)

    def test_an_experiment_by_its_id(self):
        experiment = self.client().create_experiment(self.experiment)
        self.whole_run(self.workspace().uri, MLFLOW_EXPERIMENT_NAME="", MLFLOW_EXPERIMENT_ID=experiment)
        self.assert_all_is_there_once()

    def test_outside_of_a_job_one_warning(self):
        run = self.whole_run("", warnings=1)
        self.assertIn("AzureML: nothing is reported", run.warnings[0])
        self.assertEqual(os.listdir(self.directory), [])

    def test_other_processes_of_the_training_write_nothing(self):
        workspace = self.workspace()
        with self.run_at(workspace.uri) as run:
            run.tell("init_end", args=run.args, is_world_process_zero=False)
            run.tell("train_begin")
            log_lines(run)
            run.save(os.path.join(self.output_dir, "checkpoint-8"))
            run.end()
        self.assertEqual(workspace.requests(), [])
        self.assertEqual(os.listdir(os.path.join(self.output_dir, "checkpoint-8")), [])
        self.assertEqual(os.listdir(self.output_dir), ["checkpoint-8"])

    def test_lines_after_the_end_belong_to_the_run(self):
        with self.run_at(self.workspace().uri) as run:
            run.begin()
            run.log(1, {"loss": 1.0})
            run.end()
            run.log(1, {"eval_loss": 2.0})
        self.check({"status": "FINISHED", "metrics": {"loss": [[1, 1.0]], "eval_loss": [[1, 2.0]]}})
        self.assertEqual(len(self.runs()), 1)

    def test_numbers_that_are_not_finite(self):
        with self.run_at(self.workspace().uri) as run:
            run.begin()
            for step, value in enumerate([1.5, math.nan, math.inf, -math.inf], 1):
                run.log(step, {"loss": value})
            run.end()
        self.check({"metrics": {"loss": [[1, 1.5], [2, "NaN"], [3, 1.7976931348623157e308],
                                         [4, -1.7976931348623157e308]]}})

    def test_the_metrics_of_huggingfaces_run(self):
        # HuggingFace's AzureML callback needs a job; its MLflow callback gives metrics the same names, and steps.
        def reference(name):
            with open(os.path.join(CLIENTS, "hf_reference", f"{name}.json"), encoding="utf-8") as file:
                return json.load(file)

        with self.run_at(self.workspace().uri) as run:
            run.begin()
            for line in reference("log_history")["history"]:
                run.log(line.pop("step"), line, epoch=line["epoch"])
            run.end()
            self.assertEqual(run.warnings, [])
        self.assertEqual(self.read()["metrics"], reference("mlflow")["metrics"])


class Checkpoints(AzureMLTest):
    FILES = {"model.safetensors": b"\0\1" * 1000, "sub dir/a%b.txt": b"odd"}

    def save(self, run, step=8):
        directory = os.path.join(self.output_dir, f"checkpoint-{step}")
        for name, content in self.FILES.items():
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        run.tell("save", directory=directory, step=step)

    def train(self, **env):
        workspace = self.workspace()
        with self.run_at(workspace.uri, **env) as run:
            run.begin()
            self.save(run)
            self.save(run)  # the same step once more
            run.end()
            self.assertEqual(run.warnings, [])
        self.assertFalse([call for call, _ in workspace.requests() if "artifacts" in call])

    def test_are_copied_to_outputs_when_asked_for(self):
        self.train(HF_MLFLOW_LOG_ARTIFACTS="1")
        for name, content in self.FILES.items():
            with open(os.path.join(self.directory, "outputs", "checkpoint-8", name), "rb") as file:
                self.assertEqual(file.read(), content)

    def test_are_not_copied_otherwise(self):
        self.train()
        self.assertEqual(os.listdir(self.directory), ["out"])

    def test_that_are_in_outputs_stay_as_they_are(self):
        self.output_dir = os.path.join(self.directory, "outputs", "run")
        self.train(HF_MLFLOW_LOG_ARTIFACTS="1")
        self.assertEqual(os.listdir(os.path.join(self.directory, "outputs")), ["run"])

    def test_of_which_the_copy_fails(self):
        with open(os.path.join(self.directory, "outputs"), "w", encoding="utf-8"):
            pass
        with self.run_at(self.workspace().uri, HF_MLFLOW_LOG_ARTIFACTS="1") as run:
            run.begin()
            self.save(run)
            run.log(1, {"loss": 1.0})
            run.end()
        self.assertEqual(len(run.warnings), 1, run.warnings)
        self.assertIn("checkpoint-8 is copied to outputs", run.warnings[0])
        self.check({"metrics": {"loss": [[1, 1.0]]}, "status": "FINISHED"})


class Tokens(AzureMLTest):
    def test_without_a_token_everything_is_kept(self):
        workspace = self.workspace()
        run = self.whole_run(workspace.uri, MLFLOW_TRACKING_TOKEN="", warnings=2)
        self.assertIn("refuses the credentials (it answers 401", run.warnings[0])
        for name in ("MLFLOW_TRACKING_TOKEN", "AZUREML_RUN_TOKEN", "az login", "AZUREML_TOKEN_FILE"):
            self.assertIn(name, run.warnings[0])
        self.assertEqual({status for _, status in workspace.requests()}, {401})
        self.assertEqual(len(points_in(self.spools()[0])), 24)
        self.whole_run(workspace.uri)
        self.assertEqual(len(self.runs()), 2)
        for found in self.runs():
            self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED"}, run_id=found.info.run_id)
        self.assertEqual(self.spools(), [])

    def rotating(self):
        return self.workspace("--rotate", self.fresh, "--after", "2")

    def assert_renewed_once(self, workspace):
        self.assert_all_is_there_once()
        self.assertEqual([status for _, status in workspace.requests()].count(401), 1)

    def test_a_fresh_one_is_found_in_the_file(self):
        workspace = self.rotating()
        self.write_token(self.fresh)
        self.whole_run(workspace.uri, AZUREML_TOKEN_FILE=self.token_file)
        self.assert_renewed_once(workspace)

    def test_a_fresh_one_is_given_by_az(self):
        workspace = self.rotating()
        self.install_az(f"echo '{json.dumps({'accessToken': self.fresh, 'tokenType': 'Bearer'})}'")
        self.whole_run(workspace.uri)
        self.assert_renewed_once(workspace)

    def test_a_fresh_one_is_found_in_the_file_where_az_gives_the_refused_one(self):
        workspace = self.rotating()
        self.install_az(f"echo '{json.dumps({'accessToken': self.token})}'")
        self.write_token(self.fresh)
        self.whole_run(workspace.uri, AZUREML_TOKEN_FILE=self.token_file)
        self.assert_renewed_once(workspace)

    def test_a_fresh_one_is_there_before_the_old_one_ends(self):
        workspace = self.workspace(token=self.fresh)  # takes nothing else
        self.write_token(self.fresh)
        self.whole_run(workspace.uri, MLFLOW_TRACKING_TOKEN=token_until(300, "s1gnature"),
                       AZUREML_TOKEN_FILE=self.token_file)
        self.assert_all_is_there_once()
        self.assert_all_were_taken(workspace)

    def test_one_that_ends_soon_is_warned_about_once(self):
        self.token = token_until(300, "ending")
        run = self.whole_run(self.workspace().uri, warnings=1)
        self.assertIn("AzureML: the token ends at ", run.warnings[0])
        self.assert_all_is_there_once()

    def test_what_nobody_renews_is_kept(self):
        workspace = self.rotating()
        run = self.whole_run(workspace.uri, warnings=2)
        self.assertIn("refuses the credentials", run.warnings[0])
        self.token = self.fresh
        self.whole_run(workspace.uri, args={"run_name": "later"})
        first = next(found for found in self.runs() if found.info.run_name != "later")
        self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED"}, run_id=first.info.run_id)
        self.assertEqual(len(self.runs()), 2)
        self.assertEqual(self.spools(), [])

    def test_az_that_hangs_is_not_waited_for(self):
        workspace = self.rotating()
        self.install_az("sleep 1000")
        self.write_token(self.fresh)
        self.whole_run(workspace.uri, AZUREML_TOKEN_FILE=self.token_file, AZ_TIMEOUT="1")
        self.assert_renewed_once(workspace)


class Faults(AzureMLTest):
    def test_a_workspace_that_is_busy(self):
        workspace = self.workspace("--fail", "429:3:1")
        run = self.whole_run(workspace.uri, warnings=1)
        self.assertIn("it answers 429", run.warnings[0])
        self.assert_all_is_there_once()
        self.assertEqual([status for _, status in workspace.requests()][:3], [429] * 3)

    def down_for_the_whole_run(self, **env):
        workspace = self.workspace()
        workspace.close()
        run = self.whole_run(workspace.uri, warnings=2, **env)
        self.assertIn(f"downbeat-mlflow-replay {self.spools()[0]}", run.warnings[1])
        self.assertEqual(len(points_in(self.spools()[0])), 24)
        return self.workspace(port=workspace.port)

    def test_down_for_the_whole_run_then_sent_by_a_later_start(self):
        workspace = self.down_for_the_whole_run()
        given = self.given_run()
        self.whole_run(workspace.uri, AZUREML_RUN_ID=given)
        self.assertEqual(len(self.runs()), 2)
        first = next(found for found in self.runs() if found.info.run_id != given)
        for run_id, status in ((first.info.run_id, "FINISHED"), (given, "RUNNING")):
            self.check({"metrics": series(), "exact_metrics": True, "status": status}, run_id=run_id)
        self.assertEqual(self.spools(), [])

    def test_down_for_the_whole_run_then_sent_by_the_command(self):
        workspace = self.down_for_the_whole_run()
        spool = self.spools()[0]
        path = f"{self.secrets}:/usr/bin:/bin"
        self.assertIn("AZUREML_RUN_TOKEN", self.replay(spool, code=1, PATH=path))
        said = self.replay(spool, PATH=path, AZUREML_RUN_TOKEN=self.token)
        self.assertNotIn("s1gnature", said)
        self.assertIn(workspace.url, said)
        self.assert_all_is_there_once()
        self.assertEqual(os.listdir(self.output_dir), [])

    def test_the_run_of_a_job_that_is_sent_later_stays_the_platforms(self):
        given = self.given_run()
        workspace = self.down_for_the_whole_run(AZUREML_RUN_ID=given)
        self.write_token(self.token)
        self.replay(self.spools()[0], AZUREML_TOKEN_FILE=self.token_file, PATH=f"{self.secrets}:/usr/bin:/bin")
        self.assert_all_is_there_once(status="RUNNING", run_id=given)
        self.assertEqual(workspace.calls("POST runs/update") + workspace.calls("POST runs/create"), [])

    def test_killed_then_sent_by_a_later_start(self):
        workspace = self.workspace()
        workspace.close()
        run = self.run_at(workspace.uri)
        run.begin()
        log_lines(run)
        wait_for(lambda: self.spools() and len(points_in(self.spools()[0])) == 24, "lines in the spool")
        run.kill()
        workspace = self.workspace(port=workspace.port)
        self.whole_run(workspace.uri, args={"run_name": "later"})
        first = next(found for found in self.runs() if found.info.run_name != "later")
        self.check({"metrics": series(), "exact_metrics": True, "status": "RUNNING"}, run_id=first.info.run_id)
        self.assertEqual(self.spools(), [])

    def test_two_runs_at_once_in_the_same_directory(self):
        workspace = self.workspace()
        with self.run_at(workspace.uri) as one, self.run_at(workspace.uri) as two:
            for run in (one, two):
                run.begin()
            for run in (one, two):
                log_lines(run)
                run.end()
        self.assertEqual(one.warnings + two.warnings, [])
        self.assertEqual(len(self.runs()), 2)
        for found in self.runs():
            self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED"}, run_id=found.info.run_id)


class Resuming(AzureMLTest):
    def setUp(self):
        super().setUp()
        self.at = self.workspace()
        self.checkpoint = os.path.join(self.output_dir, "checkpoint-8")

    def first(self, **env):
        with self.run_at(self.at.uri, **env) as run:
            run.begin()
            log_lines(run)
            wait_for(lambda: self.runs() and "loss" in self.runs()[0].data.metrics, "the run")
            run.save(self.checkpoint)
            run.end("interrupted")

    def resume(self, args=None, **env):
        with self.run_at(self.at.uri, args=args, **env) as run:
            run.tell("init_end", args=run.args)
            run.tell("load_checkpoint", directory=self.checkpoint, step=8)
            run.tell("train_begin", step=8, epoch=1.0)
            run.log(9, {"loss": 0.05, "epoch": 9 / 8})
            run.end()
        self.assertEqual(run.warnings, [])

    def test_goes_on_with_the_run_of_the_checkpoint(self):
        self.first()
        self.assertEqual(self.runs()[0].info.status, "KILLED")
        self.resume()
        self.assertEqual(len(self.runs()), 1)
        self.check({"metrics": {"loss": series()["loss"] + [[9, 0.05]]}, "status": "FINISHED"})

    def test_the_run_of_the_job_wins(self):
        self.first()
        given = self.given_run()
        self.resume(AZUREML_RUN_ID=given)
        self.check({"metrics": {"loss": [[9, 0.05]]}, "status": "RUNNING"}, run_id=given)

    def test_the_run_of_a_job_stays_the_platforms_where_the_environment_does_not_name_it(self):
        given = self.given_run()
        self.first(AZUREML_RUN_ID=given)
        self.resume()
        self.check({"metrics": {"loss": series()["loss"] + [[9, 0.05]]}, "status": "RUNNING"}, run_id=given)
        self.assertEqual(self.at.calls("POST runs/update") + self.at.calls("POST runs/create"), [])

    def test_a_new_run_when_asked_for(self):
        self.first()
        self.resume(args={"report_to_new_run": True})
        self.assertEqual(len(self.runs()), 2)


if __name__ == "__main__":
    unittest.main(argv=["azureml_server_test"])
