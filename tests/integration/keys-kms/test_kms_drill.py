#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The failure drill: a guest asks for its keys while key services are killed, stopped, gone, others than they seem

The guest's own program and real services.  A service is killed in each step of the exchange, from the first connection
to the middle of the answer, and is there again when the guest asks again; or it stays away, and there is another URL.
"""
import concurrent.futures
import contextlib
import http.server
import json
import os
import signal
import socket
import ssl
import tempfile
import threading

from guestlib import Asking, guest, spki, wait_for_cert
from kmslib import APP, Kms, free_port, main

SECRETS = ("disk_crypt_key", "env_crypt_key", "k256_key", "k256_signature")
WORKERS = 3


class Wire:
    """Between guest and service: calls @act when the @conn-th connection has carried @at bytes of its @way, once.

    Not more than those are carried then, and the connection ends."""

    def __init__(self, port, conn=-1, way="up", at=0, act=lambda: None):
        self.port, self.plan, self.act = port, (conn, way, at), act
        self.carried = []  # of each connection: bytes of each way
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "https://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(60)

    def serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.carried.append({"up": 0, "down": 0})
            threading.Thread(target=self.carry, args=(near, len(self.carried) - 1), daemon=True).start()

    def is_here(self, conn, way):
        return (conn, way) == self.plan[:2]

    def carry(self, near, conn):
        far = None
        try:
            if self.is_here(conn, "up") and self.plan[2] == 0:
                self.act()
                return
            far = socket.create_connection(("127.0.0.1", self.port))
            back = threading.Thread(target=self.pump, args=(far, near, conn, "down"), daemon=True)
            back.start()
            self.pump(near, far, conn, "up")
            back.join(60)
        except OSError:
            pass
        finally:
            for s in (near, far):
                if s:
                    s.close()

    def pump(self, a, b, conn, way):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                counts = self.carried[conn]
                last = self.is_here(conn, way) and counts[way] + len(data) >= self.plan[2]
                if last:
                    data = data[:self.plan[2] - counts[way]]
                b.sendall(data)
                counts[way] += len(data)
                if last:
                    self.act()
                    break
        for s in (a, b):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)


def keys_of(kms):
    status, keys = kms.app_key()
    assert status == 200, keys
    return keys


def check(asked, keys, url, tries=None):
    """It has the service's keys, said in a line what each failure was, and no secret."""
    got, why, said = asked
    assert got, (why, said)
    assert {k: got[k] for k in SECRETS} == {k: keys[k] for k in SECRETS}
    assert got["key_provider"]["Kms"]["url"] == f"{url}/prpc", got["key_provider"]
    lines = [x for x in said.splitlines() if x]
    assert f"keys: from {url}" in lines[-1], said
    assert all("keys: " in x and "https://" in x for x in lines), said
    assert tries is None or len(lines) == tries, said
    assert not any(keys[k] in said for k in SECRETS) and "PRIVATE KEY" not in said
    return lines


def refused(asked, *words):
    got, why, said = asked
    assert not got and why.startswith("Failed to get app keys from KMS: ") and "\n" not in why, asked
    assert all(w in why for w in words), (why, words)
    assert "PRIVATE KEY" not in said
    return why


def counts_of_a_good_run(kms, pin, keys):
    with Wire(kms.port) as wire, Asking([wire.url], key_provider_id=pin) as g:
        check(g.ask(), keys, wire.url, 1)
    assert len(wire.carried) == 2, wire.carried
    return wire.carried


def places(counts):
    """Of both calls: the connection, in hello and answer to it, in the request, in the middle of the answer."""
    return [(conn, way, at) for conn, c in enumerate(counts) for way, at in
            (("up", 0), ("up", 100), ("down", 1), ("down", 900), ("up", c["up"] - 60), ("down", c["down"] - 300))]


def drill(todo):
    """A worker: its own service, killed at one place after the other."""
    with Kms().start() as kms:
        keys, pin = keys_of(kms), spki(kms.ask("GetTempCaCert")["ca_cert"])

        def again():
            kms.stop(signal.SIGKILL)
            kms.start()

        for conn, way, at in todo:
            with Wire(kms.port, conn, way, at, again) as wire, Asking([wire.url], key_provider_id=pin) as g:
                lines = check(g.ask(), keys, wire.url)
                assert len(lines) == 2, (conn, way, at, lines)
                assert ("GetAppKey" if conn else "GetTempCaCert") + f": {wire.url}: " in lines[0], (conn, way, at, lines)
        assert kms.lines("refused") == [] and all(x["allowed"] and x["app_id"] == APP for x in kms.lines("audit"))
    return len(todo)


def test_killed_on_the_way():
    with Kms().start() as kms:
        keys, pin = keys_of(kms), spki(kms.ask("GetTempCaCert")["ca_cert"])
        todo = places(counts_of_a_good_run(kms, pin, keys))
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(drill, [todo[i::WORKERS] for i in range(WORKERS)])) == 12


