#!/usr/bin/env python3
"""What a training step's callbacks cost: every rival against the code by hand.

All cases run interleaved in one process, in random order, many short times; the table shows ratios of medians of CPU
time. "A/A" is the code by hand against itself under another name: what is not further from 1 than that is noise. Times
of one to two nanoseconds (no callback, or none that hears) are the loop's own; there tests/codegen compares
instructions.

    bazel run //benchmarks/dispatch:table
    benchmarks/dispatch/table.py PROGRAM [REPETITIONS]       (200)
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict

program = sys.argv[1] if len(sys.argv) > 1 else "benchmarks/dispatch/dispatch"
repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 200

with tempfile.NamedTemporaryFile(suffix=".json") as out:
    subprocess.run(
        [
            program,
            "--benchmark_enable_random_interleaving=true",
            f"--benchmark_repetitions={repetitions}",
            "--benchmark_min_time=0.001",
            f"--benchmark_out={out.name}",
            "--benchmark_out_format=json",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    results = json.load(open(out.name))["benchmarks"]

times = defaultdict(list)
for result in results:
    if result.get("error_occurred"):
        sys.exit(f"{result['name']}: {result['error_message']}")
    if result["run_type"] == "iteration":
        rival, kind, count = result["run_name"].split("/")[1:]
        times[rival, kind, int(count)].append(result["cpu_time"])
median = {case: statistics.median(values) for case, values in times.items()}

for kind in ("heard", "unheard"):
    print(f"\nOne step, four events, {'one' if kind == 'heard' else 'none'} of them heard by each callback\n")
    print("| callbacks | by hand, ns | A/A | static tuple | virtual list | std::function |")
    print("|---|---|---|---|---|---|")
    for count in sorted({count for _, _, count in median}):
        by_hand = median["by_hand", kind, count]
        rivals = ("by_hand_again", "static_tuple", "virtual_list", "std_function")
        ratios = [f"{median[rival, kind, count] / by_hand:.3f}" for rival in rivals]
        print(f"| {count} | {by_hand:.2f} | " + " | ".join(ratios) + " |")
