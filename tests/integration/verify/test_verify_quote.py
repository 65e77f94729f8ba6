# SPDX-License-Identifier: Apache-2.0
"""bailey verify quote: every vector, and every part of quote and collateral that is not as it was signed"""
import base64
import calendar
import glob
import json
import os
import re
import tempfile
import time

from verifylib import BESIDE, OK, SOURCE, UNPROVEN, USAGE, VECTORS, all_tests, load, run, told

SIMULATED = f"{VECTORS}/quotes/test_root.der"
GOOD = f"{VECTORS}/quotes/ok_v4"
NOW = 1785542400
QUOTE, COLLATERAL = load(f"{GOOD}/quote.bin"), json.loads(load(f"{GOOD}/collateral.json"))

scratch = tempfile.TemporaryDirectory(prefix="b-verify-")


def at_hand(name, data):
    path = f"{scratch.name}/{name}"
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def check(quote=QUOTE, collateral=None, *more, root=SIMULATED, at=NOW):
    """What is said of a quote, of the good collateral with what @collateral changes in it."""
    path = at_hand("collateral", {**COLLATERAL, **(collateral or {})})
    roots = ("--root", root) if root else ()
    return told("quote", "-", "--collateral", path, "--at", at, *roots, *more, stdin=quote)


def flipped(data, where):
    return data[:where] + bytes([data[where] ^ 0x01]) + data[where + 1:]


def test_the_answer_says_what_an_auditor_asks():
    a = check()
    assert a["status"] == "UpToDate" and a["advisory_ids"] == [] and a["check"] is None, a
    assert a["policy"] == "strict" and a["simulated"] is True and a["root"]["is_intel"] is False
    assert a["tee"] == "TDX" and a["quote_version"] == 4 and a["quote_size"] == len(QUOTE)
    assert re.fullmatch("[0-9a-f]{12}", a["fmspc"]) and a["attributes"]["debug"] is False
    assert a["report"]["mrtd"] == QUOTE[184:232].hex() and a["report"]["rtmr3"] == QUOTE[520:568].hex()
    assert a["report"]["report_data"] == QUOTE[568:632].hex()
    assert all(row["result"] == "ok" and row["claim"] for row in a["checks"]), a["checks"]


def test_the_page_names_every_check_and_member():
    page = load(f"{SOURCE}/man/bailey-verify.7").decode()
    said = re.findall(r"^\.It Cm (.*)", page, re.M)
    for row in check()["checks"]:
        assert row["check"] in said, row
    words = {word for line in said for word in line.replace(",", " ").split()}
    assert set(check()) <= words, set(check()) - words


def test_people_get_ticks_and_a_sentence():
    args = ("quote", f"{GOOD}/quote.bin", "--collateral", f"{GOOD}/collateral.json", "--at", NOW)
    r = run(*args, "--root", SIMULATED)
    out = r.stdout.decode()
    assert r.returncode == OK and out.count("✓") == len(check()["checks"]), out
    assert out.splitlines()[-1].startswith("simulated ") and "UpToDate" in out.splitlines()[-1]
    r = run(*args, "--quiet")
    out = r.stdout.decode()
    assert r.returncode == UNPROVEN and out.count("\n") == 1 and "refused" in out, out
    assert "pck-chain" in out and "root" in out


def test_hex_is_as_good_as_bytes():
    for text in (QUOTE.hex(), "0x" + QUOTE.hex().upper(), re.sub("(.{64})", r"\1\r\n", QUOTE.hex()) + "\n"):
        assert check(text.encode())["check"] is None
    assert check(QUOTE.hex()[:-1].encode())["check"] == "quote-form"
    assert check(b"")["check"] == "quote-form"


def test_simulated_is_said_in_every_answer():
    assert check(at=0)["simulated"] is True  # a refusal too
    a = check(root=None)
    assert a["check"] == "pck-chain" and a["simulated"] is False and a["root"]["is_intel"] is True


def test_a_root_is_read_in_both_forms():
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(load(SIMULATED)) + b"-----END CERTIFICATE-----\n"
    assert check(root=at_hand("root.pem", pem))["check"] is None


