# SPDX-License-Identifier: Apache-2.0
"""Real guests whose KMS or key provider dies over their request: they boot in the end, and extend each event once

A KMS that is killed when it has written down that it gives keys, behind a URL where nobody is; a provider that is
killed with the request in its hands and lies the next time; and an app with two URLs of which neither answers, which
says of both what was wrong, boot after boot, as often as the daemon's back-off lets it.
"""
import json
import os
import signal
import socket
import struct
import threading

import bailey
import keysworld

EVENTS = ["system-preparing", "app-id", "compose-hash", "instance-id", "boot-mr-done", "os-image-hash", "key-provider", "storage-fs",
          "system-ready"]
APP = """\
name: {name}
tee: simulated
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
ports: [ {{ host: "127.0.0.1:{port}", guest: 8090 }} ]
{keys}
app:
  runner: bash
  script: |
    echo "the app runs"
    exec sleep 100000
"""


class Provider:
    """Between daemon and key provider: dies over the first request, answers the second with another's, then is honest."""

    def __init__(self):
        self.port, self.asked = None, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with s, s.makefile("rb") as f:
                size, = struct.unpack(">I", f.read(4))
                body = f.read(size)
                self.asked += 1
                if self.asked == 1:
                    s.sendall(b"\0\0\1")
                    continue
                with socket.create_connection(("127.0.0.1", self.port)) as far, far.makefile("rb") as answer:
                    far.sendall(struct.pack(">I", size) + body)
                    data = answer.read()
                if self.asked == 2:
                    told = json.loads(data[4:])
                    told["encrypted_key"][-1] ^= 1
                    data = json.dumps(told).encode()
                    data = struct.pack(">I", len(data)) + data
                s.sendall(data)


provider = Provider()
world = keysworld.World("restart: { first: 1s, longest: 2s }\n", provider=provider.address)
provider.port = world.provider_port
host = world.host
ports = {name: bailey.free_port() for name in ("killed", "local", "nobody")}


def up(name, keys):
    path = world.write(f"{name}.yaml", APP.format(name=name, port=ports[name], keys=keys))
    world.allow(path)
    world.bailey("up", "--no-wait", path)


def by_kms(*urls):
    """The pins without the key that environments are sealed to, as there is none."""
    pins = [x for x in world.pins().splitlines() if x.startswith("key_provider")]
    return "\n".join([*pins, f"kms_urls: {json.dumps(urls)}"])


def errors(name):
    return [e["body"] for e in host.info(name)["events"] if e["event"] == "boot.error"]


def runs(name):
    try:
        return "the app runs" in host.serial(name)
    except FileNotFoundError:
        return False


def events(name):
    """Of register 3, as the agent tells them; they replay to what is quoted elsewhere."""
    status, body = bailey.http_get(ports[name], f"/prpc/Worker.GetEvidence?nonce={'00' * 32}")
    assert status == 200, body
    return [e["event"] for e in json.loads(json.loads(body)["event_log"]) if e["imr"] == 3]


def check_events(name, but=()):
    found = events(name)
    assert len(found) == len(set(found)), found
    assert [e for e in found if e in EVENTS] == [e for e in EVENTS if e not in but], found


def dead():
    return f"https://10.0.2.2:{bailey.free_port()}"


def test_nobody_begins_to_ask():
    """Asked for a minute, beside the others."""
    up("nobody", by_kms(dead(), dead()))


def test_a_kms_that_is_killed():
    kms = world.processes["kms"]
    world.write("inject", "kms.app_key.audited")
    up("killed", by_kms(dead(), world.kms_guest_url))
    bailey.wait_for("the KMS dies over the request", lambda: kms.poll() is not None, 100)
    assert kms.returncode == -signal.SIGKILL, world.log("kms")
    os.unlink(world.path("inject"))
    world.start_kms_process()
    bailey.wait_for("the app runs", lambda: runs("killed"), 100)
    check_events("killed")
    assert errors("killed") == []
    with open(world.path("kms-state/audit.jsonl"), encoding="utf-8") as f:
        assert len([x for x in f if json.loads(x)["call"] == "GetAppKey"]) == 2


def test_a_provider_that_dies_and_lies():
    """Without an answer the guest asks again; a lie ends it, until its operator starts it."""
    up("local", f"key_provider: local\nkey_provider_id: \"{world.provider_id}\"")
    why = bailey.wait_for("it is lied to", lambda: errors("local"), 150)
    assert len(why) == 1 and "Failed to get the key of the local key provider" in why[0], why
    assert "asking again" in host.serial("local") and "the host says" not in why[0], why
    host.wait_status("local", "stopped")
    assert provider.asked == 2 and not runs("local")
    host.bailey("start", "--no-wait", "local")
    bailey.wait_for("the app runs", lambda: runs("local"), 150)
    assert provider.asked == 3 and len(errors("local")) == 1
    check_events("local", but=["os-image-hash"])


def test_nobody_answers():
    why = bailey.wait_for("it says why", lambda: errors("nobody"), 200)[0]
    assert why.count("cannot connect") == 2 and "Failed to get app keys from KMS: GetTempCaCert: https://10.0.2.2" in why, why
    host.wait_event("nobody", "vmm.auto_restart", "start 1 of")
    assert not runs("nobody")


try:
    os.environ["BAILEY_INJECT"] = "@" + world.path("inject")
    world.start_kms_process()
    bailey.run(test_nobody_begins_to_ask, test_a_kms_that_is_killed, test_a_provider_that_dies_and_lies, test_nobody_answers)
finally:
    world.close()
    provider.listener.close()
