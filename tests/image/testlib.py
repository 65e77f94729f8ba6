# SPDX-License-Identifier: Apache-2.0
"""testlib: build images into scratch folders and boot kernels, for the tests of the image"""
import os
import re
import select
import subprocess
import sys
import time

SOURCE = os.environ.get("BAILEY_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GUEST = os.environ.get("BAILEY_GUEST") or f"{SOURCE}/build/dev/bin/bailey-guest"
BAILEY = f"{os.path.dirname(GUEST)}/bailey"
BUILD = f"{SOURCE}/guest-stub/image/build"

sys.path.insert(0, f"{SOURCE}/guest-stub/image")


def build(out, *more, guest=GUEST, env=None, ok=True, **kwargs):
    """Run the build script; returns the image's folder, or what it said when it had to fail."""
    done = subprocess.run([BUILD, "--guest", guest, "--out", out, *more], env=env, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, **kwargs)
    assert (done.returncode == 0) == ok, f"{done.args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout.split()[0] if ok else done.stderr


def tool(*argv, **kwargs):
    """Run a program that must succeed; what it printed is shown when it does not."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **kwargs)
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def run_all(namespace):
    """Run every test_* function in the order written, naming each."""
    for name, test in list(namespace.items()):
        if name.startswith("test_"):
            start = time.monotonic()
            test()
            print(f"{name}: ok ({time.monotonic() - start:.1f} s)", flush=True)


class Console:
    """A QEMU under TCG whose serial console is read line by line; ended by close()."""

    def __init__(self, kernel, initrd, cmdline, *devices):
        self.start = time.monotonic()
        self.text = b""
        self.qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", "512M",
             "-smp", "1", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
             "-kernel", kernel, "-initrd", initrd, "-append", cmdline, *devices],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()
        self.qemu.stdout.close()

    def wait_for(self, pattern, deadline=300):
        """Read until the pattern (bytes) is on the console; returns (match, seconds since start)."""
        while True:
            found = re.search(pattern, self.text)
            if found:
                return found, time.monotonic() - self.start
            left = self.start + deadline - time.monotonic()
            ready = left > 0 and select.select([self.qemu.stdout], [], [], left)[0]
            got = os.read(self.qemu.stdout.fileno(), 65536) if ready else b""
            if not got:
                tail = self.text[-3000:].decode(errors="replace")
                raise AssertionError(f"{pattern!r} was not on the console; its end:\n{tail}")
            self.text += got