def test_killed_at_work():
    """Once it knows who asks, and once the audit line is written: the guest asks again, and there is a line for each."""
    with Kms() as kms:
        kms.env["BAILEY_INJECT"] = "@" + kms.path("inject")
        kms.start()
        keys, pin = keys_of(kms), spki(kms.ask("GetTempCaCert")["ca_cert"])
        for point, n in (("kms.app_key.authorised", 1), ("kms.app_key.audited", 2)):
            before = len(kms.lines("audit"))
            kms.write("inject", point)
            with Asking([f"https://127.0.0.1:{kms.port}"], key_provider_id=pin) as g, \
                    concurrent.futures.ThreadPoolExecutor(1) as pool:
                asked = pool.submit(g.ask)
                kms.process.wait(60)
                assert kms.process.returncode == -signal.SIGKILL, kms.log()
                os.unlink(kms.path("inject"))
                kms.start()
                lines = check(asked.result(), keys, f"https://127.0.0.1:{kms.port}")
                assert "GetAppKey: " in lines[0], lines
            assert len(kms.lines("audit")) == before + n, kms.lines("audit")


def test_the_second_is_there():
    """The first is away, hangs, is another or no service at all; the second has the same root as the app's pin."""
    with Kms().start() as kms, Kms().start() as other, Kms().start() as hangs, contextlib.ExitStack() as stack:
        keys, pin = keys_of(kms), spki(kms.ask("GetTempCaCert")["ca_cert"])
        url = f"https://127.0.0.1:{kms.port}"
        breaks = stack.enter_context(Wire(kms.port, 1, "down", 900))
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        garbage = stack.enter_context(Talker(b"SSH-2.0-none\r\n"))
        plain = stack.enter_context(Talker(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
        hangs.process.send_signal(signal.SIGSTOP)
        firsts = [(f"https://127.0.0.1:{free_port()}", "cannot connect"),
                  (f"https://127.0.0.1:{other.port}", "Unexpected key provider id"),
                  (breaks.url, "GetAppKey"), (garbage.url, "GetTempCaCert"), (plain.url, "GetTempCaCert"),
                  ("https://127.0.0.1:%d" % silent.getsockname()[1], "no answer in time"),
                  (f"https://127.0.0.1:{hangs.port}", "no answer in time")]

        def one(first):
            with Asking([first[0], url], key_provider_id=pin) as g:
                lines = check(g.ask(), keys, url, 2)
                assert first[0] in lines[0] and first[1] in lines[0], (first, lines)

        try:
            with concurrent.futures.ThreadPoolExecutor(len(firsts)) as pool:
                list(pool.map(one, firsts))
        finally:
            hangs.process.send_signal(signal.SIGCONT)
        assert other.lines("audit") == other.lines("refused") == hangs.lines("audit") == []
        # another key in the compose, none at all, and a service that says no: each is said, at once
        with Asking([url, f"https://127.0.0.1:{other.port}"], key_provider_id="30" * 91) as g:
            refused(g.ask(), url, "Unexpected key provider id", f"127.0.0.1:{other.port}")
        with Asking([url]) as g:
            assert "the app does not say which KMS it means" in g.ask()[1]
        with Asking([url], key_provider_unpinned=True) as g:
            check(g.ask(), keys, url, 1)
        kms.allow({"os_images": [], "apps": []})
        with Asking([f"https://127.0.0.1:{free_port()}", url], key_provider_id=pin) as g:
            refused(g.ask(), "cannot connect", "App not allowed: Boot denied")
        assert len(kms.lines("refused")) == 1


class Talker:
    """Says its words to whoever comes."""

    def __init__(self, words):
        self.words, self.listener = words, socket.create_server(("127.0.0.1", 0))
        self.url = "https://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.listener.accept()
                with s, contextlib.suppress(OSError):
                    s.recv(65536)
                    s.sendall(self.words)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Impostor:
    """An app of the key service, at the place of it: it has a certificate of the same root for this address."""

    def __init__(self, kms, made):
        impostor = self
        self.asked, self.status, self.answer = [], 200, {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                method = self.path.rpartition("/")[2].removesuffix("?json")
                impostor.asked.append(method)
                status, answer = kms.call(method, body) if method == "GetTempCaCert" else (impostor.status, impostor.answer)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w") as f:
            f.write("".join(made["certificate_chain"]) + made["key"])
            f.flush()
            context.load_cert_chain(f.name)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = "https://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_an_app_is_no_service():
    with Kms().start() as kms:
        keys, pin = keys_of(kms), spki(kms.ask("GetTempCaCert")["ca_cert"])
        with guest(kms, keys) as a:
            wait_for_cert(a)
            made = a.call("/GetTlsKey", {"subject": "x", "alt_names": ["127.0.0.1"], "usage_server_auth": True})
        with Impostor(kms, made) as lie:
            for lie.status, lie.answer in ((200, keys), (400, {"error": "no such app"})):
                with Asking([lie.url], key_provider_id=pin) as g:
                    why = refused(g.ask(), lie.url, "GetAppKey: Invalid server cert usage: app:custom")
                    assert "no such app" not in why
                with Asking([lie.url, f"https://127.0.0.1:{kms.port}"], key_provider_id=pin) as g:
                    check(g.ask(), keys, f"https://127.0.0.1:{kms.port}", 2)
            for lie.status, lie.answer in ((200, {"certificate_chain": made["certificate_chain"]}), (400, {"error": "no"})):
                with guest(kms, keys, url=f"{lie.url}/prpc") as a:
                    a.refused("/GetTlsKey", {"subject": "x"}, "Invalid server cert usage: app:custom")
                    assert "SignCert" in lie.asked


main([test_killed_on_the_way, test_killed_at_work, test_the_second_is_there, test_an_app_is_no_service])
