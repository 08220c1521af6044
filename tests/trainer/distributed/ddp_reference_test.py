"""GradientReducer against Python's DistributedDataParallel, both under torchrun: every gradient of every step, the final
weights and the buffers of every rank, bit for bit, with 2, 3 and 4 processes, a signal riding along."""

import os
import sys
import tempfile

from torchrun import checked


def content(path):
    with open(path, "rb") as file:
        return file.read()


def main(program):
    twin = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ddp_twin.py")
    for processes in (2, 3, 4):
        with tempfile.TemporaryDirectory() as directory:
            cpp, python = os.path.join(directory, "cpp"), os.path.join(directory, "python")
            checked(processes, [program, cpp])
            checked(processes, [sys.executable, twin, python])
            for rank in range(processes):
                ours, theirs = content(f"{cpp}.{rank}"), content(f"{python}.{rank}")
                assert len(ours) == len(theirs), f"rank {rank} of {processes}: {len(ours)} bytes, not {len(theirs)}"
                differing = next((i for i, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), None)
                assert differing is None, f"rank {rank} of {processes}: byte {differing} of {len(ours)} differs"
            print(f"{processes} processes: {len(ours)} bytes a rank are equal")


main(sys.argv[1])
