# SPDX-License-Identifier: Apache-2.0
"""bailey-kms as a process: the commands against the real one, over a restart, and an allow-list that must be signed."""
import base64
import json
import os
import shutil
import subprocess
import tempfile

import bailey

UNPROVEN = 7
APP_ID = "11" * 20
scratch = tempfile.mkdtemp(prefix="b-kms-", dir="/tmp")
bailey.need(os.path.exists(f"{bailey.BIN}/bailey-kms"), "bailey-kms is not built")
port = bailey.free_port()
url = f"https://127.0.0.1:{port}"


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


def key(name):
    """A signing key of P-256: its file, and its public half in hex as authorize.signer has it."""
    path = f"{scratch}/{name}.key"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    return path, openssl("pkey", "-in", path, "-pubout", "-outform", "DER").hex()


def write(name, text):
    """Aside and renamed, so that no half of it is ever seen."""
    with open(f"{scratch}/{name}.new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(f"{scratch}/{name}.new", f"{scratch}/{name}")


def signed(text, by):
    """As bailey-kms-allow.yaml(5) says to make one."""
    return f"{text}# signed: {base64.b64encode(openssl('dgst', '-sha256', '-sign', by, data=text.encode())).decode()}\n"


OWNER, SIGNER = key("owner")
STRANGER, _ = key("stranger")
LIST = "gateway_app_id: \"" + "cc" * 20 + "\"\napps: []\n"
OTHER = LIST.replace("cc", "dd")
os.symlink("allow.yaml", f"{scratch}/user_config")  # as a guest has it
os.makedirs(f"{scratch}/state", mode=0o700)
with open(os.open(f"{scratch}/seal.key", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as seal:
    seal.write(os.urandom(32).hex() + "\n")
write("kms.yaml", f"""\
domain: 127.0.0.1
listen: [ "127.0.0.1:{port}" ]
state: {scratch}/state
attest_certificate: false
self_authorization: false
seal: {{ key_file: {scratch}/seal.key }}
onboard: {{ auto_bootstrap: true }}
authorize: {{ file: {scratch}/user_config, signer: "{SIGNER}" }}
""")


def command(*args, status=0, data=None):
    env = {**os.environ, "HOME": scratch}
    r = subprocess.run([f"{bailey.BIN}/bailey", "-s", "/nowhere", *args], input=data, capture_output=True, check=False,
                       timeout=120, env=env)
    assert r.returncode == status, (args, r)
    return r


class Kms:
    def __enter__(self):
        with open(f"{scratch}/log", "ab") as log:
            self.process = subprocess.Popen([f"{bailey.BIN}/bailey-kms", "-c", f"{scratch}/kms.yaml"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        bailey.wait_for("the KMS answers", lambda: self.process.poll() is not None or self.answers(), 60)
        assert self.process.poll() is None, self.log()
        return self

    @staticmethod
    def answers():
        return subprocess.run([f"{bailey.BIN}/bailey", "-s", "/nowhere", "keys", url], check=False,
                              capture_output=True).returncode == 0

    @staticmethod
    def log():
        with open(f"{scratch}/log", encoding="utf-8") as f:
            return f.read()

    def __exit__(self, *args):
        self.process.terminate()
        self.process.wait(timeout=60)


def gateway():
    return json.loads(command("keys", "--json", url).stdout)[0]["gateway_app_id"]


def test_pinned_and_sealed_for_over_a_restart():
    write("allow.yaml", signed(LIST, OWNER))
    with Kms():
        pins = command("keys", "pin", url).stdout.decode()
        assert "of this root" in command("keys", url).stdout.decode()
    write("app.yaml", f"name: x\nenv: [ A ]\n{pins}env_file: a.env\napp_id: \"{APP_ID}\"\n")
    write("a.env", "A=1\n")
    with Kms():
        assert "pins it" in command("keys", "--app", f"{scratch}/app.yaml", url).stdout.decode()
        r = command("env", "seal", "--app", f"{scratch}/app.yaml", "--kms", url, "--json")
        assert json.loads(r.stdout)["signed_at"] > 0
        other = "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        r = command("env", "seal", "--app-id", APP_ID, "--signer", other, "--kms", url, "-", data=b"A=1", status=UNPROVEN)
        assert b"nothing was sealed" in r.stderr, r


def test_a_list_that_is_not_signed_allows_nobody():
    write("allow.yaml", signed(LIST, OWNER))
    with Kms() as kms:
        assert gateway() == "cc" * 20
        for bad, why in ((OTHER, "it is not signed"), (signed(OTHER, STRANGER), "not signed by authorize.signer"),
                         (signed(LIST, OWNER).replace("cc", "dd"), "not signed by authorize.signer"),
                         (signed(OTHER, OWNER) + "apps: []\n", "it is not signed")):
            write("allow.yaml", bad)
            r = command("keys", url, status=1)
            assert why in r.stderr.decode() and why in kms.log(), (why, r)
        write("allow.yaml", signed(OTHER, OWNER))
        assert gateway() == "dd" * 20
    write("allow.yaml", OTHER)
    check = subprocess.run([f"{bailey.BIN}/bailey-kms", "-c", f"{scratch}/kms.yaml", "--check-config"], check=False,
                           capture_output=True, timeout=60)
    assert check.returncode != 0 and b"it is not signed" in check.stdout + check.stderr, check


try:
    bailey.run(test_pinned_and_sealed_for_over_a_restart, test_a_list_that_is_not_signed_allows_nobody)
finally:
    shutil.rmtree(scratch, ignore_errors=True)
