#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an honest guest gets: keys, certificates, the same ones each time; and what is left of it on disk"""
import http.client
import json
import os
import pwd
import socket
import ssl
import subprocess
import threading

from kmslib import APP, COMPOSE, INSTANCE, SEAL, Kms, free_port, main, tool

CA_ROOT = "f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1"
K256_ROOT = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b"


def of_roots(**config):
    kms = Kms(**config)
    os.mkdir(kms.path("state"), 0o700)
    tool("keys", state=kms.path("state"), seal_key=SEAL, ca=CA_ROOT, k256=K256_ROOT)
    return kms.start()


def test_known_roots_give_known_keys():
    """The vectors of dstack's derivation, through the call."""
    with of_roots() as kms:
        status, keys = kms.app_key(instance_id="22" * 20)
        assert status == 200, keys
        assert keys["disk_crypt_key"] == "a59c814e2c6d9353af59ce4fba7215e5ec3b62a2495b4dca48ea6f9804061f51"
        assert keys["env_crypt_key"] == "a7470db8cfdd0fe24134b461d60766afa7c078abe6dce9f2c8a5c44034ca400e"
        assert keys["k256_key"] == "886c2788dd4da286d0608e73f6b5aa7a245095f790b9a862afcdc979b85d8093"
        assert keys["k256_signature"].startswith("a25139e926778e2fffc6245a75696db26f3d69cc2ee8a9dfcc26db1e3944d123")
        assert keys["gateway_app_id"] == keys["tproxy_app_id"] == "" and len(keys["os_image_hash"]) == 64
        env = kms.ask("GetAppEnvEncryptPubKey", {"app_id": "0x" + APP})
        assert env["public_key"] == "93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f"
        assert env["signature"].startswith("bff2e0b0d7b724c966d1b3b828b67d15a6c3f2cd224141c5a6aa51d4a85ce861")
        assert env["timestamp"] > 1_700_000_000 and len(env["signature_v1"]) == 130
        meta = kms.ask("GetMeta")
        assert meta["k256_pubkey"] == "0375427ab8309aad26beea8142edf427674e4544604ae4dc5045108ad21fc8a0db"
        assert meta["is_dev"] is True and meta["bootstrap_info"] is None and meta["chain_id"] is None
        assert kms.refused("GetAppEnvEncryptPubKey", {"app_id": "11"}) == "app_id must be 20 bytes"
        kms.stop()
        kms.start()
        assert kms.app_key(instance_id="22" * 20)[1] == keys
        lines = kms.lines("audit")
        assert len(lines) == 2 and kms.lines("refused") == []
        assert lines[0]["app_id"] == APP and lines[0]["instance_id"] == "22" * 20 and lines[0]["simulated"] is True
        assert lines[0]["compose_hash"] == COMPOSE and lines[0]["why"] == "apps[0] of the allow-list"
        assert lines[0]["tcb_status"] == "UpToDate" and lines[0]["call"] == "GetAppKey" and lines[0]["allowed"]


def test_a_running_guest_gets_certificates():
    """SignCert in both forms, and TLS between two apps by what it gave."""
    with Kms().start() as kms:
        root = kms.ask("GetMeta")["ca_cert"]
        chains = []
        for version in (1, 2):
            made = tool("csr", version=version, running=True)
            body = {"api_version": version, "csr": made["csr"], "signature": made["signature"], "vm_config": ""}
            if version == 1:
                body["vm_config"] = tool("world")["vm_config"]
            chain = kms.ask("SignCert", body)["certificate_chain"]
            assert len(chain) == 3 and chain[2] == root
            verify(kms, chain)
            chains.append((chain, made["key"]))
        mutual_tls(kms, root, *chains)
        lines = kms.lines("certificates")
        assert [x["call"] for x in lines] == ["SignCert", "SignCert"] and lines[0]["instance_id"] == INSTANCE
        made = tool("csr")
        broken = {"api_version": 2, "csr": made["csr"][:-2] + "00", "signature": made["signature"]}
        assert kms.refused("SignCert", broken).startswith("Failed to")
        assert kms.refused("SignCert", {**broken, "api_version": 3}) == "Unsupported API version: 3"
        stranger = tool("csr", app_id="99" * 20)
        assert kms.refused("SignCert", {"api_version": 2, "csr": stranger["csr"], "signature": stranger["signature"]}) \
            == "App not allowed: Boot denied: app not registered"
        assert [x["why"] for x in kms.lines("refused")][-1].endswith("app not registered")


def verify(kms, chain):
    """Strictly, as Python from 3.13 on does."""
    for name, text in zip(("leaf", "ca", "root"), chain):
        kms.write(f"{name}.pem", text)
    subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", kms.path("root.pem"), "-untrusted",
                    kms.path("ca.pem"), kms.path("leaf.pem")], check=True, stdout=subprocess.DEVNULL, timeout=60)


def mutual_tls(kms, root, server, client):
    sides = []
    for chain, key in (server, client):
        kms.write("pair.pem", "".join(chain) + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if not sides else ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=root)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(kms.path("pair.pem"))
        sides.append(context)
    a, b = socket.socketpair()
    said = []

    def serve():
        with sides[0].wrap_socket(a, server_side=True) as s:
            said.append(s.recv(5))
            s.sendall(b"hello")

    t = threading.Thread(target=serve)
    t.start()
    with sides[1].wrap_socket(b, server_hostname="alt.example.org") as s:
        s.sendall(b"hello")
        assert s.recv(5) == b"hello"
    t.join(60)
    assert said == [b"hello"]


