# SPDX-License-Identifier: Apache-2.0
"""sdklib: dstack's published SDK, and what other programs make of what it got"""
import json
import os
import shutil
import subprocess

from agentlib import DEADLINE

SDK, SOURCE = os.environ["SDK_MODULES"], os.environ["BAILEY_SOURCE"]
NODE = shutil.which("node")


def is_there():
    if NODE and os.path.isdir(f"{SDK}/node_modules/@phala/dstack-sdk"):
        return True
    print(f"skipped: no node, or no @phala/dstack-sdk in {SDK}; scripts/setup gets it")
    return False


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


def check_keys(agent, root, app_id, first_register=0):
    """All that tests/sdk/keys.cjs asks of an agent; its certificates are looked at here.  Gives what it wrote."""
    run(NODE, f"{SOURCE}/tests/sdk/keys.cjs",
        env={**os.environ, "NODE_PATH": f"{SDK}/node_modules", "DIR": agent.dir, "ROOT": root, "APP_ID": app_id,
             "FROM": str(first_register)})
    with open(f"{agent.dir}/sdk.json", encoding="utf-8") as f:
        made = json.load(f)
    check_chain(agent, made["server"], "sslserver")
    check_chain(agent, made["client"], "sslclient")
    check_chain(agent, made["ratls"], "sslserver")
    check_chain(agent, made["older"], "any")
    ratls = put(agent, "leaf.pem", made["ratls"]["chain"][0])
    assert "1.3.6.1.4.1.62397.1.8" in run("openssl", "x509", "-in", ratls, "-noout", "-text")
    shown = put(agent, "leaf.pem", made["app_cert"])
    assert "CN = demo-cert" in run("openssl", "x509", "-in", shown, "-noout", "-subject")
    return made
