#!/usr/bin/env python3
"""Draws random flags, runs the real transformers.Trainer and digits_twin with them on this machine and compares bit for
bit: events, controls, numbers, checkpoint directories, final weights. Some of them are interrupted and go on from a
checkpoint: HuggingFace from its own, Downbeat from its own.

usage: tests/parity/fuzz.py [--seed S] [--count N] [--flags JSON] [--twin PROGRAM]

It needs .venv-reference (tests/parity/reference/setup.sh) and `./bazelw build //tests/parity:digits_twin`. The first
failure is printed as a command that repeats it.
"""
import argparse
import concurrent.futures
import json
import os
import random
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(HERE, "reference")]
os.environ["HF_HUB_OFFLINE"] = "1"
import golden_test

GOLDEN = os.path.join(HERE, "golden")
DATA = os.path.join(ROOT, "examples/digits/digits.csv")
INITS = {"init_h16.safetensors": 16, "init_h32.safetensors": 32, "init_h48.safetensors": 48, "init_h128.safetensors": 128}
EVENTS = ["on_train_begin", "on_epoch_begin", "on_step_begin", "on_pre_optimizer_step", "on_optimizer_step",
          "on_substep_end", "on_step_end", "on_log", "on_evaluate", "on_prediction_step", "on_save", "on_epoch_end"]
CONTROLS = ["should_training_stop", "should_epoch_stop", "should_save", "should_evaluate", "should_log"]


def random_schedule(draw):
    """A schedule with some of the arguments that it takes."""
    warmup = {"warmup_steps": draw.choice([0, 1, 3, 0.2, 0.5])}
    kind = draw.choice(["constant", "constant_with_warmup", "cosine", "cosine_with_restarts", "polynomial",
                        "inverse_sqrt", "cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay",
                        "reduce_lr_on_plateau", "greedy"])
    kwargs = {
        "cosine": {"num_cycles": draw.choice([0.5, 1.25, 3])},
        "cosine_with_restarts": {"num_cycles": draw.choice([1, 3, 4])},
        "polynomial": {"power": draw.choice([1.0, 2.0, 0.5]), "lr_end": draw.choice([1e-4, 1e-7])},
        "inverse_sqrt": {"timescale": draw.choice([1, 9])},
        "cosine_with_min_lr": draw.choice([{"min_lr": 1e-5}, {"min_lr_rate": 0.1}]),
        "cosine_warmup_with_min_lr": {**draw.choice([{"min_lr": 1e-5}, {"min_lr_rate": 0.1}]),
                                      **draw.choice([{}, {"warmup_lr_rate": 0.2}])},
        "warmup_stable_decay": {"num_decay_steps": draw.choice([3, 8]), "warmup_type": draw.choice(["linear", "cosine", "1-sqrt"]),
                                "decay_type": draw.choice(["linear", "cosine", "1-sqrt"]),
                                "min_lr_ratio": draw.choice([0, 0.1]), **draw.choice([{}, {"num_stable_steps": 4}])},
        "reduce_lr_on_plateau": {"factor": draw.choice([0.3, 0.5]), "patience": draw.choice([0, 1]),
                                 "cooldown": draw.choice([0, 1]), "threshold": draw.choice([0.01, 0.1]),
                                 "threshold_mode": draw.choice(["rel", "abs"]), "mode": draw.choice(["min", "max"])},
        "greedy": {"factor": draw.choice([0.8, 0.95]), "patience": draw.choice([0, 1]), "min_lr": draw.choice([0, 1e-4]),
                   **draw.choice([{}, {"smooth": True, "window_size": 3}, {"max_lr": 0.5, "cooldown": 1}, {"warmup": 1}])},
    }.get(kind, {})
    needed = ("cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay")
    if kwargs and (kind in needed or draw.random() < 0.7):
        return {"lr_scheduler_type": kind, "lr_scheduler_kwargs": kwargs, **warmup}
    return {"lr_scheduler_type": kind, **warmup}


def random_optimizer(draw):
    kind = draw.choice(["adamw_torch", "adamw_torch_fused", "sgd", "sgd", "adagrad", "rmsprop", "adafactor"])
    options = {
        "sgd": ["momentum=0.9", "momentum=0.9,nesterov=true", "momentum=0.5,dampening=0.1"],
        "adagrad": ["lr_decay=0.01", "eps=1e-6,lr_decay=0.1"],
        "rmsprop": ["momentum=0.5,alpha=0.9,centered=true", "alpha=0.95", "centered=true,eps=1e-6"],
    }.get(kind, [])
    if options and draw.random() < 0.7:
        return {"optim": kind, "optim_args": draw.choice(options)}
    return {"optim": kind}


