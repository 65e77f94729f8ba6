# SPDX-License-Identifier: Apache-2.0
"""configs/kms.yaml and an app with secrets: a key service in a guest of its own, an app that it gives keys, nobody else

As their operator would complete them, under a simulated TEE: another image and another compose are refused by their names,
restarts and updates lose nothing, and the host, which carries everything, is searched for secrets and keys.
"""
import base64
import json
import os
import re
import socket

import bailey
import keysworld
import secret_search

TOKEN, NEWER, SMUGGLED = (f"{what}-{os.urandom(12).hex()}" for what in ("token", "newer", "smuggled"))
URL = "postgres://app@db.example/prod"
# In place of the example's script: it keeps its secret on its disk, and tells what it knows on a port, through QEMU alone.
SCRIPT = """\
    set -eu
    kept=/dstack/persistent/kept
    cat $kept > /tmp/was 2> /dev/null || : none
    printf %s "${API_TOKEN:-}" > $kept
    sync
    cat > /tmp/tell <<'EOT'
    #!/bin/sh
    for what in /proc/$PPID/environ /tmp/was /dstack/.host-shared/.appkeys.json; do base64 -w 0 < $what; echo; done
    EOT
    chmod 700 /tmp/tell
    exec nc -ll -p 8000 -e /tmp/tell
"""

world = keysworld.World()
host = world.host
port = bailey.free_port()
known = {}


def app(name="secret", image=None, secrets="env_file: secret.env", comment=""):
    """configs/apps/secret.yaml with the pins of this KMS."""
    with open(f"{keysworld.SOURCE}/configs/apps/secret.yaml", encoding="utf-8") as f:
        text = f.read()
    text = text[:text.index("    set -eu")] + comment + SCRIPT
    ports = f'ports: [ {{ host: "127.0.0.1:{port}", guest: 8000 }} ]\n' if name == "secret" else ""
    for pattern, new in (("name: secret\n", f"name: {name}\nimage: {image or os.path.basename(world.image)}\ntee: simulated\n{ports}"),
                         ("env_file: secret.env", secrets), ("kms_urls:.*\n", world.pins())):
        assert len(re.findall(pattern, text)) == 1, pattern
        text = re.sub(pattern, new, text)
    return world.write(f"{name}.yaml", text)


def told():
    """What the app knows: its variables, what its disk held at this boot, its keys; once it answers."""
    def ask():
        data = b""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
                while chunk := s.recv(65536):
                    data += chunk
        except OSError:
            return None
        lines = [base64.b64decode(line) for line in data.split(b"\n")]
        return lines if len(lines) == 4 and lines[2] else None
    environ, was, keys, _ = bailey.wait_for("the app tells", ask)
    return dict(v.split("=", 1) for v in environ.decode().split("\0") if v), was.decode(), json.loads(keys)


def sealing_key():
    """The public key to which the app's secrets are sealed, as the KMS tells it."""
    return host.rpc("GetAppEnvEncryptPubKey", {"app_id": host.info("secret")["app_id"]})["public_key"]


def refused(name, why):
    """The VM does not get its keys, says so, and ends."""
    text = host.wait_event(name, "boot.error")[-1]["body"]
    print(f"     {name}: {text}")
    assert why in text, text
    bailey.wait_for(f"{name} powers off", lambda: host.info(name)["status"] in ("exited", "stopped"))


def test_a_kms_in_a_cvm_is_pinned_and_keeps_its_keys():
    world.start_kms_cvm()
    known["pins"] = world.pins()
    assert "of this root, with a quote" in world.bailey("keys").stdout
    world.write("secret.env", f"API_TOKEN={TOKEN}\n")
    world.allow(app())
    world.allow(app("stranger", image="other-0.1.0"))
    said = world.bailey("up", "--no-wait", f"{world.folder}/kms.yaml").stdout  # the new list; nothing that is measured
    assert "user_config" in said and "compose hash" not in said, said
    world.wait_kms()
    assert world.pins() == known["pins"], "it has other keys"


