"""What save_torch_file writes is read by torch.load(weights_only=True), bit for bit: python_reads_test.py WRITE_FILES."""

import os
import struct
import subprocess
import sys
import tempfile

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = os.path.join(HERE, "reference")


def fractions(size, seed=0):
    """The same as fractions() in tests/trainer/support/tensors.h."""
    return torch.tensor([((i * 37 + seed * 11) % 41 - 20) / 8 for i in range(size)], dtype=torch.float32)


def bits(value):
    """Types and every bit of a value, to compare."""
    if isinstance(value, torch.Tensor):
        data = value.detach().resolve_conj().resolve_neg().contiguous().flatten().view(torch.uint8)
        return "tensor", str(value.dtype), tuple(value.shape), bytes(data.tolist())
    if isinstance(value, dict):
        return "dict", [(bits(key), bits(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [bits(item) for item in value]
    if isinstance(value, float):
        return "float", struct.pack("<d", value)
    return type(value).__name__, value


def check(name, path, expected):
    found = torch.load(path, weights_only=True)
    if bits(found) != bits(expected):
        sys.exit(f"FAILED: {name}: {found} instead of {expected}")
    print(f"{name}: the same")


def main():
    complexes = torch.complex(fractions(4), fractions(4, 1))
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([sys.argv[1], REFERENCE, out], check=True)
        names = sorted(os.listdir(REFERENCE))
        for name in names:
            expected = torch.load(os.path.join(REFERENCE, name), weights_only=False)
            for unwritten in ("bytes", "numpy"):
                expected.pop(unwritten, None)
            check(name, os.path.join(out, name), expected)
        check("tensors.pt", os.path.join(out, "tensors.pt"), {
            "transposed": fractions(6).view(2, 3).t(),
            "expanded": fractions(1).expand(3),
            "sliced": fractions(6)[1::2],
            "conjugate": complexes.conj(),
            "negative": complexes.conj().imag,
            "scalar": torch.tensor(2.0),
            "empty": torch.zeros(0, 3),
            "parameter": fractions(3),
        })
        assert len(names) == 8, names


main()
