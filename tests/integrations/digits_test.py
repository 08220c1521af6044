"""What //examples/digits reports with arguments drawn at random, read by the trackers' own programs and compared, value
for value, with its trace; and the page that a user then opens, in a browser."""
import contextlib
import glob
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = ["tests/integrations/clients", "tests/integrations/support"]

import browser

PROGRAM = os.path.abspath(sys.argv[1])
CLIENTS = os.path.abspath("tests/integrations/clients")
os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # processes of the server for what is not used here
OF_WHOLE_RUN = ("train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss", "total_flos")


def rewritten(name):
    for prefix in ("eval", "test"):
        if name.startswith(prefix + "_"):
            return f"{prefix}/{name[5:]}"
    return "train/" + name


def drawn(seed):
    """Flags of one run; every kind of line is logged."""
    draw = random.Random(seed)
    return {"num_train_epochs": draw.choice([1, 2]), "learning_rate": draw.choice([1e-3, 3e-3, 0.01]),
            "per_device_train_batch_size": draw.choice([16, 32, 50]), "gradient_accumulation_steps": draw.choice([1, 3]),
            "logging_steps": draw.choice([1, 7, 20]), "logging_first_step": draw.choice(["true", "false"]),
            "eval_strategy": draw.choice(["epoch", "steps"]), "eval_steps": draw.choice([10, 25]),
            "lr_scheduler_type": draw.choice(["linear", "cosine"]), "warmup_steps": draw.choice([0, 5]),
            "save_strategy": draw.choice(["no", "epoch"]), "seed": draw.randrange(1000)}


