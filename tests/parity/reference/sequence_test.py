#!/usr/bin/env python3
"""What needs a model with an embedding layer: sequence_twin.py with the real Trainer beside sequence_twin.cc, bit for
bit on this machine: events, numbers, checkpoints left behind, final weights.

usage, with the Python of an environment that has requirements.txt: sequence_test.py SEQUENCE_TWIN [NAME ...]
"""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
os.environ["HF_HUB_OFFLINE"] = "1"
import forked
import golden_lib
import golden_test

COMMON = {"per_device_train_batch_size": 8, "per_device_eval_batch_size": 6, "learning_rate": 0.01, "num_train_epochs": 2,
          "logging_steps": 1, "eval_strategy": "steps", "eval_steps": 5, "save_strategy": "steps", "save_steps": 6,
          "disable_tqdm": True, "use_cpu": True}

CASES = {
    "plain": {},
    "neftune": {"neftune_noise_alpha": 5},
    "neftune_with_dropout": {"neftune_noise_alpha": 0.3, "dropout": 0.2, "gradient_accumulation_steps": 2},
    "neftune_in_bfloat16": {"neftune_noise_alpha": 5, "bf16": True},
    "group_by_length": {"train_sampling_strategy": "group_by_length", "predict": True},
    "group_by_length_many_pieces": {"train_sampling_strategy": "group_by_length", "train_rows": 430, "dropout": 0.1,
                                    "per_device_train_batch_size": 2, "max_steps": 60, "seed": 7},
    "group_by_length_accumulated": {"train_sampling_strategy": "group_by_length", "gradient_accumulation_steps": 3,
                                    "data_seed": 11, "dataloader_num_workers": 2},
    "group_by_length_few_rows": {"train_sampling_strategy": "group_by_length", "train_rows": 5, "eval_rows": 1},
    "tokens": {"include_num_input_tokens_seen": "all", "dropout": 0.1},
    "tokens_without_padding": {"include_num_input_tokens_seen": "non_padding", "gradient_accumulation_steps": 2},
    "counts_items": {"counts_items": True},
    "counts_items_accumulated": {"counts_items": True, "gradient_accumulation_steps": 4, "dropout": 0.2},
    "counts_items_smoothed": {"counts_items": True, "gradient_accumulation_steps": 2, "label_smoothing_factor": 0.1},
    "label_smoothing": {"label_smoothing_factor": 0.2, "gradient_accumulation_steps": 3},
    "batch_eval_metrics": {"batch_eval_metrics": True, "predict": True},
    "eval_accumulation_steps": {"eval_accumulation_steps": 2, "predict": True},
    "include_for_metrics": {"include_for_metrics": "inputs loss"},
    "eval_sets": {"eval_sets": True, "metric_for_best_model": "eval_short_accuracy", "load_best_model_at_end": True,
                  "eval_steps": 3, "save_steps": 3, "save_total_limit": 1},
    "eval_sets_on_start": {"eval_sets": True, "eval_on_start": True, "batch_eval_metrics": True},
    "auto_find_batch_size": {"auto_find_batch_size": True, "batch_limit": 5, "dropout": 0.1},
    "auto_find_batch_size_in_groups": {"auto_find_batch_size": True, "batch_limit": 6, "neftune_noise_alpha": 1,
                                       "train_sampling_strategy": "group_by_length"},
    "workers": {"dataloader_num_workers": 2, "dropout": 0.2, "predict": True},
    "workers_ahead": {"dataloader_num_workers": 1, "dataloader_prefetch_factor": 5, "gradient_accumulation_steps": 2},
    "adafactor_in_bfloat16": {"optim": "adafactor", "bf16": True, "eval_on_start": True},
}


def argv_of(flags):
    """For argparse: a list is several words."""
    words = []
    for word in golden_lib.argv_of(flags):
        words += word.split(" ") if " " in word and not word.startswith("{") else [word]
    return words


def run_trainer(flags, directory):
    """The real Trainer; what it left behind."""

    def run():
        import sequence_twin

        trainer = sequence_twin.main(argv_of({**flags, "output_dir": directory + "/hf", "trace": directory + "/hf.jsonl"}))
        return {"checkpoints": sorted(d for d in os.listdir(directory + "/hf") if d.startswith("checkpoint-")),
                "weights_sha256": sequence_twin.weights_sha256(trainer.model)}

    return forked.call(run)


def difference_of(twin, flags):
    with tempfile.TemporaryDirectory() as directory:
        names = {"include_num_input_tokens_seen": "tokens"}
        expect = run_trainer({names.get(k, k): v for k, v in flags.items()}, directory)
        own = {k: ",".join(v.split()) if k == "include_for_metrics" else v for k, v in flags.items()}
        return golden_test.difference_of_run(twin, own, [], directory + "/out", directory + "/hf.jsonl", expect, 0)


def main():
    twin, names = os.path.abspath(sys.argv[1]), sys.argv[2:] or list(CASES)
    golden_test.TENSORS = ["embeddings.weight", "classifier.weight", "classifier.bias"]
    import sequence_twin  # noqa: F401  before the processes are forked

    failures = 0
    for name in names:
        found = difference_of(twin, {**COMMON, **CASES[name]})
        print(f"FAILED {name}: {found}" if found else f"ok     {name}", flush=True)
        failures += bool(found)
    print(f"{len(names) - failures} of {len(names)} equal transformers.Trainer bit for bit")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
