# SPDX-License-Identifier: Apache-2.0
"""bailey gateway against a gateway: whom it believes, what it tells whom, what operators read of it."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import gwlib
import test_gateway_admin
import test_gateway_register
from gwlib import DOMAIN, wait_for
from test_gateway_register import APP, OTHER_APP, instance, tool

TOKEN = test_gateway_admin.TOKEN


class CliWorld(test_gateway_admin.AdminWorld):
    """A gateway in which its services have a certificate of an app."""

    def prepare(self, path):
        super().prepare(path)
        self.certify(path, APP)

    def certify(self, path, app):
        made = tool(do="server", ca_cert=self.ca["cert"], ca_key=self.ca["key"], outer_app_id=app)
        for name in ("cert", "key"):
            with open(f"{path}/rpc.{'pem' if name == 'cert' else 'key'}", "w", encoding="ascii") as f:
                f.write(made[name] + (self.ca["cert"] if name == "cert" else ""))

    def pin(self):
        out = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=self.ca["cert"].encode(), check=True,
                             stdout=subprocess.PIPE).stdout
        return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=out, check=True,
                              stdout=subprocess.PIPE).stdout.hex()


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = CliWorld()
        cls.gateway = gwlib.Gateway(before=cls.world.prepare, config=cls.world.config, routes=f"{OTHER_APP} {instance(9)} 127.0.0.1 80\n")
        cls.dir = tempfile.mkdtemp(prefix="b-gcli-")
        cls.write("token", TOKEN + "\n", 0o600)
        cls.write("env", f"# of the gateway\nADMIN_API_TOKEN={TOKEN}\n", 0o600)
        cls.write("ca.pem", cls.world.ca["cert"])
        cls.yaml("gateway.yaml")
        cls.admin = f"https://127.0.0.1:{cls.world.admin_port}"
        ctx = cls.world.client(1)
        cls.registered = cls.world.register(ctx, 1, {"restrict_mode": True, "ports": [{"port": 8080, "pp": False}]})

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)
        code, log = cls.gateway.stop()
        assert code == 0, log

    @classmethod
    def write(cls, name, text, mode=0o644):
        with open(os.open(f"{cls.dir}/{name}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="utf-8") as f:
            f.write(text)
        return f"{cls.dir}/{name}"

    @classmethod
    def yaml(cls, name, app=APP, pin=None, env="env: [ ADMIN_API_TOKEN ]\nenv_file: env\n", service=None):
        w = cls.world
        service = service or (f'{{ domain: {DOMAIN}, url: "https://10.0.2.2:{w.port}", '
                              f'admin: "https://127.0.0.1:{w.admin_port}" }}')
        signer = "kms_signer: \"02" + "11" * 32 + "\"\n" if env else ""
        return cls.write(name, f'name: gateway\ntee: simulated\nkey_provider: kms\nkey_provider_id: "{pin or w.pin()}"\n'
                               f'app_id: "{app}"\ngateway_service: {service}\n{signer}{env}')

    def run_bailey(self, *args, env=None, cwd=None):
        return subprocess.run([f"{gwlib.BIN}/bailey", "gateway", *args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=120, cwd=cwd, env={**os.environ, "HOME": self.dir, **(env or {})})

    def bailey(self, *args, **kw):
        r = self.run_bailey(*args, **kw)
        self.assertEqual((r.returncode, r.stderr), (0, ""), args)
        return r.stdout

    def fails(self, status, words, *args, **kw):
        r = self.run_bailey(*args, **kw)
        self.assertEqual(r.returncode, status, r.stderr + r.stdout)
        self.assertIn(words, r.stderr)
        self.assertNotIn(TOKEN, r.stderr + r.stdout)
        return r.stderr

    def test_status_by_its_yaml(self):
        shown = self.bailey("status", f"{self.dir}/gateway.yaml")
        self.assertRegex(shown, r"(?m)^instances +\d+, \d+ of them take clients$")
        self.assertRegex(shown, rf"(?m)^{DOMAIN} +20\d\d-")
        again = self.bailey("status", cwd=self.dir)
        age = r"\b\d+s\b"  # each was asked at a time of its own
        self.assertEqual(re.sub(age, "", again), re.sub(age, "", shown), "gateway.yaml is the one if nobody says")
        told = json.loads(self.bailey("status", "-j", cwd=self.dir))
        self.assertEqual(told["domains"][0]["name"], DOMAIN)

    def test_status_by_its_address(self):
        by = [self.admin, "--ca", f"{self.dir}/ca.pem"]
        self.assertIn("instances", self.bailey("status", *by, "--app-id", APP, "--token-file", f"{self.dir}/token"))
        self.assertIn("instances", self.bailey("status", *by, "--app-id", APP.upper(), env={"BAILEY_GATEWAY_TOKEN": TOKEN}))
        self.fails(2, "--ca FILE", "status", self.admin)
        self.fails(2, "wants a token", "status", *by, "--app-id", APP)
        self.assertIn(f"--app-id {APP}", self.fails(7, "if that is the gateway", "status", *by, "--token-file", f"{self.dir}/token"))

    def test_only_the_gateway_is_told_the_token(self):
        """One who answers in its place, with a certificate of the same KMS, hears nothing at all."""
        self.fails(7, "another app answers there", "status", self.yaml("other.yaml", app=OTHER_APP))
        self.assertNotIn("Admin.Status", self.gateway.logged())
        other = tool(do="ca")
        made = self.world.ca
        self.world.ca = other
        pin = self.world.pin()
        self.world.ca = made
        self.fails(7, "pinned key", "status", self.yaml("pinned.yaml", pin=pin))

    def test_what_is_missing_is_said(self):
        self.fails(2, "there is no gateway.yaml here", "status", cwd="/")
        self.fails(2, "gateway_service: is missing", "status", self.write("none.yaml", "name: x\ntee: none\n"))
        self.fails(2, "gateway_service.admin: is missing", "status",
                   self.yaml("noadmin.yaml", service=f'{{ domain: {DOMAIN}, url: "https://10.0.2.2:1" }}'))
        self.fails(2, "write ADMIN_API_TOKEN into the env_file", "status", self.yaml("noenv.yaml", env=""))
        self.fails(2, "others may read the token", "status", "--token-file", self.write("open", TOKEN, 0o644), cwd=self.dir)
        self.fails(2, "holds no token", "status", "--token-file", self.write("two", "a b\n", 0o600), cwd=self.dir)
        self.fails(2, "is not a URL of a gateway", "status", "http://192.0.2.1:1")
        self.fails(4, "cannot connect", "status", self.yaml("away.yaml", service=f'{{ domain: {DOMAIN}, url: "https://10.0.2.2:1", '
                                                            f'admin: "https://127.0.0.1:{gwlib.free_port()}" }}'))
        self.fails(1, "does not take this token", "status", "--token-file", self.write("wrong", "x" * 32, 0o600), cwd=self.dir)

    def test_routes(self):
        routes = json.loads(self.bailey("routes", "-j", cwd=self.dir))
        self.assertEqual([(r["app_id"], r["instance_id"]) for r in routes], [(APP, instance(1)), (OTHER_APP, instance(9))])
        only = json.loads(self.bailey("routes", "-j", "--app-id", OTHER_APP, cwd=self.dir))
        self.assertEqual([r["app_id"] for r in only], [OTHER_APP])
        shown = self.bailey("routes", cwd=self.dir, env={"COLUMNS": "300"}).splitlines()
        self.assertRegex(shown[0], r"^APP +INSTANCE +ADDRESS +STATE +TUNNEL +CLIENTS +IN ALL +PORTS")
        self.assertRegex(shown[1], rf"^{APP} +{instance(1)} .* 8080$")
        self.assertEqual(self.bailey("routes", "--app-id", "c0" * 20, cwd=self.dir), "no routes: no app has registered\n")
        self.assertEqual(self.bailey("routes", "--app-id", "\udcff", cwd=self.dir), "no routes: no app has registered\n", "not all of them")

    def test_an_instance_is_drained_and_taken_back(self):
        def state():
            return [r["is_draining"] for r in json.loads(self.bailey("routes", "-j", "--app-id", APP, cwd=self.dir))]

        self.assertIn("takes no new clients; 0 are still there", self.bailey("drain", "--instance", instance(1), cwd=self.dir))
        self.assertEqual(state(), [True])
        self.assertIn("may have new clients again", self.bailey("drain", "--instance", instance(1), "--lift", cwd=self.dir))
        self.assertEqual(state(), [False])
        self.fails(1, "the gateway refuses", "drain", "--instance", instance(77), cwd=self.dir)
        self.fails(2, "say --force", "drain", cwd=self.dir)
        self.fails(2, "cannot be taken back", "drain", "--lift", "--force", cwd=self.dir)

    def test_reload(self):
        self.assertIn("read again", self.bailey("reload", cwd=self.dir))
        with open(f"{self.gateway.dir}/cert.pem", encoding="ascii") as f:
            good = f.read()
        with open(f"{self.gateway.dir}/cert.pem", "w", encoding="ascii") as f:
            f.write("broken")
        r = self.run_bailey("reload", cwd=self.dir)
        self.assertEqual(r.returncode, 1)
        self.assertIn(DOMAIN, r.stdout + r.stderr)
        with open(f"{self.gateway.dir}/cert.pem", "w", encoding="ascii") as f:
            f.write(good)
        self.assertIn("read again", self.bailey("reload", cwd=self.dir))


class Ends(unittest.TestCase):
    def test_it_ends_when_it_is_drained(self):
        world = CliWorld()
        gateway = gwlib.Gateway(before=world.prepare, config=world.config)
        with tempfile.TemporaryDirectory() as path:
            with open(f"{path}/ca.pem", "w", encoding="ascii") as f:
                f.write(world.ca["cert"])
            subprocess.run([f"{gwlib.BIN}/bailey", "gateway", "drain", "--force", f"https://127.0.0.1:{world.admin_port}", "--ca",
                            f"{path}/ca.pem", "--app-id", APP], check=True, timeout=120, stdout=subprocess.DEVNULL,
                           env={**os.environ, "BAILEY_GATEWAY_TOKEN": TOKEN})
            wait_for("it has ended", lambda: gateway.proc.poll() is not None, 60)
        code, log = gateway.stop()
        self.assertEqual(code, 0, log)


if __name__ == "__main__":
    gwlib.main()
