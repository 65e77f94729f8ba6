# SPDX-License-Identifier: Apache-2.0
"""The API over the unix socket: encodings, errors, limits; every refusal leaves the disk as it was."""
import hashlib
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scratch import Daemon, IMAGE, compose, main, vm, wait_for  # noqa: E402

d = Daemon("limits: { vcpu: 4, memory: 4G, disk: 8G, body: 1M, vms: 5, memory_total: 4G }\n"
           "port_mapping: { ranges: [{ from: 20000, to: 40000 }, { protocol: udp, from: 53, to: 53 }] }\n")


def port(**more):
    return {"protocol": "tcp", "host_port": 23456, "vm_port": 80, "host_address": "127.0.0.1", **more}


def unchanged(check):
    def test():
        before = d.disk(), d.rpc("Status")["total"]
        check()
        assert (d.disk(), d.rpc("Status")["total"]) == before, "a refused call changed something"
    test.__name__ = check.__name__
    return test


@unchanged
def test_configurations_that_are_wrong():
    for more, *words in (
            ({"name": "a/b"}, "Invalid name: a/b"), ({"name": "x" * 65}, "Invalid name"),
            ({"name": "new\nline"}, "Invalid name"),
            ({"vcpu": 0}, "vcpu must be greater than zero"), ({"memory": 0}, "memory must be"),
            ({"disk_size": 0}, "disk_size must be"), ({"vcpu": 5}, "vcpu", "4"),
            ({"memory": 4097}, "memory", "4096 MiB"), ({"disk_size": 9}, "disk_size", "8 GiB"),
            ({"vcpu": -1}, "vcpu"), ({"vcpu": 1 << 32}, "vcpu"), ({"vcpu": "2"}, "vcpu"),
            ({"image": "nothere"}, "Failed to load VM: Failed to load image", "nothere"),
            ({"image": "../x"}, "Invalid image name"), ({"image": ""}, "Invalid image name"),
            ({"compose_file": ""}, "app compose"), ({"compose_file": "{"}, "app compose"),
            ({"compose_file": "[]"}, "app compose"), ({"compose_file": "{\"name\":\"x\"}"}, "manifest_version"),
            ({"compose_file": "[" * 5000 + "]" * 5000}, "app compose"),
            ({"compose_file": compose(key_provider="tpm")}, "tpm"),
            ({"app_id": "xyz"}, "Invalid app id: xyz"), ({"app_id": ""}, "Invalid app id"),
            ({"gpus": {"attach_mode": "some"}}, "Invalid GPU attach mode: some"),
            ({"gpus": {"attach_mode": "all"}}, "GPU is not enabled"),
            ({"simulated_tee": "sgx"}, "unsupported TEE variant: sgx"),
            ({"networks": [{"mode": "bridge", "bridge_name": "br0"}]}, "no bridge is configured"),
            ({"networks": [{"mode": ""}]}, "networking mode is required"),
            ({"networks": [{"mode": "custom"}]}, "custom networking mode is manifest-only"),
            ({"networking": {"bridge_name": "br0"}}, "networking mode is required when bridge is set"),
            ({"networks": [{"mode": "tap"}]}, "unsupported networking mode 'tap'"),
            ({"encrypted_env": "0g"}, "encrypted_env")):
        d.fails("CreateVm", vm(**more), *words)


@unchanged
def test_ports_that_are_wrong():
    for more, word in (
            ({"host_port": 0}, "Invalid host port: 0"), ({"host_port": 65536}, "Invalid host port: 65536"),
            ({"vm_port": 0}, "Invalid vm port: 0"), ({"protocol": "sctp"}, "Invalid protocol: sctp"),
            ({"protocol": ""}, "Invalid protocol"), ({"host_address": "localhost"}, "Invalid host address: localhost"),
            ({"host_port": 80}, "Port mapping is not allowed for tcp:80"),
            ({"protocol": "udp"}, "Port mapping is not allowed for udp:23456"),
            ({"host_address": "192.0.2.1"}, "no such address")):
        d.fails("CreateVm", vm(ports=[port(**more)]), word)
    d.fails("CreateVm", vm(ports=[port(), port(host_address="0.0.0.0")]), "duplicate host port mapping: tcp 0.0.0.0:23456")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        taken = s.getsockname()[1]
        if 20000 <= taken <= 40000:
            d.fails("CreateVm", vm(ports=[port(host_port=taken)]), f"127.0.0.1:{taken}", f"(process {os.getpid()})")


@unchanged
def test_bodies_that_are_wrong():
    for body in (b"{", b"[]", b"7", b'{"name":"a","name":"b"}', b"\xff\xfe", b'{"name":"\\ud800"}', b'{"name":"a\\u0000b"}',
                 b"[" * 100000, b'{"a":' * 100000):
        status, text, _ = d.http("POST", "/prpc/CreateVm?json", body)
        assert status == 400 and json.loads(text)["error"], (body[:20], status, text)
    status, text, _ = d.http("POST", "/prpc/CreateVm?json", b'{"name":"' + b"x" * (1 << 20) + b'"}')
    assert (status, json.loads(text)) == (400, {"error": "failed to read data: payload too large"}), (status, text[:200])
    status, text, _ = d.http("POST", "/prpc/CreateVm", b"\x0a\xff\xff\xff\xff\x0f", ctype="application/octet-stream")
    assert status == 400 and text[0] == 0x0a, (status, text)  # message { string message = 1; }
    assert d.rpc("Version")["version"] == "0.6.0", "the daemon goes on"