def series_of(trace):
    """{name: [[step, value]]} of all that on_log heard, under HuggingFace's raw names."""
    series = {}
    with open(trace, encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            for name, value in (event["logs"] or {}).items() if event["event"] == "on_log" else ():
                series.setdefault(name, []).append([event["global_step"], value])
    return series


def renamed(series):
    return {rewritten(name): points for name, points in series.items()}


class DigitsTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)

    def run_digits(self, flags, env=None):
        command = [PROGRAM, *(f"--{name}={value}" for name, value in flags.items()), "--trace=trace.jsonl"]
        result = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=False,
                                env={**os.environ, **(env or {}), "BUILD_WORKING_DIRECTORY": self.directory})
        self.assertEqual(result.returncode, 0, result.stderr)
        return series_of(os.path.join(self.directory, "trace.jsonl"))

    def check(self, script, path, expected, *arguments):
        expect = os.path.join(self.directory, "expected.json")
        with open(expect, "w", encoding="utf-8") as file:
            json.dump(expected, file)
        result = subprocess.run([sys.executable, os.path.join(CLIENTS, script), path, "--expect", expect, *arguments],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        print(script, result.stdout.strip())

    def test_tensorboard_shows_every_value_of_the_trace(self):
        for seed in range(4):
            with self.subTest(seed=seed):
                flags = {**drawn(seed), "report_to": "tensorboard", "output_dir": f"run{seed}"}
                series = self.run_digits(flags)
                params = {k: flags[k] for k in ("learning_rate", "per_device_train_batch_size", "logging_steps", "seed")}
                self.check("check_tensorboard.py", os.path.join(self.directory, f"run{seed}", "runs"),
                           {"metrics": renamed(series), "exact_metrics": True, "params": params})

    def test_wandb_reads_and_uploads_every_value_of_the_trace(self):
        flags = {**drawn(6), "report_to": "wandb", "output_dir": "run", "run_name": "drawn"}
        series = self.run_digits(flags, {"WANDB_MODE": "offline"})
        whole_run = {name: series.pop(name)[-1][1] for name in OF_WHOLE_RUN}  # in the summary only
        (run,) = glob.glob(os.path.join(self.directory, "wandb", "offline-run-*"))
        self.check("check_wandb.py", run,
                   {"metrics": renamed(series), "min_points": {"train/global_step": 1}, "exact_metrics": True,
                    "texts": {name: str(value) for name, value in whole_run.items()},
                    "params": {name: flags[name] for name in ("run_name", "learning_rate", "seed")}})

    def test_comet_takes_every_value_of_the_trace(self):
        flags = {**drawn(4), "report_to": "comet_ml", "output_dir": "run", "run_name": "drawn"}
        series = self.run_digits(flags, {"COMET_OFFLINE_DIRECTORY": os.path.join(self.directory, "comet")})
        self.check("check_comet.py", os.path.join(self.directory, "comet"),
                   {"metrics": renamed(series), "exact_metrics": True, "texts": {"Name": "drawn"},
                    "params": {"args|" + name: flags[name] for name in ("learning_rate", "seed")}})

    def test_codecarbon_can_go_on_with_the_file(self):
        self.run_digits({**drawn(5), "report_to": "codecarbon", "output_dir": "run"}, {"CODECARBON_COUNTRY_ISO_CODE": "FRA"})
        self.check("check_codecarbon.py", os.path.join(self.directory, "run", "emissions.csv"), {})

    def mlflow(self, command, *flags):
        """A server of the official program, without the variables that would turn a client to another one."""
        return browser.served([sys.executable, "-m", "mlflow", command, "--host", "127.0.0.1", "--port", "{port}",
                               "--workers", "1", *flags], self.directory)

    def test_mlflow_reads_every_value_of_the_trace_in_its_database_and_shows_the_curves(self):
        flags = {**drawn(7), "report_to": "mlflow", "output_dir": "run", "run_name": "drawn"}
        series = self.run_digits(flags)
        expected = {"metrics": series, "exact_metrics": True, "status": "FINISHED",
                    "params": {name: str(flags[name]) for name in ("run_name", "learning_rate", "seed")}}
        database = os.path.join(self.directory, "mlflow.db")
        self.check("check_mlflow.py", database, expected, "--run-name", "drawn")
        with contextlib.closing(sqlite3.connect(database)) as connection:
            ((run, experiment),) = connection.execute("SELECT run_uuid, experiment_id FROM runs")
        browser.require(self)
        names = {"loss", "learning_rate", "eval_accuracy"}
        with self.mlflow("ui") as url:
            page = browser.page(f"{url}/#/experiments/{experiment}/runs/{run}/model-metrics",
                                lambda text: all(f">{name}<" in text for name in names))
        self.assertEqual({name for name in names if f">{name}<" not in page}, set())

    def test_servers_of_mlflow_and_azureml_take_every_value_of_the_trace(self):
        with self.mlflow("server", "--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "artifacts") as url:
            flags = {**drawn(8), "report_to": "mlflow", "output_dir": "a", "run_name": "to mlflow"}
            series = self.run_digits(flags, {"MLFLOW_TRACKING_URI": url})
            expected = {"metrics": series, "exact_metrics": True, "status": "FINISHED"}
            self.check("check_mlflow.py", url, expected, "--run-name", "to mlflow")

            workspace = ("/mlflow/v2.0/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices"
                         "/workspaces/w")
            with subprocess.Popen([sys.executable, os.path.join(CLIENTS, "bearer_proxy.py"), "--upstream", url,
                                   "--token", "right", "--prefix", workspace], stdout=subprocess.PIPE, text=True) as proxy:
                self.addCleanup(proxy.kill)
                address = next(line.split()[1] for line in proxy.stdout if line.startswith("AZUREML "))
                flags = {**drawn(9), "report_to": "azure_ml", "output_dir": "b", "run_name": "to azureml"}
                series = self.run_digits(flags, {"MLFLOW_TRACKING_URI": address, "MLFLOW_TRACKING_TOKEN": "right"})
                proxy.kill()
            expected = {"metrics": series, "exact_metrics": True, "status": "FINISHED"}
            self.check("check_mlflow.py", url, expected, "--run-name", "to azureml")

    def test_the_page_of_tensorboard_shows_the_curves(self):
        self.run_digits({"num_train_epochs": 1, "logging_steps": 5, "eval_strategy": "epoch", "save_strategy": "no",
                         "report_to": "tensorboard", "output_dir": "run"})
        browser.require(self)
        with browser.served([sys.executable, "-m", "tensorboard.main", "--logdir", "run", "--host", "127.0.0.1",
                             "--port", "{port}"], self.directory) as url:
            names = {"train/loss", "train/learning_rate", "eval/accuracy"}
            page = browser.page(url + "/#timeseries", lambda text: all(name in text for name in names))
        self.assertEqual({name for name in names if name not in page}, set())


if __name__ == "__main__":
    sys.argv[1:] = []
    unittest.main(verbosity=2)
