# SPDX-License-Identifier: Apache-2.0
"""Evidence of a real guest with a simulated TEE: new for each nonce, accepted under the seed's root, true to its log."""
import hashlib
import json
import os
import subprocess
import time

import bailey

SEED = "3c" * 32
TOOL = os.environ["SIM_TOOL"]
RUNTIME = 0x08000001

APP = """\
name: {name}
tee: {tee}
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
ports:
  - host: 127.0.0.1:{port}
    guest: 8090
app:
  runner: bash
  init_scripts:
    - script: echo first
  script: |
    [ -S /run/dstack.sock ] && [ -S /var/run/tappd.sock ] && echo "sockets are there"
    exec sleep 100000
"""


def runs(host, name):
    try:
        return "sockets are there" in host.serial(name)
    except FileNotFoundError:
        return False


def evidence(port, nonce, status=200):
    got, body = bailey.http_get(port, f"/prpc/Worker.GetEvidence?nonce={nonce.hex()}")
    assert got == status, body
    return json.loads(body)


def digest_of(event):
    if event["event_type"] != RUNTIME:
        return bytes.fromhex(event["digest"])
    head = RUNTIME.to_bytes(4, "little") + f":{event['event']}:".encode()
    return hashlib.sha384(head + bytes.fromhex(event["event_payload"])).digest()


def check_registers(quote, events):
    registers = [bytes(48)] * 4
    for e in events:
        registers[e["imr"]] = hashlib.sha384(registers[e["imr"]] + digest_of(e)).digest()
    assert [quote[376 + 48 * i:424 + 48 * i] for i in range(4)] == registers, events
    assert registers[3] != bytes(48)


def check_events(host, name, events):
    info = host.info(name)
    compose = hashlib.sha256(open(f"{host.vmdir(name)}/shared/app-compose.json", "rb").read()).hexdigest()
    own = [(e["event"], e["event_payload"]) for e in events if e["imr"] == 3]
    assert own == [("system-preparing", ""), ("app-id", info["app_id"]), ("compose-hash", compose),
                   ("init-script-hash", hashlib.sha256(b"echo first").hexdigest()),
                   ("gpu-policy-hash", hashlib.sha256(b"{}").hexdigest()), ("instance-id", info["instance_id"]),
                   ("boot-mr-done", ""), ("key-provider", b'{"name":"none","id":""}'.hex()),
                   ("storage-fs", b"ext4".hex()), ("system-ready", "")], own


def check_accepted(host, quote):
    made = json.loads(subprocess.run([TOOL], input=json.dumps({"seed": SEED, "at": int(time.time())}), text=True,
                                     capture_output=True, check=True).stdout)
    paths = [f"{host.dir}/{name}" for name in ("quote.bin", "collateral.json", "root.der")]
    for path, data in zip(paths, (quote, json.dumps(made["collateral"]).encode(), bytes.fromhex(made["root"]))):
        with open(path, "wb") as f:
            f.write(data)
    args = ("verify", "quote", paths[0], "--collateral", paths[1])
    answer = json.loads(host.bailey(*args, "--root", paths[2], "--json").stdout)
    assert answer["accepted"] and answer["simulated"], answer
    refused = json.loads(host.bailey(*args, "--json", ok=False).stdout)
    assert refused["check"] == "pck-chain", "Intel's root vouches for a simulator"


def test_a_simulated_guest_vouches_for_itself():
    host = bailey.Host(f"tee_simulator: {{ seed: '{SEED}' }}\n")
    try:
        port, plain = bailey.free_port(), bailey.free_port()
        for name, tee, at in (("sim", "simulated", port), ("plain", "none", plain)):
            host.bailey("up", "--no-wait", host.app(name, APP.format(name=name, tee=tee, port=at)))
        bailey.wait_for("the app ran", lambda: runs(host, "sim"))
        nonce, other = os.urandom(32), os.urandom(32)
        got = evidence(port, nonce)
        quote, events = bytes.fromhex(got["quote"]), json.loads(got["event_log"])
        assert got["tee"] == "simulated"
        assert quote[568:632] == hashlib.sha512(b"bailey-evidence:" + bytes([32]) + nonce).digest()
        assert evidence(port, other)["quote"] != got["quote"]
        check_registers(quote, events)
        check_events(host, "sim", events)
        check_accepted(host, quote)
        assert SEED not in host.serial("sim") + json.dumps(got), "the seed is told"

        bailey.wait_for("the app ran", lambda: runs(host, "plain"))
        assert "no TEE" in evidence(plain, nonce, 400)["error"]
    finally:
        host.close()


bailey.run(test_a_simulated_guest_vouches_for_itself)
