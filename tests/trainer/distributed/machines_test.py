"""A training on two machines (machines.py) under torchrun, over a wire that delays and loses packets: it ends as on one
machine, bit for bit, also where the wire is cut for a while or a rank stands still; where it is cut for good each side
says who is missing."""

import contextlib
import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import machines

PORT = 29400


def writes(program):
    """A program that writes OUT.<rank> as it goes, which must not depend on where its ranks are."""
    return lambda out, timeout: [os.path.abspath(program), out, str(timeout), "5"]


def trains(program):
    """A Trainer, which writes checkpoints to OUT and says on which ranks its callbacks run."""
    trainer = os.path.join(os.path.dirname(os.path.abspath(program)), "trainer_ranks")
    return lambda out, timeout: [trainer, f"--output_dir={out}", f"--ddp_timeout={timeout}", "--use_cpu=true", "--max_steps=8",
                                 "--disable_tqdm=true", "--per_device_train_batch_size=4", "--save_strategy=steps"]


class Run:
    """The program under torchrun, with so many ranks on each of these machines."""

    def __init__(self, command, directory, on, ranks_each, timeout, variables):
        self.machines, self.wire = on, None
        self._directory = directory
        command = command(self._path("out"), timeout)
        self._program = command[0]
        self._world_size = len(on) * ranks_each
        options = [f"--nnodes={len(on)}", f"--nproc_per_node={ranks_each}", "--rdzv_backend=c10d",
                   f"--rdzv_endpoint={on[0].address}:{PORT}"]
        launcher = [sys.executable, "-m", "torch.distributed.run", "--no-python", *options]
        self._launched = []
        for machine in on:
            with open(self._path(machine.name), "w") as output:
                self._launched.append(machine.start([*launcher, *command], stdout=output, stderr=output,
                                                    env={**os.environ, **variables}))

    def _path(self, name):
        return os.path.join(self._directory, name)

    def written(self):
        """How many bytes rank 0 has written so far."""
        path = self._path("out.0")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def said(self, machine):
        with open(self._path(machine.name)) as output:
            return output.read()

    def wait_for(self, what, condition):
        end = time.monotonic() + 120
        while not condition():
            everything = "\n".join(self.said(machine) for machine in self.machines)
            assert time.monotonic() < end, f"{what} has not come in two minutes:\n{everything}"
            time.sleep(0.02)

    def processes(self, machine):
        return machine.processes(self._program)

    def wait_for_the_end(self):
        self.wait_for("the end", lambda: all(launched.poll() is not None for launched in self._launched))
        for machine, launched in zip(self.machines, self._launched):
            assert launched.returncode == 0, f"{launched.returncode} on {machine.name}:\n{self.said(machine)}"

    def results(self):
        """What each rank has written when all is over."""
        self.wait_for_the_end()
        results = []
        for rank in range(self._world_size):
            with open(self._path(f"out.{rank}"), "rb") as file:
                results.append(file.read())
        return results


@contextlib.contextmanager
def run(command, number_of_machines=2, ranks_each=1, timeout=60, **variables):
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as directory:
        with machines.two_machines() as (first, second, wire):
            wire.delay, wire.loss = 0.005, 0.01
            one = Run(command, directory, [first, second][:number_of_machines], ranks_each, timeout, variables)
            one.wire = wire
            yield one


@functools.cache
def results_on_one_machine(program, ranks):
    with run(writes(program), number_of_machines=1, ranks_each=ranks) as one:
        return one.results()


def wait_for_the_middle(program, two):
    """The number of bytes that rank 0 has then written."""
    middle = len(results_on_one_machine(program, 2)[0]) // 2
    two.wait_for("the middle of the run", lambda: two.written() >= middle)


def expect_same(results, expected):
    for rank, (here, there) in enumerate(zip(results, expected, strict=True)):
        assert here == there, f"rank {rank} has written something else than on one machine"


def expect_unfinished(program, two):
    assert two.written() < len(results_on_one_machine(program, 2)[0]), "the run did not need what was taken away"


def test_two_machines_write_what_one_writes(program):
    for ranks_each, variables in [(1, {}), (2, {"GLOO_SOCKET_IFNAME": machines.INTERFACE})]:
        with run(writes(program), ranks_each=ranks_each, **variables) as two:
            expect_same(two.results(), results_on_one_machine(program, 2 * ranks_each))
            assert two.wire.lost > 0


def test_a_wire_that_is_cut_for_two_seconds_changes_nothing(program):
    with run(writes(program)) as two:
        wait_for_the_middle(program, two)
        two.wire.is_up = False
        time.sleep(2)
        expect_unfinished(program, two)
        two.wire.is_up = True
        expect_same(two.results(), results_on_one_machine(program, 2))


def test_a_rank_that_stands_still_for_three_seconds_changes_nothing(program):
    with run(writes(program)) as two:
        wait_for_the_middle(program, two)
        [rank_1] = two.processes(two.machines[1])
        os.kill(rank_1, signal.SIGSTOP)
        time.sleep(3)
        expect_unfinished(program, two)
        os.kill(rank_1, signal.SIGCONT)
        expect_same(two.results(), results_on_one_machine(program, 2))


def test_each_side_says_who_is_missing_when_the_wire_is_cut_for_good(program):
    with run(writes(program), timeout=10) as two:
        wait_for_the_middle(program, two)
        two.wire.is_up = False
        first, second = two.machines
        two.wait_for("the end of both ranks", lambda: not two.processes(first) and not two.processes(second))
        rank_1 = rf"rank 1 \(process \d+ on {second.name}\) is gone or stopped: no sign of life for 3 seconds"
        store = rf"the store at {first.name}:\d+, which torchrun's first agent keeps, does not answer any more"
        for rank, (machine, blame) in enumerate([(first, rank_1), (second, store)]):
            sentence = rf"^error: rank {rank} waited in vain for .+: {blame} \(.+\)$"
            assert len(re.findall(sentence, two.said(machine), re.MULTILINE)) == 1, two.said(machine)


def test_a_trainer_has_one_first_process_of_all_and_one_on_each_machine(program):
    with run(trains(program), ranks_each=2) as two:
        two.wait_for_the_end()
        said = [two.said(machine).splitlines() for machine in two.machines]
    assert [lines.count("world zero: 1") for lines in said] == [1, 0], said
    assert [lines.count("local zero: 1") for lines in said] == [1, 1], said
    for rank in range(4):
        assert f"rank {rank}: saved step 8" in said[rank // 2], said


def test_nothing_is_left_of_machines_whose_program_was_killed(_):
    makes_machines = ("import machines, time\n"
                      "with machines.two_machines() as (first, second, _):\n"
                      "    for machine in (first, second): machine.start(['sleep', '1000'])\n"
                      "    print('made', flush=True)\n"
                      "    time.sleep(1000)")
    process = subprocess.Popen([sys.executable, "-c", makes_machines], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))})
    assert process.stdout.readline() == "made\n"
    process.kill()
    process.communicate(timeout=60)  # until the last one that has inherited stdout is gone


def main(program):
    if (reason := machines.why_not()) is not None:
        print(f"SKIPPED: {reason}")
        return
    for test in [value for name, value in globals().items() if name.startswith("test_")]:
        start = time.monotonic()
        test(program)
        print(f"{test.__name__}: {time.monotonic() - start:.0f} s", flush=True)


main(sys.argv[1])
