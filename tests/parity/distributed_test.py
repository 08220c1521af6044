#!/usr/bin/env python3
"""Several processes under the real torchrun: Trainer beside transformers.Trainer, bit for bit on this machine.

Compared: the events and numbers of rank 0, checkpoints and the files in them, final weights; and runs that go on from
each other's checkpoints. Besides, 2 processes with batches of 16 against one with batches of 32.

usage, with the Python of an environment that has reference/requirements.txt:
distributed_test.py DIGITS_TWIN [NAME ...] (sequence_twin lies beside it)
"""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "reference"), os.path.join(os.path.dirname(HERE), "trainer", "distributed")]
os.environ["HF_HUB_OFFLINE"] = "1"
import fuzz
import golden_test
import sequence_test
import torchrun

DIGITS = {"data": fuzz.DATA, "init": os.path.join(fuzz.GOLDEN, "init_h32.safetensors"), "hidden": 32,
          "learning_rate": 0.005, "per_device_train_batch_size": 16, "logging_steps": 1, "save_strategy": "no"}
FIFTY_STEPS = {"train_rows": 1408, "max_steps": 50, "eval_strategy": "steps", "eval_steps": 20}
SMALL = {"train_rows": 150, "eval_rows": 45, "num_train_epochs": 3, "per_device_train_batch_size": 7,
         "eval_strategy": "steps", "eval_steps": 4}
SAVING = {"save_strategy": "steps", "save_steps": 4}
SEQUENCES = {**sequence_test.COMMON, "save_strategy": "no"}

# name: (processes, twin, flags, step of the checkpoint to go on from)
CASES = {
    "fifty_steps": (2, "digits", {**DIGITS, **FIFTY_STEPS}, None),
    "fifty_steps_on_four": (4, "digits", {**DIGITS, **FIFTY_STEPS}, None),
    "on_three": (3, "digits", {**DIGITS, **SMALL, "dropout": 0.2, "num_train_epochs": 2}, None),
    "defaults": (2, "digits", {**DIGITS, "train_rows": 400, "logging_steps": 500, "num_train_epochs": 1}, None),
    "last_batches_filled": (2, "digits", {**DIGITS, **SMALL}, None),
    "last_batches_dropped": (2, "digits", {**DIGITS, **SMALL, "dataloader_drop_last": True}, None),
    "less_than_a_batch_each": (4, "digits", {**DIGITS, **SMALL, "train_rows": 5, "eval_rows": 3}, None),
    "accumulation": (2, "digits", {**DIGITS, **SMALL, "gradient_accumulation_steps": 4, "dropout": 0.3}, None),
    "accumulation_on_four": (4, "digits", {**DIGITS, **SMALL, "gradient_accumulation_steps": 2}, None),
    "wide_on_four": (4, "digits", {**DIGITS, **SMALL, "hidden": 128, "dropout": 0.1,
                                   "init": os.path.join(fuzz.GOLDEN, "init_h128.safetensors")}, None),
    "logged_now_and_then": (2, "digits", {**DIGITS, **SMALL, "logging_steps": 5, "label_smoothing_factor": 0.1,
                                          "max_grad_norm": 0.1}, None),
    "by_epochs": (2, "digits", {**DIGITS, **SMALL, "logging_strategy": "epoch", "eval_strategy": "epoch",
                                "save_strategy": "epoch", "load_best_model_at_end": True, "save_total_limit": 1,
                                "metric_for_best_model": "accuracy"}, None),
    "best_model": (2, "digits", {**DIGITS, **SMALL, **SAVING, "load_best_model_at_end": True, "learning_rate": 0.3,
                                 "save_total_limit": 2}, None),
    "early_stopping": (2, "digits", {**DIGITS, **SMALL, **SAVING, "load_best_model_at_end": True, "learning_rate": 0.3,
                                     "early_stopping_patience": 1}, None),
    "evaluated_around": (2, "digits", {**DIGITS, **SMALL, "eval_on_start": True, "evaluate_after_train": True,
                                       "do_predict": True, "prediction_loss_only": False}, None),
    "asked_for_in_hooks": (2, "digits", {**DIGITS, **SMALL, "eval_strategy": "no", "logging_steps": 3, "meddle": ",".join([
        "on_log:3:should_evaluate=1", "on_step_begin:4:should_save=1", "on_evaluate:3:should_save=1",
        "on_substep_end:6:should_log=1", "on_save:8:should_epoch_stop=1", "on_epoch_end:11:should_evaluate=1",
        "on_log:15:should_training_stop=1"]), "gradient_accumulation_steps": 2}, None),
    "goes_on": (2, "digits", {**DIGITS, **SMALL, **SAVING, "dropout": 0.3}, 8),
    "goes_on_at_an_epochs_end": (2, "digits", {**DIGITS, **SMALL, "save_strategy": "epoch", "eval_strategy": "epoch",
                                               "dropout": 0.3}, 11),
    "goes_on_on_four": (4, "digits", {**DIGITS, **SMALL, **SAVING, "dropout": 0.3, "gradient_accumulation_steps": 2}, 4),
    "sequences": (2, "sequence", SEQUENCES, None),
    "sequences_on_four": (4, "sequence", {**SEQUENCES, "per_device_train_batch_size": 3}, None),
    "grouped_by_length": (2, "sequence", {**SEQUENCES, "train_sampling_strategy": "group_by_length", "predict": True}, None),
    "tokens": (2, "sequence", {**SEQUENCES, "include_num_input_tokens_seen": "all"}, None),
    "counts_items": (2, "sequence", {**SEQUENCES, "counts_items": True, "gradient_accumulation_steps": 2,
                                     "dropout": 0.2}, None),
    "counts_items_on_four": (4, "sequence", {**SEQUENCES, "counts_items": True, "per_device_train_batch_size": 2}, None),
    "counts_own_items": (2, "sequence", {**SEQUENCES, "counts_items": True, "average_tokens_across_devices": False}, None),
    "batch_eval_metrics": (2, "sequence", {**SEQUENCES, "batch_eval_metrics": True, "predict": True}, None),
    "include_for_metrics": (2, "sequence", {**SEQUENCES, "include_for_metrics": "inputs loss"}, None),
    "eval_sets": (2, "sequence", {**SEQUENCES, "eval_sets": True, "eval_on_start": True}, None),
}


