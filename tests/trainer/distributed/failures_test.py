"""What the ranks say where one of them fails: under torchrun, and started by hand with the store at rank 0."""

import os
import re
import signal
import socket
import subprocess
import sys

from torchrun import torchrun

RANK_1 = r"rank 1 \(process \d+ on [^)]+\)"
GONE = RANK_1 + r" is gone or stopped: no sign of life for 3 seconds"
OF_GRADIENTS = r"error: rank {rank} waited in vain for the gradients of all ranks: {blame} \(.+\)"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def started(program, how, timeout, world_size, port, more):
    """Processes without torchrun: rank 0 keeps the store."""
    processes = {}
    for rank in range(world_size):
        variables = {"RANK": rank, "WORLD_SIZE": world_size, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": world_size,
                     "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, **more}
        environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
        processes[rank] = subprocess.Popen([program, how, str(timeout)], env=environment, text=True,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return processes


def errors_by_hand(program, how, timeout, waits_for, world_size=3, **more):
    """The lines that begin with "error:" of the ranks in `waits_for`; the others are killed after them."""
    processes = started(program, how, timeout, world_size, free_port(), more)
    try:
        said = {rank: processes[rank].communicate(timeout=120)[1] for rank in waits_for}
        assert all(processes[rank].returncode == 1 for rank in waits_for), said
        return {rank: [line for line in text.splitlines() if line.startswith("error:")] for rank, text in said.items()}
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGKILL)
            process.communicate()


def expect(lines, patterns):
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in lines), f"no line is {pattern!r} in\n" + "\n".join(lines)


def test_killed_under_torchrun(program):
    for processes in (2, 4):
        ended = torchrun(processes, [program, "killed", "60"])
        assert ended.returncode != 0
        others = [rank for rank in range(processes) if rank != 1]
        expect(ended.stderr.splitlines(), [OF_GRADIENTS.format(rank=rank, blame=GONE) for rank in others])


def test_restarted_by_torchrun(program):
    ended = torchrun(2, [program, "killed", "60"], ["--max-restarts=1"])
    lines = ended.stderr.splitlines()
    said = [line for line in lines if re.fullmatch(OF_GRADIENTS.format(rank=0, blame=GONE), line)]
    assert len(said) == 2, "each attempt meets anew and loses rank 1:\n" + ended.stderr


def test_by_hand(program):
    for how, blame, timeout in [("killed", GONE, 60), ("leaves", GONE, 60), ("stopped", GONE, 5),
                                ("throws", RANK_1 + " ended with: the dataset has no example 7", 60),
                                ("hangs", RANK_1 + " is there, but not come so far yet", 5)]:
        errors = errors_by_hand(program, how, timeout, waits_for=[0, 2])
        for rank in (0, 2):
            expect(errors[rank], [OF_GRADIENTS.format(rank=rank, blame=blame)])


def test_killed_with_the_store(program):
    errors = errors_by_hand(program, "killed_with_store", 60, waits_for=[1, 2])
    blame = r"the store at 127\.0\.0\.1:\d+, which rank 0 keeps, does not answer any more"
    for rank in (1, 2):
        expect(errors[rank], [OF_GRADIENTS.format(rank=rank, blame=blame)])


def test_never_come(program):
    errors = errors_by_hand(program, "late", 3, waits_for=[0, 2])
    expect(errors[0], ["error: rank 1 has not come within 3 seconds .ddp_timeout., of 3 that WORLD_SIZE announces"])


def test_no_such_interface(program):
    errors = errors_by_hand(program, "none", 60, waits_for=[0, 1, 2], GLOO_SOCKET_IFNAME="nowhere0")
    for rank in range(3):
        expect(errors[rank], [f"error: rank {rank} cannot use the network interface of GLOO_SOCKET_IFNAME=nowhere0: .+"])


def test_other_shape(program):
    errors = errors_by_hand(program, "other_shape", 60, waits_for=[0, 1, 2])
    sentence = ('error: the model\'s parameters and buffers must be the same on all ranks: line 1 is '
                '"parameter weight Float[3, 4]" on rank 1 and "parameter weight Float[2, 4]" on rank 0')
    assert all(lines == [sentence] for lines in errors.values()), errors


def test_unused_on_one_rank(program):
    errors = errors_by_hand(program, "unused", 60, waits_for=[0, 1, 2])
    refused = ("the loss of rank 1 does not use all of the model's parameters (bias); "
               "set ddp_find_unused_parameters=true if that is meant")
    assert errors[1] == ["error: " + refused], errors
    blame = RANK_1 + " ended with: " + re.escape(refused)
    for rank in (0, 2):
        expect(errors[rank], [OF_GRADIENTS.format(rank=rank, blame=blame)])


def main(program):
    for test in [value for name, value in globals().items() if name.startswith("test_")]:
        test(program)
        print(test.__name__, flush=True)


main(sys.argv[1])
