# SPDX-License-Identifier: Apache-2.0
"""A real Linux guest over bailey-vsock: both directions, half-close, many streams, refusals."""
import fcntl
import os
import random
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading

from vsock_vm import Vm, find_kernel, initramfs, read_all, read_exactly, wait_until

BIN = os.environ["BAILEY_BIN"]
ECONNRESET = 104
SCRATCH = tempfile.mkdtemp(prefix="vsock-")


def ours(vhost, uds):
    return [f"{BIN}/bailey-vsock", "--cid", "7", "--vhost-user", vhost, "--uds", uds,
            "--pid-file", f"{os.path.dirname(uds)}/pid", "--verbose"]


def pattern(n):
    return bytes((at * 31 + (at >> 8) * 7) & 255 for at in range(n))


def test_sandbox_is_on(vm):
    with open(f"/proc/{vm.device.pid}/status") as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    if os.environ.get("BAILEY_SANITIZED") != "1":
        assert status["Seccomp"] == "2", status["Seccomp"]


def test_echo_from_host_with_half_close(vm):
    data = random.Random(1).randbytes(3_000_000)
    with vm.ask(b"E") as s:
        sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
        sender.start()
        got = read_all(s)
        sender.join()
    assert got == data


def test_guest_sends_much_and_host_sees_all_of_it(vm):
    n = 20_000_001
    with vm.ask(b"G", "Q", n) as s:
        got = read_all(s)
    chunk = pattern(256 * 1024)
    assert got == (chunk * (n // len(chunk) + 1))[:n]


def test_host_sends_much_and_guest_counts_all_of_it(vm):
    with vm.ask(b"S", "Q", 0) as s:
        s.sendall(bytes(20_000_001))
        s.shutdown(socket.SHUT_WR)
        assert struct.unpack("<Q", read_exactly(s, 8))[0] == 20_000_001


def test_a_reader_that_pauses_loses_nothing(vm):
    """Back pressure: the guest runs out of credit, other streams go on meanwhile."""
    with vm.ask(b"G", "Q", 5_000_000) as slow:
        for _ in range(20):
            with vm.ask(b"E") as s:
                s.sendall(b"x" * 1000)
                assert read_exactly(s, 1000) == b"x" * 1000
        assert len(read_all(slow)) == 5_000_000


def test_guest_opens_many_streams_at_once(vm):
    for n, size in ((4, 2_000_000), (600, 20_000)):
        with vm.ask(b"F", "IIQ", 9000, n, size) as s:
            assert struct.unpack("<I", read_exactly(s, 4))[0] == n, (n, vm.console(), vm.log())


def test_host_opens_many_streams_at_once(vm):
    streams = [vm.ask(b"E") for _ in range(300)]
    for i, s in enumerate(streams):
        s.sendall(b"%d" % i)
        s.shutdown(socket.SHUT_WR)
    for i, s in enumerate(streams):
        assert read_all(s) == b"%d" % i
        s.close()


def test_refusals_are_quick_and_clear(vm):
    with vm.ask(b"K") as s:
        nobody, foreign = struct.unpack("<II", read_exactly(s, 8))
    assert nobody == ECONNRESET and foreign == ECONNRESET, (nobody, foreign)
    try:
        vm.dial(4242)
        raise AssertionError("a port without a listener was connected")
    except ConnectionRefusedError:
        pass


def test_a_host_program_that_vanishes_ends_the_guests_stream(vm):
    for _ in range(50):
        s = vm.ask(b"G", "Q", 1 << 40)
        s.recv(1000)
        s.close()
    with vm.ask(b"E") as s:
        s.sendall(b"still here")
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b"still here"


def test_no_descriptor_is_left(vm):
    wait_until(lambda: len(os.listdir(f"/proc/{vm.device.pid}/fd")) < 24, "streams are closed", 60)


def test_pid_file_is_locked_while_it_lives(vm):
    with open(f"{vm.folder}/pid", "rb") as f:
        assert int(f.read()) == vm.device.pid
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            raise AssertionError("the lock was free")
        except BlockingIOError:
            pass


def test_it_survives_a_stopped_and_continued_qemu(vm):
    os.kill(vm.qemu.pid, signal.SIGSTOP)
    s = socket.socket(socket.AF_UNIX)
    s.connect(vm.uds)
    s.sendall(b"CONNECT 6000\nEwaited")
    os.kill(vm.qemu.pid, signal.SIGCONT)
    s.shutdown(socket.SHUT_WR)
    assert read_all(s).endswith(b"waited")
    s.close()


def test_it_ends_with_qemu_and_tidies_up(vm):
    vm.ask(b"Q").close()
    assert vm.qemu.wait(60) == 0
    assert vm.device.wait(60) == 0, vm.log()
    assert not os.path.exists(vm.uds) and not os.path.exists(vm.vhost)
    assert "QEMU went away" in vm.log(), vm.log()


def main():
    try:
        kernel = find_kernel()
    except SystemExit as why:
        print(f"skipped: no kernel: {why}")
        return 77
    if not shutil.which("qemu-system-x86_64"):
        print("skipped: no QEMU")
        return 77
    initrd = initramfs(kernel, os.environ["GUEST_INIT"])
    with Vm(f"{SCRATCH}/vm", ours, kernel, initrd, os.environ["VSOCK_ECHO"]) as vm:
        for name, test in list(globals().items()):
            if name.startswith("test_"):
                print(name, flush=True)
                try:
                    test(vm)
                except BaseException:
                    print(vm.log(), vm.console().decode(errors="replace"))
                    raise
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
