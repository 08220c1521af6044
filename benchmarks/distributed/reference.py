"""One rank of the same training in Python, or a process that trains alone: DistributedDataParallel by hand, or
transformers.Trainer. What it takes and prints is that of training.cc.

reference.py by_hand|trainer STEPS MARGIN FIND_UNUSED_PARAMETERS"""
import json
import os
import sys
import time

import torch
from torch import distributed, nn
from torch.nn import functional

SEED, LEARNING_RATE, WEIGHT_DECAY, MAX_GRAD_NORM = 42, 1e-3, 0.01, 1.0
INPUTS, WIDTH, HIDDEN_LAYERS, CLASSES = 64, 512, 3, 10
BATCH_SIZE = 2048
ROWS = 32 * BATCH_SIZE
RANK, RANKS = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(INPUTS, WIDTH)
        self.hidden = nn.ModuleList([nn.Linear(WIDTH, WIDTH) for _ in range(HIDDEN_LAYERS)])
        self.last = nn.Linear(WIDTH, CLASSES)

    def forward(self, inputs, labels):
        x = torch.relu(self.first(inputs))
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return {"loss": functional.cross_entropy(self.last(x), labels)}


def make_workload():
    torch.manual_seed(SEED)
    return Network(), torch.rand(ROWS, INPUTS), torch.randint(CLASSES, (ROWS,))


class Stopwatch:
    def __init__(self, steps, margin):
        self.steps, self.margin = steps, margin

    def step_done(self, step):
        if step == self.margin:
            self.begin = time.monotonic()
        if step == self.margin + self.steps:
            self.end = time.monotonic()

    def print(self, network):
        with torch.no_grad():
            checksum = sum(parameter.double().abs().sum().item() for parameter in network.parameters())
        line = json.dumps({"rank": RANK, "rows a second": self.steps * BATCH_SIZE / (self.end - self.begin),
                           "checksum": checksum})
        sys.stdout.write(line + "\n")  # at once, as ranks share the output


def own_batches():
    """The indices of this rank's rows: of shuffled batches every RANKS-th, as accelerate deals them out."""
    epoch = 0
    while True:
        order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(SEED + epoch))
        yield from order.split(BATCH_SIZE)[RANK::RANKS]
        epoch += 1


def run_by_hand(steps, margin, find_unused_parameters):
    network, inputs, labels = make_workload()
    model = network
    if RANKS > 1:
        distributed.init_process_group("gloo")
        model = nn.parallel.DistributedDataParallel(network, find_unused_parameters=find_unused_parameters)
    parameters = list(network.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": WEIGHT_DECAY},
              {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, fused=True)
    last = steps + 2 * margin
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, (last - step) / last))
    stopwatch = Stopwatch(steps, margin)
    loss_sum = 0.0
    model.train()
    for step, rows in zip(range(1, last + 1), own_batches()):
        loss = model(inputs[rows], labels[rows])["loss"]
        loss.backward()
        loss_sum += loss.item()
        torch.nn.utils.clip_grad_norm_(parameters, MAX_GRAD_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        stopwatch.step_done(step)
    stopwatch.print(network)


def run_trainer(steps, margin, find_unused_parameters):
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    network, inputs, labels = make_workload()
    stopwatch = Stopwatch(steps, margin)

    class StopwatchCallback(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            stopwatch.step_done(state.global_step)

    class Rows(torch.utils.data.Dataset):
        """Gives whole batches, which needs no collating of 2048 single rows: those of by_hand."""

        def __len__(self):
            return ROWS

        def __getitems__(self, indices):
            rows = torch.tensor(indices)
            return {"inputs": inputs[rows], "labels": labels[rows]}

    args = TrainingArguments(output_dir="unused", per_device_train_batch_size=BATCH_SIZE, max_steps=steps + 2 * margin,
                             learning_rate=LEARNING_RATE, weight_decay=WEIGHT_DECAY, max_grad_norm=MAX_GRAD_NORM,
                             disable_tqdm=True, logging_strategy="no", save_strategy="no", report_to="none", seed=SEED,
                             use_cpu=True, remove_unused_columns=False,
                             ddp_backend="gloo" if RANKS > 1 else None,
                             ddp_find_unused_parameters=find_unused_parameters)
    trainer = Trainer(network, args, train_dataset=Rows(), data_collator=lambda batch: batch,
                      callbacks=[StopwatchCallback()])
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    stopwatch.print(network)


def leave():
    """Whoever leaves first would break the others' connections, and the end of a process group now and then aborts."""
    sys.stdout.flush()
    if RANKS > 1:
        store = distributed.distributed_c10d._get_default_store()
        store.set(f"bye_{RANK}", "")
        store.wait([f"bye_{rank}" for rank in range(RANKS)])
        os._exit(0)


def main():
    torch.set_num_threads(1)
    run = {"trainer": run_trainer, "by_hand": run_by_hand}[sys.argv[1]]
    run(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "true")
    leave()


main()
