#!/usr/bin/env python3
"""What callbacks cost the compiler, and the lines of its message about one mistake among them.

Without Trainer: a CallbackHandler whose every event is called once. With Trainer: one that trains a linear layer. Each
callback is a class of its own with three hooks. Seconds are processor time, memory the most that the compiler had, and
the mistake is a hook of the last callback that would change what is read-only.

    bazel run //benchmarks/compile -- [--repetitions N] [--compiler g++]
"""
import functools
import os
import re
import subprocess
import sys
import tempfile

from benchmarks.support.runner import Benchmark, parser_of, pinned

SENTENCE = "downbeat: on_step_end provides this parameter read-only"
HANDLER = """#include "callbacks/pipeline/callback_handler.h"
template <class T> T& any();
"""
TRAINER = """#include <torch/nn/modules/linear.h>
#include "trainer/trainer.h"
"""


def paths_of_libtorch():
    with open("../libtorch/paths.sh", encoding="utf-8") as file:  # as a target finds the files of another repository
        include = re.search(r'^LIBTORCH_INCLUDE="(.*)"$', file.read(), re.MULTILINE).group(1)
    return ["-isystem", include, "-isystem", f"{include}/torch/csrc/api/include"]


class Compiler:
    def __init__(self, program):
        self.command = [program, "-std=c++20", "-O2", "-I.", *paths_of_libtorch()]

    def compile(self, text):
        """(exit status, what the compiler used, bytes of the object, its messages)"""
        with tempfile.TemporaryDirectory() as folder:
            unit, made, said = (os.path.join(folder, name) for name in ("unit.cc", "unit.o", "messages.txt"))
            with open(unit, "w", encoding="utf-8") as file:
                file.write(text)
            with open(said, "w+", encoding="utf-8") as messages:
                child = subprocess.Popen([*self.command, "-c", unit, "-o", made], stderr=messages, preexec_fn=pinned())
                _, status, used = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                messages.seek(0)
                size = os.path.getsize(made) if child.returncode == 0 else 0
                return child.returncode, used, size, messages.read()

    @functools.cached_property
    def events(self):
        """The events as the compiler sees them: [name, what is provided besides...]."""
        listed = subprocess.run(
            [*self.command, "-E", "-P", "-x", "c++", "-"], capture_output=True, text=True, check=True,
            input='#include "callbacks/vocabulary/events.h"\n#define X(...) EVENT(__VA_ARGS__)\nDOWNBEAT_EVENTS(X)\n')
        return [[part.strip() for part in event.split(",")] for event in re.findall(r"EVENT\((.*?)\)", listed.stdout)]

    @functools.lru_cache(maxsize=None)
    def lines_about_mistake(self, text):
        """Said of the text once, as each time the same is said."""
        status, _, _, messages = self.compile(text)
        if status == 0 or SENTENCE not in messages:
            sys.exit(f"the mistake was not told as \"{SENTENCE}\" but:\n{messages}")
        return len(messages.splitlines())

    def measure(self, text, text_with_mistake):
        status, used, size, messages = self.compile(text)
        if status != 0:
            sys.exit(f"the compiler refused:\n{messages}")
        return {"seconds": used.ru_utime + used.ru_stime, "peak MiB": used.ru_maxrss / 1024, "object bytes": size,
                "lines about a mistake": self.lines_about_mistake(text_with_mistake)}


def callbacks(count, mistake):
    classes = ""
    for i in range(count):
        state = "TrainerState& state" if mistake and i == count - 1 else "const TrainerState& state"
        classes += f"""
struct Callback{i} {{
  long n = 0;
  void on_step_end({state}) {{ n += state.global_step; }}
  void on_log(const Logs& logs) {{ n += static_cast<long>(logs.size()); }}
  void on_epoch_end(TrainerControl& control) {{ control.should_log = n > {i}; }}
}};"""
    return f"using namespace downbeat;{classes}\n"


def names(count, ending=""):
    return ", ".join(f"Callback{i}{ending}" for i in range(count))


def without_trainer(compiler, count, mistake):
    calls = ""
    for name, *provided in compiler.events:
        things = "".join(f", any<{kind.rstrip('&')}>()" for kind in provided)
        calls += f"  handler.{name}(args, state, control{things});\n"
    return f"""{HANDLER}{callbacks(count, mistake)}
void call(CallbackHandler<{names(count)}>& handler, const TrainingArguments& args, const TrainerState& state,
          TrainerControl& control) {{
{calls}}}
"""


def with_trainer(compiler, count, mistake):
    return f"""{TRAINER}{callbacks(count, mistake)}
void train(const TrainingArguments& args, const torch::Tensor& inputs, const torch::Tensor& labels) {{
  Trainer trainer(std::make_shared<torch::nn::LinearImpl>(8, 1), args, TensorDataset(inputs, labels),
                  Callbacks({names(count, "{}")}));
  trainer.compute_loss_func = [](const torch::Tensor& output, const torch::Tensor& target) {{
    return (output - target).square().mean();
  }};
  trainer.train();
}}
"""


def compare(bench, compiler, name, source, counts):
    def side(count):
        return lambda: compiler.measure(source(compiler, count, False), source(compiler, count, True))

    sides = {"1 callback": side(1), **{f"{count} callbacks": side(count) for count in counts}}
    case = bench.case(name, sides, base="1 callback", unit="seconds", group=name)
    most = f"{counts[-1]} callbacks"
    ratio = case["quantities"]["seconds"][most]["ratio"]["median"]
    if not bench.smoke:
        bench.note(f"{name}: {most} compile in {ratio:.2f} times the time of one.")


def main():
    parser = parser_of(__doc__, smoke="1 and 2 callbacks without Trainer, once", repetitions=3)
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    options = parser.parse_args()
    compiler = Compiler(options.compiler)
    bench = Benchmark("compile", "What callbacks cost the compiler", smoke=options.smoke,
                      repetitions=options.repetitions)
    if options.smoke:
        compare(bench, compiler, "without Trainer", without_trainer, (2,))
    else:
        bench.expect((6 * options.repetitions + 5) * (2 + 20))
        bench.note(" ".join([options.compiler, *compiler.command[1:3]]) + f", {len(compiler.events)} events")
        counts = (8, 16, 32, 64)
        compare(bench, compiler, "without Trainer", without_trainer, counts)
        compare(bench, compiler, "with Trainer", with_trainer, counts)
    bench.finish()


main()
