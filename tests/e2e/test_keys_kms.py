# SPDX-License-Identifier: Apache-2.0
"""Real guests and a key service: an environment that only its app reads, a disk that outlives a boot, a second URL."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import applib
import bailey

SEED = "6b" * 32
NOW = int(time.time())
SECRET = "hunter2 $HOME \\n"
APP = """\
name: keyed
tee: simulated
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
key_provider: kms
key_provider_id: {pin}
kms_signer: "{signer}"
kms_urls: [{urls}]
ports:
  - {{ host: "127.0.0.1:{port}", guest: 8090 }}
env: [TOKEN, EMPTY]
env_file: {env_file}
app:
  runner: bash
  init_scripts:
    - script: echo "init sees [${{TOKEN-nothing}}]"
  script: |
    echo "main has $(printf %s "$TOKEN" | sha256sum | cut -c 1-64), [${{EMPTY-nothing}}]"
    . /dstack/.host-shared/.decrypted-env
    echo "file has $(printf %s "$TOKEN" | sha256sum | cut -c 1-64)"
    cat /dstack/persistent/kept || echo "new disk"
    echo "kept by $(cat /proc/sys/kernel/random/boot_id)" >> /dstack/persistent/kept
    sync
    echo "all done"
    exec sleep 100000
"""


def with_firmware(folder):
    """The guest's image with a firmware that can be measured: what boots a simulated TEE is not measured."""
    image = f"{folder}/{os.path.basename(bailey.IMAGE.rstrip('/'))}"
    shutil.copytree(bailey.IMAGE, image)
    subprocess.run([applib.SIM_TOOL, "files", folder], check=True, timeout=60, stdout=subprocess.DEVNULL)
    shutil.copy(f"{folder}/ovmf.fd", image)
    with open(f"{image}/metadata.json", encoding="utf-8") as f:
        value = {**json.load(f), "bios": "ovmf.fd"}
    with open(f"{image}/metadata.json", "w", encoding="utf-8") as f:
        json.dump(value, f)
    applib.seal(image)
    return image


