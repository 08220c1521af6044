"""The archive that CometCallback leaves, read, listed and uploaded by the real client."""
import json
import math
import os
import subprocess
import sys
import zipfile

import comet_support
from comet_support import OURS, points, points_in
from situations import small_disk, wait_for

PLAIN = [(4, {"loss": 0.5, "grad_norm": 1.25, "epoch": 0.5}), (8, {"eval_loss": 1e-7, "eval_mae": 3, "epoch": 1.0})]


class Archive(comet_support.CometTest):
    def test_holds_all_that_was_logged(self):
        model = {"config": {"hidden": 8, "id2label": {"0": "A"}, "sizes": [1, 2], "odd": [[1], {"a": 2}], "none": {}}, "text": "Net(\n  (fc): Linear\n)"}
        with self.run_program({"run_name": "first"}, model, COMET_START_ONLINE="0", COMET_PROJECT_NAME="project",
                              COMET_WORKSPACE="space") as run:
            run.begin()
            for step, logs in PLAIN:
                run.log(step, logs)
            run.predict({"test_loss": 2.5})
            run.end()
            run.log(9, {"eval_loss": 0.25})  # evaluate() after train()
        self.assertEqual(run.warnings, [])
        archive = self.only_archive()
        self.check(archive, {
            "params": {"args|run_name": "first", "args|learning_rate": 5e-05, "args|report_to": [],
                       "config|hidden": 8, "config|id2label|0": "A", "config|sizes": [1, 2], "config|odd": "[[1],{\"a\":2}]", "config|none": "{}"},
            "metrics": {"train/loss": [[4, 0.5]], "train/grad_norm": [[4, 1.25]], "train/epoch": [[4, 0.5], [8, 1.0]],
                        "eval/loss": [[8, 1e-7], [9, 0.25]], "eval/mae": [[8, 3]], "test/loss": [[8, 2.5]]},
            "exact_metrics": True, "abs": 0, "rel": 0,
            "texts": {"graph": "(fc): Linear"},
            "tags": {"Name": "first", "Created from": "transformers", "hasNestedParams": True, "offline_experiment": True}})
        seen = self.read(archive)
        self.assertEqual((seen["project"], seen["workspace"]), ("project", "space"))
        self.assertEqual(os.path.basename(archive), seen["key"] + ".zip")
        self.assertEqual(seen["kinds"]["system_details"], 1)

    def test_without_a_key_says_so_once(self):
        with self.run_program() as run:
            run.begin()
            run.log(1, {"loss": 1.0})
            run.end()
        self.assertEqual(len(run.warnings), 1)
        self.assertIn("COMET_API_KEY is not set", run.warnings[0])
        self.check(self.only_archive(), {"metrics": {"train/loss": [[1, 1.0]]}})

    def test_names_the_upload_command(self):
        with self.run_program(COMET_START_ONLINE="0", TEST_INFO="1") as run:
            run.begin()
            run.end()
        self.assertIn("comet upload " + self.only_archive(), run.text())

    def test_holds_non_finite_numbers_as_words(self):
        values = [math.nan, math.inf, -math.inf, 1.0]
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
            for step, value in enumerate(values):
                run.log(step, {"loss": value})
        seen = self.read(self.only_archive())
        self.assertEqual([v for _, v in seen["metrics"]["train/loss"]], ["NaN", "Infinity", "-Infinity", 1.0])
        code, text, service = comet_support.check_comet.upload(seen["file"])
        self.assertEqual(code, 0, text)
        self.assertEqual(points_in(service["experiments"][seen["key"]]["metrics"]), points([(s, {"loss": v}) for s, v in enumerate(values)]))

    def test_takes_odd_names_and_long_values(self):
        names = ["a b", "a(b)", "a/b", "a//b", "a:b", "größe 模型", "n" * 10000]
        model = {"config": {"long": "x" * 6001, "longer": "y" * 100000, "lines": "a\nb"}}
        with self.run_program(model=model, COMET_START_ONLINE="0") as run:
            run.begin()
            run.log(1, {name: 0.125 for name in names})
            run.log(2, {f"m{i}": i for i in range(1001)})
        self.assertEqual(run.warnings, [])
        metrics = {f"train/{name}": [[1, 0.125]] for name in names}
        metrics.update({f"train/m{i}": [[2, i]] for i in range(1001)})
        self.check(self.only_archive(), {"metrics": metrics, "exact_metrics": True,
                                         "params": {"config|long": "x" * 6001, "config|longer": "y" * 100000, "config|lines": "a\nb"}})

    def test_leaves_text_out_with_one_warning_a_key(self):
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
            for step in range(3):
                run.log(step, {"note": "warm", "loss": 1.0, "other": "x"})
        self.assertEqual(len(run.warnings), 2, run.text())
        self.check(self.only_archive(), {"metrics": {"train/loss": [[s, 1.0] for s in range(3)]}, "exact_metrics": True})

    def test_warns_once_of_more_points_than_an_upload_takes(self):
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
            run.log(0, {"loss": 1.0, "other": 2.0}, times=15002)
        self.assertEqual(len(run.warnings), 1, run.text())
        self.assertIn("15000", run.warnings[0])
        self.assertEqual(len(self.read(self.only_archive())["metrics"]["train/loss"]), 15002)

    def test_keeps_the_assets_of_the_run(self):
        files = {"checkpoint-8/config.json": b"{}", "checkpoint-8/model.safetensors": bytes(100000), "notes": b"", "ü b.txt": b"text"}
        with self.run_program({"output_dir": "deep/out/"}, COMET_START_ONLINE="0", COMET_LOG_ASSETS="TRUE",
                              COMET_OFFLINE_DIRECTORY="deep/out/comet") as run:
            self.runs = os.path.join(self.directory, "deep/out/comet")
            run.begin()
            run.log(8, {"loss": 1.0})
            for name, content in files.items():
                path = os.path.join(self.directory, "deep/out", name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)
            os.symlink("notes", os.path.join(self.directory, "deep/out/link"))
            run.end()
        archive = self.only_archive()
        self.check(archive, {"metrics": {"train/loss": [[8, 1.0]]}})
        self.assertEqual(self.uploaded(archive)["assets"], {**{"out/" + n: len(c) for n, c in files.items()}, "out/link": 0})

    def test_keeps_no_assets_unless_asked(self):
        os.makedirs(os.path.join(self.directory, "out"))
        open(os.path.join(self.directory, "out/file"), "w").close()
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
            run.end()
        self.assertEqual(self.read(self.only_archive())["artifacts"], [])

    def test_of_an_own_key_is_named_by_it_and_six_letters(self):
        for _ in range(2):
            with self.run_program(COMET_START_ONLINE="0", COMET_EXPERIMENT_KEY=OURS) as run:
                run.begin()
                run.log(1, {"loss": 1.0})
        self.assertEqual(len(self.archives()), 2)
        for name in self.archives():
            self.assertRegex(name, f"^{OURS}-[A-Za-z]{{6}}\\.zip$")
            self.check(os.path.join(self.runs, name), {"metrics": {"train/loss": [[1, 1.0]]}})

    def test_holds_no_secret(self):
        with self.run_program(COMET_START_ONLINE="0", COMET_API_KEY="secret-1",
                              COMET_URL_OVERRIDE="https://me:secret-2@comet.example/clientlib") as run:
            run.begin()
            run.end()
        with zipfile.ZipFile(self.only_archive()) as members:
            self.assertNotIn(b"secret-", b"".join(members.read(name) for name in members.namelist()))
        self.assertNotIn("secret-", run.text())


