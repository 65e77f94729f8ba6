# SPDX-License-Identifier: Apache-2.0
"""GET /events of a VM and of all: as lines and as server-sent events, gone on with where a client was."""
import json
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scratch import Daemon, main, vm, wait_for  # noqa: E402

d = Daemon()


class Stream:
    """A client that reads while the answer goes on."""

    def __init__(self, path, *head):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(60)
        self.s.connect(d.socket)
        self.s.sendall("\r\n".join([f"GET {path} HTTP/1.0", "Host: localhost", *head, "", ""]).encode())
        self.text = b""

    def until(self, word):
        while word.encode() not in self.text:
            more = self.s.recv(65536)
            assert more, f"ended before {word!r}: {self.text!r}"
            self.text += more
        return self.text.decode()

    def messages(self):
        """Of the server-sent form: (type, id, data) of each that is whole."""
        found = []
        for block in self.text.decode().split("\r\n\r\n", 1)[1].split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if fields:
                found.append((fields.get("event"), fields["id"], json.loads(fields["data"])))
        return found


def lines(path):
    status, body, head = d.http("GET", path)
    assert status == 200 and "application/x-ndjson" in head, (path, status, body)
    return [json.loads(x) for x in body.decode().splitlines()]


def create(name):
    return d.rpc("CreateVm", vm(name=name))["id"]


def test_all_vms_are_told_of_as_lines():
    one, two = create("one"), create("two")
    first, *rest = lines("/events")
    assert first["complete"] is True, first
    assert [(e["id"], e["name"], e["event"], e["status"], e["seq"]) for e in rest] == \
        [(one, "one", "vmm.created", "stopped", 1), (two, "two", "vmm.created", "stopped", 1)], rest
    assert [e["event"] for e in lines(f"/events?since={rest[0]['cursor']}")[1:]] == ["vmm.created"]
    assert len(lines("/events?since=now")) == 1
    assert lines(f"/events?since={rest[1]['cursor']}")[0] == {"cursor": rest[1]["cursor"], "complete": True}
    for vid in (one, two):  # the removal goes on behind the answer: the next test is not to hear of it
        d.rpc("RemoveVm", {"id": vid})
        wait_for("its end is told", lambda vid=vid: any(e["event"] == "vmm.removed" and e["id"] == vid
                                                        for e in lines("/events")[1:]))


def test_a_place_that_is_not_known_is_said_to_be_incomplete():
    for place in ("0123456789abcdef-1", "x", "7"):
        first, *rest = lines(f"/events?since={place}")
        assert first["complete"] is False and rest, (place, first)
    assert d.http("GET", "/events?since=" + "x" * 100)[0] == 422
    assert d.http("GET", "/events?id=" + "x" * 100)[0] == 422


def test_a_browser_goes_on_where_it_was():
    s = Stream("/events?since=now", "Accept: text/event-stream")
    s.until("event: hello")
    vid = create("live")
    assert "Content-Type: text/event-stream" in s.until("vmm.created")
    s.until("\n\n")
    kind, place, data = wait_for("whole", s.messages)[-1]
    assert (kind, data["id"], data["cursor"]) == (None, vid, place), s.text
    s.s.close()
    d.rpc("RemoveVm", {"id": vid})
    again = Stream("/events?since=now", "Accept: text/event-stream", f"Last-Event-ID: {place}")
    again.until("vmm.removed")
    hello, *rest = again.messages()
    assert hello[0] == "hello" and hello[2] == {"cursor": place, "complete": True}, hello
    assert all(m[2]["event"] != "vmm.created" for m in rest), rest
    again.s.close()


def test_one_vm_as_server_sent_events():
    vid = create("single")
    s = Stream(f"/events?id={vid}", "Accept: text/event-stream")
    s.until("vmm.created")
    s.until("}\n\n")
    assert s.messages()[0][:2] == (None, "1"), s.text
    d.rpc("RemoveVm", {"id": vid})
    while s.s.recv(65536):
        pass  # it ends with its VM
    assert d.http("GET", f"/events?id={vid}&since=x")[0] in (404, 422)


def test_every_answer_has_its_headers():
    for method, path, status in (("GET", "/prpc/Version", 200), ("GET", "/nothing", 404), ("POST", "/events", 405),
                                 ("GET", "/events", 200), ("GET", "/prpc/Nothing", 400), ("HEAD", "/events", 200),
                                 ("HEAD", "/prpc/Version", 200)):
        got, body, head = d.http(method, path)
        assert got == status, (method, path, got, head)
        assert method != "HEAD" or not body, body
        for line in ("Server: bailey/", "X-App-Version: v0.6.0 (bailey:", "X-Accel-Buffering: no",
                     "X-Content-Type-Options: nosniff", "X-Frame-Options: SAMEORIGIN",
                     "Permissions-Policy: interest-cohort=()", "Content-Security-Policy: default-src 'none'; script-src 'self';",
                     "Referrer-Policy: no-referrer", "Cache-Control: no-store"):
            assert head.count(line) == 1, (method, path, line, head)
        assert "unsafe" not in head


main(d, test_all_vms_are_told_of_as_lines, test_a_place_that_is_not_known_is_said_to_be_incomplete,
     test_a_browser_goes_on_where_it_was, test_one_vm_as_server_sent_events, test_every_answer_has_its_headers)
