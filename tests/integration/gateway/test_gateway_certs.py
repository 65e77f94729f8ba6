# SPDX-License-Identifier: Apache-2.0
"""Domains' certificates: the development CA's, what outlasts a restart, what has ended, what is not for its domain."""
import os
import signal
import ssl
import subprocess
import unittest

import gwlib
from gwlib import Gateway, wait_for
from test_gateway_register import World, tool

DEV = "dev.test"


def body(answer):
    """Of an HTTP answer that was read to its end."""
    head, text = answer[0].split(b"\r\n\r\n", 1)
    return int(head.split()[1]), text


def shown(gw, host, ca):
    """The certificate that a client gets who trusts nobody but @ca (PEM)."""
    ctx = ssl.create_default_context(cadata=ca)
    with gw.tls(host, ctx=ctx) as s:
        return s.getpeercert()


class Development(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.gw = Gateway(dev=(DEV, "other.test"), before=self.world.prepare,
                          config=lambda path: f"state: {path}/state\n" + self.world.config(path))

    def tearDown(self):
        code, log = self.gw.stop()
        self.assertEqual(code, 0, log)

    def ca(self):
        status, text = body(self.gw.request(f"gateway.{DEV}", "/.dstack/dev-ca"))
        self.assertEqual(status, 200)
        return text.decode()

    def restart(self):
        self.gw.proc.send_signal(signal.SIGTERM)
        self.gw.proc.wait(60)
        self.gw.start()

    def test_clients_that_trust_it_are_content(self):
        ca, w = self.ca(), self.world
        for host in (f"gateway.{DEV}", "any-8080.other.test"):
            # strict, as Python 3.13 and browsers are
            ctx = ssl.create_default_context(cadata=ca)
            ctx.verify_flags |= ssl.VERIFY_X509_STRICT
            try:
                with self.gw.tls(host, ctx=ctx) as s:
                    self.assertIn(("DNS", f"*.{host.split('.', 1)[1]}"), s.getpeercert()["subjectAltName"])
            except ssl.SSLError as e:
                self.assertIn("UNRECOGNIZED_NAME", str(e).upper())  # there is no such app
        with self.assertRaises(ssl.SSLError):
            shown(self.gw, f"gateway.{DEV}", w.ca["cert"])
        # the same where guests register, whose certificate a KMS signed
        self.assertEqual(w.call(w.anonymous(), None, "GET", "/dev-ca.pem"), (200, ca.encode()))
        # a domain with files of its own goes on
        self.assertEqual(body(self.gw.request(f"gateway.{gwlib.DOMAIN}", "/.dstack/dev-ca"))[1].decode(), ca)

    def test_it_outlasts_a_restart(self):
        ca, folder = self.ca(), f"{self.gw.dir}/state"
        serial = shown(self.gw, f"gateway.{DEV}", ca)["serialNumber"]
        for name in ("dev-ca.key", f"domains/{DEV}.key"):
            self.assertEqual(os.stat(f"{folder}/{name}").st_mode & 0o777, 0o600)
        self.restart()
        self.assertEqual(self.ca(), ca)
        self.assertEqual(shown(self.gw, f"gateway.{DEV}", ca)["serialNumber"], serial)
        # what a crash may leave: a key without its certificate, half a certificate
        os.unlink(f"{folder}/domains/{DEV}.pem")
        with open(f"{folder}/domains/other.test.pem", "w", encoding="ascii") as f:
            f.write("-----BEGIN CERTIFICATE-----\n")
        self.restart()
        self.assertEqual(self.ca(), ca)
        shown(self.gw, f"gateway.{DEV}", ca)
        shown(self.gw, "gateway.other.test", ca)
        # another authority's certificates do not stay
        os.unlink(f"{folder}/dev-ca.key")
        self.restart()
        other = self.ca()
        self.assertNotEqual(other, ca)
        shown(self.gw, f"gateway.{DEV}", other)

    def test_it_may_sign_for_its_domains_only(self):
        ca, folder = self.ca(), f"{self.gw.dir}/state"
        self.gw.proc.send_signal(signal.SIGTERM)
        self.gw.proc.wait(60)

        def signed(alt):
            """Is what the authority signs for @alt taken by who trusts it?"""
            for args in (["req", "-new", "-key", f"{folder}/domains/{DEV}.key", "-subj", "/CN=x", "-out", f"{folder}/csr",
                          "-addext", f"subjectAltName={alt}"],
                         ["x509", "-req", "-in", f"{folder}/csr", "-CA", f"{folder}/dev-ca.pem", "-CAkey",
                          f"{folder}/dev-ca.key", "-CAcreateserial", "-copy_extensions", "copy", "-out", f"{folder}/x.pem"]):
                subprocess.run(["openssl", *args], check=True, stderr=subprocess.DEVNULL)
            done = subprocess.run(["openssl", "verify", "-CAfile", f"{folder}/dev-ca.pem", f"{folder}/x.pem"],
                                  capture_output=True, check=False)
            return done.returncode == 0
        self.assertTrue(signed(f"DNS:a.{DEV}") and signed(f"DNS:{DEV}") and signed("DNS:b.other.test"))
        for alt in ("DNS:example.com", f"DNS:not{DEV}", "IP:192.0.2.1", "IP:2001:db8::1", f"DNS:a.{DEV},DNS:example.com"):
            self.assertFalse(signed(alt), alt)
        # with a domain more it is another, of the same key
        with open(f"{self.gw.dir}/gateway.yaml", encoding="ascii") as f:
            text = f.read()
        with open(f"{self.gw.dir}/gateway.yaml", "w", encoding="ascii") as f:
            f.write(text.replace("domains:\n", "domains:\n  - { name: third.test }\n"))
        self.gw.start()
        other = self.ca()
        self.assertNotEqual(other, ca)
        for domain in (DEV, "other.test", "third.test"):
            shown(self.gw, f"gateway.{domain}", other)

    def test_one_that_ends_soon_is_replaced(self):
        ca, folder = self.ca(), f"{self.gw.dir}/state"
        # as it is 30 days before its end: signed by the same authority, for the same key
        subprocess.run(["openssl", "req", "-new", "-key", f"{folder}/domains/{DEV}.key", "-subj", "/CN=x", "-out",
                        f"{folder}/csr"], check=True, stderr=subprocess.DEVNULL)
        with open(f"{folder}/ext", "w", encoding="ascii") as f:
            f.write(f"subjectAltName=DNS:*.{DEV}\n")
        subprocess.run(["openssl", "x509", "-req", "-in", f"{folder}/csr", "-CA", f"{folder}/dev-ca.pem", "-CAkey",
                        f"{folder}/dev-ca.key", "-days", "29", "-extfile", f"{folder}/ext", "-out", f"{folder}/new.pem",
                        "-CAcreateserial"], check=True, stderr=subprocess.DEVNULL)
        with open(f"{folder}/new.pem", "rb") as f:
            old = f.read()
        os.rename(f"{folder}/new.pem", f"{folder}/domains/{DEV}.pem")

        def is_new():
            with open(f"{folder}/domains/{DEV}.pem", "rb") as f:
                return f.read() != old
        wait_for("it is replaced", is_new)
        serial = ssl.PEM_cert_to_DER_cert(old.decode())
        wait_for("clients get the new one", lambda: self.der(ca) != serial)

    def der(self, ca):
        ctx = ssl.create_default_context(cadata=ca)
        with self.gw.tls(f"gateway.{DEV}", ctx=ctx) as s:
            return s.getpeercert(True)


class Ended(unittest.TestCase):
    def test_what_has_ended_is_an_alarm_and_no_other_route(self):
        def before(path):
            ca = tool(do="ca")
            old = tool(do="server", ca_cert=ca["cert"], ca_key=ca["key"], name="*.old.test", seconds=0)
            for name, text in (("old.pem", old["cert"]), ("old.key", old["key"])):
                with open(f"{path}/{name}", "w", encoding="ascii") as f:
                    f.write(text)
        gw = Gateway(before=before, config="")
        with open(f"{gw.dir}/gateway.yaml", encoding="ascii") as f:
            text = f.read()
        with open(f"{gw.dir}/gateway.yaml", "w", encoding="ascii") as f:
            f.write(text.replace("domains:\n", f"domains:\n  - {{ name: old.test, certificate: {gw.dir}/old.pem, "
                                 f"key: {gw.dir}/old.key }}\n"))
        gw.proc.send_signal(signal.SIGTERM)
        gw.proc.wait(60)
        gw.start()
        try:
            self.assertIn("the certificate of old.test has ended", gw.logged())
            self.assertEqual(body(gw.request("gateway.old.test", "/health"))[0], 200)  # who does not look is served
            self.assertIn('certificate_ends{domain="old.test"}', gw.ask("/metrics")[1])
        finally:
            gw.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
