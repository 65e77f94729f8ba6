# SPDX-License-Identifier: Apache-2.0
"""dstack's published SDK against the agent of a guest that has keys: keys, signatures and certificates hold for others."""
import json
import os
import shutil
import subprocess
import sys

from agentlib import BOOT, DEADLINE, SEED, Agent, write_keys

BIN, TOOL = os.environ["BAILEY_BIN"], os.environ["SIM_TOOL"]
SDK, SOURCE = os.environ["SDK_MODULES"], os.environ["BAILEY_SOURCE"]
NOW = 1780000000
SIMULATED = {"mock_attestation_seed": SEED, "bailey": BOOT}
# The root of a KMS, and what it gave to this app (vectors of lib/tee/test-keys_app_keys.c).
ROOT = "0375427ab8309aad26beea8142edf427674e4544604ae4dc5045108ad21fc8a0db"
APP_ID = "11" * 20


def run(*argv, **more):
    r = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=DEADLINE, **more)
    assert r.returncode == 0, (argv, r.stdout[-2000:], r.stderr[-2000:])
    return r.stdout


def put(agent, name, data):
    path = f"{agent.dir}/{name}"
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return path


def check_chain(agent, made, purpose):
    """openssl, at its strictest, takes the chain, and the leaf is of that key."""
    leaf, root = put(agent, "leaf.pem", made["chain"][0]), put(agent, "root.pem", made["chain"][-1])
    middle = put(agent, "middle.pem", "".join(made["chain"][1:-1]) or made["chain"][-1])
    run("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", root, "-untrusted", middle, leaf)
    public = run("openssl", "x509", "-in", leaf, "-noout", "-pubkey")
    assert run("openssl", "pkey", "-in", put(agent, "key.pem", made["key"]), "-pubout") == public


def check_quote(agent, quote):
    """bailey verify, under the root of the seed."""
    made = json.loads(run(TOOL, input=json.dumps({"seed": SEED, "at": NOW})))
    path, root = put(agent, "quote.bin", bytes.fromhex(quote)), put(agent, "root.der", bytes.fromhex(made["root"]))
    collateral = put(agent, "collateral.json", json.dumps(made["collateral"]))
    said = json.loads(run(f"{BIN}/bailey", "verify", "quote", path, "--collateral", collateral, "--at", str(NOW),
                          "--root", root, "--json"))
    assert said["status"] == "UpToDate" and said["simulated"] is True, said


def main():
    node = shutil.which("node")
    if not node or not os.path.isdir(f"{SDK}/node_modules/@phala/dstack-sdk"):
        print(f"skipped: no node, or no @phala/dstack-sdk in {SDK}; scripts/setup gets it")
        return 77
    with Agent(SIMULATED, prepare=write_keys, app_id=APP_ID) as a:
        run(node, f"{SOURCE}/tests/sdk/keys.cjs",
            env={**os.environ, "NODE_PATH": f"{SDK}/node_modules", "DIR": a.dir, "ROOT": ROOT, "APP_ID": APP_ID})
        with open(f"{a.dir}/sdk.json", encoding="utf-8") as f:
            made = json.load(f)
        check_chain(a, made["server"], "sslserver")
        check_chain(a, made["client"], "sslclient")
        check_chain(a, made["ratls"], "sslserver")
        check_chain(a, made["older"], "any")
        assert "1.3.6.1.4.1.62397.1.8" in run("openssl", "x509", "-in", put(a, "leaf.pem", made["ratls"]["chain"][0]),
                                              "-noout", "-text")
        assert "CN = demo-cert" in run("openssl", "x509", "-in", put(a, "leaf.pem", made["app_cert"]), "-noout", "-subject")
        check_quote(a, made["quote"])
    return 0


sys.exit(main())
