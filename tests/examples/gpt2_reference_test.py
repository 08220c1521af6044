#!/usr/bin/env python3
"""examples/gpt2 beside transformers' GPT2LMHeadModel: 20 steps of each Trainer on the same weights and batches.

Loss and logits of every forward agree within 1e-6; where they are the same bits is printed. The checkpoint of the C++
side opens with from_pretrained(), one seed draws the same weights, and older files with other names open too.

usage, with a Python that has torch and transformers: gpt2_reference_test.py GPT2_TWIN
"""
import json
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

STEPS, LENGTH, SEED = 20, 16, 7
COMMON = {"max_steps": STEPS, "per_device_train_batch_size": 4, "learning_rate": 1e-3, "logging_steps": 1, "seed": SEED,
          "train_sampling_strategy": "sequential", "save_steps": STEPS, "use_cpu": True, "disable_tqdm": True}
DROPOUT = {"resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1}
NO_DROPOUT = {name: 0.0 for name in DROPOUT}
CASES = {
    "plain": (NO_DROPOUT, {}),
    "dropout": (DROPOUT, {}),
    "accumulation_and_weight_decay": (NO_DROPOUT, {"gradient_accumulation_steps": 2, "weight_decay": 0.1}),
    "as_transformers_counts": (NO_DROPOUT, {}),
    "older_names": ({**NO_DROPOUT, "n_inner": 40, "initializer_range": 0.1}, {}),
}


def config_of(fields):
    return GPT2Config(vocab_size=256, n_positions=LENGTH, n_embd=32, n_layer=2, n_head=4, bos_token_id=None,
                      eos_token_id=None, **fields)


def counts_first_labels(name):
    """transformers 5.23 knows by the name of a class whether its loss shifts the labels, and GPT2LMHeadModel's does not
    have ForCausalLM in it: then the first label of each sequence is counted too, and the loss is smaller by its share.
    """
    return name == "as_transformers_counts"


def run_reference(model, tokens, arguments, output_dir):
    """The losses and logits of the forwards in training, and the lines of the log."""
    recorded = {}

    def record(_module, _inputs, output):
        number = len(recorded) // 2
        recorded[f"logits.{number}"] = output.logits.detach().clone()
        recorded[f"loss.{number}"] = output.loss.detach().clone()

    handle = model.register_forward_hook(record)
    dataset = [{"input_ids": row, "labels": row} for row in tokens]
    trainer = Trainer(model, TrainingArguments(output_dir=output_dir, report_to=[], **arguments), train_dataset=dataset)
    trainer.train()
    handle.remove()
    return recorded, trainer.state.log_history


def run_twin(twin, directory, tokens, arguments, output_dir):
    recorded = os.path.join(directory, "recorded.safetensors")
    save_file({"tokens": tokens}, os.path.join(directory, "tokens.safetensors"))
    flags = {**arguments, "model_name_or_path": os.path.join(directory, "initial"), "recorded": recorded,
             "tokens": os.path.join(directory, "tokens.safetensors"), "output_dir": output_dir}
    subprocess.run([twin, *(f"--{name}={value}" for name, value in flags.items())], check=True,
                   stdout=subprocess.DEVNULL)
    with open(os.path.join(output_dir, f"checkpoint-{STEPS}", "trainer_state.json")) as state:
        return load_file(recorded), json.load(state)["log_history"]


def distance(a, b):
    return ((a.double() - b.double()).abs().max() / b.double().abs().max()).item()


def check_forwards(name, ours, theirs):
    forwards = len([key for key in theirs if key.startswith("loss.")])
    same, largest = [], 0.0
    for number in range(forwards):
        pairs = [(ours[f"{what}.{number}"], theirs[f"{what}.{number}"]) for what in ("loss", "logits")]
        largest = max(largest, *(distance(a, b) for a, b in pairs))
        if all(torch.equal(a, b) for a, b in pairs):
            same.append(number + 1)
    print(f"{name}: loss and logits are the same bits in {len(same)} of {forwards} forwards: {same}; "
          f"largest relative difference {largest:.3g}")
    assert f"loss.{forwards}" not in ours, f"{name}: more than {forwards} forwards"
    assert largest < 1e-6, f"{name}: loss or logits differ by {largest}"


def check_logs(name, ours, theirs):
    numbers = ("loss", "grad_norm", "learning_rate", "epoch")
    for mine, other in zip(ours[:STEPS], theirs[:STEPS], strict=True):
        for number in numbers:
            assert abs(mine[number] - other[number]) <= 1e-6 * abs(other[number]), f"{name}: {mine} is not {other}"
    same = sum(all(a[number] == b[number] for number in numbers) for a, b in zip(ours[:STEPS], theirs[:STEPS]))
    print(f"{name}: {same} of {STEPS} lines of the log are the same")


def check_checkpoint(name, directory, initial_config, tokens, ours, trained):
    """from_pretrained() finds every weight, and the model it makes is the one that was saved."""
    opened, loading = GPT2LMHeadModel.from_pretrained(directory, output_loading_info=True)
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not loading[problem], f"{name}: {problem}: {loading[problem]}"
    assert opened.lm_head.weight is opened.transformer.wte.weight
    with torch.no_grad():
        logits = opened.eval()(tokens[:2]).logits
        of_trained = trained.eval()(tokens[:2]).logits
    assert distance(ours["final"], logits) < 1e-6, f"{name}: the opened checkpoint has other logits"
    print(f"{name}: from_pretrained(C++ checkpoint): logits "
          f"{'the same bits' if torch.equal(ours['final'], logits) else 'differ in the last bits'}; as trained in "
          f"Python: {distance(logits, of_trained):.3g}")
    with open(os.path.join(directory, "config.json")) as mine, open(initial_config) as theirs:
        mine, theirs = json.load(mine), json.load(theirs)
    assert mine == theirs, f"{name}: config.json {mine} is not {theirs}"


def check_initial_weights(name, ours, config):
    torch.manual_seed(SEED)
    for key, tensor in GPT2LMHeadModel(config).state_dict().items():
        if key != "lm_head.weight":
            assert torch.equal(ours[f"initial.{key}"], tensor), f"{name}: {key} is drawn otherwise"
    print(f"{name}: the same seed draws the same weights")


def rename_as_the_first_files(directory):
    """Names without the prefix, and the masks among the tensors, as the hub's first gpt2 has them."""
    path = os.path.join(directory, "model.safetensors")
    tensors = {key.removeprefix("transformer."): tensor for key, tensor in load_file(path).items()}
    for layer in range(2):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, LENGTH, LENGTH)
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(tensors, path, metadata={"format": "pt"})


