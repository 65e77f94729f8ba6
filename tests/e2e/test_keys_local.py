# SPDX-License-Identifier: Apache-2.0
"""Real guests with key provider local: of ours and of an enclave; their keys last, and are nobody else's."""
import base64
import gzip
import json
import os
import re
import socket
import struct
import tempfile
import threading

import bailey
from providerlib import Provider, Server, World, tool

SEED = "5a" * 32
ENCLAVE = "e1" * 32
APP = """\
name: {name}
tee: simulated
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
key_provider: local
key_provider_id: "{pin}"
app:
  runner: bash
  script: |
    base64 -d > /tmp/t.gz <<'EOT'
{tool}
    EOT
    gunzip -c /tmp/t.gz > /tmp/t; chmod +x /tmp/t
    body='{{"path":"/x","purpose":"p"}}'
    printf 'POST /GetKey HTTP/1.1\\r\\nHost: a\\r\\nContent-Type: application/json\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \\
      "${{#body}}" "$body" | /tmp/t unix /run/dstack.sock | tail -n 1 | sed 's/.*"key":"\\([0-9a-f]*\\)".*/key \\1./'
    echo
    cd /dstack/persistent
    [ -e kept ] && echo "kept $(cat kept)."
    echo "{word}" > kept; sync
    echo "written {word}"
    exec sleep 100000
"""


def carried():
    with open(os.environ["VSOCK_TOOL"], "rb") as f:
        text = base64.b64encode(gzip.compress(f.read(), 9)).decode()
    return "\n".join("    " + text[i:i + 76] for i in range(0, len(text), 76))


def last(host, name, pattern):
    try:
        found = re.findall(pattern, host.serial(name))
    except FileNotFoundError:
        return None
    return found[-1] if found else None


def up(host, name, pin, word):
    host.bailey("up", "--no-wait", host.app(name, APP.format(name=name, pin=pin, word=word, tool=carried())))


def ran(host, name, line):
    """Wait until its script wrote @line; its key."""
    bailey.wait_for(f"{name}: {line}", lambda: last(host, name, line) or fault(host, name))
    assert not fault(host, name), fault(host, name)
    bailey.wait_for(f"{name} wrote", lambda: last(host, name, r"written \w+"))
    return last(host, name, r"key ([0-9a-f]{64})\.")


def fault(host, name):
    found = [e["body"] for e in host.info(name)["events"] if e["event"] == "boot.error"]
    return found[-1] if found else None


class Enclave:
    """An SGX provider with dstack's protocol, whose enclave is simulated; it verifies no quote."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.mrenclave, self.debug = ENCLAVE, False
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with s, s.makefile("rb") as f:
                size, = struct.unpack(">I", f.read(4))
                quote = bytes(json.loads(f.read(size))["quote"])
                a = tool("enclave", seed=SEED, quote=quote.hex(), sealing="77" * 32, mrenclave=self.mrenclave, debug=self.debug)
                body = json.dumps({k: list(bytes.fromhex(v)) for k, v in a.items()}).encode()
                s.sendall(struct.pack(">I", len(body)) + body)


def host_for(address, pccs):
    port = pccs.url.rsplit(":", 1)[1]
    return bailey.Host(f"tee_simulator: {{ seed: '{SEED}' }}\nkey_provider: {{ enabled: true, address: \"{address}\" }}\n"
                       f"pccs_url: http://10.0.2.2:{port}\n")


def test_by_our_provider():
    with tempfile.TemporaryDirectory() as folder:
        world = World(tempfile.mkdtemp(dir=folder), SEED)
        with Server("bailey-simulator", "serve", "--seed", world.seed, "--listen", "127.0.0.1:0") as pccs, \
                Provider(world, f"{folder}/p", pccs.url, f"unix:{folder}/socket") as p:
            host = host_for(p.address, pccs)
            try:
                up(host, "one", p.id, "first")
                up(host, "two", p.id, "second")
                one, two = ran(host, "one", "written first"), ran(host, "two", "written second")
                assert one and two and one != two, "another compose has the same key"
                host.bailey("stop", "one")
                assert p.stop() == 0  # what keys are derived of lasts, and a guest has patience
                host.bailey("start", "--no-wait", "one")
                bailey.wait_for("one waits for the provider", lambda: last(host, "one", "asking again"))
                p.start()
                up(host, "other", "00" * 32, "fourth")
                assert ran(host, "one", r"kept first\.") == one, "a restart changed the key"
                why = bailey.wait_for("other is refused", lambda: fault(host, "other"))
                assert "Unexpected key provider id" in why and p.id in why, why
                handed = [a for a in p.audit() if a["result"] == "key"]
                assert len(handed) >= 4 and len({a["rtmr3"] for a in handed}) == 3, handed
            finally:
                host.close()


def test_by_an_enclave():
    enclave = Enclave()
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder, SEED)
        with Server("bailey-simulator", "serve", "--seed", world.seed, "--listen", "127.0.0.1:0") as pccs:
            host = host_for(enclave.address, pccs)
            try:
                up(host, "sgx", ENCLAVE, "first")
                assert ran(host, "sgx", "written first")
                host.bailey("stop", "sgx")
                enclave.debug = True
                host.bailey("start", "--no-wait", "sgx")
                why = bailey.wait_for("an enclave for debugging is refused", lambda: fault(host, "sgx"))
                assert "SGX quote is refused: debug" in why, why
            finally:
                host.close()
                enclave.listener.close()


if __name__ == "__main__":
    bailey.run(test_by_our_provider, test_by_an_enclave)
