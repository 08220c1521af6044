"""CometCallback and the service, over a network that misbehaves. Whatever happens: what the service got and what `comet
upload` brings afterwards are together all that was logged."""
import json
import os
import threading

import comet_support
from comet_support import OURS, points, points_in
from faulty_proxy import FaultyProxy
from situations import wait_for

LINES = [(step, {"loss": 1 / step, "grad_norm": float(step), "epoch": step / 8}) for step in range(1, 9)]


class OnlineTest(comet_support.CometTest):
    def setUp(self):
        super().setUp()
        self.seen, uri = self.service()
        self.proxy = FaultyProxy(uri)
        self.addCleanup(self.proxy.close)

    def go(self, lines=LINES, meanwhile=lambda: None, **env):
        """A whole run; `meanwhile` is called after half of the lines."""
        with self.run_program({"run_name": "first"}, {"text": "Net()", "config": {"hidden": 8}}, online=self.proxy.url,
                              **{"COMET_WORKSPACE": "space", "COMET_PROJECT_NAME": "project", **env}) as run:
            run.begin()
            for step, logs in lines[: len(lines) // 2]:
                run.log(step, logs)
            meanwhile()
            for step, logs in lines[len(lines) // 2:]:
                run.log(step, logs)
            run.end()
        self.assertNotIn(comet_support.KEY, run.text())
        self.assertEqual(self.seen["errors"], [])
        return run

    def experiment(self):
        (experiment,) = self.seen["experiments"].values()
        return experiment

    def metrics_online(self):
        return set().union(*(points_in(e["metrics"]) for e in self.seen["experiments"].values()), set())

    def sent(self, what):
        return [path for _, path in self.seen["requests"] if path.endswith(what)]

    def assert_all_online(self, run, lines=LINES):
        self.assertEqual(self.metrics_online(), points(lines))
        self.assertEqual(os.listdir(self.runs), [])
        self.assertFalse([w for w in run.warnings if "comet upload" in w], run.text())
        self.assertEqual(self.experiment()["params"]["config|hidden"], 8)
        self.assertGreater(self.experiment()["end"], 1e12)

    def assert_archived(self, run, lines=LINES):
        """The archive is there, is named in one line, is whole, and is taken by the real client."""
        archive = self.only_archive()
        self.assertEqual(len([w for w in run.warnings if "comet upload " + archive in w]), 1, run.text())
        with open(archive, "rb") as file:
            self.assertNotIn(comet_support.KEY.encode(), file.read())
        self.check(archive, {"params": {"config|hidden": 8}, "tags": {"Name": "first"}})
        self.assertEqual(self.metrics_online() | points_in(self.uploaded(archive)["metrics"]), points(lines))
        return archive


class Healthy(OnlineTest):
    def test_gets_everything(self):
        run = self.go([*LINES, (9, {"eval_loss": float("nan"), "eval_x": float("-inf"), "a b/ü": 2})])
        self.assertEqual(run.warnings, [])
        self.assert_all_online(run, [*LINES, (9, {"eval_loss": "NaN", "eval_x": "-Infinity", "a b/ü": 2})])
        experiment = self.experiment()
        self.assertEqual((experiment["workspace"], experiment["project"], experiment["name"]), ("space", "project", "first"))
        self.assertEqual(experiment["others"], {"Name": "first", "graph": "Net()", "hasNestedParams": True, "Created from": "transformers"})
        self.assertEqual(experiment["params"]["args|run_name"], "first")
        self.assertGreater(experiment["heartbeats"], 0)
        self.assertLessEqual(experiment["start"], experiment["end"])
        self.assertEqual(len(self.sent("experiment/create")), 1)
        # In order, with the epoch, and nothing twice.
        self.assertEqual([(p[0], p[2]) for p in experiment["metrics"]["train/loss"]], [(s, s / 8) for s, _ in LINES])

    def test_gets_the_assets(self):
        path = os.path.join(self.directory, "out/checkpoint-8/a b&c.json")
        os.makedirs(os.path.dirname(path))
        with open(path, "w") as file:
            file.write("0123456789")
        run = self.go(COMET_LOG_ASSETS="TRUE")
        self.assert_all_online(run)
        self.assertEqual(self.experiment()["assets"], {"out/checkpoint-8/a b&c.json": 10})

    def test_chooses_a_workspace_and_project(self):
        run = self.go(COMET_WORKSPACE=None, COMET_PROJECT_NAME=None)
        self.assert_all_online(run)
        self.assertEqual((self.experiment()["workspace"], self.experiment()["project"]), ("fake", "general"))

    def test_of_an_own_key_goes_on_with_its_experiment(self):
        for lines in (LINES[:4], LINES[4:]):
            run = self.go(lines, COMET_EXPERIMENT_KEY=OURS)
            self.assertEqual(run.warnings, [])
        self.assert_all_online(run)
        self.assertEqual(list(self.seen["experiments"]), [OURS])
        self.assertEqual(len(self.sent("experiment/create")), 1)

    def test_resumed_from_a_checkpoint_goes_on_with_its_experiment(self):
        checkpoint = os.path.join(self.directory, "checkpoint-4")
        for part, lines in enumerate((LINES[:4], LINES[4:])):
            with self.run_program(online=self.proxy.url) as run:
                run.tell("init_end", args=run.args, model={"config": {"hidden": 8}})
                if part == 1:
                    run.tell("load_checkpoint", directory=checkpoint)
                run.tell("train_begin")
                for step, logs in lines:
                    run.log(step, logs)
                if part == 0:
                    run.save(checkpoint)
                run.end()
        self.assert_all_online(run)
        self.assertEqual(len(self.seen["experiments"]), 1)

    def test_without_the_experiment_that_get_asks_for_keeps_an_archive(self):
        run = self.go(COMET_EXPERIMENT_KEY=OURS, COMET_MODE="get")
        self.assertIn("there is no such experiment", run.text())
        self.assertEqual(self.seen["experiments"], {})
        archive = self.only_archive()
        self.assertEqual({(p[0], p[1]) for p in self.read(archive)["metrics"]["train/loss"]}, {(s, l["loss"]) for s, l in LINES})

    def test_may_choose_the_experiments_key(self):
        import fake_comet

        class ChoosesKeys(fake_comet.H):
            def v2(self, st, p, q, body, err):
                if p == "write/experiment/create":
                    body = json.dumps({k: v for k, v in json.loads(body).items() if k != "experimentKey"}).encode()
                return super().v2(st, p, q, body, err)

        server = fake_comet.Server(("127.0.0.1", 0), ChoosesKeys)
        server.st = fake_comet.State(None, comet_support.KEY, (500, 0))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.seen, self.proxy = server.st.d, FaultyProxy(f"http://127.0.0.1:{server.server_address[1]}")
        self.addCleanup(self.proxy.close)
        run = self.go()
        self.assert_all_online(run)
        # What stays offline is of that experiment as well.
        run = self.go(meanwhile=lambda: (wait_for(lambda: len(self.seen["experiments"]) == 2, "the experiment is made"), self.refuse()), TEST_DRAIN="1")
        self.assertIn(self.read(self.only_archive())["key"], self.seen["experiments"])

    def refuse(self):
        self.proxy.fault = "refuse"


class Unhealthy(OnlineTest):
    def fault(self, fault, times=None):
        self.proxy.times, self.proxy.fault = times, fault

    def test_a_server_that_is_down_costs_nothing_but_time(self):
        self.fault("refuse")
        run = self.go()
        self.assertEqual(len(run.warnings), 2, run.text())
        self.assertIn("cannot be reached", run.warnings[0])
        self.assert_archived(run)
        self.assertEqual(self.seen["requests"], [])

    def test_a_server_that_comes_later_gets_everything(self):
        self.fault("refuse")
        run = self.go(meanwhile=lambda: self.fault(None))
        self.assert_all_online(run)

    def test_a_server_that_goes_and_comes_back_gets_everything(self):
        with self.run_program(model={"config": {"hidden": 8}}, online=self.proxy.url) as run:
            run.begin()
            run.log(*LINES[0])
            wait_for(lambda: len(self.metrics_online()) == 3, "the first line has arrived")
            self.fault("refuse")
            for step, logs in LINES[1:4]:
                run.log(step, logs)
            wait_for(lambda: "cannot be reached" in run.text(), "the failure is noticed")
            self.fault(None)
            for step, logs in LINES[4:]:
                run.log(step, logs)
        self.assertEqual(len(run.warnings), 1, run.text())
        self.assert_all_online(run)

    def test_a_server_that_goes_for_good_leaves_an_archive(self):
        def go_away():
            wait_for(lambda: len(self.metrics_online()) == 12, "half of the lines have arrived")
            self.fault("refuse")

        run = self.go(meanwhile=go_away)
        archive = self.assert_archived(run)
        self.assertEqual(points_in(self.read(archive)["metrics"]), points(LINES))

    def test_a_wrong_key_is_said_once(self):
        run = self.go(COMET_API_KEY="another-key-of-someone")
        self.assertEqual(len(run.warnings), 2, run.text())
        self.assertIn("check COMET_API_KEY", run.warnings[0])
        self.assertNotIn("another-key-of-someone", run.text())
        self.assert_archived(run)
        self.assertEqual(len(self.sent("experiment/create")), 1)

    def test_a_key_that_is_taken_away_leaves_an_archive(self):
        run = self.go(meanwhile=lambda: (wait_for(lambda: len(self.metrics_online()) == 12, "half has arrived"), self.fault("401")))
        self.assertEqual(len(run.warnings), 2, run.text())
        self.assert_archived(run)

    def test_a_busy_server_is_given_the_time_that_it_asks_for(self):
        self.fault({"status": 429, "headers": {"Retry-After": "1"}}, times=2)
        run = self.go()
        self.assertEqual(len(run.warnings), 1, run.text())
        self.assert_all_online(run)

    def test_passing_errors_are_tried_again(self):
        for status in ("500", "502", "503", "504", "408"):
            with self.subTest(status):
                self.seen["experiments"].clear()
                self.fault(status, times=3)
                self.assert_all_online(self.go())

    def test_a_server_that_never_answers_is_left(self):
        self.fault("half-open", times=2)
        self.assert_all_online(self.go(TEST_TIMEOUT="0.3"))

    def test_a_server_that_never_answers_at_all_leaves_an_archive(self):
        self.fault("half-open")
        self.assert_archived(self.go(TEST_TIMEOUT="0.3", TEST_DRAIN="1"))

    def test_a_lost_answer_loses_nothing(self):
        for fault in ("cut", "reset"):
            with self.subTest(fault):
                self.seen["experiments"].clear()
                self.fault(fault, times=1)  # the answer to the creation
                run = self.go(meanwhile=lambda fault=fault: (wait_for(lambda: len(self.metrics_online()) == 12, "half"), self.fault(fault, times=3)))
                self.assert_all_online(run)  # as sets: what was taken before the answer was lost is there twice
                self.assertEqual(len(self.seen["experiments"]), 1)

    def test_a_refused_request_keeps_the_archive(self):
        def refuse_one():
            wait_for(lambda: len(self.metrics_online()) == 12, "half")
            self.fault("400", times=1)

        run = self.go(meanwhile=refuse_one)
        self.assertIn("does not take a request", run.warnings[0])
        self.assert_archived(run)

    def test_more_than_fits_the_rate_goes_by_the_archive(self):
        lines = [(step, {"loss": 1 / step}) for step in range(1, 501)]
        run = self.go(lines, TEST_REQUESTS_PER_SECOND="100", TEST_DRAIN="1.5")
        self.assert_archived(run, lines)
        self.assertLess(len(self.sent("experiment/metric")), 500)
        self.assertGreater(len(self.seen["requests"]), 5)

    def test_a_killed_run_is_zipped_by_the_next(self):
        run = self.run_program({"run_name": "first"}, {"config": {"hidden": 8}}, online=self.proxy.url, TEST_REQUESTS_PER_SECOND="100")
        run.begin()
        run.log(1, {"loss": 0.5}, times=300)
        wait_for(lambda: len(self.metrics_online()) > 10, "some points have arrived")
        wait_for(lambda: len(self.on_disk()) == 300, "all lines are on the disk")
        run.kill()
        online = self.metrics_online()
        self.assertLess(len(online), 300)
        self.proxy.fault = None
        with self.run_program(online=self.proxy.url) as run:
            run.begin()
        expected = points([(s, {"loss": 0.5}) for s in range(1, 301)])
        self.assertEqual(online | points_in(self.uploaded(self.only_archive())["metrics"]), expected)

    def on_disk(self):
        (name,) = os.listdir(self.runs)
        with open(os.path.join(self.runs, name, "messages.jsonl")) as file:
            return [line for line in file if '"metric_msg"' in line]


if __name__ == "__main__":
    comet_support.main()
