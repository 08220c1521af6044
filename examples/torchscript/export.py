"""Makes model.pt: a multi-layer perceptron for the digits, exported from Python with torch.jit.

    python examples/torchscript/export.py examples/torchscript/model.pt

Made by torch 2.13. A plain `torch.jit.script(Digits()).save("model.pt")` trains as well; what is written here leaves
out the source lines for Python's tracebacks, because they name the folders of the machine that exported it.
"""

import io
import sys
import zipfile

import torch
from torch import nn


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Buffer(torch.full((64,), 0.3))
        self.layers = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.layers(pixels - self.mean)


def save_without_source_lines(module: torch.jit.ScriptModule, path: str) -> None:
    with zipfile.ZipFile(io.BytesIO(module.save_to_buffer())) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            if not name.endswith(".debug_pkl"):
                target.writestr(zipfile.ZipInfo(name), source.read(name))


if __name__ == "__main__":
    torch.manual_seed(42)
    save_without_source_lines(torch.jit.script(Digits()), sys.argv[1])
