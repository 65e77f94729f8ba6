# SPDX-License-Identifier: Apache-2.0
"""guestlib: simulated guests of kmslib's world: one that runs, with its agent; one that asks for its keys"""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

from agentlib import DEADLINE, GUEST, RUNTIME, Agent, digest_of, extend
from kmslib import APP, COMPOSE, INSTANCE, SEED, WORLD

EVENTS = (("system-preparing", ""), ("app-id", APP), ("compose-hash", COMPOSE), ("instance-id", INSTANCE), ("boot-mr-done", ""),
          ("key-provider", b'{"name":"kms","id":""}'.hex()), ("storage-fs", b"ext4".hex()), ("system-ready", ""))
TD = {"mrtd": WORLD["mrtd"], "mrconfigid": "00" * 48,
      "events": [{"imr": 0, "event_type": 10, "digest": WORLD[name], "event": name}
                 for name in ("acpi-loader", "acpi-rsdp", "acpi-tables")]}


def spki(pem):
    """The key of a certificate, as apps pin it."""
    text = subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=pem.encode(), capture_output=True, check=True).stdout
    return base64.b64decode(b"".join(text.splitlines()[1:-1])).hex()


def guest(kms, keys, url=None):
    """The agent of a guest of kmslib's, as its boot leaves it."""
    def prepare(agent):
        register, log = bytes(48), b""
        for name, payload in EVENTS:
            register = extend(register, digest_of({"event_type": RUNTIME, "event": name, "event_payload": payload}))
            log += json.dumps({"event": name, "payload": base64.b64encode(bytes.fromhex(payload)).decode()}).encode() + b"\n"
        agent._write("runtime_events.log", log)
        for i in range(3):
            agent._write(f"rtmr{i}:sha384", bytes.fromhex(WORLD[f"rtmr{i}"]))
        agent._write("rtmr3:sha384", register)
        temp = kms.ask("GetTempCaCert")
        agent._write(".appkeys.json", {
            **{k: keys[k] for k in ("disk_crypt_key", "env_crypt_key", "k256_key", "k256_signature", "gateway_app_id", "ca_cert",
                                    "os_image_hash")},
            "key_provider": {"Kms": {"url": url or f"https://127.0.0.1:{kms.port}/prpc", "pubkey": spki(temp["ca_cert"]),
                                     "tmp_ca_key": temp["temp_ca_key"], "tmp_ca_cert": temp["temp_ca_cert"]}}})
        return {}
    return Agent({"mock_attestation_seed": SEED, "bailey": TD}, prepare=prepare, app_id=APP, compose_hash=COMPOSE,
                 instance_id=INSTANCE, vm_config=WORLD["vm_config"])


def wait_for_cert(agent):
    end = time.monotonic() + DEADLINE
    while not agent.call("/Info", {})["app_cert"]:
        assert time.monotonic() < end, agent.log()
        time.sleep(0.05)


class Asking:
    """A guest at the step of its boot that asks for keys: a folder, and `bailey-guest request-keys` in it."""

    def __init__(self, urls, **app):
        self.dir = tempfile.mkdtemp(prefix="b-asking-", dir="/tmp")
        register, log = bytes(48), b""
        for name, payload in EVENTS[:5]:
            register = extend(register, digest_of({"event_type": RUNTIME, "event": name, "event_payload": payload}))
            log += json.dumps({"event": name, "payload": base64.b64encode(bytes.fromhex(payload)).decode()}).encode() + b"\n"
        files = {
            "runtime_events.log": log, "runtime_event_version": b"1", "rtmr3:sha384": register,
            **{f"rtmr{i}:sha384": bytes.fromhex(WORLD[f"rtmr{i}"]) for i in range(3)},
            ".tee-simulator.json": {"platform": "dstack-tdx", "mock_attestation_seed": SEED, "bailey": TD},
            ".sys-config.json": {"kms_urls": urls, "vm_config": WORLD["vm_config"]},
            "app-compose.json": {"manifest_version": 2, "name": "asking", "runner": "none", "key_provider": "kms", **app}}
        for name, data in files.items():
            with open(f"{self.dir}/{name}", "wb") as f:
                f.write(data if isinstance(data, bytes) else json.dumps(data).encode())
        self.before = self.seen()

    def seen(self):
        found = {}
        for name in sorted(os.listdir(self.dir)):
            with open(f"{self.dir}/{name}", "rb") as f:
                found[name] = f.read()
        return {k: v for k, v in found.items() if v} # a lock is empty

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def ask(self):
        """(keys or None, why not or None, standard error); nothing else is left of it."""
        fd = os.memfd_create("keys")
        try:
            os.ftruncate(fd, 1 << 20)
            r = subprocess.run(["sh", "-c", 'exec "$0" request-keys "$1" 3<&0 </dev/null', GUEST, self.dir], stdin=fd,
                               capture_output=True, timeout=DEADLINE + 60, check=False)
            kind, text = os.pread(fd, 1, 0), os.pread(fd, 1 << 20, 1).split(b"\0")[0].decode()
        finally:
            os.close(fd)
        assert self.seen() == self.before, "it wrote into the guest's folder"
        assert (r.returncode, kind) in ((0, b"K"), (1, b"E")), (r, kind, text)
        said = r.stderr.decode()
        return (json.loads(text), None, said) if kind == b"K" else (None, text, said)
