#!/usr/bin/env python3
"""Writes reference/*, files of torch.save, which the tests of this folder read.

  pip install torch==2.13.0 transformers==5.23.0 numpy==2.4.6
  python tests/trainer/torch_file/make_reference_files.py

Tensors hold small fractions, which C++ makes again to compare.
"""

import os
import random

import numpy as np
import torch
from transformers import get_linear_schedule_with_warmup

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference")
TYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool, torch.complex64, torch.complex128,
]


def save(name, value, **how):
    torch.save(value, os.path.join(HERE, name), **how)


def fractions(size, seed=0):
    """The same as fractions() in tests/trainer/support/tensors.h."""
    return torch.tensor([((i * 37 + seed * 11) % 41 - 20) / 8 for i in range(size)], dtype=torch.float32)


def parameters():
    weight, bias = torch.nn.Parameter(fractions(6).view(3, 2)), torch.nn.Parameter(fractions(3, 1))
    for parameter in (weight, bias):
        parameter.grad = torch.ones_like(parameter)
    return weight, bias


def stepped(optimizer):
    """The state after a step, its tensors of more than one number replaced by fractions of their own seeds."""
    optimizer.step()
    state = optimizer.state_dict()
    seed = 2
    for of_parameter in state["state"].values():
        for tensor in of_parameter.values():
            if tensor.numel() > 1:
                tensor.copy_(fractions(tensor.numel(), seed).view(tensor.shape))
                seed += 1
    return state


def optimizers():
    weight, bias = parameters()
    groups = [{"params": [weight], "weight_decay": 0.01}, {"params": [bias], "weight_decay": 0.0}]
    save("adamw.pt", stepped(torch.optim.AdamW(groups, lr=5e-5, betas=(0.9, 0.999))))
    save("sgd_momentum.pt", stepped(torch.optim.SGD(parameters(), lr=0.1, momentum=0.9)))


def schedule():
    optimizer = torch.optim.SGD(parameters(), lr=0.5)
    scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=4)
    optimizer.step()
    scheduler.step()
    save("lambda_lr.pt", scheduler.state_dict())


def random_state():
    """As Trainer._save_rng_state of transformers 5.23 writes it; Python's words are those of numpy."""
    np.random.seed(7)
    torch.manual_seed(7)
    random.setstate((3, (*np.random.get_state()[1].tolist(), 624), None))
    states = {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.random.get_rng_state()}
    save("rng_state.pth", states)


def views():
    base = fractions(24).view(4, 6)
    save("views.pt", {
        "base": base,
        "row": base[1],
        "transposed": base.t(),
        "columns": base[:, 1::2],
        "element": base[2, 3],
        "nothing": base[4:],
        "parameter": torch.nn.Parameter(base[:2]),
        "scalar": torch.tensor(0.5),
        "empty": torch.zeros(0, 4),
        "flat_empty": torch.zeros(0),
    })


def types():
    save("types.pt", {str(dtype): (fractions(5, seed) * 8).abs().to(dtype) for seed, dtype in enumerate(TYPES)})


def values():
    value = {
        "none": None,
        "yes": True,
        "no": False,
        "ints": [0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**63 - 1, -(2**63)],
        "floats": (0.1, -0.0, 1e308, 5e-324, float("inf"), float("-inf"), float("nan")),
        "texts": ["", "ascii", "zwölf Öfen \U0001f525", "x" * 300, "a\0b\n"],
        "bytes": b"\x00\xff bytes",
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, (2, (3, (4,))))),
        "lists": [[], [[]], [[1], [2, [3]]]],
        "shared": [shared := ["once"], shared],
        3: "an int key",
        (1, 2): "a tuple key",
    }
    save("values.pt", value)
    save("values_protocol_4.pt", value, pickle_protocol=4)


os.makedirs(HERE, exist_ok=True)
optimizers()
schedule()
random_state()
views()
types()
values()
