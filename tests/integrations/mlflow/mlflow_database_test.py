"""MLflowCallback without a server: what the real client reads in the file mlflow.db, whoever else uses it meanwhile."""
import contextlib
import math
import os
import sqlite3
import subprocess
import tempfile
import time
import unittest

import mlflow_test
from mlflow_support import LINES, MLFLOW, MLflowTest, log_lines, points_in, series, wait_for
from situations import small_disk


class InOneFile:
    """All cases of a class in a file of its own."""

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.uri = f"sqlite:///{temporary.name}/mlflow.db"
        super().setUpClass()


class HuggingFaceInAFile(InOneFile, mlflow_test.HuggingFace):
    pass


class ResumingInAFile(InOneFile, mlflow_test.Resuming):
    test_a_checkpoint_of_another_server_begins_a_new_run = None


class FileTest(MLflowTest):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.directory, "mlflow.db")
        self.uri = f"sqlite:///{self.path}"

    def whole_run(self, uri="", args=None, **env):
        with self.run_with(uri, args=args, **env) as run:
            run.begin()
            log_lines(run)
            run.end()
        return run

    def rows(self, statement):
        """Without MLflow's client, which would bring the file to its own revision."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=60)) as file:
            return file.execute(statement).fetchall()

    def has_points(self):
        return os.path.exists(self.path) and "metrics" in self.tables() and self.rows("SELECT 1 FROM metrics LIMIT 1")

    def tables(self):
        return [name for name, in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def revision(self):
        return self.rows("SELECT version_num FROM alembic_version")[0][0]


class Files(FileTest):
    def test_a_new_file_then_one_that_mlflow_has_opened(self):
        values = [1.5, math.nan, math.inf, -math.inf, 0.1]
        tables = []
        for name, how, status in (("first", "failed", "FAILED"), ("second", "interrupted", "KILLED")):
            with self.run_with("", args={"run_name": name}, model={"config": {"hidden": 4}},
                               HF_MLFLOW_LOG_ARTIFACTS="1") as run:
                run.begin()
                log_lines(run)
                for step, value in enumerate(values, 1):
                    run.log(step, {"odd (値)": value})
                checkpoint = os.path.join(self.output_dir, "checkpoint-8")
                os.makedirs(checkpoint, exist_ok=True)
                with open(os.path.join(checkpoint, "model.bin"), "wb") as file:
                    file.write(b"\0" * 1000)
                run.save(checkpoint)
                run.end(how)
            self.assertEqual(len(run.warnings), 1, run.warnings)  # of the odd name
            self.assertEqual(self.spools(), [])
            tables.append(len(self.tables()))
            self.check({"run_name": name, "metrics": {**series(), "odd ___": [
                [1, 1.5], [2, "NaN"], [3, 1.7976931348623157e308], [4, -1.7976931348623157e308], [5, 0.1]]},
                        "exact_metrics": True, "status": status, "params": {"hidden": "4", "bf16": "False"},
                        "artifacts": ["checkpoint-8/model.bin"]}, run_name=name)
        self.assertEqual(tables[0], 8)
        self.assertGreater(tables[1], 30)
        self.assertFalse(os.path.exists(os.path.join(self.directory, "mlruns", "0", "meta.yaml")))

    def test_an_experiment_that_is_new_in_a_file_of_mlflows_own(self):
        self.client().create_experiment("another")
        self.whole_run()
        self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED"})
        experiment = self.client().get_experiment_by_name(self.experiment)
        self.assertGreater(experiment.creation_time, 0)
        self.assertEqual(experiment.artifact_location,
                         os.path.join(self.directory, "mlruns", experiment.experiment_id))

    def test_mlflow_brings_the_file_to_its_revision_while_lines_are_written(self):
        with self.run_with("") as run:
            run.begin()
            log_lines(run)
            wait_for(self.has_points, "the first lines")
            before = self.revision()
            upgrade = subprocess.Popen([MLFLOW, "db", "upgrade", self.uri], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, cwd=self.directory)
            step = 100
            while upgrade.poll() is None:
                run.log(step, {"meanwhile": step, "also": -step})
                step += 1
                time.sleep(0.002)
            self.assertEqual(upgrade.returncode, 0)
            self.assertNotEqual(self.revision(), before)
            run.end()
        self.assertEqual(run.warnings, [])
        self.assertGreater(step, 100)
        self.check({"metrics": {**series(), "meanwhile": [[n, n] for n in range(100, step)],
                                "also": [[n, -n] for n in range(100, step)]}, "status": "FINISHED"})

    def test_a_path_of_sqlite_and_a_directory(self):
        for number, (uri, count) in enumerate((("sqlite:///{}/a.db", 0), ("{}", 1), ("file://{}", 1))):
            directory = os.path.join(self.directory, f"store {number}")
            run = self.whole_run(uri.format(directory))
            self.assertEqual(len(run.warnings), count, run.warnings)
            path = os.path.join(directory, "mlflow.db" if count else "a.db")
            self.assertEqual(self.read(f"sqlite:///{path}")["metrics"], series())
            if count:
                self.assertIn(f"sqlite:///{path}", run.warnings[0])


class Faults(FileTest):
    def assert_replayed(self, uri=None):
        self.assertIn("sent ", self.replay(self.spools()[0], *([uri] if uri else [])))
        self.assertEqual(self.spools(), [])
        self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED"}, uri)
        self.assertEqual(len(self.runs(uri)), 1)

    def test_a_killed_run(self):
        run = self.run_with("")
        run.begin()
        run.log(1, {"loss": 1.0}, times=20000)
        wait_for(self.has_points, "the first lines")
        run.kill()
        self.whole_run(args={"run_name": "later"})
        killed = next(found for found in self.runs() if found.info.run_name != "later")
        history = self.client().get_metric_history(killed.info.run_id, "loss")
        self.assertGreaterEqual(len(history), 1000)
        self.assertEqual([point.step for point in history], list(range(1, len(history) + 1)))
        self.check({"metrics": series(), "status": "FINISHED"}, run_name="later")
        self.assertEqual(self.spools(), [])

    def test_two_programs_make_the_same_file(self):
        with self.run_with("", args={"run_name": "a"}) as one, self.run_with("", args={"run_name": "b"}) as two:
            for run in (one, two):
                run.begin()
            for step, logs in LINES:
                for run in (one, two):
                    run.log(step, logs)
            for run in (one, two):
                run.end()
        for run, name in ((one, "a"), (two, "b")):
            self.assertEqual(run.warnings, [])
            self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED"}, run_name=name)
        self.assertEqual(len(self.runs()), 2)

    def test_waits_for_another_program_that_writes(self):
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with self.run_with("") as run:
                run.begin()
                log_lines(run)
                wait_for(lambda: self.spools() and len(points_in(self.spools()[0])) == 24, "all lines in the spool")
                other.execute("ROLLBACK")
                run.end()
        self.assertEqual(run.warnings, [])
        self.check({"metrics": series(), "exact_metrics": True, "status": "FINISHED"})

    def test_a_place_that_cannot_be_written(self):
        run = self.whole_run("sqlite:////proc/none/mlflow.db", FINISH_TIMEOUT="1")
        self.assertEqual(len(run.warnings), 2, run.warnings)
        self.assertIn("/proc/none/mlflow.db", run.warnings[0])
        self.assertIn("downbeat-mlflow-replay", run.warnings[1])
        self.assert_replayed(self.uri)

    def test_a_file_of_another_program(self):
        with open(self.path, "wb") as file:
            file.write(b"songs" * 1000)
        run = self.whole_run(FINISH_TIMEOUT="1")
        self.assertIn("not a database", run.warnings[0])
        self.assertIn("not a database", self.replay(self.spools()[0], code=1))
        os.remove(self.path)
        self.assert_replayed()

    def test_a_full_disk(self):
        store = os.path.join(self.directory, "store")
        small_disk(self, store, lazily=True)  # MLflow's client keeps the file open
        self.uri = f"sqlite:///{store}/mlflow.db"
        run = self.whole_run(self.uri, FINISH_TIMEOUT="1")
        self.assertEqual(len(run.warnings), 2, run.warnings)
        self.assertIn("full", run.warnings[0])
        self.assertEqual(len(points_in(self.spools()[0])), 24)
        subprocess.run(["mount", "-o", "remount,size=64m", store], check=True)
        self.assert_replayed()


if __name__ == "__main__":
    unittest.main(argv=["mlflow_database_test"])
