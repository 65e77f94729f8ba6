# SPDX-License-Identifier: Apache-2.0
"""Operators see and change a gateway over TLS: who may, what they see, what is written down of it."""
import http.client
import json
import os
import re
import shutil
import time
import unittest

import gwlib
import test_gateway_register
from gwlib import wait_for
from test_gateway_register import APP, OTHER_APP, World, instance, key

TOKEN = "0123456789abcdef-operator"
STARTED_S = 1_700_000_000  # any real clock shows more


class AdminWorld(World):
    """A gateway whose operators come by TLS."""

    def __init__(self, more=""):
        super().__init__()
        self.admin_port, self.more = gwlib.free_port(), more

    def prepare(self, path):
        super().prepare(path)
        self.set_token(TOKEN)

    def set_token(self, text):
        with open(os.open(f"{self.dir}/token.new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as f:
            f.write(text + "\n")
        os.rename(f"{self.dir}/token.new", f"{self.dir}/token")

    def admin_config(self, path):
        return f'admin_rpc: {{ listen: "127.0.0.1:{self.admin_port}", token_file: {path}/token }}\n'

    def config(self, path, registration="", wireguard="address: 127.0.0.1/8, range: 127.0.0.0/28"):
        return super().config(path, registration, wireguard) + self.admin_config(path) + self.more

    def http(self, verb, path, body=None, token=TOKEN, headers=None):
        """Status, headers and body of one request of an operator."""
        conn = http.client.HTTPSConnection("127.0.0.1", self.admin_port, context=self.anonymous(), timeout=30)
        head = {"Authorization": f"Bearer {token}"} if token else {}
        head.update(headers or {})
        try:
            conn.request(verb, path, body, head)
            answer = conn.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            conn.close()

    def ask(self, method, body=None, token=TOKEN):
        """A call by JSON: what it answers, or its error."""
        status, _, answer = self.http("POST", f"/prpc/Admin.{method}", json.dumps(body or {}), token,
                                      {"Content-Type": "application/json"})
        answer = json.loads(answer)
        return answer if status == 200 else (status, answer["error"])

    def handshakes(self, of):
        """What wg(8) says of the instances with these keys."""
        with open(f"{self.dir}/handshakes.new", "w", encoding="ascii") as f:
            f.writelines(f"{key(n)}\t{at}\n" for n, at in of.items())
        os.rename(f"{self.dir}/handshakes.new", f"{self.dir}/handshakes")


class Base(unittest.TestCase):
    MORE = ""

    def setUp(self):
        self.world = AdminWorld(self.MORE)
        self.gateway = gwlib.Gateway(before=self.world.prepare, config=self.world.config)

    restart = test_gateway_register.Registration.restart
    tearDown = test_gateway_register.Registration.tearDown

    def audit(self):
        return [json.loads(m) for m in re.findall(r"audit: (\{.*\})", self.gateway.logged())]

    def route_ids(self, **query):
        return [(r["app_id"], r["instance_id"]) for r in self.world.ask("Routes", query)["routes"]]


class Shared(Base):
    """All with one gateway."""

    @classmethod
    def setUpClass(cls):
        cls.world = AdminWorld()
        cls.gateway = gwlib.Gateway(before=cls.world.prepare, config=cls.world.config)

    @classmethod
    def tearDownClass(cls):
        code, log = cls.gateway.stop()
        assert code == 0, log

    def setUp(self):
        pass

    tearDown = setUp


class WhoMay(Shared):
    def test_a_token_is_needed_for_all(self):
        w = self.world
        for path in ("/prpc/Admin.Status", "/metrics", "/healthz", "/readyz", "/routes", "/", "/x",
                     f"/prpc/Status?token={TOKEN}"):
            status, _, body = w.http("GET", path, token=None)
            self.assertIn(status, (401, 429), path)
            self.assertNotIn(b"bailey_gateway", body)
        for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "0" * 4000):
            self.assertIn(w.ask("Reload", token=wrong)[0], (401, 429), wrong)
        self.assertEqual(w.http("GET", "/healthz", token=None, headers={"X-Admin-Token": TOKEN})[0], 200)
        self.assertEqual(w.http("GET", "/healthz")[0], 200)
        self.assertEqual(w.ask("Status")["reloads"]["succeeded"], 0)
        self.assertIn("has no right token", self.gateway.logged())
        self.assertNotIn('"error":null', self.gateway.logged())

    def test_who_tries_often_is_told_less_and_holds_nobody_up(self):
        w = self.world
        found = [w.http("GET", "/prpc/Status", token="x" * 20)[0] for _ in range(40)]
        self.assertLessEqual(set(found), {401, 429})
        self.assertIn(429, found)
        self.assertIn("registered", w.ask("GetMeta"))
        self.assertLess(self.gateway.logged().count("no right token"), 30)

    def test_a_change_is_not_made_by_get(self):
        w = self.world
        for path in ("/prpc/Admin.Reload", "/Reload", "/prpc/Drain?gateway=true"):
            self.assertEqual(w.http("GET", path)[0], 405)
        self.assertEqual(w.ask("Status")["is_draining"], False)

    def test_names_are_as_dstack_has_them(self):
        w = self.world
        for path in ("/prpc/Admin.GetMeta", "/prpc/GetMeta", "/GetMeta"):
            self.assertEqual(json.loads(w.http("GET", path)[2]), {"registered": 0, "online": 0})
        status, _, body = w.http("GET", "/prpc/Admin.Nothing")
        self.assertEqual((status, "Service not found" in json.loads(body)["error"]), (400, True))

    def test_a_body_that_is_too_long_is_refused(self):
        status, _, _ = self.world.http("POST", "/prpc/Reload?json", "x" * (65 * 1024))
        self.assertEqual(status, 400)
        self.assertEqual(self.world.ask("Status")["reloads"]["last_time"], 0)


class WhatIsSeen(Base):
    def test_instances_and_their_tunnels(self):
        w, now = self.world, int(time.time())
        w.handshakes({1: now - 200, 2: now - 400, 3: 0, 4: now, 9: now})
        for n in (1, 2, 4):
            w.register(w.client(n), n)
        w.register(w.client(3, app=OTHER_APP), 3)
        wait_for("handshakes are seen", lambda: w.ask("GetMeta") == {"registered": 4, "online": 2})
        host = next(h for h in w.ask("Status")["hosts"] if h["instance_id"] == instance(1))
        self.assertEqual(host, {"instance_id": instance(1), "ip": "127.0.0.2", "app_id": APP,
                                "base_domain": gwlib.DOMAIN, "latest_handshake": now - 200, "num_connections": 0})
        self.assertEqual(w.ask("GetInfo", {"id": instance(1)}), {"found": True, "info": host})
        self.assertEqual(w.ask("GetInfo", {"id": instance(7)}), {"found": False, "info": None})
        self.assertEqual(w.ask("GetInfo", {"id": "../x\n"}), {"found": False, "info": None})
        status = w.ask("Status")
        self.assertEqual([n["wg_ip"] for n in status["nodes"]], ["127.0.0.1/8"])
        self.assertEqual(len(status["uuid"]), 32)
        self.assertEqual((status["num_apps"], status["num_instances"]), (2, 4))
        self.assertEqual(status["domains"][0]["name"], gwlib.DOMAIN)
        self.assertGreater(status["domains"][0]["certificate_not_after"], now)

    def test_routes_come_in_pages(self):
        w = self.world
        self.gateway.set_routes("".join(f"app{n} i{n} 127.0.0.1 80,443p\n" for n in range(7)) + "app3 j ::1 * not-ready\n")
        w.register(w.client(1), 1, {"ports": [{"port": 9, "pp": True}], "restrict_mode": True})
        wait_for("all are there", lambda: w.ask("Routes")["total"] == 9)
        every = self.route_ids()
        self.assertEqual(every, sorted(every))
        found, after = [], ""
        for _ in range(9):
            page = w.ask("Routes", {"limit": 2, "after": after})
            found += [(r["app_id"], r["instance_id"]) for r in page["routes"]]
            after = page["next"]
            if not after:
                break
        self.assertEqual(found, every)
        self.assertEqual(self.route_ids(app_id="app3"), [("app3", "i3"), ("app3", "j")])
        self.assertEqual(self.route_ids(app_id="app3", after="app3/i3"), [("app3", "j")])
        self.assertEqual(self.route_ids(app_id="app3", after="zz/"), [])
        self.assertEqual(self.route_ids(app_id="nobody"), [])
        for wrong in ({"after": "x"}, {"limit": 10001}, {"after": "y" * 200 + "/"}):
            self.assertEqual(w.ask("Routes", wrong)[0], 400)
        one = w.ask("Routes", {"app_id": APP})["routes"][0]
        self.assertEqual((one["is_registered"], one["policy_source"], one["policy"]),
                         (True, "instance", {"ports": [{"port": 9, "pp": True}], "restrict_mode": True}))
        other = w.ask("Routes", {"app_id": "app3"})["routes"]
        self.assertEqual([(r["address"], r["is_ready"], r["policy_source"]) for r in other],
                         [("127.0.0.1", True, "file"), ("::1", False, "file")])
        self.assertEqual(other[0]["policy"],
                         {"ports": [{"port": 80, "pp": False}, {"port": 443, "pp": True}], "restrict_mode": True})

    def test_anybody_is_told_the_domain_and_its_keys(self):
        w = self.world

        def ask(path, verb="GET"):
            conn = http.client.HTTPSConnection("127.0.0.1", w.port, context=w.anonymous(), timeout=30)
            try:
                conn.request(verb, path)
                answer = conn.getresponse()
                return answer.status, answer.read()
            finally:
                conn.close()
        self.assertEqual(json.loads(ask("/prpc/Info")[1]),
                         {"base_domain": gwlib.DOMAIN, "external_port": 443,
                          "app_address_ns_prefix": "_dstack-app-address", "version": "0.6.0"})
        self.assertEqual(json.loads(ask("/prpc/AcmeInfo?json", "POST")[1]),
                         {"account_uri": "", "quoted_hist_keys": [], "account_quote": "", "account_attestation": "",
                          "hist_keys": []})
        self.assertEqual(ask("/prpc/AcmeInfo", "POST"), (200, b""))
        self.assertEqual(ask("/prpc/Status")[0], 400)

    def test_each_metric_is_in_the_manual(self):
        w = self.world
        w.register(w.client(1), 1)
        w.register(w.client(1), 1)
        w.register(w.anonymous(), 1)
        self.gateway.raw(gwlib.hello("nobody.app.test"))
        self.gateway.request(f"health.{gwlib.DOMAIN}")
        text = w.http("GET", "/metrics")[2].decode()
        with open(os.environ["MAN_PAGE"], encoding="utf-8") as f:
            page = f.read().split(".Sh METRICS")[1].split(".Sh ")[0]
        entries = " ".join(re.findall(r"^\.It Li (.*)$", page, re.M)).replace(",", " ").split()
        names = re.findall(r"^# TYPE bailey_gateway_(\w+) (?:counter|gauge|histogram)$", text, re.M)
        self.assertEqual(sorted(names), sorted(entries))
        self.assertEqual(len(names), len(set(names)))
        helped = re.findall(r"^# HELP bailey_gateway_(\w+) \w", text, re.M)
        self.assertEqual(helped, names)
        for line in text.splitlines():
            if line[0] != "#":
                self.assertRegex(line, r'^bailey_gateway_\w+(\{\w+="[^"\\]*"\})? -?\d+(\.\d+)?$')
        m = self.gateway.metrics()
        self.assertEqual([m[f'registrations{{result="{r}"}}'] for r in ("new", "same", "refused", "too_many")],
                         [1, 1, 1, 0])
        self.assertEqual((m["registered"], m['tunnels{age="never"}']), (1, 1))
        self.assertEqual(m['handshake_seconds_bucket{le="+Inf"}'], m["handshake_seconds_count"])
        self.assertGreater(m["identity_ends"], STARTED_S)

    def test_pages_are_there_too(self):
        status, headers, body = self.world.http("GET", "/metrics")
        self.assertEqual((status, headers["Cache-Control"]), (200, "no-store"))
        self.assertIn(b"bailey_gateway_accepted 0", body)


class Changes(Base):
    def test_reload_says_what_was_wrong(self):
        w, g = self.world, self.gateway
        self.assertEqual(w.ask("Reload"), {"changed": [], "needs_restart": [], "problems": []})
        g.set_routes("app i1 nowhere *\n")
        wait_for("the file was seen", lambda: w.ask("Status")["reloads"]["failed"])
        problems = w.ask("Reload")["problems"]
        self.assertEqual(len(problems), 1)
        self.assertIn("routes:1", problems[0])
        reloads = w.ask("Status")["reloads"]
        self.assertEqual((reloads["last_succeeded"], "routes:1" in reloads["last_error"]), (False, True))
        self.assertGreater(reloads["last_time"], STARTED_S)
        g.set_routes("")
        wait_for("all is right again", lambda: w.ask("Status")["reloads"]["last_succeeded"])

    def test_each_change_is_told(self):
        w = self.world
        w.ask("Reload")
        w.ask("Drain", {"instance_id": "é\n\x1b[31m\"x", "lift": True})
        w.ask("Status")
        lines = self.audit()
        self.assertEqual([(a["call"], a["about"], a["error"] is None) for a in lines],
                         [("Reload", "", True), ("Drain", "é\n\x1b[31m\"x", False)])
        self.assertRegex(lines[0]["from"], r"^127\.0\.0\.1:\d+$")
        self.assertRegex(lines[0]["at"], r"^20\d\d-\d\d-\d\dT")
        self.assertNotIn("\x1b", self.gateway.logged())

    def served(self, host):
        """What a client sees: the alert that refused it, or the first line of an answer."""
        try:
            with self.gateway.tls(host) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return gwlib.read_all(s)[0].split(b"\r\n")[0].decode()
        except gwlib.ssl.SSLError as e:
            return str(e)

    def test_ports_of_an_operator_count_and_last(self):
        w = self.world
        app = gwlib.App(lambda c: (c.recv(9), c.sendall(b"HTTP/1.1 200 app\r\n\r\n")))
        self.addCleanup(app.close)
        # its address is where nobody answers, but whether one may try is seen
        host = f"{APP}-{app.port}.{gwlib.DOMAIN}"
        w.register(w.client(1), 1, {"ports": [], "restrict_mode": True})
        wait_for("it has a tunnel", lambda: [1 for r in w.ask("Routes")["routes"] if r["has_tunnel"]])
        self.assertIn("ACCESS_DENIED", self.served(host).upper().replace(" ", "_"))
        policy = {"ports": [{"port": app.port, "pp": False}], "restrict_mode": True}
        closed = {"ports": [], "restrict_mode": True}
        self.assertIsNone(w.ask("SetInstancePortPolicy", {"instance_id": instance(1), "policy": policy}))
        wait_for("it counts", lambda: "50" in self.served(host))
        every = {"effective": policy, "source": "admin", "instance_reported": closed, "admin_override": policy}
        asked = {"instance_id": instance(1)}
        self.assertEqual(w.ask("GetInstancePortPolicy", asked), every)
        self.assertEqual(w.ask("Routes")["routes"][0]["policy_source"], "admin")
        # another compose, another key
        w.register(w.client(1, compose_hash="dd" * 32), 2, {"ports": [], "restrict_mode": True})
        self.restart_by_kill()
        self.assertEqual(w.ask("GetInstancePortPolicy", asked), every)
        self.assertIn("50", self.served(host))
        for wrong in ({"ports": [{"port": 0}]}, {"ports": [{"port": 65536}]}, {"ports": [{"port": 1}] * 65}):
            self.assertEqual(w.ask("SetInstancePortPolicy", {"instance_id": instance(1), "policy": wrong})[0], 400)
        self.assertEqual(w.ask("GetInstancePortPolicy", asked), every)
        self.assertIsNone(w.ask("ClearInstancePortPolicy", asked))
        self.assertEqual(w.ask("GetInstancePortPolicy", asked)["source"], "instance")
        wait_for("its own counts again", lambda: "ACCESS_DENIED" in self.served(host).upper().replace(" ", "_"))
        for call in ("SetInstancePortPolicy", "ClearInstancePortPolicy", "GetInstancePortPolicy", "Drain"):
            status, error = w.ask(call, {"instance_id": "x\n"})
            self.assertEqual((status, error), (400, "instance x\\x0a not found"))
        self.assertEqual(len([a for a in self.audit() if a["error"] is None]), 2)

    def test_an_instance_that_drains_gets_no_new_clients(self):
        w = self.world

        def ready():
            return {r["instance_id"]: r["is_ready"] for r in w.ask("Routes", {"app_id": APP})["routes"]}
        w.register(w.client(1), 1)
        w.register(w.client(2), 2)
        wait_for("both are ready", lambda: ready() == {instance(1): True, instance(2): True})
        self.assertEqual(w.ask("Drain", {"instance_id": instance(1)}), {"num_connections": 0})
        self.assertEqual(ready(), {instance(1): False, instance(2): True})
        w.register(w.client(1), 1)  # the same boot
        self.restart_by_kill()
        self.assertEqual(ready(), {instance(1): False, instance(2): True})
        self.assertTrue(w.ask("Routes")["routes"][0]["is_draining"])
        w.ask("Drain", {"instance_id": instance(1), "lift": True})
        self.assertEqual(ready(), {instance(1): True, instance(2): True})
        w.ask("Drain", {"instance_id": instance(2)})
        w.register(w.client(2), 3)  # another boot
        wait_for("who started anew is ready", lambda: ready() == {instance(1): True, instance(2): True})
        self.gateway.set_routes("app i1 127.0.0.1 *\n")
        wait_for("the file is seen", lambda: w.ask("Routes")["total"] == 3)
        self.assertIn("not-ready", w.ask("Drain", {"instance_id": "i1"})[1])
        for wrong in ({}, {"gateway": True, "lift": True}, {"gateway": True, "instance_id": instance(1)}):
            self.assertEqual(w.ask("Drain", wrong)[0], 400)
        self.assertFalse(w.ask("Status")["is_draining"])

    def restart_by_kill(self):
        self.gateway.proc.kill()
        self.gateway.proc.wait()
        self.restart()
        wait_for("it serves operators", lambda: self.world.ask("GetMeta"))

    def test_a_gateway_that_drains_ends(self):
        w, g = self.world, self.gateway
        self.assertEqual(w.ask("Drain", {"gateway": True}), {"num_connections": 0})
        self.assertEqual(g.proc.wait(60), 0)
        g.proc.send_signal = lambda _: None


class Configuration(Shared):
    """The YAML is another while connections live on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(f"{cls.gateway.dir}/gateway.yaml", encoding="ascii") as f:
            cls.lines = f.read().splitlines()

    def tearDown(self):
        self.yaml()
        self.gateway.set_routes("")
        wait_for("all is as it was", lambda: not self.world.ask("Reload")["problems"])

    def yaml(self, **replaced):
        """Write it with lines replaced or added, as a whole."""
        path = f"{self.gateway.dir}/gateway.yaml"
        lines = [line for line in self.lines if line.split(":")[0] not in replaced]
        lines += [f"{key}: {value}" for key, value in replaced.items() if value is not None]
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        os.rename(path + ".new", path)

    @staticmethod
    def text(path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def reload(self, *changed, fixed=()):
        """What has changed is named, here or, if the file was seen before, in the log."""
        answer = self.world.ask("Reload")
        self.assertEqual((answer["needs_restart"], answer["problems"]), (list(fixed), []))
        if answer["changed"]:
            self.assertEqual(answer["changed"], list(changed))
        for key_name in changed:
            self.assertIn(f"{key_name}: has another value now", self.gateway.logged())

    def test_what_can_change_does_and_connections_live_on(self):
        w, g = self.world, self.gateway
        app = gwlib.App(gwlib.echo)
        self.addCleanup(app.close)
        g.set_routes("app i1 127.0.0.1 *\n")
        wait_for("the app is there", lambda: w.ask("Routes")["total"])
        host = f"app-{app.port}.{gwlib.DOMAIN}"
        with g.tls(host) as kept:
            kept.sendall(b"before")
            self.assertEqual(kept.recv(6), b"before")
            other = {"name": "other.test", "certificate": f"{g.dir}/other.pem", "key": f"{g.dir}/other.key"}
            gwlib.make_certificate(g.dir, "other.test", "other")
            domains = [other, {"name": gwlib.DOMAIN, "certificate": f"{g.dir}/cert.pem", "key": f"{g.dir}/cert.key"}]
            self.yaml(log="debug", timeouts="{ idle: 1s }", limits="{ per_app: 1, client_rate: 99999 }",
                      access_log=f"{{ file: {g.dir}/other.log }}", **{"domains": json.dumps(domains), "  - { name": None})
            self.reload("domains", "timeouts.idle", "limits.per_app", "limits.client_rate", "access_log.file", "log")
            self.assertEqual([d["name"] for d in w.ask("Status")["domains"]], ["other.test", gwlib.DOMAIN])
            kept.sendall(b"after")
            self.assertEqual(kept.recv(5), b"after")
            # one connection to the app is all there may be now
            wait_for("the limit counts", lambda: g.request(f"app-{app.port}.other.test")[0].startswith(b"HTTP/1.1 503"))
            # and it is idle for too long
            self.assertEqual(gwlib.read_all(kept)[0], b"")
        wait_for("it is told of in the other file", lambda: host in self.text(f"{g.dir}/other.log"))
        self.yaml()
        self.reload("domains", "timeouts.idle", "limits.per_app", "limits.client_rate", "access_log.file", "log")
        self.assertEqual(g.raw(gwlib.hello(f"app-{app.port}.other.test"))[0][:1], b"\x15")

    def test_a_wrong_file_changes_nothing(self):
        w, g = self.world, self.gateway
        cases = {"log": ("loud", "log: "), "workers": ("many", "workers: "), "timeouts": ("{ idle: 1 }", "timeouts.idle: "),
                 "limit": ("1", "limit: "),
                 "domains": (f"[{{ name: other.test, certificate: {g.dir}/none.pem, key: {g.dir}/cert.key }}]",
                             f"{g.dir}/none.pem")}
        for key, (value, said) in cases.items():
            more = {"proxy": "{ version: v1 }", key: value}
            if key == "domains":
                more["  - { name"] = None
            self.yaml(**more)
            status, error = w.ask("Reload")
            self.assertEqual(status, 400, key)
            self.assertIn(said, error)
            if key != "domains":
                self.assertRegex(error, rf"gateway\.yaml:\d+: {said}")
            self.assertEqual([d["name"] for d in w.ask("Status")["domains"]], [gwlib.DOMAIN])
        self.assertIn("nothing is changed", g.logged())
        self.yaml(proxy="{ version: v1 }")
        self.reload("proxy.version")

    def test_what_takes_a_restart_is_named(self):
        w, g = self.world, self.gateway
        self.yaml(workers="3", listen='["127.0.0.1:1"]', log="warn")
        self.reload("log", fixed=["listen", "workers"])
        self.assertEqual(w.ask("Reload"), {"changed": [], "needs_restart": ["listen", "workers"], "problems": []})
        self.assertEqual((w.ask("Status")["workers"], w.ask("Status")["listen"]), (1, [f"127.0.0.1:{g.port}"]))
        self.assertIn("listen: its new value takes a restart", g.logged())

    def test_it_is_read_when_it_changes(self):
        w = self.world
        before = w.ask("Status")["reloads"]
        self.yaml(proxy="{ version: v1 }", timeouts="{ idle: 77s }")
        wait_for("the file is seen", lambda: w.ask("Status")["reloads"]["succeeded"] > before["succeeded"])
        self.assertEqual(w.ask("Reload")["changed"], [])
        self.yaml(proxy="{ version: v3 }")
        wait_for("the file is seen", lambda: w.ask("Status")["reloads"]["failed"] > before["failed"])
        self.assertRegex(w.ask("Status")["reloads"]["last_error"], r"gateway\.yaml:\d+: proxy\.version: ")

    def test_the_token_can_be_another(self):
        w, other = self.world, TOKEN[::-1]
        w.set_token(other)
        wait_for("the file is seen", lambda: isinstance(w.ask("GetMeta", token=other), dict))
        self.assertIn(w.http("GET", "/GetMeta")[0], (401, 429))
        failed = w.ask("Status", token=other)["reloads"]["failed"]
        w.set_token("short")
        wait_for("it is found wrong", lambda: w.ask("Status", token=other)["reloads"]["failed"] > failed)
        self.assertEqual(w.ask("GetMeta", token=other), {"registered": 0, "online": 0})
        w.set_token(TOKEN)
        wait_for("the file is seen", lambda: isinstance(w.ask("GetMeta"), dict))

    def test_a_log_that_was_moved_is_opened_anew(self):
        w, g = self.world, self.gateway
        g.raw(gwlib.hello("nobody.app.test"))
        wait_for("it is told", g.access)
        os.rename(f"{g.dir}/access.log", f"{g.dir}/access.old")
        w.ask("Reload")
        g.raw(gwlib.hello("nobody2.app.test"))
        wait_for("it is told in the new file", lambda: [a for a in g.access() if a["host"] == "nobody2.app.test"])
        self.assertFalse([a for a in g.access() if a["host"] == "nobody.app.test"])


class Tokens(unittest.TestCase):
    """What a start refuses, and where the token may come from."""

    def start(self, admin, token="", env=None):
        world = AdminWorld()
        world.admin_config = lambda path: admin.format(port=world.admin_port, path=path)

        def prepare(path):
            World.prepare(world, path)
            if token:
                world.set_token(token)
        return world, gwlib.Gateway(before=prepare, config=world.config, env=env)

    def refused(self, *args, **kw):
        with self.assertRaises(AssertionError) as caught:
            self.start(*args, **kw)
        return str(caught.exception)

    def test_a_start_without_a_right_token_is_refused(self):
        at = 'admin_rpc: {{ listen: "127.0.0.1:{port}" }}\n'
        self.assertIn("ADMIN_API_TOKEN", self.refused(at))
        self.assertIn("16 to 256", self.refused(at, env={"ADMIN_API_TOKEN": "short"}))
        of_file = 'admin_rpc: {{ listen: "127.0.0.1:{port}", token_file: {path}/token }}\n'
        self.assertIn("token", self.refused(of_file))
        self.assertIn("16 to 256", self.refused(of_file, token="short"))

    def test_a_token_in_the_clear_stays_on_loopback(self):
        self.assertRegex(self.refused('admin_rpc: {{ listen: "0.0.0.0:{port}", tls: false }}\n'),
                         r"gateway.yaml:\d+.* admin_rpc.tls")

    def test_a_token_of_the_environment_is_taken_out_of_it(self):
        world, gateway = self.start('admin_rpc: {{ listen: "127.0.0.1:{port}", tls: false }}\n',
                                    env={"ADMIN_API_TOKEN": TOKEN})
        try:
            conn = http.client.HTTPConnection("127.0.0.1", world.admin_port, timeout=30)
            conn.request("GET", "/prpc/GetMeta", headers={"X-Admin-Token": TOKEN})
            self.assertEqual(conn.getresponse().status, 200)
            conn.close()
            with open(f"/proc/{gateway.proc.pid}/environ", "rb") as f:
                self.assertNotIn(TOKEN.encode(), f.read())
        except PermissionError:
            pass  # nobody but root may even look
        finally:
            gateway.stop()


if __name__ == "__main__":
    gwlib.main()
