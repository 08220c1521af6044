"""What the tests of the W&B integration share: runs in fresh directories, read and uploaded with the official client."""
import functools
import glob
import json
import os
import sys
import tempfile
import unittest

sys.path[:0] = ["tests/integrations/clients", "tests/integrations/support"]

import _common
import check_wandb
import fake_wandb
import situations
from scripted_run import ScriptedRun
from wandb.proto import wandb_internal_pb2 as pb

PROGRAM = os.path.abspath(sys.argv[1])
CLIENT = os.path.dirname(sys.executable)  # where the program `wandb` is
KEY = "f" * 40


def reference(name):
    with open(f"tests/integrations/clients/hf_reference/{name}.json", encoding="utf-8") as file:
        return json.load(file)


# The official program starts slowly.
wait_for = functools.partial(situations.wait_for, seconds=120)


def records(path, kind):
    """The records of a kind, as the client's own messages, up to the first that is not whole."""
    found = []
    try:
        for body in check_wandb.records(path):
            record = pb.Record.FromString(body)
            if record.WhichOneof("record_type") == kind:
                found.append(getattr(record, kind))
    except ValueError as error:
        if "torn" not in str(error):
            raise
    return found


def items(message):
    return {"/".join(getattr(item, "nested_key", ())) or item.key: check_wandb.loads(item.value_json) for item in message}


class WandbTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = temporary.name

    def run_with(self, program=PROGRAM, args=None, model=None, cwd=None, **env):
        """Offline unless WANDB_MODE is given (None: not set). The machine's own `wandb` and keys are out of reach."""
        env = {"WANDB_MODE": "offline", "HOME": self.directory, "PATH": "/usr/bin:/bin", **env}
        args = {"output_dir": "out", **(args or {})}
        return ScriptedRun(program, args=args, model=model, cwd=cwd or self.directory,
                           env={name: str(value) for name, value in env.items() if value is not None})

    def files(self, directory=None):
        """Of all runs, oldest first."""
        pattern = os.path.join(glob.escape(directory or self.directory), "wandb", "offline-run-*", "*.wandb")
        return sorted(glob.glob(pattern))

    def file(self):
        (path,) = self.files()
        return path

    def check(self, expected, path=None, arguments=()):
        """The client's reader and a real upload find what is expected."""
        expected_path = os.path.join(self.directory, "expected.json")
        with open(expected_path, "w", encoding="utf-8") as file:
            json.dump(expected, file)
        argv, sys.argv = sys.argv, [check_wandb.__file__, path or self.file(), "--expect", expected_path, *arguments]
        try:
            self.assertEqual(check_wandb.main(), 0)
        finally:
            sys.argv = argv

    def service(self, fail=0):
        server, url = fake_wandb.start(None, 0, fail)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.st.d, url

    def online(self, url, **env):
        return {"WANDB_MODE": "online", "WANDB_API_KEY": KEY, "WANDB_BASE_URL": url, "WANDB_ERROR_REPORTING": "false",
                "PATH": f"{CLIENT}:/usr/bin:/bin", **env}


def rows_of(service):
    """What arrived, in order."""
    return [check_wandb.loads(service["history"][at]) for at in sorted(service["history"], key=int)]