class Settings(comet_support.CometTest):
    def test_online_without_a_key_is_an_error_before_the_first_step(self):
        run = self.run_program(COMET_START_ONLINE="1")
        with self.assertRaisesRegex(RuntimeError, "COMET_API_KEY"):
            run.tell("init_end", args=run.args)
        run.close()
        self.assertFalse(os.path.exists(self.runs))

    def test_a_malformed_key_is_an_error(self):
        for env, sentence in (({"COMET_EXPERIMENT_KEY": "short"}, "COMET_EXPERIMENT_KEY is short"), ({"COMET_START_ONLINE": "maybe"}, "maybe")):
            run = self.run_program(**env)
            with self.assertRaisesRegex(RuntimeError, sentence):
                run.begin()
            run.close()

    def test_get_needs_a_key(self):
        run = self.run_program(COMET_START_ONLINE="0", COMET_MODE="get")
        with self.assertRaisesRegex(RuntimeError, "COMET_EXPERIMENT_KEY"):
            run.begin()
        run.close()

    def test_another_mode_warns_once_and_reports_nothing(self):
        with self.run_program(COMET_START_ONLINE="0", COMET_MODE="online") as run:
            run.begin()
            run.log(1, {"loss": 1.0})
            run.predict({"test_loss": 1.0})
            run.end()
        self.assertEqual(len(run.warnings), 1)
        self.assertIn("COMET_MODE is online", run.warnings[0])
        self.assertFalse(os.path.exists(self.runs))

    def test_modes_are_the_archives_resume_strategy(self):
        for mode, strategy in (("GET_OR_CREATE", "get_or_create"), ("get", "get"), ("create", "create")):
            self.runs = os.path.join(self.directory, mode)
            with self.run_program(COMET_START_ONLINE="0", COMET_MODE=mode, COMET_EXPERIMENT_KEY=OURS) as run:
                run.begin()
            self.assertEqual(self.experiment(self.only_archive())["resume_strategy"], strategy)

    def experiment(self, archive):
        with zipfile.ZipFile(archive) as members:
            return json.loads(members.read("experiment.json"))

    def test_only_the_first_process_writes(self):
        with self.run_program(COMET_START_ONLINE="0", COMET_LOG_ASSETS="1") as run:
            run.tell("init_end", args=run.args, is_world_process_zero=False)
            run.tell("train_begin")
            run.log(1, {"loss": 1.0})
            run.save(os.path.join(self.directory, "checkpoint-1"))
            run.end()
        self.assertFalse(os.path.exists(self.runs))
        self.assertEqual(os.listdir(os.path.join(self.directory, "checkpoint-1")), [])

    def test_begins_with_a_prediction_or_a_line_as_well(self):
        for event in ("predict", "log"):
            self.runs = os.path.join(self.directory, event)
            with self.run_program(COMET_START_ONLINE="0") as run:
                run.tell("init_end", args=run.args)
                run.predict({"test_loss": 1.0}) if event == "predict" else run.log(0, {"test_loss": 1.0})
            self.check(self.only_archive(), {"metrics": {"test/loss": [[0, 1.0]]}, "exact_metrics": True})


