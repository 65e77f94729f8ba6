# SPDX-License-Identifier: Apache-2.0
"""Apps of a soak, and what happens to them: they die, freeze and come back while clients come."""
import random
import socket
import threading
import time

import gwlib

BLOCK = bytes(range(256)) * 256


def body(n):
    """The n bytes that /n answers with."""
    return (BLOCK * (n // len(BLOCK) + 1))[:n]


class Instance:
    """A web server at one address of loopback, which can die and come back, or freeze."""

    def __init__(self, address, port, tls=None):
        self.address, self.port, self.tls = address, port, tls
        self.lock, self.conns, self.listener = threading.Lock(), set(), None
        self.moves = threading.Event()
        self.moves.set()
        self.live()

    def live(self):
        listener = socket.create_server((self.address, self.port), backlog=256)
        self.port = listener.getsockname()[1]
        self.listener = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def die(self):
        """As a process that is killed: whoever is connected or comes gets a reset."""
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self.lock:
            conns, self.conns = self.conns, set()
        for c in conns:
            try:
                gwlib.reset(c)
            except OSError:
                pass

    def accept(self, listener):
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        conn.settimeout(60)
        try:
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
            with self.lock:
                if not self.listener:
                    raise OSError("died")
                self.conns.add(conn)
            self.requests(conn)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.conns.discard(conn)
            conn.close()

    def requests(self, conn):
        got = b""
        while True:
            while b"\r\n\r\n" not in got:
                data = conn.recv(8192)
                if not data:
                    return
                got += data
            head, got = got.split(b"\r\n\r\n", 1)
            path = head.split()[1].decode()[1:]
            self.moves.wait(30)
            if path == "never":
                conn.recv(1)
                return
            if path.startswith("drip"):
                self.drip(conn, int(path[4:]))
                continue
            answer = body(int(path))
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)

    def drip(self, conn, n):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n)
        for byte in body(n):
            time.sleep(0.3)
            conn.sendall(bytes([byte]))


class Chaos:
    """What befalls the shaky instances, the DNS server and the gateway's files, one thing after another."""

    def __init__(self, shaky, dns, reload, seed):
        self.shaky, self.dns, self.reload = shaky, dns, reload
        self.random, self.stop, self.done = random.Random(seed), threading.Event(), {}
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        faults = [self.kill, self.freeze, self.away, self.new_certificate]
        while not self.stop.is_set():
            fault = self.random.choice(faults)
            self.done[fault.__name__] = self.done.get(fault.__name__, 0) + 1
            fault()
            self.stop.wait(self.random.uniform(0.05, 0.3))

    def kill(self):
        one = self.random.choice(self.shaky)
        one.die()
        self.stop.wait(self.random.uniform(0.1, 1))
        one.live()

    def freeze(self):
        one = self.random.choice(self.shaky)
        one.moves.clear()
        self.stop.wait(self.random.uniform(0.1, 1))
        one.moves.set()

    def away(self):
        self.dns.silent = True
        self.stop.wait(self.random.uniform(0.3, 1.5))
        self.dns.silent = False

    def new_certificate(self):
        self.reload()

    def end(self):
        self.stop.set()
        self.thread.join(30)
