# SPDX-License-Identifier: Apache-2.0
"""bailey quote show: every field at its place, of every kind of quote, and no word of trust"""
import base64
import glob
import json
import re
import subprocess

from verifylib import BAILEY, BESIDE, OK, USAGE, VECTORS, all_tests, load

GOOD = load(f"{VECTORS}/quotes/ok_v4/quote.bin")


def show(*args, stdin=b""):
    return subprocess.run([BAILEY, "quote", "show", *args], input=stdin, timeout=120,
                          capture_output=True, check=False)


def told(data):
    r = show("-", "--json", stdin=data)
    assert r.returncode == OK and not r.stderr, r
    a = json.loads(r.stdout)
    assert a["verified"] is False and a["size"] + a["trailing_bytes"] == len(data)
    return a


def test_every_field_is_at_its_place():
    a = told(GOOD)
    body, sig = a["body"], a["signature_data"]
    places = ((a["header"], "qe_vendor_id", 12, 16), (a["header"], "user_data", 28, 20),
              (body, "tee_tcb_svn", 48, 16), (body, "mrseam", 64, 48), (body, "mrsignerseam", 112, 48),
              (body, "seam_attributes", 160, 8), (body, "mrtd", 184, 48), (body, "mrconfigid", 232, 48),
              (body, "mrowner", 280, 48), (body, "mrownerconfig", 328, 48), (body, "rtmr0", 376, 48),
              (body, "rtmr1", 424, 48), (body, "rtmr2", 472, 48), (body, "rtmr3", 520, 48),
              (body, "report_data", 568, 64), (sig, "signature", 636, 64), (sig, "attestation_key", 700, 64),
              (sig["qe_report"], "cpu_svn", 770, 16), (sig["qe_report"], "mrenclave", 834, 32),
              (sig["qe_report"], "mrsigner", 898, 32), (sig["qe_report"], "report_data", 1090, 64),
              (sig, "qe_report_signature", 1154, 64), (sig, "qe_auth", 1220, 32))
    for group, key, at, n in places:
        assert group[key] == GOOD[at:at + n].hex(), key
    assert body["attributes"]["value"] == GOOD[168:176][::-1].hex() and body["xfam"] == GOOD[176:184][::-1].hex()
    assert body["attributes"]["names"] == ["SEPT_VE_DISABLE"] and "AVX" in body["xfam_names"]
    cert = a["certification_data"]
    assert cert["type"] == 5 and [c["name"] for c in cert["certificates"]][2] == "SGX Root CA"
    assert cert["platform"]["fmspc"] == "b0c06f000000"


def test_attributes_have_names():
    changed = bytearray(GOOD)
    changed[168:176] = (1 | 1 << 29 | 1 << 63).to_bytes(8, "little")
    a = told(bytes(changed))["body"]["attributes"]
    assert a["debug"] is True and a["names"] == ["DEBUG", "MIGRATABLE", "PERFMON"], a


def test_people_are_told_that_nothing_was_verified():
    r = show("-", stdin=GOOD)
    out = r.stdout.decode()
    assert r.returncode == OK and "Nothing of this was verified" in out and "SEPT_VE_DISABLE" in out
    assert GOOD[184:232].hex() in out and out.startswith("verified")


def test_names_in_certificates_do_not_steer_the_terminal():
    text = re.search(b"-----BEGIN CERTIFICATE-----\n(.*?)-----END", GOOD, re.S).group(1)
    der = base64.b64decode(text)
    der = der.replace(b"SGX PCK Certificate", b"SGX\x1b[2JCertificate.")
    lines = base64.b64encode(der)
    n = len(text.split(b"\n")[0])
    changed = GOOD.replace(text, b"\n".join(lines[i:i + n] for i in range(0, len(lines), n)) + b"\n")
    assert len(changed) == len(GOOD)
    r = show("-", stdin=changed)
    assert r.returncode == OK and b"\x1b" not in r.stdout and b"\\x1b[2J" in r.stdout, r.stdout[-3000:]


def test_a_platform_without_certificates():
    """Certification data 2 in the place of the chain."""
    at = GOOD.index(b"-----BEGIN") - 6
    tail = bytes(range(16)) + (11).to_bytes(2, "little") + b"\x34\x12"
    inner = (2).to_bytes(2, "little") + (276).to_bytes(4, "little") + bytes(256) + tail
    end = told(GOOD)["size"]
    outer = GOOD[770:at] + inner
    auth = GOOD[636:764] + (6).to_bytes(2, "little") + len(outer).to_bytes(4, "little") + outer
    a = told(GOOD[:632] + len(auth).to_bytes(4, "little") + auth + GOOD[end:])["certification_data"]
    assert a["cpu_svn"] == bytes(range(16)).hex() and a["pce_svn"] == 11 and a["pce_id"] == "3412", a


def test_what_is_no_quote():
    for data in (b"", b"hello", GOOD[:1000], GOOD.hex().encode()[:-2]):
        r = show("-", stdin=data)
        assert r.returncode == USAGE and b"no quote" in r.stderr and not r.stdout, r
    assert show("/none").returncode == USAGE


def test_every_vector_can_be_shown():
    quotes = glob.glob(f"{BESIDE}/quotes/*/*/quote.bin")
    if not quotes:
        print("skipped: no ../shared/vectors/quotes")
    kinds = set()
    for path in quotes:
        r = show(path, "--json")
        if r.returncode == OK:
            a = json.loads(r.stdout)
            kinds.add((a["header"]["tee"], a["header"]["version"]))
            if a["header"]["version"] == 3:
                assert "qe_svn" in a["header"] and len(a["body"]["mrenclave"]) == 64
        else:
            assert r.returncode == USAGE and b"no quote" in r.stderr and "err_" in path, (path, r)
    assert not quotes or {("SGX", 3), ("TDX", 4), ("TDX", 5)} <= kinds, kinds


all_tests(globals())
