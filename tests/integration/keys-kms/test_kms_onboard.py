#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Root keys: made once, fetched by another key service that may have them, and whole or not at all"""
import http.client
import json
import os
import signal

from kmslib import APP, BIN, COMPOSE, TOKEN, WORLD, Kms, free_port, main, wait_for

KMS_APP = {"app_id": "77" * 20, "compose_hash": "78" * 32, "instance_id": "79" * 20}


def onboarding(kms):
    kms.config["onboard"] = {"listen": f"127.0.0.1:{free_port()}", "token_file": kms.path("token")}
    return kms


def setup(kms, method, body=None, token=TOKEN, verb="POST"):
    host, port = kms.config["onboard"]["listen"].split(":")
    c = http.client.HTTPConnection(host, int(port), timeout=120)
    c.request(verb, f"/prpc/{method}?json", json.dumps(body or {}), {"Authorization": f"Bearer {token}"} if token else {})
    r = c.getresponse()
    return r.status, json.loads(r.read())


def is_up(kms):
    host, port = kms.config["onboard"]["listen"].split(":")
    c = http.client.HTTPConnection(host, int(port), timeout=60)
    c.request("GET", "/health")
    return kms.alive() and c.getresponse().read() == b"OK"


def list_of(*measurements, **more):
    return {"os_images": [WORLD["os_image_hash"]], "kms": {"mr_aggregated": list(measurements)},
            "apps": [{"id": APP, "compose_hashes": [COMPOSE]}], **more}


def begin(kms):
    kms.start(wait=False)
    wait_for(lambda: is_up(kms))
    return kms


def measurement(kms):
    status, info = setup(kms, "Onboard.GetAttestationInfo")
    assert status == 200 and info["tee_variant"] == "dstack-tdx" and len(info["ppid"]) == 32, info
    return info["mr_aggregated"]


def bootstrapped():
    """A key service in a guest of its own, which may have keys."""
    kms = onboarding(Kms(agent=True, app=KMS_APP, self_authorization=True))
    begin(kms)
    domain = {"domain": "127.0.0.1"}
    for token in (None, "wrong-token-wrong-token"):
        assert setup(kms, "Bootstrap", domain, token=token)[0] == 401
    assert setup(kms, "Bootstrap", domain, verb="GET")[0] == 405
    assert "the configuration says domain" in setup(kms, "Bootstrap", {"domain": "other.org"})[1]["error"]
    assert "the domain is none" in setup(kms, "Bootstrap", {"domain": "-"})[1]["error"]
    assert "there are no keys yet" in setup(kms, "Finish")[1]["error"]
    assert "KMS is not allowed: aggregated MR not allowed" in setup(kms, "Bootstrap", domain)[1]["error"]
    mine = measurement(kms)
    kms.allow(list_of(mine))
    status, made = setup(kms, "Bootstrap", domain)
    assert status == 200 and len(made["ca_pubkey"]) == 182 and len(made["k256_pubkey"]) == 66 and made["attestation"]
    assert "already been bootstrapped" in setup(kms, "Bootstrap", domain)[1]["error"]
    assert setup(kms, "Finish") == (200, None)
    wait_for(lambda: kms.get("/health") == b"OK")
    assert kms.ask("GetMeta")["bootstrap_info"] == made
    return kms, mine


def test_a_second_one_gives_the_same_keys():
    first, mine = bootstrapped()
    with first, onboarding(Kms(agent=True, app={**KMS_APP, "instance_id": "7a" * 20}, self_authorization=True)) as second:
        begin(second)
        body = {"source_url": f"https://127.0.0.1:{first.port}", "domain": "127.0.0.1"}
        theirs = measurement(second)
        assert "boot denied: aggregated MR not allowed" in setup(second, "Onboard", body)[1]["error"]
        second.allow(list_of(mine))
        assert "KMS is not allowed" in setup(second, "Onboard", body)[1]["error"]
        second.allow(list_of(mine, theirs))
        assert "GetKmsKey: KMS not allowed: Boot denied" in setup(second, "Onboard", body)[1]["error"]
        assert not os.path.exists(second.path("state/keys.sealed"))
        first.allow(list_of(mine, theirs))
        status, got = setup(second, "Onboard", body)
        assert status == 200 and got["k256_pubkey"] == first.ask("GetMeta")["k256_pubkey"], got
        assert setup(second, "Finish")[0] == 200
        wait_for(lambda: second.get("/health") == b"OK")
        assert first.app_key()[1]["disk_crypt_key"] == second.app_key()[1]["disk_crypt_key"]
        line = first.lines("audit")[0]
        assert line["call"] == "GetKmsKey" and line["why"] == "kms of the allow-list" and line["instance_id"] == "7a" * 20
        # a guest of the one uses the CA of the other
        guest = first.client()
        assert second.call("GetAppKey", {}, guest, guest["ca"])[0] == 200
        # taken off the list, it hands out nothing more
        second.allow(list_of(mine))
        assert second.refused("GetTempCaCert").startswith("KMS self authorization failed: KMS is not allowed")


def test_a_source_must_be_attested():
    with Kms().start() as source, onboarding(Kms(agent=True, app=KMS_APP)) as second:
        url = f"https://127.0.0.1:{source.port}"
        r = second.run("onboard", url)
        assert r.returncode == 1 and b"Source KMS certificate does not contain attestation" in r.stderr, r.stderr
        for bad, want in (("http://127.0.0.1:1", b"https://"), ("https://127.0.0.1:1", b"refused")):
            r = second.run("onboard", bad)
            assert r.returncode == 1 and want in r.stderr, r.stderr
        r = source.run("onboard", url)
        assert r.returncode == 1
    with onboarding(Kms()) as process:
        r = process.run("onboard", "https://127.0.0.1:1")
        assert r.returncode == 1 and b"without the key agent" in r.stderr, r.stderr


def test_who_is_killed_begins_again():
    """Wherever it ends: no keys, or all of them, and the next start goes on."""
    with open(f"{BIN}/bailey-kms", "rb") as f:
        if b"kms.seal.before" not in f.read():
            print("skip: built without points of injection")
            return
    for point, has_keys in (("kms.bootstrap.commit", False), ("kms.seal.before", False), ("kms.seal.after", True)):
        with Kms() as kms:
            kms.env["BAILEY_INJECT"] = point
            assert kms.run("bootstrap").returncode == -signal.SIGKILL
            assert os.path.exists(kms.path("state/keys.sealed")) == has_keys
            del kms.env["BAILEY_INJECT"]
            kms.start()
            assert kms.app_key()[0] == 200
    with Kms() as kms:
        kms.env["BAILEY_INJECT"] = "kms.app_key.audited"
        kms.start()
        try:
            kms.app_key()
            raise AssertionError("it lives")
        except (OSError, http.client.HTTPException):
            pass
        assert len(kms.lines("audit")) == 1
        kms.process.wait(60)
        del kms.env["BAILEY_INJECT"]
        kms.start()
        assert kms.app_key()[0] == 200


main([test_a_second_one_gives_the_same_keys, test_a_source_must_be_attested, test_who_is_killed_begins_again])