def test_what_was_sealed_arrives_and_nothing_else():
    world.bailey("up", "--no-wait", app())
    world.bailey("up", "--no-wait", app("stranger", image="other-0.1.0"))
    environ, was, keys = told()
    assert environ["API_TOKEN"] == TOKEN and "DB_URL" not in environ and was == ""
    known.update(keys=keys, sealing_key=sealing_key(), names=set(environ))


def test_another_image_is_refused():
    refused("stranger", "OS image is not allowed")


def test_stopped_and_started_it_has_its_disk():
    """And who seals for it can give it only what its compose names."""
    smuggled = world.write("smuggled.env", f"API_TOKEN={TOKEN}\nEXTRA={SMUGGLED}\nDB_URL={URL}\n")
    signer = re.search(r'kms_signer: "([0-9a-f]{66})', known["pins"])[1]
    world.bailey("env", "seal", "--app-id", host.info("secret")["app_id"], "--signer", signer, "--kms", world.kms_url,
                 "-o", world.path("sealed"), smuggled)
    host.rpc("StopVm", {"id": host.info("secret")["id"]})
    host.wait_status("secret", "stopped")
    world.bailey("up", "--no-start", app(secrets="env_sealed: sealed"))
    host.rpc("StartVm", {"id": host.info("secret")["id"]})
    environ, was, keys = told()
    assert was == TOKEN, "it does not have its disk"
    assert keys == known["keys"] and sealing_key() == known["sealing_key"]
    assert environ["DB_URL"] == URL and SMUGGLED not in str(environ), set(environ)
    assert set(environ) == known["names"] | {"DB_URL"}, set(environ) ^ known["names"]


def test_a_changed_compose_is_refused_its_key():
    """Though app, disk and environment are the same: its owner did not allow it."""
    world.bailey("up", "--no-wait", app(comment="    : changed\n"))
    refused("secret", "compose hash not allowed")


def test_put_back_it_has_its_disk_and_a_newer_secret():
    world.write("secret.env", f"API_TOKEN={NEWER}\n")
    world.bailey("up", "--no-wait", app())
    environ, was, keys = told()
    assert was == TOKEN and environ["API_TOKEN"] == NEWER and keys == known["keys"]
    assert set(environ) == known["names"]


def comm(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
        return f.read().strip()


def test_the_host_has_the_secrets_nowhere():
    """Not even on the raw disk, where the app wrote one; guests' own memory, which is QEMU's, is left out."""
    keys = {name: bytes.fromhex(known["keys"][name]) for name in ("disk_crypt_key", "env_crypt_key", "k256_key")}
    for name in ("secret.env", "smuggled.env"):  # the owner's, who is here on the same machine
        os.unlink(world.path(name))
    s = secret_search.Search({"token": TOKEN, "newer": NEWER, "smuggled": SMUGGLED, **keys,
                              "said by the guest": "compose hash not allowed"})
    vsock = [p for p in bailey.processes_naming(host.dir) if comm(p) == "bailey-vsock"]
    ours = {host.daemon.pid, *vsock, *(p.pid for p in world.processes.values())}
    s.folder(host.dir)
    s.folder(world.folder)
    s.all_processes(memory_of=ours)
    print(f"     {s.report()}; {len(ours)} with their memory")
    missed = [u for u in s.unread if world.folder in u or host.dir in u or any(f"/{p}/" in u for p in ours)]
    assert not missed, missed
    assert s.n_files > 20 and s.n_bytes > 100 << 20 and len(vsock) >= 2 and s.n_mappings > 50, s.report()
    # what is no secret is found; nothing else is
    assert {f.secret for f in s.found} == {"said by the guest"}, [str(f) for f in s.found]


try:
    keysworld.image_with_firmware(bailey.IMAGE, f"{host.dir}/s/image", "other-0.1.0", version="9.9.9")
    bailey.run(test_a_kms_in_a_cvm_is_pinned_and_keeps_its_keys, test_what_was_sealed_arrives_and_nothing_else,
               test_another_image_is_refused, test_stopped_and_started_it_has_its_disk,
               test_a_changed_compose_is_refused_its_key, test_put_back_it_has_its_disk_and_a_newer_secret,
               test_the_host_has_the_secrets_nowhere)
finally:
    world.close()
