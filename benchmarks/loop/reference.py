"""One process of the loop benchmark in Python: transformers.Trainer, or the loop written by hand with the fused AdamW.

reference.py trainer|by_hand MODEL CALLBACKS ACCUMULATION STEPS WARM_UP        as trainer.cc and by_hand.cc

Models, data, initial weights, settings and what is printed are those of the C++ programs."""
import json
import math
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional

SEED, LEARNING_RATE, WEIGHT_DECAY, MAX_GRAD_NORM = 42, 1e-3, 0.01, 1.0


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 1)

    def forward(self, inputs, labels):
        return {"loss": functional.mse_loss(self.fc(inputs), labels)}


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, inputs, labels):
        logits = self.fc2(torch.relu(self.fc1(inputs)))
        return {"loss": functional.cross_entropy(logits, labels)}


WIDTH, HEADS, LENGTH, TOKENS, CLASSES = 64, 4, 32, 256, 10


class EncoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)
        self.ln1 = nn.LayerNorm(WIDTH)
        self.ln2 = nn.LayerNorm(WIDTH)

    def forward(self, x):
        parts = self.qkv(self.ln1(x)).view(x.size(0), x.size(1), 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(*parts.unbind(0))
        x = x + self.proj(attended.transpose(1, 2).reshape(x.shape))
        return x + self.fc2(functional.gelu(self.fc1(self.ln2(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(TOKENS, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.layers = nn.ModuleList([EncoderLayer(), EncoderLayer()])
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, inputs, labels):
        x = self.tokens(inputs) + self.positions(torch.arange(LENGTH))
        for layer in self.layers:
            x = layer(x)
        return {"loss": functional.cross_entropy(self.head(x.mean(1)), labels)}


def read_digits():
    import numpy

    rows = numpy.loadtxt(os.environ["DIGITS_CSV"], delimiter=",", max_rows=1437, dtype=numpy.int64)
    return torch.from_numpy(rows[:, :64]).to(torch.float32) / 16, torch.from_numpy(rows[:, 64])


def make_workload(name):
    """(model, inputs, labels, batch size)"""
    torch.manual_seed(SEED)
    if name == "linear":
        inputs = torch.rand(4096, 8)
        return Linear(), inputs, inputs.sum(1, keepdim=True), 8
    if name == "digits":
        return Digits(), *read_digits(), 32
    if name == "transformer":
        inputs = torch.randint(TOKENS, (1024, LENGTH))
        return Transformer(), inputs, inputs.sum(1).remainder(CLASSES), 8
    from transformers import GPT2Config, GPT2LMHeadModel

    inputs = torch.randint(TOKENS, (256, 64))
    config = GPT2Config(vocab_size=TOKENS, n_positions=64, n_embd=384, n_layer=6, n_head=6, resid_pdrop=0.0,
                        embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None)
    return GPT2LMHeadModel(config), inputs, inputs, 2


class Stopwatch:
    def __init__(self, steps, warm_up):
        self.steps, self.warm_up = steps, warm_up

    def step_done(self, step):
        if step == 1:
            self.first = time.monotonic_ns()
        if step == self.warm_up:
            self.begin = time.monotonic_ns()
        if step == self.warm_up + self.steps:
            self.end = time.monotonic_ns()

    def print(self, loss, model):
        with torch.no_grad():
            checksum = sum(parameter.double().abs().sum().item() for parameter in model.parameters())
        with open("/proc/self/status", encoding="utf-8") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        started = int(os.environ.get("LOOP_STARTED_NS", "0"))
        print(json.dumps({"steps a second": self.steps / ((self.end - self.begin) * 1e-9),
                          "seconds to first step": (self.first - started) * 1e-9, "peak MiB": peak / 1024,
                          "loss": loss, "checksum": checksum}))


def input_name(name):
    return "input_ids" if name == "gpt" else "inputs"


def run_trainer(name, callbacks, accumulation, steps, warm_up):
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    model, inputs, labels, batch_size = make_workload(name)
    stopwatch = Stopwatch(steps, warm_up)

    class StopwatchCallback(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            stopwatch.step_done(state.global_step)

    class LightCallback(TrainerCallback):
        sum = 0

        def on_step_end(self, args, state, control, **kwargs):
            self.sum += state.global_step

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return len(inputs)

        def __getitem__(self, index):
            return {input_name(name): inputs[index], "labels": labels[index]}

    args = TrainingArguments(output_dir="unused", per_device_train_batch_size=batch_size, max_steps=warm_up + steps,
                             learning_rate=LEARNING_RATE, weight_decay=WEIGHT_DECAY, max_grad_norm=MAX_GRAD_NORM,
                             gradient_accumulation_steps=accumulation, disable_tqdm=True, logging_strategy="no",
                             save_strategy="no", report_to="none", seed=SEED, use_cpu=True)
    # One class a callback, as add_callback warns of a second one of the same.
    light = [type(f"Light{i}", (LightCallback,), {})() for i in range(callbacks)]
    trainer = Trainer(model, args, train_dataset=Rows(), callbacks=[StopwatchCallback(), *light])
    trainer.remove_callback(PrinterCallback)
    stopwatch.print(trainer.train().training_loss, model)


def run_by_hand(name, _callbacks, accumulation, steps, warm_up):
    model, inputs, labels, batch_size = make_workload(name)
    stopwatch = Stopwatch(steps, warm_up)
    parameters = list(model.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": WEIGHT_DECAY},
              {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, fused=True)
    last = warm_up + steps
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, (last - step) / last))
    loss_sum, step, epoch = 0.0, 0, 0
    model.train()
    while step < last:
        order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(SEED + epoch))
        epoch += 1
        batches = order.split(batch_size)
        for first in range(0, len(batches), accumulation):
            rows = batches[first:first + accumulation]
            counted = {}
            if name == "gpt":
                counted["num_items_in_batch"] = sum((labels[row] != -100).sum().item() for row in rows)
            for row in rows:
                batch = {input_name(name): inputs[row], "labels": labels[row], **counted}
                loss = model(**batch)["loss"]
                if len(rows) > 1 and name != "gpt":
                    loss = loss / len(rows)
                loss.backward()
                value = loss.item()
                loss_sum += value if math.isfinite(value) else loss_sum / (1 + step)
            torch.nn.utils.clip_grad_norm_(parameters, MAX_GRAD_NORM)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            stopwatch.step_done(step)
            if step == last:
                break
    stopwatch.print(loss_sum / last, model)


def main():
    torch.set_num_threads(1)
    numbers = map(int, sys.argv[3:7])
    {"trainer": run_trainer, "by_hand": run_by_hand}[sys.argv[1]](sys.argv[2], *numbers)


main()