@unchanged
def test_vms_that_are_not_there():
    nobody = {"id": "11111111-1111-4111-8111-111111111111"}
    for method, word in (("StartVm", "Failed to start VM: "), ("StopVm", "Failed to stop VM: "),
                         ("RemoveVm", "Failed to remove VM: VM not found")):
        d.fails(method, nobody, word, "not found")
        d.fails(method, {"id": "../../etc"}, "invalid VM id")
        d.fails(method, {}, "invalid VM id")
    d.fails("ShutdownVm", nobody, "vm not found")
    for method in ("Info", "SysInfo", "NetworkInfo", "ListContainers", "Shutdown"):
        d.fails(method, nobody, "vm not found", mount="guest")
    assert d.rpc("GetInfo", nobody) == {"found": False, "info": None}
    assert d.http("GET", "/logs?id=" + nobody["id"])[:2] == (404, b"VM not found")
    assert d.http("GET", "/events?id=" + nobody["id"])[0] == 404


def test_paths_and_methods():
    assert d.fails("Update", {}) == "Service not found: Update"
    assert d.fails("Nothing", {}, mount="guest") == "Service not found: Nothing"
    for path in ("/res", "/prpc", "/prpc/", "/prpc/a/b", "/nothing", "/logs/x", "//prpc/Version"):
        assert d.http("GET", path)[0] == 404, path
    status, _, head = d.http("POST", "/logs", b"")
    assert status == 405 and "Allow: GET, HEAD" in head
    assert d.http("GET", "/logs")[0] == 422
    assert d.http("GET", "/logs?id=a&follow=maybe")[0] == 422


@unchanged
def test_get_changes_nothing():
    """What a browser sends for an image or a link must not start, stop or remove anything."""
    vid = d.rpc("CreateVm", vm(name="stays"))["id"]
    before = d.disk()
    for method in ("StartVm", "StopVm", "ShutdownVm", "RemoveVm", "CreateVm"):
        for path in (f"/prpc/{method}?id={vid}", f"/prpc/Teepod.{method}?id={vid}"):
            for verb in ("GET", "HEAD"):
                status, body, head = d.http(verb, path)
                assert status == 405 and "\r\nAllow: POST" in head, (path, status, head)
                assert verb == "HEAD" or "call it with POST" in json.loads(body)["error"], body
    assert d.http("GET", f"/guest/Shutdown?id={vid}")[0] == 405
    assert d.disk() == before
    d.rpc("RemoveVm", {"id": vid})
    wait_for("it is gone", lambda: not d.rpc("GetInfo", {"id": vid})["found"])


def test_version_and_meta_in_both_encodings():
    want = {"version": "0.6.0", "rev": "bailey:0.1.0"}
    assert d.rpc("Version") == want
    for path in ("/prpc/Version", "/prpc/Teepod.Version", "/prpc/Teepod.Teepod.Version?json=1"):
        status, body, head = d.http("GET", path)
        assert status == 200 and json.loads(body) == want and "application/json" in head
    status, body, head = d.http("POST", "/prpc/Version", b"", ctype=None)
    assert status == 200 and body == b"\x0a\x050.6.0\x12\x0cbailey:0.1.0" and "application/octet-stream" in head, body
    meta = d.rpc("GetMeta")
    assert meta["resources"] == {"max_cvm_number": 5, "max_allocable_vcpu": 4, "max_allocable_memory_in_mb": 4096}
    assert meta["networking"] == {"supported_modes": ["user"], "default_mode": "user", "default_bridge": ""}
    assert meta["kms"] == {"url": "", "urls": []}


def test_images_and_compose_hash():
    images = d.rpc("ListImages")["images"]
    assert [(i["name"], i["version"], i["is_dev"]) for i in images] == [(IMAGE, "0.6.0", True)], images
    assert json.loads(images[0]["description"])["shared_ro"] is True
    text = compose(x="ä")
    assert d.rpc("GetComposeHash", vm(compose_file=text)) == {"hash": hashlib.sha256(text.encode()).hexdigest()}
    d.fails("GetComposeHash", vm(compose_file="{}"), "app compose")


