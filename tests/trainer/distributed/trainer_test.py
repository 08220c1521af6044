"""Trainer under the real torchrun where one rank does something of its own: what all of them make of it."""

import os
import re
import signal
import sys
import tempfile

from torchrun import Started, torchrun

FLAGS = ["--use_cpu=true", "--disable_tqdm=true", "--per_device_train_batch_size=4", "--max_steps=8", "--logging_steps=2",
         "--save_strategy=no", "--ddp_timeout=60"]


class Output:
    """Of a run in a directory of its own."""

    def __init__(self, program, *flags, processes=2, options=(), directory=None, script=None):
        """`script`: what each rank runs in a shell in place of the program; "$@" are the flags."""
        with tempfile.TemporaryDirectory() as own:
            self.directory = directory or own
            start = ["sh", "-c", script, "sh"] if script else [program]
            command = [*start, *FLAGS, f"--output_dir={self.directory}", *flags]
            ended = torchrun(processes, command, options)
            self.checkpoints = sorted(name for name in os.listdir(self.directory) if name.startswith("checkpoint-"))
        self.returncode, self.stdout, self.stderr = ended.returncode, ended.stdout, ended.stderr

    def of_rank(self, rank):
        return [line.split(": ", 1)[1] for line in self.stdout.splitlines() if line.startswith(f"rank {rank}: ")]

    def expect(self, rank, text):
        assert any(re.fullmatch(text, line) for line in self.of_rank(rank)), f"rank {rank} says no {text!r}\n{self}"

    def expect_error(self, text):
        errors = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        assert any(re.fullmatch("error: " + text, line) for line in errors), f"no error is {text!r}\n{self}"

    def __str__(self):
        return self.stdout + self.stderr


def test_what_a_hook_asks_for_on_one_rank_all_do_after_the_next_step(program):
    output = Output(program, "--does=stops")
    assert output.returncode == 0, output
    for rank in (0, 1):
        output.expect(rank, "ended after step 4, rank 1 has seen enough")
    output = Output(program, "--does=asks", processes=3)
    for rank in range(3):
        output.expect(rank, "evaluated after step 4 to .*")
        output.expect(rank, "saved step 4")
        output.expect(rank, "ended after step 8")


def test_what_a_hook_asks_for_before_the_backward_all_do_after_that_step(program):
    output = Output(program, "--does=stops_before")
    for rank in (0, 1):
        output.expect(rank, "ended after step 3, before")


def test_what_a_hook_asks_for_in_a_log_line_all_do_at_once(program):
    output = Output(program, "--does=stops_at_log", "--at_step=4")
    for rank in (0, 1):
        output.expect(rank, "ended after step 4, logged")


def test_a_signal_to_one_rank_ends_all_at_the_same_step_with_a_checkpoint(program):
    output = Output(program, "--does=signal", "--save_strategy=steps")
    assert output.checkpoints == ["checkpoint-4"], output
    for rank in (0, 1):
        output.expect(rank, "saved step 4")
        output.expect(rank, "ended after step 4, interrupted by SIGTERM")
    assert output.stderr.count("the run was interrupted by SIGTERM") == 2, output
    assert re.search(r"exitcode\s+: 130", output.stderr), output


def test_a_signal_in_an_evaluation_ends_all(program):
    output = Output(program, "--does=signal_in_evaluation", "--eval_strategy=steps", "--eval_steps=4",
                    "--per_device_eval_batch_size=2")
    for rank in (0, 1):
        output.expect(rank, "ended after step 4, interrupted by SIGTERM")
        assert not any(line.startswith("evaluated") for line in output.of_rank(rank)), output


def test_ctrl_c_ends_all_ranks_with_a_checkpoint(program):
    with tempfile.TemporaryDirectory() as directory:
        command = [program, *FLAGS, f"--output_dir={directory}", "--max_steps=100000000", "--save_strategy=steps",
                   "--save_steps=50", "--save_total_limit=1"]
        with Started(2, command) as started:
            assert started.wait_until(lambda: any(name.startswith("checkpoint-") for name in os.listdir(directory)))
            started.send_signal(signal.SIGINT)
            ended = started.end()
        assert len(os.listdir(directory)) == 1, os.listdir(directory)
        step = os.listdir(directory)[0].split("-")[1]
    for rank in (0, 1):
        assert f"rank {rank}: ended after step {step}, interrupted by SIGINT" in ended.stdout, ended.stdout + ended.stderr


def test_what_one_rank_throws_the_others_say(program):
    output = Output(program, "--does=throws")
    output.expect_error("the hook of rank 1 broke")
    output.expect_error(r"rank 0 waited in vain for the gradients of all ranks: rank 1 \(process \d+ on \S+\) ended with: "
                        r"the hook of rank 1 broke \(.+\)")
    output.expect(0, "ended after step 3, rank 0 waited in vain .*")
    output.expect(1, "ended after step 3, the hook of rank 1 broke")


def test_a_rank_that_dies_is_named(program):
    output = Output(program, "--does=dies")
    output.expect_error(r"rank 0 waited in vain for the gradients of all ranks: rank 1 \(process \d+ on \S+\) is gone or "
                        r"stopped: no sign of life for 3 seconds \(.+\)")


