# SPDX-License-Identifier: Apache-2.0
"""applib: evidence of an app, made under a simulated root, and bent"""
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import threading

from loglib import FIRMWARE, extended, firmware, listed

AT = 1_800_000_000
SIM_TOOL = os.environ["SIM_TOOL"]
COMPOSE = json.dumps({"manifest_version": 2, "name": "demo", "runner": "docker-compose"})
PROVIDER = b'{"name":"kms","id":"3059"}'


def simulate(**td):
    r = subprocess.run([SIM_TOOL], input=json.dumps({"at": AT, **td}).encode(), capture_output=True, check=True, timeout=60)
    return json.loads(r.stdout)


def report_data(nonce, key=b""):
    return hashlib.sha512(b"bailey-evidence:" + bytes([len(nonce)]) + nonce + key).digest()


def registers(log):
    """What a list of events makes."""
    made = ["00" * 48] * 4
    for e in log:
        made[e["imr"]] = extended(made[e["imr"]], bytes.fromhex(e["digest"]))
    return {f"rtmr{i}": made[i] for i in range(4)}


def events(compose=COMPOSE, app_id=None, **more):
    of_compose = hashlib.sha256(compose.encode()).digest()
    return [("system-preparing", b""), ("app-id", app_id or of_compose[:20]), ("compose-hash", of_compose),
            ("instance-id", bytes(range(20))), ("boot-mr-done", b""),
            *((k.replace("_", "-"), v) for k, v in more.items()),
            ("key-provider", PROVIDER), ("storage-fs", b"zfs"), ("system-ready", b"")]


class App:
    """A machine that ran; answer() is what it says for a nonce, of() changes what went into it."""

    def __init__(self, **td):
        self.compose = td.pop("compose", COMPOSE)
        self.vm_config = td.pop("vm_config", '{"cpu_count":1,"memory_size":2147483648}')
        self.log = td.pop("boot", None) or firmware(FIRMWARE, False)
        self.log = self.log + listed(td.pop("events", None) or events(self.compose))
        self.td = {"mrtd": "77" * 48, **registers(self.log), **td}

    def answer(self, nonce, key=b"", data=None):
        data = data or report_data(nonce, key)
        quoted = simulate(**self.td, report_data=data.hex())
        return {"quote": quoted["quote"], "event_log": json.dumps(self.log), "report_data": data.hex(),
                "vm_config": self.vm_config, "attestation": "", "nonce": nonce.hex(), "tls_public_key": key.hex(),
                "tee": "simulated", "app_compose": self.compose, "tcb_info": "{}"}


def seal(folder):
    """Write sums and digest of what is in an image."""
    names = sorted(n for n in os.listdir(folder) if n not in ("sha256sum.txt", "digest.txt"))
    sums = ""
    for name in names:
        with open(f"{folder}/{name}", "rb") as f:
            sums += f"{hashlib.sha256(f.read()).hexdigest()}  {name}\n"
    with open(f"{folder}/sha256sum.txt", "w") as f:
        f.write(sums)
    with open(f"{folder}/digest.txt", "w") as f:
        f.write(hashlib.sha256(sums.encode()).hexdigest() + "\n")


def image(parent, name, change=None, sealed=True):
    """An image as small as can be; change(folder) spoils it, before it is sealed or after.  Returns its folder."""
    folder = f"{parent}/{name}"
    os.makedirs(folder)
    subprocess.run([SIM_TOOL, "files", folder], check=True, timeout=60, stdout=subprocess.DEVNULL)
    with open(f"{folder}/initrd.cpio.gz", "wb") as f:
        f.write(b"an initrd")
    metadata = {"bios": "ovmf.fd", "kernel": "bzImage", "initrd": "initrd.cpio.gz", "cmdline": "console=ttyS0 quiet",
                "version": "0.6.0", "is_dev": True}
    with open(f"{folder}/metadata.json", "w") as f:
        json.dump(metadata, f)
    if not sealed:
        seal(folder)
    if change:
        change(folder)
    if sealed:
        seal(folder)
    return folder


