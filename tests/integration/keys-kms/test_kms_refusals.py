#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who gets no keys: every lie is refused by its name, to the guest and in the log; nothing of it stops the others"""
import http.client
import json
import os
import shutil
import socket
import ssl
import time

from kmslib import APP, COMPOSE, WORLD, Kms, main, tool, wait_for


def lies(kms, want, **app):
    status, answer = kms.app_key(**app)
    assert status == 400 and want in answer.get("error", ""), (want, answer)
    line = kms.lines("refused")[-1]
    assert line["why"].startswith(answer["error"][:100]) and not line["allowed"], line
    return line


def test_lies_have_names():
    with Kms().start() as kms:
        line = lies(kms, "invalid quote: report data mismatch", other_key=True)
        assert line["simulated"] is None and "app_id" not in line
        lies(kms, "invalid quote: Debug mode is not allowed", debug=True)
        lies(kms, "invalid quote: rtmr1: RTMR1: expected", wrong_image=True)
        lies(kms, "invalid quote: RTMR3 mismatch, quoted: ", unquoted="compose-hash")
        lies(kms, "invalid quote: quote.collateral-form", seed="08" * 32)
        lies(kms, "No attestation provided", none=True)
        line = lies(kms, "App not allowed: Boot denied: app not registered", app_id="99" * 20)
        assert line["simulated"] is True and line["app_id"] == "99" * 20
        lies(kms, "App not allowed: Boot denied: compose hash not allowed", compose_hash="99" * 32)
        assert kms.refused("GetAppKey") == "No attestation provided"
        assert kms.refused("GetKmsKey") == "No attestation provided"
        guest = kms.client()
        assert kms.refused("GetAppKey", {"api_version": 2}, guest) == "Unsupported API version: 2"
        assert kms.refused("GetKmsKey", {}, guest).startswith("invalid quote: event-log: missing: no key-provider")
        assert kms.refused("GetKmsKey", {}, kms.client(running=True)) \
            == "KMS not allowed: Boot denied: aggregated MR not allowed"
        vm = json.loads(WORLD["vm_config"])
        for change in ({"memory_size": vm["memory_size"] * 2}, {"os_image_hash": "00" * 32}, {"cpu_count": -1}):
            error = kms.refused("GetAppKey", {"vm_config": json.dumps({**vm, **change})}, guest)
            assert error.startswith("invalid quote: "), (change, error)
        assert kms.refused("GetAppKey", {"vm_config": "{"}, guest).startswith("invalid quote: ")
        assert kms.lines("audit") == [] and kms.app_key()[0] == 200
        assert len(kms.lines("audit")) == 1


def test_a_certificate_is_of_one_key():
    """An attestation that was recorded is of no use without the key that it is for."""
    with Kms().start() as kms:
        recorded = tool("attest", report_data="55" * 64)["attestation"]
        lies(kms, "report data mismatch", attestation=recorded)
        temp = kms.ask("GetTempCaCert")
        twice = tool("client", temp_ca_cert=temp["temp_ca_cert"], temp_ca_key=temp["temp_ca_key"], double=True)
        assert "invalid quote: the certificate" in kms.refused("GetAppKey", {}, twice)
        # of another CA than ours: the handshake fails
        with Kms().start() as other:
            try:
                kms.call("GetAppKey", {}, other.client())
                raise AssertionError("a stranger's certificate was taken")
            except (ssl.SSLError, ConnectionError):
                pass
        assert kms.app_key()[0] == 200


def test_bytes_that_are_no_attestation():
    with Kms().start() as kms:
        for body in (b"{", b"[]", b"\xff", b'{"vm_config":1}', b'{"vm_config":"' + b"x" * 300000 + b'"}', b"[" * 9999):
            status, answer = kms.call("GetAppKey", body)
            assert status == 400 and answer["error"], body[:20]
        made = tool("csr")
        for cut in (0, 2, 40, 200, len(made["csr"]) - 2):
            broken = {"api_version": 2, "csr": made["csr"][:cut], "signature": made["signature"]}
            assert kms.call("SignCert", broken)[0] == 400
        big = {"api_version": 2, "csr": "00" * (3 << 20), "signature": ""}
        try:
            assert kms.call("SignCert", big)[0] in (400, 413)
        except (ConnectionError, ssl.SSLError):
            pass # it hung up on who sends that much
        other = tool("csr", other_key=True)
        assert "report data mismatch" in kms.refused(
            "SignCert", {"api_version": 2, "csr": other["csr"], "signature": other["signature"]})
        assert kms.app_key()[0] == 200


