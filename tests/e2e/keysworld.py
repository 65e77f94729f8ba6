# SPDX-License-Identifier: Apache-2.0
"""keysworld: a host with everything that gives guests their keys, under a simulated TEE

A simulator's collateral, a key provider, baileyd, and a KMS, as a process on the host or in a CVM of its own out of
configs/kms.yaml.  The guests' images have a firmware that can be measured: what boots a simulated TEE is not.
"""
import base64
import json
import os
import re
import shutil
import subprocess
import tempfile

import applib
import bailey
import measurelib

SEED = "7c" * 32
SOURCE = os.environ["BAILEY_SOURCE"]
MIB = 1 << 20


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


def image_with_firmware(image, folder, name=None, **metadata):
    """A copy of @image in @folder, with a firmware that can be measured, and the document by which a KMS needs no file."""
    copy = f"{folder}/{name or os.path.basename(image.rstrip('/'))}"
    subprocess.run(["cp", "-r", "--reflink=auto", image, copy], check=True)
    with open(f"{copy}/ovmf.fd", "wb") as f:
        f.write(measurelib.firmware(measurelib.known_cfv()))
    with open(f"{copy}/metadata.json", encoding="utf-8") as f:
        metadata = {**json.load(f), "bios": "ovmf.fd", **metadata}
    with open(f"{copy}/metadata.json", "w", encoding="utf-8") as f:
        json.dump(metadata, f)
    applib.seal(copy)
    document = f"{copy}/measurement.tdx.cbor"
    subprocess.run([f"{bailey.BIN}/bailey", "image", "measure", copy, "-o", document], check=True, capture_output=True,
                   timeout=120)
    os.chmod(document, 0o644)
    applib.seal(copy)
    return copy


def digest_of(image):
    with open(f"{image}/digest.txt", encoding="ascii") as f:
        return f.read().strip()


