"""What a sum over all ranks costs by its size, and a model of it: a ring sends each number twice, less what stays,

    t = 2 (n - 1) * latency + 2 (n - 1) / n * bytes / bandwidth

Latency and bandwidth are fitted to what two ranks take and predict what four take. More ranks than cores share them:
copying and summing, which is what a loopback costs, then takes as many times as long."""
import random

from benchmarks.distributed import launch
from benchmarks.support.plot import short

SIZES = {"40 MB": 40_000_000, "10 MB": 10_000_000, "1 MB": 1_000_000, "100 kB": 100_000, "10 kB": 10_000}
TWO, FOUR = "2 ranks", "4 ranks"
SIDES = {TWO: 2, f"{TWO}, again": 2, FOUR: 4}


def _measure_ranks(ranks, seconds):
    command = launch.program("all_reduce", seconds, *SIZES.values())
    (printed,) = launch.under_torchrun(ranks, command)
    return {f"µs, {size}": printed[str(count)] for size, count in SIZES.items()}


def _alone(seconds):
    """{bytes: µs} of a process that has nobody to talk to."""
    (printed,) = launch.alone(launch.program("all_reduce", seconds, *SIZES.values()))
    return {count: printed[str(count)] for count in SIZES.values()}


def _one_repetition(seconds):
    measured = {side: _measure_ranks(SIDES[side], seconds) for side in random.sample(list(SIDES), len(SIDES))}
    return {side: measured[side] for side in SIDES}


def parts(ranks):
    """What latency (µs) and the time of a byte (µs) are multiplied by, the latter for each byte."""
    return 2 * (ranks - 1), 2 * (ranks - 1) / ranks


def fit(times, ranks=2):
    """(latency in µs, µs a byte) with the least squares of relative errors; `times`: {bytes: µs}."""
    of_latency, of_bytes = parts(ranks)
    rows = [(of_latency / time, of_bytes * count / time) for count, time in times.items()]  # each should give 1
    aa, ab, bb = (sum(row[i] * row[j] for row in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    a, b = (sum(row[i] for row in rows) for i in (0, 1))
    determinant = aa * bb - ab * ab
    return (a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant


def predict(latency, byte_time, ranks, count):
    of_latency, of_bytes = parts(ranks)
    return of_latency * latency + of_bytes * count * byte_time


def measure(bench, seconds=0.3):
    seconds = 0.01 if bench.smoke else seconds
    case = bench.case_together("a sum over all ranks", lambda: _one_repetition(seconds), base=TWO, unit="µs",
                               group="communication", spread=0.1)
    times = {ranks: {count: case["quantities"][f"µs, {size}"][ranks]["median"] for size, count in SIZES.items()}
             for ranks in (TWO, FOUR)}
    _show_model(bench, {"1 rank": _alone(seconds), **times})


def _show_model(bench, times):
    latency, byte_time = fit(times[TWO])
    shared = max(1, 4 / len(launch.CORES))
    rows = []
    for size, count in SIZES.items():
        of_two, of_four = (predict(latency, byte_time, ranks, count) for ranks in (2, 4))
        rows.append([size, *map(short, (times["1 rank"][count], times[TWO][count], of_two, times[FOUR][count], of_four,
                                        shared * of_four))])
    bench.table(f"Cost model, µs: latency {short(latency)} µs, bandwidth {short(1e-3 / byte_time)} GB/s", [
        "", "1 rank", "2 ranks, measured", "fitted", "4 ranks, measured", "predicted, a core each",
        f"predicted, {len(launch.CORES)} cores for 4"], rows)
