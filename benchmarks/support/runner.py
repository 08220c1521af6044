"""How every benchmark measures; benchmarks/README.md says why.

    bench = Benchmark("dispatch", "What dispatching an event costs", smoke=options.smoke)
    bench.case("8 callbacks, heard", unit="ns", base="static tuple",
               sides={"static tuple": measure_tuple, "by hand": measure_by_hand})
    bench.finish()              # table, JSON, plot; exit code 1 where a case was too noisy

A side is a function without arguments that measures once and gives a number, or {quantity: number}. In each repetition
every side is measured once, in random order; the base is measured twice, and the second time is the A/A side, named
"BASE, again". A ratio is the median of the repetitions' ratios of a side to the base."""
import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time

from benchmarks.support import machine, plot
from benchmarks.support.plot import short

REPETITIONS = 9
SPREAD = 0.05  # how far the A/A ratio may be from 1 in its median, and twice as far in its interval


def interval(values):
    """Order statistics that hold the median with at least 95 % confidence; of fewer than six values their range."""
    ordered = sorted(values)
    n = len(ordered)
    outside, k = 0.0, 0
    while k < n // 2:
        outside += 2 * math.comb(n, k) / 2**n
        if outside > 0.05:
            break
        k += 1
    k = max(k, 1)
    return ordered[k - 1], ordered[n - k]


class Series:
    def __init__(self, values):
        self.values = values
        self.median = statistics.median(values)
        self.low, self.high = interval(values)

    def over(self, other):
        return Series([mine / theirs if theirs else math.nan for mine, theirs in zip(self.values, other.values)])

    def as_json(self):
        return {"median": self.median, "interval": [self.low, self.high], "values": self.values}


class Benchmark:
    def __init__(self, name, title, smoke=False, repetitions=REPETITIONS, directory=None):
        """`smoke`: each side once, nothing is written or rejected: that it runs is what is shown."""
        self.name, self.title, self.smoke = name, title, smoke
        self.repetitions = 1 if smoke else repetitions
        self.directory = directory or os.path.join(machine.ROOT, "benchmarks", "results")
        self.machine = machine.describe()
        self.cases, self.tables, self.notes, self.absent = [], [], [], []
        self.seconds = time.monotonic()

    def expect(self, seconds):
        if not self.smoke:
            print(f"{self.title}: about {seconds / 60:.1f} minutes", flush=True)

    def note(self, text):
        """A sentence below the tables."""
        self.notes.append(text)
        print(text, flush=True)

    def table(self, name, columns, rows):
        """What is computed from measurements: texts, below the cases."""
        self.tables.append({"table": name, "columns": columns, "rows": rows})
        print(f"{self.name}: {name}" if self.smoke else "\n" + plain_table_of(self.tables[-1]), flush=True)

    def missing(self, side, how_to_get_it):
        """A rival that is not here is named, not passed over."""
        self.absent.append(f"{side} was not measured: {how_to_get_it}")
        print(self.absent[-1], flush=True)

    def case(self, name, sides, base, unit, group="", higher_is_better=False, repetitions=None, spread=SPREAD):
        """Measures, again where the A/A ratio shows too much noise, at most three times."""
        functions = {base: sides[base], f"{base}, again": sides[base], **sides}

        def each_in_random_order():
            measured = {side: functions[side]() for side in random.sample(list(functions), len(functions))}
            return {side: measured[side] for side in functions}

        return self.case_together(name, each_in_random_order, base, unit, group, higher_is_better, repetitions, spread)

    def case_together(self, name, measure, base, unit, group="", higher_is_better=False, repetitions=None,
                      spread=SPREAD):
        """`measure()` is one repetition of all sides, {side: number or {quantity: number}} with the base, "BASE, again"
        and the others: for a program that interleaves its sides itself, as differences of a percent need."""
        for attempt in (1, 2, 3):
            measured = [measure() for _ in range(1 if self.smoke else repetitions or self.repetitions)]
            rounds = {side: [values[side] for values in measured] for side in measured[0]}
            case = self._judge(name, group, rounds, base, unit, higher_is_better, spread)
            case["attempts"] = attempt
            if self.smoke or not case["rejected"]:
                break
        self.cases.append(case)
        self._print(case)
        return case

    def _judge(self, name, group, rounds, base, unit, higher_is_better, spread):
        first = rounds[base][0]
        quantities = list(first) if isinstance(first, dict) else [unit]
        measured = {}
        for quantity in quantities:
            series = {side: Series([value[quantity] if isinstance(value, dict) else value for value in values])
                      for side, values in rounds.items()}
            measured[quantity] = {side: {**own.as_json(), "ratio": own.over(series[base]).as_json()}
                                  for side, own in series.items()}
        again = measured[quantities[0]][f"{base}, again"]["ratio"]
        low, high = again["interval"]
        is_noisy = abs(again["median"] - 1) > spread or low < 1 - 2 * spread or high > 1 + 2 * spread
        return {"case": name, "group": group, "base": base, "unit": unit, "higher_is_better": higher_is_better,
                "quantities": measured, "allowed_spread": spread, "rejected": is_noisy and not self.smoke}

    def _print(self, case):
        if self.smoke:
            print(f"{self.name}: {case['case']}: {len(case['quantities'][next(iter(case['quantities']))])} sides ran")
            return
        print("\n" + table_of(case), flush=True)

    def finish(self):
        if self.smoke:
            return
        os.makedirs(self.directory, exist_ok=True)
        path = os.path.join(self.directory, f"{self.name}.json")
        result = {"benchmark": self.name, "title": self.title, "machine": self.machine,
                  "seconds": round(time.monotonic() - self.seconds), "notes": self.notes, "absent": self.absent,
                  "tables": self.tables, "cases": self.cases}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
        plots = plot.write_all(result, self.directory)
        print(f"\n{', '.join(os.path.relpath(made, machine.ROOT) for made in [path, *plots])}")
        rejected = [case["case"] for case in self.cases if case["rejected"]]
        if rejected:
            print(f"REJECTED, as two measurements of one side differed too much: {'; '.join(rejected)}. Let the machine "
                  "come to rest and run it again.", file=sys.stderr)
            sys.exit(1)


def table_of(case):
    """A case as a Markdown table."""
    lines = [f"**{case['case']}**" + (" — REJECTED: too noisy" if case["rejected"] else ""), ""]
    for quantity, sides in case["quantities"].items():
        lines += [f"| {quantity} | median | interval | ratio to {case['base']} | interval |", "|---|---|---|---|---|"]
        for side, own in sides.items():
            ratio = own["ratio"]
            lines.append(f"| {side} | {short(own['median'])} | {short(own['interval'][0])} … {short(own['interval'][1])} "
                         f"| {ratio['median']:.3f} | {ratio['interval'][0]:.3f} … {ratio['interval'][1]:.3f} |")
        lines.append("")
    return "\n".join(lines)


def plain_table_of(table):
    lines = [table["columns"], ["---"] * len(table["columns"]), *table["rows"]]
    return "\n".join([f"**{table['table']}**", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def parser_of(description, smoke, repetitions=REPETITIONS):
    """The command line of a benchmark: --repetitions and --smoke, about which `smoke` says what is left."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help=smoke)
    parser.add_argument("--repetitions", type=int, default=repetitions)
    return parser


def output_of(command, **how):
    """What a side's program writes to standard output; `how` is for subprocess.run. Ends with what it said if it fails."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)}: {ran.stderr.strip()}")
    return ran.stdout


def pinned(core=None):
    """For subprocess: preexec_fn that keeps a process on one core, the last one unless told."""
    allowed = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {allowed[-1] if core is None else core})
