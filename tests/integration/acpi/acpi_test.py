#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""acpi_test: libvirt makes of our domain XML a machine with the ACPI tables of dstack's QEMU command line

The tables are measured into RTMR0 of a TDX guest, and verifiers compute them from dstack's command line.  Ours comes
from tests/vectors/domain/*.xml (which unit-domain-domain_xml holds to what domain_xml() writes) through libvirt's own
translation; dstack's is put together here from its description.  Both run on the QEMU of this machine under TCG, so
on both sides what only KVM or a vhost device can do is replaced alike: vsock by another virtio device in its slot.

usage: acpi_test.py VECTORS
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

import qtest_acpi

QEMU = "qemu-system-x86_64"
ROOT = "/srv/bailey"  # what the vectors call the state folder
VM = "vm/3f2504e0-4f89-41d3-9a0c-0305e82c3301"
IMAGE = "image/dstack-0.6.0"
MACHINE = "pc-q35-7.2"

# name of the vector: what it stands for, in dstack's terms
CASES = {
    "none": {},
    "none-9p": {"share": "9p"},
    "none-kernel-vsock": {"share": "9p"},
    "none-kvm": {},
    "simulated": {},
    "escaped": {},
    "many": {"rootfs": True, "nics": 2, "volumes": 2, "hotplug_off": True, "pci_hole64": 0x8000000000},
    "gpus": {"gpus": [0, 0, 1], "bridges": 1},
    "gpus-hugepages": {"gpus": [0, 0, 1], "bridges": 1, "nodes": [0, 1], "cpus": 4},
    "hugepages": {"nodes": [0], "cpus": 1},
    "least": {"disk": False, "nics": 0, "vsock": False, "share": None},
    "tdx-libvirt": {"rootfs": True, "share": "9p"},
    "tdx-commandline": {"rootfs": True, "share": "9p"},
}


def make_files(folder):
    for name in (f"{VM}/shared", IMAGE, "volumes", "run/3f2504e0"):
        os.makedirs(f"{folder}/{name}")
    for name in (f"{VM}/shared.img", "volumes/a.verity", "volumes/b.verity", f"{IMAGE}/rootfs.img.parted.verity"):
        with open(f"{folder}/{name}", "wb") as f:
            f.truncate(1 << 20)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", f"{folder}/{VM}/hda.img", "1M"], check=True)
    os.makedirs(f"{folder}/libvirt/etc")
    with open(f"{folder}/libvirt/etc/qemu.conf", "w") as f:
        f.write('stdio_handler = "file"\nsecurity_driver = "none"\n')


def runnable_here(xml):
    """What TCG and this QEMU cannot do is taken out: none of it is a device."""
    for old, new in (("type='kvm'", "type='qemu'"), ("    <ioapic driver='qemu'/>\n", ""),
                     ("mode='host-passthrough'", "mode='maximum'"), ("pc-q35-10.1", MACHINE),
                     ("nodeset='1'", "nodeset='0'"), (" cpuset='0-15,32-47'", "")):
        xml = xml.replace(old, new)
    begin, end = xml.find("  <launchSecurity"), xml.find("</launchSecurity>\n")
    if begin >= 0:
        xml = xml[:begin] + xml[end + len("</launchSecurity>\n"):]
    return xml


def libvirt_argv(folder, vector):
    with open(vector, encoding="utf-8") as f:
        xml = runnable_here(f.read().replace(ROOT, folder))
    path = f"{folder}/domain.xml"
    with open(path, "w", encoding="utf-8") as f:
        f.write(xml)
    env = dict(os.environ, LIBVIRT_LOG_OUTPUTS=f"3:file:{folder}/virsh.log", LC_ALL="C")
    out = subprocess.run(["virsh", "-q", "-c", f"qemu:///embed?root={folder}/libvirt", "domxml-to-native", "qemu-argv",
                          "--xml", path], check=True, stdout=subprocess.PIPE, env=env, text=True).stdout
    words = shlex.split(out)
    return words[[i for i, w in enumerate(words) if w.endswith(QEMU)][0]:]


def pairs(argv):
    """[(option, value or None)]"""
    found = []
    for word in argv:
        if word.startswith("-") and not (found and found[-1][0] == "-append" and found[-1][1] is None):
            found.append([word, None])
        else:
            found[-1][1] = word
    return found


def without_backends(argv):
    """The same machine with nothing behind its devices, and a stand-in for vsock."""
    out = [argv[0]]
    for option, value in pairs(argv[1:]):
        if option in ("-mon", "-sandbox", "-kernel", "-initrd", "-append", "-bios"):
            continue
        if option == "-chardev" and ("charmonitor" in value or "vsock" in value):
            continue
        if option == "-object" and ("secret" in value or "tdx-guest" in value or "thread-context" in value or
                                    "iommufd" in value):
            continue
        if option == "-object" and "memory-backend-" in value:
            value = plain_memory(value)
        if option == "-device" and "vfio-pci" in value:
            value = vsock_stand_in(value)
        if option == "-machine" and value == "confidential-guest-support=tdx":
            continue
        if option == "-netdev":
            value = "hubport,hubid=0,id=" + [v for v in value.split(",") if v.startswith("id=")][0][3:]
        if option == "-chardev" and "com0" in value:
            value = "null,id=com0"
        if option == "-device" and ("vhost-user-vsock-pci" in value or "vhost-vsock-pci" in value):
            value = vsock_stand_in(value)
        out += [option] if value is None else [option, value]
    return out


def plain_memory(value):
    """Memory that is neither huge nor anywhere in particular; a machine is the same with it."""
    old = json.loads(value) if value.startswith("{") else dict(v.partition("=")[::2] for v in value.split(","))
    size = int(old["size"][:-1]) << 30 if str(old["size"]).endswith("G") else old["size"]
    return json.dumps({"qom-type": "memory-backend-memfd", "id": old["id"], "size": size, "share": True})


def vsock_stand_in(value):
    if value.startswith("{"):
        old = json.loads(value)
        return json.dumps({"driver": "virtio-rng-pci", **{k: old[k] for k in ("bus", "addr") if k in old}})
    kept = [v for v in value.split(",")[1:] if v.startswith(("bus=", "addr="))]
    return ",".join(["virtio-rng-pci"] + kept)


def dstack_argv(folder, rootfs=False, disk=True, nics=1, volumes=0, vsock=True, share="vhd", hotplug_off=False,
                pci_hole64=0, gpus=(), bridges=0, nodes=(), cpus=2):
    """In the order of the reference, with the slots that QEMU gives by itself."""
    vm = f"{folder}/{VM}"
    argv = [QEMU, "-accel", "tcg", "-cpu", "max", "-nographic", "-nodefaults", "-chardev", "null,id=com0",
            "-serial", "chardev:com0"]
    if hotplug_off:
        argv += ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
    if pci_hole64:
        argv += ["-global", f"q35-pcihost.pci-hole64-size={pci_hole64:#x}"]

    def drive(name, path, options):
        return ["-drive", f"file={path},if=none,id={name}{options}", "-device", f"virtio-blk-pci,drive={name}"]

    raw = ",format=raw,readonly=on"
    if rootfs:
        argv += drive("hd0", f"{folder}/{IMAGE}/rootfs.img.parted.verity", raw)
    if disk:
        argv += drive("hd1", f"{vm}/hda.img", "")
    for i in range(volumes):
        argv += drive(f"vol{i}", f"{folder}/volumes/{'ab'[i]}.verity", raw)
    for i in range(nics):
        argv += ["-netdev", f"user,id=net{i}", "-device", f"virtio-net-pci,netdev=net{i},mac=52:54:00:00:00:0{i}"]
    argv += ["-smbios", "type=1,manufacturer=dstack,product=dstack"]
    if vsock:
        argv += ["-device", "vhost-vsock-pci,guest-cid=1000"]
    if share == "9p":
        argv += ["-virtfs", f"local,path={vm}/shared,mount_tag=host-shared,readonly=on,security_model=mapped,"
                 "id=virtfs0"]
    elif share:
        argv += drive("hd2", f"{vm}/shared.img", raw)
    argv += numa_argv(gpus, nodes, cpus)
    argv += ["-machine", "q35,hpet=off"]
    for p, node in enumerate(list(gpus) + [None] * bridges, 1):
        bus = f"pcie.node{node}" if nodes and node is not None else "pcie.0"
        argv += ["-device", f"pcie-root-port,id=pci.{p},bus={bus},chassis={p}",
                 "-device", f"vfio-pci,host=18:00.{p},bus=pci.{p},iommufd=iommufd0"]
    return argv + ["-smp", str(cpus), "-m", "2048M"]


def numa_argv(gpus, nodes, cpus):
    """Huge pages.  The expander is there with GPUs only: verifiers know no other."""
    argv, bus = [], 5
    for i, node in enumerate(nodes):
        n = cpus // len(nodes)
        argv += ["-numa", f"node,nodeid={i},cpus={i * n}-{(i + 1) * n - 1},memdev=mem{i}",
                 "-object", f"memory-backend-file,id=mem{i},size={2 // len(nodes)}G,mem-path=/dev/hugepages,share=on,"
                 f"prealloc=yes,host-nodes={node},policy=bind"]
        if gpus:
            argv += ["-device", f"pxb-pcie,id=pcie.node{node},bus=pcie.0,addr={10 + i},numa_node={i},bus_nr={bus}"]
            bus += 1 + gpus.count(node)
    return argv


def compare(name, ours, theirs):
    same = True
    for file in qtest_acpi.FILES:
        if ours[file] != theirs[file]:
            at = next((i for i, (a, b) in enumerate(zip(ours[file], theirs[file])) if a != b), -1)
            print(f"{name}: {file} differs: {len(ours[file])} and {len(theirs[file])} bytes, first at {at}")
            same = False
    return same


def differs_when(what, ours, argv):
    """The comparison must be able to fail."""
    if compare(f"with {what}", ours, qtest_acpi.tables(argv)):
        print(f"{what} does not show in the tables: this test proves nothing")
        return False
    return True


def main(vectors):
    ok = True
    with tempfile.TemporaryDirectory(prefix="acpi-") as folder:
        make_files(folder)
        for name, case in CASES.items():
            begin = time.monotonic()
            argv = without_backends(libvirt_argv(folder, f"{vectors}/{name}.xml"))
            translated = time.monotonic()
            ours = qtest_acpi.tables(argv)
            theirs = qtest_acpi.tables(without_backends(dstack_argv(folder, **case)))
            same = compare(name, ours, theirs)
            print(f"{name}: {'equal' if same else 'DIFFERENT'}, {len(ours[qtest_acpi.FILES[0]])} bytes of tables, "
                  f"libvirt {translated - begin:.1f} s, QEMU {time.monotonic() - translated:.1f} s", flush=True)
            ok &= same
            if name == "none":
                base = without_backends(dstack_argv(folder))
                ok &= differs_when("another device", ours, base + ["-device", "virtio-rng-pci"])
                ok &= differs_when("another slot", ours,
                                   without_backends(dstack_argv(folder, vsock=False)) +
                                   ["-device", "virtio-rng-pci,addr=0x9"])
                isa = [w for w in base if w not in ("-serial", "chardev:com0")]
                ok &= differs_when("libvirt's way of a serial port", ours,
                                   isa + ["-device", "isa-serial,chardev=com0"])
    return 0 if ok else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
