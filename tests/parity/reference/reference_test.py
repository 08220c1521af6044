#!/usr/bin/env python3
"""Runs the real transformers.Trainer and digits_twin side by side on this machine and compares them bit for bit.

golden_test can compare bits only where the processor is that of golden/; this test can everywhere. It takes the golden
configurations that need no part Downbeat lacks, and as many random ones.

usage, with the Python of an environment that has requirements.txt:
    reference_test.py DIGITS_TWIN [--random N] [--seed S] [NAME ...]
"""
import argparse
import concurrent.futures
import glob
import json
import os
import random
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
os.environ["HF_HUB_OFFLINE"] = "1"
import golden_lib
import golden_test

GOLDEN = os.path.join(os.path.dirname(HERE), "golden")
DATA = os.path.join(HERE, "../../../examples/digits/digits.csv")
INITS = {"init_h16.safetensors": 16, "init_h32.safetensors": 32, "init_h48.safetensors": 48, "init_h128.safetensors": 128}
EVENTS = ["on_train_begin", "on_epoch_begin", "on_step_begin", "on_pre_optimizer_step", "on_optimizer_step",
          "on_substep_end", "on_step_end", "on_log", "on_evaluate", "on_prediction_step", "on_save", "on_epoch_end"]
CONTROLS = ["should_training_stop", "should_epoch_stop", "should_save", "should_evaluate", "should_log"]


def golden_configs(names):
    with open(os.path.join(os.path.dirname(HERE), "waiting.txt"), encoding="utf-8") as f:
        waiting = {line.split(":")[0] for line in f}
    configs = []
    for path in sorted(glob.glob(GOLDEN + "/*.json")):
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        if config["name"] not in waiting and (not names or config["name"] in names):
            configs.append(config)
    return configs


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
               "evaluate_after_train": True, "do_predict": True, "save_only_model": True, "prediction_loss_only": True}
    for name, value in options.items():
        if maybe(0.15):
            flags[name] = value
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


def random_configs(count, seed):
    draw = random.Random(seed)
    configs = []
    for i in range(count):
        init = draw.choice(list(INITS))
        configs.append({"name": f"random_{seed}_{i}", "init": init, "flags": random_flags(draw, INITS[init])})
    return configs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("twin")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--random", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    configs = golden_configs(options.names) + random_configs(options.random, options.seed)
    for config in configs:
        config["flags"]["data"] = DATA
    twin = os.path.abspath(options.twin)
    with tempfile.TemporaryDirectory() as directory:
        for init in INITS:
            shutil.copy(os.path.join(GOLDEN, init), directory)
        refused = set(golden_lib.run_all(configs, directory))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            compare = lambda c: golden_test.difference_of(read(directory, c, refused), twin, directory, 0)
            differences = list(pool.map(compare, configs))
    wrong = 0
    for config, difference in zip(configs, differences):
        if config["name"] in refused:
            # Flags that HuggingFace does not run with must not run here either.
            difference = None if difference and difference.startswith("exit code 1:") else f"only HuggingFace refuses it"
        if difference:
            wrong += 1
            print(f"FAILED {config['name']}: {difference}\n       {json.dumps(config['flags'])}")
    print(f"{len(configs) - wrong} of {len(configs)} equal transformers.Trainer bit for bit, {len(refused)} refused by both")
    return 1 if wrong else 0


def read(directory, config, refused):
    if config["name"] in refused:
        return {**config, "expect": {}}
    with open(os.path.join(directory, config["name"] + ".json"), encoding="utf-8") as f:
        return json.load(f)


if __name__ == "__main__":
    sys.exit(main())
