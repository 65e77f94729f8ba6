# SPDX-License-Identifier: Apache-2.0
"""Clients of a soak: kinds of them, each of which may end in few ways and in a time.

A kind is a function that does one thing and says how it ended; what it may say is beside it.  Anything else, an
exception of another sort, or too much time is a failure of the gateway, or of the soak.
"""
import collections
import random
import socket
import ssl
import threading
import time

import gwlib
from apps import body

ALERT = {gwlib.ALERTS[name]: name for name in gwlib.ALERTS}


class Wrong(Exception):
    """What must not be."""


def answer_of(conn, path, host, is_slow=False):
    """One request of a connection: its status and body, or how it ended."""
    conn.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        data = conn.recv(16384)
        if not data:
            return ("cut" if got else "ended"), got
        got += data
    head, got = got.split(b"\r\n\r\n", 1)
    want = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while not want or len(got) < want[0]:
        if is_slow:
            time.sleep(0.01)
        data = conn.recv(4096 if is_slow else 65536)
        if not data:
            if want:
                return "cut", got
            break
        got += data
    return head.split()[1].decode(), got


def how_it_broke(e):
    """An exception of a socket as one word."""
    if isinstance(e, (ssl.SSLEOFError, ConnectionResetError, BrokenPipeError)) or "EOF" in str(e):
        return "cut"
    if isinstance(e, ssl.SSLError):
        words = str(e).upper().replace(" ", "_")
        for name in gwlib.ALERTS:
            if name.upper() in words:
                return name
    raise e


class Clients:
    """Threads of each kind, which rest at quiet points."""

    def __init__(self, connect, context, kinds, late_s):
        self.connect, self.context, self.late_s = connect, context, late_s
        self.ended, self.failed, self.slowest = collections.Counter(), [], collections.defaultdict(float)
        self.go, self.over, self.resting = threading.Event(), False, threading.Semaphore(0)
        self.threads = []
        for kind, (n, fn, may) in kinds.items():
            for i in range(n):
                self.threads.append(threading.Thread(target=self.run, args=(kind, fn, may, i), daemon=True))
        for t in self.threads:
            t.start()

    def run(self, kind, fn, may, seed):
        rng = random.Random(f"{kind}{seed}")
        while not self.over:
            if not self.go.is_set():
                self.resting.release()
                self.go.wait()
                continue
            began = time.monotonic()
            try:
                how = fn(self, rng)
            except Exception as e:  # whatever it is, it counts
                how = f"{type(e).__name__}: {e}"
            took = time.monotonic() - began
            self.slowest[kind] = max(self.slowest[kind], took)
            self.ended[f"{kind}: {how if how in may else 'WRONG'}"] += 1
            if how not in may:
                self.failed.append(f"{kind}: {how}")
            elif took > self.late_s:
                self.failed.append(f"{kind}: {how} after {took:.1f} s")

    def work(self, seconds):
        """Let all work for a time, and wait until each has ended what it does."""
        self.go.set()
        time.sleep(seconds)
        self.go.clear()
        for _ in self.threads:
            if not self.resting.acquire(timeout=60 + self.late_s):
                self.failed.append("a client never ended")
                break

    def end(self):
        self.over = True
        self.go.set()
        for t in self.threads:
            t.join(30)

    def tls(self, host, **kw):
        raw = self.connect()
        try:
            return self.context.wrap_socket(raw, server_hostname=host, suppress_ragged_eofs=False, **kw)
        except BaseException:
            raw.close()
            raise


def fetch(host, sizes, times=1, is_slow=False):
    """GET, whose body is looked at byte by byte."""
    def fn(clients, rng):
        try:
            with clients.tls(host) as s:
                for _ in range(times):
                    n = rng.choice(sizes)
                    status, got = answer_of(s, n, host, is_slow)
                    if status != "200":
                        return status
                    if got != body(n):
                        raise Wrong(f"a body of {n} is another")
            return "200"
        except OSError as e:
            return how_it_broke(e)
    return fn


def ask(host, path):
    """GET of anything: its status."""
    def fn(clients, _):
        try:
            with clients.tls(host) as s:
                return answer_of(s, path, host)[0]
        except OSError as e:
            return how_it_broke(e)
    return fn


def refused(host):
    """A hello, and what comes back."""
    def fn(clients, _):
        time.sleep(0.01)
        with clients.connect() as s:
            s.sendall(gwlib.hello(host))
            got, how = gwlib.read_all(s)
        if len(got) == 7 and got[:1] == b"\x15":
            return ALERT.get(got[6], f"alert {got[6]}")
        return f"{len(got)} bytes, {how}"
    return fn


def garbage(clients, rng):
    time.sleep(0.01)
    with clients.connect() as s:
        try:
            s.sendall(bytes([rng.choice((0, 22, 71, 255))]) + rng.randbytes(rng.randrange(3000)))
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        got, _ = gwlib.read_all(s)
    return "nothing" if not got else "an alert" if got[:1] == b"\x15" and len(got) == 7 else f"{len(got)} bytes"


def half_open(host, n):
    """Many who say hello, or half of it, and no more; those are closed, or close, in time."""
    def fn(clients, rng):
        conns = []
        try:
            for i in range(n):
                s = clients.connect()
                conns.append(s)
                s.sendall(gwlib.hello(host)[:rng.choice((0, 60, 9999))] if i < 8 else gwlib.hello("x.example")[:60])
            time.sleep(rng.uniform(0, 0.5))
        except (ConnectionResetError, BrokenPipeError):
            pass
        finally:
            for s in conns:
                gwlib.reset(s) if rng.random() < 0.5 else s.close()
        return "left"
    return fn


def leave(host):
    """Comes, wants much, and goes in the middle with a reset."""
    def fn(clients, rng):
        try:
            s = clients.tls(host)
            s.sendall(f"GET /{3 << 20} HTTP/1.1\r\n\r\n".encode())
            for _ in range(rng.randrange(5)):
                s.recv(16384)
            gwlib.reset(s)
        except OSError as e:
            return how_it_broke(e)
        return "left"
    return fn


def half_close(host):
    """Ends its half after the request; the answer comes all the same."""
    def fn(clients, rng):
        n = rng.choice((100, 100000))
        with clients.tls(host) as s:
            s.sendall(f"GET /{n} HTTP/1.1\r\n\r\n".encode())
            socket.socket.shutdown(s, socket.SHUT_WR)
            got, how = gwlib.read_all(s)
        return "200" if got.endswith(b"\r\n\r\n" + body(n)) and how == "fin" else f"{len(got)} bytes, {how}"
    return fn
