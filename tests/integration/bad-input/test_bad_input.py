# SPDX-License-Identifier: Apache-2.0
"""Bad input, through the command and through the raw API in both encodings: each is refused with a message that
names the thing and what would be right, and leaves every file of the daemon as it was."""
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile

import bailey
import halting_image
from rawapi import JSON, PROTOBUF, Reply, as_user, http, number, raw, text

FAILED, USAGE, NOT_FOUND = 1, 2, 3
STRANGER, FRIEND = 64321, 64322  # uids that nobody has
NOWHERE = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
GOOD, TORN = "good-0.1.0", "torn-0.1.0"
COMPOSE = '{"manifest_version":2,"name":"x","runner":"none"}'
BODY_MAX = 10 << 20

scratch = tempfile.mkdtemp(prefix="b-bad-", dir="/tmp")
bailey.IMAGE = halting_image.make(scratch, GOOD)
host = bailey.Host(f"qemu: {{ accel: tcg }}\napi: {{ users: [ {FRIEND} ] }}\n")
with open(f"{halting_image.make(f'{host.dir}/s/image', TORN)}/initramfs", "ab") as torn:
    torn.write(b"!")


def listing():
    """All that the daemon keeps: each name with its kind, mode, and what is in it; but what it writes of calls."""
    found = {}
    for top in (f"{host.dir}/s", f"{host.dir}/r"):
        for folder, folders, names in os.walk(top):
            for path in (f"{folder}/{n}" for n in folders + names if n != "audit.jsonl"):
                st = os.lstat(path)
                found[path] = [oct(st.st_mode), st.st_uid]
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        found[path].append(hashlib.sha256(f.read()).hexdigest())
    return found


class Unchanged:
    """Within it, nothing on disk may change for longer than a call lasts."""

    def __enter__(self):
        self.before = listing()

    def __exit__(self, kind, *_):
        if kind is None:
            after = listing()
            assert after == self.before, [p for p in {**self.before, **after}
                                          if self.before.get(p) != after.get(p)]


def printable(what):
    assert not [c for c in what if ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160], what


def command(*args, status, has=()):
    """The command fails like this, in words and as JSON; returns the words."""
    r = subprocess.run([f"{bailey.BIN}/bailey", "-s", host.socket, *args], timeout=120,
                       stdin=subprocess.DEVNULL, capture_output=True, check=False)
    err = r.stderr.decode()
    assert r.returncode == status, (args, r)
    printable(err)
    assert err.startswith("bailey: ") and all(h in err for h in has), (args, has, err)
    j = subprocess.run([f"{bailey.BIN}/bailey", "-j", "-s", host.socket, *args], timeout=120,
                       stdin=subprocess.DEVNULL, capture_output=True, check=False)
    error = json.loads(j.stderr.decode().splitlines()[-1])
    assert j.returncode == status and error["exit"] == status, (args, j)
    assert all(h in error["error"] for h in has), (args, has, error)
    return err


def refused(reply, *has):
    """The failure of an RPC, whose message has these words."""
    message = reply.error()
    printable(message)
    assert all(h in message for h in has), (has, message)
    return message


