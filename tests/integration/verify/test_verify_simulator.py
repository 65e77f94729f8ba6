# SPDX-License-Identifier: Apache-2.0
"""bailey verify quote and the simulator: believed under its root given by hand, by nobody else, and never unsaid"""
import json
import os
import subprocess
import tempfile

from applib import AT, simulate
from pccslib import Pccs
from verifylib import BAILEY, OK, SOURCE, UNPROVEN, all_tests, bailey, load, run

SEED = "5a" * 32
scratch = tempfile.TemporaryDirectory(prefix="b-sim-")
WORLD = simulate(seed=SEED, mrtd="77" * 48, report_data="42" * 64)
OTHER = simulate(seed="5b" * 32)


def at_hand(name, data):
    path = f"{scratch.name}/{name}"
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


QUOTE = at_hand("quote.bin", bytes.fromhex(WORLD["quote"]))
COLLATERAL = at_hand("collateral.json", WORLD["collateral"])
ROOT = at_hand("root.der", bytes.fromhex(WORLD["root"]))
GIVEN = ("quote", QUOTE, "--collateral", COLLATERAL, "--at", AT)


def told(*args):
    r = run(*GIVEN, *args, "--json")
    assert r.returncode in (OK, UNPROVEN) and not r.stderr, r
    return json.loads(r.stdout)


def test_every_check_holds_under_its_root_given_by_hand():
    for policy in ("intel", "strict"):
        a = told("--root", ROOT, "--policy", policy)
        assert a["check"] is None and a["accepted"] and a["status"] == "UpToDate" and a["advisory_ids"] == [], a
        assert all(row["result"] == "ok" for row in a["checks"]) and a["simulated"] is True, a
        assert a["report"]["mrtd"] == "77" * 48 and a["report"]["report_data"] == "42" * 64
        assert a["fmspc"] == "000000000000"


def test_nobody_else_believes_it():
    for args, is_simulated in (((), False), (("--root", at_hand("other.der", bytes.fromhex(OTHER["root"]))), True)):
        for policy in ("intel", "strict"):
            a = told(*args, "--policy", policy)
            assert not a["accepted"] and a["check"] == "pck-chain" and "root" in a["got"], a
            assert a["simulated"] is is_simulated and a["root"]["is_intel"] is not is_simulated, a


def test_every_form_of_the_answer_says_simulated():
    for args in ((), ("--quiet",), ("--policy", "intel"), ("--at", "0"), ("--accept", "OutOfDate")):
        out = run(*GIVEN[:4], "--at", AT, *args, "--root", ROOT).stdout.decode()
        assert out.splitlines()[-1].startswith("simulated "), out


def test_a_mock_pccs_serves_it():
    env = {**os.environ, "XDG_CACHE_HOME": f"{scratch.name}/cache"}
    with Pccs(WORLD["collateral"]) as pccs:
        os.environ.update(env)
        r = bailey("verify", "quote", QUOTE, "--pccs", pccs.url, "--root", ROOT, "--at", AT, "--json")
    a = json.loads(r.stdout)
    assert r.returncode == OK and a["check"] is None and a["simulated"] and a["collateral"]["fetched"] == 4, a


def simulator(*args):
    return subprocess.run([f"{os.path.dirname(BAILEY)}/bailey-simulator", *map(str, args)], capture_output=True, timeout=60,
                          check=False)


def test_its_program_gives_what_a_verifier_needs():
    seed = at_hand("seed", SEED.encode() + b"\n")
    made = {what: simulator(what, "--seed", seed, "--at", AT) for what in ("root", "collateral", "quote")}
    assert all(r.returncode == OK and not r.stderr for r in made.values()), made
    root, collateral, quote = (at_hand(f"own-{what}", r.stdout) for what, r in made.items())
    for q, c, r in ((quote, collateral, root), (QUOTE, collateral, root), (quote, COLLATERAL, ROOT)):
        a = json.loads(run("quote", q, "--collateral", c, "--at", AT, "--root", r, "--json").stdout)
        assert a["check"] is None and a["simulated"], a


def test_a_quote_that_says_what_another_says():
    seed, report = at_hand("seed", SEED.encode()), told("--root", ROOT)["report"]
    for change in ({}, {"rtmr2": "33" * 48, "xfam": "00" * 8}, {"tee_tcb_svn2": report["tee_tcb_svn"], "mrservicetd": "00" * 48}):
        r = simulator("quote", "--seed", seed, "--td", at_hand("td.json", {**report, **change}))
        assert r.returncode == OK, r
        a = json.loads(run("quote", at_hand("made", r.stdout), *GIVEN[2:], "--root", ROOT, "--json").stdout)
        assert a["check"] is None and a["report"] == {**report, **change}, a
    td = at_hand("td.json", {"attributes": "0000000010000001"})
    r = simulator("quote", "--seed", seed, "--td", td)
    a = json.loads(run("quote", at_hand("made", r.stdout), *GIVEN[2:], "--root", ROOT, "--json").stdout)
    assert a["check"] == "debug" and a["attributes"]["debug"], a


def test_what_its_program_does_not_take():
    seed = at_hand("seed", SEED.encode())
    for args, says in ((("root",), b"--seed"), (("root", "--seed", "/none"), b"/none"), (("--seed", seed), b"root, coll"),
                       (("all", "--seed", seed), b"root, coll"), (("root", "quote", "--seed", seed), b"root, coll"),
                       (("root", "--seed", at_hand("short", SEED[2:].encode())), b"64 hex"),
                       (("root", "--seed", at_hand("nul", SEED.encode() + b"\0")), b"64 hex"),
                       (("root", "--seed", QUOTE), b"quote.bin"),
                       (("collateral", "--seed", seed, "--at", "-1"), b"seconds"),
                       (("quote", "--seed", seed, "--td", at_hand("td", {"mrtd": "00"})), b"mrtd"),
                       (("quote", "--seed", seed, "--td", at_hand("no-td", b"{")), b"no-td"), (("root", "--sed", "x"), b"--help")):
        r = simulator(*args)
        assert r.returncode in (1, 2) and says in r.stderr and not r.stdout, (args, r)


def test_no_program_that_verifies_holds_the_simulator_or_its_root():
    """Nor any other root than Intel's; a quote that says it is simulated is the proof that words are found."""
    marks = (b"dstack-mock", b"Mock Intel SGX", b"bailey simulator", b"simulator_new", b"sim_key_new",
             b"Test Root - NOT INTEL")
    program = load(BAILEY)
    assert not [m for m in marks if m in program]
    assert program.count(b"Intel SGX Root CA") == 2, "issuer and subject of one certificate"
    assert b"bailey simulator" in bytes.fromhex(WORLD["quote"]) and b"Mock Intel SGX Root CA" in bytes.fromhex(WORLD["root"])
    for root in (bytes.fromhex(WORLD["root"]), load(f"{SOURCE}/tests/vectors/quotes/test_root.der")):
        at = root.index(bytes.fromhex("034200")) + 4  # the key, after its tag, length and 04
        assert root[at:at + 64] not in program


all_tests(globals())
