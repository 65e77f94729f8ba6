# SPDX-License-Identifier: Apache-2.0
"""agentlib: bailey-guest's agent on this machine, in a folder that holds what PID 1 would have left there."""
import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

GUEST = os.environ["BAILEY_GUEST"]
SEED = "5e" * 32
RUNTIME = 0x08000001
DEADLINE = 120
DIGEST = "c1" * 48
BOOT = {"mrtd": "a1" * 48, "mrconfigid": "a2" * 48, "events": [
    {"imr": 0, "event_type": 0x8000000b, "digest": "d0" * 48, "event": "td-hob"},
    {"imr": 0, "event_type": 10, "digest": "d1" * 48, "event": "acpi-loader"},
    {"imr": 1, "event_type": 0x80000003, "digest": "d2" * 48, "event": "kernel"},
    {"imr": 2, "event_type": 6, "digest": "d3" * 48, "event": "cmdline"}]}


def extend(register, digest):
    return hashlib.sha384(register + digest).digest()


def digest_of(event):
    """The digest of one of the agent's list, made anew where it is a runtime event."""
    if event["event_type"] != RUNTIME:
        return bytes.fromhex(event["digest"])
    name, payload = event["event"], event["event_payload"]
    if event.get("version", 1) == 2:
        text = json.dumps({"name": name, "payload": payload, "type": RUNTIME}, separators=(",", ":"), sort_keys=True)
        return hashlib.sha384(text.encode()).digest()
    return hashlib.sha384(RUNTIME.to_bytes(4, "little") + f":{name}:".encode() + bytes.fromhex(payload)).digest()


def replay(events):
    registers = [bytes(48)] * 4
    for e in events:
        registers[e["imr"]] = extend(registers[e["imr"]], digest_of(e))
    return registers


def quoted(quote):
    """What a TDX quote of version 4 says."""
    q = bytes.fromhex(quote)
    assert q[:2] == b"\4\0" and q[4:8] == b"\x81\0\0\0", q[:48]
    return {"mrtd": q[184:232], "mrconfigid": q[232:280], "report_data": q[568:632],
            "rtmr": [q[376 + 48 * i:424 + 48 * i] for i in range(4)]}


def write_keys(agent):
    """Keys that a KMS gave the app 11..11 (vectors of lib/tee/test-keys_app_keys.c), with a CA of its own: for Agent's prepare."""
    ca = f"{agent.dir}/ca"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                    "-subj", "/CN=App Root Cert", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:1",
                    "-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign",
                    "-keyout", f"{ca}.key", "-out", f"{ca}.crt"], check=True, capture_output=True)
    with open(f"{ca}.key", encoding="ascii") as key, open(f"{ca}.crt", encoding="ascii") as cert:
        agent._write(".appkeys.json", {
            "disk_crypt_key": "d1" * 32, "env_crypt_key": "", "gateway_app_id": "",
            "k256_key": "886c2788dd4da286d0608e73f6b5aa7a245095f790b9a862afcdc979b85d8093",
            "k256_signature": "a25139e926778e2fffc6245a75696db26f3d69cc2ee8a9dfcc26db1e3944d123385945f2c1381b6ab13f38e4e56d0807"
                              "2e7b8d433927cdfa8c407e015e76019700",
            "ca_cert": cert.read(), "key_provider": {"None": {"key": key.read()}}})
    return {}


class Agent:
    """A folder and the agent that serves it; @tee: None or what .tee-simulator.json holds beside the platform.

    @prepare: called with the agent before it starts; it may make folders, and gives the environment to add."""

    def __init__(self, tee=None, version=1, prepare=None, **state):
        self.dir = tempfile.mkdtemp(prefix="b-agent-", dir="/tmp")
        self.child, self.env = None, {}
        try:
            self._fill(tee, version, state)
            self.env = prepare(self) if prepare else {}
            self._start()
        except BaseException:
            self.close()
            raise

    def _write(self, name, data):
        with open(f"{self.dir}/{name}", "wb") as f:
            f.write(data if isinstance(data, bytes) else json.dumps(data).encode())

    def _fill(self, tee, version, state):
        self.compose = json.dumps({"manifest_version": "2", "name": "a<p>p \u00e9", "runner": "none"},
                                  ensure_ascii=False).encode()
        self.compose_hash = hashlib.sha256(self.compose).hexdigest()
        app_id = self.compose_hash[:40]
        registers = [bytes(48)] * 4
        if tee is not None:
            self._write(".tee-simulator.json", {"platform": "dstack-tdx", **tee})
            for e in tee.get("bailey", {}).get("events", []):
                registers[e["imr"]] = extend(registers[e["imr"]], bytes.fromhex(e["digest"]))
        lines = b""
        for name, payload in (("system-preparing", ""), ("app-id", app_id), ("compose-hash", self.compose_hash),
                              ("instance-id", ""), ("boot-mr-done", ""),
                              ("key-provider", b'{"name":"none","id":""}'.hex()), ("system-ready", "")):
            event = {"event_type": RUNTIME, "event": name, "event_payload": payload, "version": version}
            registers[3] = extend(registers[3], digest_of(event))
            line = {"event": name, "payload": base64.b64encode(bytes.fromhex(payload)).decode()}
            if version == 2:
                line["version"] = 2
            lines += json.dumps(line).encode() + b"\n"
        self._write("runtime_events.log", lines)
        self._write("runtime_event_version", str(version).encode())
        self.registers = registers
        for i, value in enumerate(registers):
            self._write(f"rtmr{i}:sha384", value)
        self._write("app-compose.json", self.compose)
        self._write("guest.json", {
            "app_name": "a<p>p \u00e9", "app_id": app_id, "instance_id": "", "compose_hash": self.compose_hash,
            "tee": "none" if tee is None else "simulated", "vm_config": '{"os_image_hash":"%s"}' % ("77" * 32),
            "public_logs": False, "public_sysinfo": False, "public_tcbinfo": True, **state})

    def _start(self):
        with open(f"{self.dir}/log", "wb") as log:
            self.child = subprocess.Popen([GUEST, "agent", self.dir], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env={**os.environ, **self.env})
        end = time.monotonic() + DEADLINE
        while not os.path.exists(f"{self.dir}/external.sock"):  # the last that it opens
            assert self.child.poll() is None, self.log()
            assert time.monotonic() < end, "the agent does not come up"
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.child:
            self.child.kill()
            self.child.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def raw(self, sock, request):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(DEADLINE)
            s.connect(f"{self.dir}/{sock}.sock")
            s.sendall(request)
            data = b""
            while chunk := s.recv(1 << 20):
                data += chunk
        return data

    def http(self, sock, path, body=None):
        """(status, body bytes) of GET, or of POST with a JSON body."""
        verb, data = ("GET", b"") if body is None else ("POST", json.dumps(body).encode())
        got = self.raw(sock, f"{verb} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                             f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
        head, _, rest = got.partition(b"\r\n\r\n")
        return int(head.split()[1]), rest

    def call(self, path, body=None, sock="dstack", status=200):
        got, rest = self.http(sock, path + ("" if body is None else "?json"), body)
        assert got == status, (got, rest[:500])
        return json.loads(rest)

    def refused(self, path, body, why, sock="dstack"):
        error = self.call(path, body, sock, 400)["error"]
        assert why in error, error
