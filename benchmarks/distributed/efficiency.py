"""Weak scaling: two processes with a core and a batch each, beside one process on one core while the other core idles.

Efficiency is rows a second and process of two, by the slower one, over that of one. Processes that do not talk show how
much of it the machine takes: cores share memory, cache and power."""
import random

from benchmarks.distributed import launch

OURS = "Downbeat's Trainer"
BY_HAND = "DistributedDataParallel by hand"
THEIRS = "transformers.Trainer"
MACHINE = "two processes that do not talk"
WITHOUT_WALK = "ddp_find_unused_parameters=false"
LEAST = 0.85


def _sides(steps, margin):
    """{side: (one process, two processes)}, as functions that measure. Sides with the same first one share it."""
    words = {flag: (steps, margin, flag) for flag in ("true", "false")}

    def starts(launcher, command):
        return lambda: launcher(command)

    def two(command):
        return lambda: launch.under_torchrun(2, command)

    ours = {flag: launch.program("training", *words[flag]) for flag in words}
    by_hand = {flag: launch.reference("by_hand", *words[flag]) for flag in words}
    theirs = launch.reference("trainer", *words["true"])
    one_of_ours, one_by_hand = starts(launch.alone, ours["true"]), starts(launch.alone, by_hand["true"])
    return {
        OURS: (one_of_ours, two(ours["true"])),
        f"{OURS}, again": (starts(launch.alone, ours["true"]), two(ours["true"])),
        f"{OURS}, {WITHOUT_WALK}": (one_of_ours, two(ours["false"])),
        BY_HAND: (one_by_hand, two(by_hand["true"])),
        f"{BY_HAND}, {WITHOUT_WALK}": (one_by_hand, two(by_hand["false"])),
        THEIRS: (starts(launch.alone, theirs), two(theirs)),
        MACHINE: (one_of_ours, starts(launch.side_by_side, ours["true"])),
    }


def _check_that_the_work_is_the_same(sides, printed):
    """All that trained in as many processes must end with the same weights."""
    for place in (0, 1):
        talking = [runs[place] for side, runs in sides.items() if side != MACHINE]
        sums = [rank["checksum"] for run in talking for rank in printed[run]]
        if max(sums) / min(sums) - 1 > 1e-6:
            raise SystemExit(f"weights differ between sides or ranks: sums of {sorted(set(sums))}")


def _one_repetition(sides):
    runs = list(dict.fromkeys(run for pair in sides.values() for run in pair))
    printed = {run: run() for run in random.sample(runs, len(runs))}
    _check_that_the_work_is_the_same(sides, printed)
    slower = {run: min(rank["rows a second"] for rank in ranks) for run, ranks in printed.items()}
    return {side: {"efficiency": slower[two] / slower[one], "rows a second, one process": slower[one],
                   "rows a second, two processes": 2 * slower[two]}
            for side, (one, two) in sides.items()}


def measure(bench, steps=12, margin=4):
    sides = _sides(2, 1) if bench.smoke else _sides(steps, margin)
    if bench.smoke:
        sides[f"{OURS}, again"] = sides[OURS]
    case = bench.case_together("two processes beside one", lambda: _one_repetition(sides), base=OURS, unit="efficiency",
                               group="efficiency", higher_is_better=True)
    if not bench.smoke:
        _judge(bench, case["quantities"]["efficiency"])


def _judge(bench, efficiency):
    own = efficiency[OURS]
    low, high = own["interval"]
    bench.note(f"efficiency of {OURS} on two processes: {own['median']:.3f} ({low:.3f} … {high:.3f}), "
               f"{'at least' if own['median'] >= LEAST else 'BELOW'} {LEAST}; the machine allows "
               f"{efficiency[MACHINE]['median']:.3f}")
    for side in (BY_HAND, THEIRS):
        ratio = efficiency[side]["ratio"]
        low, high = ratio["interval"]
        bench.note(f"{side} has {ratio['median']:.3f} times the efficiency of {OURS} ({low:.3f} … {high:.3f})")
