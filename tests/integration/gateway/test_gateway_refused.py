# SPDX-License-Identifier: Apache-2.0
"""What clients see that are refused: each gets an alert and an orderly end, or a page, and costs nobody else anything."""
import socket
import ssl
import struct
import subprocess
import time

import gwlib
from gwlib import DOMAIN, Case, alert, echo, hello, records, read_all, with_extensions, with_name

LIMITS = """
timeouts: { hello: 300ms, handshake: 300ms, proxy_header: 300ms, connect: 500ms, attempt: 200ms, request: 300ms, shutdown: 300ms }
"""


class Hellos(Case):
    CONFIG = LIMITS

    def test_plain_http_gets_nothing(self):
        self.assertEqual(self.gw.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), (b"", "fin"))

    def test_other_protocols_get_nothing(self):
        for data in (b"SSH-2.0-x\r\n", b"\0", b"\x80\x2e\1\3\1", b"\x15\3\1\0\2\1\0", b"\x16\2\0"):
            self.assertEqual(self.gw.raw(data), (b"", "fin"), data)

    def test_a_megabyte_of_garbage_gets_nothing(self):
        answer, _ = self.gw.raw(b"\xff" * (1 << 20))
        self.assertEqual(answer, b"")

    def test_no_name(self):
        self.assert_alert(with_extensions(b""), "missing_extension")

    def test_names_that_are_none(self):
        for name in (b"", b"a" * 254, b"a" * 300, b"a..b", b".a", b"a b", b"a\0b", b"\xff\xfe", b"a/b", b"10.0.0.1",
                     b"a\r\nb", b'a"b', b"a%00b", b"*." + DOMAIN.encode(), b"a" * 64 + b"." + DOMAIN.encode()):
            self.assert_alert(with_name(name), "illegal_parameter")

    def test_two_names(self):
        one = b"\0\0\0\x08\0\x06\0\0\3a.b"
        self.assert_alert(with_extensions(one + one), "illegal_parameter")

    def test_a_hello_over_16_kib(self):
        self.assert_alert(with_extensions(b"\xfa\xfa\x40\0" + bytes(16384)), "illegal_parameter")

    def test_lengths_that_lie(self):
        good = bytearray(with_name(b"x.app.test"))
        good[51] += 1
        self.assert_alert(bytes(good), "decode_error")

    def test_a_record_of_17_kib(self):
        self.assert_alert(b"\x16\3\1\x44\0" + b"\1\0\x40\0", "record_overflow")

    def test_an_empty_record(self):
        self.assert_alert(b"\x16\3\1\0\0", "unexpected_message")

    def test_another_message_first(self):
        self.assert_alert(records(b"\2\0\0\4abcd"), "unexpected_message")

    def test_another_record_between_pieces(self):
        first = hello(f"app.{DOMAIN}")
        self.assert_alert(records(first[5:25]) + b"\x17\3\3\0\1x", "unexpected_message")

    def test_half_a_hello_is_closed_in_time(self):
        began = time.monotonic()
        self.assertEqual(self.gw.raw(hello(f"app.{DOMAIN}")[:50]), (b"", "fin"))
        self.assertGreater(time.monotonic() - began, 0.2)

    def test_nothing_at_all_is_closed_in_time(self):
        with self.gw.connect() as s:
            self.assertEqual(read_all(s), (b"", "fin"))

    def test_a_byte_at_a_time_does_not_move_the_limit(self):
        with self.gw.connect() as s:
            began = time.monotonic()
            try:
                for byte in hello(f"app.{DOMAIN}"):
                    s.sendall(bytes([byte]))
                    time.sleep(0.05)
            except (BrokenPipeError, ConnectionResetError):
                pass
            self.assertLess(time.monotonic() - began, 10)

    def test_a_handshake_that_stalls_is_closed_in_time(self):
        answer, how = self.gw.raw(hello(f"app.{DOMAIN}"))
        self.assertEqual((answer[:3], how), (b"\x16\3\3", "fin"))

    def test_garbage_after_the_hello(self):
        answer, how = self.gw.raw(hello(f"app.{DOMAIN}") + b"\xff" * 100)
        self.assertEqual((answer[-24:-21], how), (b"\x17\3\3", "fin"))  # an encrypted alert is its last record


