# SPDX-License-Identifier: Apache-2.0
"""loglib: event logs made by hand"""
import base64
import hashlib
import json
import struct

from verifylib import SOURCE, load

FIXTURE = load(f"{SOURCE}/tests/fuzz/corpus/event-log/fixture")
EVENTS = [(e["event"], base64.b64decode(e["payload"])) for e in map(json.loads, FIXTURE.splitlines())]
RUNTIME = 0x08000001


def digest(name, payload):
    return hashlib.sha384(RUNTIME.to_bytes(4, "little") + b":" + name.encode() + b":" + payload).digest()


def listed(events):
    return [{"imr": 3, "event_type": RUNTIME, "digest": digest(name, payload).hex(), "event": name,
             "event_payload": payload.hex()} for name, payload in events]


def replay(events):
    register = bytes(48)
    for name, payload in events:
        register = hashlib.sha384(register + digest(name, payload)).digest()
    return register.hex()


def sha384(data):
    return hashlib.sha384(data).digest()


def extended(register, made):
    return sha384(bytes.fromhex(register) + made).hex()


def utf16(text):
    return text.encode("utf-16le")


def variable(name, data=b""):
    return bytes(16) + struct.pack("<QQ", len(name), len(data)) + utf16(name) + data


# What a dstack machine's firmware measures: register, type, name, data, digest where it is not of the data
FIRMWARE = [
    (0, 0x8000000b, "td-hob", b"\tTdxTable\0", sha384(b"hob")),
    (0, 0x8000000a, "cfv", b"\x04Fv()", sha384(b"cfv")),
    *((0, 0x80000001, name, variable(v), None) for name, v in
      (("secure-boot", "SecureBoot"), ("pk", "PK"), ("kek", "KEK"), ("db", "db"), ("dbx", "dbx"))),
    (0, 4, "separator", bytes(4), None),
    *((0, 0xa, name, b"ACPI DATA", sha384(name.encode())) for name in ("acpi-loader", "acpi-rsdp", "acpi-tables")),
    (1, 0x80000003, "kernel", b"a path", sha384(b"kernel")),
    (0, 0x80000002, "boot-order", variable("BootOrder", b"\0\0"), sha384(b"\0\0")),
    (0, 0x80000002, "boot-0000", variable("Boot0000", b"x"), sha384(b"x")),
    (1, 0x80000007, "boot-option", b"Calling EFI Application from Boot Option", None),
    (1, 4, "separator", bytes(4), None),
    (2, 6, "cmdline", bytes(8) + b"LOADED_IMAGE::LoadOptions\0", sha384(b"cmdline")),
    (2, 6, "initrd", bytes(8) + b"Linux initrd\0", sha384(b"initrd")),
    (1, 0x80000007, "exit-boot-services", b"Exit Boot Services Invocation", None),
    (1, 0x80000007, "exit-boot-services-done", b"Exit Boot Services Returned with Success", None),
]


def firmware(events, with_data=True):
    return [{"imr": imr, "event_type": kind, "digest": (made or sha384(data)).hex(), "event": "",
             "event_payload": data.hex() if with_data or data == b"ACPI DATA" else ""}
            for imr, kind, _, data, made in events]
