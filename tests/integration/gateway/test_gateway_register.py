# SPDX-License-Identifier: Apache-2.0
"""Instances register: who may, what they get, what lasts, and that clients reach them after."""
import base64
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import unittest

import gwlib
from gwlib import Gateway, wait_for

TOOL = os.environ["GATEWAY_TOOL"]
APP, OTHER_APP = "a0" * 20, "b0" * 20
NO_INFO = "neither app-info nor attestation provided"


def tool(**what):
    out = subprocess.run([TOOL], input=json.dumps(what).encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout)


def key(n):
    return base64.b64encode(bytes([n]) + bytes(31)).decode()


def instance(n):
    return f"{n:040x}"


class World:
    """A KMS's root, the gateway's certificates, a program that stands in for wg(8)."""

    def __init__(self):
        self.ca = tool(do="ca")
        self.port = gwlib.free_port()
        self.n = 0

    def prepare(self, path):
        self.dir = path
        server = tool(do="server", ca_cert=self.ca["cert"], ca_key=self.ca["key"])
        for name, text in (("rpc.pem", server["cert"]), ("rpc.key", server["key"]), ("root.pem", self.ca["cert"]),
                           ("wg.key", base64.b64encode(bytes(range(1, 33))).decode() + "\n")):
            with open(os.open(f"{path}/{name}", os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as f:
                f.write(text)
        self.set_wg("exit 0")

    def set_wg(self, does):
        """What the stand-in does after it wrote down its arguments."""
        with open(f"{self.dir}/wg.new", "w", encoding="ascii") as f:
            f.write(f'#!/bin/sh\n[ "$1" = show ] && {{ cat {self.dir}/handshakes; exit 0; }} 2>/dev/null\n'
                    f'echo "$@" >> {self.dir}/wg.log\n{does}\n')
        os.chmod(f"{self.dir}/wg.new", 0o700)
        os.rename(f"{self.dir}/wg.new", f"{self.dir}/wg")

    def wg(self):
        try:
            with open(f"{self.dir}/wg.log", encoding="ascii") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def config(self, path, registration="", wireguard="address: 127.0.0.1/8, range: 127.0.0.0/28"):
        return (f'registration: {{ listen: "127.0.0.1:{self.port}", certificate: {path}/rpc.pem, key: {path}/rpc.key, '
                f'client_ca: {path}/root.pem, state: {path}/state, url: "https://gw.test:8000"{registration} }}\n'
                f'wireguard: {{ interface: lo, private_key: {path}/wg.key, endpoint: "192.0.2.1:51820", '
                f'program: {path}/wg, {wireguard} }}\n')

    def client(self, n=1, app=APP, **more):
        """A TLS context that shows the certificate of an instance."""
        self.n += 1
        what = {"app_id": app, "instance_id": instance(n), "compose_hash": "cc" * 32, "outer_app_id": app}
        what.update(more)
        ca = what.pop("ca", self.ca)
        leaf = tool(do="client", ca_cert=ca["cert"], ca_key=ca["key"], **what)
        ctx = self.anonymous()
        path = f"{self.dir}/client{self.n}.pem"
        with open(path, "w", encoding="ascii") as f:
            f.write(leaf["cert"] + leaf["key"])
        ctx.load_cert_chain(path)
        return ctx

    def anonymous(self):
        ctx = ssl.create_default_context(cadata=self.ca["cert"])
        ctx.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        return ctx

    def call(self, ctx, body, verb="POST", path="/prpc/RegisterCvm?json"):
        conn = http.client.HTTPSConnection("127.0.0.1", self.port, context=ctx, timeout=30)
        try:
            conn.request(verb, path, body if isinstance(body, (bytes, type(None))) else json.dumps(body))
            r = conn.getresponse()
            return r.status, r.read()
        finally:
            conn.close()

    def register(self, ctx, n, policy=None):
        status, answer = self.call(ctx, {"client_public_key": key(n), "port_policy": policy or
                                         {"ports": [], "restrict_mode": False}})
        return json.loads(answer) if status == 200 else json.loads(answer)["error"]


class Registration(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.gateway = Gateway(before=self.world.prepare, config=self.world.config)

    def restart(self):
        g = self.gateway
        g.proc = subprocess.Popen([f"{gwlib.BIN}/bailey-gateway", "--config", f"{g.dir}/gateway.yaml"],
                                  stdin=subprocess.DEVNULL, stdout=g.log, stderr=g.log)
        wait_for("the gateway serves again", g.is_up, 60)

    def tearDown(self):
        g = self.gateway
        g.proc.send_signal(signal.SIGTERM)
        g.proc.send_signal(signal.SIGTERM)
        code = g.proc.wait(60)
        log = g.logged()
        g.log.close()
        shutil.rmtree(g.dir, ignore_errors=True)
        self.assertEqual(code, 0, log)
        self.assertNotIn("left open", log)

    def test_an_instance_gets_what_a_guest_needs(self):
        w = self.world
        self.assertEqual(w.call(w.anonymous(), None, "GET", "/health"), (200, b"OK"))
        a = w.register(w.client(), 1)
        self.assertEqual(a["wg"]["client_ip"], "127.0.0.2")
        server = a["wg"]["servers"][0]
        self.assertEqual((server["ip"], server["endpoint"]), ("127.0.0.1/8", "192.0.2.1:51820"))
        self.assertEqual(len(base64.b64decode(server["pk"])), 32)
        self.assertEqual(a["agent"], {"external_port": 443, "internal_port": 8090, "domain": gwlib.DOMAIN,
                                      "app_address_ns_prefix": "_dstack-app-address"})
        node = a["gateways"][0]
        self.assertEqual((node["id"], node["url"], node["wg_public_key"], node["wg_ip"], node["wg_endpoint"]),
                         (1, "https://gw.test:8000", server["pk"], server["ip"], server["endpoint"]))
        self.assertEqual(len(node["uuid"]), 32)
        self.assertGreater(node["last_seen"], 1600000000)
        # again the same; another instance another
        self.assertEqual(w.register(w.client(), 1)["wg"], a["wg"])
        self.assertEqual(w.register(w.client(2), 2)["wg"]["client_ip"], "127.0.0.3")
        self.assertEqual(w.call(w.client(), {"client_public_key": key(1)}, path="/prpc/Tproxy.RegisterCvm?json")[0], 200)

    def test_nobody_new_comes_while_routes_cannot_be_made(self):
        """Or an address would get the clients of whoever had it before."""
        w, g = self.world, self.gateway
        w.register(w.client(), 1)
        g.set_routes("what is no route\n")
        w.register(w.client(2), 2)
        wait_for("it says so", lambda: "nobody new registers" in g.logged())
        self.assertIn("try again later", w.register(w.client(3), 3))
        opened = {"ports": [{"port": 80}], "restrict_mode": False}
        self.assertIn("try again later", w.register(w.client(), 1, opened))
        self.assertEqual(w.register(w.client(), 4)["wg"]["client_ip"], "127.0.0.2")  # a new key is no matter
        g.set_routes("")
        wait_for("it registers", lambda: isinstance(w.register(w.client(3), 3), dict))
        self.assertEqual(g.logged().count("nobody new registers"), 1)

    def test_who_may_not_register_is_told_why(self):
        w = self.world
        self.assertEqual(w.register(w.anonymous(), 1), NO_INFO)
        self.assertEqual(w.register(w.client(bare=True), 1), NO_INFO)
        self.assertEqual(w.register(w.client(outer_app_id=OTHER_APP), 1),
                         "the certificate is of two apps: its app id is not its app info's")
        self.assertEqual(w.register(w.client(info="c1"), 1), "the certificate's app info cannot be read")
        self.assertEqual(w.register(w.client(app=""), 1), f"[{instance(1)}] app id is empty")
        self.assertEqual(w.register(w.client(instance_id=""), 1), "[] instance id is empty")
        stranger = tool(do="ca")
        with self.assertRaises((ssl.SSLError, OSError, http.client.HTTPException)):
            w.register(w.client(ca=stranger), 1)
        self.assertIsInstance(w.register(w.client(), 1), dict)
        self.assertEqual(w.register(w.client(2), 1), "WireGuard public key is already registered to another instance")
        self.assertEqual(w.register(w.client(1, app=OTHER_APP), 3),
                         "instance_id is already registered to a different app")
        # an app's id is compared whole
        self.assertEqual(w.register(w.client(3, app=APP[:20], outer_app_id=APP[:20]), 3),
                         "an app's and an instance's id are 20 bytes each")
        for bad in (0, 65536):
            self.assertEqual(w.register(w.client(4), 4, {"ports": [{"port": bad}]}),
                             f"port_policy: {bad} is not a port: 1 to 65535")
        self.assertEqual(w.register(w.client(4), 4, {"ports": [{"port": 1}] * 65}), "port_policy has more than 64 ports")
        self.assertEqual(w.call(w.client(4), b'{"client_public_key":"x; rm"}')[0], 400)
        self.assertEqual(w.call(w.client(4), b"[" * 5000)[0], 400)
        self.assertEqual(w.call(w.client(4), b" " * 20000)[0], 400)
        self.assertEqual(w.call(w.client(4), None, "GET")[0], 405)
        self.assertEqual(w.call(w.client(4), None, "GET", "/prpc")[0], 404)
        self.assertIn("not found", json.loads(w.call(w.client(4), b"{}", path="/prpc/Gateway.RegisterCvm?json")[1])["error"])
        with open(f"{w.dir}/state/instances", encoding="ascii") as f:
            self.assertEqual(len(f.readlines()), 1)

    def test_clients_reach_an_instance_whose_tunnel_is_there(self):
        w = self.world
        app = gwlib.App(gwlib.echo)  # listens on 127.0.0.1 only; the instance's address is 127.0.0.2
        app.listener.close()
        app.listener = gwlib.socket.create_server(("127.0.0.2", 0))
        app.port = app.listener.getsockname()[1]
        threading.Thread(target=app.accept, daemon=True).start()
        w.set_wg("exit 1")
        policy = {"ports": [{"port": app.port}], "restrict_mode": True}
        self.assertIsInstance(w.register(w.client(), 1, policy), dict)
        wait_for("it was tried and said", lambda: "cannot be set" in self.gateway.logged())
        w.set_wg("exit 0")
        wait_for("it is tried again", lambda: "is set again" in self.gateway.logged())

        def echoes():
            ctx = gwlib.client_context()
            with self.gateway.connect() as raw:
                try:
                    with ctx.wrap_socket(raw, server_hostname=f"{APP}-{app.port}.{gwlib.DOMAIN}") as s:
                        s.sendall(b"ping")
                        return s.recv(4) == b"ping"
                except OSError:
                    return False

        wait_for("a client reaches it", echoes)
        # other ports stay closed
        self.assertTrue(self.gateway.raw(gwlib.hello(f"{APP}-{app.port - 1}.{gwlib.DOMAIN}")))
        app.close()

    def test_peers_are_changed_one_at_a_time(self):
        w = self.world
        w.register(w.client(), 1)
        wait_for("the peer is set", lambda: key(1) in w.wg())
        first = w.wg().splitlines()[0]
        self.assertTrue(first.startswith(f"set lo private-key {w.dir}/wg.key listen-port 51820"))
        w.register(w.client(), 2)
        wait_for("the other key is set", lambda: key(2) in w.wg())
        self.assertIn(f"peer {key(1)} remove peer {key(2)} persistent-keepalive 25 allowed-ips 127.0.0.2/32",
                      " ".join(w.wg().split()).replace(" set lo peer", " peer"))
        n = w.wg().count("peer")
        w.register(w.client(), 2)
        self.assertEqual(w.wg().count("peer"), n)

    def test_what_was_answered_survives_a_kill(self):
        w = self.world
        ips = {n: w.register(w.client(n), n)["wg"]["client_ip"] for n in (1, 2, 3)}
        with open(f"{w.dir}/state/instances", "a", encoding="ascii") as f:
            f.write('{"id":"000')  # as a crash leaves it
        self.gateway.proc.kill()
        self.gateway.proc.wait(60)
        with open(f"{w.dir}/wg.log", "w", encoding="ascii"):
            pass
        self.restart()
        wait_for("its peers are set again", lambda: all(key(n) in w.wg() for n in ips))
        wait_for("the app is known", lambda: APP in self.gateway.ask("/routes")[1])
        for n in (3, 1, 2):
            self.assertEqual(w.register(w.client(n), n)["wg"]["client_ip"], ips[n])
        self.assertEqual(w.register(w.client(4), 2), "WireGuard public key is already registered to another instance")

    def test_a_file_that_nobody_wrote_stops_the_start(self):
        g = self.gateway
        g.proc.send_signal(signal.SIGKILL)
        g.proc.wait(60)
        with open(f"{g.dir}/state/instances", "w", encoding="ascii") as f:
            f.write('{"gone":"x"}\n{"id":"../../x"}\n')
        out = subprocess.run([f"{gwlib.BIN}/bailey-gateway", "--config", f"{g.dir}/gateway.yaml"],
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, timeout=60)
        self.assertEqual(out.returncode, 1)
        self.assertIn(b"state/instances: line 2", out.stderr)
        os.unlink(f"{g.dir}/state/instances")
        self.restart()

    def test_an_app_cannot_use_up_the_range(self):
        for n in range(1, 14):
            self.assertIsInstance(self.world.register(self.world.client(n), n), dict)
        self.assertEqual(self.world.register(self.world.client(20), 20),
                         "IP pool exhausted, no available addresses in client_ip_range")


class Forgetful(unittest.TestCase):
    """The same with short memory."""
    tearDown = Registration.tearDown

    def setUp(self):
        self.world = World()
        self.gateway = Gateway(before=self.world.prepare,
                               config=lambda path: self.world.config(path, ", forget: 1s, per_app: 2, client_rate: 0"))

    def test_who_does_not_come_again_is_forgotten(self):
        w = self.world
        self.assertEqual(w.register(w.client(1), 1)["wg"]["client_ip"], "127.0.0.2")
        wait_for("it is recycled", lambda: "recycled 1 stale instances" in self.gateway.logged())
        wait_for("its peer is removed", lambda: f"peer {key(1)} remove" in w.wg())
        wait_for("it has no clients", lambda: APP not in self.gateway.ask("/routes")[1])
        self.assertEqual(w.register(w.client(2), 1)["wg"]["client_ip"], "127.0.0.2")


if __name__ == "__main__":
    unittest.main(verbosity=2)
