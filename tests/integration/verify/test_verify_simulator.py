# SPDX-License-Identifier: Apache-2.0
"""bailey verify quote and the simulator: believed under its root given by hand, by nobody else, and never unsaid"""
import json
import os
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
