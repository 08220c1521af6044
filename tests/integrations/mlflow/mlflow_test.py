"""MLflowCallback with a real server: what its client reads, names and values, settings, resuming."""
import base64
import http.server
import json
import math
import os
import threading
import unittest

from mlflow_support import MLflowTest, check_mlflow, entries_in, log_lines, series, wait_for


class Values(MLflowTest):
    def test_all_lines_arrive(self):
        with self.run_with(model={"config": {"hidden": 4}}, args={"run_name": "first", "learning_rate": 0.05}) as run:
            run.begin()
            log_lines(run)
            run.end()
        self.assertEqual(run.warnings, [])
        seen = self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED",
                           "params": {"hidden": "4", "learning_rate": "0.05", "bf16": "False", "optim_args": "None"},
                           "tags": {"mlflow.source.type": "LOCAL", "mlflow.runName": "first"}})
        self.assertEqual(seen["run_name"], "first")
        self.assertTrue(seen["tags"]["mlflow.source.name"].endswith("mlflow_run"))
        self.assertEqual(self.spools(), [])
        self.assertEqual(os.listdir(self.output_dir), [])

    def test_a_run_without_a_name_gets_one_of_the_server(self):
        with self.run_with() as run:
            run.begin()
            run.end()
        self.assertTrue(self.read()["run_name"])

    def test_how_a_run_ends(self):
        for how, status in (("completed", "FINISHED"), ("stopped", "FINISHED"), ("failed", "FAILED"),
                            ("interrupted", "KILLED")):
            with self.run_with() as run:
                run.begin()
                run.log(1, {"loss": 1.0})
                run.end(how)
            self.check({"status": status, "metrics": {"loss": [[1, 1.0]]}})

    def test_lines_after_the_end_belong_to_the_run(self):
        with self.run_with() as run:
            run.begin()
            run.log(1, {"loss": 1.0})
            run.end()
            run.log(1, {"eval_loss": 2.0})
        self.check({"status": "FINISHED", "metrics": {"loss": [[1, 1.0]], "eval_loss": [[1, 2.0]]}})
        self.assertEqual(len(self.runs()), 1)

    def test_an_evaluation_alone_is_a_run(self):
        with self.run_with() as run:
            run.tell("init_end", args=run.args)
            run.log(0, {"eval_loss": 2.0})
        self.check({"status": "FINISHED", "metrics": {"eval_loss": [[0, 2.0]]}})

    def test_another_training_is_another_run(self):
        with self.run_with() as run:
            for value in (1.0, 2.0):
                run.begin()
                run.log(1, {"loss": value})
                run.end()
        self.assertEqual(sorted(found.data.metrics["loss"] for found in self.runs()), [1.0, 2.0])

    def test_predictions_are_not_reported(self):
        with self.run_with() as run:
            run.begin()
            run.predict({"test_loss": 1.0})
            run.end()
        self.check({"absent_metrics": ["test_loss"], "exact_metrics": True})

    def test_numbers_that_are_not_finite(self):
        values = [1.5, math.nan, math.inf, -math.inf, 0.1]
        with self.run_with() as run:
            run.begin()
            for step, value in enumerate(values, 1):
                run.log(step, {"loss": value})
            run.end()
        # The server keeps the largest number in place of an infinite one.
        self.check({"metrics": {"loss": [[1, 1.5], [2, "NaN"], [3, 1.7976931348623157e308],
                                         [4, -1.7976931348623157e308], [5, 0.1]]}})

    def test_names_that_mlflow_does_not_take(self):
        names = {"with space": "with space", "top (5)": "top _5_", "a/b": "a/b", "a//b/": "a/b", "/lead": "lead",
                 "ratio:x": "ratio:x", "größe": "gr__e", "損失": "__", "..": "__", "../up": "__/up", "..x": "__x",
                 "a/../b": "a/__/b", "tab\tname": "tab_name", "quote'\"`": "quote___", "n" * 10000: "n" * 250, "": "_"}
        with self.run_with() as run:
            run.begin()
            for step in (1, 2):
                run.log(step, {name: number for number, name in enumerate(names)})
            run.end()
        warned = [line for line in run.warnings if " is logged as " in line]
        self.assertEqual(len(warned), sum(name != key for name, key in names.items()), warned)
        expected = {}
        for step in (1, 2):
            for number, key in enumerate(names.values()):
                expected.setdefault(key, []).append([step, number])
        self.check({"metrics": expected, "exact_metrics": True})

    def test_text_is_left_out_with_one_warning(self):
        with self.run_with() as run:
            run.begin()
            for step in (1, 2):
                run.log(step, {"note": "hello", "loss": step})
            run.end()
        self.assertEqual(len(run.warnings), 1, run.warnings)
        self.assertIn("note is text", run.warnings[0])
        self.check({"metrics": {"loss": [[1, 1], [2, 2]]}, "exact_metrics": True})

    def test_1001_metrics_at_once(self):
        proxy = self.proxy()
        logs = {f"m{number}": number / 7 for number in range(1001)}
        with self.run_with(proxy.url) as run:
            run.begin()
            run.log(5, logs)
            run.end()
        self.assertEqual(run.warnings, [])
        self.check({"metrics": {name: [[5, value]] for name, value in logs.items()}, "exact_metrics": True})

    def test_lines_of_one_flush_are_one_request(self):
        proxy = self.proxy()
        with self.run_with(proxy.url) as run:
            run.begin()
            run.log(1, {"loss": 1.0, "grad_norm": 2.0}, times=20000)
            run.end()
        requests = [path for _, path, _ in proxy.requests if path.endswith("log-batch")]
        self.assertGreaterEqual(len(requests), 40)
        self.assertLess(len(requests), 200)
        history = self.client().get_metric_history(self.runs()[0].info.run_id, "loss")
        self.assertEqual(sorted(point.step for point in history), list(range(1, 20001)))

    def test_the_same_number_twice_at_a_step_is_twice_there(self):
        with self.run_with() as run:
            run.begin()
            for _ in range(50):
                run.log(8, {"epoch": 1.0})
            run.end()
        self.check({"metrics": {"epoch": [[8, 1.0]] * 50}})

    def test_params_of_all_kinds(self):
        config = {"none": None, "yes": True, "number": 1e-5, "text": "plain", "empty": "", "list": [1, "a", None],
                  "nested": {"x": {"y": 1}}, "name (odd)": 1, "name [odd]": 2, "a" * 300: 3}
        with self.run_with(model={"config": config}) as run:
            run.begin()
            run.end()
        self.assertEqual(len(run.warnings), 1, run.warnings)  # two names become one
        params = self.read()["params"]
        for name, text in {"none": "None", "yes": "True", "number": "1e-05", "text": "plain", "empty": "",
                           "list": '[1, "a", null]', "nested": '{"x": {"y": 1}}', "name _odd_": "1",
                           "a" * 250: "3"}.items():
            self.assertEqual(params[name], text)

    def test_flattened_params(self):
        with self.run_with(model={"config": {"nested": {"x": {"y": 1}, "z": []}}}, MLFLOW_FLATTEN_PARAMS="TRUE") as run:
            run.begin()
            run.end()
        self.check({"params": {"nested.x.y": "1", "nested.z": "[]"}, "absent_params": ["nested"]})

    def test_only_the_first_params(self):
        with self.run_with(model={"config": {"a": 1, "b": 2, "c": 3}}, MLFLOW_MAX_LOG_PARAMS="2") as run:
            run.begin()
            run.end()
        self.assertEqual(self.read()["params"], {"a": "1", "b": "2"})

    def test_long_params_are_cut(self):
        config = {"fits": "x" * 6000, "long": "x" * 6001, "huge": "a" + "ä" * 50000}
        with self.run_with(model={"config": config}) as run:
            run.begin()
            run.end()
        self.check({"params": {"fits": "x" * 6000, "long": "x" * 6000, "huge": "a" + "ä" * 2999},
                    "tags": {"downbeat.truncated": "long, huge"}})

    def test_many_params(self):
        config = {f"p{number}": "y" * 5000 for number in range(333)}
        with self.run_with(model={"config": config}) as run:
            run.begin()
            run.end()
        self.assertEqual(run.warnings, [])
        self.check({"params": config})


