"""MLflowCallback when servers, networks, disks and programs fail: nothing is lost, nothing is stored twice."""
import os
import resource
import subprocess
import threading
import unittest

from mlflow_support import LINES, PROGRAM, REPLAY, MLflowTest, FaultyProxy, log_lines, points_in, series, wait_for
from situations import small_disk


class LosingProxy(FaultyProxy):
    """Loses the answers to the first `times` requests whose path contains `part`: the server has done what was asked."""

    def __init__(self, upstream, part, times):
        self._part, self._left = part, times
        super().__init__(upstream)

    def forward(self, method, path, headers, body):
        answer = super().forward(method, path, headers, body)
        if self._part in path and self._left > 0:
            self._left -= 1
            raise ConnectionResetError
        return answer


class Faults(MLflowTest):
    def whole_run(self, uri, during=lambda run: None, **env):
        """All of LINES, with `during` in the middle; the run that has ended."""
        with self.run_with(uri, **env) as run:
            run.begin()
            log_lines(run, LINES[:4])
            during(run)
            log_lines(run, LINES[4:])
            run.end()
        return run

    def assert_all_is_there_once(self, status="FINISHED"):
        self.assertEqual(len(self.runs()), 1)
        return self.check({"metrics": series(), "exact_metrics": True, "status": status})

    def warnings_of(self, run, count):
        self.assertEqual(len(run.warnings), count, run.warnings)
        return run.warnings

    def test_the_server_is_down_at_the_start(self):
        proxy = self.proxy("refuse")

        def comes_up(run):
            wait_for(lambda: run.warnings, "a warning")
            proxy.fault = None

        warnings = self.warnings_of(self.whole_run(proxy.url, comes_up), 1)
        self.assertIn(proxy.url, warnings[0])
        self.assertIn(os.path.join(self.output_dir, "mlflow"), warnings[0])
        self.assert_all_is_there_once()
        self.assertEqual(self.spools(), [])

    def test_the_server_dies_and_returns(self):
        proxy = self.proxy()

        def dies_and_returns(run):
            wait_for(lambda: self.runs() and "loss" in self.runs()[0].data.metrics, "the first lines")
            proxy.fault = "refuse"
            run.log(100, {"meanwhile": 1.0})
            wait_for(lambda: run.warnings, "a warning")
            proxy.fault = None

        self.warnings_of(self.whole_run(proxy.url, dies_and_returns), 1)
        self.check({"metrics": {**series(), "meanwhile": [[100, 1.0]]}, "status": "FINISHED"})
        self.assertEqual(len(self.runs()), 1)

    def down_for_the_whole_run(self):
        proxy = self.proxy("refuse")
        run = self.whole_run(proxy.url)
        self.assertEqual(self.runs(), [])
        spool = self.spools()[0]
        self.assertEqual(len(points_in(spool)), 24)
        self.assertIn(f"downbeat-mlflow-replay {spool}", self.warnings_of(run, 2)[1])
        proxy.fault = None
        return proxy, spool

    def test_down_for_the_whole_run_then_replayed_by_the_command(self):
        proxy, spool = self.down_for_the_whole_run()
        self.assertIn(f"to {proxy.url}", self.replay(spool))
        self.assert_all_is_there_once()
        self.assertEqual(self.spools(), [])
        self.assertEqual(os.listdir(self.output_dir), [])

    def test_down_for_the_whole_run_then_replayed_to_another_address(self):
        _, spool = self.down_for_the_whole_run()
        self.replay(spool, self.server.uri)
        self.assert_all_is_there_once()

    def test_down_for_the_whole_run_then_replayed_by_a_later_start(self):
        proxy, _ = self.down_for_the_whole_run()
        with self.run_with(proxy.url, args={"run_name": "later"}) as run:
            run.begin()
            run.log(1, {"loss": 5.0})
            run.end()
        self.assertEqual(run.warnings, [])
        self.assertEqual(len(self.runs()), 2)
        first = next(found for found in self.runs() if found.info.run_name != "later")
        self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED"}, run_id=first.info.run_id)
        self.check({"metrics": {"loss": [[1, 5.0]]}}, run_name="later")
        self.assertEqual(self.spools(), [])

    def test_a_later_start_leaves_runs_for_other_servers_alone(self):
        _, spool = self.down_for_the_whole_run()
        with self.run_with() as run:
            run.begin()
            run.end()
        self.assertIn(f"downbeat-mlflow-replay {spool}", self.warnings_of(run, 1)[0])
        self.assertEqual(self.spools(), [spool])
        self.assertEqual(len(self.runs()), 1)

    def test_a_replay_that_is_killed_goes_on_where_it_was(self):
        proxy, spool = self.down_for_the_whole_run()
        forward, blocked, opened = proxy.forward, threading.Event(), threading.Event()

        def stuck_in_log_batch(method, path, headers, body):
            answer = forward(method, path, headers, body)
            if path.endswith("log-batch"):
                blocked.set()
                opened.wait()
            return answer

        proxy.forward = stuck_in_log_batch
        replay = subprocess.Popen([REPLAY, spool])
        self.assertTrue(blocked.wait(60))
        replay.kill()
        replay.wait()
        opened.set()
        proxy.forward = forward
        self.replay(spool)
        self.assert_all_is_there_once()

    def test_the_command_says_what_stays(self):
        proxy, spool = self.down_for_the_whole_run()
        proxy.fault = "refuse"
        said = self.replay(spool, code=1)
        self.assertIn(f"downbeat-mlflow-replay: {proxy.url} cannot be reached (", said)
        self.assertIn(f"); what it has not taken stays in {spool}\n", said)
        proxy.fault = None
        forward = proxy.forward
        proxy.forward = lambda method, path, *rest: (
            (400, {}, b"odd") if path.endswith("runs/update") else forward(method, path, *rest))
        said = self.replay(spool, code=1)
        self.assertRegex(said, rf"{proxy.url} refuses 1 of \d+ entries \(it answers 400: odd\), which stay in {spool}\n$")
        self.assertEqual(self.spools(), [spool])
        self.check({"metrics": series(), "exact_metrics": True, "status": "RUNNING"})

    def test_an_answer_of_500(self):
        proxy = self.proxy("500")
        proxy.times = 2
        self.assertIn("it answers 500", self.warnings_of(self.whole_run(proxy.url), 1)[0])
        self.assert_all_is_there_once()

    def test_an_answer_of_429_with_retry_after(self):
        proxy = self.proxy({"status": 429, "headers": {"Retry-After": "1"}})
        proxy.times = 2
        self.warnings_of(self.whole_run(proxy.url), 1)
        self.assert_all_is_there_once()

    def test_credentials_that_are_refused(self):
        proxy = self.proxy("401")
        run = self.whole_run(proxy.url, MLFLOW_TRACKING_USERNAME="ada", MLFLOW_TRACKING_PASSWORD="s3cret")
        warnings = self.warnings_of(run, 2)
        self.assertIn("MLFLOW_TRACKING_USERNAME", warnings[0])
        self.assertNotIn("s3cret", run.text())
        self.assertEqual(len(proxy.requests), 1)
        with open(self.spools()[0], encoding="utf-8") as spool:
            self.assertNotIn("s3cret", spool.read())
        self.assertIn("check MLFLOW_TRACKING_USERNAME", self.replay(self.spools()[0], code=1))
        proxy.fault = None
        self.replay(self.spools()[0])
        self.assert_all_is_there_once()

    def test_an_answer_that_never_comes(self):
        proxy = self.proxy()

        def hangs(run):
            wait_for(lambda: self.runs() and "loss" in self.runs()[0].data.metrics, "the first lines")
            proxy.times, proxy.fault = 2, "half-open"

        self.warnings_of(self.whole_run(proxy.url, hangs, REQUEST_TIMEOUT="0.5"), 1)
        self.assert_all_is_there_once()

    def test_a_server_that_never_answers(self):
        proxy = self.proxy("half-open")
        run = self.whole_run(proxy.url, REQUEST_TIMEOUT="0.5", FINISH_TIMEOUT="2")
        self.assertIn("downbeat-mlflow-replay", self.warnings_of(run, 2)[1])
        proxy.closing.set()
        proxy.fault = None
        self.replay(self.spools()[0])
        self.assert_all_is_there_once()

    def test_answers_that_break_off(self):
        for fault in ("cut", "reset"):
            proxy = self.proxy(fault)
            proxy.times = 3

            def breaks_off(run, proxy=proxy, fault=fault):
                wait_for(lambda: self.runs() and "loss" in self.runs()[0].data.metrics, "the first lines")
                proxy.times, proxy.fault = 2, fault

            self.warnings_of(self.whole_run(proxy.url, breaks_off), 1)
            self.assert_all_is_there_once()
            self.experiment += fault

    def test_every_answer_that_can_be_lost(self):
        for part, times in (("experiments/create", 1), ("runs/create", 1), ("runs/create", 2), ("log-batch", 3),
                            ("runs/update", 2), ("runs/search", 1)):
            self.experiment = f"{part} {times}".replace("/", " ")
            proxy = LosingProxy(self.server.uri, part, times)
            self.addCleanup(proxy.close)
            run = self.whole_run(proxy.url)
            self.assertLessEqual(len(run.warnings), 1, run.warnings)
            self.assert_all_is_there_once()

    def test_an_address_of_another_program(self):
        proxy = self.proxy({"status": 200, "body": "<html>hello</html>"})
        warnings = self.warnings_of(self.whole_run(proxy.url), 2)
        self.assertIn("is it an MLflow server?", warnings[0])
        proxy.fault = None
        self.replay(self.spools()[0])
        self.assert_all_is_there_once()

    def test_a_deleted_experiment(self):
        client = self.client()
        experiment = client.create_experiment(self.experiment)
        client.delete_experiment(experiment)
        warnings = self.warnings_of(self.whole_run(self.server.uri), 2)
        self.assertIn("it answers 400", warnings[0])
        self.assertIn("does not take the run", self.replay(self.spools()[0], code=1))
        client.restore_experiment(experiment)
        self.replay(self.spools()[0])
        self.assert_all_is_there_once()

    def test_a_run_that_does_not_exist(self):
        run = self.whole_run(self.server.uri, MLFLOW_RUN_ID="0" * 32)
        self.assertIn("it answers 404", run.warnings[0])

    def test_items_that_are_refused_leave_the_others(self):
        """A server that takes params of 500 bytes only, and one param not at all."""
        proxy = self.proxy()
        forward = proxy.forward

        def picky(method, path, headers, body):
            if path.endswith("log-batch") and (b"x" * 501 in body or b'"key":"odd"' in body):
                return 400, {}, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "too long or too odd"}'
            return forward(method, path, headers, body)

        proxy.forward = picky
        with self.run_with(proxy.url, model={"config": {"long": "x" * 3000, "odd": 1, "good": 2}}) as run:
            run.begin()
            log_lines(run)
            run.end()
        self.assertIn("does not take odd of the params", self.warnings_of(run, 1)[0])
        seen = self.check({"metrics": series(), "params": {"long": "x" * 500, "good": "2"}, "absent_params": ["odd"]})
        self.assertIn("learning_rate", seen["params"])


