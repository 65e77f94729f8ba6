# SPDX-License-Identifier: Apache-2.0
"""Bytes between client and app: all of them, in order, each way by itself, and their ends; by TLS of ours and of the app's."""
import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
import threading
import time

import gwlib
from gwlib import DOMAIN, Case, echo, hello, read_all, reset

BIG = 8 << 20


def sink(conn):
    """Reads to the end, then says how much it was and its digest."""
    digest, n = hashlib.sha256(), 0
    while data := conn.recv(1 << 20):
        digest.update(data)
        n += len(data)
    conn.sendall(f"{n} {digest.hexdigest()}".encode())


def source(conn):
    """Says a lot, without being asked, and ends."""
    conn.sendall(os.urandom(1 << 10) * (BIG >> 10))


def half(conn):
    """Ends its half at once; what comes then is kept for the test."""
    conn.sendall(b"said")
    if isinstance(conn, ssl.SSLSocket):
        conn.unwrap()
    conn.shutdown(socket.SHUT_WR)
    half.got, half.how = read_all(conn)
    half.done.set()


class Both:
    """Each test by both ways; the class of a way says how a client gets to a handler."""

    def reach(self, handler):
        raise NotImplementedError

    def test_bytes_come_back(self):
        with self.reach(echo) as s:
            for n in (1, 2, 1000, 16384, 16385, 100000):
                data = os.urandom(n)
                s.sendall(data)
                got = b""
                while len(got) < n:
                    got += s.recv(65536)
                self.assertEqual(got, data)

    def test_much_to_the_app(self):
        data = os.urandom(1 << 16) * (BIG >> 16)
        with self.reach(sink) as s:
            s.sendall(data)
            self.end_half(s)
            got, _ = read_all(s)
            self.assertEqual(got.decode(), f"{len(data)} {hashlib.sha256(data).hexdigest()}")

    def test_much_from_the_app_to_a_slow_client(self):
        with self.reach(source) as s:
            time.sleep(0.2)
            first = s.recv(1024)
            total, again = len(first), b""
            while data := s.recv(1 << 20):
                again += data[:max(0, 1024 - len(again))]
                total += len(data)
            self.assertEqual(total, BIG)

    def test_both_ways_at_once(self):
        data = os.urandom(1 << 16) * 64
        with self.reach(echo) as s:
            # an SSL object is not for two threads: write a little, read a little
            s.settimeout(30)
            got, sent = hashlib.sha256(), 0
            n = 0
            while n < len(data):
                if sent < len(data) and sent - n < 1 << 18:
                    sent += s.send(data[sent:sent + 65536])
                    continue
                piece = s.recv(65536)
                got.update(piece)
                n += len(piece)
            self.assertEqual(got.digest(), hashlib.sha256(data).digest())

    def test_the_client_ends_first(self):
        with self.reach(sink) as s:
            s.sendall(b"abc")
            self.end_half(s)
            self.assertEqual(read_all(s)[0].split()[0], b"3")

    def test_the_app_ends_first(self):
        half.done = threading.Event()
        with self.reach(half) as s:
            self.assertEqual(read_all(s), (b"said", "fin"))
            s.sendall(b"more")
            self.end_half(s)
            self.assertTrue(half.done.wait(30))
        self.assertEqual((half.got, half.how), (b"more", "fin"))

    def test_the_client_resets(self):
        gone = threading.Event()

        def handler(conn):
            conn.sendall(b"x")
            read_all(conn)
            gone.set()
        s = self.reach(handler)
        s.recv(1)
        reset(s)
        self.assertTrue(gone.wait(30))


