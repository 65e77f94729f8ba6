# SPDX-License-Identifier: Apache-2.0
"""Certificates and routes change under load, the gateway ends: no connection is lost that need not be."""
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

import gwlib
from gwlib import DOMAIN, Case, Gateway, echo

BODY = bytes(range(256)) * 256
RELOADS = int(os.environ.get("GATEWAY_RELOADS", "10"))


def web(conn):
    """HTTP/1.1 with connections that stay."""
    got = b""
    while True:
        while b"\r\n\r\n" not in got:
            data = conn.recv(4096)
            if not data:
                return
            got += data
        got = got.split(b"\r\n\r\n", 1)[1]
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)


class Load:
    """Clients that count what went wrong."""

    def __init__(self, gw, host, n=3):
        self.gw, self.host, self.stop, self.done, self.failed = gw, host, threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,), daemon=True) for i in range(n)]
        for t in self.threads:
            t.start()

    def run(self, is_kept):
        while not self.stop.is_set():
            try:
                conn = http.client.HTTPConnection("localhost")
                conn.sock = self.gw.tls(self.host)
                for _ in range(20 if is_kept else 1):
                    conn.request("GET", "/")
                    if conn.getresponse().read() != BODY:
                        self.failed.append("a body is not whole")
                    self.done += 1
                conn.close()
            except Exception as e:  # whatever it is, it counts
                self.failed.append(repr(e))

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join(60)
        return self.failed


