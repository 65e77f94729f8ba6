# SPDX-License-Identifier: Apache-2.0
"""Debian's firmware and kernel, measured as three other programs measure them; skipped where no mirror has them

$BAILEY_DEBS may name a folder with the packages.
"""
import glob
import json
import os
import subprocess
import tempfile

from measurelib import BIN, OK, REGISTERS, SOURCE, VECTORS, Image, Skip, all_tests, measured, run

BESIDE = f"{SOURCE}/../shared/vectors/measurement/local-debian"
TABLES = f"{VECTORS}/fortanix-canonical-defaults.bin"
CFV = "344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6412af21c097d473155875ffd561d6790"
MRTD = {  # one pass, two passes
    "2022.11-6+deb12u2": (
        "4c7206f0f483c524f12c366c711e9049030a8d47c471ee5aa9c4999a08de4057fb887fed0744d5631a212967fb231c47",
        "acccbcc870a381adab0d3919d90a7f268ac3b0364771f202ed4bb4e892d045b33db3b32e6924cba830a724eed443f7e1"),
    "2025.02-8+deb13u1": (
        "bdc6fb145880f06f30c8b346b8dce2a99d9351b56892df22f80fcf6574caa9f9c31df8e8576d53b4d0cd1c3f28910e11",
        "456f07902150d008bb913c3e1e84e9297f735a6c83cd2a957a1f0a8bbedb06df188e3837ae48d32c73d473d097dc0db2"),
}
KEPT = f"{BIN}/../debs"  # what was fetched and unpacked once


def unpacked(name, version):
    """The package's files."""
    out = f"{KEPT}/{name}-{version}"
    if os.path.isdir(out):
        return out
    os.makedirs(KEPT, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="measure-debs-") as fetched:
        found = glob.glob(f"{os.environ.get('BAILEY_DEBS', fetched)}/{name}_{version}_*.deb")
        if not found:
            subprocess.run(["apt-get", "download", "-q", f"{name}={version}"], cwd=fetched, check=False,
                           capture_output=True, timeout=120)
            found = glob.glob(f"{fetched}/{name}_{version}_*.deb")
        if not found:
            raise Skip(f"no mirror here has {name} {version}")
        subprocess.run(["dpkg", "-x", found[0], f"{out}.new"], check=True, timeout=300)
    os.rename(f"{out}.new", out)
    return out


def ovmf(version):
    with open(f"{unpacked('ovmf', version)}/usr/share/ovmf/OVMF.fd", "rb") as f:
        return f.read()


def facts(image, *more):
    r = run("image", "measure", image.path, "--json", *more)
    assert r.returncode == OK, r
    return json.loads(r.stdout)


def is_mrtd_of(version):
    with Image({"ovmf.fd": ovmf(version)}) as image:
        told = facts(image)
        assert (told["mrtd_single_pass"], told["mrtd_two_pass"]) == MRTD[version]
        assert told["lite"] == (told["cfv"] == CFV)
        return told


def test_mrtd_of_debian_12():
    assert not is_mrtd_of("2022.11-6+deb12u2")["lite"]  # another CFV


def test_mrtd_of_debian_13():
    assert is_mrtd_of("2025.02-8+deb13u1")["lite"]


def test_all_registers_with_debian_s_kernel():
    if not os.path.isdir(BESIDE):
        raise Skip("no ../shared/vectors")
    ovmf("2025.02-8+deb13u1")
    kernel = f"{unpacked('linux-image-6.1.0-56-cloud-amd64', '6.1.192-2')}/boot/vmlinuz-6.1.0-56-cloud-amd64"
    with open(kernel, "rb") as f:
        files = {"ovmf.fd": ovmf("2025.02-8+deb13u1"), "bzImage": f.read(),
                 "initramfs.cpio.gz": bytes((7 * i + 3) % 256 for i in range(1000003))}
    with Image(files, cmdline="console=hvc0 quiet") as image:
        for name, more in (("single_pass", ()), ("two_pass", ("--two-pass",))):
            with open(f"{BESIDE}/deb13-ovmf_deb12-kernel_2G_4cpu.{name}.json", encoding="utf-8") as f:
                want = json.load(f)
            have = measured(image.path, "--cpus", 4, "--memory", "2G", "--acpi-tables", TABLES, "--events", *more)
            assert [have[r] for r in REGISTERS] == [want[r] for r in REGISTERS], name
            for i in range(3):
                assert [e["digest"] for e in have["events"] if e["imr"] == i] == want["events"][f"rtmr{i}"]


all_tests(globals())
