# SPDX-License-Identifier: Apache-2.0
"""The image has the files, sums and contents it promises, and comes out the same twice."""
import atexit
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

import measurelib
import testlib

SCRATCH = tempfile.mkdtemp(prefix="b-image-")
atexit.register(shutil.rmtree, SCRATCH)
FIRST = testlib.build(f"{SCRATCH}/first")
FILES = ["bzImage", "digest.txt", "initramfs.cpio.gz", "metadata.json", "packages.txt",
         "sha256sum.txt"]


def read(name, folder=FIRST):
    with open(f"{folder}/{name}", "rb") as f:
        return f.read()


def listing():
    """The initramfs as cpio, not our own writer, sees it: path to the words of `ls -l`."""
    out = subprocess.run(["cpio", "-tvn", "--quiet"], input=read("initramfs.cpio.gz"),
                         env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ["PATH"]},
                         capture_output=True, check=True).stdout.decode()
    rows = [line.split() for line in out.splitlines()]
    return {(row[-3] if "->" in row else row[-1]): row for row in rows}


def member(path):
    return subprocess.run(["cpio", "-i", "--quiet", "--to-stdout", path],
                          input=read("initramfs.cpio.gz"), capture_output=True, check=True).stdout


def test_folder_holds_what_was_promised_and_no_scratch():
    assert sorted(os.listdir(FIRST)) == FILES
    assert os.listdir(f"{SCRATCH}/first") == [os.path.basename(FIRST)]


def test_sums_name_every_file_and_hold():
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "sha256sum.txt"], cwd=FIRST,
                   check=True)
    named = [line.split("  ")[1] for line in read("sha256sum.txt").decode().splitlines()]
    assert sorted(named) == sorted(set(FILES) - {"digest.txt", "sha256sum.txt"}), named
    assert read("digest.txt").decode().strip() == hashlib.sha256(read("sha256sum.txt")).hexdigest()


def test_bailey_takes_it():
    said = testlib.tool(testlib.BAILEY, "image", "check", FIRST)
    assert read("digest.txt").decode().strip() in said, said


def test_metadata_is_what_a_daemon_needs():
    meta = json.loads(read("metadata.json"))
    assert meta["version"] == "0.6.0" and meta["is_dev"] and meta["shared_ro"], meta
    assert (meta["kernel"], meta["initrd"]) == ("bzImage", "initramfs.cpio.gz"), meta
    assert "console=ttyS0 init=/init " in meta["cmdline"], meta
    assert read("bzImage")[0x202:0x206] == b"HdrS", "bzImage has no Linux boot header"


def test_two_builds_are_equal_whatever_surrounds_them():
    guest = f"{SCRATCH}/elsewhere/guest-of-another-name"
    os.makedirs(os.path.dirname(guest))
    shutil.copy(testlib.GUEST, guest)
    env = {"PATH": os.environ["PATH"], "TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8",
           "HOME": "/nonexistent", "SOURCE_DATE_EPOCH": "1"}
    second = testlib.build(f"{SCRATCH}/second/deeper", guest=guest, env=env, cwd="/",
                           umask=0o077)
    for name in FILES:
        assert read(name) == read(name, second), f"{name} differs between two builds"


def test_initramfs_belongs_to_root_and_has_no_times():
    for row in listing().values():
        assert row[2:4] == ["0", "0"] and "Jan 1 1970" in " ".join(row), row


def test_initramfs_holds_what_the_guest_needs():
    have = listing()
    for path in ("init", "usr/bin/busybox", "usr/bin/bash", "usr/bin/wg", "usr/bin/sh",
                 "usr/bin/udhcpc", "usr/bin/modprobe", "usr/bin/cryptsetup", "usr/bin/mke2fs",
                 "usr/bin/e2fsck", "etc/bailey/modules", "etc/bailey/modules.disk",
                 "etc/bailey/udhcpc.sh", "etc/os-release", "dev/console",
                 "usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/libc.so.6"):
        assert path in have, path
    for path in ("init", "etc/bailey/udhcpc.sh", "usr/bin/busybox"):
        assert have[path][0] == "-rwxr-xr-x", have[path]
    assert b'VERSION_ID="0.6.0"' in member("etc/os-release")
    names = " ".join(have)
    for module in ("virtio_blk", "virtio_net", "vmw_vsock_virtio_transport", "9p", "9pnet_virtio",
                   "vfat", "wireguard", "dm-crypt", "dm-verity", "overlay", "tls", "ext4"):
        assert f"/{module}.ko" in names, module


def test_init_is_the_guest_without_its_symbols():
    with open(f"{SCRATCH}/init", "wb") as f:
        f.write(member("init"))
    sections = subprocess.run(["readelf", "-SW", f"{SCRATCH}/init"], capture_output=True,
                              check=True).stdout
    assert b".text" in sections and b".debug_info" not in sections and b".symtab" not in sections


def test_boot_modules_come_after_what_they_need():
    check_modules(member("etc/bailey/modules").decode().splitlines(), 8)