def run_case(twin, name, fields, arguments, tokens):
    arguments = {**COMMON, **arguments}
    with tempfile.TemporaryDirectory() as directory:
        initial, ours_dir = os.path.join(directory, "initial"), os.path.join(directory, "ours")
        set_seed(0)
        model = GPT2LMHeadModel(config_of(fields))
        if not counts_first_labels(name):
            model.loss_type = "ForCausalLM"
        model.save_pretrained(initial)
        if name == "older_names":
            rename_as_the_first_files(initial)
        theirs, their_log = run_reference(model, tokens, arguments, os.path.join(directory, "theirs"))
        ours, our_log = run_twin(twin, directory, tokens,
                                 {**arguments, "counts_first_labels": counts_first_labels(name)}, ours_dir)
        check_forwards(name, ours, theirs)
        check_logs(name, our_log, their_log)
        check_checkpoint(name, os.path.join(ours_dir, f"checkpoint-{STEPS}"), os.path.join(initial, "config.json"),
                         tokens, ours, model)
        check_initial_weights(name, ours, config_of(fields))


def main(twin):
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(256, (40, LENGTH), generator=generator)
    for name, (fields, arguments) in CASES.items():
        run_case(os.path.abspath(twin), name, fields, arguments, tokens)


if __name__ == "__main__":
    main(*sys.argv[1:])