def test_what_is_wrong_on_the_command_line():
    good = ("quote", f"{GOOD}/quote.bin", "--collateral", f"{GOOD}/collateral.json")
    for args, says in (
            ((*good[:2], "--pccs", "here"), b"https://HOST"), ((*good, "--at", "yesterday"), b"seconds"),
            ((*good, "--at", "-1"), b"seconds"), ((*good, "--policy", "lax"), b"strict"),
            ((*good, "--accept", "Fine"), b"UpToDate"), ((*good, "--accept", ""), b"UpToDate"),
            ((*good, "--accept", "Revoked"), b"never"),
            ((*good, "--policy", "intel", "--accept", "OutOfDate"), b"strict"),
            ((*good, "--root", f"{GOOD}/quote.bin"), b"certificate"),
            ((*good, "--root", "/none"), b"/none"), (("quote", "/none", *good[2:]), b"/none"),
            (("quote", GOOD, *good[2:]), GOOD.encode()),
            (("quote", "-", "--collateral", "-"), b"stdin"),
            (("quote", "/dev/zero", *good[2:]), b"more than")):
        r = run(*args)
        assert r.returncode == USAGE and says in r.stderr and not r.stdout, (args, r)


def one_vector(folder, is_simulated):
    said = json.loads(load(f"{folder}/expected.json"))
    want = said["reference"]["intel"]
    root = ("--root", SIMULATED) if is_simulated else ()
    args = ("quote", f"{folder}/quote.bin", "--collateral", f"{folder}/collateral.json", "--at",
            said["time"], *root)
    a = told(*args, "--policy", "intel")
    assert a["simulated"] == is_simulated
    if "error" in want:
        assert a["check"], (folder, a)
        return
    assert a["check"] is None and a["status"] == want["status"], (folder, a)
    assert a["advisory_ids"] == want["advisories"], (folder, a)
    assert want.get("tcb_date", a["tcb_date"]) == a["tcb_date"], (folder, want, a)
    # strict accepts no more, and this status only when it is named
    strict = told(*args)
    assert strict["check"] == ("tcb-status" if a["status"] != "UpToDate" else None) or \
        strict["check"] in ("quote-trailing", "td-attributes"), (folder, strict)
    if strict["check"] == "tcb-status":
        assert told(*args, "--accept", f"UpToDate,{a['status']}")["check"] is None
        assert told(*args, "--accept", "UpToDate")["check"] == "tcb-status"


def test_every_vector():
    n = 0
    for path in glob.glob(f"{VECTORS}/quotes/**/expected.json", recursive=True):
        one_vector(os.path.dirname(path), "/real/" not in path)
        n += 1
    assert n >= 12, n
    index = f"{BESIDE}/quotes/index.json"
    if not os.path.exists(index):
        print("skipped: no ../shared/vectors/quotes")
        return
    for row in json.loads(load(index)):
        if row["has_collateral"]:
            one_vector(f"{BESIDE}/quotes/{row['dir']}", row["dir"].startswith("simulated/"))
            n += 1
    assert n > 90, n


def test_strict_wants_nothing_behind_the_quote():
    assert check(QUOTE + bytes(500))["check"] is None
    assert check(QUOTE + b"x")["check"] == "quote-trailing"
    assert check(QUOTE + b"x", None, "--policy", "intel")["check"] is None


def test_a_quote_that_ends_early():
    for n in [*range(0, 1260, 89), *range(1260, len(QUOTE), 487), len(QUOTE) - 1]:
        assert check(QUOTE[:n])["check"] == "quote-form", n


def test_dates():
    def seconds(text):
        return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    ends = seconds(check()["collateral_expires"])
    dated = {"root-crl", "pck-crl", "tcb-info-date", "qe-identity-date"}
    assert check(at=ends)["check"] is None
    assert check(at=ends + 1)["check"] in dated
    begins = max(seconds(json.loads(COLLATERAL[k])["issueDate"]) for k in ("tcb_info", "qe_identity"))
    assert check(at=begins - 1)["check"] in dated
    assert check(at=0)["check"] == "pck-chain"
    assert check(at=253402300799)["check"] == "pck-chain"


