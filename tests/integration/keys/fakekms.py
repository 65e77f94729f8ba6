# SPDX-License-Identifier: Apache-2.0
"""fakekms: a KMS for tests, over TLS of its own root, that can be told to lie

It has the root keys of dstack's published vectors.  What it answers is made by keys-tool; how it lies is .lie.
"""
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time

TOOL = os.environ["KEYS_TOOL"]
CA = "f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1"
K256 = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
OTHER = "1111111111111111111111111111111111111111111111111111111111111111"


def tool(*args, stdin=b""):
    r = subprocess.run([TOOL, *args], input=stdin, capture_output=True, check=False, timeout=60)
    assert r.returncode == 0, (args, r.stderr)
    return r.stdout


def opened(sealed, app_id, ca=CA):
    """What is in a sealed environment, as the app's guest finds it; AssertionError if it does not open."""
    return {x["key"]: x["value"] for x in json.loads(tool("open", ca, app_id, stdin=sealed))["env"]}


def signer(k256=K256):
    return tool("signer", k256).decode().strip()


def spki(folder, name="root.pem"):
    """SubjectPublicKeyInfo of a certificate in hex: a key_provider_id."""
    key = subprocess.run(["openssl", "x509", "-in", f"{folder}/{name}", "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                          capture_output=True).stdout.hex()


class Kms:
    def __init__(self, folder, ca=CA, k256=K256, tls=True):
        os.makedirs(folder, exist_ok=True)
        tool("certs", ca, folder)
        self.ca, self.k256, self.folder = ca, k256, folder
        self.lie = None  # see answer()
        self.asked = []  # methods
        self.meta = {}   # over what GetMeta says
        self.release = threading.Event()  # ends what hangs
        kms = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                method = self.path.split("/")[-1].split("?")[0]
                kms.asked.append(method)
                status, data = kms.answer(method, json.loads(body or b"{}"))
                self.close_connection = True
                if status is None:
                    return  # hangs up
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data) + (100 if kms.lie == "truncated" else 0)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that hangs up is no news

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{folder}/leaf.pem", f"{folder}/leaf.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.guest_url = self.url.replace("127.0.0.1", "10.0.2.2")
        self.signer = signer(k256)
        self.id = spki(folder)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, method, params):
        lies = {"500": (500, b"oops"), "garbage": (200, b"\xff{"), "empty": (200, b"{}"), "hangs up": (None, b""),
                "refuses": (400, json.dumps({"error": "no \x1b[2J such\napp"}).encode()),
                "huge": (200, b"[" + b"0," * 1500000 + b"0]"), "deep": (200, b"[" * 50000)}
        if self.lie in lies:
            return lies[self.lie]
        if self.lie == "hangs":
            self.release.wait(60)
            return None, b""
        if method == "GetMeta":
            with open(f"{self.folder}/root.pem", encoding="ascii") as f:
                meta = {"ca_cert": f.read(), "allow_any_upgrade": False, "k256_pubkey": self.signer,
                        "bootstrap_info": None, "is_dev": False, "gateway_app_id": None}
            return 200, json.dumps({**meta, **self.meta}).encode()
        if method == "GetAppEnvEncryptPubKey":
            return 200, json.dumps(self.key(params["app_id"])).encode()
        return 400, json.dumps({"error": f"Service not found: {method}"}).encode()

    def key(self, app_id):
        """The public key of an app, or a lie about it."""
        now = int(time.time())
        k256 = OTHER if self.lie == "other signer" else self.k256
        when = {"old": now - 400, "early": now + 100}.get(self.lie, now)
        if self.lie == "other app":
            app_id = "ab" * 20
        answer = json.loads(tool("answer", self.ca, k256, app_id, str(when)))
        if self.lie == "other key":
            answer["public_key"] = json.loads(tool("answer", OTHER, k256, app_id, str(when)))["public_key"]
        elif self.lie == "old, said to be new":
            answer = {**json.loads(tool("answer", self.ca, k256, app_id, str(now - 400))), "timestamp": now}
        elif self.lie == "untimed":
            answer.update(signature_v1="", timestamp=0)
        elif self.lie == "short":
            answer["public_key"] = answer["public_key"][:-2]
        return answer

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


def dead_url():
    """An address where nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"https://127.0.0.1:{s.getsockname()[1]}"
