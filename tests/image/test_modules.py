# SPDX-License-Identifier: Apache-2.0
"""In a real kernel: the boot modules load in their order, the others when asked for.

The image's own initramfs is booted with one more archive behind it, which holds
a script that runs in place of bailey-guest.
"""
import atexit
import os
import re
import shutil
import tempfile

import testlib
from newc import Tree

SCRATCH = tempfile.mkdtemp(prefix="b-modules-")
atexit.register(shutil.rmtree, SCRATCH)

SCRIPT = r"""#!/bin/sh
# Each line says what was tried and whether it worked; the host waits for "all done".
PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs dev /dev
say() { echo "check: $1: $2"; }
check() { what=$1; shift; if "$@" >/tmp/out 2>&1; then say "$what" ok; else say "$what" "FAILED: $(tail -n 2 /tmp/out)"; fi; }

order() { while read -r ko; do insmod "$ko" || return 1; done </etc/bailey/modules; }
check 'boot modules in order' order
check 'disk with the shared folder' mount -o ro -t vfat /dev/vda /mnt
check 'its long file name' grep -qx 'fed by the host' /mnt/.sys-config.json
check '9p, loaded by the kernel' mount -t 9p -o trans=virtio,version=9p2000.L,ro host-shared /home
check 'file of 9p' grep -qx 'fed by the host' /home/.sys-config.json
check 'dhcp' udhcpc -i eth0 -n -q -s /etc/bailey/udhcpc.sh
check 'dhcp, where busybox looks' udhcpc -i eth0 -n -q
check 'address' sh -c 'ip -4 addr show dev eth0 | grep -q "inet 10.0.2.15/24"'
check 'route' sh -c 'ip route | grep -q "default via 10.0.2.2"'
check 'name server' grep -qx 'nameserver 10.0.2.3' /etc/resolv.conf
check 'wireguard, loaded by the kernel' ip link add wg0 type wireguard
check 'wg' sh -c 'wg genkey >/tmp/key && wg set wg0 private-key /tmp/key && wg show wg0 | grep -q "public key"'
check 'bash' bash -c 'a=(1 2 3); [[ ${#a[@]} = 3 ]]'
check 'vsock device' test -d /sys/module/vmw_vsock_virtio_transport
for m in ext4 dm_crypt dm_verity overlay tls tun xts loop veth bridge; do
	check "modprobe $m" modprobe $m
done
check 'overlay' sh -c 'mkdir /tmp/l /tmp/u /tmp/w /tmp/o && mount -t overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w none /tmp/o'
check 'data disk' sh -c 'mke2fs /dev/vdb && mount -t ext4 /dev/vdb /tmp/o && echo x >/tmp/o/x'
echo 'all done'
poweroff -f
"""


def overlay():
    tree = Tree()
    tree.file("test", SCRIPT.encode(), 0o755)
    return tree.archive()


def share():
    """The same small folder as a FAT32 disk and for 9p."""
    folder, disk = f"{SCRATCH}/share", f"{SCRATCH}/share.img"
    os.mkdir(folder)
    with open(f"{folder}/.sys-config.json", "w", encoding="ascii") as f:
        f.write("fed by the host\n")
    testlib.tool("truncate", "-s", "64M", disk)
    testlib.tool("mkfs.vfat", "-F", "32", "-n", "DSTACKSHR", disk)
    testlib.tool("mcopy", "-i", disk, f"{folder}/.sys-config.json", "::.sys-config.json")
    testlib.tool("truncate", "-s", "64M", f"{SCRATCH}/data.img")
    return ["-drive", f"file={disk},if=none,id=hd0,format=raw,readonly=on",
            "-device", "virtio-blk-pci,drive=hd0",
            "-drive", f"file={SCRATCH}/data.img,if=none,id=hd1,format=raw",
            "-device", "virtio-blk-pci,drive=hd1",
            "-virtfs", f"local,path={folder},mount_tag=host-shared,readonly=on,"
            "security_model=none,id=fs0",
            "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0"]


def test_modules_and_tools_work_in_the_kernel_they_came_with():
    image = testlib.build(f"{SCRATCH}/image")
    initrd = f"{SCRATCH}/initrd"
    with open(f"{image}/initramfs.cpio.gz", "rb") as f, open(initrd, "wb") as out:
        out.write(f.read() + overlay())
    cmdline = "console=ttyS0 rdinit=/test panic=1 net.ifnames=0 quiet"
    with testlib.Console(f"{image}/bzImage", initrd, cmdline, *share()) as console:
        console.wait_for(rb"all done")
        checks = re.findall("check: [^\r\n]*", console.text.decode(errors="replace"))
    print("\n".join(checks))
    failed = [line for line in checks if not line.endswith(": ok")]
    wanted = SCRIPT.count("\ncheck ") + 10
    assert not failed and len(checks) == wanted, f"{len(checks)} of {wanted} checks, {failed}"


if __name__ == "__main__":
    testlib.run_all(globals())
