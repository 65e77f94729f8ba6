# SPDX-License-Identifier: Apache-2.0
"""qtest_acpi: the ACPI tables that a QEMU command line gives its guest, without a guest

QEMU builds the tables when firmware asks for them over fw_cfg.  Here nothing runs: over QEMU's qtest socket we do
what firmware does to the chipset first (set PCIEXBAR, the PM base and, for the 64-bit window, one BAR), then select
the fw_cfg file and fetch it by DMA.
"""
import os
import socket
import struct
import subprocess
import tempfile
import time

FILES = ("etc/acpi/tables", "etc/table-loader", "etc/acpi/rsdp")
DEADLINE_S = 90

# fw_cfg: selector of the directory, control bits, ports of the DMA address register
FW_CFG_DIR, SELECT, READ = 0x19, 8, 2
DMA_HIGH, DMA_LOW = 0x514, 0x518
DESCRIPTOR_AT, BUFFER_AT = 0x1000, 0x200000
BAR_AT = 0x380000000000  # where firmware with 46 address bits puts the first 64-bit BAR


class Qtest:
    def __init__(self, process, path):
        self.process = process
        deadline = time.monotonic() + DEADLINE_S
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("QEMU ended: " + process.stderr.read().decode())
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.socket.settimeout(DEADLINE_S)
        self.file = self.socket.makefile("rw", newline="\n")

    def ask(self, command):
        self.file.write(command + "\n")
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise RuntimeError(f"QEMU ended at '{command}': " + self.process.stderr.read().decode())
            if line.startswith("OK"):
                return line[2:].strip()
            if line.startswith(("FAIL", "ERR")):
                raise RuntimeError(f"{command}: {line}")

    def pci_write(self, device, register, value):
        self.ask(f"outl 0xcf8 {0x80000000 | device << 11 | register:#x}")
        self.ask(f"outl 0xcfc {value:#x}")

    def fw_cfg(self, key, size):
        descriptor = struct.pack(">IIQ", key << 16 | SELECT | READ, size, BUFFER_AT)
        self.ask(f"write {DESCRIPTOR_AT:#x} {len(descriptor):#x} 0x{descriptor.hex()}")
        self.ask(f"outl {DMA_HIGH:#x} 0")
        # the register is big endian
        self.ask(f"outl {DMA_LOW:#x} {struct.unpack('<I', struct.pack('>I', DESCRIPTOR_AT))[0]:#x}")
        out = b""
        while len(out) < size:
            n = min(4096, size - len(out))
            out += bytes.fromhex(self.ask(f"read {BUFFER_AT + len(out):#x} {n:#x}")[2:])
        return out

    def directory(self):
        (n,) = struct.unpack(">I", self.fw_cfg(FW_CFG_DIR, 4))
        raw = self.fw_cfg(FW_CFG_DIR, 4 + 64 * n)
        entries = {}
        for i in range(n):
            size, key = struct.unpack_from(">IH", raw, 4 + 64 * i)
            entries[raw[4 + 64 * i + 8 : 4 + 64 * (i + 1)].split(b"\0")[0].decode()] = (key, size)
        return entries


def as_firmware(q):
    q.pci_write(0, 0x64, 0)
    q.pci_write(0, 0x60, 0xE0000001)  # PCIEXBAR
    q.pci_write(0x1F, 0x40, 0x601)  # PM base
    q.pci_write(0x1F, 0x44, 0x80)  # ACPI on
    q.pci_write(1, 0x20, BAR_AT & 0xFFFFFFFF)
    q.pci_write(1, 0x24, BAR_AT >> 32)
    q.pci_write(1, 0x04, 2)  # memory decoding


def tables(argv):
    """{file: bytes} of the machine that @argv makes; @argv has neither monitor nor -qtest."""
    with tempfile.TemporaryDirectory(prefix="qtest-") as folder:
        path = os.path.join(folder, "q")
        extra = ["-S", "-qtest-log", "/dev/null", "-qtest", f"unix:{path},server=on,wait=off"]
        process = subprocess.Popen(argv + extra, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        try:
            q = Qtest(process, path)
            as_firmware(q)
            found = {}
            for name in FILES:
                q.fw_cfg(q.directory()[name][0], 1)  # the first selection builds; sizes are right after it
                found[name] = q.fw_cfg(*q.directory()[name])
            return found
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
