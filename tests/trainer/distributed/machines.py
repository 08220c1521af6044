"""Two machines on one, joined by a wire that delays, loses and can be cut.

    with two_machines() as (first, second, wire):
        wire.delay, wire.loss = 0.005, 0.01
        process = first.start(["ping", second.name])
        wire.is_up = False

A machine is a process with namespaces of its own: network, host name, processes and mounts, the last one for an
/etc/hosts that knows both machines. All of them end with that process, and it ends with this program, however this
program ends: nothing can be left behind. Root is not needed where users may make namespaces and use /dev/net/tun.

The wire is a thread here, which carries packets between the two network interfaces (TUN devices). A veth pair with
`tc netem` would do the same, but many kernels have no netem, and its packets are of up to 64 KiB.
"""

import collections
import contextlib
import fcntl
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

INTERFACE = "wire0"
NAMES_AND_ADDRESSES = [("first-machine", "192.0.2.1"), ("second-machine", "192.0.2.2")]  # RFC 5737: nobody's
LARGEST_PACKET = 9000  # jumbo frames: what a test sends is there sooner
UNSHARE = ["unshare", "--user", "--map-root-user", "--net", "--uts", "--mount", "--pid", "--fork"]


def why_not():
    """What this computer lacks for two machines, as a clause; None if it lacks nothing."""
    missing = [tool for tool in ("unshare", "nsenter", "mount") if shutil.which(tool) is None]
    if missing:
        return f"there is no {missing[0]} (util-linux)"
    with tempfile.NamedTemporaryFile() as hosts:
        command = [*UNSHARE, sys.executable, __file__, *NAMES_AND_ADDRESSES[0], hosts.name]
        tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    return "namespaces or a TUN device cannot be made here: " + tried.stderr.splitlines()[-1]


class Machine:
    def __init__(self, name, address, hosts):
        self.name, self.address = name, address
        self._started = []
        self._line, its_end = socket.socketpair()
        with its_end:
            command = [*UNSHARE, sys.executable, __file__, name, address, hosts]
            self._process = subprocess.Popen(command, stdin=its_end)
        message, descriptors, _, _ = socket.recv_fds(self._line, 1, 1)
        assert message, f"{name} did not start"
        self.interface = descriptors[0]

    def start(self, command, **options):
        """A subprocess.Popen on this machine. Its working directory is /."""
        of = f"/proc/{self._process.pid}/ns/"
        enter = ["nsenter", f"--user={of}user", "--preserve-credentials", f"--net={of}net", f"--uts={of}uts",
                 f"--mount={of}mnt", f"--pid={of}pid_for_children"]
        self._started.append(subprocess.Popen([*enter, *command], **options))
        return self._started[-1]

    def processes(self, program):
        """The numbers of the processes on this machine that are `program`."""
        found = []
        for number in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(FileNotFoundError, PermissionError, ProcessLookupError):
                is_here = os.path.samefile(f"/proc/{number}/ns/net", f"/proc/{self._process.pid}/ns/net")
                if is_here and os.path.samefile(f"/proc/{number}/exe", program):
                    found.append(int(number))
        return found

    def remove(self):
        self._line.close()
        os.close(self.interface)
        for process in [self._process, *self._started]:
            process.wait()


class Wire:
    """Carries packets from each interface to the other; all settings may be changed at any time."""

    def __init__(self, interfaces):
        self.delay = 0  # seconds, each way
        self.loss = 0  # share of the packets
        self.is_up = True  # when it is down all packets are lost, and nobody is told
        self.lost = 0  # packets so far
        self._interfaces = interfaces
        self._ends = False
        self._random = random.Random(1)
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def remove(self):
        self._ends = True
        self._thread.join()

    def _carry(self):
        on_the_way = collections.deque()  # of (when it arrives, where, packet)
        while not self._ends:
            wait = max(0, on_the_way[0][0] - time.monotonic()) if on_the_way else 0.1
            for interface in select.select(self._interfaces, [], [], wait)[0]:
                packet = os.read(interface, LARGEST_PACKET)
                if self._keeps():
                    other = self._interfaces[1 - self._interfaces.index(interface)]
                    on_the_way.append((time.monotonic() + self.delay, other, packet))
            while on_the_way and on_the_way[0][0] <= time.monotonic():
                _, interface, packet = on_the_way.popleft()
                os.write(interface, packet)

    def _keeps(self):
        keeps = self.is_up and self._random.random() >= self.loss
        self.lost += not keeps
        return keeps


@contextlib.contextmanager
def two_machines():
    with contextlib.ExitStack() as stack:
        with tempfile.NamedTemporaryFile("w") as hosts:
            lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in NAMES_AND_ADDRESSES)]
            hosts.write("\n".join(lines) + "\n")
            hosts.flush()
            machines = []
            for name, address in NAMES_AND_ADDRESSES:
                machines.append(Machine(name, address, hosts.name))
                stack.callback(machines[-1].remove)
        wire = Wire([machine.interface for machine in machines])
        stack.callback(wire.remove)  # before the machines, whose interfaces it uses
        yield *machines, wire


def set_up_interface(name, address=None, largest_packet=None):
    """What `ip address add` and `ip link set up` do; <linux/sockios.h> has the numbers."""
    set_flags, set_address, set_netmask, set_mtu, up = 0x8914, 0x8916, 0x891C, 0x8922, 1
    interface = name.encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        if address is not None:
            for request, value in [(set_address, address), (set_netmask, "255.255.255.0")]:
                of_inet = struct.pack("16sH2x4s8x", interface, socket.AF_INET, socket.inet_aton(value))
                fcntl.ioctl(any_socket, request, of_inet)
            fcntl.ioctl(any_socket, set_mtu, struct.pack("16si20x", interface, largest_packet))
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH22x", interface, up))


def make_interface():
    """A TUN device: what is written to it arrives, what is sent through it can be read; <linux/if_tun.h>."""
    set_interface, tun, only_packets = 0x400454CA, 0x0001, 0x1000
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, set_interface, struct.pack("16sH22x", INTERFACE.encode(), tun | only_packets))
    return device


def be_machine(name, address, hosts):
    """The first process of a machine, already in its namespaces: sets it up and waits until nobody needs it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C, which the other end hears, too
    socket.sethostname(name)
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    interface = make_interface()
    set_up_interface("lo")
    set_up_interface(INTERFACE, address, LARGEST_PACKET)
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(0)) as line:  # no socket: it is why_not() that asks
        socket.send_fds(line, [b"."], [interface])
        line.recv(1)  # comes never, but ends when the other end is closed


if __name__ == "__main__":
    be_machine(*sys.argv[1:])
