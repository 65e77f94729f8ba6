# SPDX-License-Identifier: Apache-2.0
"""dstack's published SDK against the agent of a guest that has keys: keys, signatures and certificates hold for others."""
import json
import os
import sys

import sdklib
from agentlib import BOOT, SEED, Agent, write_keys
from sdklib import put, run

BIN, TOOL = os.environ["BAILEY_BIN"], os.environ["SIM_TOOL"]
NOW = 1780000000
SIMULATED = {"mock_attestation_seed": SEED, "bailey": BOOT}
# The root of a KMS, and what it gave to this app (vectors of lib/tee/test-keys_app_keys.c).
ROOT = "0375427ab8309aad26beea8142edf427674e4544604ae4dc5045108ad21fc8a0db"
APP_ID = "11" * 20


def check_quote(agent, quote):
    """bailey verify, under the root of the seed."""
    made = json.loads(run(TOOL, input=json.dumps({"seed": SEED, "at": NOW})))
    path, root = put(agent, "quote.bin", bytes.fromhex(quote)), put(agent, "root.der", bytes.fromhex(made["root"]))
    collateral = put(agent, "collateral.json", json.dumps(made["collateral"]))
    said = json.loads(run(f"{BIN}/bailey", "verify", "quote", path, "--collateral", collateral, "--at", str(NOW),
                          "--root", root, "--json"))
    assert said["status"] == "UpToDate" and said["simulated"] is True, said


if not sdklib.is_there():
    sys.exit(77)
with Agent(SIMULATED, prepare=write_keys, app_id=APP_ID) as a:
    check_quote(a, sdklib.check_keys(a, ROOT, APP_ID)["quote"])
