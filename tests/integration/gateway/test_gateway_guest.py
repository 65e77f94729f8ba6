# SPDX-License-Identifier: Apache-2.0
"""A guest's side of registration against the gateway itself: who is believed, what is set up, ready and leaving, failover."""
import http.server
import json
import os
import socket
import socketserver
import subprocess
import threading
import unittest

import gwlib
import test_gateway_register as register
from gwlib import wait_for
from test_gateway_register import APP, OTHER_APP, World, instance, tool

GATEWAY = "60" * 20


class GatewayWorld(World):
    """The gateway is an app of the KMS's, too."""

    def prepare(self, path):
        super().prepare(path)
        server = tool(do="server", ca_cert=self.ca["cert"], ca_key=self.ca["key"], outer_app_id=GATEWAY)
        for name in ("cert", "key"):
            with open(f"{path}/rpc.{'pem' if name == 'cert' else 'key'}", "w", encoding="ascii") as f:
                f.write(server[name])


class Agent(socketserver.UnixStreamServer):
    """GetTlsKey of the guest's agent."""

    def __init__(self, world, path):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.path == "/GetTlsKey" and asked["with_app_info"] and asked["usage_client_auth"], asked
                leaf = tool(do="client", ca_cert=world.ca["cert"], ca_key=world.ca["key"], app_id=APP,
                            instance_id=instance(1), compose_hash="cc" * 32, outer_app_id=APP)
                body = json.dumps({"key": leaf["key"], "certificate_chain": [leaf["cert"], world.ca["cert"]]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self):
                return "guest"

            def log_message(self, *_):
                pass
        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Guest(unittest.TestCase):
    def setUp(self):
        self.world = GatewayWorld()
        self.gateway = gwlib.Gateway(before=self.world.prepare, config=lambda path: self.world.config(
            path, wireguard="address: 10.8.0.1/24, range: 10.8.0.0/28"))
        self.url = f"https://127.0.0.1:{self.world.port}"
        self.agent = Agent(self.world, f"{self.gateway.dir}/dstack.sock")
        self.init, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.theirs = theirs
        self.init.settimeout(60)
        self.guest = None

    def start(self, *urls, app_id=GATEWAY):
        fd = self.theirs.fileno()
        with open(f"{self.gateway.dir}/said", "wb") as said:
            self.guest = subprocess.Popen([os.environ["GUEST_SESSION"], app_id, f"{self.gateway.dir}/dstack.sock",
                                           self.gateway.dir, str(fd), *urls], stdin=subprocess.DEVNULL, stdout=said,
                                          stderr=subprocess.DEVNULL, pass_fds=(fd,))
        self.theirs.close()

    def tearDown(self):
        self.init.close()
        code = self.guest.wait(60) if self.guest else None
        self.agent.shutdown()
        self.agent.server_close()
        register.Registration.tearDown(self)
        self.assertEqual(code, 0)

    def hears(self, word):
        text = self.init.recv(4096).decode()
        self.assertEqual(text[0], word, text)
        return text[1:]

    def said(self):
        with open(f"{self.gateway.dir}/said", encoding="ascii") as f:
            return f.read()

    def state(self):
        apps = json.loads(self.gateway.ask("/routes")[1])["apps"]
        return [i for a in apps if a["app"] == APP for i in a["instances"]]

    def test_from_boot_to_stop(self):
        self.start("https://127.0.0.1:1", self.url)  # nobody is at the first
        self.assertIn(f"registered with {self.url}, address 10.8.0.2", self.hears("R"))
        self.assertIn("allowed-ips 10.8.0.1/32 endpoint 192.0.2.1:51820\nip route replace 10.8.0.1/32 dev dstack-wg0\n", self.said())
        self.assertIn("ip addr add 10.8.0.2/32 dev dstack-wg0\n", self.said())
        wait_for("it is known", self.state)
        self.assertIs(self.state()[0]["ready"], False)
        self.init.send(b"U")
        wait_for("it is ready", lambda: self.state()[0]["ready"])
        with open(f"{self.gateway.dir}/status.json", encoding="utf-8") as f:
            status = json.load(f)
        self.assertEqual((status["url"], status["domain"], status["error"]), (self.url, gwlib.DOMAIN, ""))
        self.init.send(b"L")
        self.hears("L")
        wait_for("it is not ready", lambda: not self.state()[0]["ready"])

    def test_an_app_of_the_same_kms_is_no_gateway(self):
        self.start(self.url, app_id=OTHER_APP)
        self.assertIn(f"it is the app {GATEWAY}, not the gateway {OTHER_APP}", self.hears("E"))
        self.assertEqual(self.said().count("peer"), 0)


if __name__ == "__main__":
    unittest.main()
