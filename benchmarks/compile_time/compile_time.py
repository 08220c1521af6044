#!/usr/bin/env python3
"""What a CallbackHandler costs the compiler: callbacks of three hooks each, every event called once.

    bazel run //benchmarks/compile_time
    benchmarks/compile_time/compile_time.py [COMPILER]      (g++; run in the workspace's root)
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

compiler = sys.argv[1] if len(sys.argv) > 1 else "g++"
flags = ["-std=c++20", "-O2", "-I."]

# The events as the compiler sees them: name and what is provided besides.
listed = subprocess.run(
    [compiler, *flags, "-E", "-P", "-x", "c++", "-"],
    input='#include "callbacks/vocabulary/events.h"\n#define X(...) EVENT(__VA_ARGS__)\nDOWNBEAT_EVENTS(X)\n',
    capture_output=True,
    text=True,
    check=True,
).stdout
events = [[part.strip() for part in event.split(",")] for event in re.findall(r"EVENT\((.*?)\)", listed)]


def source(count):
    callbacks = "".join(
        f"""
struct Callback{i} {{
  long n = 0;
  void on_step_end(const TrainerState& state) {{ n += state.global_step; }}
  void on_log(const Logs& logs) {{ n += static_cast<long>(logs.size()); }}
  void on_epoch_end(TrainerControl& control) {{ control.should_log = n > {i}; }}
}};"""
        for i in range(count)
    )
    handler = f"CallbackHandler<{', '.join(f'Callback{i}' for i in range(count))}>"
    calls = ""
    for name, *provided in events:
        things = "".join(f", any<{type.rstrip('&')}>()" for type in provided)
        calls += f"  handler.{name}(args, state, control{things});\n"
    return f"""#include "callbacks/pipeline/callback_handler.h"
using namespace downbeat;
template <class T> T& any();{callbacks}
void call({handler}& handler, const TrainingArguments& args, const TrainerState& state, TrainerControl& control) {{
{calls}}}
"""


def measure(text):
    """(seconds of user and system time, peak MB, bytes of the object); the least of three."""
    best = None
    with tempfile.TemporaryDirectory() as folder:
        unit, made = pathlib.Path(folder, "unit.cc"), pathlib.Path(folder, "unit.o")
        unit.write_text(text)
        for _ in range(3):
            child = subprocess.Popen([compiler, *flags, "-c", str(unit), "-o", str(made)])
            _, status, used = os.wait4(child.pid, 0)
            if status != 0:
                sys.exit(1)
            row = (used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, made.stat().st_size)
            best = row if best is None else min(best, row)
    return best


print(f"{compiler} {' '.join(flags)}, {len(events)} events\n")
print("| callbacks | seconds | peak MB | object bytes |")
print("|---|---|---|---|")
rows = [("headers alone", '#include "callbacks/pipeline/callback_handler.h"\n')]
rows += [(count, source(count)) for count in (1, 8, 32, 64)]
for name, text in rows:
    seconds, peak, size = measure(text)
    print(f"| {name} | {seconds:.2f} | {peak:.0f} | {size} |", flush=True)
