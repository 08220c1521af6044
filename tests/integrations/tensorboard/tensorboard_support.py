"""What the tests of the TensorBoard integration share: runs in fresh directories, read with its own readers."""
import contextlib
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

sys.path[:0] = ["tests/integrations/clients", "tests/integrations/support"]

import _common
import check_tensorboard
from scripted_run import ScriptedRun
from situations import wait_for

PROGRAM = sys.argv[1]


def event_files(directory):
    """In the order in which readers take them."""
    return sorted(glob.glob(os.path.join(glob.escape(directory), "**", "*tfevents*"), recursive=True))


def records(path):
    """The bodies of all whole records, and whether a torn one follows."""
    bodies = []
    try:
        for body in check_tensorboard.records(path):
            bodies.append(body)
    except ValueError as error:
        if "torn" not in str(error):
            raise
        return bodies, True
    return bodies, False


def points(directory, tag):
    """[[step, value]] as EventAccumulator, which keeps all but what a resumed run made void, gives them."""
    return check_tensorboard.read(directory)["metrics"].get(tag, [])


class Server:
    """The real server, asked as its page asks it."""

    def __init__(self, directory):
        self._base = f"http://127.0.0.1:{(port := _common.free_port())}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", directory, "--host", "127.0.0.1",
             "--port", str(port), "--samples_per_plugin", "scalars=1000000,histograms=1000"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(self, path, body=None, **query):
        url = self._base + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"} if data else {})
        return json.loads(urllib.request.urlopen(request, timeout=30).read())

    def until(self, path, is_there, body=None, **query):
        """Asks until the answer is as expected: the server starts and reads in the background."""
        answer = None

        def there():
            nonlocal answer
            with contextlib.suppress(OSError):
                answer = self.get(path, body, **query)
            return answer is not None and is_there(answer)

        try:
            wait_for(there, "the expected answer")
        except AssertionError as error:
            raise AssertionError(f"{error}; the last answer to {path} {query}: {str(answer)[:2000]}") from None
        return answer

    def session_groups(self, is_there=lambda groups: bool(groups)):
        body = {"experimentName": "", "colParams": [], "startIndex": 0, "sliceSize": 10,
                "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]}
        return self.until("/data/plugin/hparams/session_groups", lambda a: is_there(a.get("sessionGroups", [])),
                          body)["sessionGroups"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()


class TensorBoardTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = temporary.name
        self.log_dir = os.path.join(self.directory, "log")

    def run_with(self, program=PROGRAM, args=None, model=None, **env):
        """LOG_DIR unless it is given; see tensorboard_run.cc for the variables."""
        env = {"LOG_DIR": self.log_dir, **{name: str(value) for name, value in env.items()}}
        args = {"output_dir": os.path.join(self.directory, "out"), **(args or {})}
        return ScriptedRun(program, args=args, model=model, cwd=self.directory, env=env, unset=("TENSORBOARD_",))

    def check(self, expected, directory=None, server=True):
        """Both readers, and the server, find what is expected and agree."""
        path = os.path.join(self.directory, "expected.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(expected, file)
        command = [sys.executable, check_tensorboard.__file__, directory or self.log_dir, "--expect", path]
        result = subprocess.run(command + ([] if server else ["--no-server"]), capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout[-2000:] + result.stderr[-2000:])
