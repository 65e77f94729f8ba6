# SPDX-License-Identifier: Apache-2.0
"""halting_image: a guest image whose kernel does nothing but halt

QEMU takes it for a Linux kernel and runs it, so that a VM of it is running in earnest, at once and
for ever; it never says anything to its host.
"""
import hashlib
import json
import os
import struct


def kernel():
    """The boot sector and setup code of a bzImage (boot protocol 2.03): cli; hlt; jmp."""
    image = bytearray(4096)
    image[0x1f1] = 1  # setup sectors
    image[0x1fe:0x200] = b"\x55\xaa"
    image[0x200:0x202] = b"\xeb\x7e"  # jmp 0x280
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, 0x203)
    image[0x211] = 1  # loaded high
    struct.pack_into("<I", image, 0x214, 0x100000)
    struct.pack_into("<I", image, 0x22c, 0x37ffffff)  # highest address of the initrd
    image[0x280:0x284] = b"\xfa\xf4\xeb\xfd"
    return bytes(image)


def make(store, name, version="0.6.0"):
    """The image in a store of images; its sums are right."""
    path = f"{store}/{name}"
    os.makedirs(path)
    files = {"bzImage": kernel(), "initramfs": b"\0" * 512, "metadata.json": json.dumps(
        {"kernel": "bzImage", "initrd": "initramfs", "version": version, "shared_ro": True,
         "is_dev": True, "cmdline": "console=ttyS0"}).encode()}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in files.items())
    files["sha256sum.txt"] = sums.encode()
    files["digest.txt"] = hashlib.sha256(sums.encode()).hexdigest().encode() + b"\n"
    for file, data in files.items():
        with open(f"{path}/{file}", "wb") as f:
            f.write(data)
    return path
