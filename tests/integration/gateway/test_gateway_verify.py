# SPDX-License-Identifier: Apache-2.0
"""bailey verify gateway against a gateway: its agent is played, and makes quotes under a simulated root."""
import json
import unittest

from applib import AT, App, COMPOSE, attestation, simulate
from gwlib import Gateway, wait_for
from test_gateway_agent import InGuest
from verifylib import OK, UNPROVEN, run

DOMAIN = "dev.localhost"


class Verify(unittest.TestCase):
    def start(self, data=None):
        """@data: what the agent quotes in place of what it is asked for."""
        self.app, self.data = App(), data
        self.world = InGuest()
        self.gateway = Gateway(dev=(DOMAIN,), before=self.prepare, config=self.world.config)
        wait_for("its key is attested", self.is_attested)

    def tearDown(self):
        code, log = self.gateway.stop()
        self.world.agent.stop()
        self.assertEqual(code, 0, log)

    def prepare(self, path):
        self.world.prepare(path)
        self.world.agent.answers.update({"GetQuote": self.quote, "Attest": self.attest, "Info": self.info})
        self.world.agent.start()
        under = simulate()
        with open(f"{path}/root.der", "wb") as f:
            f.write(bytes.fromhex(under["root"]))
        with open(f"{path}/collateral.json", "w", encoding="ascii") as f:
            json.dump(under["collateral"], f)
        with open(f"{path}/compose.json", "w", encoding="ascii") as f:
            f.write(COMPOSE)

    def quote(self, question):
        data = self.data or bytes.fromhex(question["report_data"])
        answer = self.app.answer(b"", data=data)
        return {k: answer[k] for k in ("quote", "event_log", "report_data", "vm_config")}

    def attest(self, question):
        return {"attestation": attestation(self.app, self.data or bytes.fromhex(question["report_data"])).hex()}

    def info(self, _question):
        return {"app_id": "a0", "tcb_info": json.dumps({"app_compose": COMPOSE})}

    def verified(self, *more):
        g = self.gateway
        r = run("gateway", f"https://gateway.{DOMAIN}:{g.port}", "--json", "--root", f"{g.dir}/root.der", "--collateral",
                f"{g.dir}/collateral.json", "--at", AT, "--allow-unchecked", "image", *more)
        self.assertIn(r.returncode, (OK, UNPROVEN), r)
        answer = json.loads(r.stdout)
        self.assertEqual(r.returncode == OK, answer["accepted"])
        return answer

    def is_attested(self):
        return f'certificate_attested{{domain="{DOMAIN}"}} 1' in self.gateway.ask("/metrics")[1]

    def test_the_key_that_clients_see_is_in_the_app(self):
        self.start()
        answer = self.verified("--compose", f"{self.gateway.dir}/compose.json")
        self.assertTrue(answer["accepted"], answer)
        self.assertEqual({c["check"]: c["result"] for c in answer["checks"]}["tls-key"], "ok", answer)
        self.assertEqual(self.verified("--compose-hash", "00" * 32)["check"], "compose-hash")

    def test_what_vouches_for_another_key_does_not_count(self):
        self.start(bytes(64))
        answer = self.verified()
        self.assertFalse(answer["accepted"])
        self.assertIn("tls-key", answer["failed"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
