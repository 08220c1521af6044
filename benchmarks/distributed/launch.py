"""Processes with a core for each: one alone, two that do not know of each other, or the ranks of the real torchrun.

What a function here gives is what the processes printed: a list of objects, one a line of JSON."""
import contextlib
import json
import os
import subprocess
import tempfile

from benchmarks.support import machine
from benchmarks.support.runner import output_of, pinned

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.dirname(os.path.realpath(__file__))
CORES = sorted(os.sched_getaffinity(0), reverse=True)
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def program(name, *words):
    """The command of a program in C++ of this folder."""
    return [os.path.join(HERE, name), *map(str, words)]


def reference(*words):
    """The command of reference.py."""
    return [machine.environment_of(".venv-reference"), os.path.join(SOURCES, "reference.py"), *map(str, words)]


def _objects(said):
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


@contextlib.contextmanager
def _own_directory():
    """Where what a training leaves behind goes."""
    with tempfile.TemporaryDirectory() as directory:
        yield {"env": ENVIRONMENT, "cwd": directory}


def alone(command):
    with _own_directory() as how:
        return _objects(output_of(command, preexec_fn=pinned(CORES[0]), **how))


def side_by_side(command):
    with _own_directory() as how:
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=pinned(core), **how)
                   for core in CORES[:2]]
        said = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise SystemExit(f"{' '.join(command)}: failed")
    return _objects("".join(said))


def under_torchrun(ranks, command):
    """Where there are more ranks than cores, these are shared."""
    launcher = [machine.environment_of(".venv-reference"), "-m", "torch.distributed.run", "--standalone", "--no-python",
                f"--nproc_per_node={ranks}"]
    on_its_core = [os.path.join(SOURCES, "on_one_core.sh"), ",".join(map(str, CORES))]
    with _own_directory() as how:
        return _objects(output_of([*launcher, *on_its_core, *command], **how))