class World:
    def __init__(self, extra="", provider=None):
        """@extra: of baileyd.yaml; @provider: where its key provider is to be, if not where it is."""
        bailey.need(bailey.IMAGE and os.path.exists(f"{bailey.IMAGE}/metadata.json"), "BAILEY_IMAGE is not an image")
        for program in ("bailey-kms", "bailey-key-provider", "bailey-simulator"):
            bailey.need(os.path.exists(f"{bailey.BIN}/{program}"), f"{program} is not built")
        self.folder = tempfile.mkdtemp(prefix="b-world-", dir="/tmp")
        self.home = f"{self.folder}/home"
        os.makedirs(self.home)
        self.processes = {}
        self.images = f"{self.folder}/images"
        os.makedirs(self.images)
        self.image = image_with_firmware(bailey.IMAGE, self.images)
        bailey.IMAGE = self.image
        self.write("seed", SEED + "\n")
        self.root = self.simulator("root")
        self.write("root.pem", self.root)
        self.pccs = self.serve_collateral()
        self.provider_port = bailey.free_port()
        self.provider_id = self.start_provider()
        self.signer_key = f"{self.folder}/allow.key"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.signer_key)
        self.signer = openssl("pkey", "-in", self.signer_key, "-pubout", "-outform", "DER").hex()
        self.kms_port = bailey.free_port()
        self.kms_url = f"https://127.0.0.1:{self.kms_port}"
        self.kms_guest_url = f"https://10.0.2.2:{self.kms_port}"
        self.allowed = {}  # app id -> compose hashes
        self.sign_allowed()
        provider = provider or f"127.0.0.1:{self.provider_port}"
        guests_pccs = self.pccs.replace("127.0.0.1", "10.0.2.2")
        self.host = bailey.Host(f'tee_simulator: {{ seed: "{SEED}", collateral_url: "{guests_pccs}" }}\n'
                                f'kms_urls: [ "{self.kms_guest_url}" ]\n'
                                f'key_provider: {{ enabled: true, address: "{provider}" }}\n{extra}')

    def path(self, name):
        return f"{self.folder}/{name}"

    def write(self, name, text, mode=0o600):
        """Aside and renamed, so that nobody sees half of it."""
        with open(os.open(self.path(name + ".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w",
                  encoding="utf-8") as f:
            f.write(text)
        os.rename(self.path(name + ".new"), self.path(name))
        return self.path(name)

    # ---- what stands around

    def simulator(self, what):
        return subprocess.run([f"{bailey.BIN}/bailey-simulator", what, "--seed", self.path("seed")], check=True,
                              capture_output=True, text=True, timeout=60).stdout

    def spawn(self, name, *argv):
        with open(self.path(f"{name}.log"), "ab") as log:
            self.processes[name] = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.processes[name]

    def log(self, name):
        with open(self.path(f"{name}.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def end(self, name):
        p = self.processes.pop(name)
        p.terminate()
        p.wait(timeout=60)

    def serve_collateral(self):
        self.spawn("simulator", f"{bailey.BIN}/bailey-simulator", "serve", "--seed", self.path("seed"), "--listen",
                   "127.0.0.1:0")
        return bailey.wait_for("the simulator serves", lambda: re.search(r"listening on (\S+)", self.log("simulator")))[1]

    def start_provider(self):
        self.write("provider.yaml", f'listen: "127.0.0.1:{self.provider_port}"\nstate: {self.path("provider")}\nuser: root\n'
                   f'simulated_root: {self.path("root.pem")}\npccs: {{ url: "{self.pccs}" }}\n')
        program = [f"{bailey.BIN}/bailey-key-provider", "--config", self.path("provider.yaml")]
        self.spawn("provider", *program)

        def told():
            assert self.processes["provider"].poll() is None, self.log("provider")
            r = subprocess.run([*program, "id"], capture_output=True, text=True, check=False, timeout=60)
            return r.returncode == 0 and r.stdout.strip()
        return bailey.wait_for("the key provider has its keys", told, 60)

    # ---- who may have keys

    def listed(self):
        """What the allow-list says."""
        apps = [{"id": a, "compose_hashes": sorted(h)} for a, h in sorted(self.allowed.items())]
        return {"os_images": sorted(digest_of(f"{self.images}/{n}") for n in os.listdir(self.images)), "apps": apps}

    def allow_text(self):
        text = json.dumps(self.listed()) + "\n"
        signature = openssl("dgst", "-sha256", "-sign", self.signer_key, data=text.encode())
        return f"{text}# signed: {base64.b64encode(signature).decode()}\n"

    def sign_allowed(self):
        self.write("allow.signed.yaml", self.allow_text())

    def allow(self, path, app_id=None):
        """Let the app that the YAML @path describes have keys; returns its id."""
        told = json.loads(self.bailey("compose", "hash", "--json", path).stdout)
        app_id = app_id or told["app_id"]
        self.allowed.setdefault(app_id, set()).add(told["compose_hash"])
        self.sign_allowed()
        return app_id

    # ---- the KMS

    def start_kms_process(self):
        self.write("seal.key", "6b" * 32 + "\n")
        self.write("kms-process.yaml", f"""\
domain: 10.0.2.2
names: [ 127.0.0.1 ]
listen: [ "127.0.0.1:{self.kms_port}" ]
state: {self.path("kms-state")}
attest_certificate: false
self_authorization: false
seal: {{ key_file: {self.path("seal.key")} }}
onboard: {{ auto_bootstrap: true }}
authorize: {{ file: {self.path("allow.signed.yaml")}, signer: "{self.signer}" }}
images: {{ folder: {self.images} }}
quotes: {{ simulated_roots: [ {{ root: {self.path("root.pem")}, pccs: "{self.pccs}" }} ] }}
""")
        os.makedirs(self.path("kms-state"), mode=0o700, exist_ok=True)
        self.spawn("kms", f"{bailey.BIN}/bailey-kms", "--config", self.path("kms-process.yaml"))
        self.wait_kms()

    def kms_yaml(self):
        """configs/kms.yaml as its operator would complete it, and what a simulated TEE wants beside: a root to believe in."""
        with open(f"{SOURCE}/configs/kms.yaml", encoding="utf-8") as f:
            text = f.read()
        root = "".join(f"    {line}\n" for line in self.root.splitlines())
        believe = f"    cat > /run/bailey-kms/root.pem <<ROOT\n{root}    ROOT\n"
        more = ("    quotes: { simulated_roots: [ { root: /run/bailey-kms/root.pem, "
                f"pccs: \"{self.pccs.replace('127.0.0.1', '10.0.2.2')}\" }} ] }}\n")
        for old, new in (("name: kms\n", "name: kms\ntee: simulated\n"),
                         ('#key_provider_id: ""', f'key_provider_id: "{self.provider_id}"'),
                         ('"127.0.0.1:8443"', f'"127.0.0.1:{self.kms_port}"'),
                         ('signer=""', f'signer="{self.signer}"'),
                         ("    cat > /run/bailey-kms/config.yaml", f"{believe}    cat > /run/bailey-kms/config.yaml"),
                         ("    CONFIG\n    exec", f"{more}    CONFIG\n    exec")):
            assert text.count(old) == 1, (old, text)
            text = text.replace(old, new)
        return self.write("kms.yaml", text)

    def start_kms_cvm(self):
        image = os.environ.get("BAILEY_KMS_IMAGE", "")
        bailey.need(os.path.exists(f"{image}/metadata.json"), "BAILEY_KMS_IMAGE is not an image: build image-kms")
        keys = f"{self.host.dir}/s/image/{os.path.basename(image)}"
        if not os.path.exists(keys):
            subprocess.run(["cp", "-r", "--reflink=auto", image, keys], check=True)
        self.bailey("up", "--no-wait", self.kms_yaml())
        self.wait_kms()

    def wait_kms(self):
        def answers():
            p = self.processes.get("kms")
            assert p is None or p.poll() is None, self.log("kms")
            return self.bailey("keys", self.kms_url, check=False).returncode == 0
        bailey.wait_for("the KMS answers", answers)

    # ---- the command, with a home of its own

    def bailey(self, *args, check=True, timeout=bailey.DEADLINE):
        host = getattr(self, "host", None)
        r = subprocess.run([f"{bailey.BIN}/bailey", "--socket", host.socket if host else "/nowhere", *args], check=False,
                           capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout,
                           env={**os.environ, "HOME": self.home, "XDG_CONFIG_HOME": ""})
        if check and r.returncode != 0:
            raise bailey.Failed(r)
        return r

    def pins(self):
        """The lines of an app's YAML, without what is said of when they were asked for."""
        return re.sub("#.*\n", "", self.bailey("keys", "pin", self.kms_url).stdout)

    def close(self):
        if hasattr(self, "host"):
            self.host.close()
        for name in list(self.processes):
            self.end(name)
        shutil.rmtree(self.folder, ignore_errors=True)