class Names(Case):
    CONFIG = LIMITS

    @classmethod
    def routes(cls):
        return ("app i1 127.0.0.1 *\n"
                "closed i2 127.0.0.1 8443,9000p\n"
                "away i3 127.0.0.1 * not-ready\n")

    def refused(self, label, name="unrecognized_name"):
        self.assert_alert(hello(f"{label}.{DOMAIN}"), name)

    def test_labels_that_are_none(self):
        for label in ("app-1-2", "-80", "app-70000", "app-x", "app-0", "app-80gs", "app-80sg"):
            self.refused(label)

    def test_an_unknown_app(self):
        self.refused("nobody")
        self.refused("nobody-s")

    def test_a_name_without_a_dot(self):
        self.assert_alert(with_name(b"localhost"), "unrecognized_name")

    def test_a_port_that_is_not_let_in(self):
        for label in ("closed", "closed-80", "closed-s", "closed-8444", "closed-g"):
            self.refused(label, "access_denied")

    def test_two_labels_below_the_domain_are_no_app(self):
        self.refused("a.app")

    def test_the_domain_itself_is_no_app(self):
        self.assert_alert(hello(DOMAIN), "unrecognized_name")

    def test_built_in_names_have_one_port(self):
        for label in ("gateway-81", "health-8080"):
            self.refused(label)

    def test_built_in_names_are_not_passed_through(self):
        self.refused("gateway-s")

    def test_an_app_without_a_ready_instance(self):
        answer, how = self.gw.request(f"away.{DOMAIN}")
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertEqual(how, "fin")
        self.refused("away-s", "internal_error")

    def test_an_instance_that_is_asked_for_is_tried_though_it_is_not_ready(self):
        app = self.app(echo)
        with self.gw.tls(f"i3-{app.port}.{DOMAIN}") as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")

    def test_alerts_are_told_to_tls_clients(self):
        self.assert_tls_alert("unrecognized_name", f"nobody.{DOMAIN}")
        self.assert_tls_alert("access_denied", f"closed.{DOMAIN}")

    def test_names_are_escaped_in_the_log(self):
        self.gw.raw(with_name(b'a"\n{'))
        self.gw.raw(with_name(b"evil_name.example"))
        gwlib.wait_for("the line", lambda: [a for a in self.gw.access() if a["host"] == "evil_name.example"])


