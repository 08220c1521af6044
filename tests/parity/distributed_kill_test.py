#!/usr/bin/env python3
"""kill -9 of a rank at random moments under `torchrun --max-restarts`: torchrun starts all processes anew, they go on by
themselves from the newest checkpoint, and the run ends with the losses and weights of the one that nobody killed.

The moment is a share of the time from the start of the ranks to their end, so that meeting, training, evaluating, saving
and leaving are all hit; whatever is hit, the outcome has to be the same.

usage: distributed_kill_test.py DIGITS_TWIN [--kills N] [--seed S]
"""
import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "trainer", "distributed"))
from torchrun import Started

PROCESSES = 2
STEPS = 150
FLAGS = [f"--init={HERE}/golden/init_h128.safetensors", "--hidden=128", "--per_device_train_batch_size=8", "--dropout=0.2",
         f"--max_steps={STEPS}", "--train_rows=400", "--learning_rate=0.005", "--logging_steps=1", "--eval_strategy=steps",
         "--eval_steps=10", "--save_strategy=steps", "--save_steps=5", "--save_total_limit=2", "--ddp_timeout=60"]


def outcome(output):
    """Every logged number that does not depend on the clock, and the weights."""
    checkpoint = os.path.join(output, f"checkpoint-{STEPS}")
    with open(os.path.join(checkpoint, "trainer_state.json"), encoding="utf-8") as file:
        history = json.load(file)["log_history"]
    with open(os.path.join(checkpoint, "model.safetensors"), "rb") as file:
        weights = file.read()
    depends = ("_runtime", "_per_second")
    return [{k: v for k, v in line.items() if not k.endswith(depends)} for line in history], weights


def run(twin, output, kill):
    """Seconds from the first sight of all ranks to their end, and whether they went on from a checkpoint. `kill`:
    (seconds, rank), or None. None: the run was faster."""
    command = [twin, *FLAGS, f"--output_dir={output}"]
    with Started(PROCESSES, command, ["--max-restarts=3"]) as started:
        ranks = started.wait_until(lambda: (found := started.ranks()) and len(found) == PROCESSES and found)
        begun = time.monotonic()
        if not kill:
            started.wait_until(lambda: not started.ranks())
        duration = time.monotonic() - begun
        if kill:
            time.sleep(kill[0])
            try:
                os.kill(ranks[kill[1]], signal.SIGKILL)
            except ProcessLookupError:
                return None
        ended = started.end()
        assert ended.returncode == 0, f"exit code {ended.returncode}\n{ended.stderr}"
        return duration, "torchrun has started the processes anew" in ended.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("twin")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    twin = os.path.abspath(options.twin)
    with tempfile.TemporaryDirectory() as directory:
        whole = os.path.join(directory, "whole")
        duration, _ = run(twin, whole, None)
        expected = outcome(whole)
        kills = went_on = 0
        while kills < options.kills:
            output = os.path.join(directory, f"run{time.monotonic_ns()}")
            kill = (duration * draw.random(), draw.randrange(PROCESSES))
            ended = run(twin, output, kill)
            if ended is None:
                continue  # it had ended: another moment
            kills, went_on = kills + 1, went_on + ended[1]
            losses, weights = outcome(output)
            assert losses == expected[0], f"killed rank {kill[1]} after {kill[0]:.2f} s: other losses"
            assert weights == expected[1], f"killed rank {kill[1]} after {kill[0]:.2f} s: other weights"
            print(f"rank {kill[1]} killed after {kill[0]:.2f} of {duration:.2f} s: the same {len(losses)} lines", flush=True)
    print(f"{kills} of {kills} runs end with the losses and weights of the run that nobody killed; {went_on} went on from a "
          "checkpoint, the others had none yet")
    assert went_on > 0


if __name__ == "__main__":
    main()