def test_a_restart_goes_on_by_itself_from_the_newest_checkpoint(program):
    output = Output(program, "--does=dies_once", "--save_strategy=steps", "--save_steps=2", options=["--max-restarts=1"])
    assert output.returncode == 0, output
    assert re.search(r"torchrun has started the processes anew \(restart 1\); they go on from \S+/checkpoint-2", output.stderr)
    saved = [line for line in output.of_rank(0) if line.startswith("saved")]
    assert saved == ["saved step 2", "saved step 4", "saved step 6", "saved step 8"], output


def test_a_restart_does_not_go_on_from_another_trainings_checkpoint(program):
    with tempfile.TemporaryDirectory() as directory:
        Output(program, "--save_strategy=steps", "--save_steps=4", "--max_steps=4", directory=directory)
        output = Output(program, "--does=dies_once", "--save_strategy=steps", "--save_steps=6", options=["--max-restarts=1"],
                        directory=directory)
    assert output.returncode == 0 and "go on from" not in output.stderr, output
    assert [line for line in output.of_rank(1) if line.startswith("saved")] == ["saved step 6", "saved step 8"], output


def test_checkpoints_in_the_background_are_announced_when_they_are_there(program):
    output = Output(program, "--async_save=true", "--save_strategy=steps", "--save_steps=3")
    for rank in (0, 1):
        assert [line for line in output.of_rank(rank) if line.startswith("saved")] == [
            "saved step 3", "saved step 6", "saved step 8"], output


def test_other_arguments_are_found_at_the_start(program):
    output = Output(program, script=f'exec {program} "$@" --seed=$RANK')
    output.expect_error('the training arguments must be the same on all ranks: line \\d+ is "  "seed": 1," on rank 1 and '
                        '"  "seed": 0," on rank 0')


def test_another_program_is_found_at_the_start(program):
    with tempfile.TemporaryDirectory() as directory:
        other = os.path.join(directory, "other")
        with open(program, "rb") as file, open(other, "wb") as copy:
            copy.write(file.read() + b" ")
        os.chmod(other, 0o755)
        choice = f'if [ $RANK = 1 ]; then exec {other} "$@"; else exec {program} "$@"; fi'
        output = Output(program, script=choice)
    output.expect_error('the program must be the same on all ranks: line 1 is "program of \\d+ bytes with the checksum '
                        '[0-9a-f]{8}" on rank 1 and "program of \\d+ bytes with the checksum [0-9a-f]{8}" on rank 0')


def test_another_dataset_is_found_at_the_start(program):
    output = Output(program, "--rows=64", "--rows_of_others=60")
    output.expect_error('the datasets must be the same on all ranks: line 1 is "train: 60 examples" on rank 1 and "train: 64 '
                        'examples" on rank 0')


def test_what_rank_0_cannot_write_the_others_say(program):
    with tempfile.NamedTemporaryFile() as file:
        output = Output(program, f"--output_dir={file.name}/below", "--save_strategy=steps")
    output.expect_error("cannot create .*")
    output.expect_error(r"rank 1 waited in vain for .*: rank 0 \(process \d+ on \S+\) ended with: cannot create .*")


def test_what_rank_0_does_not_find_the_others_say(program):
    output = Output(program, "--resume_from_checkpoint=true")
    output.expect_error("resume_from_checkpoint=true finds no checkpoint in .*")
    output.expect_error(r"rank 1 waited in vain for .*: rank 0 \(process \d+ on \S+\) ended with: "
                        r"resume_from_checkpoint=true finds no checkpoint in .*")


def test_arguments_that_several_processes_cannot_have_are_refused(program):
    output = Output(program, "--auto_find_batch_size=true")
    output.expect_error("auto_find_batch_size is for one process: .*")


def test_callbacks_run_on_the_ranks_of_their_type(program):
    output = Output(program, processes=3)
    for rank in range(3):
        output.expect(rank, "the sum is 6")
    lines = output.stdout.splitlines()
    assert lines.count("world zero: 1") == lines.count("local zero: 1") == 1, output
    assert output.stdout.count("world zero") == output.stdout.count("local zero") == 1, output


def test_trainers_of_one_program_share_their_processes_or_meet_again(program):
    output = Output(program, "--does=trains_thrice", "--save_strategy=steps", "--save_steps=4")
    assert output.returncode == 0, output
    for rank in (0, 1):
        assert output.of_rank(rank).count("saved step 4") == output.of_rank(rank).count("ended after step 8") == 3, output


def test_other_processes_say_what_log_level_replica_lets_through(program):
    for level, count in (("warning", 2), ("error", 1)):
        output = Output(program, "--rows=4", "--dataloader_drop_last=true", f"--log_level_replica={level}", "--log_on_each_node=false")
        assert output.stderr.count("nothing is trained") == count, output


def test_the_first_process_alone_prints(program):
    output = Output(program, processes=2)
    assert sum("'train_runtime'" in line for line in output.stdout.splitlines()) == 1, output


def main(program):
    for test in [value for name, value in globals().items() if name.startswith("test_")]:
        test(program)
        print(test.__name__, flush=True)


main(os.path.abspath(sys.argv[1]))
