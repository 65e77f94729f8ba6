# SPDX-License-Identifier: Apache-2.0
"""kmslib: a key service on loopback, its agent, and simulated guests that ask it"""
import contextlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time

BIN = os.environ["BAILEY_BIN"]
TOOL = os.environ["KMS_TOOL"]
SEED = "07" * 32
SEAL = "09" * 32
APP = "11" * 20
COMPOSE = "22" * 32
INSTANCE = "33" * 20
TOKEN = "setup-token-of-tests"


def tool(do, **more):
    r = subprocess.run([TOOL], input=json.dumps({"do": do, "seed": SEED, **more}).encode(), capture_output=True,
                       timeout=60)
    assert r.returncode == 0, r.stderr.decode()
    return json.loads(r.stdout)


WORLD = tool("world")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds=60):
    """Until it is true; what is asked may fail meanwhile."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            got = what()
            if got:
                return got
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


class Agent:
    """The agent of a key service's own guest, on a unix socket."""

    def __init__(self, folder, **app):
        self.path = f"{folder}/dstack.sock"
        self.app = {"running": True, **app}
        agent = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

            def do_POST(self):
                q = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.startswith("/GetKey"):
                    answer = {"key": SEAL, "signature_chain": []}
                else:
                    answer = tool("attest", report_data=q["report_data"], **agent.app)
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(self.path, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Kms:
    """A bailey-kms; its folder has all of its files."""

    def __init__(self, agent=False, app=None, allow=None, args=(), env=None, **config):
        self.folder = tempfile.mkdtemp(prefix="kms-", dir="/tmp")
        self.port = free_port()
        self.agent = Agent(self.folder, **(app or {})) if agent else None
        self.write("seed", SEED)
        self.write("seal.key", SEAL)
        self.write("token", TOKEN)
        for what in ("root", "collateral"):
            self.write(what, subprocess.run([f"{BIN}/bailey-simulator", what, "--seed", self.path("seed"),
                                             *(args if what == "collateral" else ())],
                                            capture_output=True, check=True, timeout=60).stdout.decode())
        self.allow(allow or {"os_images": [WORLD["os_image_hash"]], "apps": [{"id": APP, "compose_hashes": [COMPOSE]}]})
        self.config = {
            "domain": "127.0.0.1", "names": ["localhost"], "listen": [f"127.0.0.1:{self.port}"],
            "state": self.path("state"), "attest_certificate": bool(agent), "self_authorization": False,
            "onboard": {"auto_bootstrap": True}, "authorize": {"file": self.path("allow.yaml")},
            "quotes": {"simulated_roots": [{"root": self.path("root"), "collateral": self.path("collateral")}]},
            **config}
        if agent:
            self.config["agent"] = self.agent.path
        else:
            self.config["seal"] = {"key_file": self.path("seal.key")}
        self.env = {**os.environ, **(env or {})}
        self.process = None

    def path(self, name):
        return f"{self.folder}/{name}"

    def write(self, name, text):
        """Aside, then renamed: as who changes a file that is in use does."""
        with open(self.path(name + ".new"), "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text)
        os.rename(self.path(name + ".new"), self.path(name))

    def allow(self, what):
        self.write("allow.yaml", what if isinstance(what, str) else json.dumps(what))

    def run(self, *command):
        self.write("kms.yaml", json.dumps(self.config))
        return subprocess.run([f"{BIN}/bailey-kms", *command, "--config", self.path("kms.yaml")], env=self.env,
                              capture_output=True, timeout=120)

    def start(self, wait=True):
        self.write("kms.yaml", json.dumps(self.config))
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen([f"{BIN}/bailey-kms", "--config", self.path("kms.yaml")], stderr=log,
                                            env=self.env)
        if wait:
            wait_for(lambda: self.alive() and self.get("/health") == b"OK")
        return self

    def alive(self):
        assert self.process.poll() is None, self.log()
        return True

    def log(self):
        with open(self.path("log"), "rb") as f:
            return f.read().decode()

    def stop(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(60)
            assert self.process.returncode == (0 if sig == signal.SIGTERM else -sig), self.log()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop(signal.SIGKILL if kind else signal.SIGTERM)
        if self.agent:
            self.agent.close()
        shutil.rmtree(self.folder)

    def connect(self, client=None, ca=None):
        """@client: {"cert","key"} as kms-tool makes them; @ca: PEM that the server must lead to."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if ca:
            context.load_verify_locations(cadata=ca)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if client:
            self.write("client.pem", client["cert"] + client["key"])
            context.load_cert_chain(self.path("client.pem"))
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60)

    def get(self, path):
        c = self.connect()
        c.request("GET", path)
        return c.getresponse().read()

    def call(self, method, body=None, client=None, ca=None):
        """Status and answer."""
        c = self.connect(client, ca)
        c.request("POST", f"/prpc/{method}?json", body if isinstance(body, bytes) else json.dumps(body or {}))
        r = c.getresponse()
        answer = json.loads(r.read())
        c.close()
        return r.status, answer

    def ask(self, method, body=None, client=None, ca=None):
        status, answer = self.call(method, body, client, ca)
        assert status == 200, answer
        return answer

    def refused(self, method, body=None, client=None, ca=None):
        status, answer = self.call(method, body, client, ca)
        assert status == 400, answer
        return answer["error"]

    def client(self, **app):
        """A guest with a certificate for its temporary key."""
        temp = self.ask("GetTempCaCert")
        made = tool("client", temp_ca_cert=temp["temp_ca_cert"], temp_ca_key=temp["temp_ca_key"], **app)
        return {**made, "ca": temp["ca_cert"]}

    def app_key(self, body=None, **app):
        guest = self.client(**app)
        return self.call("GetAppKey", body or {"api_version": 1}, guest, guest["ca"])

    def lines(self, name):
        with open(self.path(f"state/{name}.jsonl"), encoding="utf-8") as f:
            return [json.loads(line) for line in f]


def main(tests):
    for test in tests:
        test()
        print(f"ok {test.__name__}", flush=True)
