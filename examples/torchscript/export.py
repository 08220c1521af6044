"""Makes model.pt: a multi-layer perceptron for the digits, exported from Python with torch.jit.

    python examples/torchscript/export.py examples/torchscript/model.pt
"""

import sys

import torch
from torch import nn


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Buffer(torch.full((64,), 0.3))
        self.layers = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.layers(pixels - self.mean)


if __name__ == "__main__":
    torch.manual_seed(42)
    torch.jit.script(Digits()).save(sys.argv[1])
