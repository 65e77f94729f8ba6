# SPDX-License-Identifier: Apache-2.0
"""scratch: a real baileyd on a scratch state folder with a small image, for tests that boot nothing."""
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

DEADLINE = 120
BIN = os.environ["BAILEY_BIN"]
IMAGE = "small-0.1.0"


def wait_for(what, probe, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        seen = probe()
        if seen:
            return seen
        time.sleep(0.05)
    raise AssertionError(f"{what}: not seen in {deadline} s")


def make_image(folder):
    """An image that loads and whose sums are right; its kernel is no kernel."""
    os.makedirs(folder)
    files = {"bzImage": b"no kernel", "initramfs.cpio.gz": b"no initramfs",
             "metadata.json": json.dumps({"kernel": "bzImage", "initrd": "initramfs.cpio.gz", "cmdline": "x",
                                          "version": "0.6.0", "is_dev": True, "shared_ro": True}).encode()}
    sums = ""
    for name, text in files.items():
        with open(f"{folder}/{name}", "wb") as f:
            f.write(text)
        sums += f"{hashlib.sha256(text).hexdigest()}  {name}\n"
    with open(f"{folder}/sha256sum.txt", "w", encoding="ascii") as f:
        f.write(sums)
    with open(f"{folder}/digest.txt", "w", encoding="ascii") as f:
        f.write(hashlib.sha256(sums.encode()).hexdigest() + "\n")


def compose(**more):
    return json.dumps({"manifest_version": 2, "name": "app", "runner": "none", **more})


def vm(**more):
    """A VmConfiguration that is right, but for what is given."""
    return {"name": "one", "image": IMAGE, "compose_file": compose(), "vcpu": 1, "memory": 256,
            "disk_size": 1, "no_tee": True, "stopped": True, **more}


def free_port():
    """Below those that the kernel gives to clients, so that none takes it meanwhile."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Daemon:
    def __init__(self, extra=""):
        self.dir = tempfile.mkdtemp(prefix="b-it-", dir="/tmp")
        os.chmod(self.dir, 0o711)
        make_image(f"{self.dir}/s/image/{IMAGE}")
        os.chmod(f"{self.dir}/s", 0o711)
        self.config = f"{self.dir}/c.yaml"
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"state: {self.dir}/s\nrun: {self.dir}/r\nhost_registry: {self.dir}/h\n{extra}")
        self.socket = f"{self.dir}/r/baileyd.sock"
        self.process = None
        self.start()

    def start(self):
        with open(f"{self.dir}/log", "ab") as log:
            self.process = subprocess.Popen([f"{BIN}/baileyd", "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("the daemon answers", lambda: self.process.poll() is not None or self.up())
        assert self.process.poll() is None, self.log()

    def up(self):
        try:
            return self.http("GET", "/prpc/Version")[0] == 200
        except OSError:
            return False

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(timeout=DEADLINE)

    def close(self):
        if self.process.poll() is None:
            code = self.stop()
            assert code == 0, (code, self.log())
        shutil.rmtree(self.dir)

    def log(self):
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def raw(self, data):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(DEADLINE)
            s.connect(self.socket)
            try:
                s.sendall(data)
            except BrokenPipeError:
                pass
            got = b""
            while chunk := s.recv(65536):
                got += chunk
        return got

    def http(self, method, path, body=b"", ctype="application/json", headers=()):
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        if ctype:
            head += f"Content-Type: {ctype}\r\n"
        head += "".join(f"{h}\r\n" for h in headers)
        got = self.raw(head.encode() + b"\r\n" + body)
        head, _, rest = got.partition(b"\r\n\r\n")
        if b"chunked" in head:
            out = b""
            while rest:
                size, _, rest = rest.partition(b"\r\n")
                out, rest = out + rest[:int(size, 16)], rest[int(size, 16) + 2:]
            rest = out
        return int(head.split()[1]), rest, head.decode()

    def rpc(self, method, params=None, mount="prpc"):
        status, body, _ = self.http("POST", f"/{mount}/{method}?json", json.dumps(params or {}).encode())
        value = json.loads(body)
        assert status == 200, (method, status, value)
        return value

    def fails(self, method, params, *words, mount="prpc"):
        """The call is refused as dstack refuses: 400 and {"error": text}, the text with every word."""
        status, body, head = self.http("POST", f"/{mount}/{method}?json", json.dumps(params).encode())
        assert status == 400 and "application/json" in head, (method, params, status, body)
        text = json.loads(body)["error"]
        for word in words:
            assert word in text, f"{method} {params}: {text!r} does not say {word!r}"
        return text

    def disk(self):
        """What is in the folder of VMs: names, sizes and modes."""
        found = []
        for top, dirs, files in os.walk(f"{self.dir}/s/vm"):
            for name in dirs + files:
                st = os.lstat(f"{top}/{name}")
                found.append((f"{top}/{name}", st.st_mode, st.st_size if name in files else 0))
        return sorted(found)


def run(*tests):
    failed = 0
    for test in tests:
        start = time.monotonic()
        try:
            test()
            print(f"ok   {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {test.__name__}", flush=True)
            traceback.print_exc()
    return failed


def main(daemon, *tests):
    if os.geteuid() != 0:
        print("skipped: libvirt's embedded driver needs root here")
        sys.exit(77)
    failed = run(*tests)
    if failed:
        print(daemon.log(), file=sys.stderr)
    daemon.close()
    sys.exit(1 if failed else 0)
