# SPDX-License-Identifier: Apache-2.0
"""The guest's data disk in a real kernel: made once, opened with its key only, never formatted by mistake.

The image's own initramfs is booted with one more archive behind it: a script in
place of bailey-guest, and a program that calls what the boot calls.  Disks are
loop devices over files in memory, so that one boot sees many of them; the
kernel command line that is read is a file of the script's.
"""
import atexit
import os
import re
import shutil
import tempfile
import time

import testlib
from newc import Tree

SCRATCH = tempfile.mkdtemp(prefix="b-disk-")
atexit.register(shutil.rmtree, SCRATCH)
DRILL = os.environ.get("DISK_DRILL") or f"{testlib.SOURCE}/build/dev/bin/disk-drill"

SCRIPT = r"""#!/bin/bash
# Each line says what was tried and whether it came out; the host waits for "all done".
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /tmp && mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dstack
while read -r ko; do insmod "$ko"; done </etc/bailey/modules
modprobe -a loop nls_ascii
M=/dstack/persistent D=/dev/loop0 F=/tmp/disk

say() { echo "check: $1: $2"; }
check() { what=$1; shift; if "$@" >/tmp/out 2>&1; then say "$what" ok; else say "$what" "FAILED: $(tail -n 3 /tmp/out)"; fi; }
option() { echo "console=ttyS0 dstack.data_device=$D $*" >/tmp/cmdline; umount /proc/cmdline 2>/dev/null; mount --bind /tmp/cmdline /proc/cmdline; }
blank() { losetup -d $D 2>/dev/null; rm -f $F; truncate -s ${1:-64M} $F; losetup $D $F; }
put() { printf "$2" | dd of=$D bs=1 seek=$1 conv=notrunc 2>/dev/null; }
written() { sync; awk '{ print $5 }' /sys/block/loop0/stat; }
# it opens as said: a pattern, then what disk-drill takes
opens() { want=$1; shift; disk-drill "$@" 2>&1 | tee /tmp/said; grep -qE "^open: $want\$" /tmp/said; }
shut() { swapoff $M/swapfile 2>/dev/null; umount $M; [ ! -e /dev/mapper/dstack_data_disk ] || cryptsetup close dstack_data_disk; }
is_shut() { ! mountpoint -q $M && ! [ -e /dev/mapper/dstack_data_disk ]; }
# refused, with nothing left open and not a block written
refuses() { before=$(written); opens "refused: .*$1.*" "${@:2}" && [ $(written) = $before ] && is_shut; }
# killed at a point, then as a machine that lost its power
dies() { BAILEY_INJECT=$1 disk-drill 11 >/dev/null 2>&1; umount $M 2>/dev/null; cryptsetup close dstack_data_disk 2>/dev/null; sync; true; }

option
blank
check 'a blank disk is made' opens 'fs=ext4 new encrypted' 11
echo kept >$M/file
check 'no header is left in memory' sh -c '! ls /run/bailey-disk/* 2>/dev/null'
shut
check 'it opens with its key' opens 'fs=ext4 encrypted' 11
check 'what was written is there' grep -qx kept $M/file
shut
check 'another key is refused' refuses "this app's key does not open it: it belongs to another app, compose or key provider; nothing on it was changed" 22
check 'no lasting key is refused' refuses 'key provider none has no key that could open it' none
option dstack.storage_encrypted=0
check 'no encryption is refused' refuses 'it holds an encrypted volume, and the kernel command line says' 11
option
dd if=$D of=/tmp/good bs=32k count=1 2>/dev/null
mend() { dd if=/tmp/good of=$D conv=notrunc 2>/dev/null; }
put 24 x; check 'a label in the first header is refused' refuses 'copy 1: it has a label' 11
mend; put 16408 x; check 'a label in the second header is refused' refuses 'copy 2: it has a label' 11
mend; put 4200 '\xff'; check 'a wrong checksum is refused' refuses 'copy 1: the checksum is wrong' 11
mend; put 0 x; check 'a spoiled magic is refused' refuses 'a partition table, or data of an unknown kind' 11
mend; check 'and put right it opens' opens 'fs=ext4 encrypted' 11
check 'with what was in it' grep -qx kept $M/file
shut
losetup -d $D; truncate -s 128M $F; losetup $D $F
check 'a larger disk opens' opens 'fs=ext4 encrypted' 11
check 'its file system has grown' sh -c "[ \$(df -P $M | awk 'END { print \$2 }') -gt 90000 ]"
check 'with what was in it' grep -qx kept $M/file
umount $M
dd if=/dev/zero of=/dev/mapper/dstack_data_disk bs=4096 count=1 2>/dev/null; cryptsetup close dstack_data_disk
check 'a volume without a file system is refused' refuses 'no ext4 file system is in it' 11

for point in formatted made stored; do
	blank
	dies data_disk.$point
	check "after a death when $point it is made again" opens 'fs=ext4 new encrypted' 11
	shut
done
check 'and only then' opens 'fs=ext4 encrypted' 11
shut

blank
check 'without a lasting key it is made' opens 'fs=ext4 new encrypted swap' none ext4 16M
check 'swap is used' grep -q swapfile /proc/swaps
check 'only root reads it' sh -c "[ \$(stat -c %a $M/swapfile) = 600 ]"
echo gone >$M/file
shut
check 'and made again' opens 'fs=ext4 new encrypted' none
check 'so that nothing is left' sh -c "! [ -e $M/file ]"
shut
check 'a lasting key may have it then' opens 'fs=ext4 new encrypted' 11
shut
check 'and keeps it' refuses 'key provider none' none
check 'swap that does not fit is refused' opens 'refused: .*swap_size: 1073741824 bytes do not fit.*' 11 '' 1G
check 'nothing is left open' is_shut
check 'zfs is refused' refuses 'storage_fs zfs: this image has no zfs; ext4 it has' 11 zfs

option dstack.storage_encrypted=0
blank
check 'without encryption it is made' opens 'fs=ext4 new' 11
echo kept >$M/file
shut
check 'and opens, with any key' opens 'fs=ext4' none
check 'what was written is there' grep -qx kept $M/file
shut
check 'memory is not written to it' opens 'refused: .*swap_size needs an encrypted data disk.*' 11 '' 16M
option
check 'encryption is not put over it' refuses 'it holds an ext4 file system that is not encrypted' 11
check 'nor without a lasting key' refuses 'it holds an ext4 file system that is not encrypted' none

blank; mkdosfs $D >/dev/null 2>&1 || mkfs.vfat $D >/dev/null; check 'FAT is left alone' refuses 'unknown kind' 11
blank; put 510 '\x55\xaa'; check 'a partition table is left alone' refuses 'unknown kind' none
blank; put 67000000 x; check 'so is a disk with something at its end' refuses 'unknown kind' none
blank 32M; check 'a small disk is refused' refuses 'at least 67108864 are needed' none

# as dstack makes them: the usual size of the area, a key that is stretched (less long than usual)
blank
key=$(printf '11%.0s' {1..32})
printf %s $key | cryptsetup luksFormat --batch-mode --type luks2 --offset 32768 --cipher aes-xts-plain64 --pbkdf pbkdf2 --iter-time 20 -d- $D
printf %s $key | cryptsetup luksOpen --type luks2 -d- $D dstack_data_disk
mke2fs -q -t ext4 /dev/mapper/dstack_data_disk; cryptsetup close dstack_data_disk
check "dstack's disk opens" opens 'fs=ext4 encrypted' 11
shut
printf %s $key | cryptsetup luksAddKey --batch-mode -d- --pbkdf pbkdf2 --iter-time 20 $D /etc/hosts
check 'a second key slot is refused' refuses 'keyslots.1: must not be there' 11

D=/dev/vdz; option
check 'a disk that is named must be there' opens 'refused: dstack.data_device=/dev/vdz .* is not there' 11
umount /proc/cmdline
check 'the disk that can be written is found, and not the share' opens 'fs=ext4 new encrypted' 11
check 'it is the second' sh -c 'cryptsetup status dstack_data_disk | grep -q /dev/vdb'
shut
echo 1 >/sys/block/vdb/device/../remove 2>/dev/null || echo 1 >/sys/bus/pci/devices/$(basename $(realpath /sys/block/vdb/device/..))/remove
check 'without a disk everything is in memory' opens 'fs=none' 11
check 'and the folder is there' test -d $M
echo 'all done'
poweroff -f
"""


