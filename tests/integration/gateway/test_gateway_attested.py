# SPDX-License-Identifier: Apache-2.0
"""Registrations by attestation: who a verified one says it is, and each lie refused by its name."""
import json
import os
import subprocess
import unittest

import gwlib
from test_gateway_register import APP, OTHER_APP, Registration, World, instance

KMS_TOOL = os.environ["KMS_TOOL"]
SEED = "07" * 32
COMPOSE = "cc" * 32


class Base(unittest.TestCase):
    tearDown = Registration.tearDown
    ATTESTED = ", attested: [{{ root: {0}/root, collateral: {0}/collateral }}]"

    def setUp(self):
        self.world = World()
        self.gateway = gwlib.Gateway(before=self.prepare, config=lambda path: self.world.config(
            path, self.ATTESTED.format(path)))

    def prepare(self, path):
        self.world.prepare(path)
        with open(os.open(f"{path}/seed", os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as f:
            f.write(SEED + "\n")
        for what in ("root", "collateral"):
            out = subprocess.run([f"{gwlib.BIN}/bailey-simulator", what, "--seed", f"{path}/seed"], capture_output=True,
                                 check=True, timeout=60).stdout
            with open(f"{path}/{what}", "wb") as f:
                f.write(out)

    def client(self, n=1, ca=None, **app):
        """A TLS context whose certificate has an attestation and nothing else that says who it is."""
        ca = ca or self.world.ca
        what = {"do": "client", "temp_ca_cert": ca["cert"], "temp_ca_key": ca["key"], "running": True, "app_id": APP,
                "instance_id": instance(n), "compose_hash": COMPOSE, **app}
        leaf = json.loads(subprocess.run([KMS_TOOL], input=json.dumps(what).encode(), stdout=subprocess.PIPE,
                                         check=True).stdout)
        self.world.n += 1
        path = f"{self.world.dir}/client{self.world.n}.pem"
        with open(path, "w", encoding="ascii") as f:
            f.write(leaf["cert"] + leaf["key"])
        ctx = self.world.anonymous()
        ctx.load_cert_chain(path)
        return ctx

    def error(self, ctx, n=9):
        answer = self.world.register(ctx, n)
        self.assertIsInstance(answer, str)
        return answer


class Attested(Base):
    def test_who_is_attested_is_believed(self):
        w = self.world
        self.assertEqual(w.register(self.client(), 1)["wg"]["client_ip"], "127.0.0.2")
        self.assertEqual(w.register(self.client(2, app_id=OTHER_APP), 2)["wg"]["client_ip"], "127.0.0.3")
        # it is the same instance by whatever certificate
        self.assertEqual(w.register(w.client(), 1)["wg"]["client_ip"], "127.0.0.2")
        self.assertEqual(w.register(self.client(info_app_id=APP), 1)["wg"]["client_ip"], "127.0.0.2")
        with open(f"{w.dir}/state/instances", encoding="ascii") as f:
            lines = [json.loads(line) for line in f]
        self.assertEqual([(x["id"], x["app"], x["compose_hash"]) for x in lines],
                         [(instance(1), APP, COMPOSE), (instance(2), OTHER_APP, COMPOSE)])
        self.assertEqual(self.error(self.client(1, app_id=OTHER_APP)),
                         "instance_id is already registered to a different app")

    def test_lies_are_refused_by_name(self):
        self.assertIn("report data mismatch", self.error(self.client(other_key=True)))
        self.assertIn("Debug mode is not allowed", self.error(self.client(debug=True)))
        self.assertIn("RTMR3 mismatch", self.error(self.client(unquoted="app-id")))
        self.assertIn("invalid quote: ", self.error(self.client(seed="08" * 32)))
        # it has app info, too, that says another app
        self.assertEqual(self.error(self.client(info_app_id=OTHER_APP)),
                         "the certificate is of two: its attestation is not its app info's")
        self.assertEqual(self.gateway.ask("/routes")[1].count("id"), 0)

    def test_many_at_once_are_all_answered(self):
        ctx = [self.client(n) for n in range(1, 5)]
        answers = []
        threads = [gwlib.threading.Thread(target=lambda n=n: answers.append(self.world.register(ctx[n % 4], n % 4 + 1)))
                   for n in range(24)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        self.assertEqual(len(answers), 24)
        self.assertEqual({type(a) for a in answers}, {dict})

    def test_collateral_is_read_again(self):
        with open(f"{self.world.dir}/collateral", "rb") as f:
            good = f.read()
        os.unlink(f"{self.world.dir}/collateral")
        self.assertIn("invalid quote: ", self.error(self.client()))
        with open(f"{self.world.dir}/collateral", "wb") as f:
            f.write(good)
        self.assertIsInstance(self.world.register(self.client(), 1), dict)


class Unasked(Base):
    """Nobody's quotes are believed."""
    ATTESTED = ""

    def test_an_attestation_alone_is_not_enough(self):
        self.assertIn("this gateway verifies no attestation", self.error(self.client()))
        self.assertIn("neither app-info nor attestation provided", self.error(self.world.anonymous()))


del Registration  # its tests run elsewhere

if __name__ == "__main__":
    unittest.main(verbosity=2)
