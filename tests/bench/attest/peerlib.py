# SPDX-License-Identifier: Apache-2.0
"""peerlib: another verifier of quotes, fetched by npm into a scratch folder"""
import json
import os
import shutil
import subprocess

PEER = "@phala/dcap-qvl"


def fetch_peer(scratch):
    """Its modules, or None; why not is said."""
    if os.environ.get("NO_PEER"):
        print(f"not beside {PEER}: left out")
        return None
    if not shutil.which("npm") or not shutil.which("node"):
        print(f"not beside {PEER}: npm and node are not installed")
        return None
    try:
        r = subprocess.run(["npm", "install", "--prefix", scratch, "--no-audit", "--no-fund", "--ignore-scripts",
                            PEER], capture_output=True, timeout=120, check=False, text=True)
        why = (r.stderr.strip().splitlines() or ["?"])[-1] if r.returncode else None
    except subprocess.TimeoutExpired:
        why = "no answer within two minutes"
    if why:
        print(f"not beside {PEER}: npm cannot fetch it: {why}")
        return None
    with open(f"{scratch}/node_modules/{PEER}/package.json", encoding="utf-8") as f:
        print(f"beside {PEER} {json.load(f)['version']}")
    return f"{scratch}/node_modules"
