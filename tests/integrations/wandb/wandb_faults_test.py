"""WandbCallback's upload while the run goes on, and runs whose programs are killed, whose disk is full, that go on."""
import os
import re
import resource
import signal
import subprocess
import unittest

import wandb_support as support
from situations import small_disk
from wandb_support import KEY, WandbTest, check_wandb, records, rows_of, wait_for


def lost_in(warnings):
    return sum(map(int, re.findall(r"W&B: (\d+) values could not be kept", "\n".join(warnings))))


def synced(path):
    return os.path.exists(path + ".synced")


def processes_with(word):
    """Numbers of the processes that have it in their command line."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                if word.encode() in file.read():
                    found.append(int(number))
        except OSError:
            pass  # it has ended
    return found


class Online(WandbTest):
    def test_the_official_program_uploads_while_the_run_goes_on(self):
        service, url = self.service()
        with self.run_with(**self.online(url)) as run:
            run.begin()
            run.log(1, {"loss": 0.5})
            wait_for(lambda: len(service["history"]) > 0, "the first row at the service")
            self.assertFalse(service["complete"])
            run.log(2, {"loss": 0.25})
            run.end()
            self.assertEqual(run.close(), 0)
            self.assertEqual(run.warnings, [])
        self.assertTrue(synced(self.file()))
        self.assertEqual((service["complete"], service["exitcode"], service["unknown"]), (True, 0, []))
        self.assertEqual([row["train/loss"] for row in rows_of(service)], [0.5, 0.25])
        self.assertEqual(service["auth"], [f"api:{KEY}"])
        self.assertIn("Finished syncing", self.output())
        self.assertEqual(processes_with(os.path.basename(os.path.dirname(self.file()))), [])

    def output(self):
        with open(os.path.join(os.path.dirname(self.file()), "logs", "sync.log"), encoding="utf-8") as file:
            return file.read()

    def test_a_netrc_file_is_a_key(self):
        service, url = self.service()
        with open(os.path.join(self.directory, ".netrc"), "w", encoding="utf-8") as file:
            file.write(f"machine {url.removeprefix('http://')}\n  login user\n  password {KEY}\n")
        with self.run_with(**self.online(url, WANDB_MODE=None, WANDB_API_KEY=None)) as run:
            run.begin()
            run.log(1, {"loss": 0.5})
            run.end()
        self.assertEqual((service["complete"], service["auth"]), (True, [f"api:{KEY}"]))

    def test_a_service_that_refuses_at_first_loses_nothing(self):
        service, url = self.service(fail=2)
        with self.run_with(**self.online(url)) as run:
            run.begin()
            run.log(1, {"loss": 0.5}, times=100)
            run.end("failed")
            self.assertEqual(run.close(), 0)
            self.assertEqual(run.warnings, [])
        self.assertEqual((len(rows_of(service)), service["complete"], service["exitcode"]), (100, True, 1))

    def test_a_service_that_is_not_there_loses_nothing(self):
        with self.run_with(**self.online("http://127.0.0.1:9", TEST_FINISH_TIMEOUT=1)) as run:
            run.begin()
            run.log(1, {"loss": 0.5}, times=100)
            run.end()
            self.assertEqual(run.close(), 0)
            (warning,) = run.warnings
        self.assertIn("the upload did not come to its end", warning)
        command = re.search(r"`(wandb sync .*)`", warning).group(1)
        self.assertEqual(command, f"wandb sync {os.path.relpath(os.path.dirname(self.file()), self.directory)}")
        self.assertNotIn(KEY, run.text())
        self.check({"min_points": {"train/loss": 100}, "status": "0"})
        service, url = self.service()
        subprocess.run(command, shell=True, check=True, cwd=self.directory, stdin=subprocess.DEVNULL,
                       env={**self.online(url), "HOME": self.directory}, capture_output=True)
        self.assertEqual((len(rows_of(service)), service["complete"]), (100, True))

    def test_without_the_official_program_the_run_is_offline(self):
        with self.run_with(**self.online("http://127.0.0.1:9", PATH="/usr/bin:/bin")) as run:
            run.begin()
            run.log(1, {"loss": 0.5})
            run.end()
            self.assertEqual(run.close(), 0)
            (warning,) = run.warnings
        self.assertIn("there is no program `wandb` on PATH", warning)
        self.assertIn("`wandb sync wandb/offline-run-", warning)
        self.check({"metrics": {"train/loss": [[1, 0.5]]}})

    def imitation(self, script):
        path = os.path.join(self.directory, "bin")
        os.mkdir(path)
        with open(os.path.join(path, "wandb"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(os.path.join(path, "wandb"), 0o755)
        return f"{path}:/usr/bin:/bin"

    def test_a_program_that_never_ends_is_ended(self):
        path = self.imitation("trap '' INT TERM HUP\nsleep 98765\n")
        with self.run_with(**self.online("http://127.0.0.1:9", PATH=path, TEST_FINISH_TIMEOUT=0)) as run:
            run.begin()
            run.log(1, {"loss": 0.5})
            run.end()
            self.assertEqual(run.close(), 0)
            (warning,) = run.warnings
        self.assertIn("the upload did not come to its end", warning)
        wait_for(lambda: processes_with("98765") == [], "the end of the program")

    def test_a_program_that_fails_costs_nothing(self):
        path = self.imitation("echo no such command >&2\nexit 2\n")
        with self.run_with(**self.online("http://127.0.0.1:9", PATH=path)) as run:
            run.begin()
            run.log(1, {"loss": 0.5}, times=1000)
            run.end()
            self.assertEqual(run.close(), 0)
            (warning,) = run.warnings
        self.assertIn("sync.log", warning)
        self.assertEqual(self.output(), "no such command\n")
        self.check({"min_points": {"train/loss": 1000}})

    def test_an_interrupt_at_the_terminal_does_not_reach_the_upload(self):
        service, url = self.service()
        with self.run_with(**self.online(url)) as run:
            run.begin()
            run.log(1, {"loss": 0.5})
            wait_for(lambda: len(service["history"]) > 0, "the first row at the service")
            for number in processes_with(os.path.basename(os.path.dirname(self.file()))):
                self.assertNotEqual(os.getpgid(number), os.getpgid(run.process.pid))
            run.log(2, {"loss": 0.25})
            run.end("interrupted")
        self.assertEqual((service["complete"], service["exitcode"], len(rows_of(service))), (True, 255, 2))

    def test_the_upload_of_a_killed_program_goes_on_and_leaves_nothing_behind(self):
        service, url = self.service()
        run = self.run_with(**self.online(url))
        run.begin()
        run.log(1, {"loss": 0.5})
        wait_for(lambda: len(service["history"]) > 0, "the first row at the service")
        run.log(2, {"loss": 0.25}, times=10)
        run.end()  # what was logged is in the file
        name = os.path.basename(os.path.dirname(self.file()))
        run.kill()
        wait_for(lambda: len(service["history"]) == 11, "all rows at the service")
        wait_for(lambda: processes_with(name) == [], "the end of the upload")

    def test_a_resumed_run_tells_the_service_so(self):
        checkpoint = os.path.join(self.directory, "checkpoint-1")
        with self.run_with() as run:
            run.begin()
            run.log(1, {"loss": 0.5}, times=10)
            run.save(checkpoint)
            run.end()
        service, url = self.service()
        with self.run_with(**self.online(url)) as run:
            run.tell("init_end", args=run.args)
            run.tell("load_checkpoint", directory=checkpoint)
            run.tell("train_begin")
            run.log(11, {"loss": 0.25})
            run.end()
        self.assertIn(["GQL", "RunResumeStatus"], service["requests"])
        self.assertEqual([row["_step"] for row in rows_of(service)], [10])


class Resuming(WandbTest):
    def test_a_run_goes_on_behind_its_last_row(self):
        checkpoint = os.path.join(self.directory, "checkpoint-2")
        run = self.run_with(args={"run_name": "first"}, WANDB_PROJECT="p")
        run.begin()
        run.log(1, {"loss": 1.0}, times=2)
        run.save(checkpoint)
        run.log(3, {"loss": 1.0}, times=3)
        run.end()
        run.kill()
        (first,) = self.files()
        self.check({"min_points": {"train/loss": 5}}, first, ["--allow-unfinished"])

        with self.run_with(WANDB_PROJECT="p", args={"log_level": "info"}) as run:
            run.tell("init_end", args=run.args)
            run.tell("load_checkpoint", directory=checkpoint)
            run.tell("train_begin", step=2)
            run.log(3, {"loss": 2.0}, times=3)
            run.end()
            self.assertEqual(run.close(), 0)
            self.assertEqual(run.warnings, [])
        second = [path for path in self.files() if path != first]
        self.assertEqual(len(second), 1)
        self.check({"metrics": {"train/loss": [[3, 2.0], [4, 2.0], [5, 2.0]]}, "status": "0"}, second[0])
        rows = [check_wandb.read(path, True)["rows"] for path in (first, second[0])]
        self.assertEqual([[row["_step"] for row in part] for part in rows], [[0, 1, 2, 3, 4], [5, 6, 7]])
        self.assertEqual(os.path.basename(first), os.path.basename(second[0]))
        self.assertGreaterEqual(rows[1][0]["_runtime"], rows[0][1]["_runtime"])

        # The plain program takes both parts, and asks the service where the run stands.
        service, url = self.service()
        parts = [os.path.dirname(path) for path in (first, second[0])]
        subprocess.run(["wandb", "sync", *parts], check=True, cwd=self.directory, stdin=subprocess.DEVNULL,
                       env={**self.online(url, WANDB_RESUME="allow"), "HOME": self.directory}, capture_output=True)
        self.assertIn(["GQL", "RunResumeStatus"], service["requests"])
        self.assertTrue(synced(first) and synced(second[0]))

    def test_the_environment_wins_over_the_checkpoint(self):
        checkpoint = os.path.join(self.directory, "checkpoint-1")
        for env in ({"WANDB_RUN_ID": "one"}, {"WANDB_RUN_ID": "two"}, {}):
            with self.run_with(**env) as run:
                run.tell("init_end", args=run.args)
                if os.path.exists(checkpoint):
                    run.tell("load_checkpoint", directory=checkpoint)
                run.tell("train_begin")
                run.log(1, {"loss": 1.0})
                if env.get("WANDB_RUN_ID") == "one":
                    run.save(checkpoint)
                run.end()
        counts = {}
        for path in self.files():
            counts.setdefault(os.path.basename(path), []).append(check_wandb.read(path)["rows"][0]["_step"])
        self.assertEqual({name: sorted(steps) for name, steps in counts.items()},
                         {"run-one.wandb": [0, 1], "run-two.wandb": [0]})


class Kills(WandbTest):
    def test_what_was_written_is_uploaded(self):
        run = self.run_with()
        run.begin()
        run.log(1, {"loss": 1.0, "grad_norm": 2.0}, times=1000)
        wait_for(lambda: self.files() and len(records(self.file(), "history")) == 1000, "the first lines in the file")
        run.log(1001, {"loss": 1.0, "grad_norm": 2.0}, times=100000)
        run.kill()
        rows = records(self.file(), "history")
        self.assertGreaterEqual(len(rows), 1000)
        code, output, service, _ = check_wandb.sync(self.file())
        self.assertEqual(code, 0, output)
        self.assertEqual((len(rows_of(service)), service["exitcode"], service["complete"]), (len(rows), 1, True))

    def test_between_two_records_nothing_is_torn(self):
        run = self.run_with()
        run.begin()
        run.log(1, {"loss": 1.0}, times=10)
        run.end()
        run.kill()
        self.check({"min_points": {"train/loss": 10}}, arguments=["--allow-unfinished"])


class Disks(WandbTest):
    def fill(self, where, program=support.PROGRAM, limit=resource.RLIM_INFINITY):
        """Logs more than there is room for; what the warnings count as lost is what is not in the file."""
        with self.run_with(program, WANDB_DIR=where) as run:
            run.begin()
            resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            for step in range(1, 2001):
                run.log(step, {"loss": 1.0, "grad_norm": 2.0})
            run.end()
            self.assertEqual(run.close(), 0)
            warnings = run.warnings
        (path,) = self.files(where)
        kept = len(records(path, "history"))
        self.assertGreater(kept, 10)
        self.assertLess(kept, 2000)
        self.assertEqual(lost_in(warnings), 2 * (2000 - kept), warnings)
        self.assertEqual(len(warnings), 2, warnings)
        self.check({"min_points": {"train/loss": kept}}, path, ["--allow-unfinished"])
        return warnings

    def test_a_full_disk(self):
        where = os.path.join(self.directory, "small")
        small_disk(self, where)
        self.assertIn("No space left", self.fill(where)[0])

    def test_a_limit_of_the_size(self):
        limited = os.path.join(self.directory, "limited.sh")
        with open(limited, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\ntrap '' XFSZ\nexec {support.PROGRAM}\n")
        os.chmod(limited, 0o755)
        where = os.path.join(self.directory, "limited")
        self.assertIn("File too large", self.fill(where, limited, limit=64 * 1024)[0])

    def test_a_directory_that_cannot_be_written(self):
        with self.run_with(WANDB_DIR="/proc/no/such/place", WANDB_LOG_MODEL="checkpoint", model={"text": "Net()"}) as run:
            run.begin()
            for step in range(1, 11):
                run.log(step, {"loss": 1.0, "note": "text"})
            run.end()
            self.assertEqual(run.close(), 0)
            self.assertEqual(lost_in(run.warnings), 20)
            self.assertEqual(len([text for text in run.warnings if "/proc/no/such/place" in text and "cannot be written" in text]), 1)

    def test_a_disk_that_has_room_again_at_the_end(self):
        where = os.path.join(self.directory, "small")
        small_disk(self, where)
        with self.run_with(WANDB_DIR=where) as run:
            run.begin()
            run.log(1, {"loss": 1.0, "grad_norm": 2.0}, times=2000)
            run.end()
            subprocess.run(["mount", "-o", "remount,size=1m", where], check=True)
            self.assertEqual(run.close(), 0)
        (path,) = self.files(where)
        self.check({"status": "0", "texts": {"train/global_step": "2000"}}, path)


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # as Python ignores it, and programs that it starts would too
    unittest.main(argv=["wandb_faults_test"], warnings="ignore")