def test_collateral_that_ended():
    with Kms(args=("--at", str(int(time.time()) - 90 * 86400))).start() as kms:
        lies(kms, "invalid quote: quote.")
    with Kms() as kms:
        os.unlink(kms.path("collateral"))
        kms.start()
        lies(kms, "invalid quote: quote.collateral-form")


def test_the_simulator_is_believed_only_if_it_is_named():
    with Kms(quotes={}).start() as kms:
        lies(kms, "leads to no root that is believed")
        assert kms.ask("GetMeta")["is_dev"] is False


def test_the_list_is_read_as_it_is_now():
    with Kms(allow={"os_images": []}).start() as kms:
        lies(kms, "OS image is not allowed")
        good = {"os_images": ["0x" + WORLD["os_image_hash"].upper()],
                "gateway_app_id": "ab" * 20,
                "apps": [{"id": APP, "compose_hashes": [COMPOSE], "devices": []}]}
        kms.allow(good)
        status, keys = kms.app_key()
        assert status == 200 and keys["gateway_app_id"] == "ab" * 20
        device = kms.lines("audit")[-1]["device_id"]
        good["apps"][0]["devices"] = ["00" * 32]
        kms.allow(good)
        lies(kms, "app is not allowed to boot on this device")
        good["apps"][0]["devices"].append(device)
        kms.allow(good)
        assert kms.app_key()[0] == 200
        kms.allow({**good, "tcb_statuses": ["OutOfDate"]})
        lies(kms, "TCB status is not allowed")
        kms.allow("os_images: [ x ]\n")
        assert "allow.yaml:1: os_images" in lies(kms, "App not allowed: the allow-list: ")["why"]
        os.unlink(kms.path("allow.yaml"))
        lies(kms, "App not allowed: the allow-list: ")
        assert kms.call("GetMeta")[0] == 400
        kms.allow(good)
        assert kms.app_key()[0] == 200
        kms.allow({**good, "apps": good["apps"] * 2})
        assert "listed already" in lies(kms, "the allow-list")["why"]
        assert kms.run("--check-config").returncode == 1


def test_acpi_tables_are_the_hosts_or_qemus():
    """Tables that the host made up: believed where the operator leaves them to it, and not where QEMU is asked."""
    if not shutil.which("qemu-system-x86_64"):
        print("skip: there is no QEMU")
        return
    with Kms().start() as kms:
        assert kms.app_key(own_acpi=True)[0] == 200
    with Kms(images={"acpi": "computed"}).start() as kms:
        assert kms.app_key()[0] == 200
        lies(kms, "invalid quote: rtmr0: RTMR0: expected", own_acpi=True)
        assert kms.app_key()[0] == 200
    with Kms(images={"acpi": "computed", "qemu": "/nonexistent"}).start() as kms:
        lies(kms, "invalid quote: mrtd: ")


def test_nothing_is_given_that_cannot_be_written_down():
    with open(f"{os.environ['BAILEY_BIN']}/bailey-kms", "rb") as f:
        if b"kms.audit" not in f.read():
            print("skip: built without points of injection")
            return
    with Kms(env={"BAILEY_INJECT": "kms.audit:1=ENOSPC"}).start() as kms:
        status, answer = kms.app_key()
        assert status == 400 and "audit log cannot be written: nothing is handed out" in answer["error"], answer
        assert kms.lines("audit") == []


def test_limits():
    with Kms(limits={"address_connections": 4, "address_rate": 5, "address_burst": 30, "connections": 8}).start() as kms:
        held = []

        def is_full():
            """An earlier connection of ours may still be ending when the next one comes."""
            held.append(socket.create_connection(("127.0.0.1", kms.port), 60))
            try:
                kms.get("/health")
            except (OSError, http.client.HTTPException):
                return len(held) >= 4
            return False

        wait_for(is_full)
        for s in held:
            s.close()
        wait_for(lambda: kms.get("/health") == b"OK")
        statuses = [kms.call("GetMeta")[0] for _ in range(60)]
        assert 429 in statuses and statuses[0] == 200, statuses
        wait_for(lambda: kms.call("GetMeta")[0] == 200)


main([test_lies_have_names, test_a_certificate_is_of_one_key, test_bytes_that_are_no_attestation,
      test_collateral_that_ended, test_the_simulator_is_believed_only_if_it_is_named,
      test_the_list_is_read_as_it_is_now, test_acpi_tables_are_the_hosts_or_qemus, test_nothing_is_given_that_cannot_be_written_down, test_limits])