def test_a_vm_as_it_is_shown():
    text = compose(spaces="  kept  ")
    vid = d.rpc("CreateVm", vm(name="shown", compose_file=text, user_config="uc", encrypted_env="0xAb12",
                               ports=[port(), port(protocol="udp", host_port=53)], kms_urls=["https://k"]))["id"]
    got = d.rpc("GetInfo", {"id": vid})
    info = got["info"]
    app = hashlib.sha256(text.encode()).hexdigest()[:40]
    conf = info.pop("configuration")
    events, interfaces = info.pop("events"), info.pop("interfaces")
    assert got["found"] and info == {
        "id": vid, "name": "shown", "status": "stopped", "uptime": "never", "app_url": None, "app_id": app,
        "instance_id": None, "exited_at": "never", "boot_progress": "", "boot_error": "", "shutdown_progress": "",
        "image_version": "0.6.0", "exit_reason": "", "restart_attempts": 0, "restart_gave_up": False,
        "restart_at_ms": 0, "is_outdated": False, "addresses": [], "lacks_gateway": False}, info
    assert [e["event"] for e in events] == ["vmm.created"] and interfaces[0]["mode"] == "user", (events, interfaces)
    assert conf == {
        "name": "shown", "image": IMAGE, "compose_file": text, "vcpu": 1, "memory": 256, "disk_size": 1,
        "ports": [{"protocol": "tcp", "host_port": 23456, "vm_port": 80, "host_address": "127.0.0.1"},
                  {"protocol": "udp", "host_port": 53, "vm_port": 80, "host_address": "127.0.0.1"}],
        "encrypted_env": "ab12", "app_id": app, "user_config": "uc", "hugepages": False, "pin_numa": False,
        "gpus": {"gpus": [], "attach_mode": "listed"}, "kms_urls": ["https://k"], "gateway_urls": [],
        "stopped": True, "no_tee": True, "networking": None, "networks": [], "simulated_tee": None,
        "gateway_service": None}, conf

    before = d.disk()
    d.fails("CreateVm", vm(ports=[port(host_address="0.0.0.0")]), "host port mapping conflicts with VM " + vid)
    d.fails("SysInfo", {"id": vid}, "not running", mount="guest")
    assert d.disk() == before

    assert d.http("GET", f"/logs?id={vid}")[:2] == (200, b"")
    assert d.http("GET", f"/logs?id={vid}&ch=nothing")[:2] == (400, b"Unknown channel nothing")
    with open(f"{d.dir}/s/vm/{vid}/serial.log", "w", encoding="utf-8") as f:
        f.write("one\n\x1b[31mtwo\x1b[0m\nthree\n")
    assert d.http("GET", f"/logs?id={vid}&lines=2")[1] == b"two\nthree\n"
    assert d.http("GET", f"/logs?id={vid}&lines=2&ansi=true")[1] == b"\x1b[31mtwo\x1b[0m\nthree\n"
    lines = d.http("GET", f"/events?id={vid}")[1].decode().splitlines()
    assert [json.loads(x)["event"] for x in lines] == ["vmm.created"], lines
    d.rpc("RemoveVm", {"id": vid})


def test_a_list_is_filtered_and_paged():
    ids = [d.rpc("CreateVm", vm(name=n))["id"] for n in ("alpha", "beta", "gamma")]
    names = lambda **q: [v["name"] for v in d.rpc("Status", q)["vms"] if v["status"] != "removing"]  # noqa: E731
    assert names() == ["alpha", "beta", "gamma"]
    assert names(keyword="et") == ["beta"] and names(keyword="ET") == []
    assert names(ids=ids[1:]) == ["beta", "gamma"]
    page = d.rpc("Status", {"ids": ids, "page": 2, "page_size": 2})
    assert [v["name"] for v in page["vms"]] == ["gamma"] and page["total"] == 3
    assert d.rpc("Status", {"page": 0xffffffff, "page_size": 0xffffffff})["vms"] == []
    assert all(v["configuration"] is None for v in d.rpc("Status", {"brief": True})["vms"])
    for vid in ids:
        d.rpc("RemoveVm", {"id": vid})


def test_there_may_be_only_so_many():
    wait_for("earlier ones are gone", lambda: d.rpc("Status")["total"] == 0)
    ids = [d.rpc("CreateVm", vm(name=f"n{i}"))["id"] for i in range(5)]
    before = d.disk()
    d.fails("CreateVm", vm(), "limits.vms")
    assert d.disk() == before
    for vid in ids:
        d.rpc("RemoveVm", {"id": vid})


def test_who_may_call():
    """User 65534 is not configured: it may connect, and is told what to do."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writer, d.raw(b"GET /prpc/Version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    got = os.read(reader, 65536)
    os.close(reader)
    assert got.startswith(b"HTTP/1.1 403") and b"user 65534 may not call" in got and b"api.users" in got, got


def test_clients_that_misbehave():
    for data in (b"", b"GARBAGE\r\n\r\n", b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n",
                 b"POST /prpc/Version HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(d.socket)
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(d.socket)
        s.sendall(b"POST /prpc/CreateVm?json HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert d.rpc("Version")


main(d, test_configurations_that_are_wrong, test_ports_that_are_wrong, test_bodies_that_are_wrong,
     test_vms_that_are_not_there, test_paths_and_methods, test_get_changes_nothing, test_version_and_meta_in_both_encodings,
     test_images_and_compose_hash, test_a_vm_as_it_is_shown, test_a_list_is_filtered_and_paged,
     test_there_may_be_only_so_many, test_who_may_call, test_clients_that_misbehave)
