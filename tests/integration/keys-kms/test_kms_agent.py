#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A guest's agent whose app has its keys from a key service, which signs its certificates; asked by dstack's own SDK"""
import json
import os
import subprocess
import sys

import sdklib
from guestlib import guest, wait_for_cert
from kmslib import APP, SEAL, WORLD, Kms, main, tool

CA_ROOT = "f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1"
K256_ROOT = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b"


def test_the_sdk_gets_certificates_of_the_service():
    with Kms().start() as kms:
        status, keys = kms.app_key()
        assert status == 200, keys
        with guest(kms, keys) as a:
            wait_for_cert(a)
            made = sdklib.check_keys(a, kms.ask("GetMeta")["k256_pubkey"], APP, first_register=3)
            assert all(len(made[k]["chain"]) == 3 and made[k]["chain"][2] == keys["ca_cert"]
                       for k in ("server", "client", "ratls", "older"))
            lines = kms.lines("certificates")
            assert len(lines) >= 5 and {x["app_id"] for x in lines} == {APP} and {x["call"] for x in lines} == {"SignCert"}


def test_a_service_that_refuses_or_is_gone_is_told():
    with Kms().start() as kms:
        keys = kms.app_key()[1]
        with guest(kms, keys) as a:
            wait_for_cert(a)
            kms.allow({"os_images": [WORLD["os_image_hash"]], "apps": []})
            a.refused("/GetTlsKey", {"subject": "x"}, "SignCert: App not allowed: Boot denied: app not registered")
            kms.stop()
            a.refused("/GetTlsKey", {"subject": "x"}, f"https://127.0.0.1:{kms.port}")
            assert a.call("/GetKey", {"path": "x"})["key"]  # needs nobody


def test_another_service_is_not_asked():
    """One with another root, at the place of the right one: its certificate does not lead to the root of the keys."""
    with Kms().start() as kms, Kms().start() as other:
        keys = kms.app_key()[1]
        with guest(kms, keys, url=f"https://127.0.0.1:{other.port}/prpc") as a:
            a.refused("/GetTlsKey", {"subject": "x"}, "https://127.0.0.1")
            assert not any(os.path.getsize(other.path(f"state/{name}")) for name in os.listdir(other.path("state"))
                           if name in ("certificates.jsonl", "refused.jsonl"))


def test_the_sdk_seals_an_environment():
    """It takes the service's word for the key, and what it seals opens with the key that the service gives the guest."""
    with Kms() as kms:
        os.mkdir(kms.path("state"), 0o700)
        tool("keys", state=kms.path("state"), seal_key=SEAL, ca=CA_ROOT, k256=K256_ROOT)
        kms.start()
        root = kms.ask("GetMeta")["k256_pubkey"]
        sealed = sdklib.run(sdklib.NODE, f"{sdklib.SOURCE}/tests/sdk/env.cjs",
                            input=json.dumps(kms.ask("GetAppEnvEncryptPubKey", {"app_id": APP})),
                            env={**os.environ, "NODE_PATH": f"{sdklib.SDK}/node_modules", "ROOT": root, "APP_ID": APP})
        opened = subprocess.run([os.environ["KEYS_TOOL"], "open", CA_ROOT, APP], input=bytes.fromhex(sealed), check=True,
                                capture_output=True).stdout
        assert json.loads(opened) == {"env": [{"key": "NAME", "value": "a value\n\u00e9\"$"}]}, opened


if not sdklib.is_there():
    sys.exit(77)
main([test_the_sdk_gets_certificates_of_the_service, test_a_service_that_refuses_or_is_gone_is_told,
      test_another_service_is_not_asked, test_the_sdk_seals_an_environment])
