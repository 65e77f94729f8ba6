# SPDX-License-Identifier: Apache-2.0
"""dstack's command line client, byte for byte: http.client's HTTP/1.1, a connection a call, its headers in its order and
its JSON with its separators; each of its commands, on the unix socket and on TCP."""
import atexit
import base64
import hashlib
import json
import os
import shutil
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scratch import Daemon, IMAGE, compose, free_port, main, wait_for  # noqa: E402

TOKEN = "client-token-0123456789abcdef"
secrets = f"/tmp/b-it-client-{os.getpid()}"
os.mkdir(secrets)
os.chmod(secrets, 0o711)
atexit.register(shutil.rmtree, secrets)
with open(os.open(f"{secrets}/tokens", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
    f.write(f"operate client {TOKEN}\n")
PORT = free_port()
d = Daemon(f"api: {{ listen: ['tcp:127.0.0.1:{PORT}'], tokens_file: {secrets}/tokens }}\n")


class Client:
    """What goes over the wire is spelled out here; no HTTP library may tidy it."""

    def __init__(self, tcp=False):
        self.tcp = tcp

    def exchange(self, method, path, body, extra):
        # http.client: request line, Host, Accept-Encoding, Content-Length when there is a body, then the caller's
        host = f"127.0.0.1:{PORT}" if self.tcp else "localhost"
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{k}: {v}" for k, v in extra.items()]
        if self.tcp:
            lines.append(f"Authorization: Bearer {TOKEN}")
            s = socket.create_connection(("127.0.0.1", PORT), timeout=120)
        else:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(120)
            s.connect(d.socket)
        with s, s.makefile("rb") as r:
            s.sendall("\r\n".join(lines + ["", ""]).encode() + (body or b""))
            return self.answer(r)

    @staticmethod
    def answer(r):
        """As http.client reads: a length or chunks; the server keeps the connection, and the client hangs up."""
        version, status, _ = r.readline().decode().split(" ", 2)
        assert version == "HTTP/1.1", version
        head = {}
        while (line := r.readline().rstrip(b"\r\n")):
            k, v = line.decode().split(": ", 1)
            head[k.lower()] = v
        if head.get("transfer-encoding") == "chunked":
            body = b""
            while (n := int(r.readline(), 16)):
                body += r.read(n)
                assert r.readline() == b"\r\n"
            assert r.readline() == b"\r\n"
        else:
            body = r.read(int(head["content-length"]))
        return int(status), head, body

    def rpc(self, name, params=None):
        status, head, body = self.exchange("POST", f"/prpc/{name}?json", json.dumps(params or {}).encode(),
                                           {"Content-Type": "application/json"})
        assert status == 200, f"API call failed: {status} {body}"
        assert "application/json" in head["content-type"], head
        return json.loads(body)

    def logs(self, vid, lines=20, follow="false"):
        return self.exchange("GET", f"/logs?id={vid}&follow={follow}&ansi=false&lines={lines}", None,
                             {"Content-Type": "application/json"})


def deploy(client, **more):
    """deploy: every key that it always sends, in its order."""
    params = {"name": "app", "image": IMAGE, "compose_file": compose(), "vcpu": 1, "memory": 1024, "disk_size": 20,
              "app_id": None, "user_config": "", "ports": [], "hugepages": False, "pin_numa": False, "stopped": True,
              "no_tee": True, **more}
    vid = client.rpc("CreateVm", params)["id"]
    assert len(vid) == 36
    return vid


def remove(client, vid):
    assert client.rpc("RemoveVm", {"id": vid}) is None
    wait_for("it is gone", lambda: not client.rpc("GetInfo", {"id": vid})["found"])


def each_way(check):
    def test():
        for client in (Client(), Client(tcp=True)):
            check(client)
    test.__name__ = check.__name__
    return test


@each_way
def test_deploy_list_info_remove(c):
    assert c.rpc("Status")["vms"] == []
    assert [(i["name"], i["version"]) for i in c.rpc("ListImages")["images"]] == [(IMAGE, "0.6.0")]
    vid = deploy(c, swap_size=0, gpus={"attach_mode": "listed", "gpus": []}, kms_urls=["https://k.example"],
                 gateway_urls=[], networking={"mode": "user"}, encrypted_env="00ff",
                 ports=[{"protocol": "tcp", "host_address": "127.0.0.1", "host_port": free_port(), "vm_port": 80}])
    seen = c.rpc("Status")["vms"][0]
    assert (seen["id"], seen["name"], seen["status"], seen["uptime"]) == (vid, "app", "stopped", "never"), seen
    assert seen["app_id"] == hashlib.sha256(compose().encode()).hexdigest()[:40]
    assert seen["instance_id"] is None
    conf = seen["configuration"]
    assert (conf["vcpu"], conf["memory"], conf["disk_size"], conf["image"]) == (1, 1024, 20, IMAGE)
    assert conf["gpus"] == {"attach_mode": "listed", "gpus": []}
    info = c.rpc("GetInfo", {"id": vid})
    assert info["found"] and info["info"]["events"][-10:][0]["event"] == "vmm.created"
    assert c.rpc("GetInfo", {"id": "11111111-1111-4111-8111-111111111111"})["found"] is False
    remove(c, vid)


@each_way
def test_power(c):
    vid = deploy(c)
    assert c.rpc("StopVm", {"id": vid}) is None
    status, head, body = c.exchange("POST", "/prpc/ShutdownVm?json", json.dumps({"id": vid}).encode(),
                                    {"Content-Type": "application/json"})
    assert status == 400 and "error" in json.loads(body), "its guest is not there to be asked"
    assert body.startswith(b'{\n  "error": "') and head["content-type"] == "application/json"
    remove(c, vid)


@each_way
def test_logs(c):
    vid = deploy(c)
    status, head, body = c.logs(vid)
    assert (status, body) == (200, b"") and head["content-type"] == "text/plain; charset=utf-8", head
    with open(f"{d.dir}/s/vm/{vid}/serial.log", "w", encoding="ascii") as log:
        log.write("".join(f"line {i}\n" for i in range(50)))
    assert c.logs(vid)[2] == "".join(f"line {i}\n" for i in range(30, 50)).encode()
    assert c.logs(vid, 3)[2] == b"line 47\nline 48\nline 49\n"
    assert c.logs("11111111-1111-4111-8111-111111111111")[::2] == (404, b"VM not found")
    for query, want in ((f"id={vid}&lines=x", 200), (f"id={vid}&lines=2&ch=serial", 200), (f"id={vid}&ch=stdout", 200),
                        (f"id={vid}&ch=other", 400), (f"id={vid}&follow=maybe", 422), (f"id={vid}&ansi=2", 422),
                        (f"id={vid}&follow=OFF&ansi=yes", 200), ("follow=false", 422)):
        assert c.exchange("GET", "/logs?" + query, None, {})[0] == want, query
    remove(c, vid)


@each_way
def test_gpus(c):
    seen = c.rpc("ListGpus")
    assert set(seen) == {"gpus", "allow_attach_all"} and isinstance(seen["allow_attach_all"], bool), seen
    assert isinstance(seen["gpus"], list), seen
    for gpu in seen["gpus"]:
        assert set(gpu) >= {"slot", "product_id", "description", "is_free"}, gpu
        assert isinstance(gpu["is_free"], bool) and all(isinstance(gpu[k], str) for k in ("slot", "product_id", "description")), gpu


@each_way
def test_resize(c):
    vid = deploy(c)
    assert c.rpc("ResizeVm", {"id": vid, "vcpu": 2, "memory": 2048, "disk_size": 30, "image": IMAGE}) is None
    conf = c.rpc("GetInfo", {"id": vid})["info"]["configuration"]
    assert (conf["vcpu"], conf["memory"], conf["disk_size"]) == (2, 2048, 30), conf
    status, _, body = c.exchange("POST", "/prpc/ResizeVm?json", json.dumps({"id": vid, "disk_size": 10}).encode(),
                                 {"Content-Type": "application/json"})
    assert status == 400 and "Cannot shrink disk size" in json.loads(body)["error"], body
    remove(c, vid)


@each_way
def test_update(c):
    """update-user-config, update-app-compose, update-ports, update-env and update, as UpgradeApp."""
    vid = deploy(c)
    conf = lambda: c.rpc("GetInfo", {"id": vid})["info"]["configuration"]  # noqa: E731
    assert c.rpc("UpgradeApp", {"id": vid, "user_config": "new"}) == {"id": ""}
    assert conf()["user_config"] == "new"
    text = compose(changed=True)
    assert c.rpc("UpgradeApp", {"id": vid, "compose_file": text}) == {"id": hashlib.sha256(text.encode()).hexdigest()[:40]}
    assert conf()["compose_file"] == text
    port = free_port()
    ports = [{"protocol": "tcp", "host_address": "127.0.0.1", "host_port": port, "vm_port": 81}]
    c.rpc("UpgradeApp", {"id": vid, "update_ports": True, "ports": ports})
    assert conf()["ports"][0]["host_port"] == port
    c.rpc("UpgradeApp", {"id": vid, "encrypted_env": "0badcafe"})
    assert conf()["encrypted_env"] == "0badcafe"
    c.rpc("UpgradeApp", {"id": vid, "update_kms_urls": True, "kms_urls": ["https://k2.example"], "update_ports": True,
                         "ports": [], "gpus": {"attach_mode": "listed", "gpus": []}, "no_tee": True})
    assert conf()["kms_urls"] == ["https://k2.example"] and conf()["ports"] == []
    remove(c, vid)


@each_way
def test_the_key_for_an_environment(c):
    """Sent to the KMS as a rule; asked of the daemon, it has none to ask."""
    status, _, body = c.exchange("POST", "/prpc/GetAppEnvEncryptPubKey?json", json.dumps({"app_id": "00" * 20}).encode(),
                                 {"Content-Type": "application/json"})
    assert (status, json.loads(body)["error"]) == (400, "KMS is not configured"), body


@each_way
def test_encodings(c):
    """Appendix G step 3: GET with a query, the spellings of ?json, protobuf, prefixes, and what fails."""
    for path in ("/prpc/Status", "/prpc/Status?brief=true&page=1&page_size=5&keyword=x", "/prpc/Teepod.Status"):
        status, head, body = c.exchange("GET", path, None, {})
        assert status == 200 and head["content-type"] == "application/json" and json.loads(body)["vms"] == []
    for query in ("?json", "?json=", "?json=1", "?json=true"):
        assert c.exchange("POST", "/prpc/Version" + query, b"", {})[1]["content-type"] == "application/json", query
    for query in ("", "?json=0", "?json=false", "?other"):
        head = c.exchange("POST", "/prpc/Version" + query, b"", {})[1]
        assert head["content-type"] == "application/octet-stream", query
    status, _, body = c.exchange("POST", "/prpc/Status", b"", {})
    assert status == 200 and body[:2] in (b"\x10\x01", b""), body
    status, _, body = c.exchange("POST", "/prpc/Nothing?json", b"{}", {})
    assert (status, json.loads(body)) == (400, {"error": "Service not found: Nothing"})
    status, _, body = c.exchange("POST", "/prpc/Nothing", b"", {})
    assert status == 400 and body == b"\x0a" + struct.pack("B", len("Service not found: Nothing")) + b"Service not found: Nothing"
    status, _, body = c.exchange("POST", "/prpc/CreateVm?json", b"x" * (11 << 20), {"Content-Type": "application/json"})
    assert (status, json.loads(body)) == (400, {"error": "failed to read data: payload too large"})
    assert c.rpc("Version") == {"version": "0.6.0", "rev": "bailey:0.1.0"}
    for body in (b"null", b"{}", b"", b"not json"):
        assert c.exchange("POST", "/prpc/Version?json", body, {})[0] == 200, "Empty does not look at its body"


def test_what_it_does_without_a_token():
    """A 401 with an empty body is what its error message is made of."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=60) as s, s.makefile("rb") as r:
        s.sendall(b"POST /prpc/Status?json HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: identity\r\nContent-Length: 2\r\n"
                  b"Content-Type: application/json\r\nAuthorization: Basic " + base64.b64encode(b"u:p") + b"\r\n\r\n{}")
        status, head, body = Client.answer(r)
    assert (status, body) == (401, b"") and head["www-authenticate"] == 'Basic realm="dstack-vmm API"'


main(d, test_deploy_list_info_remove, test_power, test_logs, test_gpus, test_resize, test_update,
     test_the_key_for_an_environment, test_encodings,
     test_what_it_does_without_a_token)