class HuggingFace(MLflowTest):
    def test_the_same_run_gives_the_same_record(self):
        def reference(name):
            with open(f"tests/integrations/clients/hf_reference/{name}.json", encoding="utf-8") as file:
                return json.load(file)

        theirs, known = reference("mlflow"), self.known_arguments()
        # What HuggingFace's callback was given of the configuration; args.json has it as the model's file says it.
        args = reference("args")
        given = {name: value for name, value in args["args"].items() if name in known and name != "output_dir"}
        config = {**args["model_config"], "architectures": None, "dtype": None}
        with self.run_with(args=given, model={"config": config}, MLFLOW_TAGS='{"team": "downbeat"}') as run:
            run.begin()
            for line in reference("log_history")["history"]:
                run.log(line.pop("step"), line, epoch=line["epoch"])
            run.end()
        self.assertEqual(run.warnings, [])
        ours = self.read()

        for name in ("run_name", "status", "artifacts", "metrics"):
            self.assertEqual(ours[name], theirs[name])

        theirs["params"].pop("output_dir")
        self.assertEqual(ours["params"].pop("output_dir"), self.output_dir)
        # Two arguments are Downbeat's own; those that it does not have are not there.
        self.assertEqual({name: ours["params"].pop(name) for name in ("async_save", "report_to_new_run")},
                         {"async_save": "False", "report_to_new_run": "False"})
        self.assertEqual([name for name in theirs["params"] if name in ours["params"]],
                         [name for name in theirs["params"] if name in known or name in config])
        self.assertEqual(set(ours["params"]) - set(theirs["params"]), set())
        different = {name: (theirs["params"][name], value) for name, value in ours["params"].items()
                     if value != theirs["params"][name]}
        self.assertEqual(different, {
            # Nested values as JSON in place of Python's repr.
            "id2label": ("{0: 'LABEL_0', 1: 'LABEL_1'}", '{"0": "LABEL_0", "1": "LABEL_1"}'),
            "label2id": ("{'LABEL_0': 0, 'LABEL_1': 1}", '{"LABEL_0": 0, "LABEL_1": 1}'),
            "report_to": ("['tensorboard', 'mlflow', 'wandb', 'codecarbon']",
                          '["tensorboard", "mlflow", "wandb", "codecarbon"]'),
            # An argument of type float stays one.
            "num_train_epochs": ("2", "2.0"),
        })

        self.assertRegex(ours["tags"].pop("downbeat.key"), "^[0-9a-f]{32}$")  # finds the run after a lost answer
        for tags in (ours["tags"], theirs["tags"]):
            tags.pop("mlflow.source.name")  # the program
            tags.pop("mlflow.user")
        self.assertEqual(ours["tags"], theirs["tags"])

    def known_arguments(self):
        with self.run_with() as run:
            run.begin()
            run.end()
        known = set(self.read()["params"])
        self.client().delete_run(self.runs()[0].info.run_id)
        return known


