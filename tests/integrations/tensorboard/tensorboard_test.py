"""What TensorBoard's own readers and its server make of the files that TensorBoardCallback writes."""
import json
import math
import os
import struct
import unittest

import numpy
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import event_pb2

from tensorboard_support import Server, TensorBoardTest, check_tensorboard, event_files, points, records
from situations import wait_for


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


class Reading(TensorBoardTest):
    def test_everything_that_was_logged_is_there(self):
        config = {"hidden": 8, "nested": {"a": [1, 2]}, "nothing": None}
        with self.run_with(args={"run_name": "r", "learning_rate": 0.05, "seed": 7}, model={"config": config}) as run:
            run.begin()
            for step in range(1, 101):
                run.log(step, {"loss": 1 / step, "learning_rate": 0.05, "tokens": 1000 * step})
                if step % 50 == 0:
                    run.log(step, {"eval_loss": 2 / step, "note": f"step {step}"})
            run.end()
            self.assertEqual(run.warnings, [])
        steps = range(1, 101)
        self.check({
            "metrics": {"train/loss": [[s, 1 / s] for s in steps], "train/learning_rate": [[s, 0.05] for s in steps],
                        "train/tokens": [[s, 1000 * s] for s in steps], "eval/loss": [[50, 0.04], [100, 0.02]]},
            "exact_metrics": True,
            "params": {"run_name": "r", "learning_rate": 0.05, "seed": 7, "hidden": 8, "nested.a": "[1, 2]",
                       "nested": {"a": [1, 2]}},
            "texts": {"train/note": "step 100", "args": '"seed": 7', "model_config": '{\n  "hidden": 8,'}})
        self.assertEqual(len(event_files(self.log_dir)), 1)

    def test_values_that_are_no_numbers_and_numbers_of_any_size(self):
        values = {"nan": math.nan, "infinity": math.inf, "minus": -math.inf, "zero": 0.0, "whole": 0, "large": 1e300,
                  "tiny": 1e-300, "integer": 2**62, "negative": -5}
        with self.run_with() as run:
            run.begin()
            run.log(1, values)
            run.end()
        self.check({"exact_metrics": True, "metrics": {
            "train/nan": [[1, "NaN"]], "train/infinity": [[1, "Infinity"]], "train/minus": [[1, "-Infinity"]],
            "train/zero": [[1, 0]], "train/whole": [[1, 0]], "train/large": [[1, "Infinity"]], "train/tiny": [[1, 0]],
            "train/integer": [[1, 2**62]], "train/negative": [[1, -5]]}})

    def test_odd_names(self):
        names = ["with space", "top(5)", "a/b", "a//b", "/a", "a:b", "größe", "損失", "a\\b", "a\"b", "a\nb", "", ".",
                 "..", "%41", "x" * 10000]
        with self.run_with() as run:
            run.begin()
            run.log(1, {name: index for index, name in enumerate(names)})
            run.end()
        self.check({"exact_metrics": True,
                    "metrics": {f"train/{name}": [[1, index]] for index, name in enumerate(names)}})

    def test_a_thousand_values_at_once_and_long_arguments(self):
        config = {"long": "a" * 6001, "longer": "b" * 100000}
        with self.run_with(args={"run_name": "c" * 100000}, model={"config": config}) as run:
            run.begin()
            run.log(1, {f"value_{i}": i for i in range(1001)})
            run.end()
            self.assertEqual(run.warnings, [])
        self.check({"metrics": {f"train/value_{i}": [[1, i]] for i in range(1001)}, "exact_metrics": True,
                    "params": {"run_name": "c" * 100000, **config}}, server=False)

    def test_a_hundred_thousand_lines(self):
        with self.run_with() as run:
            run.begin()
            run.log(1, {"loss": 0.5, "grad_norm": 2.0}, times=100000)
            run.end()
            self.assertEqual(run.warnings, [])
        bodies, is_torn = records(event_files(self.log_dir)[0])
        self.assertFalse(is_torn)
        steps = [event.step for event in map(event_pb2.Event.FromString, bodies)
                 if any(value.tag == "train/loss" for value in event.summary.value)]
        self.assertEqual(steps, list(range(1, 100001)))

    def test_the_moment_of_a_point_is_that_of_its_line(self):
        with self.run_with() as run:
            run.begin()
            run.log(1, {"loss": 1.0, "epoch": 0.5})
            run.log(2, {"loss": 1.0})
            run.end()
        events = [event_pb2.Event.FromString(body) for body in records(event_files(self.log_dir)[0])[0]]
        times = {(event.step, value.tag): event.wall_time for event in events for value in event.summary.value}
        self.assertEqual(times[1, "train/loss"], times[1, "train/epoch"])
        self.assertLess(times[1, "train/loss"], times[2, "train/loss"])

    def test_a_file_begins_as_those_of_huggingface_do(self):
        with self.run_with(LOG_HPARAMS=0, model={"config": {"b": 1, "a": 2}}) as run:
            run.begin()
            run.log(4, {"loss": 1.0})
            run.end()
        path = event_files(self.log_dir)[0]
        self.assertRegex(os.path.basename(path), r"^events\.out\.tfevents\.\d{10}\..+\.\d+\.0$")
        events = [event_pb2.Event.FromString(body) for body in records(path)[0]]
        self.assertEqual(events[0].file_version, "brain.Event:2")
        self.assertEqual([[value.tag for value in event.summary.value] for event in events[1:]],
                         [["args/text_summary"], ["model_config/text_summary"], ["train/loss"]])
        self.assertEqual(events[2].summary.value[0].tensor.string_val[0], b'{\n  "a": 2,\n  "b": 1\n}\n')
        self.assertFalse(events[3].summary.value[0].HasField("metadata"))

    def test_lines_are_in_the_file_while_the_run_goes_on(self):
        with self.run_with() as run:
            run.begin()
            for step in range(1, 6):
                run.log(step, {"loss": step})
                wait_for(lambda: len(event_files(self.log_dir)) == 1 and points(self.log_dir, "train/loss")
                         == [[s, s] for s in range(1, step + 1)], f"step {step} in the file")

    def test_a_new_file_when_one_is_full(self):
        with self.run_with(MAX_FILE_BYTES=20000) as run:
            run.begin()
            for step in range(1, 1201):
                run.log(step, {"loss": step})
            run.end()
        files = event_files(self.log_dir)
        self.assertGreaterEqual(len(files), 3)
        for path in files[:-1]:
            self.assertGreaterEqual(os.path.getsize(path), 20000)
            self.assertLess(os.path.getsize(path), 20200)
        self.check({"metrics": {"train/loss": [[s, s] for s in range(1, 1201)]}, "exact_metrics": True})