def overlay():
    tree = Tree()
    tree.file("test", SCRIPT.encode(), 0o755)
    tree.copy("usr/bin/disk-drill", DRILL, 0o755)
    return tree.archive()


def disks():
    """The share, for once writable, and an empty data disk."""
    share, data = f"{SCRATCH}/share.img", f"{SCRATCH}/data.img"
    for path in (share, data):
        testlib.tool("truncate", "-s", "64M", path)
    testlib.tool("mkfs.vfat", "-F", "32", "-n", "DSTACKSHR", share)
    return [word for i, path in enumerate((share, data)) for word in
            ("-drive", f"file={path},if=none,id=hd{i},format=raw", "-device", f"virtio-blk-pci,drive=hd{i}")]


def test_data_disk():
    image = testlib.build(f"{SCRATCH}/image")
    initrd = f"{SCRATCH}/initrd"
    with open(f"{image}/initramfs.cpio.gz", "rb") as f, open(initrd, "wb") as out:
        out.write(f.read() + overlay())
    begun = time.monotonic()
    cmdline = "console=ttyS0 rdinit=/test panic=1 net.ifnames=0 quiet"
    with testlib.Console(f"{image}/bzImage", initrd, cmdline, *disks()) as console:
        console.wait_for(rb"all done")
        checks = re.findall("check: [^\r\n]*", console.text.decode(errors="replace"))
    print("\n".join(checks), f"\n{time.monotonic() - begun:.0f} s")
    failed = [line for line in checks if not line.endswith(": ok")]
    wanted = len(re.findall(r"(?:^|; )check ", SCRIPT, re.M)) + 3  # of the loop, whose line begins with a tab
    assert not failed and len(checks) == wanted, f"{len(checks)} of {wanted} checks, {failed}"


if __name__ == "__main__":
    testlib.run_all(globals())