class Terminate(Both, Case):
    def reach(self, handler):
        return self.gw.tls(f"app-{self.app(handler).port}.{DOMAIN}")

    def end_half(self, s):
        """FIN, without close_notify, as many clients do; the other half stays."""
        socket.socket.shutdown(s, socket.SHUT_WR)

    def test_app_that_resets_has_no_close_notify(self):
        def handler(conn):
            conn.sendall(b"part")
            conn.recv(1)
            reset(conn)
        with self.reach(handler) as s:
            self.assertEqual(s.recv(4), b"part")
            s.sendall(b"x")
            self.assertEqual(read_all(s), (b"", "cut"))

    def test_answer_and_end_come_together(self):
        with self.reach(lambda conn: conn.sendall(b"whole")) as s:
            self.assertEqual(read_all(s), (b"whole", "fin"))

    def test_close_notify_of_the_client_is_its_end(self):
        got = []

        def handler(conn):
            got.append(read_all(conn))
        s = self.reach(handler)
        s.sendall(b"last")
        s.unwrap().close()
        gwlib.wait_for("the app saw it", lambda: got)
        self.assertEqual(got, [(b"last", "fin")])

    def test_a_request_with_the_end_of_the_handshake(self):
        # all that a client says is there before the gateway reads it
        with self.reach(echo) as s:
            s.sendall(b"early")
            self.assertEqual(s.recv(5), b"early")

    def test_each_version_and_ticket(self):
        app = self.app(echo)
        host = f"app-{app.port}.{DOMAIN}"
        for newest, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            ctx = gwlib.client_context(newest=newest)
            session = None
            for again in (False, True, True):
                with self.gw.tls(host, ctx=ctx, session=session) as s:
                    s.sendall(b"ping")
                    self.assertEqual(s.recv(4), b"ping")
                    self.assertEqual((s.version(), s.session_reused), (name, again))
                    session = s.session

    def test_hello_in_pieces_and_large(self):
        app = self.app(echo)
        host = f"app-{app.port}.{DOMAIN}"
        first = hello(host)
        for size in (1, 7, 100):
            with self.gw.connect() as s:
                s.sendall(gwlib.records(first[5:], size))
                self.assertEqual(s.recv(3), b"\x16\3\3")
        with self.gw.connect() as s:  # byte by byte, in packets of their own
            for byte in first:
                s.sendall(bytes([byte]))
            self.assertEqual(s.recv(3), b"\x16\3\3")
        padding = b"\xfa\xfa" + (15000).to_bytes(2, "big") + bytes(15000)
        message = bytearray(first[5:])
        sid = 38 + 1 + message[38]
        at = sid + 2 + int.from_bytes(message[sid:sid + 2], "big")
        at += 1 + message[at]
        message[at:at + 2] = (int.from_bytes(message[at:at + 2], "big") + len(padding)).to_bytes(2, "big")
        message[at + 2:at + 2] = padding
        message[1:4] = (len(message) - 4).to_bytes(3, "big")
        with self.gw.connect() as s:
            s.sendall(gwlib.records(bytes(message), 4096))
            self.assertEqual(s.recv(3), b"\x16\3\3")

    def test_name_in_capitals_with_a_dot(self):
        app = self.app(echo)
        with self.gw.tls(f"APP-{app.port}.App.Test.") as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")

    def test_many_small_records(self):
        with self.reach(sink) as s:
            for _ in range(2000):
                s.sendall(b"x")
            self.end_half(s)
            self.assertEqual(read_all(s)[0].split()[0], b"2000")

    def test_new_keys_that_the_client_asks_for(self):
        # openssl's client has a command for it: K wants new keys of both sides
        app = self.app(echo)
        with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{self.gw.port}", "-servername",
                               f"app-{app.port}.{DOMAIN}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as client:
            for text, answer in ((b"one", b"one"), (b"K", b"KEYUPDATE"), (b"two", b"two"), (b"k", b"KEYUPDATE"),
                                 (b"three", b"three")):
                client.stdin.write(text + b"\n")
                client.stdin.flush()
                while (line := client.stdout.readline().strip()) != answer:
                    self.assertTrue(line or client.poll() is None, f"no answer to {text}")
            client.stdin.close()
            client.stdout.read()


