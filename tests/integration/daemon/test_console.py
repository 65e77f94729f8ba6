# SPDX-License-Identifier: Apache-2.0
"""The console's routes: what a YAML would become, each mistake at its place; nothing is changed or read for it."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scratch import Daemon, IMAGE, main, vm, wait_for  # noqa: E402

d = Daemon("limits: { memory: 4G }\n")

HELLO = """\
name: hello
tee: none
resources: { cpus: 2, memory: 512M, disk: 1G }
app:
  runner: bash
  script: echo hello
"""


def post(value, ctype="application/json"):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    status, body, head = d.http("POST", "/console/compile", body, ctype)
    assert "application/json" in head, head
    return status, json.loads(body)


def gone(vid):
    d.rpc("RemoveVm", {"id": vid})
    wait_for("the VM is gone", lambda: not d.rpc("GetInfo", {"id": vid})["found"])


def compiled(yaml, **more):
    before = d.disk()
    status, reply = post({"yaml": yaml, **more})
    assert status == 200 and d.disk() == before, (status, reply)
    assert reply["ok"] == (not reply["errors"]) == ("configuration" in reply), reply
    return reply


def faults(yaml, **more):
    return [(e["line"], e["column"], e["key"], e["message"]) for e in compiled(yaml, **more)["errors"]]


def test_a_good_yaml_becomes_what_create_vm_takes():
    reply = compiled(HELLO)
    c = reply["configuration"]
    assert reply["name"] == c["name"] == "hello" and reply["image"] == c["image"] == IMAGE, reply
    assert (c["vcpu"], c["memory"], c["disk_size"], c["no_tee"]) == (2, 512, 1, True), c
    assert d.rpc("GetComposeHash", c)["hash"] == reply["compose_hash"]
    assert reply["app_id"] == reply["compose_hash"][:40]
    assert [w["key"] for w in reply["warnings"]] == ["tee"] and reply["warnings"][0]["line"] == 2, reply
    made = d.rpc("CreateVm", {**c, "stopped": True})["id"]
    assert d.rpc("GetInfo", {"id": made})["info"]["app_id"] == reply["app_id"]
    gone(made)


def test_every_mistake_has_its_place():
    got = faults("name: a/b\nresources:\n  memory: 2GB\n  cpu: 1\n")
    assert [g[:3] for g in got] == [(1, 1, "name"), (3, 3, "resources.memory"), (4, 3, "resources.cpu")], got
    assert '"2GB" is not a size; write 2G' in got[1][3], got
    ((line, column, _, message),) = faults("name: [\n")
    assert line == 2 and column == 1 and "not valid YAML" in message, (line, column, message)
    assert compiled("".join(f"k{i}: 1\n" for i in range(100)))["has_more"]
    ((line, _, key, _),) = faults("")
    assert (line, key) == (1, "name")


def test_files_are_attached_never_opened():
    yaml = HELLO.replace("script: echo hello", "script_file: /etc/passwd")
    ((line, _, key, message),) = faults(yaml)
    assert (line, key) == (6, "app.script_file") and "attach" in message and "root:" not in message, message
    reply = compiled(yaml, files={"/etc/passwd": "echo hello"})
    assert reply["compose_hash"] == compiled(HELLO)["compose_hash"]
    assert len(faults(yaml, files={"/etc/passwd": 7})) == 1


def test_what_this_host_refuses_is_told_at_its_key():
    ((line, _, key, message),) = faults(HELLO.replace("512M", "8G"))
    assert (line, key) == (3, "resources.memory") and "more than this host allows" in message, message
    ((line, _, key, message),) = faults("image: none-1.0\n" + HELLO)
    assert (line, key) == (1, "image") and IMAGE in message, message
    taken = d.rpc("CreateVm", vm(ports=[{"protocol": "tcp", "host_address": "127.0.0.1", "host_port": 18123,
                                         "vm_port": 80}]))["id"]
    yaml = HELLO + "ports:\n  - { host: \"127.0.0.1:18123\", guest: 80 }\n"
    ((line, _, key, message),) = faults(yaml)
    assert (line, key) == (7, "ports") and "18123" in message, (line, key, message)
    assert faults(yaml, id=taken) == []
    gone(taken)


def test_an_update_says_what_it_changes():
    made = d.rpc("CreateVm", {**compiled(HELLO)["configuration"], "stopped": True})["id"]
    same = compiled(HELLO, id=made)
    assert same["changes"] == [] and same["update"] is None, same
    more = compiled(HELLO.replace("cpus: 2", "cpus: 1").replace("echo hello", "echo other"), id=made)
    assert [c["field"] for c in more["changes"]][-1] == "cpus" and len(more["changes"]) >= 2, more["changes"]
    assert more["update"]["id"] == made and more["update"]["vcpu"] == 1, more
    d.rpc("UpdateVm", more["update"])
    assert d.rpc("GetInfo", {"id": made})["info"]["configuration"]["vcpu"] == 1
    gone(made)
    ((line, _, _, message),) = faults(HELLO, id=made)
    assert (line, message) == (0, "vm not found")
    assert faults(HELLO, id="../x")[0][3] == "vm not found"


def test_requests_that_are_none():
    for body in (b"", b"{", b"[]", b"7", b'{"yaml": 7}', b'{"yaml": "name: x", "files": []}', b'{"yml": ""}',
                 b'{"yaml": "", "id": 1}'):
        status, reply = post(body)
        assert status == 400 and list(reply) == ["error"], (body, status, reply)
    assert post({"yaml": HELLO}, ctype="text/plain")[0] == 415
    assert post({"yaml": "#" * (1 << 20)})[0] == 413
    assert d.http("GET", "/console/compile")[0] == 405
    assert d.http("GET", "/res/../baileyd.yaml")[0] == 404
    assert compiled("\x01")["errors"]


def test_pages_are_served_and_known_again():
    status, body, head = d.http("GET", "/")
    assert status == 200 and "text/html" in head and b"<title>Bailey</title>" in body, head
    assert "Content-Security-Policy: default-src 'none'; script-src 'self'" in head and "no-cache" in head, head
    assert d.http("GET", "/v1")[:2] == (status, body)
    (tag,) = [line.split(": ", 1)[1] for line in head.split("\r\n") if line.lower().startswith("etag: ")]
    status, body, _ = d.http("GET", "/", headers=[f"If-None-Match: {tag}"])
    assert (status, body) == (304, b"")
    status, body, head = d.http("GET", "/res/app.js")
    assert status == 200 and "text/javascript" in head and body.startswith(b"// SPDX"), head
    assert d.http("GET", "/res/nothing.js")[0] == d.http("GET", "/res/")[0] == 404
    assert d.http("POST", "/")[0] == 405


def test_a_browser_at_the_end_of_a_forwarded_port_is_not_another_sites():
    agent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)"

    def ask(method, host, *headers):
        head = "".join(f"{h}\r\n" for h in (f"Host: {host}", "Connection: close", "Content-Length: 0", *headers))
        return int(d.raw(f"{method} /prpc/Version HTTP/1.1\r\n{head}\r\n".encode()).split()[1])

    assert ask("GET", "localhost:9080", agent) == ask("GET", "127.0.0.1:9080", agent) == 200
    assert ask("GET", "evil.example:9080", agent) == 403
    assert ask("GET", "evil.example:9080", "Sec-Fetch-Site: none") == 403
    assert ask("POST", "localhost:9080", agent, "Origin: http://localhost:9080") == 200
    assert ask("POST", "localhost:9080", agent, "Origin: http://evil.example") == 403
    assert ask("POST", "localhost:9080", agent, "Sec-Fetch-Site: cross-site") == 403
    assert ask("GET", "any", "User-Agent: curl/7.88.1") == ask("POST", "any") == 200


main(d, test_a_browser_at_the_end_of_a_forwarded_port_is_not_another_sites, test_pages_are_served_and_known_again, test_a_good_yaml_becomes_what_create_vm_takes, test_every_mistake_has_its_place,
     test_files_are_attached_never_opened, test_what_this_host_refuses_is_told_at_its_key, test_an_update_says_what_it_changes,
     test_requests_that_are_none)
