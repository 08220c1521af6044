"""What ddp_twin.cc does, with Python's DistributedDataParallel."""

import contextlib
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

STEPS, BATCH = 4, 8
CASES = [(1, False, None), (3, False, None), (2, False, 1), (1, True, None), (2, True, None)]
# 15 parameters more each: where Gloo cuts a bucket differs, and once a number more would move the cut.
CASES += [(1, find_unused, None, 4, width) for find_unused in (False, True) for width in range(1, 9)]


class Net(nn.Module):
    def __init__(self, has_spare, first, second):
        super().__init__()
        self.fc1 = nn.Linear(16, first)
        self.norm = nn.BatchNorm1d(first)
        self.fc2 = nn.Linear(first, second)
        self.fc3 = nn.Linear(second, 10)
        self.odd = nn.Linear(16, 10)
        if has_spare:
            self.spare = nn.Linear(3, 3)

    def forward(self, x, uses_odd):
        out = self.fc3(torch.relu(self.fc2(torch.relu(self.norm(self.fc1(x))))))
        return out + self.odd(x) if uses_odd else out


def write(out, tensor):
    out.write(b"0" if tensor is None else b"1")
    if tensor is not None:
        out.write(tensor.detach().numpy().tobytes())


def train(out, substeps, find_unused_parameters, bucket_cap_mb, first_width=512, second_width=700):
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(substeps)
    net = Net(find_unused_parameters, first_width, second_width)
    batches = STEPS * substeps * world
    x = torch.randn(batches * BATCH, 16)
    y = torch.randint(10, (batches * BATCH,))
    if rank > 0:
        for parameter in net.parameters():
            parameter.detach().fill_(rank)
    model = DistributedDataParallel(net, find_unused_parameters=find_unused_parameters, bucket_cap_mb=bucket_cap_mb)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.01, fused=True)
    uses_odd = not find_unused_parameters or rank % 2 == 1
    for step in range(STEPS):
        for substep in range(substeps):
            first = ((step * substeps + substep) * world + rank) * BATCH
            with contextlib.nullcontext() if substep + 1 == substeps else model.no_sync():
                logits = model(x[first : first + BATCH], uses_odd)
                loss = nn.functional.cross_entropy(logits, y[first : first + BATCH])
                (loss / substeps).backward()
        for parameter in net.parameters():
            write(out, parameter.grad)
        optimizer.step()
        optimizer.zero_grad()
    for tensor in [*net.parameters(), *net.buffers()]:
        write(out, tensor)


def main():
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    with open(f"{sys.argv[1]}.{dist.get_rank()}", "wb") as out:
        for case in CASES:
            train(out, *case)
    dist.barrier()
    dist.destroy_process_group()


main()
