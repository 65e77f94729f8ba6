# SPDX-License-Identifier: Apache-2.0
"""A real guest with key provider none: its app has keys of this boot, and each event is there once and in order."""
import base64
import gzip
import hashlib
import json
import os
import re
import subprocess

import bailey

SEED = "5a" * 32
# A program that speaks to a unix socket comes as text; its lines end with a dot of their own.
APP = """\
name: {name}
tee: simulated
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
ports:
  - host: 127.0.0.1:{port}
    guest: 8090
env: [ALLOWED]
app:
  runner: bash
  script: |
    base64 -d > /tmp/t.gz <<'EOT'
{tool}
    EOT
    gunzip -c /tmp/t.gz > /tmp/t; chmod +x /tmp/t
    ask() {{
      printf 'POST /%s HTTP/1.1\\r\\nHost: a\\r\\nContent-Type: application/json\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \\
        "$1" "${{#2}}" "$2" | /tmp/t unix /run/dstack.sock | tail -n 1 | gzip -9 | base64 -w 0 | sed "s/.*/answer $1 &./"
      echo
    }}
    ask GetKey '{{"path":"/x","purpose":"p"}}'
    ask GetTlsKey '{{"subject":"e2e","alt_names":["app.example"],"usage_ra_tls":true,"usage_server_auth":true,"with_app_info":true}}'
    cd /dstack/.host-shared
    echo "files: $(stat -c '%a %n' .appkeys.json .decrypted-env .decrypted-env.json | tr '\\n' ' ')$(wc -c < .decrypted-env)"
    df -T /dstack/persistent | tail -n 1
    echo "all asked"
    exec sleep 100000
"""


def tool():
    with open(os.environ["VSOCK_TOOL"], "rb") as f:
        text = base64.b64encode(gzip.compress(f.read(), 9)).decode()
    return "\n".join("    " + text[i:i + 76] for i in range(0, len(text), 76))


def printed(host, name, text):
    try:
        return text in host.serial(name)
    except FileNotFoundError:
        return False


def answer(host, name, method):
    found = re.search(rf"answer {method} (\S+)\.\s", host.serial(name))
    assert found, host.serial(name)[-2000:]
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def check_events(events, info):
    own = [(e["event"], e["event_payload"]) for e in events if e["imr"] == 3]
    assert own == [("system-preparing", ""), ("app-id", info["app_id"]), ("compose-hash", info["compose_hash"]),
                   ("gpu-policy-hash", hashlib.sha256(b"{}").hexdigest()), ("instance-id", info["instance_id"]),
                   ("boot-mr-done", ""), ("key-provider", b'{"name":"none","id":""}'.hex()),
                   ("storage-fs", b"ext4".hex()), ("system-ready", "")], own


def check_tls_key(host, got):
    """The chain verifies strictly, the key is the leaf's, and both are bound to a quote."""
    leaf, root = got["certificate_chain"]
    paths = [f"{host.dir}/{n}.pem" for n in ("leaf", "root", "key")]
    for path, text in zip(paths, (leaf, root, got["key"])):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)

    def openssl(*args):
        return subprocess.run(["openssl", *args], capture_output=True, text=True, check=True).stdout
    openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "app.example",
            "-CAfile", paths[1], paths[0])
    assert openssl("pkey", "-in", paths[2], "-pubout") == openssl("x509", "-in", paths[0], "-noout", "-pubkey")
    text = openssl("x509", "-in", paths[0], "-noout", "-text")
    for oid in (".62397.1.4", ".62397.1.8", ".62397.1.9"):
        assert f"1.3.6.1.4.1{oid}" in text, text
    assert "1.3.6.1.4.1.62397.1.3" not in text, "an app id is an issuer's word, which the app itself is not"
    assert "CN = App Root Cert" in openssl("x509", "-in", paths[1], "-noout", "-subject")
    assert "1.3.6.1.4.1.62397.1.8" in openssl("x509", "-in", paths[1], "-noout", "-text")


def is_bound(port):
    """Over TLS on the public port the quote is over the key that the connection shows."""
    r = subprocess.run([f"{os.environ['BAILEY_BIN']}/bailey", "verify", f"https://127.0.0.1:{port}", "--json"],
                       capture_output=True, text=True, check=False)
    if not r.stdout:
        return False
    checks = {c["check"]: c["result"] for c in json.loads(r.stdout)["checks"]}
    return checks.get("tls-key") == "ok" and checks["nonce"] == "ok" and checks["rtmr3"] == "ok"


def test_keys_of_one_boot():
    host = bailey.Host(f"tee_simulator: {{ seed: '{SEED}' }}\n")
    try:
        keys = []
        for name in ("one", "two"):
            port = bailey.free_port()
            host.bailey("up", "--no-wait", host.app(name, APP.format(name=name, port=port, tool=tool())))
            bailey.wait_for("the app asked", lambda n=name: printed(host, n, "all asked"))
            keys.append(answer(host, name, "GetKey"))
            info = json.loads(bailey.http_get(port, "/prpc/Worker.Info")[1])
            status, body = bailey.http_get(port, f"/prpc/Worker.GetEvidence?nonce={'00' * 32}")
            assert status == 200, body
            check_events(json.loads(json.loads(body)["event_log"]), info)
            assert json.loads(info["key_provider_info"]) == {"name": "none", "id": ""}
            assert [e["body"] for e in host.info(name)["events"]].count("requesting app keys") == 1
        check_tls_key(host, answer(host, "two", "GetTlsKey"))
        bailey.wait_for("TLS on the public port", lambda: is_bound(port))
        serial = host.serial("two")
        assert "files: 600 .appkeys.json 600 .decrypted-env 600 .decrypted-env.json 0" in serial, serial[-2000:]
        assert re.search(r" ext4 .* /dstack/persistent", serial), serial[-2000:]
        assert all(len(k["key"]) == 64 and len(k["signature_chain"]) == 2 and k["signature_chain"][1] == ""
                   for k in keys), keys
        assert keys[0]["key"] != keys[1]["key"], "two boots have the same random keys"
    finally:
        host.close()


if __name__ == "__main__":
    bailey.run(test_keys_of_one_boot)
