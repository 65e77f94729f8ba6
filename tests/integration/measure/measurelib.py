# SPDX-License-Identifier: Apache-2.0
"""measurelib: images to measure, and what runs bailey on them with a cache of its own"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import traceback

BIN = os.environ["BAILEY_BIN"]
SOURCE = os.environ["BAILEY_SOURCE"]
sys.path.insert(0, f"{SOURCE}/guest-stub/image")
from standin import firmware, known_cfv  # noqa: E402,F401 pylint: disable=wrong-import-position,unused-import
VECTORS = f"{SOURCE}/tests/vectors/measurement"
OK, FAILED, USAGE, NOT_FOUND = 0, 1, 2, 3
REGISTERS = ("mrtd", "rtmr0", "rtmr1", "rtmr2")


class Skip(Exception):
    """What is asked for is not here; the word says what."""


def kernel():
    """That of lib/wire/test_kernel.h."""
    with open(f"{SOURCE}/tests/fuzz/corpus/pe/kernel", "rb") as f:
        return f.read()


class Image:
    """An image's folder, its sums right; `with`."""

    def __init__(self, files=None, name="dstack-0.6.0", **metadata):
        self.files = {"ovmf.fd": firmware(), "bzImage": kernel(), "initramfs.cpio.gz": b"an initrd",
                      "rootfs.img": b"a root file system"}
        self.files.update(files or {})
        self.metadata = {"bios": "ovmf.fd", "kernel": "bzImage", "initrd": "initramfs.cpio.gz", "rootfs": "rootfs.img",
                         "cmdline": "console=ttyS0 quiet", "version": "0.6.0"} | metadata
        self.name = name

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="measure-")
        self.path = f"{self.scratch.name}/{self.name}"
        os.mkdir(self.path)
        files = self.files | {"metadata.json": json.dumps(self.metadata).encode()}
        sums = "".join(f"{hashlib.sha256(d).hexdigest()}  {n}\n" for n, d in sorted(files.items()))
        files["sha256sum.txt"] = sums.encode()
        self.hash = hashlib.sha256(sums.encode()).hexdigest()
        files["digest.txt"] = self.hash.encode() + b"\n"
        for name, data in files.items():
            self.write(name, data)
        return self

    def write(self, name, data):
        with open(f"{self.path}/{name}", "wb") as f:
            f.write(data)

    def __exit__(self, *exc):
        self.scratch.cleanup()


CACHE = tempfile.TemporaryDirectory(prefix="measure-cache-")


def run(*words, stdin=b"", program=f"{BIN}/bailey", cwd=None):
    os.chmod(CACHE.name, 0o700)
    return subprocess.run([program, *map(str, words)], input=stdin, capture_output=True, timeout=300,
                          env=os.environ | {"XDG_CACHE_HOME": CACHE.name}, cwd=cwd, check=False)


def measured(*words, stdin=b""):
    """The JSON of `bailey measure`; Skip if this machine's QEMU does not lead to the version asked for."""
    r = run("measure", *words, "--json", stdin=stdin)
    if r.returncode != OK and b"not yet turned into" in r.stderr:
        raise Skip(json.loads(r.stderr)["error"])
    assert r.returncode == OK and not r.stderr, r
    return json.loads(r.stdout)


def refused(code, says, *words, stdin=b""):
    """It ends with that status and that word, and nothing raw of what it was given."""
    r = run(*words, stdin=stdin)
    assert r.returncode == code and not r.stdout, r
    assert says in r.stderr.decode(), (says, r.stderr)
    assert r.stderr.startswith(b"bailey: ") and r.stderr.count(b"\n") == 1 and b"\x1b" not in r.stderr, r


def load(name):
    with open(f"{VECTORS}/{name}", encoding="utf-8") as f:
        return json.load(f)


def all_tests(names):
    failed = 0
    for name, test in [(n, t) for n, t in names.items() if n.startswith("test_")]:
        try:
            test()
        except Skip as why:
            print(f"skip {name}: {why}")
            continue
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            print(f"not ok {name}")
            failed += 1
            continue
        print(f"ok {name}")
    sys.exit(1 if failed else 0)