class Runs:
    """All runs of both sides, in a directory of their own."""

    def __init__(self, twins, scratch):
        self.twins, self.scratch = twins, scratch

    def path(self, name):
        return os.path.join(self.scratch, name)

    def theirs(self, processes, requests):
        """[(name, twin, flags, more flags)]: as many runs of the real Trainer in one call of torchrun."""
        rename = {"include_num_input_tokens_seen": "tokens"}
        runs = []
        for name, twin, flags, more in requests:
            renamed = {rename.get(k, k) if twin == "sequence" else k: v for k, v in flags.items()}
            argv = sequence_test.argv_of({**renamed, "output_dir": self.path(name), **more})
            runs.append({"twin": twin, "argv": argv, "path": self.path(name)})
        if not runs:
            return
        with open(self.path(f"runs{processes}.json"), "w", encoding="utf-8") as file:
            json.dump(runs, file)
        program = os.path.join(HERE, "reference", "distributed_runs.py")
        torchrun.checked(processes, [sys.executable, program, self.path(f"runs{processes}.json")])

    def ours(self, processes, name, twin, flags, more):
        own = {k: ",".join(v.split()) if k == "include_for_metrics" else v for k, v in flags.items()}
        words = [golden_test.flag(key, value) for key, value in {**own, **more}.items()]
        words += [f"--output_dir={self.path(name)}", f"--trace={self.path(name)}.0.jsonl",
                  f"--final={self.path(name)}.safetensors"]
        torchrun.checked(processes, [self.twins[twin], *words])

    def all_ours(self, calls):
        """Two at a time, as most of a run is the start of torchrun."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda call: self.ours(*call), calls))

    def left(self, name):
        """Every file that a run leaves, but those that each side calls its own way."""
        files = []
        for directory, _, names in os.walk(self.path(name)):
            files += [os.path.relpath(os.path.join(directory, file), self.path(name)) for file in names]
        return sorted(file for file in files if "training_args" not in file and not file.startswith("runs"))

    def sums(self, name):
        """Of each weight at the end: double sums over the same bits are the same."""
        if os.path.exists(self.path(name) + ".json"):
            with open(self.path(name) + ".json", encoding="utf-8") as file:
                return json.load(file)["sums"]
        import safetensors.torch

        weights = safetensors.torch.load_file(self.path(name) + ".safetensors")
        return {key: tensor.double().sum().item() for key, tensor in weights.items()}

    def difference(self, theirs, ours):
        found = golden_test.first_difference(self.path(theirs) + ".0.jsonl", self.path(ours) + ".0.jsonl", 0)
        if not found and self.left(theirs) != self.left(ours):
            found = f"files: {sorted(set(self.left(theirs)) ^ set(self.left(ours)))} are on one side only"
        if not found and self.sums(theirs) != self.sums(ours):
            found = "the final weights differ"
        return found


def differences(runs, cases):
    """name -> what differs, or None."""
    found = {}
    counts = sorted({case[0] for case in cases.values()})
    for processes in counts:
        mine = {name: case for name, case in cases.items() if case[0] == processes}
        runs.theirs(processes, [(f"theirs_{name}", twin, flags, {}) for name, (_, twin, flags, _) in mine.items()])
        runs.all_ours([(processes, f"ours_{name}", twin, flags, {}) for name, (_, twin, flags, _) in mine.items()])
        for name in mine:
            found[name] = runs.difference(f"theirs_{name}", f"ours_{name}")
        found.update(resumed_differences(runs, processes, {name: case for name, case in mine.items() if case[3]}))
    return found


def resumed_differences(runs, processes, cases):
    """Both sides go on from both sides' checkpoints: all four runs have to be one."""
    requests = []
    for name, (_, twin, flags, step) in cases.items():
        for whose in ("theirs", "ours"):
            for who in ("theirs", "ours"):
                shutil.copytree(runs.path(f"{whose}_{name}"), runs.path(f"{who}_from_{whose}_{name}"))
            resume = {"resume": os.path.join(runs.path(f"theirs_from_{whose}_{name}"), f"checkpoint-{step}")}
            requests.append((f"theirs_from_{whose}_{name}", twin, flags, resume))
    runs.theirs(processes, requests)
    runs.all_ours([(processes, f"ours_from_{whose}_{name}", twin, flags,
                    {"resume": os.path.join(runs.path(f"ours_from_{whose}_{name}"), f"checkpoint-{step}")})
                   for name, (_, twin, flags, step) in cases.items() for whose in ("theirs", "ours")])
    found = {}
    for name in cases:
        whole = f"theirs_from_theirs_{name}"
        for whose in ("theirs", "ours"):
            found[f"{name}: Downbeat from {whose}"] = runs.difference(whole, f"ours_from_{whose}_{name}")
        found[f"{name}: HuggingFace from ours"] = runs.difference(whole, f"theirs_from_ours_{name}")
    return found


