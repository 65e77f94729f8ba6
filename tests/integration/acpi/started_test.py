# SPDX-License-Identifier: Apache-2.0
"""started_test: the tables of a VM that baileyd started are those that Bailey computes for it, and dstack's too

A simulated TD is started through libvirt.  Its QEMU's own command line is read back from /proc, started again with
nothing behind its devices, and asked for its ACPI files.  Their digests must be the events that the daemon handed to
the guest, which vmm/measure got from a QEMU with stand-ins in the slots; and those of dstack's own argument list.
Shapes that no daemon of ours makes, or no machine without the hardware, are held to dstack's list by themselves.

usage: started_test.py
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("BAILEY_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(HERE))))
sys.path[:0] = [HERE, f"{os.path.dirname(HERE)}/daemon", f"{os.path.dirname(HERE)}/measure"]
import acpi_test  # noqa: E402
import qtest_acpi  # noqa: E402
from measurelib import Image  # noqa: E402
from scratch import BIN, Daemon, compose, main, wait_for  # noqa: E402

IMAGE = "td-0.6.0"
EVENTS = {"acpi-loader": "etc/table-loader", "acpi-rsdp": "etc/acpi/rsdp", "acpi-tables": "etc/acpi/tables"}
VERSION = subprocess.run([acpi_test.QEMU, "--version"], capture_output=True, text=True,
                         check=True).stdout.split("version ")[1].split()[0]
MIB = 1 << 20

# what the daemon is asked for, by its share
STARTED = {
    "disk": {"vcpu": 2, "memory": 4096, "networks": [{"mode": "user"}] * 2},
    "9p": {},
}

# vm_config, and dstack_argv()'s words for the same
COMPUTED = [
    ({"num_nics": 0, "cpu_count": 8}, {"nics": 0, "cpus": 8}),
    ({"num_nics": 2, "num_verity_volumes": 2, "host_share_mode": "vhd"}, {"nics": 2, "volumes": 2}),
    ({"hotplug_off": True, "pci_hole64_size": 0x8000000000}, {"hotplug_off": True, "pci_hole64": 0x8000000000}),
    ({"num_gpus": 3, "num_nvswitches": 1}, {"gpus": [0, 0, 0], "bridges": 1}),
    ({"num_gpus": 3, "num_nvswitches": 1, "hotplug_off": True}, {"gpus": [0, 0, 0], "bridges": 1,
                                                                 "hotplug_off": True}),
    ({"hugepages": True, "cpu_count": 4}, {"nodes": [0], "cpus": 4}),
    ({"num_gpus": 2, "hugepages": True, "cpu_count": 4}, {"gpus": [0, 0], "nodes": [0], "cpus": 4}),
]


def install(folder):
    """A measured image with a root file system on a disk."""
    with Image(name=IMAGE, is_dev=True, shared_ro=True, rootfs="rootfs.img.parted.verity",
               files={"rootfs.img.parted.verity": bytes(MIB)}) as image:
        subprocess.run(["cp", "-r", image.path, f"{folder}/{IMAGE}"], check=True)


def as_td(argv):
    """A TD's machine has no SMM; and qemu-system-x86_64's PIC is where vm_config says it is."""
    machine = argv.index("-machine") + 1
    return argv[:machine] + [argv[machine] + ",smm=off,pic=on"] + argv[machine + 1:]


def digests(argv):
    files = qtest_acpi.tables(as_td(acpi_test.without_backends(argv)))
    return {event: hashlib.sha384(files[name]).hexdigest() for event, name in EVENTS.items()}


def of_events(events):
    return {e["event"]: e["digest"] for e in events if e["event"] in EVENTS}


def argv_of(uuid):
    """The command line of the QEMU of that VM."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        if words and words[0].endswith(acpi_test.QEMU) and uuid in words:
            return words
    return None


def started(share, **machine):
    """What the tables of that VM are, and what its guest is told of them."""
    d = daemons[share]
    vid = d.rpc("CreateVm", {
        "name": "one", "image": IMAGE, "compose_file": compose(), "disk_size": 1, "no_tee": True,
        "simulated_tee": "dstack-tdx", "vcpu": 1, "memory": 2048, **machine})["id"]
    argv = wait_for("its QEMU", lambda: argv_of(vid))
    with open(f"{d.dir}/s/vm/{vid}/shared/.tee-simulator.json", encoding="utf-8") as f:
        told = of_events(json.load(f)["bailey"]["events"])
    d.rpc("StopVm", {"id": vid})
    own = digests(argv)  # its disks are still there
    d.rpc("RemoveVm", {"id": vid})
    wait_for("it is removed", lambda: d.rpc("Status")["total"] == 0)
    return own, told


def test_a_started_vm_has_the_tables_that_its_guest_is_told():
    with tempfile.TemporaryDirectory(prefix="acpi-") as folder:
        acpi_test.make_files(folder)
        for share, machine in STARTED.items():
            own, told = started(share, **machine)
            assert len(told) == len(EVENTS) and own == told, (share, machine)
            theirs = acpi_test.dstack_argv(
                folder, rootfs=True, cpus=machine.get("vcpu", 1), nics=len(machine.get("networks", [1])),
                share="9p" if share == "9p" else "vhd")
            theirs[theirs.index("-m") + 1] = f"{machine.get('memory', 2048)}M"
            assert digests(theirs) == told, (share, machine)


def test_dstack_s_list_has_the_tables_that_are_computed():
    with tempfile.TemporaryDirectory(prefix="acpi-") as folder:
        acpi_test.make_files(folder)
        os.makedirs(f"{folder}/store")
        install(f"{folder}/store")
        for config, words in COMPUTED:
            theirs = acpi_test.dstack_argv(folder, rootfs=True, **{"share": "9p"} | (
                {"share": "vhd"} if config.get("host_share_mode") == "vhd" else {}) | words)
            vm = {"cpu_count": 2, "memory_size": 2048 * MIB, "qemu_version": VERSION, "pic": True,
                  "host_share_mode": "9p", "num_nics": 1} | config
            with open(f"{folder}/vm.json", "w", encoding="utf-8") as f:
                json.dump(vm, f)
            r = subprocess.run([f"{BIN}/bailey", "measure", f"{folder}/store/{IMAGE}", "--vm-config", f"{folder}/vm.json",
                                "--events", "--json"], capture_output=True, text=True, timeout=300, check=False,
                               env=os.environ | {"XDG_CACHE_HOME": f"{folder}/cache"})
            assert r.returncode == 0, r
            assert of_events(json.loads(r.stdout)["events"]) == digests(theirs), config


daemons = {share: Daemon(f"share: {{ mode: {share} }}\nqemu: {{ accel: tcg }}\n") for share in STARTED}
for one in daemons.values():
    install(f"{one.dir}/s/image")
try:
    main(daemons["disk"], test_a_started_vm_has_the_tables_that_its_guest_is_told,
         test_dstack_s_list_has_the_tables_that_are_computed)
finally:
    daemons["9p"].close()
