"""One process of the data benchmark with torch.utils.data.DataLoader; what it measures is that of one_pass.cc.

one_pass.py get|get_batch WORKERS PASSES"""
import json
import sys
import time

import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

ROWS, PIXELS, CLASSES, BATCH = 1437, 64, 10, 32


class Batches(Dataset):
    """One that is asked for all examples of a batch at once, as __getitems__ allows."""

    def __init__(self, inputs, labels):
        self.inputs, self.labels = inputs, labels

    def __len__(self):
        return len(self.inputs)

    def __getitems__(self, indices):
        rows = torch.tensor(indices)
        return self.inputs[rows], self.labels[rows]


def as_it_is(batch):
    return batch


def main():
    kind, workers, passes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    torch.manual_seed(42)
    inputs, labels = torch.rand(ROWS, PIXELS), torch.randint(CLASSES, (ROWS,))
    is_of_batches = kind == "get_batch"
    data = Batches(inputs, labels) if is_of_batches else TensorDataset(inputs, labels)
    # Workers that live as long as the loader, as those of the other sides do.
    loader = DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=workers,
                        collate_fn=as_it_is if is_of_batches else None, persistent_workers=workers > 0)
    batches = seen = 0
    for number in range(passes + 1):
        if number == 1:
            start, batches, seen = time.monotonic(), 0, 0
        for _, of_batch in loader:
            batches += 1
            seen += len(of_batch)
    if seen != passes * ROWS:
        sys.exit("the loader left out examples")
    print(json.dumps({"batches a second": batches / (time.monotonic() - start)}))


main()