class Directories(TensorBoardTest):
    def only_directory(self, below):
        self.assertEqual(len(event_files(below)), 1)
        return os.path.dirname(event_files(below)[0])

    def test_the_default_is_huggingfaces(self):
        with self.run_with(LOG_DIR="") as run:
            run.begin()
            run.end()
        runs = os.path.join(self.directory, "out", "runs")
        self.assertRegex(self.only_directory(runs)[len(runs):], r"^/[A-Z][a-z]{2}\d{2}_\d{2}-\d{2}-\d{2}_.+$")

    def test_the_environment_chooses(self):
        with self.run_with(LOG_DIR="", TENSORBOARD_LOGGING_DIR="~/tb", HOME=self.directory) as run:
            run.begin()
            run.end()
        self.assertEqual(self.only_directory(self.directory), os.path.join(self.directory, "tb"))

    def test_the_option_wins(self):
        with self.run_with(LOG_DIR="relative/log", TENSORBOARD_LOGGING_DIR="tb") as run:
            run.begin()
            run.end()
        self.assertEqual(self.only_directory(self.directory), os.path.join(self.directory, "relative/log"))

    def test_two_runs_at_once_have_two_directories(self):
        runs = [self.run_with(LOG_DIR="") for _ in range(2)]
        for run in runs:
            run.begin()
        for index, run in enumerate(runs):
            run.log(1, {"loss": index})
            run.end()
            self.assertEqual(run.close(), 0)
        files = event_files(os.path.join(self.directory, "out", "runs"))
        self.assertEqual(len(files), 2)
        found = [points(os.path.dirname(path), "train/loss") for path in files]
        self.assertEqual(sorted(found), [[[1, 0.0]], [[1, 1.0]]])

    def test_two_runs_at_once_in_the_same_directory_have_two_files(self):
        runs = [self.run_with() for _ in range(2)]
        for run in runs:
            run.begin()
        for index, run in enumerate(runs):
            run.log(1, {f"loss_{index}": index}, times=100)
        for run in runs:
            run.end()
            self.assertEqual(run.close(), 0)
        self.assertEqual(len(event_files(self.log_dir)), 2)
        self.check({"metrics": {f"train/loss_{i}": [[s, i] for s in range(1, 101)] for i in range(2)},
                    "exact_metrics": True}, server=False)

    def test_other_processes_write_nothing(self):
        with self.run_with(LOG_DIR="") as run:
            run.tell("init_end", args=run.args, is_world_process_zero=False)
            run.tell("train_begin")
            run.log(1, {"loss": 1.0})
            run.end()
        self.assertEqual(os.listdir(self.directory), [])


