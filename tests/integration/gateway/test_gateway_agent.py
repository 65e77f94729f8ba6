# SPDX-License-Identifier: Apache-2.0
"""The gateway in a guest: its identity and what proves its keys come from the guest's agent, here a stand-in."""
import hashlib
import http.client
import json
import os
import pwd
import shutil
import signal
import ssl
import subprocess
import tempfile
import unittest

import gwlib
from gwlib import Gateway, wait_for
from standin import Agent
from test_gateway_register import APP, World, key, tool


class InGuest(World):
    """A KMS's root and an agent that has its certificates signed by it."""

    def __init__(self):
        super().__init__()
        self.seconds, self.app = 3600, APP
        self.agent = None

    def prepare(self, path):
        super().prepare(path)
        for name in ("rpc.pem", "rpc.key", "root.pem"):
            os.unlink(f"{path}/{name}")
        self.agent = Agent(f"{path}/agent.sock", {"GetTlsKey": self.get_tls_key})

    def get_tls_key(self, question):
        leaf = tool(do="server", ca_cert=self.ca["cert"], ca_key=self.ca["key"], outer_app_id=self.app,
                    seconds=self.seconds)
        self.question = question
        return {"key": leaf["key"], "certificate_chain": [leaf["cert"], self.ca["cert"]]}

    def config(self, path, registration="", wireguard="address: 127.0.0.1/8, range: 127.0.0.0/28"):
        return (f'agent: {path}/agent.sock\nstate: {path}/state\n'
                f'registration: {{ listen: "127.0.0.1:{self.port}", names: [127.0.0.1, gw.test]{registration} }}\n'
                f'wireguard: {{ interface: lo, private_key: {path}/wg.key, endpoint: "192.0.2.1:51820", '
                f'program: {path}/wg, {wireguard} }}\n')

    def serial(self):
        """Of the certificate that the service shows; None: it is not open."""
        try:
            with gwlib.socket.create_connection(("127.0.0.1", self.port), 30) as raw:
                with self.anonymous().wrap_socket(raw, server_hostname="127.0.0.1") as s:
                    return s.getpeercert()["serialNumber"]
        except ConnectionRefusedError:
            return None


