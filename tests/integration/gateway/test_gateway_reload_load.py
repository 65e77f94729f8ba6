# SPDX-License-Identifier: Apache-2.0
"""Certificates, routes and configuration change a hundred times under load: no connection fails, no body is cut."""
import os
import shutil
import signal
import ssl
import sys
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../soak/gateway"))

import gwlib  # noqa: E402 (the soak's folder is known now)
from apps import Instance, body  # noqa: E402
from clients import Clients, answer_of, fetch, half_close  # noqa: E402
from gwlib import DOMAIN, wait_for  # noqa: E402

RELOADS = int(os.environ.get("GATEWAY_RELOADS", "100"))
PAIRS = 4
# of the load; of our own looks at certificates; of those at a domain that is there or not
ENDS = ("done", "builtin", "unknown_domain")
EXTRA = "extra.test"
CONFIG = "limits: { per_app: %d }\ntimeouts: { idle: %ds }\n"


class Hundred(unittest.TestCase):
    def setUp(self):
        self.gw = gwlib.Gateway("app i1 127.0.0.1 *\n", config=CONFIG % (5000, 60), workers=2)
        with open(f"{self.gw.dir}/gateway.yaml", encoding="ascii") as f:
            self.config = f.read().removesuffix(CONFIG % (5000, 60))
        gwlib.make_certificate(self.gw.dir, EXTRA, "extra")
        for n in range(PAIRS):
            gwlib.make_certificate(self.gw.dir, stem=f"pair{n}")
        self.apps = [Instance("127.0.0.1", 0), Instance("127.0.0.1", 0, gwlib.server_context(self.gw.dir))]

    def tearDown(self):
        code, log = self.gw.stop()
        for app in self.apps:
            app.die()
        self.assertEqual(code, 0, log[-3000:])

    def put(self, name, text):
        """A file that is there whole, or not yet."""
        with open(f"{self.gw.dir}/{name}.new", "w", encoding="ascii") as f:
            f.write(text)
        os.rename(f"{self.gw.dir}/{name}.new", f"{self.gw.dir}/{name}")

    def change(self, n):
        for end in ("pem", "key"):
            shutil.copy(f"{self.gw.dir}/pair{n % PAIRS}.{end}", f"{self.gw.dir}/new")
            os.rename(f"{self.gw.dir}/new", f"{self.gw.dir}/cert.{end}")
        self.gw.set_routes(f"app i{n % 3} 127.0.0.1 *\napp other{n} 127.0.0.1 *\nmore{n} m{n} 127.0.0.1 80\n")
        extra = f"  - {{ name: {EXTRA}, certificate: {self.gw.dir}/extra.pem, key: {self.gw.dir}/extra.key }}\n"
        self.put("gateway.yaml", self.config.replace("dns:", (extra if n % 2 else "") + "dns:") +
                 CONFIG % (4000 + n, 60 + n % 7))
        before = self.gw.metrics()["reloads"]
        self.gw.proc.send_signal(signal.SIGHUP)
        wait_for("all was read", lambda: self.gw.metrics()["reloads"] > before)

    def serves_extra(self):
        """Is the configuration the one with another domain?"""
        try:
            with self.gw.tls(f"health.{EXTRA}"):
                return True
        except ssl.SSLError:
            return False

    def test_nothing_fails(self):
        plain, secure = f"app-{self.apps[0].port}.{DOMAIN}", f"app-{self.apps[1].port}s.{DOMAIN}"
        clients = Clients(self.gw.connect, gwlib.client_context(), {
            "one request": (2, fetch(plain, (0, 1000, 100000)), ("200",)),
            "fifty requests": (2, fetch(plain, (1000, 20000), times=50), ("200",)),
            "app's own TLS": (1, fetch(secure, (1000, 300000), times=3), ("200",)),
            "slow reader": (1, fetch(plain, (300000,), is_slow=True), ("200",)),
            "half-close": (1, half_close(plain), ("200",)),
        }, 60)
        seen = set()
        clients.go.set()
        with self.gw.tls(plain) as through, self.gw.tls(secure) as beside:
            for n in range(RELOADS):
                self.change(n)
                # what was counted may be a reload that the gateway began by itself, halfway through our changes
                wait_for("the configuration counts", lambda n=n: self.serves_extra() == (n % 2 == 1))
                seen.add(self.gw.certificate())
                # connections that were there before the first, and outlive all
                for s in (through, beside):
                    self.assertEqual(answer_of(s, n, plain), ("200", body(n)))
        clients.work(0.1)
        clients.end()
        self.assertEqual(clients.failed, [])
        for kind in ("one request", "fifty requests", "app's own TLS", "slow reader", "half-close"):
            self.assertGreater(clients.ended[f"{kind}: 200"], 0, clients.ended)
        self.assertGreaterEqual(len(seen), PAIRS)  # and it may be the very first, too
        m = wait_for("all ended", lambda: (m := self.gw.metrics())["conns"] == 0 and m)
        self.assertGreaterEqual(m["reloads"], RELOADS)
        self.assertEqual({k for k, v in m.items() if k.startswith("ended{") and v}, {f'ended{{how="{how}"}}' for how in ENDS})
        print(f"{dict(clients.ended)} over {m['reloads']} reloads", file=sys.stderr)


if __name__ == "__main__":
    gwlib.main()