class Upstreams(Case):
    CONFIG = LIMITS

    def test_an_app_that_refuses(self):
        port = gwlib.free_port()
        answer, how = self.gw.request(f"app-{port}.{DOMAIN}")
        self.assertTrue(answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n"), answer)
        self.assertIn(b"\r\nConnection: close\r\n", answer)
        self.assertEqual(how, "fin")

    def test_the_page_of_a_head_request_has_no_body(self):
        answer, _ = self.gw.request(f"app-{gwlib.free_port()}.{DOMAIN}", method="HEAD")
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)

    def test_who_speaks_no_http_gets_close_notify(self):
        with self.gw.tls(f"app-{gwlib.free_port()}.{DOMAIN}") as s:
            s.sendall(b"\0\1binary")
            self.assertEqual(read_all(s), (b"", "fin"))

    def test_who_says_nothing_gets_an_end(self):
        with self.gw.tls(f"app-{gwlib.free_port()}.{DOMAIN}") as s:
            self.assertEqual(read_all(s)[0], b"")

    def h2(self, said, host=None):
        """What a client that chose HTTP/2 gets: [(type, flags, stream, payload)], and how it ended."""
        host = host or f"app-{gwlib.free_port()}g.{DOMAIN}"
        with self.gw.tls(host, ctx=gwlib.client_context(alpn=["h2"])) as s:
            self.assertEqual(s.selected_alpn_protocol(), "h2")
            # our settings come before anything is said: some clients wait for them
            first = b""
            while len(first) < 9:
                first += s.recv(9 - len(first))
            self.assertEqual(first, b"\0\0\0\4\0\0\0\0\0")
            for piece in said:
                s.sendall(piece)
            answer, how = read_all(s)
        frames = []
        while answer:
            n = int.from_bytes(answer[:3], "big")
            frames.append((answer[3], answer[4], int.from_bytes(answer[5:9], "big"), answer[9:9 + n]))
            answer = answer[9 + n:]
        return frames, how

    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    SETTINGS = b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"

    def test_who_speaks_h2_gets_a_page(self):
        get = b"\0\0\3\1\5\0\0\0\1\x82\x87\x84"
        want = (b"\x08\x03502\x0f\x09\x08no-store\x0f\x10\x18text/html; charset=utf-8\x0f\x0d\x03136")
        for said in ([self.PREFACE + self.SETTINGS + get], [self.PREFACE[:5], self.PREFACE[5:], self.SETTINGS, get[:11], get[11:]]):
            frames, how = self.h2(said)
            self.assertEqual([f[:3] for f in frames], [(4, 1, 0), (1, 4, 1), (0, 1, 1), (7, 0, 0)])
            self.assertEqual(frames[1][3], want)
            self.assertIn(b"The app did not take the connection.", frames[2][3])
            self.assertEqual(len(frames[2][3]), 136)
            self.assertEqual((frames[3][3], how), (b"\0\0\0\1\0\0\0\0", "fin"))

    def test_who_calls_by_h2_gets_a_status(self):
        post = b"\0\0\3\1\4\0\0\0\1\x83\x87\x84" + b"\0\0\5\0\1\0\0\0\1hello"
        frames, how = self.h2([self.PREFACE + self.SETTINGS + post])
        self.assertEqual([f[:3] for f in frames], [(4, 1, 0), (1, 5, 1), (3, 0, 1), (7, 0, 0)])
        self.assertEqual((frames[1][3], how), (b"\x08\x03502\x0f\x09\x08no-store", "fin"))

    def test_frames_that_are_wrong_end_it(self):
        goaway = lambda why: [(7, 0, 0, b"\0\0\0\0\0\0\0" + why)]
        self.assertEqual(self.h2([self.PREFACE, b"\xff\xff\xff\4\0\0\0\0\0"]), (goaway(b"\6"), "fin"))
        self.assertEqual(self.h2([self.PREFACE, b"\0\0\0\1\5\0\0\0\1"]), (goaway(b"\1"), "fin"))
        self.assertEqual(self.h2([self.PREFACE + self.SETTINGS * 600]), (goaway(b"\x0b"), "fin"))
        self.assertEqual(self.h2([b"GET / HTTP/1.1\r\n"]), ([], "fin"))

    def test_curl_shows_the_page_of_h2(self):
        port = gwlib.free_port()
        host = f"app-{port}g.{DOMAIN}"
        out = subprocess.run(["curl", "--http2", "-sk", "-w", "%{http_version} %{http_code}", "--resolve",
                              f"{host}:{self.gw.port}:127.0.0.1", f"https://{host}:{self.gw.port}/x"],
                             stdout=subprocess.PIPE, check=False, timeout=60).stdout
        self.assertIn(b"The app did not take the connection.", out)
        self.assertTrue(out.endswith(b"2 502"), out)

    def test_passthrough_to_an_app_that_refuses(self):
        self.assert_alert(hello(f"app-{gwlib.free_port()}s.{DOMAIN}"), "internal_error")

    def test_an_app_that_never_answers(self):
        # a listener whose backlog is full takes no connection and refuses none
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            port = deaf.getsockname()[1]
            fillers = []
            for _ in range(3):
                s = socket.socket()
                s.setblocking(False)
                s.connect_ex(("127.0.0.1", port))
                fillers.append(s)
            answer, how = self.gw.request(f"app-{port}.{DOMAIN}")
            self.assertTrue(answer.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n"), answer)
            self.assertEqual(how, "fin")
            self.assert_alert(hello(f"app-{port}s.{DOMAIN}"), "internal_error")
            for s in fillers:
                s.close()


class Alpn(Case):
    def test_h2_label_wants_h2(self):
        app = self.app(echo)
        host = f"app-{app.port}g.{DOMAIN}"
        self.assert_tls_alert("no_application_protocol", host, ctx=gwlib.client_context(alpn=["http/1.1"]))
        with self.gw.tls(host, ctx=gwlib.client_context(alpn=["http/1.1", "h2"])) as s:
            self.assertEqual(s.selected_alpn_protocol(), "h2")
        with self.gw.tls(host) as s:
            self.assertIsNone(s.selected_alpn_protocol())

    def test_other_labels_take_http1_or_anything(self):
        app = self.app(echo)
        host = f"app-{app.port}.{DOMAIN}"
        for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["foo"], None), (["h2"], None)):
            with self.gw.tls(host, ctx=gwlib.client_context(alpn=offered)) as s:
                self.assertEqual(s.selected_alpn_protocol(), chosen)

    def test_old_versions_are_refused(self):
        old = bytearray(with_name(f"app.{DOMAIN}".encode()))
        old[9:11] = b"\3\1"
        self.assertEqual(self.gw.raw(bytes(old)), (b"\x15\3\1\0\2\2F", "fin"))  # protocol_version, as it speaks

    def test_no_common_cipher(self):
        data = with_name(f"app.{DOMAIN}".encode()).replace(b"\0\2\x13\1", b"\0\2\0\x2f")
        answer, how = self.gw.raw(data)
        self.assertEqual((answer[:1], answer[-1], how), (b"\x15", 40, "fin"))


