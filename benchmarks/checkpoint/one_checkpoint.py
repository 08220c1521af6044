"""The Python sides of the checkpoint benchmark, each in a process of its own; see one_checkpoint.cc.

one_checkpoint.py trainer|files save|load OUTPUT_DIR LAYERS
    trainer   the real transformers.Trainer; saving without fsync, as it does
    files     safetensors and torch.save, each with fsync
"""
import json
import os
import sys
import time

import safetensors.torch
import torch


class Layers(torch.nn.Module):
    def __init__(self, count):
        super().__init__()
        for i in range(count):
            self.register_parameter(f"w{i}", torch.nn.Parameter(torch.empty(1000, 1000).uniform_(-1, 1)))

    def forward(self, x):
        return {"loss": sum(p.sum() for p in self.parameters())}


def memory(name):
    with open("/proc/self/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(name))


def measure(body):
    os.sync()
    with open("/proc/self/clear_refs", "w", encoding="utf-8") as f:
        f.write("5")
    before = memory("VmRSS:")
    started = time.perf_counter()
    body()
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "memory": memory("VmHWM:") - before}))


def step(model, optimizer):
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 0.5)
    optimizer.step()
    optimizer.zero_grad()


def trainer_side(what, output_dir, layers):
    from transformers import Trainer, TrainingArguments

    args = TrainingArguments(output_dir, use_cpu=True, report_to="none", disable_tqdm=True)
    model = Layers(layers)
    trainer = Trainer(model=model, args=args, train_dataset=[{"x": 0}] * 10)
    trainer.create_optimizer_and_scheduler(10)
    if what == "load":
        directory = os.path.join(output_dir, "checkpoint-1")

        def load():
            trainer._load_from_checkpoint(directory)
            trainer._load_optimizer_and_scheduler(directory)
            trainer._load_rng_state(directory)

        measure(load)
    else:
        step(model, trainer.optimizer)
        trainer.state.global_step = 1
        measure(lambda: trainer._save_checkpoint(model, None))


def synced(path):
    with open(path, "rb") as f:
        os.fsync(f.fileno())


def files_side(what, output_dir, layers):
    model = Layers(layers)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    os.makedirs(output_dir, exist_ok=True)
    weights, state = (os.path.join(output_dir, name) for name in ("model.safetensors", "optimizer.pt"))

    def save():
        safetensors.torch.save_file(model.state_dict(), weights, metadata={"format": "pt"})
        torch.save(optimizer.state_dict(), state)
        synced(weights)
        synced(state)

    def load():
        model.load_state_dict(safetensors.torch.load_file(weights))
        optimizer.load_state_dict(torch.load(state, weights_only=True))

    if what == "load":
        measure(load)
    else:
        step(model, optimizer)
        measure(save)


if __name__ == "__main__":
    {"trainer": trainer_side, "files": files_side}[sys.argv[1]](sys.argv[2], sys.argv[3], int(sys.argv[4]))