def random_flags(draw, hidden):
    """Flags that go together; about half of what there is in each."""
    maybe = lambda share: draw.random() < share
    flags = {"hidden": hidden, "per_device_eval_batch_size": draw.choice([1, 8, 100, 128, 360, 500]),
             "per_device_train_batch_size": draw.choice([1, 3, 8, 16, 31, 64]),
             "learning_rate": draw.choice([5e-5, 1e-3, 0.005, 0.02, 0.2]),
             "gradient_accumulation_steps": draw.choice([1, 1, 1, 2, 3, 7])}
    rows = draw.choice([20, 64, 100, 150, 1437])
    flags["train_rows"] = rows
    if maybe(0.5) or rows == 1437:
        flags["max_steps"] = draw.randint(1, 25)
    else:
        flags["num_train_epochs"] = draw.choice([0.4, 1, 1.5, 2, 3])
    interval = lambda: draw.choice([1, 2, 3, 5, 8, 0.1, 0.3, 0.5])
    strategy = lambda *more: draw.choice(["no", "steps", "epoch", *more])
    flags["logging_strategy"] = strategy()
    flags["eval_strategy"] = strategy()
    flags["save_strategy"] = strategy("best") if flags["eval_strategy"] != "no" else strategy()
    for kind in ("logging", "eval", "save"):
        if flags[f"{kind}_strategy"] == "steps" and (kind == "logging" or maybe(0.8)):
            flags[f"{kind}_steps"] = interval()
    if flags["save_strategy"] == "best" or maybe(0.3):
        flags["metric_for_best_model"] = draw.choice(["loss", "accuracy", "eval_loss", "eval_accuracy"])
        if maybe(0.3):
            flags["greater_is_better"] = maybe(0.5)
    same_steps = flags.get("eval_steps") == flags.get("save_steps") and "eval_steps" in flags
    if flags["save_strategy"] == "best" or (flags["eval_strategy"] == flags["save_strategy"] != "no" and
                                            (flags["eval_strategy"] == "epoch" or same_steps)):
        flags["load_best_model_at_end"] = maybe(0.6)
    options = {"dropout": draw.choice([0.1, 0.3]), "seed": draw.randint(0, 1000), "data_seed": draw.randint(0, 1000),
               "weight_decay": 0.05, "adam_beta1": 0.8, "adam_beta2": 0.95, "adam_epsilon": 1e-5,
               "max_grad_norm": draw.choice([0, 0.05, 0.5]), "label_smoothing_factor": 0.1,
               "warmup_steps": draw.choice([1, 3, 0.2, 0.5]), "dataloader_drop_last": True,
               "train_sampling_strategy": "sequential", "logging_first_step": True, "logging_nan_inf_filter": False,
               "nan_at": ",".join(str(draw.randint(1, 12)) for _ in range(2)), "no_metrics": True,
               "save_total_limit": draw.choice([1, 2, 3]), "eval_rows": draw.choice([1, 5, 100]),
               "evaluate_after_train": True, "do_predict": True, "save_only_model": True, "prediction_loss_only": True,
               "bf16": True, "full_determinism": True, "dataloader_num_workers": draw.choice([1, 2]),
               "restore_callback_states_from_checkpoint": True}
    for name, value in options.items():
        if maybe(0.15):
            flags[name] = value
    if flags.get("dataloader_num_workers") and maybe(0.5):
        flags["dataloader_prefetch_factor"] = draw.choice([1, 3])
    if maybe(0.5):
        flags.update(random_optimizer(draw))
    if maybe(0.5):
        flags.update(random_schedule(draw))
    if flags["eval_strategy"] != "no":
        if maybe(0.2):
            flags["eval_on_start"] = True
        if maybe(0.2):
            flags["eval_delay"] = draw.choice([1, 2.5, 4])
        if "metric_for_best_model" in flags and maybe(0.4):
            flags["early_stopping_patience"] = draw.randint(1, 3)
            flags["early_stopping_threshold"] = draw.choice([0.0, 0.01])
    if "accuracy" in flags.get("metric_for_best_model", "") and (flags.get("no_metrics") or flags.get("prediction_loss_only")):
        flags["metric_for_best_model"] = "loss"
    if maybe(0.4):
        flags["meddle"] = ",".join(f"{draw.choice(EVENTS)}:{draw.randint(0, 8)}:{draw.choice(CONTROLS)}={draw.randint(0, 1)}"
                                   for _ in range(draw.randint(1, 4)))
    return flags


