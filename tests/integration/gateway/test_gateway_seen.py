# SPDX-License-Identifier: Apache-2.0
"""What a client sees on the wire, record by record, and what strangers may not do to logs, memory and others."""
import http.client
import os
import random
import re
import select
import socket
import ssl
import subprocess
import threading
import unittest

import gwlib
from gwlib import DOMAIN, Case, alert, echo, hello, read_all, reset, wait_for, with_name
from test_gateway_register import World
from test_gateway_routes import Dns

CLOSE_NOTIFY = {ssl.TLSVersion.TLSv1_2: b"\x15\3\3\0\x1a", ssl.TLSVersion.TLSv1_3: b"\x17\3\3\0\x13"}
VERSIONS = tuple(CLOSE_NOTIFY)
NET = "address: 127.0.0.1/8, range: 127.0.0.0/26"


class Wire:
    """A TLS client that keeps apart what came as records and what was in them."""

    def __init__(self, gw, host, version=None):
        self.sock, self.inn, self.out, self.raw = gw.connect(), ssl.MemoryBIO(), ssl.MemoryBIO(), b""
        ctx = gwlib.client_context(newest=version, oldest=version)
        self.tls = ctx.wrap_bio(self.inn, self.out, server_hostname=host)
        self.do(self.tls.do_handshake)

    def do(self, what, *args):
        while True:
            try:
                return what(*args)
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                self.raw += data
                self.inn.write(data) if data else self.inn.write_eof()
            finally:
                self.flush()

    def flush(self):
        data = self.out.read()
        if data:
            self.sock.sendall(data)

    def say(self, data):
        self.do(self.tls.write, data)

    def hear(self, n):
        got = b""
        while len(got) < n:
            got += self.do(self.tls.read, n - len(got))
        return got

    def end(self):
        """To the end of TCP: heads of the records that came since the last call, and fin or reset."""
        data, how = read_all(self.sock)
        data, heads = self.raw + data, []
        self.raw = b""
        while data:
            heads.append(data[:5])
            data = data[5 + int.from_bytes(data[3:5], "big"):]
        return heads, how

    def forget(self):
        self.raw = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