class OnlyNewTls(Case):
    CONFIG = 'tls: { min: "1.3" }\n'

    def test_12_is_refused(self):
        self.assert_tls_alert("protocol_version", f"app.{DOMAIN}",
                              ctx=gwlib.client_context(newest=ssl.TLSVersion.TLSv1_2))


class ProxyIn(Case):
    CONFIG = LIMITS + "proxy: { from: [127.0.0.0/8] }\n"
    V2 = b"\r\n\r\n\0\r\nQUIT\n"

    @classmethod
    def routes(cls):
        return "app i1 127.0.0.1 *\n"

    def seen(self, header):
        app = self.app(echo)
        gw = self.gw
        gw.set_routes(f"app i1 127.0.0.1 *,{app.port}p\n")
        gwlib.wait_for("new routes", lambda: gw.metrics()["reloads"] > self.reloads)
        self.reloads = gw.metrics()["reloads"]
        with gw.tls(f"app-{app.port}.{DOMAIN}", first=header) as s:
            s.sendall(b"end")
            got = b""
            while not got.endswith(b"end"):
                got += s.recv(4096)
            return got[:-3]

    def setUp(self):
        self.reloads = self.gw.metrics()["reloads"]

    def test_without_one(self):
        self.assertEqual(self.gw.raw(hello(f"app.{DOMAIN}")), (b"", "fin"))

    def test_one_that_is_none(self):
        for data in (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", b"PROXY TCP4 1.2.3.4\r\n", b"P" * 108, b"PROXY " + b"x" * 200,
                     self.V2 + b"\x31\x11\0\x0c", self.V2 + b"\x21\x11\0\0", self.V2 + b"\x21\x11\xff\xff",
                     self.V2[:11] + b"\r"):
            answer, how = self.gw.raw(data)
            self.assertEqual((answer, how), (b"", "fin"), data)

    def test_one_that_does_not_come(self):
        self.assertEqual(self.gw.raw(b"PROXY TCP4"), (b"", "fin"))

    def test_line_is_passed_on(self):
        line = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n"
        self.assertEqual(self.seen(line), line)
        gwlib.wait_for("its address in the log",
                       lambda: [a for a in self.gw.access() if a["client"] == "192.0.2.7:4711"])

    def test_line_of_ipv6_is_passed_on(self):
        line = b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n"
        self.assertEqual(self.seen(line), line)

    def test_unknown_is_passed_on(self):
        self.assertEqual(self.seen(b"PROXY UNKNOWN what ever\r\n"), b"PROXY UNKNOWN\r\n")

    def test_binary_is_passed_on_without_what_is_behind(self):
        addresses = socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 4711, 443)
        self.assertEqual(self.seen(self.V2 + b"\x21\x11\0\x11" + addresses + b"\x04\0\2xy"),
                         self.V2 + b"\x21\x11\0\x0c" + addresses)


class ProxyOut(Case):
    CONFIG = "proxy: { version: v1 }\n"

    def test_an_app_that_wants_it_is_told_who_comes(self):
        app = self.app(echo)
        self.gw.set_routes(f"app i1 127.0.0.1 {app.port}p\n")
        gwlib.wait_for("new routes", lambda: self.gw.metrics()["reloads"] > 0)
        with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
            port = s.getsockname()[1]
            s.sendall(b"end")
            got = b""
            while not got.endswith(b"end"):
                got += s.recv(4096)
            self.assertEqual(got, f"PROXY TCP4 127.0.0.1 127.0.0.1 {port} {self.gw.port}\r\nend".encode())

    def test_a_header_from_elsewhere_is_not_believed(self):
        self.assertEqual(self.gw.raw(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), (b"", "fin"))


if __name__ == "__main__":
    gwlib.main()