class Histograms(TensorBoardTest):
    @staticmethod
    def bins():
        bins, value = [], 1e-12
        while value < 1e20:
            bins.append(value)
            value *= 1.1
        return [-value for value in reversed(bins)] + [0] + bins

    def test_are_those_of_torch(self):
        random = numpy.random.default_rng(7)
        tensors = {"fc.weight": random.normal(size=1000), "fc.bias": numpy.zeros(8), "one": numpy.array([-3.5]),
                   "tiny": random.normal(size=50) * 1e-14, "large": random.normal(size=50) * 1e15}
        values = {name: [float32(value) for value in tensor] for name, tensor in tensors.items()}
        gradients = {name: [float32(-2 * value) for value in tensor] for name, tensor in tensors.items()}
        with self.run_with(HISTOGRAM_STEPS=2, model={"parameters": values, "gradients": gradients}) as run:
            run.begin()
            for step in range(4):
                run.tell("gradients_ready", step=step)
                run.tell("step_end", step=step + 1)
            run.end()
            self.assertEqual(run.warnings, [])
        accumulator = event_accumulator.EventAccumulator(self.log_dir, size_guidance={"histograms": 0})
        accumulator.Reload()
        expected = {f"{group}/{name}": numpy.array(tensor, dtype=numpy.float64)
                    for group, all_ in (("parameters", values), ("gradients", gradients))
                    for name, tensor in all_.items()}
        self.assertEqual(set(accumulator.Tags()["histograms"]), set(expected))
        for tag, tensor in expected.items():
            events = accumulator.Histograms(tag)
            self.assertEqual([event.step for event in events], [2, 4], tag)
            for event in events:
                self.assert_is_histogram_of(event.histogram_value, tensor)

    def assert_is_histogram_of(self, histogram, tensor):
        self.assertEqual((histogram.num, histogram.min, histogram.max), (len(tensor), tensor.min(), tensor.max()))
        self.assertAlmostEqual(histogram.sum, tensor.sum(), delta=1e-12 * numpy.abs(tensor).sum())
        self.assertAlmostEqual(histogram.sum_squares, tensor.dot(tensor), delta=1e-12 * tensor.dot(tensor))
        counts, edges = numpy.histogram(tensor, bins=self.bins())
        used = numpy.nonzero(counts)[0]
        first, last = used[0], used[-1]
        self.assertEqual(list(histogram.bucket), [0, *counts[first:last + 1]])
        self.assertEqual(list(histogram.bucket_limit), list(edges[first:last + 2]))
        self.assertEqual(sum(histogram.bucket), len(tensor))

    def test_leave_out_what_is_not_finite_and_say_so_once(self):
        parameters = {"a": [1.0, math.nan, 2.0], "b": [math.inf, 0.5], "c": [math.nan], "d": []}
        with self.run_with(HISTOGRAM_STEPS=1, model={"parameters": parameters}) as run:
            run.begin()
            run.tell("step_end", step=1)
            run.end()
            self.assertEqual(len(run.warnings), 1)
            self.assertIn("1 of the 3 values of parameters/a at step 1 are NaN or infinite", run.warnings[0])
        accumulator = event_accumulator.EventAccumulator(self.log_dir)
        accumulator.Reload()
        self.assertEqual({tag: accumulator.Histograms(tag)[0].histogram_value.num
                          for tag in accumulator.Tags()["histograms"]}, {"parameters/a": 2, "parameters/b": 1})

    def test_are_shown_by_the_server(self):
        parameters = {"fc.weight": [-1.0, 0.0, 0.5, 0.5, 2.0], "largest": [3e38, -3e38]}
        with self.run_with(HISTOGRAM_STEPS=1, model={"parameters": parameters}) as run:
            run.begin()
            for step in (1, 2):
                run.tell("step_end", step=step)
            run.end()
        with Server(self.log_dir) as server:
            for name, values in parameters.items():
                answer = server.until("/data/plugin/histograms/histograms", lambda a: len(a) == 2, run=".",
                                      tag=f"parameters/{name}")
                for _, step, buckets in answer:
                    self.assertEqual(sum(count for _, _, count in buckets), len(values), (name, step))
                    self.assertEqual(buckets[0][0], float32(min(values)))
                    self.assertEqual(buckets[-1][1], float32(max(values)))


