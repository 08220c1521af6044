"""Runs every benchmark and writes benchmarks/results/: a JSON file each, their plots, and report.md with all tables.

    bazel run -c opt //benchmarks:report
    bazel run -c opt //benchmarks:report -- --only dispatch loop     # the others stay as they are in results/
    bazel run -c opt //benchmarks:report -- --tables                 # measures nothing: report.md from what is there"""
import argparse
import glob
import json
import os
import subprocess
import sys

from benchmarks.support import machine, runner

SCRIPTS = {
    "dispatch": "benchmarks/dispatch/dispatch.py",
    "loop": "benchmarks/loop/loop.py",
    "data": "benchmarks/data/data.py",
    "distributed": "benchmarks/distributed/distributed.py",
    "logging": "benchmarks/logging/logging_cost.py",
    "checkpoint": "benchmarks/checkpoint/checkpoint.py",
    "compile": "benchmarks/compile/compile.py",
}
RESULTS = os.path.join(machine.ROOT, "benchmarks", "results")


def chapter(result):
    """A benchmark's part of report.md."""
    lines = [f"## {result['title']}", "", f"`bazelw run -c opt //benchmarks/{result['benchmark']}`, {result['seconds']} s", ""]
    plots = sorted(glob.glob(os.path.join(RESULTS, f"{result['benchmark']}*.svg")))
    lines += [f"![{os.path.basename(plot)}]({os.path.basename(plot)})" for plot in plots] + [""]
    group = None
    for case in result["cases"]:
        if case["group"] and case["group"] != group:
            group = case["group"]
            lines += [f"### {group}", ""]
        lines += [runner.table_of(case)]
    lines += [runner.plain_table_of(table) for table in result.get("tables", [])]
    lines += [f"- {text}" for text in result["notes"] + result["absent"]]
    return "\n".join(lines)


def of_machine(described):
    versions = ", ".join(f"{name} {version}" for name, version in described["python"].items())
    return (f"{described['processor']}, {described['cores']} cores, {described['memory_gib']} GiB; {described['compiler']}; "
            f"LibTorch {described['libtorch']}; Python: {versions or 'nothing'}; commit {described['commit']}.")


def write_report():
    results = []
    for name in SCRIPTS:
        path = os.path.join(RESULTS, f"{name}.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                results.append(json.load(file))
    machines = list(dict.fromkeys(of_machine(result["machine"]) for result in results))
    text = "# Benchmark results\n\n" + "\n\n".join(machines) + (
        "\n\nHow it was measured, and what the columns mean: [benchmarks/README.md](../README.md).\n\n")
    path = os.path.join(RESULTS, "report.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n\n".join(map(chapter, results)) + "\n")
    print(f"\n{os.path.relpath(path, machine.ROOT)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(SCRIPTS), default=list(SCRIPTS), metavar="NAME",
                        help=f"of {', '.join(SCRIPTS)}")
    parser.add_argument("--tables", action="store_true", help="measure nothing")
    options = parser.parse_args()
    failed = []
    for name in () if options.tables else options.only:
        print(f"\n=== {name}", flush=True)
        if subprocess.run([sys.executable, SCRIPTS[name]], check=False).returncode:
            failed.append(name)
    write_report()
    if failed:
        sys.exit(f"not all of it is to be believed, see above: {', '.join(failed)}")


main()
