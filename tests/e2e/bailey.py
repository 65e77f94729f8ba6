# SPDX-License-Identifier: Apache-2.0
"""bailey: a real daemon in a scratch folder, for tests that boot real guests.

Everything is polled against generous deadlines; nothing sleeps as proof.  All
that a test starts, Host.close() ends, by pid, also when the test fails.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE = 300  # seconds; a guest boots in three, a machine under load needs more
SKIP = 77

BIN = os.environ.get("BAILEY_BIN", "")
IMAGE = os.environ.get("BAILEY_IMAGE", "")


def need(condition, why):
    """Skip the whole test, saying why, where the machine cannot run it."""
    if not condition:
        print("skipped:", why)
        sys.exit(SKIP)


def wait_for(what, probe, deadline=DEADLINE):
    """Poll until probe() is true-ish and return that; fail with the last answer seen."""
    end = time.monotonic() + deadline
    seen = None
    while time.monotonic() < end:
        seen = probe()
        if seen:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"{what}: not seen in {deadline} s; last: {seen!r}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def http_get(port, path="/", timeout=10):
    """GET over plain TCP.  Returns (status, body), or None when nobody answers yet."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
            s.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            data = b""
            while chunk := s.recv(65536):
                data += chunk
    except OSError:
        return None
    head, _, body = data.partition(b"\r\n\r\n")
    words = head.split()
    return (int(words[1]), body) if len(words) > 1 else None


def pid_alive(pid):
    """Is the process there and not a zombie?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes_naming(text):
    """Pids of all processes whose command line contains text (ourselves excluded)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().decode(errors="replace")
        except OSError:
            continue
        if text in line and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def _terminated(*_):
    sys.exit("terminated")


signal.signal(signal.SIGTERM, _terminated)  # so that what a test started is ended all the same


class Failed(Exception):
    def __init__(self, result):
        super().__init__(f"{result.args}: exit {result.returncode}\n{result.stdout}{result.stderr}")
        self.result = result


def own_registry(folder, extra):
    """Tests run beside each other and share a host, but not its CIDs and ports: unless @extra says otherwise."""
    return "" if "host_registry:" in extra else f"host_registry: {folder}/h\n"