class Kms:
    """A bailey-kms on this host, to which guests come as https://10.0.2.2:PORT."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, bailey.free_port(), None
        self.url, self.near = f"https://10.0.2.2:{self.port}", f"https://127.0.0.1:{self.port}"
        world = applib.simulate(seed=SEED, at=NOW)
        for name, data in (("root.der", bytes.fromhex(world["root"])), ("seal.key", os.urandom(32).hex().encode()),
                           ("collateral.json", json.dumps(world["collateral"]).encode())):
            with open(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
                f.write(data)
        self.allow()
        with open(f"{folder}/kms.yaml", "w", encoding="ascii") as f:
            f.write(json.dumps({
                "domain": "10.0.2.2", "names": ["127.0.0.1"], "listen": [f"127.0.0.1:{self.port}"],
                "state": f"{folder}/state", "attest_certificate": False, "self_authorization": False,
                "seal": {"key_file": f"{folder}/seal.key"}, "onboard": {"auto_bootstrap": True},
                "authorize": {"file": f"{folder}/allow.yaml"}, "images": {"folder": f"{folder}/images"},
                "quotes": {"simulated_roots": [{"root": f"{folder}/root.der", "collateral": f"{folder}/collateral.json"}]}}))

    def allow(self, images=(), apps=()):
        with open(f"{self.folder}/allow.yaml.new", "w", encoding="ascii") as f:
            f.write(json.dumps({"os_images": list(images), "apps": list(apps)}))
        os.rename(f"{self.folder}/allow.yaml.new", f"{self.folder}/allow.yaml")

    def start(self):
        with open(f"{self.folder}/kms.log", "ab") as log:
            self.process = subprocess.Popen([f"{bailey.BIN}/bailey-kms", "--config", f"{self.folder}/kms.yaml"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        bailey.wait_for("the key service answers", lambda: self.process.poll() is not None or subprocess.run(
            [f"{bailey.BIN}/bailey", "keys", "--json", self.near], capture_output=True, check=False).returncode == 0)
        assert self.process.poll() is None, self.log()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)

    def keys(self):
        got = json.loads(subprocess.run([f"{bailey.BIN}/bailey", "keys", "--json", self.near], capture_output=True,
                                        check=True).stdout)
        return got

    def log(self):
        with open(f"{self.folder}/kms.log", encoding="utf-8", errors="replace") as f:
            return f.read()


def printed(host, text, but=None):
    """Is it on the console of this boot, and the other not?  Each boot begins a new log."""
    try:
        serial = host.serial("keyed")
    except FileNotFoundError:
        return False
    return text in serial and (but is None or but not in serial)


def compose_hash(path):
    out = subprocess.run([f"{bailey.BIN}/bailey", "compose", "hash", path], capture_output=True, text=True, check=True).stdout
    return re.search(r"[0-9a-f]{64}", out)[0]


def write_app(host, kms, port, extra=""):
    keys = kms.keys()[0]
    with open(f"{host.dir}/secret.env", "w", encoding="ascii") as f:
        f.write(f"TOKEN='{SECRET}'\nEMPTY=\n")
    dead = f"https://10.0.2.2:{bailey.free_port()}"
    return host.app("keyed", APP.format(pin=keys["key_provider_id"], signer=keys["kms_signer"], port=port,
                                        urls=f"{dead}, {kms.url}", env_file=f"{host.dir}/secret.env") + extra)


def check_events(port, kms, image_hash):
    status, body = bailey.http_get(port, f"/prpc/Worker.GetEvidence?nonce={'00' * 32}")
    assert status == 200, body
    own = [(e["event"], e["event_payload"]) for e in json.loads(json.loads(body)["event_log"]) if e["imr"] == 3]
    names = [name for name, _ in own]
    assert names == ["system-preparing", "app-id", "compose-hash", "init-script-hash", "gpu-policy-hash", "instance-id",
                     "boot-mr-done", "os-image-hash", "key-provider", "storage-fs", "system-ready"], names
    assert dict(own)["os-image-hash"] == image_hash
    provider = json.loads(bytes.fromhex(dict(own)["key-provider"]))
    assert provider == {"name": "kms", "id": kms.keys()[0]["key_provider_id"]}, provider


def check_first_boot(host, kms, port, image_hash):
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    bailey.wait_for("the app ran", lambda: printed(host, "all done"))
    serial = host.serial("keyed")
    for line in ("init sees [nothing]", f"main has {digest}, []", f"file has {digest}", "new disk"):
        assert line in serial, serial[-3000:]
    assert SECRET not in serial
    check_events(port, kms, image_hash)


def check_kms_that_comes_back(host, kms, port, image_hash):
    """Nobody answers when the guest begins to ask; it asks again, and emits what it emits once."""
    kms.stop()
    host.bailey("stop", "keyed")
    host.bailey("start", "--no-wait", "keyed")
    bailey.wait_for("it finds nobody", lambda: printed(host, f"{kms.url}: cannot connect", "all done"))
    kms.start()
    bailey.wait_for("the app ran again", lambda: printed(host, "all done"))
    serial = host.serial("keyed")
    assert "kept by" in serial and "new disk" not in serial, serial[-3000:]
    check_events(port, kms, image_hash)


def check_other_compose(host, kms, port):
    """The same VM with the same disk, and an app that the key service was not told of."""
    path = write_app(host, kms, port, "    echo more\n")
    host.bailey("stop", "keyed")
    host.bailey("up", "--no-wait", path)
    host.wait_event("keyed", "boot.error", "Failed to request app keys: Failed to get app keys from KMS: ")
    host.wait_event("keyed", "boot.error", "compose hash not allowed")
    serial = host.serial("keyed")
    assert "all done" not in serial and "kept by" not in serial


def test_keys_of_a_kms():
    folder = tempfile.mkdtemp(prefix="b-keys-", dir="/tmp")
    bailey.IMAGE = with_firmware(folder)
    os.makedirs(f"{folder}/images")
    shutil.copytree(bailey.IMAGE, f"{folder}/images/{os.path.basename(bailey.IMAGE)}")
    with open(f"{bailey.IMAGE}/digest.txt", encoding="ascii") as f:
        image_hash = f.read().strip()
    kms, port = Kms(folder), bailey.free_port()
    host = bailey.Host(f"tee_simulator: {{ seed: '{SEED}' }}\n")
    try:
        kms.start()
        path = write_app(host, kms, port)
        app = compose_hash(path)
        kms.allow([image_hash], [{"id": app[:40], "compose_hashes": [app]}])
        host.bailey("up", "--no-wait", path)
        check_first_boot(host, kms, port, image_hash)
        check_kms_that_comes_back(host, kms, port, image_hash)
        check_other_compose(host, kms, port)
    except BaseException:
        print(kms.log()[-3000:])
        raise
    finally:
        host.close()
        kms.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    bailey.run(test_keys_of_a_kms)