class Kills(MLflowTest):
    def test_a_killed_run_is_sent_by_the_next_start(self):
        proxy = self.proxy("refuse")
        run = self.run_with(proxy.url)
        run.begin()
        run.log(1, {"loss": 1.0, "grad_norm": 2.0}, times=2000)
        wait_for(lambda: self.spools() and len(points_in(self.spools()[0])) == 4000, "all lines in the spool")
        run.kill()
        with open(self.spools()[0], "ab") as spool:
            spool.write(b'{"log": {"metrics": [{"key": "torn')  # in the middle of a write
        proxy.fault = None
        with self.run_with(proxy.url, args={"run_name": "later"}) as later:
            later.begin()
            later.end()
        self.assertEqual(later.warnings, [])
        killed = next(found for found in self.runs() if found.info.run_name != "later")
        expected = [[step, 1.0] for step in range(1, 2001)]
        self.check({"metrics": {"loss": expected}, "status": "RUNNING"}, run_id=killed.info.run_id)
        self.assertEqual(self.spools(), [])

    def test_killed_while_it_sends(self):
        run = self.run_with()
        run.begin()
        run.log(1, {"loss": 1.0}, times=20000)
        wait_for(lambda: self.runs() and "loss" in self.runs()[0].data.metrics, "the first lines")
        run.kill()
        self.replay(*self.spools())
        history = self.client().get_metric_history(self.runs()[0].info.run_id, "loss")
        self.assertGreaterEqual(len(history), 1000)
        self.assertEqual([point.step for point in history], list(range(1, len(history) + 1)))
        self.assertEqual(len(self.runs()), 1)

    def test_a_spool_in_use_is_left_alone(self):
        proxy = self.proxy("refuse")
        with self.run_with(proxy.url) as run:
            run.begin()
            log_lines(run)
            wait_for(lambda: self.spools() and len(points_in(self.spools()[0])) == 24, "all lines in the spool")
            self.assertIn("another program sends it", self.replay(self.spools()[0], code=1))
            proxy.fault = None
            with self.run_with(proxy.url, args={"run_name": "other"}) as other:
                other.begin()
                other.end()
            self.assertEqual(other.warnings, [])
            run.end()
        self.assertEqual(len(self.runs()), 2)
        self.assertEqual(self.spools(), [])

    def test_two_runs_of_the_same_second(self):
        proxy = self.proxy("refuse")
        with self.run_with(proxy.url, args={"run_name": "a"}) as one, \
                self.run_with(proxy.url, args={"run_name": "b"}) as two:
            for run in (one, two):
                run.begin()
            for run, value in ((one, 1.0), (two, 2.0)):
                run.log(1, {"loss": value})
            wait_for(lambda: len(self.spools()) == 2, "two spools")
            proxy.fault = None
            for run in (one, two):
                run.end()
        for name, value in (("a", 1.0), ("b", 2.0)):
            self.check({"metrics": {"loss": [[1, value]]}, "status": "FINISHED"}, run_name=name)
        self.assertEqual(len(self.runs()), 2)