class Host:
    """A scratch state folder and the daemon that serves it."""

    def __init__(self, extra="", state_mount=None):
        """@state_mount: options of a tmpfs for the state folder, such as "size=64m": a disk that can be full."""
        need(BIN and os.path.exists(f"{BIN}/baileyd"), "BAILEY_BIN does not hold baileyd")
        need(IMAGE and os.path.exists(f"{IMAGE}/metadata.json"), "BAILEY_IMAGE is not an image")
        need(os.geteuid() == 0, "libvirt's embedded driver needs root here")
        self.dir = tempfile.mkdtemp(prefix="b-e2e-", dir="/tmp")
        os.chmod(self.dir, 0o711)  # QEMU runs as a user of its own and must reach its disks
        os.makedirs(f"{self.dir}/s")
        self.mounted = state_mount is not None
        if self.mounted:
            r = subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0711,{state_mount}", "bailey-test", f"{self.dir}/s"],
                               capture_output=True, text=True, check=False)
            if r.returncode != 0:
                os.rmdir(f"{self.dir}/s")
                os.rmdir(self.dir)
            need(r.returncode == 0, f"a tmpfs cannot be mounted here: {r.stderr.strip()}")
        os.makedirs(f"{self.dir}/s/image")
        shutil.copytree(IMAGE, f"{self.dir}/s/image/{os.path.basename(IMAGE.rstrip('/'))}")
        self.config = f"{self.dir}/baileyd.yaml"
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"state: {self.dir}/s\nrun: {self.dir}/r\n{own_registry(self.dir, extra)}{extra}")
        self.socket = f"{self.dir}/r/baileyd.sock"
        self.daemon = None
        self.start()

    def start(self):
        log = open(f"{self.dir}/baileyd.log", "ab")
        self.daemon = subprocess.Popen(
            [f"{BIN}/baileyd", "--config", self.config], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True)
        log.close()
        wait_for("the daemon answers", lambda: self.daemon.poll() is not None or self.rpc("Version"))
        assert self.daemon.poll() is None, self.log()

    def stop(self, sig=signal.SIGTERM):
        self.daemon.send_signal(sig)
        self.daemon.wait(timeout=DEADLINE)

    def log(self):
        with open(f"{self.dir}/baileyd.log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def http(self, method, path, body=None, timeout=60):
        """One HTTP call on the API socket: (status, body), or None when it cannot be reached."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(timeout)
                s.connect(self.socket)
                data = b"" if body is None else json.dumps(body).encode()
                s.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                          f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
                          .encode() + data)
                got = b""
                while chunk := s.recv(65536):
                    got += chunk
        except OSError:
            return None
        head, _, rest = got.partition(b"\r\n\r\n")
        words = head.split()
        return (int(words[1]), rest) if len(words) > 1 else None

    def rpc(self, method, params=None, mount="prpc"):
        """The reply of an RPC as Python values; None when the daemon is not there."""
        answer = self.http("POST", f"/{mount}/{method}?json", params or {})
        if answer is None:
            return None
        status, body = answer
        value = json.loads(body)
        assert status == 200, f"{method}: {status} {value}"
        return value if value is not None else {}

    def bailey(self, *args, ok=True, timeout=DEADLINE):
        """Run the command line; returns the result, raises Failed unless it did as expected."""
        r = subprocess.run([f"{BIN}/bailey", "--socket", self.socket, *args], timeout=timeout,
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if (r.returncode == 0) != ok:
            raise Failed(r)
        return r

    def app(self, name, text):
        path = f"{self.dir}/{name}.yaml"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def info(self, name):
        vms = [v for v in self.rpc("Status")["vms"] if v["name"] == name]
        assert len(vms) == 1, f"{name}: {len(vms)} VMs of that name"
        return vms[0]

    def vmdir(self, name):
        return f"{self.dir}/s/vm/{self.info(name)['id']}"

    def serial(self, name):
        with open(f"{self.vmdir(name)}/serial.log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def qemu(self, name):
        """The pid of the VM's QEMU."""
        pids = [p for p in processes_naming(self.info(name)["id"])
                if "qemu" in os.readlink(f"/proc/{p}/exe")]
        assert len(pids) == 1, f"{name}: QEMU processes {pids}"
        return pids[0]

    def wait_status(self, name, status):
        return wait_for(f"{name} is {status}", lambda: self.info(name)["status"] == status)

    def wait_event(self, name, event, body=None):
        def probe():
            return [e for e in self.info(name)["events"]
                    if e["event"].startswith(event) and (body is None or body in e["body"])]
        return wait_for(f"{name}: event {event} {body or ''}", probe)

    def close(self):
        if self.daemon and self.daemon.poll() is None:
            for vm in (self.rpc("Status") or {"vms": []})["vms"]:
                self.http("POST", "/prpc/StopVm?json", {"id": vm["id"]})
            try:
                wait_for("all stopped", lambda: not [
                    v for v in self.rpc("Status")["vms"] if v["status"] not in ("stopped", "exited")], 60)
            except AssertionError:
                pass
            self.stop()
        for pid in processes_naming(self.dir):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.mounted:
            wait_for("the state folder is let go", lambda: subprocess.run(
                ["umount", f"{self.dir}/s"], capture_output=True, check=False).returncode == 0, 60)
        shutil.rmtree(self.dir, ignore_errors=True)


def run(*tests):
    """Run each test with a name of its own in the output; show the daemon's log on failure."""
    failed = 0
    for test in tests:
        begun = time.monotonic()
        try:
            test()
            print(f"ok   {test.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {test.__name__}: {type(e).__name__}: {e}", flush=True)
    sys.exit(1 if failed else 0)
