# SPDX-License-Identifier: Apache-2.0
"""Many who say little, or nothing: each costs itself its connection and nobody else anything."""
import os
import resource
import threading
import time

import gwlib
from gwlib import DOMAIN, Case, echo, hello, read_all

SOFT = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, SOFT))
MANY = int(os.environ.get("GATEWAY_FLOOD", "1500"))


class HalfOpen(Case):
    CONFIG = "timeouts: { hello: 60s, handshake: 60s, shutdown: 300ms }\nlimits: { half_open: 500 }\n"

    def works(self):
        app = self.app(echo)
        began = time.monotonic()
        with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")
        return time.monotonic() - began

    def memory_kib(self):
        with open(f"/proc/{self.gw.proc.pid}/status", encoding="ascii") as f:
            return int(f.read().split("VmRSS:")[1].split()[0])

    def flood(self, data, n):
        conns = []
        for _ in range(n):
            s = self.gw.connect()
            if data:
                s.sendall(data)
            conns.append(s)
        return conns

    def test_half_open_handshakes_are_bounded(self):
        self.works()
        before = self.memory_kib()
        conns = self.flood(hello(f"app.{DOMAIN}"), MANY)
        gwlib.wait_for("all were seen", lambda: self.gw.metrics()["accepted"] >= MANY)
        self.assertLessEqual(self.gw.metrics()["half_open"], 501)
        self.assertGreaterEqual(self.gw.ended("half_open"), MANY - 600)
        self.assertLess(self.works(), 20)
        with open(f"{gwlib.BIN}/bailey-gateway", "rb") as f:
            is_sanitized = b"__asan_init" in f.read()  # which keeps what is freed
        if not is_sanitized:
            self.assertLess(self.memory_kib() - before, 100 * 1024)
        for s in conns:
            s.close()
        gwlib.wait_for("they are gone", lambda: self.gw.metrics()["conns"] == 0)

    def test_silent_ones_are_bounded_too(self):
        accepted = self.gw.metrics()["accepted"]
        conns = self.flood(b"", 600) + self.flood(hello(f"app.{DOMAIN}")[:100], 600)
        gwlib.wait_for("all were seen", lambda: self.gw.metrics()["accepted"] >= accepted + 1200)
        self.assertLessEqual(self.gw.metrics()["half_open"], 501)
        self.assertLess(self.works(), 20)
        for s in conns:
            s.close()
        gwlib.wait_for("they are gone", lambda: self.gw.metrics()["conns"] == 0)


class Full(Case):
    CONFIG = "limits: { connections: 20 }\n"

    def test_beyond_the_limit_they_are_closed_and_later_served(self):
        app = self.app(echo)
        held = [self.gw.tls(f"app-{app.port}.{DOMAIN}") for _ in range(20)]
        with self.gw.connect() as extra, self.gw.connect() as more:
            for s in (extra, more):
                try:
                    s.sendall(hello(f"app-{app.port}.{DOMAIN}"))
                except OSError:
                    pass
            self.assertEqual(read_all(more)[0], b"")
        self.assertGreaterEqual(self.gw.ended("full"), 1)
        for s in held:
            s.close()
        gwlib.wait_for("they are gone", lambda: self.gw.metrics()["conns"] == 0)
        with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")


class Rate(Case):
    CONFIG = "limits: { client_rate: 1, client_burst: 5 }\n"

    def test_one_address_is_slowed_down(self):
        app = self.app(echo)
        served = 0
        for _ in range(30):
            try:
                with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
                    served += 1
            except OSError:
                pass
        self.assertLess(served, 30)
        self.assertGreater(self.gw.ended("rate"), 0)


class Files(Case):
    """A process that runs out of descriptors goes on once it has some again."""

    def test_out_of_descriptors(self):
        app = self.app(echo)
        limit = len(os.listdir(f"/proc/{self.gw.proc.pid}/fd")) + 20
        old = resource.prlimit(self.gw.proc.pid, resource.RLIMIT_NOFILE, (limit, SOFT))
        conns = [self.gw.connect() for _ in range(60)]
        time.sleep(0.3)
        for s in conns:
            s.close()
        resource.prlimit(self.gw.proc.pid, resource.RLIMIT_NOFILE, old)

        def works():
            with self.gw.tls(f"app-{app.port}.{DOMAIN}") as s:
                s.sendall(b"ping")
                return s.recv(4) == b"ping"
        gwlib.wait_for("it serves", works)


class Mixed(Case):
    """Faults of all kinds at once: descriptors and connections come back to what they were."""
    WORKERS = 2
    CONFIG = "timeouts: { hello: 300ms, handshake: 300ms, connect: 500ms, idle: 2s, shutdown: 300ms, request: 300ms }\n"

    def one(self, n, app, secure, dead):
        try:
            kind = n % 8
            host = f"app-{app.port}.{DOMAIN}"
            if kind == 0:
                self.gw.raw(os.urandom(200))
            elif kind == 1:
                self.gw.raw(hello(host)[:n % 200])
            elif kind == 2:
                self.gw.request(f"app-{dead}.{DOMAIN}")
            elif kind == 3:
                gwlib.reset(self.gw.tls(host))
            elif kind == 4:
                with self.gw.tls(host) as s:
                    s.sendall(os.urandom(300000))
            elif kind == 5:
                with self.gw.tls(f"app-{secure.port}s.{DOMAIN}") as s:
                    s.sendall(b"x" * 200000)
                    s.recv(1000)
            elif kind == 6:
                self.gw.raw(hello(f"nobody{n}.{DOMAIN}"))
            else:
                s = self.gw.connect()
                s.sendall(hello(host))
                gwlib.reset(s)
        except OSError:
            pass

    def test_everything_comes_back(self):
        app, secure, dead = self.app(echo), self.tls_app(echo), gwlib.free_port()

        def run(start):
            for n in range(start, start + 24):
                self.one(n, app, secure, dead)
        for _ in range(2):
            threads = [threading.Thread(target=run, args=(i * 1000,)) for i in range(6)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            gwlib.wait_for("all ended", lambda: self.gw.metrics()["conns"] == 0)
            files = len(os.listdir(f"/proc/{self.gw.proc.pid}/fd"))
            m = self.gw.metrics()
            self.assertEqual((m["half_open"], m['app_conns{app="app"}']), (0, 0))
            self.assertEqual(m["accepted"], sum(v for k, v in m.items() if k.startswith("ended{")))
        self.assertLess(files, 150)


if __name__ == "__main__":
    gwlib.main()
