"""shard_of() and kept_of_gathered() against accelerate's own BatchSamplerShard and its rule for the remainder."""

import itertools
import subprocess
import sys

from accelerate.data_loader import BatchSamplerShard
from torch.utils.data import BatchSampler, SequentialSampler

SIZES = range(0, 70)
BATCH_SIZES = (1, 2, 3, 5, 8, 16)
WORLD_SIZES = (1, 2, 3, 4, 7)


def batches_of(size, batch_size, drop_last, rank, world_size):
    batches = BatchSampler(SequentialSampler(range(size)), batch_size, drop_last)
    if world_size > 1:  # accelerate leaves the sampler of a process that is alone as it is
        batches = BatchSamplerShard(batches, num_processes=world_size, process_index=rank)
    return [list(batch) for batch in batches]


def kept_of_rounds(size, batch_size, drop_last, rounds, world_size):
    """gather_for_metrics cuts what it gathers at the end of a loader to the remainder, unless that is 0."""
    gathered = batch_size * world_size
    remainder = -1 if drop_last else size % gathered  # DataLoaderStateMixin.begin
    return [remainder if remainder > 0 and i + 1 == rounds else gathered for i in range(rounds)]


def expected(size, batch_size, drop_last, world_size):
    shards = [batches_of(size, batch_size, drop_last, rank, world_size) for rank in range(world_size)]
    kept = kept_of_rounds(size, batch_size, drop_last, len(shards[0]), world_size)
    examples = ";".join(",".join(str(i) for batch in shard for i in batch) for shard in shards)
    return examples + "/" + ",".join(map(str, kept))


def main(program):
    cases = list(itertools.product(SIZES, BATCH_SIZES, (False, True), WORLD_SIZES))
    asked = "".join(f"{size} {batch} {int(drop)} {world}\n" for size, batch, drop, world in cases)
    answers = subprocess.run([program], input=asked, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(answers) == len(cases), f"{len(answers)} answers to {len(cases)} cases"
    for case, answer in zip(cases, answers):
        assert answer == expected(*case), f"size, batch, drop_last, world = {case}:\n{answer}\n{expected(*case)}"
    print(f"{len(cases)} cases are equal")


main(sys.argv[1])