class Artifacts(MLflowTest):
    FILES = {"model.safetensors": b"\0\1" * 100000, "trainer_state.json": b"{}", "sub dir/a%b +1.txt": b"odd",
             "größe.bin": b""}

    def save(self, run, step, files=None):
        directory = os.path.join(self.output_dir, f"checkpoint-{step}")
        for name, content in (files or self.FILES).items():
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        run.tell("save", directory=directory, step=step)
        return directory

    def test_checkpoints_are_uploaded_as_they_are(self):
        with self.run_with(HF_MLFLOW_LOG_ARTIFACTS="1") as run:
            run.begin()
            self.save(run, 8)
            run.end()
        self.assertEqual(run.warnings, [])
        seen = self.check({"artifacts": [f"checkpoint-8/{name}" for name in self.FILES]})
        for name, content in self.FILES.items():
            path = self.client().download_artifacts(seen["run_id"], f"checkpoint-8/{name}", self.directory)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), content)
        self.assertEqual(self.spools(), [])

    def test_not_uploaded_unless_asked_for(self):
        with self.run_with() as run:
            run.begin()
            self.save(run, 8)
            run.end()
        self.assertEqual(self.read()["artifacts"], [])

    def test_a_checkpoint_that_is_deleted_before_the_server_is_back(self):
        proxy = self.proxy("refuse")
        with self.run_with(proxy.url, HF_MLFLOW_LOG_ARTIFACTS="yes") as run:
            run.begin()
            saved = [self.save(run, 8), self.save(run, 16)]
            wait_for(lambda: self.spools() and sum("artifact" in entry for entry in entries_in(self.spools()[0])) ==
                     2 * len(self.FILES), "artifacts in the spool")
            for directory in saved:
                for file in self.FILES:
                    os.remove(os.path.join(directory, file))
            run.end()
            proxy.fault = None
        self.check({"artifacts": [f"checkpoint-{step}/{name}" for step in (8, 16) for name in self.FILES]})
        self.assertEqual(sorted(os.listdir(self.output_dir)), ["checkpoint-16", "checkpoint-8"])


