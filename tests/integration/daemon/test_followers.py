# SPDX-License-Identifier: Apache-2.0
"""As many followers of a log and of events as are let in, none of whom reads: what they cost is bounded, others are
served, and each gets every byte when it reads at last."""
import re
import socket

from scratch import BIN, DEADLINE, Daemon, vm

FOLLOWERS = 64          # LOGS_STREAMS_MAX, EVENTS_WATCHERS_MAX
TABLE = 32 << 10        # KiB: what ARCHITECTURE.md's table says of all followers of logs and of events together

with open(f"{BIN}/baileyd", "rb") as program:
    if b"__asan_init" in program.read():
        TABLE *= 8  # a sanitizer keeps what was freed; that the bound holds is the plain build's to show

d = Daemon()


def rss_kib():
    with open(f"/proc/{d.process.pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def follow(path):
    """A connection that has asked and does not read; its buffer is small, so the rest waits in the daemon."""
    s = socket.socket(socket.AF_UNIX)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(DEADLINE)
    s.connect(d.socket)
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return s


def body(s):
    """Take the chunks apart until the last one."""
    data = b""
    while not data.endswith(b"\r\n0\r\n\r\n"):
        chunk = s.recv(1 << 20)
        if not chunk:
            break
        data += chunk
    rest, out = data.partition(b"\r\n\r\n")[2], []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        n = int(size, 16)
        out.append(rest[:n])
        rest = rest[n + 2:]
    return b"".join(out)


try:
    vid = d.rpc("CreateVm", vm())["id"]
    want = b"".join(b"line %015d\n" % i for i in range(300000))  # 6 MB
    with open(f"{d.dir}/s/vm/{vid}/serial.log", "wb") as f:
        f.write(want)
    before = rss_kib()
    logs = [follow(f"/logs?id={vid}&all=true&follow=true") for _ in range(FOLLOWERS)]
    for s in logs:
        assert s.recv(12).endswith(b"200")
    grown = rss_kib() - before
    print(f"{FOLLOWERS} followers that do not read: {grown} KiB")
    assert grown < TABLE, grown
    status, text = d.http("GET", f"/logs?id={vid}")[:2]
    assert status == 429 and b"too many log streams" in text, (status, text)
    events = [follow(f"/events?id={vid}&follow=true") for _ in range(FOLLOWERS)]
    for s in events:
        assert s.recv(12).endswith(b"200")
    assert d.http("GET", f"/events?id={vid}")[0] == 429
    assert d.rpc("Version") and rss_kib() - before < TABLE
    d.rpc("RemoveVm", {"id": vid})  # ends them, once all is said
    for s in logs[:8]:
        assert body(s) == want, "a follower missed something"
    for s in logs + events:
        s.close()
    assert d.rpc("Version")
finally:
    d.close()