def call(method, body, *has, mount="prpc"):
    """The JSON call is refused."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return refused(http(host.socket, "POST", f"/{mount}/{method}?json", data), *has)


def call_protobuf(method, body, *has, mount="prpc"):
    reply = http(host.socket, "POST", f"/{mount}/{method}", body, PROTOBUF)
    assert reply.type == PROTOBUF, reply.type
    return refused(reply, *has)


def asked(**more):
    """What CreateVm wants, and what is wrong with it."""
    return {"name": "x", "image": GOOD, "vcpu": 1, "memory": 256, "disk_size": 1, "no_tee": True,
            "compose_file": COMPOSE, **more}


def asked_protobuf(name=b"x", image=GOOD, vcpu=1, memory=256, more=b""):
    return (text(1, name) + text(2, image) + text(3, COMPOSE) + number(4, vcpu) + number(5, memory) +
            number(6, 1) + number(17, 1) + more)


def port_message(port, protocol="tcp", address="127.0.0.1"):
    return text(7, text(1, protocol) + number(2, port) + number(3, 80) + text(4, address))


def app(lines, **more):
    given = {"name": "unborn", "tee": "none", "image": GOOD, **more}
    head = "".join(f"{k}: {v}\n" for k, v in given.items() if v is not None)
    data = (lines if isinstance(lines, bytes) else lines.encode())
    path = f"{host.dir}/app.yaml"
    with open(path, "wb") as f:
        f.write(head.encode() + data)
    return path


def test_yaml():
    for lines, has in (
            ("nmae: y\n", ("app.yaml:4: nmae: ", "name")),
            ("name: y\n", ("app.yaml:4: name: ", "twice")),
            ("resources: { cpus: 1, cpus: 1 }\n", ("app.yaml:4: resources.cpus: ", "twice")),
            ("resources: { cpus: many }\n", ("app.yaml:4: resources.cpus: ", '"many"', "write")),
            ("resources: [ 1 ]\n", ("app.yaml:4: resources: ",)),
            ("resources: { cpus: [ 1 ] }\n", ("app.yaml:4: resources.cpus: ",)),
            ("ports: 80\n", ("app.yaml:4: ports: ",)),
            ("ports: [ { guest: 80 } ]\n", ("app.yaml:4: ports", "host")),
            ("ports: [ { host: 70000, guest: 80 } ]\n", ("app.yaml:4: ports", "70000")),
            ("ports: [ { host: 80, guest: 0 } ]\n", ("app.yaml:4: ports", "0")),
            ("gateway: maybe\n", ("app.yaml:4: gateway: ", "maybe", "true")),
            ("resources: { memory: 2GB }\n", ('resources.memory: "2GB" is not a size; write 2G',)),
            ("resources: { memory: 1M }\n", ("app.yaml:4: resources.memory: ", "128M")),
            ("resources: { memory: 999999999T }\n", ("app.yaml:4: resources.memory: ",)),
            ("resources: { memory: -1G }\n", ("app.yaml:4: resources.memory: ",)),
            ("resources: { cpus: 0 }\n", ("app.yaml:4: resources.cpus: ",)),
            ("resources: { cpus: 99999999999999999999 }\n", ("app.yaml:4: resources.cpus: ",)),
            ("resources: { disk: 0 }\n", ("app.yaml:4: resources.disk: ",)),
            ("app: &a { runner: none }\n", ("app.yaml:4: ", "anchor")),
            ("user_config: *a\n", ("app.yaml:4: ", "alias")),
            ("user_config: !!python/object x\n", ("app.yaml:4: ", "tag")),
            ("user_config: " + "[" * 5000 + "\n", ("app.yaml:4: ",)),
            ("user_config: |\n" + "  x" * 600000 + "\n", ("app.yaml", "at most 1048576")),
            (b"user_config: \xff\xfe\n", ("app.yaml", "UTF-8")),
            (b"user_config: \x1b[31m\n", ("app.yaml:4: ",)),
            ("user_config: \"\\x1b[31m\n", ("app.yaml:",)),
            ("app: { runner: bash, script_file: /nowhere }\n", ("app.yaml:4: app.script_file: ", "/nowhere")),
            ("- a\n", ("app.yaml:4",)),
    ):
        with Unchanged():
            command("up", app(lines), status=USAGE, has=has)
            command("compose", "hash", app(lines), status=USAGE, has=has)
    for broken, has in (({"name": '"a/b"'}, ("app.yaml:1: name: ", "a/b")),
                        ({"name": '"\\e[31m"'}, ("app.yaml:1: name: ",)),
                        ({"name": None}, ("app.yaml", "name")),
                        ({"name": "y" * 65}, ("app.yaml:1: name: ", "64")),
                        ({"tee": "sgx"}, ("app.yaml:2: tee: ", '"sgx"', "tdx"))):
        with Unchanged():
            command("up", app("", **broken), status=USAGE, has=has)
    with Unchanged():
        command("up", f"{host.dir}/nowhere.yaml", status=USAGE, has=("nowhere.yaml", "No such file"))
        command("up", host.dir, status=USAGE, has=(host.dir,))
        command("up", app("", image="nowhere"), status=NOT_FOUND,
                has=("app.yaml:3: image: ", "nowhere", "bailey image ls"))


def test_command_lines():
    hostile = "a\x1b]0;x\x07\x9bz\udcff"
    with Unchanged():
        for args in ((hostile,), ("info", hostile), ("stop", hostile), ("up", hostile), ("logs", "-c", hostile, "x"),
                     ("ps", f"--{hostile}"), ("logs", "-n", hostile, "x"), ("image", "check", hostile),
                     ("start", "-t", hostile, "x"), ("compose", hostile), ("events", "-n", "-1", "x")):
            r = subprocess.run([f"{bailey.BIN}/bailey", "-s", host.socket, *args], timeout=120,
                               capture_output=True, check=False, stdin=subprocess.DEVNULL)
            assert r.returncode in (USAGE, NOT_FOUND), (args, r)
            printable(r.stderr.decode())
        for verb in ("info", "start", "stop", "kill", "restart", "logs", "events"):
            command(verb, "nope", status=NOT_FOUND, has=("no VM nope", "bailey ps"))
        command("rm", "-f", "nope", status=NOT_FOUND, has=("no VM nope", "bailey ps"))
        command("image", "check", f"{host.dir}/nowhere", status=NOT_FOUND, has=("nowhere",))


def test_image():
    for name, has in (("nowhere-0.1.0", "nowhere-0.1.0"), ("../../etc", "image name"), ("", "image name"),
                      ("a/b", "image name"), ("y" * 300, "image name"), ("a\x1b", "image name")):
        with Unchanged():
            call("CreateVm", asked(image=name), "image", has)
            call_protobuf("CreateVm", asked_protobuf(image=name), "image", has)
    with Unchanged():
        call("CreateVm", asked(image=TORN), TORN, "initramfs")
        call_protobuf("CreateVm", asked_protobuf(image=TORN), TORN, "initramfs")
        command("up", app("", image=TORN), status=FAILED, has=(TORN, "initramfs"))
        command("image", "check", f"{host.dir}/s/image/{TORN}", status=FAILED, has=("initramfs",))


def test_sizes_and_types():
    for broken, *has in (
            ({"vcpu": 0}, "vcpu", "zero"), ({"memory": 0}, "memory", "zero"), ({"disk_size": 0}, "disk_size", "zero"),
            ({"vcpu": 257}, "vcpu", "257", "256"), ({"memory": (1 << 20) + 1}, "memory", "1048576"),
            ({"disk_size": 16385}, "disk_size", "16384"),
            ({"vcpu": "two"}, "vcpu"), ({"vcpu": -1}, "vcpu"), ({"vcpu": 1 << 32}, "vcpu"), ({"vcpu": 1.5}, "vcpu"),
            ({"vcpu": [1]}, "vcpu"), ({"vcpu": {}}, "vcpu"), ({"vcpu": True}, "vcpu"), ({"no_tee": "maybe"}, "no_tee"),
            ({"name": 7}, "name"), ({"name": ["x"]}, "name"), ({"ports": {}}, "ports"), ({"ports": [1]}, "ports"),
            ({"ports": [None]}, "ports"), ({"compose_file": {}}, "compose_file"), ({"gpus": []}, "gpus"),
            ({"encrypted_env": "abc"}, "encrypted_env"), ({"encrypted_env": "zz"}, "encrypted_env"),
            ({"encrypted_env": "00" * (256 * 1024 + 1)}, "encrypted_env", "256 KiB"),
            ({"kms_urls": "x"}, "kms_urls"), ({"app_id": "xyz"}, "app id", "40 hex"),
            ({"name": "a/b"}, "Invalid name: a/b", "use letters"), ({"name": "y" * 65}, "Invalid name", "64"),
            ({"name": "\x1b[31m"}, "Invalid name", "use letters"), ({"name": "\u202ex"}, "Invalid name"),
            ({"simulated_tee": "sgx"}, "sgx", "dstack-tdx"), ({"networks": [{"mode": "tap"}]}, "networking mode", "tap"),
            ({"networks": [{"mode": "user"}] * 65}, "networks", "64"),
            ({"gpus": {"attach_mode": "all", "gpus": []}}, "GPU"),
            ({"compose_file": ""}, "app-compose.json"), ({"compose_file": "{"}, "app-compose.json"),
            ({"compose_file": "[]"}, "app-compose.json"), ({"compose_file": COMPOSE[:-1] + ',"name":"y"}'}, "name"),
            ({"compose_file": "[" * 100000}, "app-compose.json"), ({"compose_file": COMPOSE + "x"}, "app-compose.json"),
            ({"compose_file": '{"manifest_version":2,"name":"x","runner":7}'}, "runner"),
    ):
        with Unchanged():
            call("CreateVm", asked(**broken), *has)
    with Unchanged():
        call_protobuf("CreateVm", asked_protobuf(vcpu=0), "vcpu", "zero")
        call_protobuf("CreateVm", asked_protobuf(memory=(1 << 20) + 1), "memory", "1048576")
        call_protobuf("CreateVm", asked_protobuf(name=b"a/b"), "Invalid name: a/b")
        call("GetComposeHash", {"name": "a/b", "compose_file": COMPOSE}, "Invalid name: a/b")
        call("GetComposeHash", {"compose_file": "nonsense"}, "app-compose.json")
        call("Status", {"page": "x"}, "page")
        call("Status", {"ids": "x"}, "ids")
    over = "resources: { memory: 2T }\n"
    with Unchanged():
        command("up", app(over), status=FAILED, has=("memory", "1048576"))


def make(name, **more):
    return host.rpc("CreateVm", asked(name=name, **more))["id"]


def remove(vm):
    host.rpc("RemoveVm", {"id": vm})
    bailey.wait_for("it is removed", lambda: not host.rpc("GetInfo", {"id": vm})["found"])


def tcp(port, **more):
    return {"protocol": "tcp", "host_port": port, "vm_port": 80, "host_address": "127.0.0.1", **more}


def refuse_port(port, *has):
    with Unchanged():
        call("CreateVm", asked(ports=[tcp(port)]), str(port), *has)
        call("CreateVm", asked(ports=[tcp(port)], stopped=True), str(port), *has)
        call("CreateVm", asked(ports=[tcp(port, host_address="0.0.0.0")]), str(port))
        call_protobuf("CreateVm", asked_protobuf(more=port_message(port)), str(port), *has)
        command("up", app(f"ports: [ {{ host: {port}, guest: 80 }} ]\n"), status=FAILED, has=(str(port), *has))
        command("up", "--no-start", app(f"ports: [ {{ host: {port}, guest: 80 }} ]\n"), status=FAILED,
                has=(str(port), *has))


def test_ports():
    port = bailey.free_port()
    vm = make("first", ports=[tcp(port)], stopped=True)
    refuse_port(port, "conflicts with VM", vm)
    host.rpc("StartVm", {"id": vm})
    host.wait_status("first", "running")
    with socket.create_connection(("127.0.0.1", port), timeout=60):
        pass  # QEMU has it
    # the whole folder of a running VM does not hold still: what is compared is the list of VMs
    for answer in (call("CreateVm", asked(ports=[tcp(port)])),
                   call_protobuf("CreateVm", asked_protobuf(more=port_message(port))),
                   command("up", app(f"ports: [ {{ host: {port}, guest: 80 }} ]\n"), status=FAILED)):
        assert str(port) in answer and "conflicts with VM" in answer and vm in answer, answer
    assert os.listdir(f"{host.dir}/s/vm") == [vm]
    host.rpc("StopVm", {"id": vm})
    host.wait_status("first", "stopped")
    # what a foreign process has is seen when the VM is made, and when it is started later
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        assert f"tcp 127.0.0.1:{port}" in call("StartVm", {"id": vm}, "taken")
        assert host.info("first")["status"] == "stopped"
        command("start", "first", status=FAILED, has=("first", str(port), "taken"))
        remove(vm)
        refuse_port(port, "taken", "choose another")
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        with Unchanged():
            call("CreateVm", asked(ports=[tcp(taken, protocol="udp")]), f"udp 127.0.0.1:{taken}", "taken")
    for broken, *has in ((tcp(0), "host port: 0", "65535"), (tcp(65536), "host port: 65536", "65535"),
                         (tcp(1, vm_port=0), "vm port: 0"), (tcp(1, protocol="sctp"), "sctp", "tcp or udp"),
                         (tcp(1, host_address="localhost"), "localhost", "IP address"),
                         (tcp(1, host_address="192.0.2.7"), "192.0.2.7", "no such address"),
                         (tcp(1, host_address="1.2.3.4,x=y"), "host address", "IP address")):
        with Unchanged():
            call("CreateVm", asked(ports=[broken]), *has)
    with Unchanged():
        call("CreateVm", asked(ports=[tcp(port), tcp(port, host_address="0.0.0.0")]), "duplicate", str(port))
        call("CreateVm", asked(ports=[tcp(port)] * 300), "300", "256")


def unwilling(reply):
    """GET changes nothing, whatever it says."""
    assert reply.status == 405 and b"POST" in reply.body, (reply.status, reply.body)


def test_vms_that_are_not():
    hostile = "../" * 5 + "etc"
    with Unchanged():
        for method in ("StartVm", "StopVm", "RemoveVm", "ShutdownVm"):
            call(method, {"id": NOWHERE}, NOWHERE, "Status")
            call_protobuf(method, text(1, NOWHERE), NOWHERE, "Status")
            unwilling(http(host.socket, "GET", f"/prpc/{method}?id={NOWHERE}"))
            for bad in ("", hostile, "a\nb", "y" * 65, "\x1b[31m"):
                call(method, {"id": bad}, "VM id")
                call_protobuf(method, text(1, bad), "VM id")
        for method in ("Info", "SysInfo", "NetworkInfo", "ListContainers", "Shutdown"):
            call(method, {"id": NOWHERE}, "vm not found", NOWHERE, mount="guest")
            call_protobuf(method, text(1, NOWHERE), "vm not found", NOWHERE, mount="guest")
            call(method, {"id": hostile}, "VM id", mount="guest")
        for bad in (NOWHERE, hostile, ""):
            assert host.rpc("GetInfo", {"id": bad}) == {"found": False, "info": None}
            reply = http(host.socket, "POST", "/prpc/GetInfo", text(1, bad), PROTOBUF)
            assert (reply.status, reply.body) == (200, b""), reply.body
    stopped = make("asleep", stopped=True)
    with Unchanged():
        for method in ("Info", "Shutdown"):
            call(method, {"id": stopped}, "not running", mount="guest")
        call("ShutdownVm", {"id": stopped}, "not running")
    remove(stopped)


def test_logs():
    vm = make("talks", stopped=True)
    with Unchanged():
        for query, status, has in (
                (f"id={NOWHERE}", 404, b"VM not found"), ("id=../../etc", 404, b"VM not found"),
                (f"id={'y' * 500}", 404, b"VM not found"), ("", 422, b"id="), ("follow=true", 422, b"id="),
                (f"id={vm}&follow=maybe", 422, b"follow"), (f"id={vm}&ansi=7", 422, b"ansi"),
                (f"id={vm}&ch=nope", 400, b"Unknown channel nope"), (f"id={vm}&ch=../serial", 400, b"Unknown channel"),
                (f"id={vm}&ch=%1b[31m", 400, b"Unknown channel"), (f"id={vm}&ch={'y' * 500}", 400, b"Unknown channel"),
                (f"id={vm}&ch=stdout", 200, b""), (f"id={vm}", 200, b""), (f"id={vm}&lines=x", 200, b""),
                (f"id={vm}&lines=99999999999999999999999", 200, b""), (f"id={vm}&lines=-1", 200, b""),
                (f"id={vm}&follow=OFF&ansi", 200, b"")):
            reply = http(host.socket, "GET", f"/logs?{query}")
            assert reply.status == status and has in reply.body, (query, reply.status, reply.body)
            assert reply.type == "text/plain; charset=utf-8", (query, reply.type)
            printable(reply.body.decode())
        for verb in ("POST", "DELETE", "PUT"):
            assert http(host.socket, verb, f"/logs?id={vm}").status == 405
    remove(vm)


def test_bodies():
    bombs = (
        (b"{", "request"), (b"[" * (1 << 20), "request"), (b'{"x":' * 100000 + b"1" + b"}" * 100000, "request"),
        (b'{"x":[' + b"[]," * 1000000 + b"[]]}", "request"), (b'{"id":"a","id":"b"}', "id"),
        (b'{"id":"\xff"}', "UTF-8"), (b'{"id":"a"} x', "request"), (b'{"id":"\\u0000"}', "request"),
        (b'{"id":"\\ud800"}', "request"), (b'{"id":1e999}', "request"), (b"[]", "object"), (b'"x"', "object"),
        (b"7", "object"), (b"\x00" * 100, "request"), (b"\xff\xfe{\x00}\x00", "request"),
        (b'{"id":' + b"9" * 100000 + b"}", "request"), (b'{"ids":' + b'"x"' + b"}" * 9, "request"))
    with Unchanged():
        for body, has in bombs:
            for method in ("StartVm", "CreateVm", "GetInfo", "RemoveVm"):
                refused(http(host.socket, "POST", f"/prpc/{method}", body, JSON), has)
                call(method, body, has)
        for body in (b"\x0a", b"\x0a\x05ab", b"\x0a\xff\xff\xff\xff\x0f", b"\xff" * 20, b"\x08" + b"\xff" * 11,
                     b"\x0a\x02\xff\xfe", b"\x0b" * 5000, b"\x00\x00", b"\x0a\x03a\x00b"):
            call_protobuf("StartVm", body)
            call_protobuf("CreateVm", body)
        deep = b""
        for _ in range(2000):
            deep = text(7, deep)
        call_protobuf("CreateVm", deep)
        for query in ("id=%ff%fe", "id=%zz", "id=%00", "id=a&id=b", "id[0]=a", "id=" + "y" * 3000):
            reply = http(host.socket, "GET", f"/prpc/GetInfo?{query}")
            assert reply.status == 400 or reply.body == b'{"found":false,"info":null}', (query, reply.body)
        unwilling(http(host.socket, "GET", "/prpc/CreateVm?vcpu=two"))
        refused(http(host.socket, "GET", "/prpc/Status?page=two"), "page")
        refused(http(host.socket, "GET", "/prpc/Status?brief=perhaps"), "brief")
        # a call without arguments does not look at them
        assert http(host.socket, "POST", "/prpc/Version?json", b"[" * 100000).status == 200


def test_a_body_too_large():
    large = b'{"x":"' + b"y" * BODY_MAX + b'"}'
    chunked = b"".join(b"%x\r\n%s\r\n" % (1 << 20, b"y" * (1 << 20)) for _ in range(11)) + b"0\r\n\r\n"
    announced = b"POST /prpc/CreateVm?json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n"
    with Unchanged():
        for method in ("CreateVm", "Status", "StopVm"):
            assert "payload too large" in call(method, large)
            call_protobuf(method, large, "payload too large")
        for data in (announced, b"POST /prpc/CreateVm?json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n" + chunked):
            refused(Reply(raw(host.socket, data)), "payload too large")
        big = f"{host.dir}/big.json"
        with open(big, "wb") as f:
            f.write(b" " * (11 << 20))
        command("up", app(f"compose_file: {big}\n"), status=USAGE, has=("compose_file", "big.json"))


def test_methods():
    with Unchanged():
        for method in ("Nope", "createvm", "CreateVm%00", "CreateVm%2f", "x" * 3000, "%1b[31m", "Teepod.Nope", "Teepod."):
            assert "Service not found: " in refused(http(host.socket, "POST", f"/prpc/{method}?json", b"{}"))
            assert http(host.socket, "POST", f"/prpc/{method}", b"", PROTOBUF).error().startswith("Service not found: ")
            refused(http(host.socket, "GET", f"/prpc/{method}"), "Service not found: ")
            refused(http(host.socket, "POST", f"/guest/{method}?json", b"{}"), "Service not found: ")
        assert http(host.socket, "POST", "/", b"{}", JSON).status == 405
        for target in ("/prpc", "/prpc/", "/prpc/Version/x", "/prpc//Version", "/nope", "/vm/../logs", "/guest/"):
            assert http(host.socket, "POST", target, b"{}", JSON).status == 404, target
        for verb in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"):
            assert http(host.socket, verb, "/prpc/Version").status in (400, 404, 405, 501), verb


def test_strangers_keep_nobody_out():
    held, tell = os.pipe()
    wait, go_on = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(go_on)
            os.setgroups([])
            os.setuid(STRANGER)
            conns = []
            for _ in range(400):  # more than the daemon takes in all; each a request that does not go on
                conns.append(socket.socket(socket.AF_UNIX))
                conns[-1].connect(host.socket)
                try:
                    conns[-1].sendall(b"POST /prpc/CreateVm?json HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n{")
                except OSError:
                    pass  # one too many
            os.write(tell, b"x")
            os.read(wait, 1)
        finally:
            os._exit(0)
    os.close(tell)
    try:
        assert os.read(held, 1) == b"x", "the stranger did not get as far"
        for _ in range(20):
            assert http(host.socket, "POST", "/prpc/Version?json", b"{}").status == 200
    finally:
        os.close(go_on)
        os.waitpid(pid, 0)
        os.close(held)
        os.close(wait)


def test_not_http():
    with Unchanged():
        for data in (b"\x00" * 5000, b"\xff" * 100000, b"GET /prpc/Version HTTP/9.9\r\n\r\n", b"\r\n" * 9999,
                     b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
                     b"GET /prpc/Version HTTP/1.1\r\n" + b"A: b\r\n" * 100000 + b"\r\n",
                     b"POST /prpc/StartVm HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                     b"POST /prpc/StartVm HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                     b"POST /prpc/StartVm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(60)
                s.connect(host.socket)
                answer = b""
                try:
                    s.sendall(data)
                    if data[:1].isalpha() or data[:1] == b"\xff":  # the others may be the begin of something
                        answer = s.recv(65536)
                except (BrokenPipeError, ConnectionResetError):
                    pass
            assert not answer.startswith(b"HTTP/1.1 200"), (data[:80], answer)
        assert host.rpc("Version")["version"]


def test_users():
    def ask(verb, target, kind=None, body=b""):
        def fn():
            r = http(host.socket, verb, target, body, kind)
            return [r.status, r.type, r.body.decode("latin-1")]
        return fn

    create = json.dumps(asked(stopped=True)).encode()
    with Unchanged():
        for verb, target, kind, body in (
                ("POST", "/prpc/Version?json", JSON, b"{}"), ("POST", "/prpc/CreateVm?json", JSON, create),
                ("GET", "/prpc/Status", None, b""), ("POST", "/guest/Info?json", JSON, b"{}"),
                ("GET", f"/logs?id={NOWHERE}", None, b""), ("GET", "/events", None, b""), ("GET", "/", None, b"")):
            status, _, answer = as_user(STRANGER, ask(verb, target, kind, body))
            assert status == 403 and str(STRANGER) in answer and "api.users" in answer, (target, status, answer)
        # dstack's clients look no further than the status
        status, _, answer = as_user(STRANGER, ask("POST", "/prpc/CreateVm", PROTOBUF, asked_protobuf()))
        assert status == 403 and "api.users" in answer, (status, answer)
        fd = os.open(f"{bailey.BIN}/bailey", os.O_RDONLY)  # the stranger may not reach its folder

        def run_command():
            r = subprocess.run([f"/proc/self/fd/{fd}", "-s", host.socket, "ps"], pass_fds=(fd,), timeout=60,
                               cwd="/", capture_output=True, text=True, check=False)
            return [r.returncode, r.stderr]
        code, complaint = as_user(STRANGER, run_command)
        os.close(fd)
        assert code == FAILED and str(STRANGER) in complaint and "api.users" in complaint, (code, complaint)
        status, _, answer = as_user(FRIEND, ask("POST", "/prpc/Version?json", JSON, b"{}"))
        assert status == 200 and "version" in answer, (status, answer)
    # a stranger cannot read or replace what the daemon has
    for attempt in (lambda: os.listdir(f"{host.dir}/s/vm"), lambda: os.unlink(host.socket),
                    lambda: os.listdir(f"{host.dir}/s/image/{GOOD}") and os.unlink(f"{host.dir}/s/image/{GOOD}/bzImage")):
        assert "PermissionError" in as_user(STRANGER, attempt)


def resident():
    with open(f"/proc/{host.daemon.pid}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS")) >> 10


def test_the_daemon_is_none_the_worse():
    assert host.daemon.poll() is None, host.log()
    assert host.rpc("Status")["vms"] == []
    assert resident() < 640, f"{resident()} MiB"  # a sanitizer alone keeps 256
    printable(host.log())


def test_the_audit_holds_every_word_as_json():
    assert os.stat(f"{host.dir}/s/audit.jsonl").st_mode & 0o077 == 0
    with open(f"{host.dir}/s/audit.jsonl", encoding="utf-8") as f:
        text = f.read()
    printable(text)
    calls = [json.loads(line) for line in text.splitlines()]
    assert {"CreateVm"} <= {c["method"] for c in calls}, calls[:3]


try:
    bailey.run(test_yaml, test_command_lines, test_image, test_sizes_and_types, test_ports, test_vms_that_are_not,
               test_logs, test_bodies, test_a_body_too_large, test_methods, test_strangers_keep_nobody_out, test_not_http, test_users,
               test_the_daemon_is_none_the_worse, test_the_audit_holds_every_word_as_json)
finally:
    host.close()
    shutil.rmtree(scratch, ignore_errors=True)