def random_resume(draw, flags):
    """For a third of the runs that save: a checkpoint to go on from, which the run may turn out not to have."""
    if draw.random() > 0.35 or flags["save_strategy"] not in ("steps", "epoch"):
        return {}
    if flags["save_strategy"] == "steps":
        flags["save_steps"] = draw.choice([1, 2, 3])
        flags.pop("load_best_model_at_end", None)
    flags.pop("save_total_limit", None)
    steps_in_epoch = -(-flags["train_rows"] // flags["per_device_train_batch_size"])
    step = flags.get("save_steps", 1) * draw.randint(1, 4) if flags["save_strategy"] == "steps" else steps_in_epoch
    changes = {}
    if draw.random() < 0.2:
        changes["ignore_data_skip"] = True
    if draw.random() < 0.2 and "max_steps" in flags:
        changes["max_steps"] = flags["max_steps"] + 5
    return {"resume": {"checkpoint": step, "flags": changes}}


def random_configs(count, seed):
    draw = random.Random(seed)
    configs = []
    for i in range(count):
        init = draw.choice(list(INITS))
        flags = random_flags(draw, INITS[init])
        configs.append({"name": f"random_{seed}_{i}", "init": init, "flags": flags, **random_resume(draw, flags)})
    return configs


def differences(configs, twin):
    """For each configuration what is not equal, or None; and the names of those that HuggingFace refuses."""
    import golden_lib

    for config in configs:
        config["flags"]["data"] = DATA
    with tempfile.TemporaryDirectory() as directory:
        for init in INITS:
            shutil.copy(os.path.join(GOLDEN, init), directory)
        refused = set(golden_lib.run_all(configs, directory))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            compare = lambda c: golden_test.difference_of(read(directory, c, refused), twin, directory, 0)
            found = list(pool.map(compare, configs))
    # Flags that HuggingFace does not run with must not run here either.
    for i, config in enumerate(configs):
        if config["name"] in refused:
            is_refused = found[i] and found[i].startswith("exit code 1:")
            found[i] = None if is_refused else f"only HuggingFace refuses it ({found[i]})"
    return found, refused


def read(directory, config, refused):
    if config["name"] in refused:
        return {**config, "expect": {}}
    with open(os.path.join(directory, config["name"] + ".json"), encoding="utf-8") as f:
        return json.load(f)


def report(configs, found, refused):
    failures = [(config, difference) for config, difference in zip(configs, found) if difference]
    for config, difference in failures:
        print(f"FAILED {config['name']}: {difference}")
    if failures:
        config = {k: v for k, v in failures[0][0].items() if k in ("init", "flags", "resume")}
        config["flags"].pop("data", None)
        print(f"repeat the first with: tests/parity/fuzz.py --flags '{json.dumps(config)}'")
    resumed = sum("resume" in config for config in configs)
    print(f"{len(configs) - len(failures)} of {len(configs)} equal transformers.Trainer bit for bit, "
          f"{resumed} of them with a checkpoint in between, {len(refused)} refused by both")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(1000000))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--flags", help="one configuration as a failure prints it")
    parser.add_argument("--twin", default=os.path.join(ROOT, "bazel-bin/tests/parity/digits_twin"))
    options = parser.parse_args()
    if options.flags:
        configs = [{"name": "given", **json.loads(options.flags)}]
    else:
        print(f"seed {options.seed}, {options.count} configurations", flush=True)
        configs = random_configs(options.count, options.seed)
    return report(configs, *differences(configs, os.path.abspath(options.twin)))


if __name__ == "__main__":
    try:
        import transformers  # noqa: F401
    except ImportError:
        python = os.path.join(ROOT, ".venv-reference/bin/python")
        if not os.path.exists(python):
            sys.exit("there is no .venv-reference: call tests/parity/reference/setup.sh first")
        os.execv(python, [python, *sys.argv])
    sys.exit(main())
