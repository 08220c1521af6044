"""What the tests of CometCallback share: runs, archives, and what the real client makes of them."""
import json
import math
import os
import sys
import tempfile
import time
import unittest

for folder in ("clients", "support"):
    sys.path.insert(0, os.path.join("tests/integrations", folder))

import check_comet  # noqa: E402
import fake_comet  # noqa: E402
import scripted_run  # noqa: E402

fake_comet.H.disable_nagle_algorithm = True  # else each answer waits 40 ms

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
KEY = "k" * 25  # the fake service's
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
OURS = "a" * 32 + "downbeat01"


def number(value):
    return WORDS.get(value, value)


def rewritten(name):
    for mode in ("eval", "test"):
        if name.startswith(mode + "_"):
            return f"{mode}/{name[len(mode) + 1:]}"
    return "train/" + name


def points(lines):
    """{(rewritten name, step, value as text)} of [(step, logs)]; text tells NaN from itself."""
    return {(rewritten(k), step, repr(float(number(v)))) for step, logs in lines for k, v in logs.items()}


def points_in(metrics):
    """The same of what a reader gives: {name: [[step, value, ...]]}."""
    return {(name, p[0], repr(float(number(p[1])))) for name, series in metrics.items() for p in series}


class CometTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.runs = os.path.join(self.directory, "runs")

    def run_program(self, args=None, model=None, online=None, **env):
        """A conducted run; `online` is the service's address."""
        service = {"COMET_URL_OVERRIDE": online + "/clientlib/", "COMET_API_KEY": KEY} if online else {}
        env = {"COMET_OFFLINE_DIRECTORY": self.runs, **service, **env}
        env = {k: v for k, v in env.items() if v is not None}
        return scripted_run.ScriptedRun(PROGRAM, {"output_dir": "out", **(args or {})}, model, cwd=self.directory, env=env)

    def archives(self):
        return sorted(n for n in os.listdir(self.runs) if n.endswith(".zip"))

    def only_archive(self):
        """The one archive; nothing else may be left in the directory."""
        self.assertEqual(len(os.listdir(self.runs)), 1, os.listdir(self.runs))
        return os.path.join(self.runs, self.archives()[0])

    def read(self, archive):
        seen = check_comet.read(archive)
        self.assertEqual(seen["problems"], [])
        return seen

    def check(self, archive, expected):
        """check_comet.py in full: schemas, `comet offline`, `comet upload`, and the values."""
        path = os.path.join(self.directory, "expected.json")
        with open(path, "w") as file:
            json.dump(expected, file)
        argv, sys.argv = sys.argv, ["check_comet.py", archive, "--expect", path]
        try:
            self.assertEqual(check_comet.main(), 0)
        finally:
            sys.argv = argv

    def uploaded(self, archive):
        """What `comet upload` brings to the service: the experiment."""
        code, text, seen = check_comet.upload(archive)
        self.assertEqual(code, 0, text)
        (experiment,) = seen["experiments"].values()
        return experiment

    def service(self, **options):
        server, uri = fake_comet.start(key=KEY, **options)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.st.d, uri


def main():
    unittest.main(verbosity=2, warnings="ignore")
