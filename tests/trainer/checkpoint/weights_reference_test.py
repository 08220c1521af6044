#!/usr/bin/env python3
"""Weights that HuggingFace's libraries write are read, and written again byte for byte as they write them.

usage, with the Python of an environment that has torch, safetensors and huggingface_hub: weights_reference_test.py COPY_WEIGHTS
"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import load_file
from transformers.trainer_utils import load_sharded_checkpoint

TYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
         torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool, torch.complex64, torch.float8_e4m3fn,
         torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz, torch.float8_e8m0fnu]


def random_tensor(numbers):
    type = numbers.choice(TYPES)
    shape = [numbers.randrange(1, 6) for _ in range(numbers.randrange(0, 4))]
    data = torch.tensor([numbers.randrange(256) for _ in range(torch.Size(shape).numel() * type.itemsize)], dtype=torch.uint8)
    return (data % 2 == 1).view(shape) if type == torch.bool else data.view(type).view(shape)


def random_state_dict(numbers):
    """By name, which is the order of the C++ side."""
    names = ["layer.%d.%s" % (i, kind) for i in range(numbers.randrange(1, 12)) for kind in ("weight", "bias", "\u00e9")]
    return {name: random_tensor(numbers) for name in sorted(names)}


def files_of(directory):
    return {name: open(os.path.join(directory, name), "rb").read() for name in sorted(os.listdir(directory))}


def new_directory(scratch, name):
    directory = os.path.join(scratch, name)
    os.mkdir(directory)
    return directory


def check_same_files(copy, seed, scratch):
    numbers = random.Random(seed)
    tensors, size = random_state_dict(numbers), numbers.choice([16, 100, 400, 10**9])
    theirs, ours = new_directory(scratch, "theirs%d" % seed), new_directory(scratch, "ours%d" % seed)
    save_torch_state_dict(dict(tensors), theirs, max_shard_size=size)
    subprocess.run([copy, theirs, ours, str(size)], check=True)
    assert files_of(ours) == files_of(theirs), "seed %d: other files than huggingface_hub's" % seed
    return len(os.listdir(ours))


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(7, 3)
        self.middle = torch.nn.Linear(3, 3)
        self.again = torch.nn.Linear(3, 7, bias=False)
        self.again.weight = self.words.weight


def header_of(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + size]), data[8 + size:]


def check_tied(copy, size, scratch):
    """From pytorch_model.bin, where both names share their storage."""
    model = Tied()
    source = new_directory(scratch, "torch%d" % size)
    theirs, ours = new_directory(scratch, "tied_theirs%d" % size), new_directory(scratch, "tied_ours%d" % size)
    torch.save(model.state_dict(), os.path.join(source, "pytorch_model.bin"))
    save_torch_state_dict(dict(sorted(model.state_dict().items())), theirs, max_shard_size=size)
    subprocess.run([copy, source, ours, str(size)], check=True)
    assert sorted(os.listdir(ours)) == sorted(os.listdir(theirs))
    if os.path.exists(os.path.join(ours, "model.safetensors")):
        # The library writes several entries of metadata in any order.
        assert header_of(os.path.join(ours, "model.safetensors")) == header_of(os.path.join(theirs, "model.safetensors"))
        loaded = load_file(os.path.join(ours, "model.safetensors"))
        assert sorted(loaded) == ["again.weight", "middle.bias", "middle.weight"]
        return
    assert files_of(ours) == files_of(theirs)
    other = Tied()
    load_sharded_checkpoint(other, ours, strict=False)
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


def main():
    copy = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        counts = [check_same_files(copy, seed, scratch) for seed in range(40)]
        assert 1 in counts and max(counts) > 3, counts
        for size in (10**9, 50):
            check_tied(copy, size, scratch)
    print("%d directories are byte for byte those of huggingface_hub" % len(counts))


if __name__ == "__main__":
    main()
