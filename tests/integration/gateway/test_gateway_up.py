# SPDX-License-Identifier: Apache-2.0
"""bailey gateway up: the VM is one that halts, and a gateway on loopback stands for what would run in it"""
import json
import os
import ssl
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "daemon"), os.path.join(HERE, "..", "bad-input")]
import gwlib  # noqa: E402
import halting_image  # noqa: E402
from scratch import Daemon, main, wait_for  # noqa: E402
from test_gateway_cli import CliWorld  # noqa: E402
from test_gateway_register import APP, OTHER_APP  # noqa: E402

HALT, ZONE = "halt-0.1.0", "up.localhost"
FOLDER = tempfile.TemporaryDirectory(prefix="b-gup-")  # it goes with the program
DIR = FOLDER.name
d = Daemon("qemu: { accel: tcg }\n")
halting_image.make(f"{d.dir}/s/image", HALT)
world = CliWorld()
gateway = gwlib.Gateway(before=world.prepare, dev=(ZONE,), config=lambda path: f"state: {path}/own\n" + world.config(path))


def write(name, text):
    with open(f"{DIR}/{name}", "w", encoding="utf-8") as f:
        f.write(text)
    return f"{DIR}/{name}"


def yaml(name, app=APP, domain=ZONE, more=""):
    return write(name, f"name: gateway\nimage: {HALT}\ntee: none\nresources: {{ memory: 128M, disk: 1G }}\nkey_provider: kms\n"
                       f"key_provider_id: \"{world.pin()}\"\napp_id: \"{app}\"\n"
                       f"gateway_service: {{ domain: {domain}, port: {gateway.port}, url: \"https://10.0.2.2:{world.port}\", "
                       f"admin: \"https://127.0.0.1:{world.admin_port}\" }}\n{more}")


def up(*args, status=0):
    r = subprocess.run([f"{gwlib.BIN}/bailey", "--host", f"unix:{d.socket}", "gateway", "up", *args], capture_output=True, text=True,
                       stdin=subprocess.DEVNULL, timeout=120, env={**os.environ, "HOME": DIR}, check=False)
    assert r.returncode == status, (r.returncode, r.stdout, r.stderr)
    return r.stdout if status == 0 else r.stderr


def test_its_vm_is_a_gateway():
    told = [json.loads(line) for line in up("--no-wait", "--json", yaml("gateway.yaml")).splitlines()]
    assert told[0]["action"] == "created" and told[1]["gateway"]["domain"] == ZONE and told[1]["gateway"]["app_id"] == APP
    assert told[1]["gateway"]["serves"] is False and told[1]["gateway"]["ca_file"] is None
    assert d.rpc("GetMeta")["gateway"]["services"][0]["url"] == f"https://10.0.2.2:{world.port}"
    d.stop()  # and its guest says that it is up, which this one cannot
    with open(f"{d.dir}/s/vm/{told[0]['id']}/events.jsonl", encoding="utf-8") as f:
        last = json.loads(f.read().splitlines()[-1])
    last.update(seq=last["seq"] + 1, event="boot.progress", body="done")
    with open(f"{d.dir}/s/vm/{told[0]['id']}/events.jsonl", "a", encoding="utf-8") as f:
        f.write(json.dumps(last) + "\n")
    d.start()
    wait_for("it is known again", lambda: d.rpc("Status")["vms"][0]["boot_progress"] == "done")


def test_it_waits_until_clients_are_served():
    out = up(f"{DIR}/gateway.yaml")
    ca = f"{DIR}/.config/bailey/gateway-{ZONE}.pem"
    assert f'gateway_app_id: "{APP}"' in out and f"curl --cacert {ca} https://APP_ID.{ZONE}:{gateway.port}/" in out, out
    with gateway.connect() as s:  # and the CA is the one that its clients need
        ssl.create_default_context(cafile=ca).wrap_socket(s, server_hostname=f"gateway.{ZONE}").close()
    told = json.loads(up("--json", "--ca-out", f"{DIR}/new/ca.pem", f"{DIR}/gateway.yaml").splitlines()[1])["gateway"]
    assert told["serves"] is True and told["ca_file"] == f"{DIR}/new/ca.pem" and os.path.exists(told["ca_file"])


def test_another_is_not_taken_for_it():
    vid = d.rpc("Status")["vms"][0]["id"]
    world.certify(gateway.dir, OTHER_APP)
    wait_for("its certificate is swapped", lambda: served_app() == OTHER_APP)
    try:
        assert "another app answers there, not the gateway" in up(f"{DIR}/gateway.yaml", status=7)
    finally:
        world.certify(gateway.dir, APP)
        wait_for("its certificate is back", lambda: served_app() == APP)
    assert d.rpc("GetInfo", {"id": vid})["found"]


def served_app():
    pem = ssl.get_server_certificate(("127.0.0.1", world.port)).encode()
    der = subprocess.run(["openssl", "x509", "-outform", "der"], input=pem, capture_output=True, check=True).stdout.hex()
    return OTHER_APP if OTHER_APP in der else APP


def test_the_token_is_made_and_is_nobody_elses():
    more = "kms_signer: \"02" + "11" * 32 + "\"\nenv: [ ADMIN_API_TOKEN ]\nenv_file: new.env\n"
    path = yaml("token.yaml", more=more)
    said = up("--dry-run", path, status=2)
    assert "nothing can be sealed" in said and not os.path.exists(f"{DIR}/new.env"), said
    up("--no-wait", path, status=1)  # no KMS gives the key that it is sealed to
    with open(f"{DIR}/new.env", encoding="ascii") as f:
        text = f.read()
    mode = stat.S_IMODE(os.stat(f"{DIR}/new.env").st_mode)
    assert mode == 0o600 and text.startswith("ADMIN_API_TOKEN=") and len(text) == 16 + 64 + 1, (oct(mode), len(text))
    up("--no-wait", path, status=1)
    with open(f"{DIR}/new.env", encoding="ascii") as f:
        assert f.read() == text, "one that is there stays"


def test_its_vm_goes():
    vid = d.rpc("Status")["vms"][0]["id"]
    d.rpc("RemoveVm", {"id": vid})
    wait_for("it is gone", lambda: not d.rpc("Status")["vms"])
    assert d.rpc("GetMeta")["gateway"]["services"] == []


def test_it_says_who_does_not_answer():
    world.certify(gateway.dir, APP)
    code, log = gateway.stop()
    assert code == 0, log
    said = up("-t", "1s", f"{DIR}/gateway.yaml", status=5)
    assert "the gateway: " in said and "cannot connect" in said, said


main(d, test_its_vm_is_a_gateway, test_it_waits_until_clients_are_served, test_another_is_not_taken_for_it,
     test_the_token_is_made_and_is_nobody_elses, test_it_says_who_does_not_answer, test_its_vm_goes)
