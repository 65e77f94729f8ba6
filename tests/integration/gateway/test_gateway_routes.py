# SPDX-License-Identifier: Apache-2.0
"""Where connections go: instances by load and health, limits of apps, custom domains by TXT, built-in names, what is told."""
import json
import socket
import threading
import time
import unittest

import gwlib
from gwlib import DOMAIN, Case, alert, echo, hello, read_all


class Dns:
    """Answers TXT questions: records is name -> list of (text, ttl); what is not there does not exist."""

    def __init__(self):
        self.records, self.asked, self.silent = {}, [], False
        self.sock, self.tcp = gwlib.wait_for("a port that is free for both", self.sockets)
        self.port = self.sock.getsockname()[1]
        self.raw = {}
        threading.Thread(target=self.serve, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    @staticmethod
    def sockets():
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            return udp, socket.create_server(udp.getsockname())
        except OSError:  # somebody's of TCP
            udp.close()
            return None

    def serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(4096)
            except OSError:
                return
            answer = self.answer(data)
            if answer and not self.silent:
                self.sock.sendto(answer if len(answer) <= 512 else answer[:2] + b"\x87\x80\0\1\0\0\0\0\0\0" +
                                 self.question, peer)

    def serve_tcp(self):
        while True:
            try:
                conn, _ = self.tcp.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(5)
                n = int.from_bytes(conn.recv(2), "big")
                answer = self.answer(conn.recv(n))
                conn.sendall(len(answer).to_bytes(2, "big") + answer)

    def answer(self, data):
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        self.question = data[12:at + 5]
        name = ".".join(labels).lower()
        self.asked.append(name)
        if name in self.raw:
            return data[:2] + self.raw[name]
        found = self.records.get(name, [])
        flags = b"\x85\x80" if found else b"\x85\x83"
        out = data[:2] + flags + b"\0\1" + len(found).to_bytes(2, "big") + b"\0\0\0\0" + self.question
        for text, ttl in found:
            strings = text if isinstance(text, list) else [text]
            rdata = b"".join(bytes([len(s)]) + s for s in (t.encode() for t in strings))
            out += b"\xc0\x0c\0\x10\0\1" + ttl.to_bytes(4, "big") + len(rdata).to_bytes(2, "big") + rdata
        return out

    def close(self):
        self.sock.close()
        self.tcp.close()


class Custom(Case):
    CONFIG = "timeouts: { dns: 400ms, shutdown: 300ms }\n"

    @classmethod
    def dns(cls):
        cls.server = Dns()
        return cls.server.port

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.server.close()

    def setUp(self):
        self.server.silent = False
        self.secure = self.tls_app(echo)

    def reaches(self, host):
        with self.gw.tls(host) as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")

    def set(self, name, text, ttl=60):
        self.server.records[name] = [(text, ttl)]

    def test_record_of_the_name(self):
        self.set("_dstack-app-address.one.example", f"app:{self.secure.port}")
        self.reaches("one.example")
        self.reaches("ONE.example.")  # kept, and without regard to case
        self.assertEqual(self.server.asked.count("_dstack-app-address.one.example"), 1)
        self.assertEqual(self.server.asked.count("_tapp-address.one.example"), 1)

    def test_record_of_an_instance(self):
        self.set("_dstack-app-address.two.example", f"i1:{self.secure.port}")
        self.reaches("two.example")

    def test_legacy_record(self):
        self.set("_tapp-address.old.example", f"app:{self.secure.port}")
        self.reaches("old.example")

    def test_the_first_source_wins(self):
        self.set("_tapp-address.both.example", "nobody:1")
        self.set("_dstack-app-address.both.example", f"app:{self.secure.port}")
        self.reaches("both.example")

    def test_record_of_the_wildcard(self):
        self.set("_dstack-app-address-wildcard.wild.example", f"app:{self.secure.port}")
        self.reaches("any.wild.example")
        self.refused("any.more.wild.example")  # one level only

    def refused(self, host):
        self.assert_alert(hello(host), "unrecognized_name")

    def test_no_record(self):
        self.refused("none.example")
        asked = [name for name in self.server.asked if name.endswith(".none.example")]
        self.refused("none.example")  # that there is none is kept, too
        self.assertEqual([name for name in self.server.asked if name.endswith(".none.example")], asked)
        self.assertNotIn("_dstack-app-address-wildcard.example", self.server.asked)

    def test_records_that_are_none(self):
        for n, text in enumerate(("", "app", "app:", ":443", "app:0", "app:65536", "app:443s", "a-b:443", "app:443:1",
                                  "app\0:443", "x" * 64 + ":443", "app: 443")):
            self.set(f"_dstack-app-address.bad{n}.example", text)
            self.set(f"_dstack-app-address-wildcard.bad{n}.example", f"app:{self.secure.port}")
            self.refused(f"bad{n}.example")

    def test_a_wrong_record_is_not_passed_over(self):
        self.set("_dstack-app-address.wrong.example", "nonsense")
        self.set("_tapp-address.wrong.example", f"app:{self.secure.port}")
        self.refused("wrong.example")

    def test_only_the_first_string_counts(self):
        self.set("_dstack-app-address.strings.example", [f"app:{self.secure.port}", "x"])
        self.reaches("strings.example")

    def test_an_answer_too_large_for_udp(self):
        self.server.records["_dstack-app-address.large.example"] = [(f"app:{self.secure.port}", 60)] + [("x" * 250, 60)] * 200
        self.reaches("large.example")

    def test_answers_that_lie(self):
        for n, raw in enumerate((b"", b"\x85\x80\0\1\xff\xff\0\0\0\0", b"\x85\x80\0\0\0\1\0\0\0\0\xc0\x0c\0\x10\0\1",
                                 b"\x85\x80\0\1\0\1\0\0\0\0\xc0\x0c")):
            self.server.raw[f"_dstack-app-address.lie{n}.example"] = raw
            self.refused(f"lie{n}.example")

    def test_an_app_that_is_not_there(self):
        self.set("_dstack-app-address.gone.example", "nobody:443")
        self.refused("gone.example")

    def test_no_answer(self):
        self.server.silent = True
        began = time.monotonic()
        self.refused("silent.example")
        self.assertLess(time.monotonic() - began, 20)

    def test_many_who_ask_are_one_question(self):
        self.server.silent = True
        conns = [self.gw.connect() for _ in range(20)]
        for s in conns:
            s.sendall(hello("crowd.example"))
        gwlib.wait_for("all wait", lambda: self.gw.metrics()["dns_asked"] >= 20)
        for s in conns:
            self.assertEqual(read_all(s), (alert("unrecognized_name"), "fin"))
            s.close()
        self.assertLessEqual(self.server.asked.count("_dstack-app-address.crowd.example"), 3)  # with its repetitions

    def test_short_lives_end(self):
        self.set("_dstack-app-address.short.example", f"app:{self.secure.port}", ttl=0)
        self.reaches("short.example")
        time.sleep(1.1)
        self.reaches("short.example")
        self.assertEqual(self.server.asked.count("_dstack-app-address.short.example"), 2)

    def test_the_longest_name(self):
        # with the prefix it is longer than a name of DNS may be
        self.refused(".".join(["a" * 60] * 4) + ".example")


class Young(Case):
    """A gateway that was just started waits for tunnels; a TCP connect to a multicast address says at once that nobody is there."""
    CONFIG = "timeouts: { connect: 4s, shutdown: 300ms }\n"

    @classmethod
    def routes(cls):
        return "away i1 224.0.0.1 *\ngone g1 224.0.0.1 *\n"

    def test_clients_wait_for_who_comes_back(self):
        app, gone = self.app(echo), []
        other = threading.Thread(target=lambda: gone.append(self.gw.request(f"gone-{app.port}.{DOMAIN}")))
        with self.gw.tls(f"away-{app.port}.{DOMAIN}") as s:
            s.sendall(b"ping")
            gwlib.wait_for("it was tried more than once", lambda: self.gw.metrics()["connects"] > 1)
            other.start()
            self.gw.set_routes("away i1 127.0.0.1 *\ngone g1 224.0.0.1 *\n")
            self.assertEqual(s.recv(4), b"ping")
        other.join()  # but not for ever
        answer, how = gone[0]
        self.assertTrue(answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n"), answer)
        self.assertEqual(how, "fin")


class Balance(Case):
    CONFIG = "timeouts: { attempt: 300ms, connect: 2s, shutdown: 300ms }\nlimits: { per_app: 5 }\n"

    @classmethod
    def routes(cls):
        lines = [f"many m{n} 127.0.0.{n} *" for n in range(1, 5)]
        return "\n".join(lines + ["half h1 127.0.0.1 *", "half h2 127.1.1.1 *", "app i1 127.0.0.1 *", "v6 s1 ::1 *", ""])

    def test_connections_are_spread(self):
        got = []
        listener = socket.create_server(("0.0.0.0", 0))
        port = listener.getsockname()[1]
        held = []
        for _ in range(4):
            s = self.gw.tls(f"many-{port}.{DOMAIN}")
            held.append(s)
            conn, _ = listener.accept()
            held.append(conn)
            got.append(conn.getsockname()[0])
        self.assertEqual(sorted(got), [f"127.0.0.{n}" for n in range(1, 5)])
        for s in held:
            s.close()
        listener.close()

    def test_one_that_refuses_is_passed_over_and_rests(self):
        app = self.app(echo)  # listens on 127.0.0.1 only
        for _ in range(12):
            with self.gw.tls(f"half-{app.port}.{DOMAIN}") as s:
                s.sendall(b"ping")
                self.assertEqual(s.recv(4), b"ping")
        self.assertLess(self.gw.metrics()["connect_failures"], 6)
        routes = json.loads(self.gw.ask("/routes")[1])["apps"]
        resting = [i["id"] for a in routes if a["app"] == "half" for i in a["instances"]
                   if i["resting_ports"]]
        self.assertEqual(resting, ["h2"])

    def test_limit_of_an_app_is_over_all_of_it(self):
        app = self.app(echo)
        held = []
        for n in range(5):
            s = self.gw.tls(f"app-{app.port}.{DOMAIN}" if n % 2 else f"i1-{app.port}.{DOMAIN}")
            s.sendall(b"x")
            s.recv(1)
            held.append(s)
        answer, how = self.gw.request(f"app-{app.port}.{DOMAIN}")
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertEqual(how, "fin")
        self.assert_alert(hello(f"app-{app.port}s.{DOMAIN}"), "internal_error")
        for s in held:
            s.close()

        def free():
            with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
                s.sendall(b"GET / HTTP/1.1\r\n\r\n")
                return s.recv(4) == b"GET "
        gwlib.wait_for("a place is free again", free)

    def test_ipv6(self):
        try:
            listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            self.skipTest("no IPv6 here")
        with self.gw.tls(f"v6-{listener.getsockname()[1]}.{DOMAIN}") as s:
            conn, _ = listener.accept()
            conn.sendall(b"six")
            self.assertEqual(s.recv(3), b"six")
            conn.close()
        listener.close()


class OverIpv6(Case):
    """Clients that come by IPv6, and those that come by IPv4 to the same socket."""

    @classmethod
    def setUpClass(cls):
        try:
            socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True).close()
        except (OSError, ValueError):
            raise unittest.SkipTest("no IPv6 here")
        super().setUpClass()

    LISTEN = "[::]"

    def test_both_are_served_and_told_apart(self):
        app = self.app(echo)
        self.gw.set_routes(f"app i1 127.0.0.1 {app.port}p\n")
        gwlib.wait_for("new routes", lambda: self.gw.metrics()["reloads"] > 0)
        for address, family in (("::1", b"TCP6"), ("127.0.0.1", b"TCP4")):
            raw = socket.create_connection((address, self.gw.port), 30)
            with gwlib.client_context().wrap_socket(raw, server_hostname=f"app-{app.port}.{DOMAIN}") as s:
                s.sendall(b"end")
                got = b""
                while not got.endswith(b"end"):
                    got += s.recv(4096)
            line = f" {address} {address} ".encode()
            self.assertTrue(got.startswith(b"PROXY " + family + line), got)

    CONFIG = "proxy: { version: v1 }\n"


class Builtin(Case):
    CONFIG = "timeouts: { request: 500ms, shutdown: 300ms }\n"

    def get(self, host, path="/", method="GET"):
        answer, how = self.gw.request(f"{host}.{DOMAIN}", path, method)
        self.assertEqual(how, "fin")
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def test_health(self):
        self.assertEqual(self.get("health"), (200, b""))
        self.assertEqual(self.get("health", "/x"), (404, b""))
        self.assertEqual(self.get("health", method="POST"), (404, b""))

    def test_gateway(self):
        index = b'{"type":"dstack gateway","paths":["/index","/app-info","/acme-info"]}'
        self.assertEqual(self.get("gateway", "/health"), (200, b""))
        for path in ("/.dstack/index", "/index", "/.dstack/.dstack/index?x=1"):
            self.assertEqual(self.get("gateway", path), (200, index))
        self.assertEqual(self.get("gateway", "/"), (404, b""))
        self.assertEqual(self.get("gateway", "/health", "POST"), (405, b""))
        status, body = self.get("gateway", "/.dstack/acme-info")
        self.assertEqual(status, 200)
        self.assertEqual(set(json.loads(body)), {"account_uri", "hist_keys", "quoted_hist_keys", "account_quote",
                                                 "account_attestation"})

    def test_requests_that_are_none(self):
        with self.gw.tls(f"gateway.{DOMAIN}") as s:
            s.sendall(b"GET nothing\r\n\r\n")
            self.assertTrue(read_all(s)[0].startswith(b"HTTP/1.1 400 "))
        with self.gw.tls(f"gateway.{DOMAIN}") as s:
            s.sendall(b"GET / HTTP/1.1\r\nx: " + b"y" * 9000)
            self.assertTrue(read_all(s)[0].startswith(b"HTTP/1.1 431 "))
        with self.gw.tls(f"gateway.{DOMAIN}") as s:
            s.sendall(b"GET / HTTP/1.1\r\n")  # and no more
            self.assertEqual(read_all(s)[0], b"")


class Told(Case):
    def test_access_log_and_metrics(self):
        app = self.app(echo)
        with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
            s.sendall(b"12345")
            s.recv(5)
            s.unwrap()
        line = gwlib.wait_for("a line", lambda: [a for a in self.gw.access() if a["app"] == "app"])[0]
        self.assertEqual((line["host"], line["instance"], line["port"], line["tls"], line["up"], line["down"], line["end"]),
                         (f"app-{app.port}.{DOMAIN}", "i1", app.port, "1.3", 5, 5, "done"))
        m = self.gw.metrics()
        self.assertEqual((m["handshakes"], m["bytes_up"], m["bytes_down"], m['app_accepted{app="app"}']), (1, 5, 5, 1))
        self.assertEqual(self.gw.ask("/nothing")[0], 404)
        self.assertEqual(self.gw.ask("/readyz"), (200, "ok\n"))


class Mistakes(Case):
    """What an operator gets told."""

    def check(self, text):
        import subprocess
        path = f"{self.gw.dir}/wrong.yaml"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run([f"{gwlib.BIN}/bailey-gateway", "-c", path, "--check-config"], capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stderr

    def test_configurations(self):
        for text, want in (("listen: [nowhere]\n", "listen"), ("x: 1\n", "x"), ("domains: [{name: Upper.Case, certificate: /a, key: /b}]\n", "domain"),
                           ("proxy: { from: [10.0.0.0/40] }\n", "network"), ("timeouts: { idle: 1 }\n", "idle"),
                           ("routes: relative\n", "absolute"), ("dns: { prefix: a.b }\n", "label"),
                           ("domains: [{name: a.b, certificate: /a, key: /b}, {name: a.b, certificate: /a, key: /b}]\n", "twice")):
            code, said = self.check(text)
            self.assertEqual(code, 1, text)
            self.assertIn(want, said)
        self.assertEqual(self.check("log: debug\n"), (0, ""))


if __name__ == "__main__":
    gwlib.main()