class WithOperators(InGuest):
    """Who administer it at a port that somebody else has until close()."""

    def __init__(self):
        super().__init__()
        self.other = gwlib.socket.create_server(("127.0.0.1", 0))
        self.admin_port = self.other.getsockname()[1]

    def prepare(self, path):
        super().prepare(path)
        with open(os.open(f"{path}/token", os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as f:
            f.write("0123456789abcdef\n")

    def config(self, path, *args):
        return (super().config(path, *args) +
                f'admin_rpc: {{ listen: "127.0.0.1:{self.admin_port}", token_file: {path}/token }}\n')

    def status(self):
        try:
            conn = http.client.HTTPSConnection("127.0.0.1", self.admin_port, context=self.anonymous(), timeout=30)
            conn.request("GET", "/healthz")
            return conn.getresponse().status
        except OSError:
            return None


class Identity(unittest.TestCase):
    WORLD = InGuest

    def setUp(self):
        self.world = self.WORLD()
        self.gateway = Gateway(before=self.world.prepare, config=self.world.config)

    def tearDown(self):
        g = self.gateway
        g.proc.send_signal(signal.SIGTERM)
        g.proc.send_signal(signal.SIGTERM)
        code = g.proc.wait(90)
        log = g.logged()
        g.log.close()
        self.world.agent.stop()
        shutil.rmtree(g.dir, ignore_errors=True)
        self.assertEqual(code, 0, log)
        self.assertNotIn("left open", log)

    def test_the_service_opens_when_the_agent_has_given_a_certificate(self):
        w, g = self.world, self.gateway
        wait_for("it says why it is not open", lambda: "are not open yet" in g.logged())
        self.assertIn("agent.sock", g.logged())
        self.assertIsNone(w.serial())
        w.agent.start()
        wait_for("it is open", w.serial)
        self.assertEqual(g.logged().count("are not open yet"), 1)
        q = w.question
        self.assertEqual(q["alt_names"], ["127.0.0.1", "gw.test"])
        self.assertTrue(q["usage_ra_tls"] and q["usage_server_auth"] and q["usage_client_auth"] and q["with_app_info"])
        # guests of that KMS register
        self.assertEqual(w.register(w.client(), 1)["wg"]["client_ip"], "127.0.0.2")
        self.assertTrue(os.path.exists(f"{g.dir}/state/instances"))

    def test_a_certificate_is_replaced_before_it_ends(self):
        w = self.world
        w.seconds = 4
        w.agent.start()
        first = wait_for("it is open", w.serial)
        with gwlib.socket.create_connection(("127.0.0.1", w.port), 30) as raw, \
                w.anonymous().wrap_socket(raw, server_hostname="127.0.0.1") as old:
            w.seconds = 3600
            wait_for("it shows another", lambda: w.serial() not in (None, first))
            old.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")  # what stood goes on
            self.assertIn(b"200", old.recv(100))
        self.assertEqual(w.agent.count("GetTlsKey"), 2)

    def test_what_the_agent_says_is_said_and_asked_again(self):
        w, g = self.world, self.gateway

        def refuse(_question):
            raise ValueError("no keys\x1b[2J yet")
        w.agent.answers["GetTlsKey"] = refuse
        w.agent.start()
        wait_for("it is asked again", lambda: w.agent.count("GetTlsKey") >= 2)
        self.assertNotIn("\x1b", g.logged())
        w.agent.answers["GetTlsKey"] = lambda _q: {"key": "", "certificate_chain": []}
        n = w.agent.count("GetTlsKey")
        wait_for("it is asked again", lambda: w.agent.count("GetTlsKey") > n)
        w.agent.answers["GetTlsKey"] = lambda _q: b"\xff" * 100
        wait_for("it is asked again", lambda: w.agent.count("GetTlsKey") > n + 1)
        w.agent.answers["GetTlsKey"] = w.get_tls_key
        wait_for("it is open", w.serial)

    def test_a_certificate_of_no_app_opens_nothing(self):
        w, g = self.world, self.gateway
        w.app = ""
        w.agent.start()
        n = wait_for("it is asked", lambda: w.agent.count("GetTlsKey"))
        wait_for("and again", lambda: w.agent.count("GetTlsKey") > n)
        self.assertIsNone(w.serial())
        w.app = APP
        wait_for("it is open", w.serial)
        self.assertIn("are not open yet", g.logged())


class Administration(unittest.TestCase):
    WORLD = WithOperators
    setUp, tearDown = Identity.setUp, Identity.tearDown

    def test_it_opens_when_its_port_is_free(self):
        w, g = self.world, self.gateway
        w.agent.start()
        wait_for("it says that it is not open", lambda: "administration is not open" in g.logged())
        self.assertTrue(w.serial())  # the other service is
        w.other.close()
        self.assertEqual(wait_for("it is open", w.status), 401)
        self.assertEqual(g.logged().count("administration is not open"), 1)
        self.assertEqual(w.agent.count("GetTlsKey"), 1)



class Files(unittest.TestCase):
    """Certificates in files are read again."""

    def test_files_that_change_are_read_again(self):
        w = World()
        g = Gateway(before=w.prepare, config=w.config)
        try:
            self.assertEqual(w.call(w.anonymous(), None, "GET", "/health"), (200, b"OK"))
            w.ca = tool(do="ca")
            server = tool(do="server", ca_cert=w.ca["cert"], ca_key=w.ca["key"])
            for name, text in (("rpc.pem", server["cert"]), ("rpc.key", server["key"]), ("root.pem", w.ca["cert"])):
                with open(os.open(f"{g.dir}/{name}.new", os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as f:
                    f.write(text)
                os.rename(f"{g.dir}/{name}.new", f"{g.dir}/{name}")

            def answers():
                try:
                    return w.call(w.anonymous(), None, "GET", "/health")[0] == 200
                except ssl.SSLError:
                    return False
            wait_for("it shows the new one", answers)
        finally:
            g.stop()


class Configuration(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(text)
            f.flush()
            done = subprocess.run([f"{gwlib.BIN}/bailey-gateway", "--config", f.name, "--check-config"], check=False,
                                  capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
            return done.returncode, done.stderr

    def test_what_does_not_go_together_is_said(self):
        wg = 'wireguard: { endpoint: "192.0.2.1:1" }\n'
        files = "certificate: /c, key: /k, client_ca: /a"
        for text, want in (
                ("domains: [{ name: a.test }]\n", "write state"),
                ("state: /s\ndomains: [{ name: a.test, key: /k }]\n", "certificate and key need each other"),
                (f'state: /s\nregistration: {{ listen: "127.0.0.1:1" }}\n{wg}', "write agent, and the names"),
                (f'state: /s\nagent: /a\nregistration: {{ listen: "127.0.0.1:1" }}\n{wg}', "write agent, and the names"),
                (f'state: /s\nagent: /a\nregistration: {{ listen: "127.0.0.1:1", names: [h], key: /k }}\n{wg}',
                 "write all three, or none"),
                (f'agent: /a\nregistration: {{ listen: "127.0.0.1:1", names: [h] }}\n{wg}', "write state"),
                (f'agent: /a\nstate: /s\nregistration: {{ listen: "127.0.0.1:1", names: ["a b"] }}\n{wg}',
                 "neither a host's name nor an address"),
                (f'state: /s\nregistration: {{ listen: "127.0.0.1:1", {files} }}\n', "need each other: write both"),
                ("state: relative\n", "absolute path"), ("agent: relative\n", "absolute path"),
                ('agent: /a\nadmin_rpc: { listen: "127.0.0.1:1" }\n', "its certificate is that of registration")):
            code, said = self.check(text)
            self.assertEqual(code, 1, text)
            self.assertIn(want, said)
        for text in (f'state: /s\nuser: nobody\nregistration: {{ listen: "127.0.0.1:1", {files} }}\n'
                     'wireguard: { interface: wg0, endpoint: "192.0.2.1:1" }\n',
                     f'agent: /a\nregistration: {{ listen: "127.0.0.1:1", names: [h, 10.0.2.2, "::1"], state: /s }}\n{wg}',
                     "state: /s\ndomains: [{ name: a.test }]\n"):
            self.assertEqual(self.check(text), (0, ""), text)


class Attested(unittest.TestCase):
    """The keys of domains have proofs, which last."""

    def setUp(self):
        self.world = w = InGuest()
        self.gateway = Gateway(dev=("dev.test",), before=w.prepare, config=w.config)
        self.fails = False
        w.agent.answers.update({"GetQuote": self.quote, "Attest": self.attest,
                                "Info": lambda _q: b'{"app_id": "a0", "tcb_info": "{}" }'})

    def tearDown(self):
        code, log = self.gateway.stop()
        self.world.agent.stop()
        self.assertEqual(code, 0, log)

    def quote(self, q):
        if self.fails:
            raise ValueError("no TEE")
        return b'{"quote" : "' + q["report_data"].encode() + b'",\n"event_log":"[]"}'

    def attest(self, q):
        return {"attestation": q["report_data"]}

    def page(self, name, host=f"gateway.{gwlib.DOMAIN}"):
        answer, _ = self.gateway.request(host, f"/.dstack/{name}")
        head, text = answer.split(b"\r\n\r\n", 1)
        return int(head.split()[1]), text

    def keys(self):
        status, text = self.page("acme-info")
        self.assertEqual(status, 200)
        info = json.loads(text)
        self.assertEqual(sorted(info), ["account_attestation", "account_quote", "account_uri", "hist_keys",
                                        "quoted_hist_keys"])
        return info["quoted_hist_keys"]

    def served(self, host):
        with self.gateway.tls(host) as s:
            pem = ssl.DER_cert_to_PEM_cert(s.getpeercert(True))
        spki = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=pem.encode(), capture_output=True, check=True)
        return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=spki.stdout, capture_output=True,
                              check=True).stdout

    def test_the_keys_that_clients_see_are_attested(self):
        w, g = self.world, self.gateway
        self.assertEqual(self.keys(), [])
        self.assertEqual(self.page("app-info")[0], 503)
        w.agent.start()
        g.proc.send_signal(signal.SIGTERM)
        g.proc.wait(60)
        g.start()
        keys = wait_for("both keys are attested", lambda: len(self.keys()) == 2 and self.keys())
        want = {self.served(f"gateway.{d}").hex() for d in (gwlib.DOMAIN, "dev.test")}
        self.assertEqual({k["public_key"] for k in keys}, want)
        for k in keys:
            data = hashlib.sha512(b"zt-cert:" + bytes.fromhex(k["public_key"])).hexdigest()
            # what the agent wrote, byte for byte
            self.assertEqual(k["quote"], f'{{"quote" : "{data}",\n"event_log":"[]"}}')
            self.assertEqual(json.loads(k["attestation"])["attestation"], data)
        self.assertEqual(self.page("app-info"), (200, b'{"app_id": "a0", "tcb_info": "{}" }'))
        self.assertIn('certificate_attested{domain="dev.test"} 1', g.ask("/metrics")[1])
        # a renewed key joins them; the older one stays, behind it, also over a restart
        gwlib.make_certificate(g.dir)
        new = wait_for("the new key is attested", lambda: len(self.keys()) == 3 and self.keys())
        self.assertEqual(new[0]["public_key"], self.served(f"gateway.{gwlib.DOMAIN}").hex())
        self.assertEqual({k["public_key"] for k in new} - want, {new[0]["public_key"]})
        w.agent.stop()
        g.proc.kill()
        g.proc.wait(60)
        with open(f"{g.dir}/state/attested/{'0' * 64}.json", "w", encoding="ascii") as f:
            f.write('{"public_key":')  # damaged: it costs the others nothing
        g.start()
        self.assertEqual(len(wait_for("its history is there", self.keys)), 3)

    def test_a_key_that_cannot_be_attested_is_served(self):
        w, g = self.world, self.gateway
        self.fails = True
        w.agent.start()
        g.proc.send_signal(signal.SIGTERM)
        g.proc.wait(60)
        g.start()
        wait_for("it says so", lambda: "is served without an attestation" in g.logged() and "no TEE" in g.logged())
        self.assertEqual(self.keys(), [])
        self.assertTrue(self.served("gateway.dev.test"))
        self.assertIn('certificate_attested{domain="dev.test"} 0', g.ask("/metrics")[1])


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class AsNobody(unittest.TestCase):
    """Started as root: what it opens, makes and hands on."""

    def test_who_is_not_root_any_more_makes_its_key_and_sets_peers(self):
        w = InGuest()
        nobody = pwd.getpwnam("nobody")

        def prepare(path):
            w.prepare(path)
            os.unlink(f"{path}/wg.key")
            w.set_wg(f"[ $3 != private-key ] || cat $4 > {path}/state/key.seen\n"
                     f"(grep ^Cap /proc/self/status; id -u) > {path}/state/caps.new\n"
                     f"mv {path}/state/caps.new {path}/state/caps")
            os.chmod(path, 0o755)
            os.chmod(f"{path}/wg", 0o755)
            open(f"{path}/wg.log", "w", encoding="ascii").close()
            os.chown(f"{path}/wg.log", nobody.pw_uid, nobody.pw_gid)
            w.agent.start()
            os.chmod(f"{path}/agent.sock", 0o777)

        def config(path):
            for name in ("cert.key", "cert.pem", "routes"):
                os.chown(f"{path}/{name}", nobody.pw_uid, nobody.pw_gid)
            return w.config(path).replace(f"private_key: {path}/wg.key, ", "") + "user: nobody\n"

        g = Gateway(before=prepare, config=config)
        try:
            wait_for("it is open", w.serial)
            self.assertIsInstance(w.register(w.client(), 1), dict)
            wait_for("the peer is set", lambda: key(1) in w.wg() and os.path.exists(f"{g.dir}/state/caps"))
            with open(f"{g.dir}/state/caps", encoding="ascii") as f:
                caps = f.read().split()
            self.assertEqual(caps[-1], str(nobody.pw_uid))
            self.assertEqual(int(caps[caps.index("CapEff:") + 1], 16), 1 << 12)
            st = os.stat(f"{g.dir}/state/wg.key")
            self.assertEqual((st.st_uid, st.st_mode & 0o777), (nobody.pw_uid, 0o600))
            with open(f"{g.dir}/state/wg.key", encoding="ascii") as f, \
                    open(f"{g.dir}/state/key.seen", encoding="ascii") as seen:
                self.assertEqual(f.read(), seen.read())
            # of itself it may no more than nobody
            with open(f"/proc/{g.proc.pid}/status", encoding="ascii") as f:
                status = dict(line.split(":", 1) for line in f)
            self.assertEqual(int(status["CapEff"], 16), 0)
            self.assertEqual(status["Uid"].split(), [str(nobody.pw_uid)] * 4)
        finally:
            g.stop()
            w.agent.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
