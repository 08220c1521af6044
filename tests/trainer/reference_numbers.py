#!/usr/bin/env python3
"""Writes the numbers and files that tests/trainer compares with, computed by Python's own libraries.

  pip install torch==2.13.0 transformers==5.23.0 numpy==2.4.6 safetensors==0.8.0
  python tests/trainer/reference_numbers.py        # overwrites tests/trainer/**/*.inc and *_types.safetensors

The numbers were made on x86-64 with one thread. Inputs are small fractions that float32 holds exactly, so that both
languages begin with the same bits.
"""

import os

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import get_linear_schedule_with_warmup
from transformers.trainer_pt_utils import LabelSmoother, get_length_grouped_indices

HERE = os.path.dirname(os.path.abspath(__file__))
ORIGIN = "// Written by tests/trainer/reference_numbers.py.\n"


def write(name, text):
    with open(os.path.join(HERE, name), "w") as file:
        file.write(ORIGIN + text)


def hexed(values):
    """C++ literals that keep every bit."""
    literals = []
    for value in values:
        mantissa, exponent = float(value).hex().split("p")
        literals.append(f"{mantissa}p{exponent}")
    return ", ".join(literals)


def fractions(size, seed=0):
    """The same as fractions() in tests/trainer/support.h."""
    return torch.tensor([((i * 37 + seed * 11) % 41 - 20) / 8 for i in range(size)], dtype=torch.float32)


def sampler_orders():
    """What accelerate's SeedableRandomSampler gives: a generator of its own for each epoch."""
    lines = []
    for seed, epoch, size in [(42, 0, 10), (42, 1, 10), (42, 2, 10), (7, 0, 10), (42, 0, 33), (2**32 - 1, 3, 10)]:
        order = torch.randperm(size, generator=torch.Generator().manual_seed(seed + epoch)).tolist()
        lines.append(f"{{{seed}, {epoch}, {{{', '.join(map(str, order))}}}}},\n")
    write("data/sampler_orders.inc", "// {base seed, epoch, order}\n" + "".join(lines))


def length_orders():
    """transformers' get_length_grouped_indices, with the lengths 2 + i * 7 % 13."""
    lines = []
    for seed, size, group in [(0, 1, 4), (1, 5, 8), (2, 33, 4), (3, 100, 3), (4, 420, 2)]:
        lengths = [2 + i * 7 % 13 for i in range(size)]
        order = get_length_grouped_indices(lengths, group, generator=torch.Generator().manual_seed(seed))
        lines.append(f"{{{seed}, {group}, {{{', '.join(map(str, order))}}}}},\n")
    write("data/length_orders.inc", "// {seed, group size, order}\n" + "".join(lines))


def numpy_means():
    """One number for all sizes up to 2000: FNV-1a over the bits of each mean; and a few means to look at."""
    digest = 0xCBF29CE484222325
    shown = []
    for size in range(1, 2001):
        values = np.array([((i * 7919 + size) % 1009) / 97 for i in range(size)], dtype=np.float32)
        mean = values.mean()
        for byte in mean.tobytes():
            digest = ((digest ^ byte) * 0x100000001B3) % 2**64
        if size in (1, 7, 8, 9, 127, 128, 129, 360, 1000, 2000):
            shown.append(f"inline constexpr SizeAndMean kMean{size} = {{{size}, {hexed([mean])}}};\n")
    names = ", ".join(line.split()[3] for line in shown)
    write(
        "evaluation/numpy_means.inc",
        "".join(shown)
        + f"inline constexpr SizeAndMean kMeans[] = {{{names}}};\n"
        + f"inline constexpr unsigned long long kDigestOfMeans = {digest:#x};\n",
    )


def rounded():
    values = [0.00005, 0.00015, 0.00025, 1.00005, 2.00015, 0.03125, 0.09375, 12.34565, 1e-9, 86399.99995, 1234567.89125]
    values += [1.115, 2.675, 1.0005, 2.0015, 5.0075, 0.0625, 0.1875, 0.3125, 4.3505, 1e15 + 0.0005, 123456.7895, 1e22]
    lines = [f"{{{hexed([v])}, {hexed([round(v, 4)])}, {hexed([round(v, 3)])}}},\n" for v in values]
    write("evaluation/python_rounded.inc", "// {value, round(value, 4), round(value, 3)}\n" + "".join(lines))