class Ends(Case):
    """How each end of a connection looks."""
    CONFIG = "timeouts: { idle: 1s, shutdown: 500ms, request: 1s }\n"

    def each(self, handler):
        """For each version: a client after it has heard `said` of the handler."""
        port = self.app(handler).port
        for version in VERSIONS:
            with self.subTest(version.name), Wire(self.gw, f"app-{port}.{DOMAIN}", version) as w:
                self.assertEqual(w.hear(4), b"said")
                yield version, w

    def test_an_app_that_ends_is_a_close_notify_and_a_fin(self):
        go = threading.Event()

        def handler(conn):
            conn.sendall(b"said")
            go.wait(20)
        for version, w in self.each(handler):
            w.forget()
            go.set()
            heads, how = w.end()
            self.assertEqual((heads, how), ([CLOSE_NOTIFY[version]], "fin"))
            go.clear()

    def test_an_app_that_resets_is_a_fin_and_no_close_notify(self):
        def handler(conn):
            conn.sendall(b"said")
            conn.recv(2)
            reset(conn)
        for _, w in self.each(handler):
            w.forget()
            w.say(b"go")
            self.assertEqual(w.end(), ([], "fin"))

    def test_silence_is_a_fin_and_no_close_notify(self):
        def handler(conn):
            conn.sendall(b"said")
            conn.recv(1)
        for _, w in self.each(handler):
            w.forget()
            self.assertEqual(w.end(), ([], "fin"))

    def test_a_close_notify_is_answered_with_one(self):
        def handler(conn):
            conn.sendall(b"said")
            read_all(conn)
        for version, w in self.each(handler):
            w.forget()
            try:
                w.tls.unwrap()
            except ssl.SSLWantReadError:
                pass
            w.flush()
            self.assertEqual(w.end(), ([CLOSE_NOTIFY[version]], "fin"))

    def test_passed_on_tls_ends_as_the_app_ends_it(self):
        for how, last in (("fin", b"whole"), ("reset", b"part")):
            with self.subTest(how):
                data = b""

                def handler(conn, how=how, last=last):
                    conn.recv(len(data), socket.MSG_WAITALL)
                    conn.sendall(last)
                    conn.recv(1)
                    if how == "reset":
                        reset(conn)
                port = self.app(handler).port
                data = hello(f"app-{port}s.{DOMAIN}")
                with self.gw.connect() as s:
                    s.sendall(data)
                    self.assertEqual(s.recv(len(last), socket.MSG_WAITALL), last)
                    s.sendall(b"x")
                    # nothing is added; a reset of the app's is an end to the client
                    self.assertIn(read_all(s), ((b"", "fin"), (b"", how)))

    def test_silence_of_passed_on_tls_is_a_fin(self):
        port = self.app(lambda conn: conn.recv(1) and read_all(conn)).port
        self.assertEqual(self.gw.raw(hello(f"app-{port}s.{DOMAIN}")), (b"", "fin"))

    def test_an_alert_is_not_lost_to_a_reset(self):
        # bytes that nobody reads would have the kernel reset the connection, and the alert with it
        data = hello(f"nobody.{DOMAIN}") + bytes(200000)
        for _ in range(20):
            self.assertEqual(self.gw.raw(data), (alert("unrecognized_name"), "fin"))

    def test_a_page_is_not_lost_to_a_body(self):
        host = f"app-{gwlib.free_port()}.{DOMAIN}"
        with self.gw.tls(host) as s:
            try:
                s.sendall(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 300000\r\n\r\n".encode() + bytes(300000))
            except OSError:
                pass
            answer, how = read_all(s)
        self.assertEqual((answer[:26], how), (b"HTTP/1.1 502 Bad Gateway\r\n", "fin"))

    def test_the_page_byte_for_byte(self):
        answer, how = self.gw.request(f"app-{gwlib.free_port()}.{DOMAIN}")
        head, body = answer.split(b"\r\n\r\n", 1)
        self.assertEqual(head.split(b"\r\n"), [
            b"HTTP/1.1 502 Bad Gateway", b"Content-Length: %d" % len(body), b"Connection: close",
            b"Cache-Control: no-store", b"Content-Type: text/html; charset=utf-8"])
        self.assertEqual((b"<!doctype html>" in body.lower(), how), (True, "fin"))
        self.assertNotIn(DOMAIN.encode(), body)  # nothing of the request comes back

    def test_a_renegotiation_is_refused(self):
        app = self.app(echo)
        done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{self.gw.port}", "-servername",
                               f"app-{app.port}.{DOMAIN}"], input=b"R\n", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=60)
        self.assertIn(b"no renegotiation", done.stdout)

    def test_no_ticket_allows_early_data(self):
        app = self.app(lambda conn: conn.sendall(b"said"))
        done = subprocess.run(["openssl", "s_client", "-tls1_3", "-connect", f"127.0.0.1:{self.gw.port}", "-servername",
                               f"app-{app.port}.{DOMAIN}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=60)
        self.assertEqual(set(re.findall(rb"Max Early Data: (\d+)", done.stdout)) - {b"0"}, set())

    def test_an_app_sees_one_connection_for_each_client(self):
        gw, app = self.gw, self.app(echo)
        before = gw.metrics()["reloads"]
        gw.set_routes("app i1 127.0.0.1 *\napp i2 127.0.0.1 *\napp i3 127.0.0.1 *\n")
        wait_for("new routes", lambda: gw.metrics()["reloads"] > before)
        for _ in range(10):
            with gw.tls(f"app-{app.port}.{DOMAIN}") as s:
                s.sendall(b"ping")
                self.assertEqual(s.recv(4), b"ping")
        self.assertEqual(app.n, 10)

    def test_who_does_not_read_holds_up_only_his_half(self):
        got, read = [0], threading.Event()

        def handler(conn):
            # as much as its client does not read, and all of what it says
            def flood():
                try:
                    conn.sendall(bytes(64 << 20))
                except OSError:
                    pass
            threading.Thread(target=flood, daemon=True).start()
            while got[0] < 4 << 20 and (data := conn.recv(65536)):
                got[0] += len(data)
            read.set()
        for how in ("", "s"):
            got[0] = 0
            read.clear()
            port = self.app(handler).port
            host = f"app-{port}{how}.{DOMAIN}"
            with (self.gw.connect() if how else self.gw.tls(host)) as s:
                if how:
                    s.sendall(hello(host))
                s.sendall(bytes(4 << 20))
                self.assertTrue(read.wait(30), f"{got[0]} bytes arrived")

    def test_a_life_has_no_limit_by_itself(self):
        done = subprocess.run([f"{gwlib.BIN}/bailey-gateway", "--print-config"], capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, r"timeouts\.total\W+.*0s|total: 0s")


class Strangers(Case):
    """What costs a stranger nothing leaves nothing."""
    CONFIG = "timeouts: { hello: 300ms, handshake: 300ms, shutdown: 300ms, dns: 300ms }\n"
    LONGEST = b"x" * 60 + b"." + b"y" * 60 + b"." + b"z" * 60 + b"." + DOMAIN.encode()

    def sizes(self):
        out = [os.path.getsize(f"{self.gw.dir}/{name}") for name in ("log", "access.log")]
        return out + [len(self.gw.ask("/metrics")[1]), len(self.gw.ask("/routes")[1])]

    def grown(self, each, n=150):
        """By how much log, access log, metrics and routes grew over n of them."""
        self.gw.raw(each(0))
        wait_for("all ended", lambda: self.gw.metrics()["conns"] == 0)
        before, accepted = self.sizes(), self.gw.metrics()["accepted"]
        for i in range(n):
            self.gw.raw(each(i))
        wait_for("all ended", lambda: self.gw.metrics()["accepted"] == accepted + n and self.gw.metrics()["conns"] == 0)
        return [b - a for a, b in zip(before, self.sizes())]

    def bounded(self, each, line=600, n=150):
        log, access, metrics, routes = self.grown(each, n)
        self.assertLess(log, 2048)  # no line for each of them
        self.assertLess(access, line * n)  # and there one, of limited length
        self.assertLess(metrics, 512)  # counters that were 0 and have digits now
        self.assertEqual(routes, 0)

    def test_unknown_apps(self):
        self.bounded(lambda i: hello(f"n{i}.{DOMAIN}"))

    def test_the_longest_names(self):
        self.bounded(lambda i: with_name(b"%d" % i + self.LONGEST))

    def test_names_that_are_none(self):
        self.bounded(lambda i: with_name(bytes([i % 256]) * 300))

    def test_garbage(self):
        self.bounded(lambda i: os.urandom(1 + i % 50) * 40)

    def test_custom_domains(self):
        self.bounded(lambda i: hello(f"host{i}.stranger.example"))

    def test_a_name_is_no_word_of_the_log(self):
        for name in (b"a\nb", b'"}\n{"end":"done', b"\x1b[31m", b"%s%n"):
            self.gw.raw(with_name(name + b"." + DOMAIN.encode()))
        wait_for("all ended", lambda: self.gw.metrics()["conns"] == 0)
        with open(f"{self.gw.dir}/access.log", "rb") as f:
            data = f.read()
        self.assertEqual(re.findall(rb"[^\x20-\x7e\n]", data), [])
        self.assertTrue(all(a["end"] != "done" for a in self.gw.access()))
        self.assertNotIn("\x1b", self.gw.logged())


class Zones(Case):
    """Name servers that answer with loops and floods."""
    CONFIG = "timeouts: { dns: 1s, shutdown: 300ms }\n"

    @classmethod
    def dns(cls):
        cls.server = Dns()
        return cls.server.port

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.server.close()

    def setUp(self):
        self.secure = self.tls_app(echo)

    @staticmethod
    def wire(name):
        return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"

    def answer(self, name, records):
        question = self.wire(name) + b"\0\x10\0\1"
        return b"\x85\x80\0\1" + len(records).to_bytes(2, "big") + b"\0\0\0\0" + question + b"".join(records)

    def cname(self, owner, target):
        data = self.wire(target)
        return self.wire(owner) + b"\0\5\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data

    def refused(self, host):
        self.assert_alert(hello(host), "unrecognized_name")

    def serves(self):
        self.server.records["_dstack-app-address.good.example"] = [(f"app:{self.secure.port}", 1)]
        with self.gw.tls("good.example") as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")

    def test_a_name_that_is_its_own_alias(self):
        name = "_dstack-app-address.self.example"
        self.server.raw[name] = self.answer(name, [self.cname(name, name)])
        self.refused("self.example")
        self.serves()

    def test_two_names_that_are_each_others_alias(self):
        name, other = "_dstack-app-address.two.example", "other.example"
        self.server.raw[name] = self.answer(name, [self.cname(name, other), self.cname(other, name)])
        self.refused("two.example")
        self.serves()

    def test_a_pointer_that_points_at_itself(self):
        name = "_dstack-app-address.point.example"
        at = 12 + len(self.wire(name)) + 4
        own = (0xc000 | at).to_bytes(2, "big")
        self.server.raw[name] = self.answer(name, [own + b"\0\x10\0\1\0\0\0\x3c\0\5\4a:44"])
        self.refused("point.example")
        self.serves()

    def test_an_alias_that_leads_to_a_record_counts(self):
        name = "_dstack-app-address.alias.example"
        text = f"app:{self.secure.port}".encode()
        record = (self.wire("real.example") + b"\0\x10\0\1\0\0\0\x3c" + (len(text) + 1).to_bytes(2, "big") +
                  bytes([len(text)]) + text)
        self.server.raw[name] = self.answer(name, [self.cname(name, "real.example"), record])
        with self.gw.tls("alias.example") as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")

    def test_64_kib_of_an_answer(self):
        name = "_dstack-app-address.flood.example"
        whole = self.answer(name, [])
        self.server.raw[name] = whole + os.urandom(65535 - 2 - len(whole))
        self.refused("flood.example")
        self.server.raw[name] = self.answer(name, [])[:2] + b"\0\1\xff\xff" + bytes(65000)
        self.refused("more.flood.example")
        self.serves()


class SilentZone(Case):
    """A stranger brings names of a zone that never answers; clients are told apart by what a load balancer says of them."""
    CONFIG = "timeouts: { dns: 20s, shutdown: 300ms }\nproxy: { from: [127.0.0.0/8] }\n"
    MOST, MORE = 128, 60  # RESOLVER_ASKING_OF, and beyond

    @classmethod
    def dns(cls):
        class Some(Dns):
            def answer(self, data):
                found = super().answer(data)
                return None if b"\6silent" in data else found
        cls.server = Some()
        return cls.server.port

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.server.close()

    @staticmethod
    def readable(socks, n):
        """Those that have an answer, if there are so many."""
        found = select.select(socks, [], [], 0)[0]
        return found if len(found) >= n else None

    def line(self, address):
        return f"PROXY TCP4 {address} 192.0.2.1 1000 443\r\n".encode()

    def serves(self, address, host):
        with self.gw.tls(host, first=self.line(address)) as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")

    def test_it_costs_who_brings_its_names(self):
        secure = self.tls_app(echo)
        for name in ("kept", "new"):
            self.server.records[f"_dstack-app-address.{name}.example"] = [(f"app:{secure.port}", 60)]
        self.serves("192.0.2.66", "kept.example")
        held = []
        for n in range(self.MOST + self.MORE):
            s = self.gw.connect()
            self.addCleanup(s.close)
            s.sendall(self.line("192.0.2.66") + hello(f"n{n}.silent.example"))
            held.append(s)
        refused = wait_for("those beyond are refused", lambda: self.readable(held, self.MORE))
        for s in refused:
            self.assertEqual(read_all(s), (alert("unrecognized_name"), "fin"))
        self.serves("192.0.2.66", "kept.example")  # what is known is told to anybody
        self.serves("192.0.2.77", "new.example")


class Slow(unittest.TestCase):
    """Whatever wg(8) does, clients and other registrations do not wait for it."""

    def test_a_wg_that_hangs_holds_nobody_up(self):
        w = World()
        gw = gwlib.Gateway("app i1 127.0.0.1 *\n", before=w.prepare, config=w.config)
        app = gwlib.App(echo)
        try:
            w.set_wg(f"while [ ! -e {gw.dir}/go ]; do sleep 0.05; done")
            self.assertIsInstance(w.register(w.client(1), 1), dict)
            wait_for("it runs", w.wg)
            for n in range(2, 6):  # while it hangs
                self.assertIsInstance(w.register(w.client(n), n), dict)
                with gw.tls(f"app-{app.port}.{DOMAIN}") as s:
                    s.sendall(b"ping")
                    self.assertEqual(s.recv(4), b"ping")
            self.assertFalse(os.path.exists(f"{gw.dir}/go"))
            with open(f"{gw.dir}/go", "w", encoding="ascii"):
                pass
            wait_for("all peers are set", lambda: w.wg().count("allowed-ips") >= 5)
        finally:
            code, log = gw.stop()
            app.close()
        self.assertEqual(code, 0, log[-3000:])


class Killed(unittest.TestCase):
    """Killed between any two lines while instances register: what was answered lasts, and the start is a good one."""
    KILLS = 6

    def test_what_was_answered_lasts(self):
        w = World()
        gw = gwlib.Gateway(before=w.prepare, config=lambda path: w.config(path, ", client_rate: 0", NET))
        contexts = [w.client(n) for n in range(1, 9)]
        answered, stop, lock = {}, threading.Event(), threading.Lock()

        def register(first):
            n = first
            while not stop.is_set():
                try:
                    a = w.register(contexts[n], n + 1)
                    ip = a["wg"]["client_ip"] if isinstance(a, dict) else a
                    with lock:
                        answered.setdefault(n, set()).add(ip)
                except (OSError, http.client.HTTPException, ValueError):
                    pass  # it was killed while it answered
                n = first + (n - first + 1) % 4
        threads = [threading.Thread(target=register, args=(first,)) for first in (0, 4)]
        try:
            for t in threads:
                t.start()
            rng = random.Random(1)
            for _ in range(self.KILLS):
                stop.wait(rng.uniform(0.02, 0.3))
                gw.proc.kill()
                gw.proc.wait(30)
                gw.start()
            wait_for("all were answered", lambda: len(answered) == 8)
        finally:
            stop.set()
            for t in threads:
                t.join(30)
            code, log = gw.stop()
        self.assertEqual(code, 0, log[-3000:])
        # one address each for all that time, and nobody else's
        self.assertEqual([len(ips) for ips in answered.values()], [1] * 8, answered)
        self.assertEqual(len({ip for ips in answered.values() for ip in ips}), 8)


if __name__ == "__main__":
    gwlib.main()
