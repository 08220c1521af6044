"""The real torchrun of this Python environment."""

import os
import subprocess
import sys
import time
import uuid

LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--no-python", "--standalone"]


def torchrun(processes, command, options=()):
    """What `command`, started by torchrun in so many processes, ended with: returncode, stdout and stderr."""
    return subprocess.run(
        [*LAUNCHER, f"--nproc_per_node={processes}", *options, *command],
        capture_output=True, text=True, check=False, timeout=300,
    )


def checked(processes, command):
    ended = torchrun(processes, command)
    assert ended.returncode == 0, f"exit code {ended.returncode} of {command}\n{ended.stdout}\n{ended.stderr}"
    return ended


class Started:
    """One that goes on while a test looks at its ranks and sends them signals."""

    def __init__(self, processes, command, options=()):
        self._mark = "DOWNBEAT_TEST_RUN=" + uuid.uuid4().hex
        name, value = self._mark.split("=")
        self._process = subprocess.Popen(
            [*LAUNCHER, f"--nproc_per_node={processes}", *options, *command], env={**os.environ, name: value},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._program = os.path.realpath(command[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def ranks(self):
        """Process number of each rank that runs now."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.path.realpath(f"/proc/{pid}/exe") != self._program:
                    continue
                with open(f"/proc/{pid}/environ", encoding="utf-8", errors="replace") as file:
                    environment = file.read().split("\0")
            except OSError:
                continue  # it has just ended
            if self._mark in environment:
                found.update({int(word[5:]): int(pid) for word in environment if word.startswith("RANK=")})
        return found

    def wait_until(self, condition):
        """What `condition()` returns as soon as that is true; None where all has ended before."""
        while not (value := condition()):
            if self._process.poll() is not None:
                return None
            time.sleep(0.002)
        return value

    def send_signal(self, number):
        """To torchrun itself."""
        self._process.send_signal(number)

    def end(self):
        """As torchrun() returns it."""
        stdout, stderr = self._process.communicate(timeout=300)
        return subprocess.CompletedProcess(self._process.args, self._process.returncode, stdout, stderr)
