"""What the tests of the MLflow and AzureML integrations share: a real server, runs in fresh directories and experiments."""
import functools
import glob
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = ["tests/integrations/clients", "tests/integrations/support"]

import _common
import check_mlflow
import situations
from faulty_proxy import FaultyProxy
from scripted_run import ScriptedRun

PROGRAM = os.path.abspath(sys.argv[1])
REPLAY = os.path.abspath("integrations/mlflow_replay/downbeat-mlflow-replay")
CLIENTS = os.path.abspath("tests/integrations/clients")
MLFLOW = os.path.join(os.path.dirname(sys.executable), "mlflow")


wait_for = functools.partial(situations.wait_for, seconds=120)


class Server:
    """The real one, with an SQLite file and artifacts in `directory`."""

    def __init__(self, directory, port=None):
        command = [os.path.join(CLIENTS, "mlflow_server.sh"), directory, *([str(port)] if port else [])]
        env = {**os.environ, "PYTHON": sys.executable, "MLFLOW_BIN": MLFLOW,
               "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # processes for what is not used here
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        line = self._process.stdout.readline()
        assert line.startswith("MLFLOW_URI "), line
        self.uri = line.split()[1]

    def close(self):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


class MLflowTest(unittest.TestCase):
    """One server for all cases, an experiment for each."""

    numbers = itertools.count()
    uri = None  # where the runs go, unless a test says otherwise; None: to the server

    @classmethod
    def setUpClass(cls):
        if not hasattr(MLflowTest, "server"):
            temporary = tempfile.TemporaryDirectory()
            unittest.addModuleCleanup(temporary.cleanup)
            MLflowTest.server = Server(temporary.name)
            unittest.addModuleCleanup(MLflowTest.server.close)
        cls.uri = cls.uri or cls.server.uri

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = temporary.name
        self.output_dir = os.path.join(self.directory, "out")
        self.experiment = f"{type(self).__name__} {next(self.numbers)}"

    def proxy(self, fault=None):
        proxy = FaultyProxy(self.server.uri, fault)
        self.addCleanup(proxy.close)
        return proxy

    def run_with(self, uri=None, program=PROGRAM, args=None, model=None, **env):
        """`uri`: "" is none."""
        uri = self.uri if uri is None else uri
        env = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_NAME": self.experiment, "HOME": self.directory,
               **{name: str(value) for name, value in env.items()}}
        args = {"output_dir": self.output_dir, **(args or {})}
        return ScriptedRun(program, args=args, model=model, cwd=self.directory, env=env,
                           unset=("MLFLOW_", "AZUREML_", "HF_MLFLOW", "DISABLE_MLFLOW"))

    def read(self, uri=None, download=True, **which):
        seen = check_mlflow.read(uri or self.uri, experiment=self.experiment, download=download, **which)
        self.assertEqual(seen["problems"], [])
        return seen

    def check(self, expected, uri=None, **which):
        seen = self.read(uri, **which)
        self.assertIsNone(_common.compare(seen, expected))
        return seen

    def client(self, uri=None):
        from mlflow import MlflowClient
        return MlflowClient(uri or self.uri)

    def runs(self, uri=None):
        """All runs of the experiment."""
        client = self.client(uri)
        experiment = client.get_experiment_by_name(self.experiment)
        return client.search_runs([experiment.experiment_id]) if experiment else []

    def spools(self, name="mlflow"):
        return sorted(glob.glob(os.path.join(glob.escape(self.output_dir), name, "*", "spool.jsonl")))

    def replay(self, *arguments, code=0, **env):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "AZUREML_"))}
        done = subprocess.run([REPLAY, *arguments], capture_output=True, text=True, cwd=self.directory, timeout=300,
                              env={**clean, "HOME": self.directory, **env})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def lost(self, run):
        return sum(map(int, re.findall(r"(\d+) values could not be kept", run.text())))


def entries_in(spool):
    with open(spool, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def points_in(spool):
    """(key, step, value) of all metrics, in order."""
    return [(point["key"], point["step"], point["value"]) for entry in entries_in(spool)
            for point in entry.get("log", {}).get("metrics", [])]


LINES = [(step, {"loss": 1 / step, "grad_norm": step * 0.5, "epoch": step / 8}) for step in range(1, 9)]


def log_lines(run, lines=None):
    for step, logs in lines or LINES:
        run.log(step, logs)


def series(lines=None):
    """What `metrics` of a check expects of log_lines()."""
    found = {}
    for step, logs in lines or LINES:
        for name, value in logs.items():
            found.setdefault(name, []).append([step, value])
    return found
