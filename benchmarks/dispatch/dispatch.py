#!/usr/bin/env python3
"""What an event costs that callbacks hear, or none of them: Downbeat's static tuple, the code by hand, other ways in
C++ and the handlers of Python's trainers. All times are processor time.

The rivals in C++ are one program that measures them interleaved, as differences of a percent matter; each repetition is
a process of its own, so that no layout of memory decides. Every rival pays the call of one function: what 0 callbacks
cost is that and the measuring loop. The peers in Python are a process each.

    bazel run //benchmarks/dispatch -- [--repetitions N]
"""
import json
import os
import tempfile

from benchmarks.support import machine
from benchmarks.support.runner import Benchmark, Series, output_of, parser_of, pinned

HERE = os.path.dirname(os.path.abspath(__file__))
RIVALS = {"by_hand": "by hand", "by_hand_again": "by hand, again", "static_tuple": "static tuple",
          "virtual_list": "virtual list", "std_function": "std::function list", "name_lookup": "lookup by name"}
KINDS = {"light": "heard, light body", "five_numbers": "heard, a body of five numbers", "unheard": "unheard"}
BATCH_SECONDS = 0.001
COUNTS = (0, 1, 2, 4, 8, 16, 32, 64)
PEERS = {  # name: (what peers.py calls it, environment, what makes that)
    "HuggingFace": ("huggingface", ".venv-reference", "tests/parity/reference/setup.sh"),
    "Lightning": ("lightning", ".venv-peers", "benchmarks/peers/setup.sh"),
    "Keras": ("keras", ".venv-peers", "benchmarks/peers/setup.sh"),
    "Ignite": ("ignite", ".venv-peers", "benchmarks/peers/setup.sh"),
}


def measured_by(command):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "KERAS_BACKEND": "torch"}
    return output_of(command, env=environment, preexec_fn=pinned())


def rows_of(rivals, kind, count, batches):
    """What Google Benchmark says of each batch of each rival, in random order."""
    chosen = f"^({'|'.join(rivals)})/{kind}/{count}$"
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        output_of([os.path.join(HERE, "rivals"), f"--benchmark_filter={chosen}",
                   f"--benchmark_min_time={BATCH_SECONDS}", "--benchmark_enable_random_interleaving=true",
                   f"--benchmark_repetitions={batches}", f"--benchmark_out={out.name}", "--benchmark_out_format=json"])
        found = [row for row in json.load(out)["benchmarks"] if row["run_type"] == "iteration"]
    failed = [row for row in found if row.get("error_occurred")]
    if failed:
        raise SystemExit(f"{failed[0]['name']}: {failed[0]['error_message']}")
    return {rival: [row for row in found if row["name"].startswith(f"{rival}/")] for rival in rivals}


def are_long_enough(rows):
    """Google Benchmark finds the length of all batches in the first one: wrongly, when that is interrupted."""
    return Series([row["iterations"] * row["cpu_time"] for row in rows]).median > BATCH_SECONDS / 2 * 1e9


def measure_rivals(rivals, kind, count, batches):
    """{rival: {quantity: number}}, of each the median of the batches."""
    found = rows_of(rivals, kind, count, batches)
    while not all(map(are_long_enough, found.values())):
        found = rows_of(rivals, kind, count, batches)
    quantities = {"ns": "cpu_time", "instructions": "instructions"}
    return {rival: {quantity: Series([row[name] for row in rows]).median for quantity, name in quantities.items()
                    if name in rows[0]} for rival, rows in found.items()}


def measure_tuple(batches):
    return {f"ns {said}": measure_rivals(["static_tuple"], kind, 8, batches)["static_tuple"]["ns"]
            for said, kind in (("heard", "light"), ("unheard", "unheard"))}


def measure_peer(library, environment):
    return json.loads(measured_by([machine.environment_of(environment), os.path.join(HERE, "peers.py"), library]))


def callbacks(count):
    return "1 callback" if count == 1 else f"{count} callbacks"


def ratio_of(case, quantity, side, base):
    """The median of the repetitions' ratios, also of two sides of which neither is the base."""
    sides = case["quantities"][quantity]
    return Series(sides[side]["values"]).over(Series(sides[base]["values"])).median


def compare_rivals(bench, batches):
    cases = {}
    for kind, said in KINDS.items():
        for count in COUNTS:
            def measure(kind=kind, count=count):
                measured = measure_rivals(list(RIVALS), kind, count, batches)
                return {RIVALS[rival]: numbers for rival, numbers in measured.items()}
            cases[kind, count] = bench.case_together(f"{callbacks(count)}, {said}", measure, base="by hand", unit="ns",
                                                     group=said)
    if "instructions" not in cases["light", 8]["quantities"]:
        bench.missing("The number of instructions", "perf_event_open gives no counter here; it needs a processor whose "
                      "counters this system may read and /proc/sys/kernel/perf_event_paranoid of at most 2")
    return cases


def compare_peers(bench, batches):
    sides = {"static tuple": lambda: measure_tuple(batches)}
    for peer, (library, environment, setup) in PEERS.items():
        if machine.environment_of(environment):
            sides[peer] = lambda library=library, environment=environment: measure_peer(library, environment)
        else:
            bench.missing(peer, f"{setup} makes {environment}, which has it")
    return bench.case("8 callbacks, beside Python's trainers", sides, base="static tuple", unit="ns",
                      group="beside Python")


def conclude(bench, rivals, peers):
    ratios = {key: ratio_of(case, "ns", "static tuple", "by hand") for key, case in rivals.items()}
    (kind, count), worst = max(ratios.items(), key=lambda item: item[1])
    bench.note(f"The static tuple takes at most {worst:.3f} times the time of the code by hand "
               f"({callbacks(count)}, {KINDS[kind]}).")
    slower = ratio_of(rivals["light", 8], "ns", "virtual list", "static tuple")
    bench.note(f"Eight callbacks with a light body: the virtual list takes {slower:.1f} times the static tuple's time.")
    if "HuggingFace" in peers["quantities"]["ns heard"]:
        bench.note("HuggingFace's CallbackHandler takes "
                   f"{ratio_of(peers, 'ns heard', 'HuggingFace', 'static tuple'):,.0f} times the static tuple's time.")


def main():
    options = parser_of(__doc__, smoke="each side once").parse_args()
    batches = 1 if options.smoke else 25
    bench = Benchmark("dispatch", "What an event costs", smoke=options.smoke, repetitions=options.repetitions)
    bench.expect(options.repetitions * (len(KINDS) * len(COUNTS) * 0.8 + 5 * len(PEERS)))
    rivals = compare_rivals(bench, batches)
    peers = compare_peers(bench, batches)
    if not options.smoke:
        conclude(bench, rivals, peers)
    bench.finish()


main()
