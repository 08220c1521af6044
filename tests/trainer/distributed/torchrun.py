"""The real torchrun of this Python environment."""

import subprocess
import sys


def torchrun(processes, command, options=()):
    """What `command`, started by torchrun in so many processes, ended with: returncode, stdout and stderr."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--no-python", "--standalone"]
    return subprocess.run(
        [*launcher, f"--nproc_per_node={processes}", *options, *command],
        capture_output=True, text=True, check=False, timeout=300,
    )


def checked(processes, command):
    ended = torchrun(processes, command)
    assert ended.returncode == 0, f"exit code {ended.returncode} of {command}\n{ended.stdout}\n{ended.stderr}"
    return ended
