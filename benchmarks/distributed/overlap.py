"""Do reductions run while backward does? From a trace of LibTorch's profiler: every figure is computed from its events.

A reduction begins when its bucket is full and ends when its sum is there. A process has one core here, so that a
reduction and backward take turns on it; what waits for the other rank or the kernel costs backward nothing."""
import collections
import html
import json
import os
import statistics
import tempfile

from benchmarks.distributed import launch
from benchmarks.support import machine

NODE, REDUCTION, STEP = "autograd::engine::evaluate_function: ", "gloo:all_reduce", "step"

Span = collections.namedtuple("Span", "begin end name")  # milliseconds since its step began


def _spans_of_steps(trace):
    """[(nodes of backward, reductions)], one pair a step."""
    events = [event for event in trace["traceEvents"] if event.get("ph") == "X"]

    def within(step, prefix):
        begin, end = step["ts"], step["ts"] + step["dur"]
        return [Span((event["ts"] - begin) / 1000, (event["ts"] + event["dur"] - begin) / 1000, _said_of(event))
                for event in sorted(events, key=lambda event: event["ts"])
                if event["name"].startswith(prefix) and begin <= event["ts"] < end]

    return [(within(step, NODE), within(step, REDUCTION)) for step in events if step["name"] == STEP]


def _said_of(event):
    if event["name"] != REDUCTION:
        return event["name"].removeprefix(NODE).removeprefix("torch::autograd::")
    dimensions = event.get("args", {}).get("Input Dims") or []
    numbers = dimensions[0][0] if dimensions and dimensions[0] else 0
    return f"{numbers * 4 / 2**20:.2f} MiB" if isinstance(numbers, int) and numbers else "bucket"


def _covered(spans, limit):
    """How long, until `limit`, at least one of the spans, which are in order of their begin, was open."""
    time, reached = 0.0, 0.0
    for span in spans:
        time += max(0.0, min(span.end, limit) - max(span.begin, reached))
        reached = max(reached, min(span.end, limit))
    return time


def _figures(nodes, reductions):
    backward_end = max(node.end for node in nodes)
    last = max(reduction.end for reduction in reductions)
    whole, within = _covered(reductions, last), _covered(reductions, backward_end)
    return {"backward, ms": backward_end - nodes[0].begin, "reductions": len(reductions),
            "a reduction was under way, ms": whole, "of this within backward, ms": within,
            "share within backward": within / whole, "left after backward, ms": max(0.0, last - backward_end)}


def measure(bench, steps=10, warm_up=5):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory if bench.smoke else bench.directory, f"{bench.name}_trace.json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        numbers = (2, 2) if bench.smoke else (steps, warm_up)
        launch.under_torchrun(2, launch.program("overlap", *numbers, path))
        with open(path, encoding="utf-8") as file:
            steps_seen = _spans_of_steps(json.load(file))
    figures = [_figures(*spans) for spans in steps_seen]
    rows = [[name, *(f"{of([step[name] for step in figures]):.3g}" for of in (statistics.median, min, max))]
            for name in figures[0]]
    bench.table(f"Reductions and backward of rank 0 of 2, {len(figures)} steps, buckets of 1 MiB",
                ["", "median", "least", "most"], rows)
    if bench.smoke:
        return
    shares = [step["share within backward"] for step in figures]
    typical = shares.index(sorted(shares)[len(shares) // 2])
    _draw(os.path.join(bench.directory, f"{bench.name}_overlap.svg"), *steps_seen[typical])
    bench.note(f"the trace, for Perfetto and chrome://tracing: {os.path.relpath(path, machine.ROOT)}")


_WIDTH, _LEFT, _RIGHT, _BOX = 860, 110, 20, 26


def _draw(path, nodes, reductions):
    """The step with the median share: nodes of backward, and below them the reductions, buckets as boxes."""
    begin = nodes[0].begin
    end = max(span.end for span in [*nodes, *reductions])
    backward_end = max(node.end for node in nodes)

    def x(time):
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (time - begin) / (end - begin)

    def text(at, y, words, anchor="start", size=12, weight="normal"):
        return (f'<text x="{at:.1f}" y="{y}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">'
                f"{html.escape(words)}</text>")

    def box(span, y, color):
        return (f'<rect x="{x(span.begin):.2f}" y="{y}" width="{max(x(span.end) - x(span.begin), 0.5):.2f}" '
                f'height="{_BOX}" fill="{color}" stroke="white" stroke-width="0.5">'
                f"<title>{html.escape(span.name)}: {span.end - span.begin:.2f} ms</title></rect>")

    made = [text(10, 22, "A step's backward and the reductions of its gradients, rank 0 of 2", size=15, weight="bold"),
            text(_LEFT - 8, 58, "backward", "end"), *(box(node, 40, "#2563eb") for node in nodes),
            text(_LEFT - 8, 98, "reductions", "end"), *(box(reduction, 80, "#9ca3af") for reduction in reductions),
            *(text(x(reduction.end), 120 + 14 * (i % 2), reduction.name, "end", size=11)  # in turn, as ends are close
              for i, reduction in enumerate(reductions)),
            f'<path d="M{x(backward_end):.1f},34V140" stroke="#111827" stroke-width="1" stroke-dasharray="4 3"/>',
            text(x(backward_end) - 4, 156, f"backward ends after {backward_end - begin:.1f} ms, the last reduction "
                 f"after {max(r.end for r in reductions) - begin:.1f} ms", "end")]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="170" viewBox="0 0 {_WIDTH} 170" '
                   f'font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>\n' + "\n".join(made)
                   + "\n</svg>\n")
