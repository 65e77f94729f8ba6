# SPDX-License-Identifier: Apache-2.0
"""measurelib: images to measure, and what runs bailey on them with a cache of its own"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import traceback

BIN = os.environ["BAILEY_BIN"]
SOURCE = os.environ["BAILEY_SOURCE"]
VECTORS = f"{SOURCE}/tests/vectors/measurement"
OK, FAILED, USAGE, NOT_FOUND = 0, 1, 2, 3
REGISTERS = ("mrtd", "rtmr0", "rtmr1", "rtmr2")


class Skip(Exception):
    """What is asked for is not here; the word says what."""


def known_cfv():
    """The configuration volume of EDK2 before 202505: headers of a volume, a store and a spare block, no variable."""
    cfv = bytearray(b"\xff" * 0x84000)
    cfv[:0x64] = bytes.fromhex(
        "000000000000000000000000000000008d2bf1ff96768b4ca9852747075b4f5000400800000000005f465648fffe0400"
        "4800afb80000000284000000001000000000000000000000782cf3aa7b949a43a1802e144ec37792b8ff03005afe0000"
        "00000000")
    cfv[0x41000:0x41020] = bytes.fromhex("2b29589e687c7d49a0ce6500fd9f1b952caf2c64feffffffe00f000000000000")
    return bytes(cfv)


def firmware(cfv=None):
    """That of lib/wire/test_firmware.h: a BFV, a CFV, and dstack's layout of memory; or another CFV before it."""
    f = bytearray(0x10000)
    f[:0x3000] = bytes((i * 7 + i // 256) & 255 for i in range(0x3000))
    n = len(cfv) if cfv else 0
    sections = [(n + 0x1000, 0x2000, 0xffffe000, 0x2000, 0, 1),
                (0, n or 0x1000, 0xffffe000 - (n or 0x1000), n or 0x1000, 1, 0),
                (0, 0, 0x810000, 0x10000, 3, 0), (0, 0, 0x80b000, 0x2000, 3, 0),
                (0, 0, 0x809000, 0x2000, 2, 0), (0, 0, 0x800000, 0x6000, 3, 0)]
    f[0x8000:0x8010] = struct.pack("<4sIII", b"TDVF", 16 + 32 * len(sections), 1, len(sections))
    for i, s in enumerate(sections):
        struct.pack_into("<IIQQII", f, 0x8010 + 32 * i, *s)
    footer = 0x10000 - 32 - 18
    entry = footer - 18
    struct.pack_into("<IH16s", f, entry - 4, 0x8000, 22, bytes.fromhex("35657ae44a989847865e4685a7bf8ec2"))
    struct.pack_into("<H16s", f, footer, 40, bytes.fromhex("de82b596b21ff745baeaa366c55a082d"))
    return (cfv or b"") + bytes(f)


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
