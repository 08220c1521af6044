"""TensorBoardCallback when programs are killed, disks are full and trainings are resumed."""
import os
import re
import resource
import unittest

from tensorboard_support import PROGRAM, Server, TensorBoardTest, event_files, points, records
from situations import small_disk, wait_for


def lost_in(warnings):
    counts = re.findall(r"TensorBoard: (\d+) values could not be kept", "\n".join(warnings))
    return sum(map(int, counts))


class Kills(TensorBoardTest):
    def test_what_was_written_is_readable_up_to_the_last_record(self):
        run = self.run_with()
        run.begin()
        run.log(1, {"loss": 1.0, "grad_norm": 2.0}, times=1000)
        wait_for(lambda: len(points(self.log_dir, "train/grad_norm")) == 1000 if event_files(self.log_dir) else False,
                 "the first lines in the file")
        run.log(1001, {"loss": 1.0, "grad_norm": 2.0}, times=200000)
        run.kill()
        bodies, _ = records(event_files(self.log_dir)[0])
        self.assertGreaterEqual(len(bodies), 2000)
        for tag, value in (("train/loss", 1.0), ("train/grad_norm", 2.0)):
            found = points(self.log_dir, tag)
            self.assertEqual(found, [[step, value] for step in range(1, len(found) + 1)])
            self.assertGreaterEqual(len(found), 1000)

    def test_a_torn_record_hides_nothing_else(self):
        with self.run_with() as run:
            run.begin()
            run.log(1, {"loss": 1.0}, times=10)
            run.end("interrupted")
        path = event_files(self.log_dir)[0]
        os.truncate(path, os.path.getsize(path) - 5)
        with self.run_with() as run:
            run.begin(step=9)
            run.log(10, {"loss": 2.0}, times=5)
            run.end()
        expected = [[step, 1.0] for step in range(1, 10)] + [[step, 2.0] for step in range(10, 15)]
        self.assertEqual(points(self.log_dir, "train/loss"), expected)


class Resuming(TensorBoardTest):
    def setUp(self):
        super().setUp()
        self.checkpoint = os.path.join(self.directory, "out", "checkpoint-8")
        run = self.run_with(LOG_DIR="")
        run.begin()
        for step in range(1, 13):
            run.log(step, {"loss": step, "epoch": step / 8})
            if step == 8:
                run.log(step, {"eval_loss": 0.5, "epoch": 1.0})
                run.save(self.checkpoint)
        wait_for(lambda: self.files() and len(points(self.run_directory(), "train/loss")) == 12, "step 12 in the file")
        run.kill()

    def files(self):
        return event_files(os.path.join(self.directory, "out", "runs"))

    def run_directory(self):
        return os.path.dirname(self.files()[0])

    def resume(self, args=None, **env):
        with self.run_with(**{"LOG_DIR": "", **env}, args=args) as run:
            run.tell("init_end", args=run.args)
            run.tell("load_checkpoint", directory=self.checkpoint, step=8)
            run.tell("train_begin", step=8, epoch=1.0)
            for step in range(9, 17):
                run.log(step, {"loss": 100 + step, "epoch": step / 8})
            run.log(16, {"eval_loss": 0.25, "epoch": 2.0})
            run.end()
            self.assertEqual(run.warnings, [])

    def test_goes_on_where_the_checkpoint_was_saved(self):
        self.resume()
        self.assertEqual(len(self.files()), 2)
        self.assertEqual({os.path.dirname(path) for path in self.files()}, {self.run_directory()})
        loss = [[s, s] for s in range(1, 9)] + [[s, 100 + s] for s in range(9, 17)]
        epochs = [[s, s / 8] for s in range(1, 9)] + [[8, 1.0]] + [[s, s / 8] for s in range(9, 17)] + [[16, 2.0]]
        self.check({"metrics": {"train/loss": loss, "eval/loss": [[8, 0.5], [16, 0.25]], "train/epoch": epochs},
                    "exact_metrics": True, "status": 1}, directory=self.run_directory())
        with Server(self.run_directory()) as server:
            shown = server.until("/data/plugin/scalars/scalars", lambda a: len(a) == 16, run=".", tag="train/loss")
            self.assertEqual([[step, value] for _, step, value in shown], loss)

    def test_goes_on_again_and_again(self):
        for _ in range(3):
            self.resume()
        loss = [[s, s] for s in range(1, 9)] + [[s, 100 + s] for s in range(9, 17)]
        self.assertEqual(len(self.files()), 4)
        self.assertEqual(points(self.run_directory(), "train/loss"), loss)

    def test_makes_void_what_was_logged_later_even_where_nothing_follows(self):
        with self.run_with(LOG_DIR="") as run:
            run.tell("init_end", args=run.args)
            run.tell("load_checkpoint", directory=self.checkpoint, step=8)
            run.tell("train_begin", step=8, epoch=1.0)
            run.end()
        self.assertEqual(points(self.run_directory(), "train/loss"), [[s, s] for s in range(1, 9)])

    def test_the_directory_that_somebody_chose_wins(self):
        self.resume(LOG_DIR=self.log_dir)
        self.assertEqual(len(event_files(self.log_dir)), 1)
        self.assertEqual(len(self.files()), 1)

    def test_a_new_run_when_asked_for(self):
        self.resume(args={"report_to_new_run": True})
        self.assertEqual(len({os.path.dirname(path) for path in self.files()}), 2)

    def test_a_checkpoint_of_huggingface_begins_a_new_run(self):
        os.remove(os.path.join(self.checkpoint, "tensorboard_run.json"))
        self.resume()
        self.assertEqual(len({os.path.dirname(path) for path in self.files()}), 2)

    def test_a_damaged_note_begins_a_new_run(self):
        for text in ("", "{", "[]", "{}", '{"log_dir": 5}'):
            with open(os.path.join(self.checkpoint, "tensorboard_run.json"), "w", encoding="utf-8") as file:
                file.write(text)
            before = len({os.path.dirname(path) for path in self.files()})
            self.resume()
            self.assertEqual(len({os.path.dirname(path) for path in self.files()}), before + 1)


