#!/usr/bin/env python3
"""A run that is interrupted goes on, on either side, as if it had not been: bit for bit, on this machine.

Each case is run by both sides without interruption, and goes on from its checkpoint three ways: Downbeat from
HuggingFace's, HuggingFace from Downbeat's, Downbeat from its own. All three have to equal HuggingFace's going on from
its own; and the losses after the checkpoint those of the uninterrupted run.

usage, with the Python of an environment that has requirements.txt: resume_test.py DIGITS_TWIN [NAME ...]
"""
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import forked
import fuzz
import golden_lib
import golden_test

COMMON = {"hidden": 32, "per_device_train_batch_size": 16, "per_device_eval_batch_size": 128, "learning_rate": 0.005,
          "train_rows": 160, "num_train_epochs": 3, "logging_steps": 1, "eval_strategy": "steps", "eval_steps": 5, "dropout": 0.3,
          "save_strategy": "steps", "save_steps": 1, "data": fuzz.DATA}

# Ten batches an epoch, so ten steps or, with accumulation, fewer. An evaluation at an epoch's end would come after the
# checkpoint of its last step, and HuggingFace does not repeat it: it would draw other random numbers than the whole run.
CASES = {
    "in_the_middle_of_an_epoch": (7, {}),
    "at_an_epochs_end": (10, {}),
    "in_the_last_epoch": (28, {}),
    "after_the_first_step": (1, {}),
    "accumulation": (4, {"gradient_accumulation_steps": 3}),
    "accumulation_at_an_epochs_end": (8, {"gradient_accumulation_steps": 3}),
    "without_dropout": (7, {"dropout": 0.0}),
    "a_checkpoint_by_epoch": (10, {"save_strategy": "epoch", "eval_strategy": "epoch"}),
    "another_order_of_the_data": (13, {"data_seed": 5}),
    "sequential": (13, {"train_sampling_strategy": "sequential"}),
    "the_last_batch_dropped": (11, {"train_rows": 155, "dataloader_drop_last": True}),
    "cosine_with_warmup": (7, {"lr_scheduler_type": "cosine", "warmup_steps": 10}),
    "plateau": (12, {"lr_scheduler_type": "reduce_lr_on_plateau", "learning_rate": 0.05,
                     "lr_scheduler_kwargs": {"patience": 0}}),
    "greedy": (12, {"lr_scheduler_type": "greedy", "lr_scheduler_kwargs": {"patience": 0, "smooth": True}}),
    "adamw_torch": (7, {"optim": "adamw_torch", "weight_decay": 0.1}),
    "sgd_with_momentum": (7, {"optim": "sgd", "optim_args": "momentum=0.9,nesterov=true"}),
    "sgd_without_state": (7, {"optim": "sgd"}),
    "adagrad": (7, {"optim": "adagrad"}),
    "rmsprop": (7, {"optim": "rmsprop", "optim_args": "momentum=0.9,centered=true"}),
    "adafactor": (7, {"optim": "adafactor"}),
    "the_best_model": (14, {"load_best_model_at_end": True, "eval_strategy": "steps", "eval_steps": 1,
                            "metric_for_best_model": "accuracy"}),
    "early_stopping": (6, {"load_best_model_at_end": True, "eval_strategy": "steps", "eval_steps": 2, "save_steps": 2,
                           "metric_for_best_model": "accuracy", "early_stopping_patience": 8}),
}


def run_trainer(flags, output, trace, more=()):
    """The real Trainer; what it left behind."""

    def run():
        import digits_twin

        init = ["--init", os.path.join(fuzz.GOLDEN, "init_h32.safetensors")]
        trainer = digits_twin.main(golden_lib.argv_of(flags) + init + ["--output_dir", output, "--trace", trace, *more])
        return golden_lib.leave(trainer, output)

    return forked.call(run)


def losses(trace):
    with open(trace, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    return {row["global_step"]: row["logs"]["loss"] for row in rows if "loss" in row.get("logs", {})}


def difference_of(step, flags, twin):
    init = [f"--init={fuzz.GOLDEN}/init_h32.safetensors"]
    with tempfile.TemporaryDirectory() as scratch:
        path = lambda name: os.path.join(scratch, name)
        checkpoint = lambda output: os.path.join(path(output), f"checkpoint-{step}")
        whole = run_trainer(flags, path("theirs"), path("whole.jsonl"))
        found = golden_test.difference_of_run(twin, flags, init, path("ours"), path("whole.jsonl"), whole, 0)
        if found:
            return f"uninterrupted: {found}"
        for output in ("theirs", "ours"):
            shutil.copytree(path(output), path(output + "_for_us"))
        shutil.copytree(path("ours"), path("ours_for_them"))

        resumed = run_trainer(flags, path("theirs"), path("resumed.jsonl"), ["--resume", checkpoint("theirs")])
        before, after = losses(path("whole.jsonl")), losses(path("resumed.jsonl"))
        assert after and all(before[s] == loss for s, loss in after.items()), "HuggingFace's own resume differs"

        for output, whose in (("theirs_for_us", "HuggingFace's"), ("ours_for_us", "its own")):
            more = init + [f"--resume={checkpoint(output)}"]
            found = golden_test.difference_of_run(twin, flags, more, path(output), path("resumed.jsonl"), resumed, 0)
            if found:
                return f"Downbeat from {whose} checkpoint: {found}"
        left = run_trainer(flags, path("ours_for_them"), path("back.jsonl"), ["--resume", checkpoint("ours_for_them")])
        found = golden_test.first_difference(path("resumed.jsonl"), path("back.jsonl"), 0)
        if found is None and left["weights_sha256"] != resumed["weights_sha256"]:
            found = "the final weights differ"
        return found and f"HuggingFace from Downbeat's checkpoint: {found}"


def main():
    twin, *names = sys.argv[1:]
    import digits_twin  # noqa: F401  (before forking)

    failed = 0
    cases = {name: case for name, case in CASES.items() if not names or name in names}
    for name, (step, changes) in cases.items():
        difference = difference_of(step, {**COMMON, **changes}, os.path.abspath(twin))
        print(f"FAILED {name}: {difference}" if difference else f"equal  {name}", flush=True)
        failed += bool(difference)
    print(f"{len(cases) - failed} of {len(cases)} go on bit for bit in all three ways")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