def digest_of(folder):
    with open(f"{folder}/digest.txt") as f:
        return f.read().strip()


def described(folder, **change):
    """The machine as its host describes it."""
    vm = {"os_image_hash": digest_of(folder), "cpu_count": 2, "memory_size": 2 << 30, "qemu_version": "9.1.0", "pci_hole64_size": 0,
          "hugepages": False, "num_gpus": 0, "num_nvswitches": 0, "hotplug_off": False, "image": os.path.basename(folder),
          "host_share_mode": "vhd", "spec_version": 1, **change}
    return json.dumps({k: v for k, v in vm.items() if v is not None})


def measured(folder, vm_config):
    r = subprocess.run([SIM_TOOL, "measure", folder], input=vm_config.encode(), capture_output=True, timeout=120, check=False)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def started(folder, vm_config=None, **more):
    """The app on a machine that was really started so."""
    vm_config = vm_config or described(folder)
    m = measured(folder, vm_config)
    return App(mrtd=m["mrtd"], boot=m["events"], vm_config=vm_config, **more)


def mr_config_v1(compose):
    return "01" + hashlib.sha256(compose.encode()).hexdigest() + "00" * 15


def mr_config_v3(document):
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return "03" + hashlib.sha256(b"dstack-mr-config-v3:\0" + text).hexdigest() + "00" * 15


class Server:
    """An HTTP or HTTPS server whose handler is a function: path -> (status, headers, body)."""

    def __init__(self, answer, cert=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, headers, body = answer(self.path)
                self.send_response(status)
                for k, v in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(k, v)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None
        scheme = "http"
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()


def nonce_of(path):
    return bytes.fromhex(path.split("nonce=")[1])


def openssl(*args, **more):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, timeout=60, **more).stdout


def certificate(folder, name, extension=None):
    """A self-signed one in folder/name.pem, key first; returns the path and the DER of its public key.

    extension(key) gives the content of extension .8."""
    path, key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    spki = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    config = f"{folder}/{name}.cnf"
    with open(config, "w") as f:
        f.write("[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=app\n[ext]\nbasicConstraints=CA:FALSE\n")
        if extension:
            content = extension(spki)
            n = len(content)
            size = bytes([n]) if n < 128 else bytes([0x80 + (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
            f.write("1.3.6.1.4.1.62397.1.8=DER:" + (b"\x04" + size + content).hex() + "\n")
    cert = openssl("req", "-new", "-x509", "-key", key, "-days", "3650", "-config", config)
    with open(path, "wb") as f, open(key, "rb") as k:
        f.write(k.read() + cert)
    return path, spki


def scale_bytes(b):
    n = len(b)
    head = bytes([n << 2]) if n < 64 else (n << 2 | 1).to_bytes(2, "little") if n < 1 << 14 else (n << 2 | 2).to_bytes(4, "little")
    return head + b


def scale_count(n):
    return scale_bytes(b"x" * n)[:-n] if n else b"\0"


def attestation(app, data):
    """Version 0, as certificates carry it: the guest's events and ACPI's."""
    quote = bytes.fromhex(simulate(**app.td, report_data=data.hex())["quote"])
    kept = [e for e in app.log if e["imr"] == 3 or e["event_type"] == 0xa]
    log = b"".join(e["imr"].to_bytes(4, "little") + e["event_type"].to_bytes(4, "little") +
                   scale_bytes(bytes.fromhex(e["digest"])) + scale_bytes(e["event"].encode()) +
                   scale_bytes(bytes.fromhex(e["event_payload"])) for e in kept)
    runtime = [e for e in kept if e["imr"] == 3]
    return (b"\0\0" + scale_bytes(quote) + scale_count(len(kept)) + log + scale_count(len(runtime)) +
            b"".join(scale_bytes(e["event"].encode()) + scale_bytes(bytes.fromhex(e["event_payload"])) for e in runtime) +
            data + scale_bytes(app.vm_config.encode()))