class Disks(TensorBoardTest):
    def fill(self, program, limit=None):
        """More than the disk holds: the training goes on, and the count of what is lost is true."""
        with self.run_with(program) as run:
            run.begin()
            if limit is not None:
                resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            run.log(1, {"loss": 1.0, "grad_norm": 2.0}, times=2000)
            run.end()
            run.log(2001, {"loss": 1.0})  # a second file, which is tried at once
            self.assertEqual(run.close(), 0)
            warnings = run.warnings
        for path in event_files(self.log_dir):
            self.assertFalse(records(path)[1], "a record of which only a part found room was taken back")
        kept = len(points(self.log_dir, "train/loss")) + len(points(self.log_dir, "train/grad_norm"))
        self.assertGreater(kept, 100)
        self.assertLess(kept, 4000)
        self.assertEqual(lost_in(warnings), 4001 - kept, warnings)
        return warnings

    def test_a_full_disk(self):
        small_disk(self, self.log_dir)
        warnings = self.fill(PROGRAM)
        self.assertEqual(len([text for text in warnings if "cannot be written: No space left" in text]), 2, warnings)

    def test_a_limit_of_the_size(self):
        limited = os.path.join(self.directory, "limited.sh")
        with open(limited, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\ntrap '' XFSZ\nexec {os.path.abspath(PROGRAM)}\n")
        os.chmod(limited, 0o755)
        warnings = self.fill(limited, limit=65536)
        self.assertEqual(len([text for text in warnings if "cannot be written: File too large" in text]), 1, warnings)
        self.assertEqual(points(self.log_dir, "train/loss")[-1], [2001, 1.0])

    def test_a_directory_that_cannot_be_written(self):
        with self.run_with(LOG_DIR="/proc/no/such/place") as run:
            run.begin()
            for step in range(1, 11):
                run.log(step, {"loss": 1.0, "note": "text"})
            run.end()
            self.assertEqual(run.close(), 0)
            self.assertEqual(lost_in(run.warnings), 20)
            self.assertEqual(len(run.warnings), 2)
            self.assertIn("/proc/no/such/place", run.warnings[0])


if __name__ == "__main__":
    unittest.main(argv=["tensorboard_faults_test"])