def losses(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["logs"]["loss"] for row in rows if "loss" in row.get("logs", {})]


def check_two_are_one(runs):
    """2 x 16 are 1 x 32, but for the order of sums."""
    flags = {**DIGITS, **FIFTY_STEPS}
    runs.ours(2, "two", "digits", flags, {})
    words = [golden_test.flag(key, value) for key, value in {**flags, "per_device_train_batch_size": 32}.items()]
    subprocess.run([runs.twins["digits"], *words, f"--trace={runs.path('one')}.0.jsonl"], check=True,
                   stdout=subprocess.DEVNULL)
    two, one = losses(runs.path("two") + ".0.jsonl"), losses(runs.path("one") + ".0.jsonl")
    largest = max(abs(a - b) / b for a, b in zip(two, one))
    print(f"2 processes x 16 and 1 x 32: {len(two)} losses differ by {largest:.1e} at most")
    assert len(two) == len(one) == 50 and largest <= 1e-6


def check_goes_on_with_another_number_of_processes(runs):
    """Batches of 32 in all: from 2 processes to 1 and from 1 to 2."""
    flags = {**DIGITS, "train_rows": 1408, "max_steps": 50, "save_strategy": "steps", "save_steps": 20}
    runs.ours(2, "on_two", "digits", flags, {})
    runs.ours(1, "on_one", "digits", {**flags, "per_device_train_batch_size": 32}, {})
    whole = losses(runs.path("on_two") + ".0.jsonl")
    for processes, before in ((1, "on_two"), (2, "on_one")):
        resume = {"resume": os.path.join(runs.path(before), "checkpoint-20"),
                  "per_device_train_batch_size": 32 // processes}
        runs.ours(processes, f"{before}_goes_on", "digits", flags, resume)
        rest = losses(runs.path(f"{before}_goes_on") + ".0.jsonl")
        largest = max(abs(a - b) / a for a, b in zip(whole[20:], rest))
        print(f"{before}, going on with {processes}: {len(rest)} losses differ by {largest:.1e} at most")
        assert len(rest) == 30 and largest <= 1e-6


def check_a_request_after_backward_waits_a_step(runs):
    """What a hook asks for in on_step_end all processes do at the end of the next step, or at once where they meet for a
    log line; HuggingFace does it at once and hangs where only one of them asks."""
    for logging_steps, last in ((4, 6), (5, 5)):
        flags = {**DIGITS, **SMALL, "eval_strategy": "no", "logging_steps": logging_steps,
                 "meddle": "on_step_end:5:should_training_stop=1"}
        runs.ours(2, f"stopped_{last}", "digits", flags, {})
        with open(runs.path(f"stopped_{last}") + ".0.jsonl", encoding="utf-8") as file:
            steps = sum('"on_step_end"' in line for line in file)
        assert steps == last, f"with logging_steps={logging_steps} it ends after step {steps}"
    print("should_training_stop in on_step_end of step 5 ends 2 processes after step 6, or 5 where that is logged")


def main():
    digits, *names = sys.argv[1:]
    digits = os.path.abspath(digits)
    cases = {name: case for name, case in CASES.items() if not names or name in names}
    with tempfile.TemporaryDirectory() as scratch:
        runs = Runs({"digits": digits, "sequence": os.path.join(os.path.dirname(digits), "sequence_twin")}, scratch)
        found = differences(runs, cases)
        for name, difference in found.items():
            print(f"FAILED {name}: {difference}" if difference else f"equal  {name}", flush=True)
        failed = sum(bool(difference) for difference in found.values())
        print(f"{len(found) - failed} of {len(found)} equal transformers.Trainer under torchrun bit for bit")
        if not names:
            check_two_are_one(runs)
            check_goes_on_with_another_number_of_processes(runs)
            check_a_request_after_backward_waits_a_step(runs)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
