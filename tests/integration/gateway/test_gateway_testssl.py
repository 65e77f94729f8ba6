# SPDX-License-Identifier: Apache-2.0
"""testssl.sh looks at the gateway from outside, with an ECDSA and an RSA certificate: nothing above "low".

The usual run makes a part of its checks with each, at the same time; TESTSSL=whole makes all of both (some minutes).
"""
import json
import os
import shutil
import subprocess
import sys
import threading
import unittest

import gwlib

PROGRAM = shutil.which("testssl") or shutil.which("testssl.sh")
ABOVE_LOW = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}
KEYS = {"ecdsa": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
        "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}
# protocols, kinds of ciphers; forward secrecy, Heartbleed, CCS, ROBOT, renegotiation, CRIME, fallback, SWEET32, LUCKY13
PARTS = {"ecdsa": ["-p", "-s"], "rsa": ["-p", "-H", "-I", "-BB", "-R", "-C", "-Z", "-W", "-O"]}


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_chain(folder, key):
    """A certificate as an authority gives one: a root that is trusted, an end that is far, where revocations are told."""
    openssl("genpkey", *KEYS[key], "-out", f"{folder}/root.key")
    openssl("req", "-x509", "-key", f"{folder}/root.key", "-subj", "/O=Test/CN=Root", "-days", "90",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", f"{folder}/root.pem")
    openssl("genpkey", *KEYS[key], "-out", f"{folder}/cert.key")
    openssl("req", "-x509", "-CA", f"{folder}/root.pem", "-CAkey", f"{folder}/root.key", "-key", f"{folder}/cert.key",
            "-subj", f"/CN=*.{gwlib.DOMAIN}", "-days", "85", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", f"subjectAltName=DNS:*.{gwlib.DOMAIN}", "-addext", "extendedKeyUsage=serverAuth",
            "-addext", "keyUsage=critical,digitalSignature", "-addext", "crlDistributionPoints=URI:http://crl.test/r.crl",
            "-out", f"{folder}/cert.pem")


class Outside(unittest.TestCase):
    def look(self, key, found):
        gw = gwlib.Gateway()
        try:
            make_chain(gw.dir, key)
            before = gw.certificate()
            gw.proc.send_signal(gwlib.signal.SIGHUP)
            gwlib.wait_for("it has its certificate", lambda: gw.certificate() != before)
            parts = ["--fast"] if os.environ.get("TESTSSL") == "whole" else PARTS[key]
            out = subprocess.run([PROGRAM, "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1",
                                  "--add-ca", f"{gw.dir}/root.pem", "--jsonfile", f"{gw.dir}/found.json", *parts,
                                  f"health.{gwlib.DOMAIN}:{gw.port}"], check=False, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1500)
            with open(f"{gw.dir}/found.json", encoding="utf-8") as f:
                found[key] = json.load(f), out.stdout.decode(errors="replace")
        finally:
            gw.stop()

    def test_nothing_above_low(self):
        found = {}
        threads = [threading.Thread(target=self.look, args=(key, found)) for key in KEYS]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for key in KEYS:
            with self.subTest(key):
                findings, text = found[key]
                self.assertEqual([f for f in findings if f["severity"] in ABOVE_LOW], [], text[-6000:])
                # that it looked at all, and saw what is there
                seen = {f["id"]: f["finding"] for f in findings}
                self.assertEqual([seen[p] for p in ("SSLv2", "SSLv3", "TLS1", "TLS1_1")], ["not offered"] * 4)
                self.assertIn("offered", seen["TLS1_2"])
                self.assertIn("offered", seen["TLS1_3"])
                self.assertGreater(len(findings), 10)


if __name__ == "__main__":
    if not PROGRAM:
        print("skipped: testssl.sh is not installed (scripts/setup)", file=sys.stderr)
        sys.exit(77)
    gwlib.main()
