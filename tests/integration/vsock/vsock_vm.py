# SPDX-License-Identifier: Apache-2.0
"""vsock_vm: a real guest behind a vhost-user vsock device, and how to talk to it

The guest is Debian's kernel with guest_init.c as its whole user space.  The
device is any program with our unix-socket convention.
"""
import gzip
import os
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("BAILEY_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, f"{SOURCE}/guest-stub/image")
import kernel as kernels  # noqa: E402
from closure import Modules  # noqa: E402
from newc import Tree  # noqa: E402

GUEST_PORT = 6000
ECHO_PORT = 9000
DEADLINE = 300
MODULES = ("virtio_pci", "vmw_vsock_virtio_transport")


def initramfs(kernel, guest_init):
    tree = Tree()
    tree.folder("dev")
    tree.device("dev/console", 5, 1, 0o600)
    tree.copy("init", guest_init, 0o755)
    modules = Modules(kernel.root, kernel.release)
    for i, path in enumerate(modules.in_load_order(MODULES)):
        tree.copy(f"modules/{i:02}-{os.path.basename(path)}", f"{modules.folder}/{path}")
    return gzip.compress(tree.archive(), 1)


def find_kernel():
    return kernels.find(os.environ.get("BAILEY_CACHE") or f"{SOURCE}/build/cache")


def wait_until(claim, what, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while not claim():
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.02)


class Vm:
    """A device and a QEMU in a folder of their own; both are gone after close()."""

    def __init__(self, folder, device_argv, kernel, initrd, echo, memory=192):
        """device_argv(vhost, uds) makes the command line of the device."""
        os.makedirs(folder)
        self.folder = folder
        self.uds = f"{folder}/uds"
        self.vhost = f"{folder}/vhost"
        self.children = []
        self.device_log = open(f"{folder}/device.log", "wb")
        self.device = self._start(device_argv(self.vhost, self.uds), stderr=self.device_log)
        self.echo = self._start([echo, f"{self.uds}_{ECHO_PORT}"], stdin=subprocess.PIPE)
        wait_until(lambda: os.path.exists(self.vhost) or self.device.poll() is not None,
                   "the device listens")
        assert self.device.poll() is None, self.log()
        with open(f"{folder}/initrd", "wb") as f:
            f.write(initrd)
        self.qemu = self._start([
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", f"{memory}M",
            "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-serial", f"file:{folder}/console",
            "-object", f"memory-backend-memfd,id=m,size={memory}M,share=on",
            "-machine", "q35,memory-backend=m",
            "-kernel", kernel.image, "-initrd", f"{folder}/initrd",
            "-append", "console=ttyS0 quiet panic=-1",
            "-chardev", f"socket,id=c,path={self.vhost}",
            "-device", "vhost-user-vsock-pci,chardev=c"])
        wait_until(lambda: b"guest: ready" in self.console() or self.qemu.poll() is not None,
                   "the guest is ready")
        assert self.qemu.poll() is None, f"QEMU ended: {self.console()}{self.log()}"

    def _start(self, argv, **kwargs):
        child = subprocess.Popen(argv, **({"stdin": subprocess.DEVNULL} | kwargs))
        self.children.append(child)
        return child

    def console(self):
        try:
            with open(f"{self.folder}/console", "rb") as f:
                return f.read()
        except FileNotFoundError:
            return b""

    def log(self):
        with open(f"{self.folder}/device.log", "rb") as f:
            return f.read().decode(errors="replace")

    def close(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.kill()
            child.wait()
            if child.stdin:
                child.stdin.close()
        self.device_log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def dial(self, port=GUEST_PORT):
        """A stream to a port of the guest."""
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(DEADLINE)
        s.connect(self.uds)
        s.sendall(b"CONNECT %d\n" % port)
        line = b""
        while not line.endswith(b"\n"):
            c = s.recv(1)
            if not c:
                s.close()
                raise ConnectionRefusedError(f"guest port {port}: {line!r}")
            line += c
        assert line.startswith(b"OK "), line
        return s

    def ask(self, verb, fmt="", *args):
        s = self.dial()
        s.sendall(verb + struct.pack("<" + fmt, *args))
        return s

    def times(self, verb, n, *args):
        """Ask for n measurements of the guest, in nanoseconds."""
        with self.ask(verb, "I" * (2 + len(args)), ECHO_PORT, n, *args) as s:
            return struct.unpack(f"<{n}Q", read_exactly(s, 8 * n))


def read_exactly(s, n):
    parts = []
    while n > 0:
        part = s.recv(min(n, 1 << 20))
        if not part:
            raise EOFError(f"{n} bytes are missing")
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def read_all(s):
    parts = []
    while part := s.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)
