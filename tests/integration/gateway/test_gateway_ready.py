# SPDX-License-Identifier: Apache-2.0
"""Which of an app's instances get clients: who is ready, whose tunnel lives, whose port answers."""
import hashlib
import http.server
import json
import signal
import socket
import subprocess
import threading
import time
import unittest

import gwlib
from gwlib import wait_for
from test_gateway_register import APP, OTHER_APP, Registration, World, instance, key


def named(name):
    """An app that says who it is, and then everything back."""
    def handler(conn):
        conn.sendall(name)
        gwlib.echo(conn)
    return handler


class AppAt(gwlib.App):
    """The same at an address of an instance."""

    def __init__(self, address, port, handler):
        self.address = address
        super().__init__(handler)
        self.close()
        self.listener = socket.create_server((address, port), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()


class Base(unittest.TestCase):
    REGISTRATION = ""
    WIREGUARD = "address: 127.0.0.1/8, range: 127.0.0.0/28"

    def setUp(self):
        self.world = World()
        self.gateway = gwlib.Gateway(before=self.world.prepare, config=lambda path: self.world.config(
            path, self.REGISTRATION, self.WIREGUARD))
        self.apps = []
        self.port = self.app("127.0.0.2", 0, b"2").port

    tearDown = Registration.tearDown
    restart = Registration.restart

    def app(self, address, port, name):
        app = AppAt(address, port, named(name))
        self.apps.append(app)
        self.addCleanup(app.close)
        return app

    def says(self, n, ready=None, port=None):
        body = {"client_public_key": key(n), "port_policy": {"ports": [{"port": port or self.port}]}}
        if ready is not None:
            body["ready"] = ready
        status, answer = self.world.call(self.world.client(n), body)
        self.assertEqual(status, 200, answer)

    def reached(self, host=APP, port=None):
        """Who answers, or what page there is instead."""
        name = f"{host}-{port or self.port}.{gwlib.DOMAIN}"
        try:
            with self.gateway.tls(name) as s:
                s.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
                return s.recv(1) if s.getpeername() else b""
        except OSError:
            return b"refused"

    def page(self, host=APP):
        return self.gateway.request(f"{host}-{self.port}.{gwlib.DOMAIN}")[0].split(b"\r\n")[0]

    def states(self):
        text = self.gateway.ask("/routes")[1]
        return {i["id"]: i for a in json.loads(text)["apps"] for i in a["instances"]}


class Ready(Base):
    def test_an_app_gets_clients_from_ready_until_it_leaves(self):
        self.says(1, ready=False)
        wait_for("it is known", lambda: APP in self.gateway.ask("/routes")[1])
        wait_for("its peer is set", lambda: key(1) in self.world.wg())
        self.assertEqual(self.page(), b"HTTP/1.1 503 Service Unavailable")
        self.assertEqual(self.reached(instance(1)), b"2")  # its own id leads there
        self.says(1, ready=True)
        wait_for("it gets clients", lambda: self.reached() == b"2")
        with self.gateway.tls(f"{APP}-{self.port}.{gwlib.DOMAIN}") as stays:
            self.assertEqual(stays.recv(1), b"2")
            self.says(1, ready=False)
            wait_for("it gets none", lambda: self.reached() == b"H")
            self.assertEqual(self.page(), b"HTTP/1.1 503 Service Unavailable")
            stays.sendall(b"still")
            self.assertEqual(stays.recv(5), b"still")
        # and that outlives a crash, while who says nothing is ready
        self.gateway.proc.kill()
        self.gateway.proc.wait(60)
        self.restart()
        self.assertEqual(self.page(), b"HTTP/1.1 503 Service Unavailable")
        self.says(1)
        wait_for("it gets clients", lambda: self.reached() == b"2")

    def test_a_start_refuses_nobody_while_peers_are_set(self):
        self.says(1)
        wait_for("it gets clients", lambda: self.reached() == b"2")
        self.gateway.proc.kill()
        self.gateway.proc.wait(60)
        self.world.set_wg("exit 1")
        self.restart()
        self.assertEqual(self.reached(), b"2")

    def test_clients_go_to_who_is_ready(self):
        self.app("127.0.0.3", self.port, b"3")
        self.says(1)
        self.says(2, ready=False)
        wait_for("both are known", lambda: len(self.states()) == 2 and self.states()[instance(1)]["ready"])
        self.assertEqual({self.reached() for _ in range(6)}, {b"2"})
        self.says(2, ready=True)
        wait_for("the other has clients, too", lambda: self.reached() == b"3")
        self.says(1, ready=False)
        wait_for("the first has none", lambda: not self.states()[instance(1)]["ready"])
        self.assertEqual({self.reached() for _ in range(6)}, {b"3"})

    def test_a_port_that_refuses_does_not_take_the_others_away(self):
        other = self.app("127.0.0.3", 0, b"3").port  # on the second only
        self.app("127.0.0.3", self.port, b"3")
        self.says(1)
        self.says(2)
        wait_for("both are ready", lambda: [i["ready"] for i in self.states().values()] == [True, True])
        # the first refuses this port: whoever comes gets to the second, and the first still has the rest
        self.assertEqual({self.reached(port=other) for _ in range(8)}, {b"3"})
        self.assertFalse(self.states()[instance(1)]["resting"])
        wait_for("the first is still chosen", lambda: self.reached() == b"2")
        self.assertGreater(self.gateway.metrics()["connect_failures"], 0)


class Thief(Base):
    """Registrations that ask for what is another's: each is refused or gets its own, and the victim keeps its clients."""

    def setUp(self):
        super().setUp()
        self.says(1)
        wait_for("the victim has clients", lambda: self.reached() == b"2")
        with open(f"{self.world.dir}/state/instances", encoding="ascii") as f:
            self.before = f.read()

    def tearDown(self):
        self.assertEqual(self.reached(), b"2")
        with open(f"{self.world.dir}/state/instances", encoding="ascii") as f:
            self.assertTrue(f.read().startswith(self.before))
        self.assertNotIn(f"peer {key(1)} remove", self.world.wg())
        super().tearDown()

    def error(self, ctx, **body):
        status, answer = self.world.call(ctx, body)
        self.assertEqual(status, 400)
        return json.loads(answer)["error"]

    def test_the_key_of_another(self):
        taken = "WireGuard public key is already registered to another instance"
        self.assertEqual(self.error(self.world.client(2), client_public_key=key(1)), taken)
        self.assertEqual(self.error(self.world.client(2, app=OTHER_APP), client_public_key=key(1)), taken)
        self.says(2)
        self.assertEqual(self.error(self.world.client(2), client_public_key=key(1)), taken)  # nor later

    def test_the_address_of_another(self):
        body = {"client_public_key": key(2), "client_ip": "127.0.0.2", "wg": {"client_ip": "127.0.0.2"},
                "address": "127.0.0.2"}
        status, answer = self.world.call(self.world.client(2), body)
        self.assertEqual((status, json.loads(answer)["wg"]["client_ip"]), (200, "127.0.0.3"))

    def test_the_app_of_another(self):
        body = {"client_public_key": key(2), "app_id": APP, "instance_id": instance(1), "port_policy": {}}
        status, answer = self.world.call(self.world.client(2, app=OTHER_APP, outer_app_id=OTHER_APP), body)
        self.assertEqual((status, json.loads(answer)["wg"]["client_ip"]), (200, "127.0.0.3"))
        wait_for("it is its own app's", lambda: OTHER_APP in self.gateway.ask("/routes")[1])
        self.assertEqual({self.reached() for _ in range(4)}, {b"2"})
        self.assertEqual(self.error(self.world.client(1, app=OTHER_APP, outer_app_id=OTHER_APP), client_public_key=key(3)),
                         "instance_id is already registered to a different app")
        self.assertEqual(self.error(self.world.client(3, outer_app_id=OTHER_APP), client_public_key=key(3)),
                         "the certificate is of two apps: its app id is not its app info's")


class Silent(Base):
    """With a short limit, and a wg(8) that says when handshakes were."""
    WIREGUARD = "silence: 1s, address: 127.0.0.1/8, range: 127.0.0.0/28"

    def handshakes(self, *numbers):
        with open(f"{self.world.dir}/handshakes.new", "w", encoding="ascii") as f:
            for n in numbers:
                f.write(f"{key(n)}\t{int(time.time() * 1000)}\n")
        subprocess.run(["mv", f"{self.world.dir}/handshakes.new", f"{self.world.dir}/handshakes"], check=True)

    def test_who_is_silent_comes_last(self):
        self.app("127.0.0.3", self.port, b"3")
        self.says(1)
        self.says(2)

        def first_is_silent():
            self.handshakes(2)  # each time another
            s = self.states()
            return s.get(instance(1), {}).get("silent") and not s[instance(2)]["silent"]

        wait_for("the first is silent", first_is_silent)
        self.assertEqual({self.reached() for _ in range(6)}, {b"3"})
        self.assertEqual(self.reached(instance(1)), b"2")
        self.says(2, ready=False)
        wait_for("the second is not ready", lambda: not self.states()[instance(2)]["ready"])
        self.assertEqual(self.reached(), b"2")  # better than nobody


class Agent:
    """The agent of a guest that says no port policy when it registers."""

    def __init__(self, address, port, answer):
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                outer.asked.append(self.path)
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                try:
                    for piece in answer():
                        self.wfile.write(piece)
                except OSError:
                    pass

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def info(compose):
    return [json.dumps({"tcb_info": json.dumps({"app_compose": compose}) if compose else ""}).encode()]


class Legacy(Base):
    def setUp(self):
        self.agent_port = gwlib.free_port()
        self.REGISTRATION = f", agent_port: {self.agent_port}"
        super().setUp()
        self.compose = json.dumps({"manifest_version": 2, "name": "old", "runner": "bash", "bash_script": "true",
                                   "port_policy": {"restrict_mode": True, "ports": [{"port": self.port}]}})

    def agent(self, answer, address="127.0.0.2"):
        agent = Agent(address, self.agent_port, answer)
        self.addCleanup(agent.close)
        return agent

    def registers(self, n=1, compose=None):
        ctx = self.world.client(n, compose_hash=hashlib.sha256((compose or self.compose).encode()).hexdigest())
        self.assertEqual(self.world.call(ctx, {"client_public_key": key(n)})[0], 200)

    def is_denied(self, host):
        return self.gateway.raw(gwlib.hello(f"{host}-{self.port}.{gwlib.DOMAIN}")) == (
            gwlib.alert("access_denied"), "fin")

    def test_a_policy_is_asked_for_over_the_tunnel(self):
        self.registers()
        wait_for("its peer is set", lambda: key(1) in self.world.wg())
        self.assertTrue(self.is_denied(instance(1)))
        # the agent comes later; it is asked again
        agent = self.agent(lambda: info(self.compose))
        wait_for("it gets clients", lambda: self.reached() == b"2")
        self.assertEqual(agent.asked, ["/prpc/Info?json"])
        self.assertTrue(self.gateway.raw(gwlib.hello(f"{APP}-{self.port - 1}.{gwlib.DOMAIN}"))[0])
        # and it lasts
        self.registers()
        self.gateway.proc.kill()
        self.gateway.proc.wait(60)
        self.restart()
        self.assertEqual(self.reached(), b"2")
        self.assertEqual(len(agent.asked), 1)

    def test_who_does_not_answer_holds_up_no_end(self):
        hold, g = threading.Event(), self.gateway
        self.addCleanup(hold.set)
        agent = self.agent(lambda: [] if hold.wait(120) else [])
        self.registers()
        wait_for("it is asked", lambda: agent.asked)
        g.proc.send_signal(signal.SIGTERM)
        self.assertEqual(g.proc.wait(60), 0)
        self.assertIn("ends without an answer", g.logged())

    def test_what_is_not_its_own_is_not_believed(self):
        """It says another compose than its certificate; nothing at all; more than is read."""
        zeros = bytes(65536)
        answers = {1: lambda: info(self.compose.replace("true", "else")), 2: lambda: info(""),
                   3: lambda: (zeros for _ in range(200))}
        agents = {n: self.agent(answer, f"127.0.0.{n + 1}") for n, answer in answers.items()}
        for n in agents:
            self.registers(n)
        wait_for("two are said", lambda: self.gateway.logged().count("none of its ports is open") >= 2)
        self.assertIn("its app_compose is not the one of its certificate", self.gateway.logged())
        self.assertIn("public_tcbinfo is false", self.gateway.logged())
        wait_for("the third was asked again", lambda: len(agents[3].asked) > 1)
        for n in agents:
            self.registers(n)  # again as before
            self.assertTrue(self.is_denied(instance(n)))
        self.assertEqual([len(agents[1].asked), len(agents[2].asked)], [1, 1])
        # whoever says its ports itself needs no asking
        self.says(2)
        wait_for("its port opens", lambda: self.reached(instance(2)) == b"H")


del Registration  # its tests run elsewhere

if __name__ == "__main__":
    unittest.main(verbosity=2)
