"""What a result depends on besides the code: processor, cores, compiler, versions."""
import json
import os
import platform
import re
import subprocess

# The workspace, also seen from a test: there the files are links to the sources.
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def _first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""


def _processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def environment_of(name):
    """The Python of an environment of the workspace, ".venv-reference" for example, or None."""
    python = os.path.join(ROOT, name, "bin", "python")
    return python if os.path.exists(python) else None


def _packages(environment, names):
    python = environment_of(environment)
    if not python:
        return {}
    program = ("import importlib.metadata as m, json, sys\n"
               "found = {}\n"
               "for name in sys.argv[1:]:\n"
               "    try: found[name] = m.version(name)\n"
               "    except m.PackageNotFoundError: pass\n"
               "print(json.dumps(found))")
    return json.loads(_first_line(python, "-c", program, *names) or "{}")


def describe():
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.release(),
        "load_at_start": round(os.getloadavg()[0], 2),
        "compiler": _first_line(os.environ.get("CC", "g++"), "--version"),
        "commit": _first_line("git", "-C", ROOT, "describe", "--always", "--dirty"),
        "libtorch": _packages(".venv", ["torch"]).get("torch", ""),
        "python": _packages(".venv-reference", ["torch", "transformers", "accelerate", "safetensors"])
        | _packages(".venv-peers", ["lightning", "keras", "pytorch-ignite"]),
    }