class HyperParameters(TensorBoardTest):
    def train(self, directory, learning_rate, how="completed", start=0):
        with self.run_with(args={"learning_rate": learning_rate}, LOG_DIR=os.path.join(self.log_dir, directory)) as run:
            run.begin(step=start)
            run.log(start + 1, {"loss": learning_rate, "eval_loss": 2 * learning_rate})
            run.end(how)

    def test_compare_runs_and_their_values(self):
        self.train("a", 0.25)
        self.train("b", 0.5, how="failed")
        self.train("c", 0.75, how="interrupted")
        with Server(self.log_dir) as server:
            groups = server.session_groups(lambda groups: len(groups) == 3)
            found = {group["sessions"][0]["name"]: (group["hparams"]["learning_rate"], group["sessions"][0]["status"])
                     for group in groups}
            self.assertEqual(found, {"a": (0.25, "STATUS_SUCCESS"), "b": (0.5, "STATUS_FAILURE"),
                                     "c": (0.75, "STATUS_UNKNOWN")})
            experiment = server.until("/data/plugin/hparams/experiment",
                                      lambda a: len(a.get("metricInfos", [])) == 2,
                                      {"experimentName": "", "includeMetrics": True})
            differing = [info["name"] for info in experiment["hparamInfos"] if info.get("differs")]
            self.assertEqual(differing, ["learning_rate"])
            self.assertEqual([info["name"]["tag"] for info in experiment["metricInfos"]], ["eval/loss", "train/loss"])

    def test_a_run_that_goes_on_after_a_signal_has_the_status_of_its_end(self):
        self.train("a", 0.25, how="interrupted")
        self.train("a", 0.25, start=8)
        with Server(self.log_dir) as server:
            groups = server.session_groups(lambda g: g and g[0]["sessions"][0]["status"] != "STATUS_UNKNOWN")
            self.assertEqual([group["sessions"][0]["status"] for group in groups], ["STATUS_SUCCESS"])


class HuggingFace(TensorBoardTest):
    def test_the_same_run_gives_the_same_record(self):
        def reference(name):
            with open(f"tests/integrations/clients/hf_reference/{name}.json", encoding="utf-8") as file:
                return json.load(file)

        theirs = reference("tensorboard")
        config = json.loads(theirs["texts"]["model_config"])
        args = {name: value for name, value in reference("args")["args"].items() if name in self.known_arguments()}
        with self.run_with(args=args, model={"config": config}) as run:
            run.begin()
            for line in reference("log_history")["history"]:
                run.log(line.pop("step"), line, epoch=line["epoch"])
            run.end()
            self.assertEqual(run.warnings, [])
        ours = check_tensorboard.read(self.log_dir)

        self.assertEqual(ours["metrics"], theirs["metrics"])
        # The page of hyperparameters is Downbeat's own.
        plugins = {tag: plugin for tag, plugin in ours["plugins"].items() if not tag.startswith("_hparams_/")}
        self.assertEqual(plugins, theirs["plugins"])
        self.assertEqual(ours["texts"]["model_config"], theirs["texts"]["model_config"])
        # Arguments that Downbeat does not have are not there; two are its own. The order is HuggingFace's. (2.0 == 2:
        # an argument of type float stays one.)
        arguments = json.loads(ours["texts"]["args"])
        self.assertEqual(ours["texts"]["args"], json.dumps(arguments, indent=2))
        self.assertEqual({name: arguments.pop(name) for name in ("async_save", "report_to_new_run")},
                         {"async_save": False, "report_to_new_run": False})
        self.assertEqual(list(arguments.items()),
                         [item for item in json.loads(theirs["texts"]["args"]).items() if item[0] in arguments])

    def known_arguments(self):
        directory = os.path.join(self.directory, "known")
        with self.run_with(LOG_DIR=directory) as run:
            run.begin()
            run.end()
        return json.loads(check_tensorboard.read(directory)["texts"]["args"])


if __name__ == "__main__":
    unittest.main(argv=["tensorboard_test"])