class Reload(Case):
    WORKERS = 2
    CONFIG = "limits: { per_app: 0 }\n"

    def serial(self):
        with self.gw.tls(f"health.{DOMAIN}") as s:
            return s.getpeercert(binary_form=True)

    def reloads(self):
        return self.gw.metrics()["reloads"]

    def test_certificates_and_routes_change_under_load(self):
        app = self.app(web)
        load = Load(self.gw, f"app-{app.port}.{DOMAIN}")
        seen = {self.serial()}
        for n in range(RELOADS):
            gwlib.make_certificate(self.gw.dir)
            self.gw.set_routes(f"app i{n % 2} 127.0.0.1 *\nother o{n} 127.0.0.1 *\n")
            before = self.reloads()
            self.gw.proc.send_signal(signal.SIGHUP)
            gwlib.wait_for("it was read", lambda: self.reloads() > before)
            seen.add(self.serial())
        gwlib.wait_for("requests go on", lambda: load.done > 20 or load.failed)
        self.assertEqual(load.end(), [])
        self.assertGreater(len(seen), RELOADS // 2)
        self.assertIn("other", self.gw.ask("/routes")[1])

    def test_a_change_is_found_without_a_signal(self):
        before = self.reloads()
        self.gw.set_routes("app i1 127.0.0.1 *\nfound f1 127.0.0.1 *\n")
        gwlib.wait_for("it was found", lambda: self.reloads() > before)
        self.assertIn("found", self.gw.ask("/routes")[1])

    def test_what_is_wrong_stays_as_it_was(self):
        good = self.serial()
        with open(f"{self.gw.dir}/cert.key", encoding="ascii") as f:
            key = f.read()
        for text in ("", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
            failed = self.gw.metrics()["reloads_failed"]
            with open(f"{self.gw.dir}/cert.key", "w", encoding="ascii") as f:
                f.write(text)
            self.gw.proc.send_signal(signal.SIGHUP)
            gwlib.wait_for("it failed", lambda: self.gw.metrics()["reloads_failed"] > failed)
            self.assertEqual(self.serial(), good)
        with open(f"{self.gw.dir}/cert.key", "w", encoding="ascii") as f:
            f.write(key)
        failed = self.gw.metrics()["reloads_failed"]
        self.gw.set_routes("app i1 nowhere *\n")
        self.gw.proc.send_signal(signal.SIGHUP)
        gwlib.wait_for("it failed", lambda: self.gw.metrics()["reloads_failed"] > failed)
        self.assertIn(f"{self.gw.dir}/routes:1: ", self.gw.logged())
        app = self.app(echo)
        with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")
        self.gw.set_routes("app i1 127.0.0.1 *\n")
        self.gw.proc.send_signal(signal.SIGHUP)

    def test_sessions_outlive_a_reload(self):
        app = self.app(echo)
        host, ctx = f"app-{app.port}.{DOMAIN}", gwlib.client_context()
        with self.gw.tls(host, ctx=ctx) as s:
            s.sendall(b"x")
            s.recv(1)
            session = s.session
        before = self.reloads()
        self.gw.proc.send_signal(signal.SIGHUP)
        gwlib.wait_for("it was read", lambda: self.reloads() > before)
        with self.gw.tls(host, ctx=ctx, session=session) as s:
            self.assertTrue(s.session_reused)


class Domains(Case):
    DOMAINS = ("app.test", "more.example")

    def test_each_has_its_certificate_and_its_tickets(self):
        app = self.app(echo)
        ctx = gwlib.client_context()
        sessions, certificates = [], set()
        for domain in self.DOMAINS:
            with self.gw.tls(f"app-{app.port}.{domain}", ctx=ctx) as s:
                s.sendall(b"x")
                s.recv(1)
                sessions.append(s.session)
                certificates.add(s.getpeercert(binary_form=True))
        self.assertEqual(len(certificates), 2)
        with self.gw.tls(f"app-{app.port}.{self.DOMAINS[0]}", ctx=ctx, session=sessions[1]) as s:
            self.assertFalse(s.session_reused)


class Rotation(Case):
    CONFIG = "tls: { rotate: 2s }\n"

    def test_old_tickets_resume_for_a_while_and_then_no_more(self):
        app = self.app(echo)
        host, ctx = f"app-{app.port}.{DOMAIN}", gwlib.client_context(newest=ssl.TLSVersion.TLSv1_2)
        with self.gw.tls(host, ctx=ctx) as s:
            session = s.session
        time.sleep(2.2)

        def resumes():
            with self.gw.tls(host, ctx=ctx, session=session) as s:
                return s.session_reused
        self.assertTrue(resumes())
        gwlib.wait_for("its key is gone", lambda: not resumes())


class Ending(unittest.TestCase):
    def test_what_runs_may_end_by_itself(self):
        gw = Gateway("app i1 127.0.0.1 *\n", workers=2)
        app = gwlib.App(echo)
        s = gw.tls(f"app-{app.port}.{DOMAIN}")
        gw.proc.send_signal(signal.SIGTERM)
        gwlib.wait_for("it drains", lambda: gw.ask("/readyz")[0] == 503)
        gwlib.wait_for("nobody is let in", lambda: self.is_closed(gw))
        s.sendall(b"still")
        self.assertEqual(s.recv(5), b"still")
        s.unwrap().close()
        self.assertEqual(gw.proc.wait(30), 0)
        gw.stop()
        app.close()

    def is_closed(self, gw):
        try:
            gw.connect(1).close()
            return False
        except ConnectionRefusedError:
            return True

    def test_what_does_not_end_is_ended(self):
        gw = Gateway("app i1 127.0.0.1 *\n", config="timeouts: { drain: 500ms }\n")
        app = gwlib.App(echo)
        s = gw.tls(f"app-{app.port}.{DOMAIN}")
        gw.proc.send_signal(signal.SIGTERM)
        self.assertEqual(gw.proc.wait(30), 0)
        s.close()
        gw.stop()
        app.close()

    @unittest.skipIf(os.geteuid() != 0, "not root: nobody else to become")
    def test_root_becomes_another(self):
        def config(path):
            os.chmod(path, 0o755)
            shutil.chown(f"{path}/cert.key", "nobody")  # what it reads it must be able to read again
            return "user: nobody\n"

        gw = Gateway("app i1 127.0.0.1 *\n", config=config)
        with open(f"/proc/{gw.proc.pid}/status", encoding="ascii") as f:
            status = f.read()
        for line in ("Uid:", "Gid:"):
            self.assertEqual(len(set(status.split(line)[1].split("\n")[0].split())), 1)
        self.assertNotIn("\t0\t", status.split("Uid:")[1].split("\n")[0])
        self.assertIn("NoNewPrivs:\t1", status)
        app = gwlib.App(echo)
        with gw.tls(f"app-{app.port}.{DOMAIN}") as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")
        self.assertEqual(gw.stop()[0], 0)
        app.close()

    def start(self, text):
        gw_dir = gwlib.tempfile.mkdtemp(prefix="bailey-gateway-")
        gwlib.make_certificate(gw_dir)
        gwlib.make_certificate(gw_dir, "other.test", "other")
        with open(f"{gw_dir}/y", "w", encoding="ascii") as f:
            f.write(text.replace("DIR", gw_dir))
        done = subprocess.run([f"{gwlib.BIN}/bailey-gateway", "-c", f"{gw_dir}/y"], capture_output=True, text=True,
                              check=False, timeout=60, stdin=subprocess.DEVNULL)
        gwlib.shutil.rmtree(gw_dir)
        return done.returncode, done.stderr

    def test_mistakes_that_a_start_finds(self):
        domain = "domains: [{ name: app.test, certificate: DIR/%s, key: DIR/%s }]\n"
        port = gwlib.free_port()
        with socket.create_server(("127.0.0.1", 0)) as busy:
            for text, want in ((domain % ("none.pem", "cert.key"), "none.pem"), (domain % ("cert.key", "cert.key"), "no certificate"),
                               (domain % ("cert.pem", "other.key"), "is not that of its certificate"),
                               (domain % ("other.pem", "other.key"), "not for *.app.test"),
                               ("routes: DIR/none\n", "none"),
                               (f"listen: ['127.0.0.1:{busy.getsockname()[1]}']\n", "listening on 127.0.0.1"),
                               ("access_log: { file: /nowhere/log }\n", "access log"), ("user: no-such-user\n", "no-such-user")):
                code, said = self.start((f"listen: ['127.0.0.1:{port}']\n" if "listen" not in text else "") + text)
                self.assertEqual(code, 1, said)
                self.assertIn(want, said)

    def test_a_certificate_that_has_ended_is_told_and_served(self):
        gw = Gateway("app i1 127.0.0.1 *\n")
        gwlib.make_certificate(gw.dir, days="1")
        gw.proc.send_signal(signal.SIGHUP)
        gwlib.wait_for("it is told", lambda: "ends in " in gw.logged())
        end = [v for k, v in gw.metrics().items() if k.startswith("certificate_ends")][0]
        self.assertLess(end - time.time(), 90000)
        gw.stop()


if __name__ == "__main__":
    gwlib.main()