def places(n, count):
    return sorted({i * (n - 1) // (count - 1) for i in range(count)})


def test_a_flipped_signature_of_a_document():
    for part in ("tcb_info", "qe_identity"):
        was = bytes.fromhex(COLLATERAL[f"{part}_signature"])
        for i in places(len(was), 8):
            a = check(collateral={f"{part}_signature": flipped(was, i).hex()})
            assert a["check"] == part.replace("_", "-") + "-signature", (part, i, a)


def test_a_document_that_is_not_the_one_signed():
    for part in ("tcb_info", "qe_identity"):
        text, name = COLLATERAL[part], part.replace("_", "-") + "-signature"
        parsed = json.loads(text)
        for other in (json.dumps(parsed), text + " ", " " + text, json.dumps(dict(reversed(parsed.items())),
                      separators=(",", ":")), text[:-1], "", "{}", text.replace("{", '{"id":"TDX",', 1)):
            assert check(collateral={part: other})["check"] == name, (part, other[:40])
        for i in places(len(text), 12):
            assert check(collateral={part: flipped(text.encode(), i).decode()})["check"] == name, i


def test_a_flipped_list():
    for part, name in (("root_ca_crl", "root-crl"), ("pck_crl", "pck-crl")):
        was = bytes.fromhex(COLLATERAL[part])
        names = set()
        for i in places(len(was), 40):
            a = check(collateral={part: flipped(was, i).hex()})
            # bytes that are no list any more are told at the reading, with the member's name
            assert a["check"] == name or (a["check"] == "collateral-form" and part in a["got"]), (part, i, a)
            names.add(a["check"])
        assert name in names
        assert check(collateral={part: COLLATERAL["pck_crl" if part == "root_ca_crl" else "root_ca_crl"]}
                     )["check"] == name, "the other's list"


def test_a_flipped_chain_of_a_signer():
    pattern = "-----BEGIN CERTIFICATE-----\n(.*?)-----END CERTIFICATE-----"
    for part in ("tcb_info", "qe_identity"):
        pem = COLLATERAL[f"{part}_issuer_chain"]
        for which, text in enumerate(re.findall(pattern, pem, re.S)):
            der = base64.b64decode(text)
            for i in places(len(der), 16):
                other = pem.replace(text, base64.encodebytes(flipped(der, i)).decode())
                a = check(collateral={f"{part}_issuer_chain": other})
                assert a["check"] == part.replace("_", "-") + "-signer" or \
                    (a["check"] == "collateral-form" and part in a["got"]), (part, which, i, a)


def test_the_page_of_differences_from_dcap_qvl():
    """docs/dcap-qvl.md has a row for each vector at hand whose two statuses differ, and no other answer than we give."""
    page = load(f"{SOURCE}/docs/dcap-qvl.md").decode()
    rows = {m[0]: m[1:] for m in re.findall(r"^\| \*?`(\w+)`\*? \| (\w+) \| (\w+) \| ", page, re.M)}
    folders = [os.path.dirname(p) for root in (f"{VECTORS}/quotes", f"{BESIDE}/quotes")
               for p in glob.glob(f"{root}/**/expected.json", recursive=True)]
    found = set()
    for folder in folders:
        reference = json.loads(load(f"{folder}/expected.json"))["reference"]
        if not os.path.exists(f"{folder}/collateral.json") or "dcapqvl" not in reference:
            continue
        name, said = os.path.basename(folder), tuple(reference[who].get("status", "refused") for who in ("intel", "dcapqvl"))
        assert rows.get(name, (said[0], said[0])) == said, (name, said, rows.get(name))
        found.add(name)
    not_here = {m for m in re.findall(r"\*`(\w+)`\*", page)}
    assert set(rows) - not_here <= found and len(rows) >= 12, (rows, found)


def test_a_collateral_without_its_form():
    for change in ({k: None} for k in ("tcb_info", "root_ca_crl", "qe_identity_signature")):
        assert check(collateral=change)["check"] == "collateral-form", change
    for text in (b"", b"[]", b"{", b"{\"tcb_info\":1,\"tcb_info\":2}", b"\xff", b"[" * 100000):
        a = told("quote", f"{GOOD}/quote.bin", "--collateral", at_hand("bad", text), "--at", NOW)
        assert a["check"] == "collateral-form" and a["got"], (text[:20], a)


all_tests(globals())
