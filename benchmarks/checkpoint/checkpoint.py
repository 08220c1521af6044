"""Saving and loading a checkpoint of 50 million parameters with AdamW's state: Downbeat, a plain write with fsync of as
many bytes, transformers.Trainer, and safetensors with torch.save.

Loading finds the files in the page cache. Memory is the peak on top of what the process had before; model and, in
Downbeat and Trainer, optimizer are included there. Disks are noisy, hence the wide spread that is allowed."""
import json
import os
import shutil
import tempfile

from benchmarks.support import machine, runner

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "one_checkpoint")
PYTHON_SIDES = {"transformers.Trainer": "trainer", "safetensors and torch.save": "files"}  # the first without fsync


def size_of(directory):
    return sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(directory) for name in names)


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)


def run(command):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    measured = json.loads(runner.output_of(command, env=environment).splitlines()[-1])
    return {"seconds": measured["seconds"], "memory on top, MiB": measured["memory"] / 2**20}


def side(command, made=None):
    """Measures `command` and removes what it made."""
    def measure():
        try:
            return run(command)
        finally:
            if made:
                remove(made)
    return measure


def main():
    parser = runner.parser_of(__doc__, smoke="once, with 2 million parameters")
    parser.add_argument("--directory", help="on the disk to measure; unless given, one for temporary files")
    options = parser.parse_args()
    bench = runner.Benchmark("checkpoint", "Saving and loading a checkpoint", options.smoke, options.repetitions)
    layers = "2" if options.smoke else "50"
    python = machine.environment_of(".venv-reference")
    if not python:
        bench.missing("transformers.Trainer, safetensors and torch.save", "tests/parity/reference/setup.sh installs them")
    bench.expect((8 if python else 4) * options.repetitions * 5)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        kept, plain, saved = (os.path.join(directory, name) for name in ("kept", "plain", "saved"))
        run([PROGRAM, "save", kept, layers])
        total = size_of(kept)
        save = {"plain write": side([PROGRAM, "write", plain, str(total)], plain),
                "Downbeat": side([PROGRAM, "save", saved, layers], saved)}
        load = {"Downbeat": side([PROGRAM, "load", kept, layers])}
        for name, words in PYTHON_SIDES.items() if python else ():
            command = [python, os.path.join(HERE, "one_checkpoint.py"), words]
            save[name] = side([*command, "save", saved, layers], saved)
            run([*command, "save", f"{kept}_{words}", layers])
            load[name] = side([*command, "load", f"{kept}_{words}", layers])
        bench.case(f"saving {total / 1e6:.0f} MB, with fsync (transformers.Trainer without)", save, base="plain write",
                   unit="seconds", spread=0.25)
        bench.case("loading them from the page cache", load, base="Downbeat", unit="seconds", spread=0.25)
    bench.finish()


main()