def test_so_do_those_of_a_data_disk():
    check_modules(member("etc/bailey/modules.disk").decode().splitlines(), 5)


def check_modules(paths, least):
    deps = {}
    release = paths[0].split("/")[3]
    for line in member(f"usr/lib/modules/{release}/modules.dep").decode().splitlines():
        path, _, needs = line.partition(":")
        deps[f"/lib/modules/{release}/{path}"] = {f"/lib/modules/{release}/{n}"
                                                   for n in needs.split()}
    have = listing()
    assert len(paths) == len(set(paths)) > least, paths
    for i, path in enumerate(paths):
        assert f"usr{path}" in have, path
        assert deps[path] <= set(paths[:i]), f"{path} is loaded before what it needs"


def test_failed_build_leaves_the_image_as_it_was():
    before = {name: read(name) for name in FILES}
    script = f"{SCRATCH}/not-elf"
    with open(script, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\n")
    os.chmod(script, 0o755)
    assert "strip" in testlib.build(f"{SCRATCH}/first", guest=script, ok=False)
    assert "not a program" in testlib.build(f"{SCRATCH}/first", guest="/nonexistent", ok=False)
    assert {name: read(name) for name in FILES} == before
    assert os.listdir(f"{SCRATCH}/first") == [os.path.basename(FIRST)]


def test_programs_can_be_added_under_a_name_of_the_images_own():
    other = f"{SCRATCH}/program-of-ours"
    shutil.copy("/bin/true", other)
    out = f"{SCRATCH}/added"
    image = testlib.build(out, "--name", "bailey-kms", "--add", other, "--add", "/usr/bin/mcopy", "--ca", other)
    assert os.path.basename(image) == os.path.basename(FIRST).replace("bailey-", "bailey-kms-", 1)
    with open(f"{image}/initramfs.cpio.gz", "rb") as f:
        names = subprocess.run(["cpio", "-t", "--quiet"], stdin=f, capture_output=True, check=True).stdout.split()
    assert {b"usr/bin/program-of-ours", b"usr/bin/mcopy", b"etc/ssl/certs/ca-certificates.crt"} <= set(names)
    added = set(read("packages.txt", image).decode().splitlines()) - set(read("packages.txt").decode().splitlines())
    assert [line.split()[0] for line in added] == ["mtools"], added
    said = testlib.tool(testlib.BAILEY, "image", "check", image)
    assert read("digest.txt", image).decode().strip() in said, said
    for args, why in ((["--add", "/nonexistent"], "not a program"), (["--name", "../x"], "lower-case letters"),
                      (["--add", SCRATCH], "not a program"), (["--ca", "/nonexistent"], "no such file")):
        assert why in testlib.build(out, *args, ok=False)
    shutil.copy("/bin/true", f"{SCRATCH}/bash")
    assert "has another /usr/bin/bash" in testlib.build(out, "--add", f"{SCRATCH}/bash", ok=False)


def test_firmware_is_taken_along_if_a_td_can_start_in_it():
    path = f"{SCRATCH}/some.fd"
    with open(path, "wb") as f:
        f.write(b"\0" * 4096)
    assert "no firmware for TDX" in testlib.build(f"{SCRATCH}/third", "--firmware", path, ok=False)
    with open(path, "ab") as f:
        f.write(b"TDVF")
    third = testlib.build(f"{SCRATCH}/third", "--firmware", path, "--measure", testlib.BAILEY)  # which can make nothing of it
    assert json.loads(read("metadata.json", third))["bios"] == "ovmf.fd"
    assert "ovmf.fd" in read("sha256sum.txt", third).decode()
    said = testlib.tool(testlib.BAILEY, "image", "check", third)
    assert read("digest.txt", third).decode().strip() in said, said


def test_a_document_of_measurement_is_sealed_with_the_rest():
    path = f"{SCRATCH}/measurable.fd"
    with open(path, "wb") as f:
        f.write(measurelib.firmware(measurelib.known_cfv()))
    assert "without --firmware" in testlib.build(f"{SCRATCH}/fourth", "--measure", testlib.BAILEY, ok=False)
    fourth = testlib.build(f"{SCRATCH}/fourth", "--firmware", path, "--measure", testlib.BAILEY)
    assert "measurement.tdx.cbor" in read("sha256sum.txt", fourth).decode()
    said = testlib.tool(testlib.BAILEY, "image", "check", fourth)
    assert read("digest.txt", fourth).decode().strip() in said, said


def test_rebuild_replaces_the_image():
    guest = f"{SCRATCH}/other"
    shutil.copy("/bin/true", guest)
    assert testlib.build(f"{SCRATCH}/first", guest=guest) == FIRST
    assert member("init")[:4] == b"\x7fELF" and len(member("init")) <= os.path.getsize(guest)
    assert sorted(os.listdir(FIRST)) == FILES


if __name__ == "__main__":
    testlib.run_all(globals())