class Disks(MLflowTest):
    def fill(self, program=PROGRAM, limit=None):
        """More than the disk holds: the training goes on, what was kept arrives, and the count of the rest is true."""
        with self.run_with(program=program) as run:
            run.begin()
            wait_for(lambda: self.runs(), "the run")
            if limit is not None:
                resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            run.log(1, {"loss": 1.0, "grad_norm": 2.0}, times=20000)
            run.end()
            self.assertEqual(run.close(), 0)
        run_id = self.runs()[0].info.run_id
        kept = sum(len(self.client().get_metric_history(run_id, key)) for key in ("loss", "grad_norm"))
        self.assertGreater(kept, 100)
        self.assertLess(kept, 40000)
        self.assertEqual(self.lost(run), 40000 - kept, run.warnings)
        self.assertEqual(len(run.warnings), 2, run.warnings)
        return run.warnings[0]

    def test_a_full_disk(self):
        small_disk(self, self.output_dir, size="256k")
        self.assertIn("No space left", self.fill())

    def test_a_limit_of_the_size(self):
        limited = os.path.join(self.directory, "limited.sh")
        with open(limited, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\ntrap '' XFSZ\nexec {PROGRAM}\n")
        os.chmod(limited, 0o755)
        self.assertIn("File too large", self.fill(limited, limit=262144))

    def test_a_directory_that_cannot_be_written(self):
        self.output_dir = "/proc/no/such/place"
        with self.run_with() as run:
            run.begin()
            log_lines(run)
            run.end()
            self.assertEqual(run.close(), 0)
        self.assertEqual(self.lost(run), 24)
        self.assertEqual(len(run.warnings), 2, run.warnings)
        self.assertIn("/proc/no/such/place", run.warnings[0])


class ReplayCommand(MLflowTest):
    def test_says_how_it_is_used(self):
        self.assertIn("downbeat-mlflow-replay SPOOL [URI]", self.replay("--help"))
        for arguments, given in (((), "0 arguments are given"), (("a", "b", "c"), "3 arguments are given"),
                                 (("--unknown", "x"), "--unknown is not known")):
            self.assertEqual(self.replay(*arguments, code=1), f"downbeat-mlflow-replay: {given}: it takes the path of a "
                             "spool and perhaps a URI, see --help\n")

    def test_says_in_one_sentence_what_is_wrong(self):
        other = os.path.join(self.directory, "other.jsonl")
        with open(other, "w", encoding="utf-8") as file:
            file.write("{}\n")
        for path, sentence in (("none.jsonl", "cannot read none.jsonl"), (other, "is no spool of a run"),
                               (self.directory, "is no spool of a run")):
            said = self.replay(path, code=1)
            self.assertIn(sentence, said)
            self.assertEqual(said.count("\n"), 1)


class UnknownAddresses(MLflowTest):
    def test_an_unknown_scheme_is_a_spool(self):
        for uri in ("databricks", "databricks://profile", "postgresql://user:s3cret@host/db", "azureml://host/x"):
            with self.run_with(uri) as run:
                run.begin()
                log_lines(run)
                run.end()
                self.assertEqual(run.close(), 0)
            self.assertEqual(len(run.warnings), 2, run.warnings)
            self.assertIn("cannot send to", run.warnings[0])
            self.assertIn("downbeat-mlflow-replay", run.warnings[1])
            self.assertNotIn("s3cret", run.text())
            spool = self.spools()[0]
            self.assertIn("name an http://", self.replay(spool, code=1))
            self.replay(spool, self.server.uri)
            self.check({"metrics": series(), "status": "FINISHED"})
            self.assertEqual(self.spools(), [])


if __name__ == "__main__":
    unittest.main(argv=["mlflow_faults_test"])