class Settings(MLflowTest):
    def test_tags(self):
        tags = json.dumps({"release.version": "2.2.0", "number": 5, "flag": True, "nested": {"a": 1}, "long": "x" * 9000})
        with self.run_with(MLFLOW_TAGS=tags) as run:
            run.begin()
            run.end()
        self.check({"tags": {"release.version": "2.2.0", "number": "5", "flag": "True", "nested": '{"a": 1}',
                             "long": "x" * 8000}})

    def test_a_nested_run(self):
        with self.run_with(MLFLOW_NESTED_RUN="true", MLFLOW_PARENT_RUN_ID="abc123") as run:
            run.begin()
            run.end()
        self.check({"tags": {"mlflow.parentRunId": "abc123"}})

    def test_an_experiment_by_its_id(self):
        experiment = self.client().create_experiment(self.experiment)
        with self.run_with(MLFLOW_EXPERIMENT_NAME="", MLFLOW_EXPERIMENT_ID=experiment) as run:
            run.begin()
            run.end()
        self.assertEqual(len(self.runs()), 1)

    def test_the_experiment_default(self):
        with self.run_with(MLFLOW_EXPERIMENT_NAME="", args={"run_name": "in default"}) as run:
            run.begin()
            run.end()
        seen = check_mlflow.read(self.server.uri, experiment="Default", run_name="in default")
        self.assertEqual(seen["status"], "FINISHED")

    def test_can_be_disabled(self):
        proxy = self.proxy()
        with self.run_with(proxy.url, DISABLE_MLFLOW_INTEGRATION="TRUE", MLFLOW_TAGS="{") as run:
            run.begin()
            log_lines(run)
            run.save(os.path.join(self.output_dir, "checkpoint-8"))
            run.end()
        self.assertEqual(run.warnings, [])
        self.assertEqual(proxy.requests, [])
        self.assertEqual(os.listdir(os.path.join(self.output_dir, "checkpoint-8")), [])

    def test_another_process_of_the_same_training_writes_nothing(self):
        proxy = self.proxy()
        with self.run_with(proxy.url) as run:
            run.tell("init_end", args=run.args, is_world_process_zero=False)
            run.tell("train_begin")
            log_lines(run)
            run.save(os.path.join(self.output_dir, "checkpoint-8"))
            run.end()
        self.assertEqual(proxy.requests, [])
        self.assertEqual(os.listdir(os.path.join(self.output_dir, "checkpoint-8")), [])
        self.assertFalse(os.path.exists(os.path.join(self.directory, "mlflow.db")))

    def test_what_cannot_be_meant_is_said_before_the_first_step(self):
        for env, sentence in (
                ({"MLFLOW_TAGS": "{team"}, "MLFLOW_TAGS is '{team': it must be a JSON object"),
                ({"MLFLOW_TAGS": "[1]"}, "MLFLOW_TAGS is '[1]'"),
                ({"MLFLOW_TRACKING_URI": "http://"}, "MLFLOW_TRACKING_URI is 'http://'"),
                ({"MLFLOW_TRACKING_URI": "sqlite://"}, "sqlite:///PATH"),
                ({"MLFLOW_TRACKING_URI": "sqlite:///:memory:"}, "sqlite:///PATH"),
                ({"MLFLOW_MAX_LOG_PARAMS": "many"}, "MLFLOW_MAX_LOG_PARAMS is 'many': it must be a whole number"),
                ({"MLFLOW_RUN_ID": "a b"}, "MLFLOW_RUN_ID is 'a b'"),
                ({"MLFLOW_HTTP_REQUEST_TIMEOUT": "-1"}, "MLFLOW_HTTP_REQUEST_TIMEOUT is '-1'"),
                ({"MLFLOW_TRACKING_SERVER_CERT_PATH": "/none.pem"}, "MLFLOW_TRACKING_SERVER_CERT_PATH is '/none.pem'"),
                ({"FINISH_TIMEOUT": "-1"}, "finish_timeout_seconds is '-1'")):
            with self.run_with(**env) as run:
                with self.assertRaises(RuntimeError) as caught:
                    run.begin()
                self.assertIn(sentence, str(caught.exception))
                self.assertNotIn("\n", str(caught.exception))

    def test_credentials(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append(self.headers.get("Authorization"))
                self.send_response(401)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        basic = "Basic " + base64.b64encode(b"ada:s3cret").decode()
        file_of = {"both": "[other]\nmlflow_tracking_username = eve\n[mlflow]\n# comment\n"
                           "mlflow_tracking_username = ada\nMLFLOW_TRACKING_PASSWORD=s3cret\n", "none": ""}
        for file, env, expected in (
                ("none", {}, None),
                ("none", {"MLFLOW_TRACKING_TOKEN": "s3cret"}, "Bearer s3cret"),
                ("none", {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "s3cret",
                          "MLFLOW_TRACKING_TOKEN": "t"}, basic),
                ("both", {}, basic),
                ("both", {"MLFLOW_TRACKING_TOKEN": "t"}, basic),
                ("none", {"user info": "ada:s3cret@"}, basic)):
            os.makedirs(os.path.join(self.directory, ".mlflow"), exist_ok=True)
            with open(os.path.join(self.directory, ".mlflow", "credentials"), "w", encoding="utf-8") as text:
                text.write(file_of[file])
            seen = []
            uri = f"http://{env.pop('user info', '')}127.0.0.1:{server.server_address[1]}"
            self.output_dir = os.path.join(self.directory, f"out{len(os.listdir(self.directory))}")
            with self.run_with(uri, **env) as run:
                run.begin()
                run.log(1, {"loss": 1.0})
                run.end()
            self.assertEqual(seen, [expected])
            with open(self.spools()[0], encoding="utf-8") as spool:
                self.assertNotIn("s3cret", spool.read() + run.text())
            self.assertIn("MLFLOW_TRACKING_USERNAME", run.text())


class Resuming(MLflowTest):
    def setUp(self):
        super().setUp()
        self.checkpoint = os.path.join(self.output_dir, "checkpoint-8")
        with self.run_with() as run:
            run.begin()
            log_lines(run)
            wait_for(lambda: self.runs() and "loss" in self.runs()[0].data.metrics, "the run")
            run.save(self.checkpoint)
            run.end("interrupted")
        self.first = self.read()["run_id"]

    def resume(self, args=None, **env):
        with self.run_with(args=args, **env) as run:
            run.tell("init_end", args=run.args)
            run.tell("load_checkpoint", directory=self.checkpoint, step=8)
            run.tell("train_begin", step=8, epoch=1.0)
            run.log(9, {"loss": 0.05, "epoch": 9 / 8})
            run.end()
        return run

    def test_goes_on_with_the_run_of_the_checkpoint(self):
        run = self.resume(args={"resume_from_checkpoint": self.checkpoint})
        self.assertEqual(run.warnings, [])
        self.assertEqual(len(self.runs()), 1)
        self.check({"metrics": {"loss": series()["loss"] + [[9, 0.05]]}, "status": "FINISHED"})

    def test_a_changed_param_keeps_its_first_value(self):
        run = self.resume(args={"max_steps": 99, "run_name": "changed"})
        self.assertEqual(len(run.warnings), 2, run.warnings)
        self.assertIn("max_steps", run.warnings[0])
        seen = self.check({"params": {"max_steps": "-1"}, "metrics": {"loss": series()["loss"] + [[9, 0.05]]}})
        self.assertEqual(seen["run_id"], self.first)

    def test_the_run_of_the_environment_wins(self):
        other = self.client().create_run(self.client().get_experiment_by_name(self.experiment).experiment_id)
        self.resume(MLFLOW_RUN_ID=other.info.run_id, MLFLOW_TAGS='{"team": "vision"}')
        self.check({"metrics": {"loss": [[9, 0.05]]}, "status": "FINISHED", "tags": {"team": "vision"}},
                   run_id=other.info.run_id)

    def test_a_new_run_when_asked_for(self):
        self.resume(args={"report_to_new_run": True})
        self.assertEqual(len(self.runs()), 2)

    def test_a_checkpoint_of_huggingface_begins_a_new_run(self):
        path = os.path.join(self.checkpoint, "mlflow_run.json")
        for text in (None, "", "{", "[]", '{"run_id": 5}', '{"run_id": 5, "key": 5, "uri": 5}',
                     json.dumps({"run_id": 5, "key": 5, "uri": self.uri})):
            os.remove(path)
            if text is not None:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            before = len(self.runs())
            self.resume()
            self.assertEqual(len(self.runs()), before + 1)
            open(path, "a", encoding="utf-8").close()

    def test_a_checkpoint_of_another_server_begins_a_new_run(self):
        proxy = self.proxy()
        with self.run_with(proxy.url) as run:
            run.tell("init_end", args=run.args)
            run.tell("load_checkpoint", directory=self.checkpoint, step=8)
            run.tell("train_begin", step=8)
            run.end()
        self.assertEqual(len(run.warnings), 1)
        self.assertIn("a new run begins", run.warnings[0])
        self.assertEqual(len(self.runs()), 2)


if __name__ == "__main__":
    unittest.main(argv=["mlflow_test"])
