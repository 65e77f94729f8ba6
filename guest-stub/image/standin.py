# SPDX-License-Identifier: Apache-2.0
"""standin: a firmware that can be measured and runs nothing, for VMs with a simulated TEE

What starts such a VM is not what its quote says that did; so any firmware does, and this one is what verifiers know
how to compute with a measurement document alone, which Debian 12's is not.
"""
import struct

NAME = "stand-in.fd"  # by which baileyd knows that nothing starts in it


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