class Passthrough(Both, Case):
    def reach(self, handler):
        """The app's TLS is spoken by hand: after the hello, bytes of any kind."""
        def after_hello(conn):
            want = len(self.hello)
            got = b""
            while len(got) < want:
                got += conn.recv(want - len(got))
            assert got == self.hello, "the hello is not what was sent"
            handler(conn)
        port = self.app(after_hello).port
        self.hello = hello(f"app-{port}s.{DOMAIN}")
        s = self.gw.connect()
        s.sendall(self.hello)
        return s

    def end_half(self, s):
        s.shutdown(socket.SHUT_WR)

    def test_the_tls_is_the_apps(self):
        app = self.tls_app(echo, alpn=["foo"])
        with self.gw.tls(f"app-{app.port}s.{DOMAIN}", ctx=gwlib.client_context(alpn=["foo"])) as s:
            self.assertEqual(s.selected_alpn_protocol(), "foo")
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")

    def test_hello_in_pieces_is_passed_on_as_it_came(self):
        got = []

        def handler(conn):
            got.append(read_all(conn)[0])
        app = self.app(handler)
        data = gwlib.records(hello(f"app-{app.port}s.{DOMAIN}")[5:], 50) + b"and more"
        with self.gw.connect() as s:
            for i in range(0, len(data), 33):
                s.sendall(data[i:i + 33])
            s.shutdown(socket.SHUT_WR)
            read_all(s)
        self.assertEqual(got, [data])

    def test_bulk_is_spliced_and_nothing_stays_open(self):
        before = len(os.listdir(f"/proc/{self.gw.proc.pid}/fd"))
        with self.reach(source) as s:
            self.assertEqual(len(read_all(s)[0]), BIG)
        gwlib.wait_for("it ended", lambda: self.gw.metrics()["conns"] == 0)
        self.assertGreater(self.gw.metrics()["spliced_bytes"], BIG // 2)
        self.assertLess(len(os.listdir(f"/proc/{self.gw.proc.pid}/fd")), before + 10)


class Idle(Case):
    CONFIG = "timeouts: { idle: 1500ms, shutdown: 300ms, total: 60s }\n"

    def hosts(self, handler):
        return f"app-{self.app(handler).port}.{DOMAIN}", f"app-{self.tls_app(handler).port}s.{DOMAIN}"

    def test_silence_is_ended_with_a_fin(self):
        with contextlib.ExitStack() as both:
            conns = []
            for host in self.hosts(echo):
                conns.append((both.enter_context(self.gw.tls(host)), time.monotonic()))
                conns[-1][0].sendall(b"x")
                conns[-1][0].recv(1)
            for s, began in conns:
                self.assertEqual(read_all(s), (b"", "cut"))
                self.assertGreater(time.monotonic() - began, 1.4)
        gwlib.wait_for("counted", lambda: self.gw.ended("idle") >= 2)

    def test_a_slow_one_is_not_ended(self):
        with contextlib.ExitStack() as both:
            conns = [both.enter_context(self.gw.tls(host)) for host in self.hosts(echo)]
            for _ in range(6):
                time.sleep(0.3)
                for s in conns:
                    s.sendall(b"x")
                    self.assertEqual(s.recv(1), b"x")

    def test_silence_after_a_half_close_is_ended(self):
        app = self.app(lambda conn: (read_all(conn), time.sleep(20)))
        with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
            socket.socket.shutdown(s, socket.SHUT_WR)
            self.assertEqual(read_all(s), (b"", "cut"))

    def test_a_client_that_does_not_read_is_ended(self):
        before = self.gw.ended("idle")
        with self.gw.tls(f"app-{self.app(source).port}.{DOMAIN}") as s:
            s.recv(1)
            gwlib.wait_for("it is counted", lambda: self.gw.ended("idle") > before)


class Total(Case):
    CONFIG = "timeouts: { total: 700ms, shutdown: 300ms }\n"

    def test_a_busy_one_is_ended(self):
        with self.gw.tls(f"app-{self.app(echo).port}.{DOMAIN}") as s:
            end = time.monotonic() + 20
            with self.assertRaises((ssl.SSLError, OSError)):
                while time.monotonic() < end:
                    s.sendall(b"x")
                    if not s.recv(1):
                        raise OSError("ended")
                    time.sleep(0.05)
            self.assertLess(time.monotonic(), end)


if __name__ == "__main__":
    gwlib.main()