class Resumed(comet_support.CometTest):
    def train(self, checkpoint, resume=False, args=None, **env):
        with self.run_program(args, COMET_START_ONLINE="0", **env) as run:
            run.tell("init_end", args=run.args)
            if resume:
                run.tell("load_checkpoint", directory=checkpoint, step=8)
            run.tell("train_begin", step=8 if resume else 0)
            run.log(9 if resume else 8, {"loss": 1.0})
            if not resume:
                run.save(checkpoint)
            run.end()

    def keys(self):
        return [self.read(os.path.join(self.runs, name))["key"] for name in self.archives()]

    def test_goes_on_with_the_checkpoints_experiment(self):
        checkpoint = os.path.join(self.directory, "checkpoint-8")
        self.train(checkpoint)
        (first,) = self.keys()
        self.train(checkpoint, resume=True)
        self.assertEqual(self.keys(), [first, first])
        self.assertTrue(any(name.startswith(first + "-") for name in self.archives()))
        # One service takes both archives into one experiment.
        service, uri = self.service()
        for name in sorted(self.archives(), key=len):
            self.upload_to(uri, os.path.join(self.runs, name))
        self.assertEqual(points_in(service["experiments"][first]["metrics"]), points([(8, {"loss": 1.0}), (9, {"loss": 1.0})]))

    def upload_to(self, uri, archive):
        env = {k: v for k, v in os.environ.items() if not k.startswith("COMET_")}
        env.update(COMET_URL_OVERRIDE=uri + "/clientlib/", COMET_API_KEY=comet_support.KEY, HOME=self.directory)
        comet = os.path.join(os.path.dirname(sys.executable), "comet")
        subprocess.run([comet, "upload", archive], env=env, check=True, capture_output=True, timeout=240, cwd=self.directory)

    def test_begins_anew_when_asked(self):
        checkpoint = os.path.join(self.directory, "checkpoint-8")
        self.train(checkpoint)
        self.train(checkpoint, resume=True, args={"report_to_new_run": True})
        self.train(checkpoint, resume=True, COMET_MODE="create")
        self.assertEqual(len(set(self.keys())), 3)

    def test_the_environments_key_wins(self):
        checkpoint = os.path.join(self.directory, "checkpoint-8")
        self.train(checkpoint)
        self.train(checkpoint, resume=True, COMET_EXPERIMENT_KEY=OURS)
        self.assertIn(OURS, self.keys())

    def test_needs_no_key_for_the_mode_get(self):
        checkpoint = os.path.join(self.directory, "checkpoint-8")
        self.train(checkpoint)
        self.train(checkpoint, resume=True, COMET_MODE="get")
        self.assertEqual(len(set(self.keys())), 1)