def test_only_who_may_reads_what_is_kept():
    with Kms() as kms:
        kms.start()
        first = kms.ask("GetMeta")["ca_cert"]
        for name in ("keys.sealed", "audit.jsonl", "refused.jsonl", "certificates.jsonl"):
            assert os.stat(kms.path(f"state/{name}")).st_mode & 0o777 == 0o600, name
        with open(kms.path("state/keys.sealed"), "rb") as f:
            sealed = f.read()
        assert b"PRIVATE KEY" not in sealed and b"ca_key" not in sealed
        kms.config["listen"] = [f"127.0.0.1:{free_port()}"]
        assert b"another bailey-kms has the state folder" in kms.run().stderr
        kms.config["listen"] = [f"127.0.0.1:{kms.port}"]
        kms.stop()
        kms.write("seal.key", "08" * 32)
        r = kms.run()
        assert r.returncode == 1 and b"does not open: it was sealed with another key" in r.stderr, r.stderr
        kms.write("seal.key", SEAL)
        with open(kms.path("state/keys.sealed"), "wb") as f:
            f.write(sealed[:-1])
        assert b"does not open" in kms.run().stderr
        with open(kms.path("state/keys.sealed"), "wb") as f:
            f.write(sealed)
        os.chmod(kms.path("seal.key"), 0o644)
        assert b"can be read by others" in kms.run().stderr
        os.chmod(kms.path("seal.key"), 0o600)
        kms.start()
        assert kms.ask("GetMeta")["ca_cert"] == first
        r = kms.run("bootstrap")
        assert r.returncode == 1, r
        kms.stop()
        assert b"already been bootstrapped" in kms.run("bootstrap").stderr


def test_what_a_first_start_says():
    with Kms(onboard={}) as kms:
        r = kms.run()
        assert r.returncode == 1 and b"there are no root keys" in r.stderr and b"bailey-kms bootstrap" in r.stderr
        assert kms.run("bootstrap").returncode == 0
        kms.start()
        assert kms.app_key()[0] == 200
        assert kms.run("--check-config").stdout == b"configuration is valid\n"
        kms.config["listen"] = "x"
        assert b"kms.yaml:1: listen" in kms.run("--check-config").stderr
        kms.config["listen"] = ["127.0.0.1:1"]
        del kms.config["authorize"]
        assert b"wants either file or webhook" in kms.run("--check-config").stderr


def test_pages():
    with Kms(metrics=False).start() as kms:
        assert kms.get("/metrics") == b"not found\n"
        assert kms.app_key()[0] == 200
        kms.stop()
        kms.config["metrics"] = True
        kms.start()
        assert kms.app_key()[0] == 200 and kms.app_key(debug=True)[0] == 400
        text = kms.get("/metrics").decode()
        assert "dstack_kms_attestation_requests_total 2\n" in text
        assert "dstack_kms_attestation_failures_total 1\n" in text
        status, answer = kms.call("Nothing")
        assert status == 400 and answer["error"] == "Service not found: Nothing"


def test_root_is_given_up():
    """Of a user of its own: with its state folder, and without ways back."""
    if os.geteuid() != 0:
        print("skip: this needs root")
        return
    nobody = pwd.getpwnam("nobody")
    with Kms(user="nobody") as kms:
        for folder, _, names in os.walk(kms.folder):
            for name in ["."] + names:
                os.chown(f"{folder}/{name}", nobody.pw_uid, nobody.pw_gid)
        # what it reads is its own from here on
        kms.config["user"] = "nobody"
        kms.start()
        with open(f"/proc/{kms.process.pid}/status", encoding="ascii") as f:
            status = dict(line.split(":", 1) for line in f)
        assert set(status["Uid"].split()) == {str(nobody.pw_uid)} and set(status["Gid"].split()) == {str(nobody.pw_gid)}
        assert status["NoNewPrivs"].strip() == "1" and int(status["CapEff"], 16) == 0
        assert os.stat(kms.path("state")).st_uid == nobody.pw_uid and kms.app_key()[0] == 200
        kms.stop()
        kms.config["user"] = "no-such-user"
        assert b'there is no user "no-such-user"' in kms.run().stderr


def test_both_encodings():
    with Kms().start() as kms:
        c = kms.connect()
        c.request("POST", "/prpc/KMS.GetAppEnvEncryptPubKey", b"\x0a\x14" + bytes.fromhex(APP))
        r = c.getresponse()
        body = r.read()
        assert r.status == 200 and r.headers["Content-Type"] == "application/octet-stream"
        wanted = kms.ask("KMS.KMS.GetAppEnvEncryptPubKey", {"app_id": APP})["public_key"]
        assert body[:34] == b"\x0a\x20" + bytes.fromhex(wanted)


def test_admin():
    with Kms(admin={}) as kms:
        port = free_port()
        kms.config["admin"] = {"listen": f"127.0.0.1:{port}", "token_file": kms.path("token")}
        kms.start()
        for token, body, want in (("x", {}, 401), ("setup-token-of-tests", {"image_hash": "all"}, 200),
                                  ("setup-token-of-tests", {"image_hash": "../x"}, 400)):
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            c.request("POST", "/prpc/Admin.ClearImageCache?json", json.dumps(body), {"X-Admin-Token": token})
            r = c.getresponse()
            assert r.status == want, (token, r.status)
            assert (b"invalid cache key" in r.read()) == (want == 400)
        assert kms.app_key()[0] == 200


main([test_known_roots_give_known_keys, test_a_running_guest_gets_certificates, test_only_who_may_reads_what_is_kept,
      test_what_a_first_start_says, test_pages,
      test_root_is_given_up, test_both_encodings, test_admin])
