#!/usr/bin/env python3
"""kill -9 at random moments of a run that saves every step: each time `--resume_from_checkpoint=auto` goes on from what
is left, and the final weights are those of the run that nobody killed. Half of the runs save in the background.

The moment is a share of the time that a whole run takes, so that start, saving, rotation and end are all hit; whatever
is hit, the outcome has to be the same.

usage: kill_test.py DIGITS_TWIN INIT [--kills N] [--seed S]
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

FLAGS = ["--hidden=128", "--train_rows=200", "--per_device_train_batch_size=8", "--num_train_epochs=2", "--dropout=0.2",
         "--learning_rate=0.005", "--logging_steps=5", "--eval_strategy=steps", "--eval_steps=10", "--eval_rows=100",
         "--save_strategy=steps", "--save_steps=1", "--save_total_limit=2", "--resume_from_checkpoint=auto"]


def command(options, output, final, more):
    return [options.twin, f"--init={options.init}", *FLAGS, f"--output_dir={output}", f"--final={final}", *more]


def content(path):
    with open(path, "rb") as f:
        return f.read()


def run(arguments):
    finished = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        sys.exit(f"FAILED: exit code {finished.returncode} of {' '.join(arguments)}\n{finished.stderr}")
    return finished.stderr


def killed_after(arguments, seconds):
    """False where the run was faster."""
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(timeout=seconds)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("twin")
    parser.add_argument("init")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as directory:
        whole = os.path.join(directory, "whole.safetensors")
        started = time.monotonic()
        run(command(options, os.path.join(directory, "whole"), whole, []))
        duration = time.monotonic() - started
        kills = unfinished = without = passed_over = 0
        while kills < options.kills:
            output, final = (os.path.join(directory, f"{name}{kills}") for name in ("run", "final"))
            arguments = command(options, output, final, ["--async_save=true"] if kills % 2 else [])
            if not killed_after(arguments, duration * draw.uniform(0.35, 1.0)):
                subprocess.run(["rm", "-rf", output, final], check=True)
                continue  # it had ended: another moment
            kills += 1
            left = os.listdir(output) if os.path.isdir(output) else []
            unfinished += any(not name.startswith("checkpoint-") for name in left)
            without += not any(name.startswith("checkpoint-") for name in left)
            passed_over += "passed over" in run(arguments)
            if content(final) != content(whole):
                sys.exit(f"FAILED: killed with {sorted(left)} left, the resumed run ends with other weights")
            after = sorted(os.listdir(output))
            if after != ["checkpoint-49", "checkpoint-50"]:
                sys.exit(f"FAILED: killed with {sorted(left)} left, the resumed run leaves {after}")
    print(f"{kills} runs killed and resumed, all with the weights of the whole run; {unfinished} were killed while saving, "
          f"{without} before the first checkpoint; {passed_over} found a damaged checkpoint")


if __name__ == "__main__":
    main()