class Trouble(comet_support.CometTest):
    def lines_on_disk(self):
        (name,) = [n for n in os.listdir(self.runs) if not n.endswith(".zip")]
        with open(os.path.join(self.runs, name, "messages.jsonl")) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def points_on_disk(self):
        try:
            return sum(line["type"] == "metric_msg" for line in self.lines_on_disk())
        except (OSError, ValueError):
            return 0

    def test_a_killed_runs_lines_are_zipped_by_the_next(self):
        run = self.run_program(COMET_START_ONLINE="0", COMET_EXPERIMENT_KEY=OURS)
        run.begin()
        run.log(1, {"loss": 0.5}, times=500)
        wait_for(lambda: self.points_on_disk() == 500, "all lines are on the disk")
        run.kill()
        (left,) = os.listdir(self.runs)
        with open(os.path.join(self.runs, left, "messages.jsonl"), "a") as file:
            file.write('{"type": "metric_ms')  # as a crash of the machine leaves it
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
            run.log(1, {"loss": 0.25})
        self.assertEqual(len(run.warnings), 1, run.text())
        self.assertEqual(len(os.listdir(self.runs)), 2)
        (left,) = [name for name in self.archives() if name.startswith(OURS)]
        self.assertIn("comet upload " + os.path.join(self.runs, left), run.warnings[0])
        self.check(os.path.join(self.runs, left), {"metrics": {"train/loss": [[s, 0.5] for s in range(1, 501)]}, "exact_metrics": True})

    def test_a_living_runs_directory_is_left_alone(self):
        with self.run_program(COMET_START_ONLINE="0", COMET_EXPERIMENT_KEY=OURS) as first:
            first.begin()
            first.log(1, {"loss": 0.5})
            wait_for(lambda: self.points_on_disk() == 1, "the first run has begun")
            with self.run_program(COMET_START_ONLINE="0", COMET_EXPERIMENT_KEY=OURS) as second:
                second.begin()
                second.log(2, {"loss": 0.25})
            self.assertEqual(len(self.archives()), 1)
            first.log(3, {"loss": 0.125})
        self.assertEqual(len(os.listdir(self.runs)), 2)
        found = sorted(self.read(os.path.join(self.runs, n))["metrics"]["train/loss"] for n in self.archives())
        self.assertEqual(found, [[[1, 0.5], [3, 0.125]], [[2, 0.25]]])
        self.assertEqual(second.warnings, [])

    def test_an_unpacked_archive_is_left_alone(self):
        unpacked = os.path.join(self.runs, OURS)
        os.makedirs(unpacked)
        for name in ("experiment.json", "messages.json"):
            open(os.path.join(unpacked, name), "w").close()
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
        self.assertEqual(sorted(os.listdir(unpacked)), ["experiment.json", "messages.json"])

    def test_runs_begun_together_do_not_meet(self):
        runs = [self.run_program(COMET_START_ONLINE="0") for _ in range(4)]
        for run in runs:
            run.begin()
        for i, run in enumerate(runs):
            run.log(1, {"loss": float(i)})
        for run in runs:
            self.assertEqual(run.close(), 0)
            self.assertEqual(run.warnings, [])
        self.assertEqual(len(os.listdir(self.runs)), 4)
        found = sorted(self.read(os.path.join(self.runs, n))["metrics"]["train/loss"][0][1] for n in self.archives())
        self.assertEqual(found, [0.0, 1.0, 2.0, 3.0])

    def test_a_directory_that_cannot_be_made_is_said_and_counted(self):
        open(self.runs, "w").close()
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
            run.log(1, {"loss": 1.0, "grad_norm": 2.0}, times=50)
            run.end()
        self.assertEqual(len(run.warnings), 3, run.text())
        self.assertIn("cannot be written", run.warnings[0])
        self.assertIn("100 values could not be kept", run.warnings[1])
        self.assertEqual(os.stat(self.runs).st_size, 0)

    def test_a_full_disk_is_said_and_counted(self):
        small_disk(self, self.runs, "256k")
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
            run.log(1, {"loss": 1.0}, times=4000)
            run.end()
        counted = [int(w.split(": ")[3].split()[0]) for w in run.warnings if "values could not be kept" in w]
        self.assertEqual(len(counted), 1, run.text())
        self.assertEqual(self.points_on_disk() + counted[0], 4000)
        self.assertGreater(self.points_on_disk(), 500)
        # The archive has no room either: the directory stays, and is zipped when there is some.
        self.assertIn("the run is kept in", run.warnings[-1])
        kept = self.points_on_disk()
        subprocess.run(["mount", "-o", "remount,size=8m", self.runs], check=True)
        with self.run_program(COMET_START_ONLINE="0") as run:
            run.begin()
        series = [self.read(os.path.join(self.runs, n))["metrics"] for n in self.archives()]
        self.assertEqual(sorted(len(m.get("train/loss", [])) for m in series), [0, kept])
        self.assertEqual(len(os.listdir(self.runs)), 2)


if __name__ == "__main__":
    comet_support.main()
