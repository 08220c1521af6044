"""What the official client makes of WandbCallback's runs: names, rows, summary, configuration, artifacts, histograms."""
import json
import os
import subprocess
import unittest

import wandb_support as support
from wandb_support import WandbTest, check_wandb, items, records, reference

NAN, INFINITY = float("nan"), float("inf")


class Rows(WandbTest):
    def test_every_line_arrives_with_its_step_and_values(self):
        with self.run_with(args={"run_name": "a run"}) as run:
            run.begin()
            for step in range(1, 1001):
                run.log(step, {"loss": 1 / step, "learning_rate": 1e-7 * step, "tokens": step * 10**12})
            run.log(1000, {"eval_loss": 0.25, "eval_accuracy": 1.0, "eval_runtime": 0.5})
            run.end()
            run.predict({"test_loss": 0.125, "test_runtime": 1})
            self.assertEqual(run.warnings, [])
        steps = range(1, 1001)
        self.check({
            "metrics": {
                "train/loss": [[step, 1 / step] for step in steps],
                "train/learning_rate": [[step, 1e-7 * step] for step in steps],
                "train/tokens": [[step, step * 10**12] for step in steps],
                "eval/loss": [[1000, 0.25]], "eval/accuracy": [[1000, 1.0]], "eval/runtime": [[1000, 0.5]],
                "test/loss": [[1000, 0.125]], "test/runtime": [[1000, 1]],
            },
            "min_points": {"train/global_step": 1002},
            "exact_metrics": True, "rel": 0, "abs": 0, "status": "0",
            "texts": {"train/loss": "0.001", "test/loss": "0.125"},
        })
        seen = check_wandb.read(self.file())
        self.assertEqual([row["_step"] for row in seen["rows"]], list(range(1002)))
        self.assertEqual((seen["project"], seen["name"]), ("huggingface", "a run"))
        times = [row["_timestamp"] for row in seen["rows"]]
        self.assertEqual(times, sorted(times))

    def test_numbers_that_are_none_arrive(self):
        with self.run_with() as run:
            run.begin()
            run.log(1, {"loss": NAN, "grad_norm": INFINITY, "other": -INFINITY, "note": "text"})
            run.log(2, {"loss": 0.1 + 0.2, "grad_norm": 5e-324, "other": 1.7976931348623157e308})
            run.end()
        self.check({"metrics": {"train/loss": [[1, "NaN"], [2, 0.1 + 0.2]],
                                "train/grad_norm": [[1, "Infinity"], [2, 5e-324]],
                                "train/other": [[1, "-Infinity"], [2, 1.7976931348623157e308]]},
                    "texts": {"train/note": "text"}, "rel": 0, "abs": 0})

    def test_odd_names_arrive(self):
        names = ["a b", "a/b//c", "/a", "(a)", "a:b", "a.b", "größe", "損失", "a\"b\\c\nd", "x" * 10000, "_step", "global_step"]
        logs = {name: 1.5 + at for at, name in enumerate(names)}
        with self.run_with() as run:
            run.begin()
            run.log(7, logs)
            run.log(8, logs)
            run.end()
            self.assertEqual(run.warnings, [])
        self.check({"metrics": {"train/" + name: [[7, value], [8, value]] for name, value in logs.items()
                                if name != "global_step"},
                    "min_points": {"train/global_step": 2}, "exact_metrics": True})
        rows = check_wandb.read(self.file())["rows"]
        self.assertEqual([row["train/global_step"] for row in rows], [7, 8])

    def test_a_thousand_names_and_long_texts_arrive(self):
        logs = {f"metric {i}": i / 7 for i in range(1001)}
        with self.run_with(args={"run_name": "n" * 1000}, model={"config": {"long": "é" * 100000}}) as run:
            run.begin()
            run.log(1, {**logs, "note": "y" * 100000})
            run.end()
        self.check({"metrics": {"train/" + name: [[1, value]] for name, value in logs.items()},
                    "params": {"long": "é" * 100000}, "texts": {"train/note": "y" * 100000}})

    def test_bytes_that_are_no_text_are_replaced(self):
        broken = b"a\xffb".decode("utf-8", "surrogateescape")
        with self.run_with(WANDB_NOTES=broken, WANDB_TAGS=f"good,{broken}") as run:
            run.begin()
            run.log(1, {"loss": 1.0})
            run.end()
        self.check({"metrics": {"train/loss": [[1, 1.0]]}})
        (description,) = records(self.file(), "run")
        self.assertEqual((description.notes, list(description.tags)), ("a\ufffdb", ["good", "a\ufffdb"]))

    def test_records_longer_than_blocks_and_at_their_ends(self):
        with self.run_with() as run:
            run.begin()
            for size in [*range(0, 3000, 7), 32768 - 7, 32768, 100000]:
                run.log(size, {"note": "z" * size})
            run.end()
        self.check({})
        rows = check_wandb.read(self.file())["rows"]
        for row in rows:
            self.assertEqual(row["train/note"], "z" * row["train/global_step"])

    def test_a_prediction_alone_makes_a_run(self):
        with self.run_with() as run:
            run.tell("init_end", args=run.args)
            run.predict({"test_loss": 0.5})
        self.check({"metrics": {"test/loss": [[0, 0.5]], "train/global_step": [[0, 0]]}, "status": "0"})

    def test_other_processes_write_nothing(self):
        with self.run_with() as run:
            run.tell("init_end", args=run.args, is_world_process_zero=False)
            run.tell("train_begin")
            run.log(1, {"loss": 1.0})
            run.end()
        self.assertEqual(os.listdir(self.directory), [])

    def test_two_runs_of_one_second_are_kept_apart(self):
        programs = [self.run_with(WANDB_RUN_ID="same") for _ in range(4)]
        for program in programs:
            program.begin()
            program.log(1, {"loss": 1.0}, times=500)
        for program in programs:
            program.end()
            self.assertEqual(program.close(), 0)
            self.assertEqual(program.warnings, [])
        self.assertEqual(len(self.files()), 4)
        for path in self.files():
            self.check({"min_points": {"train/loss": 500}}, path, ["--no-sync"])

    def test_a_run_that_failed_or_was_interrupted_says_so(self):
        for how, code in (("failed", "1"), ("interrupted", "255"), ("stopped", "0")):
            directory = os.path.join(self.directory, how)
            os.mkdir(directory)
            with self.run_with(cwd=directory) as run:
                run.begin()
                run.log(1, {"loss": 1.0})
                run.end(how)
            self.check({"status": code}, self.files(directory)[0])