def label_smoothing():
    smoother = LabelSmoother(epsilon=0.1)
    flat, labels = fractions(12).view(4, 3), torch.tensor([0, 2, 1, 2])
    ignored = torch.tensor([0, -100, 1, -100])
    sequences, tokens = fractions(30, 1).view(2, 3, 5), torch.tensor([[1, -100, 4], [0, 2, -100]])
    values = {
        "kCrossEntropy": torch.nn.functional.cross_entropy(flat, labels),
        "kCrossEntropyIgnoring": torch.nn.functional.cross_entropy(flat, ignored),
        "kSmoothed": smoother({"logits": flat}, labels),
        "kSmoothedIgnoring": smoother({"logits": flat}, ignored),
        "kSmoothedSequences": smoother({"logits": sequences}, tokens),
        "kHalfSmoothed": LabelSmoother(epsilon=0.5)({"logits": flat}, labels),
    }
    text = "".join(f"inline constexpr float {name} = {hexed([value])}F;\n" for name, value in values.items())
    write("loss/losses.inc", text)


def adamw():
    """Two groups, five steps of a linear schedule with warm-up; the second parameter has its first gradient late."""
    first, late, bias = (torch.nn.Parameter(fractions(n, n)) for n in (9, 4, 3))
    groups = [{"params": [first, late], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.05, betas=(0.8, 0.95), eps=1e-6, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=2, num_training_steps=5)
    rates = []
    for step in range(5):
        first.grad, bias.grad = fractions(9, step + 20), fractions(3, step + 30)
        late.grad = fractions(4, step + 40) if step >= 2 else None
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    text = "".join(
        f"inline constexpr float {name}[] = {{{hexed(value.detach())}}};\n"
        for name, value in {"kFirst": first, "kLate": late, "kBias": bias}.items()
    )
    text += f"inline constexpr double kLearningRates[] = {{{hexed(rates)}}};\n"
    write("optim/adamw.inc", text)


def linear_schedule():
    lines = []
    for warmup, steps in [(0, 7), (3, 7), (7, 7), (9, 7), (0, 1)]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.003)
        schedule = get_linear_schedule_with_warmup(optimizer, warmup, steps)
        rates = []
        for _ in range(steps + 2):
            rates.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        lines.append(f"{{{warmup}, {steps}, {{{hexed(rates)}}}}},\n")
    write("optim/linear_schedules.inc", "// {warm-up steps, max_steps, learning rate of each step}\n" + "".join(lines))


def clipping():
    gradients = [fractions(9, 1), fractions(4, 2).view(2, 2), fractions(1, 3)]
    parameters = []
    for gradient in gradients:
        parameters.append(torch.nn.Parameter(torch.zeros_like(gradient)))
        parameters[-1].grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    clipped = torch.cat([p.grad.flatten() for p in parameters])
    text = f"inline constexpr float kNorm = {hexed([norm])}F;\n"
    write("optim/clipping.inc", text + f"inline constexpr float kClipped[] = {{{hexed(clipped)}}};\n")


def safetensors_file():
    types = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
    tensors = {f"of_{name}": (fractions(3, i) * 8).abs().to(getattr(torch, name)) for i, name in enumerate(types)}
    tensors["another_float32"] = fractions(6).view(2, 3)
    tensors["scalar"] = torch.tensor(0.5)
    tensors["empty"] = torch.zeros(0, 4)
    save_file(tensors, os.path.join(HERE, "checkpoint/several_types.safetensors"), metadata={"format": "pt"})


def all_types_file():
    """Every type that the format and PyTorch share; names are those of C++."""
    names = {
        "Byte": "uint8", "Char": "int8", "Short": "int16", "Int": "int32", "Long": "int64", "Half": "float16", "Float": "float32",
        "Double": "float64", "Bool": "bool", "BFloat16": "bfloat16", "UInt16": "uint16", "UInt32": "uint32", "UInt64": "uint64",
        "ComplexFloat": "complex64", "Float8_e5m2": "float8_e5m2", "Float8_e4m3fn": "float8_e4m3fn",
        "Float8_e5m2fnuz": "float8_e5m2fnuz", "Float8_e4m3fnuz": "float8_e4m3fnuz", "Float8_e8m0fnu": "float8_e8m0fnu",
        "Float4_e2m1fn_x2": "float4_e2m1fn_x2",
    }
    rows = torch.arange(32, dtype=torch.uint8).view(2, 16)
    tensors = {name: rows.clone().view(getattr(torch, type)) for name, type in names.items() if name != "Bool"}
    tensors["Bool"] = rows % 2 == 1
    tensors['with " and \\ and \x01\x7f\n and \u00e9\U0001f600'] = torch.ones(3)
    save_file(tensors, os.path.join(HERE, "checkpoint/all_types.safetensors"), metadata={"format": "pt"})


if __name__ == "__main__":
    torch.set_num_threads(1)
    for folder in ("data", "evaluation", "loss", "optim", "checkpoint"):
        os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    for make in (
        sampler_orders, length_orders, numpy_means, rounded, label_smoothing, adamw, linear_schedule, clipping,
        safetensors_file, all_types_file,
    ):
        make()