class Settings(WandbTest):
    def test_the_environment_is_read_as_the_client_does(self):
        where = os.path.join(self.directory, "where it is")
        os.makedirs(os.path.join(where, ".wandb"))
        with self.run_with(WANDB_DIR=where, WANDB_PROJECT="p", WANDB_ENTITY="e", WANDB_NAME="n", WANDB_NOTES="some notes",
                           WANDB_TAGS="a,b c", WANDB_JOB_TYPE="j", WANDB_RUN_GROUP="g", WANDB_RUN_ID="My-Id_1") as run:
            run.begin()
            run.end()
        path = os.path.join(os.path.realpath(os.path.join(where, ".wandb", "latest-run")), "run-My-Id_1.wandb")
        self.check({}, path)
        (run,) = records(path, "run")
        self.assertEqual((run.project, run.entity, run.display_name, run.notes, list(run.tags), run.job_type,
                          run.run_group, run.run_id),
                         ("p", "e", "n", "some notes", ["a", "b c"], "j", "g", "My-Id_1"))

    def test_system_information_is_there_and_tells_no_secret(self):
        secret = "0123456789secret"
        program = os.path.join(self.directory, "with_arguments.sh")
        with open(program, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {support.PROGRAM} --hub_token={secret} --api_key {secret} --seed=1\n')
        os.chmod(program, 0o755)
        with self.run_with(program, WANDB_API_KEY=secret) as run:
            run.begin()
            run.log(1, {"loss": 1.0})
            run.end()
        path = self.file()
        (environment,) = records(path, "environment")
        self.assertEqual(list(environment.args), ["--hub_token=<HUB_TOKEN>", "--api_key", "<API_KEY>", "--seed=1"])
        self.assertEqual(environment.cpu_count_logical, os.cpu_count())
        self.assertTrue(environment.os.startswith("Linux-") and environment.host and environment.writer_id)
        self.assertEqual(os.path.basename(environment.executable), "wandb_run")
        (stats,) = records(path, "stats")
        self.assertGreater(items(stats.item)["proc.memory.rssMB"], 1)
        found = subprocess.run(["grep", "-rl", secret, os.path.dirname(path)], capture_output=True, text=True)
        self.assertEqual(found.stdout, "")

    def test_the_commit_is_that_of_git(self):
        git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", self.directory]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
        subprocess.run([*git, "remote", "add", "origin", "https://me:secret@git.example/a.git"], check=True)
        commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        for pack in (False, True):
            if pack:
                subprocess.run([*git, "pack-refs", "--all"], check=True)
            with self.run_with() as run:
                run.begin()
        for path in self.files():
            (run,) = records(path, "run")
            self.assertEqual((run.git.commit, run.git.remote_url), (commit, "https://git.example/a.git"))

    def test_online_without_a_key_is_refused_before_the_first_step(self):
        with self.run_with(WANDB_MODE="online") as run:
            with self.assertRaisesRegex(RuntimeError, "WANDB_MODE is 'online' and there is no key for api.wandb.ai"):
                run.tell("init_end", args=run.args)
        self.assertEqual(os.listdir(self.directory), [])

    def test_disabled_writes_nothing(self):
        for env in ({"WANDB_MODE": "disabled"}, {"WANDB_DISABLED": "true", "WANDB_MODE": "online"}):
            with self.run_with(**env) as run:
                run.begin()
                run.log(1, {"loss": 1.0})
                run.save(os.path.join(self.directory, "checkpoint-1"))
                run.end()
                run.predict({"test_loss": 1.0})
            self.assertEqual(os.listdir(self.directory), ["checkpoint-1"])
            self.assertEqual(os.listdir(os.path.join(self.directory, "checkpoint-1")), [])


class HuggingFace(WandbTest):
    # Names in the reference's configuration that Downbeat has no argument for.
    NOT_ARGUMENTS = 54

    def known_arguments(self):
        directory = os.path.join(self.directory, "known")
        os.mkdir(directory)
        with self.run_with(cwd=directory) as run:
            run.begin()
        return check_wandb.read(self.files(directory)[0])["params"]

    def conduct(self, run, save=lambda step: None):
        run.begin()
        lines = reference("log_history")["history"]
        for at, line in enumerate(lines):
            step = line.pop("step")
            run.log(step, line, epoch=line["epoch"])
            if any(name.startswith("eval_") for name in line):
                save(step)
        run.end()

    def test_the_same_run_gives_the_same_record(self):
        theirs = reference("wandb")
        known = self.known_arguments()
        args = {name: value for name, value in reference("args")["args"].items() if name in known}
        config = {name: value for name, value in theirs["params"].items() if name in reference("args")["model_config"]}
        model = {"config": config, "text": "TinyRegression()", "parameters": {"fc1.weight": [0.5] * 49}}
        with self.run_with(args=args, model=model, WANDB_PROJECT="downbeat-ref", WANDB_RUN_ID="hfref001") as run:
            self.conduct(run)
            run.predict(reference("log_history")["predict_metrics"])
            self.assertEqual(run.warnings, [])
        self.check({"status": "0"})
        ours = check_wandb.read(self.file())

        for name in ("metrics", "artifacts", "run_id", "project", "name", "status"):
            self.assertEqual(ours[name], theirs[name], name)
        clock = ("_timestamp", "_runtime")
        for mine, reference_row in zip(ours["rows"], theirs["rows"], strict=True):
            self.assertEqual({k: v for k, v in mine.items() if k not in clock},
                             {k: v for k, v in reference_row.items() if k not in clock})
            self.assertEqual({k for k in mine if k in clock}, set(clock))

        # The runtime is another one, and the moment.
        differ = ("_wandb", "_runtime", "_timestamp")
        self.assertEqual({k: v for k, v in ours["texts"].items() if k not in differ},
                         {k: v for k, v in theirs["texts"].items() if k not in differ})
        self.assertEqual(set(ours["texts"]), set(theirs["texts"]))

        # Arguments that Downbeat does not have are not there; two are its own.
        own = {name: ours["params"].pop(name) for name in ("async_save", "report_to_new_run")}
        self.assertEqual(own, {"async_save": False, "report_to_new_run": False})
        missing = set(theirs["params"]) - set(ours["params"])
        self.assertEqual(missing & set(known), set())
        self.assertLessEqual(len(missing), self.NOT_ARGUMENTS)
        self.assertEqual(ours["params"], {k: v for k, v in theirs["params"].items() if k not in missing})

        # Not written: requirements.txt, telemetry about Python, captured output. Metric definitions are the same.
        kinds = ("header", "run", "metric", "history", "exit")
        self.assertEqual({kind: ours["kinds"][kind] for kind in kinds}, {kind: theirs["kinds"][kind] for kind in kinds})

    def make_checkpoint(self, step, also=()):
        directory = os.path.join(self.directory, "out", f"checkpoint-{step}")
        os.makedirs(directory)
        names = ("scheduler.pt", "rng_state.pth", "training_args.bin", "trainer_state.json", "model.safetensors",
                 "config.json", "optimizer.pt", *also)
        for name in names:
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(f"{name} {step}")
        return directory

    def test_artifacts_are_the_same_and_outlive_their_checkpoints(self):
        theirs = reference("wandb_log_model")["artifacts"]
        config = theirs[0]["metadata"]["model_config"]
        text = "TinyRegression(\n  (fc1): Linear(in_features=4, out_features=8, bias=True)\n" \
               "  (fc2): Linear(in_features=8, out_features=1, bias=True)\n)"
        model = {"config": config, "text": text, "parameters": {"weights": [0.5] * 49}}

        def save(step):
            directory = self.make_checkpoint(step)
            run.save(directory)

        with self.run_with(args={"run_name": "hf-reference", "output_dir": "out"}, model=model,
                           WANDB_LOG_MODEL="checkpoint") as run:
            self.conduct(run, save)
            subprocess.run(["rm", "-r", os.path.join(self.directory, "out")], check=True)
            self.assertEqual(run.warnings, [])
        code, output, service, _ = check_wandb.sync(self.file())
        self.assertEqual((code, service["unknown"]), (0, []), output)
        ours = list(service["artifacts"].values())

        clock = ("runtime", "_per_second")  # another run's times

        def comparable(artifact):
            metadata = {k: v for k, v in artifact["metadata"].items() if not k.endswith(clock)}
            return {**artifact, "aliases": sorted(artifact["aliases"]), "metadata": metadata,
                    "files": sorted(artifact["files"]), "digest": None, "manifest": None}

        self.assertEqual(len(ours), len(theirs))
        for mine, reference_artifact in zip(ours, theirs):
            self.assertEqual(set(mine["metadata"]), set(reference_artifact["metadata"]))
            expected = comparable(reference_artifact)
            self.assertEqual(comparable(mine), expected)
        self.assertEqual(ours[0]["files"], theirs[0]["files"], "the architecture as Python prints it")

    def test_digests_are_those_of_the_client(self):
        import wandb

        def save_with_shards(step):
            directory = self.make_checkpoint(step, also=("a b.txt", "größe.txt", ".hidden"))
            os.mkdir(os.path.join(directory, "below"))
            with open(os.path.join(directory, "below", "z.bin"), "wb") as file:
                file.write(bytes(range(256)) * 9000)
            run.save(directory)
            return directory

        with self.run_with(WANDB_LOG_MODEL="checkpoint", WANDB_RUN_ID="digests", model={"text": "Net()"}) as run:
            run.begin()
            run.log(1, {"loss": NAN}, epoch=0.995)
            directory = save_with_shards(1)
            run.end()
        os.remove(os.path.join(directory, "wandb_run.json"))  # which run the checkpoint belongs to
        artifact = wandb.Artifact("model-digests", "model")
        artifact.add_dir(directory)
        base, saved, final = records(self.file(), "artifact")
        self.assertEqual((saved.name, saved.digest), ("model-digests", artifact.digest))
        self.assertEqual(list(saved.aliases), [f"epoch_{round(0.995, 2)}", "checkpoint_global_step_1", "latest"])
        self.assertEqual(json.loads(saved.metadata),
                         {"train/loss": None, "train/global_step": 1, "model/num_parameters": 0})
        self.assertEqual({entry.path: entry.digest for entry in saved.manifest.contents},
                         {path: entry.digest for path, entry in artifact.manifest.entries.items()})
        self.assertIn("größe.txt", [entry.path for entry in final.manifest.contents])
        self.assertEqual(json.loads(base.metadata), {"model_config": None, "num_parameters": 0, "initial_model": True})

    def test_only_the_end_is_logged_where_only_that_is_asked_for(self):
        with self.run_with(args={"load_best_model_at_end": True, "metric_for_best_model": "accuracy", "run_name": "a/b c",
                                 "eval_strategy": "steps"}, model={"text": "Net()"}, WANDB_LOG_MODEL="end") as run:
            run.begin()
            run.log(3, {"loss": 1.0})
            run.save(self.make_checkpoint(3))
            run.tell("log", step=4, logs={"loss": 0.5})
            run.end()
            self.assertEqual(len(run.warnings), 1)
            self.assertIn("holds the model of step 3, the last checkpoint", run.warnings[0])
        base, final = records(self.file(), "artifact")
        self.assertEqual((final.name, list(final.aliases)), ("model-a_b_c", ["final_model", "latest"]))
        self.assertEqual(json.loads(final.metadata), {"eval/accuracy": None, "train/total_floss": 0.0,
                                                      "model/num_parameters": 0, "final_model": True})
        self.assertEqual([entry.path for entry in final.manifest.contents],
                         ["config.json", "model.safetensors", "model_architecture.txt", "training_args.bin"])
        self.check({})

    def test_an_unknown_way_to_log_models_means_false(self):
        with self.run_with(WANDB_LOG_MODEL="true", model={"text": "Net()"}) as run:
            run.begin()
            run.end()
            self.assertEqual(len(run.warnings), 1)
            self.assertIn("WANDB_LOG_MODEL is 'true'", run.warnings[0])
        self.assertEqual(records(self.file(), "artifact"), [])


class Watching(WandbTest):
    WEIGHTS = [-1.0, -0.5, 0.0, 0.25, 1.0]
    GRADIENTS = [0.5, 0.5, NAN]

    def watched(self, which):
        model = {"parameters": {"fc1.weight": self.WEIGHTS}, "gradients": {"fc1.weight": self.GRADIENTS}}
        with self.run_with(model=model, WANDB_WATCH=which, TEST_WATCH_STEPS=2) as run:
            run.begin()
            for step in range(4):
                run.tell("gradients_ready", step=step)
                run.log(step + 1, {"loss": 1.0})
            run.end()
        self.check({"metrics": {"train/loss": [[step, 1.0] for step in range(1, 5)]}})
        rows = [items(history.item) for history in records(self.file(), "history")]
        self.assertFalse([name for at in (0, 2) for name in rows[at] if "fc1" in name], "every second step")
        return rows[3]

    def test_gradients_and_parameters_are_histograms_as_the_client_writes_them(self):
        row = self.watched("all")
        self.assertEqual(row["parameters/fc1.weight/_type"], "histogram")
        counts, edges = row["parameters/fc1.weight/values"], row["parameters/fc1.weight/bins"]
        self.assertEqual((len(counts), len(edges)), (64, 65))
        self.assertEqual(edges, [-1 + at / 32 for at in range(65)])
        expected = [0.0] * 64
        for value in self.WEIGHTS:
            expected[min(int((value + 1) * 32), 63)] += 1
        self.assertEqual(counts, expected)
        self.assertEqual((row["gradients/fc1.weight/values"], row["gradients/fc1.weight/bins"]), ([2.0], [0.5, 0.5]))
        summary = check_wandb.read(self.file())["texts"]
        self.assertEqual(summary["parameters/fc1.weight"]["values"], expected)

    def test_one_of_them_alone(self):
        row = self.watched("gradients")
        self.assertEqual({name.split("/")[0] for name in row if "fc1" in name}, {"gradients"})


if __name__ == "__main__":
    unittest.main(argv=["wandb_test"], warnings="ignore")
