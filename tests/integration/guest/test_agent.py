# SPDX-License-Identifier: Apache-2.0
"""The agent of a guest on this machine: what apps and strangers get of it, and what a verifier makes of that."""
import base64
import hashlib
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

from agentlib import BOOT, DEADLINE, SEED, Agent, digest_of, extend, quoted, replay, write_keys

BIN, TOOL = os.environ["BAILEY_BIN"], os.environ["SIM_TOOL"]
SDK, SOURCE = os.environ["SDK_MODULES"], os.environ["BAILEY_SOURCE"]
NOW = 1780000000
SIMULATED = {"mock_attestation_seed": SEED, "bailey": BOOT}


def verify(agent, quote):
    """bailey verify quote under the root of the seed; the registers were looked at by the caller."""
    made = subprocess.run([TOOL], input=json.dumps({"seed": SEED, "at": NOW}), capture_output=True, text=True, check=True)
    made = json.loads(made.stdout)
    paths = [f"{agent.dir}/{name}" for name in ("quote.bin", "collateral.json", "root.der")]
    for path, data in zip(paths, (bytes.fromhex(quote), json.dumps(made["collateral"]).encode(), bytes.fromhex(made["root"]))):
        with open(path, "wb") as f:
            f.write(data)
    r = subprocess.run([f"{BIN}/bailey", "verify", "quote", paths[0], "--collateral", paths[1], "--at", str(NOW),
                        "--root", paths[2], "--json"], capture_output=True, text=True, check=False)
    answer = json.loads(r.stdout)
    assert r.returncode == 0 and answer["simulated"] is True and answer["status"] == "UpToDate", (answer, r.stderr)


def check_quote(agent, answer, report_data):
    """Is it accepted, over this report data, and do its registers follow from its own log?"""
    events, said = json.loads(answer["event_log"]), quoted(answer["quote"])
    assert said["report_data"] == report_data, answer["report_data"]
    assert said["rtmr"] == replay(events), events
    assert said["mrtd"].hex() == BOOT["mrtd"] and said["mrconfigid"].hex() == BOOT["mrconfigid"]
    assert all(e["digest"] == digest_of(e).hex() for e in events)
    assert [e["event_payload"] for e in events if e["imr"] < 3] == ["", b"ACPI DATA".hex(), "", ""]
    names = [e["event"] for e in events]
    assert names == ["td-hob", "acpi-loader", "kernel", "cmdline", "system-preparing", "app-id", "compose-hash",
                     "instance-id", "boot-mr-done", "key-provider", "system-ready"]
    verify(agent, answer["quote"])


def test_get_quote_is_dstacks():
    with Agent(SIMULATED) as a:
        answer = a.call("/GetQuote", {"report_data": "0xABcd"})
        assert list(answer) == ["quote", "event_log", "report_data", "vm_config"], list(answer)
        assert answer["report_data"] == "abcd" + "00" * 62
        assert json.loads(answer["vm_config"]) == {"os_image_hash": "77" * 32}
        check_quote(a, answer, bytes.fromhex("abcd").ljust(64, b"\0"))
        assert a.call("/GetQuote?report_data=" + "11" * 64)["report_data"] == "11" * 64
        a.refused("/GetQuote", {"report_data": "11" * 65}, "Report data is too long")
        a.refused("/GetQuote", {"report_data": "1"}, "report_data")
        a.refused("/Nothing", {}, "Service not found: Nothing")


def test_attest_is_v0_and_v1():
    for version, first in ((1, "00"), (2, "83")):
        with Agent(SIMULATED, version) as a:
            got = a.call("/Attest", {"report_data": "01"})["attestation"]
            assert got.startswith(first), got[:20]
            assert b"system-ready" in bytes.fromhex(got)
            told = json.loads(a.call("/GetQuote", {})["event_log"])[-1]
            assert ("preimage" in told) == (version == 2)
            if version == 2:
                assert hashlib.sha384(bytes.fromhex(told["preimage"])).hexdigest() == told["digest"]


def test_info_has_dstacks_fields():
    with Agent(SIMULATED) as a:
        info = a.call("/Info", {})
        assert list(info) == ["app_id", "instance_id", "app_cert", "tcb_info", "app_name", "device_id", "mr_aggregated",
                              "os_image_hash", "key_provider_info", "compose_hash", "vm_config", "cloud_vendor",
                              "cloud_product"], list(info)
        tcb = json.loads(info["tcb_info"])
        assert tcb["tee"] == "simulated" and tcb["app_compose"].encode() == a.compose
        assert tcb["mrtd"] == BOOT["mrtd"] and len(tcb["event_log"]) == 11
        said = quoted(a.call("/GetQuote", {})["quote"])
        assert [tcb[f"rtmr{i}"] for i in range(4)] == [r.hex() for r in said["rtmr"]]
        ids = said["mrconfigid"] + bytes(96)
        aggregated = hashlib.sha256(said["mrtd"] + b"".join(said["rtmr"]) + ids).hexdigest()
        assert info["mr_aggregated"] == tcb["mr_aggregated"] == aggregated
        assert info["device_id"] == hashlib.sha256(b"").hexdigest() and info["os_image_hash"] == "77" * 32
        assert json.loads(info["key_provider_info"]) == {"name": "none", "id": ""}
        assert a.call("/Version", {})["version"] == "0.6.0" and a.call("/GpuInfo", {}) == {"attestation": ""}
        status, page = a.http("external", "/")
        assert status == 200 and b"simulated TEE: not confidential" in page and b"<p>p" not in page


class Kernel:
    """What a TD's kernel shows: registers in sysfs, reports in configfs, and a CCEL."""

    EVENTS = [(1, 0x8000000b, b"hob"), (1, 10, b"ACPI DATA"), (2, 0x80000003, b"kernel"), (3, 6, b"LOADED_IMAGE::LoadOptions")]

    def __init__(self):
        self.stop, self.n_quotes = threading.Event(), 0
        self.thread = threading.Thread(target=self._serve)

    def prepare(self, agent):
        self.dir, self.sysfs = f"{agent.dir}/tsm", f"{agent.dir}/sysfs"
        os.mkdir(self.dir)
        os.mkdir(self.sysfs)
        self.td = {"mrtd": "e1" * 48, "mrconfigid": "00" * 48}
        registers = [bytes(48)] * 3 + [agent.registers[3]]
        for index, _, data in self.EVENTS:
            registers[index - 1] = extend(registers[index - 1], hashlib.sha384(data).digest())
        self.td |= {f"rtmr{i}": r.hex() for i, r in enumerate(registers)}
        for name, value in (("mrtd:sha384", self.td["mrtd"]), ("mrconfigid", "00" * 48), ("mrowner", "00" * 48),
                            ("mrownerconfig", "00" * 48), *((f"rtmr{i}:sha384", self.td[f"rtmr{i}"]) for i in range(4))):
            self._put(f"{self.sysfs}/{name}", bytes.fromhex(value))
        for name, value in (("inblob", b""), ("outblob", b""), ("generation", b"0\n"), ("provider", b"tdx_guest\n")):
            self._put(f"{self.dir}/{name}", value)
        self._put(f"{agent.dir}/ccel", self._ccel())
        made = subprocess.run([TOOL], input=json.dumps({"seed": SEED, "at": NOW, **self.td}), capture_output=True,
                              text=True, check=True)
        self.quote = bytes.fromhex(json.loads(made.stdout)["quote"])  # its signature does not matter to the agent
        self.thread.start()
        return {"DCAP_TDX_RTMR_SYSFS_PATH": self.sysfs, "DCAP_TDX_QUOTE_CONFIGFS_PATH": self.dir,
                "DSTACK_CCEL_FILE": f"{agent.dir}/ccel"}

    def _put(self, path, data):
        with open(f"{path}.new", "wb") as f:
            f.write(data)
        os.rename(f"{path}.new", path)

    def _ccel(self):
        spec = b"Spec ID Event03\0" + struct.pack("<IBBBBIHHB", 0, 0, 2, 0, 2, 1, 0xc, 48, 0)
        log = struct.pack("<II20sI", 0, 3, bytes(20), len(spec)) + spec
        for index, kind, data in self.EVENTS:
            log += struct.pack("<IIIH", index, kind, 1, 0xc) + hashlib.sha384(data).digest() + struct.pack("<I", len(data)) + data
        return log + b"\xff" * 64

    def _serve(self):
        seen = b""
        while not self.stop.wait(0.002):
            with open(f"{self.dir}/inblob", "rb") as f:
                data = f.read()
            if len(data) == 64 and data != seen:
                seen, self.n_quotes = data, self.n_quotes + 1
                self._put(f"{self.dir}/outblob", self.quote[:568] + data + self.quote[632:])
                self._put(f"{self.dir}/generation", f"{self.n_quotes}\n".encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        if self.thread.is_alive():
            self.thread.join()


def test_a_td_by_its_kernels_files():
    """All but the hardware: registers by sysfs, quotes by configfs, the boot's log by CCEL; with no key to sign."""
    with Kernel() as kernel, Agent(prepare=kernel.prepare) as a:
        answer = a.call("/GetQuote", {"report_data": "01"})
        said, events = quoted(answer["quote"]), json.loads(answer["event_log"])
        assert said["report_data"] == b"\1".ljust(64, b"\0") and said["rtmr"] == replay(events), events
        assert [(e["imr"], e["event_payload"]) for e in events[:4]] == [(0, ""), (0, b"ACPI DATA".hex()), (1, ""), (2, "")]
        assert events[1]["event"] == "acpi-loader"
        got = a.call("/prpc/GetEvidence", {"nonce": "07" * 32}, "external")
        assert got["tee"] == "tdx" and quoted(got["quote"])["report_data"].hex() == got["report_data"]
        tcb = json.loads(a.call("/Info", {})["tcb_info"])
        assert [tcb[f"rtmr{i}"] for i in range(4)] == [kernel.td[f"rtmr{i}"] for i in range(4)]
        assert tcb["event_log"][3]["event_payload"] == b"LOADED_IMAGE::LoadOptions".hex()
        assert kernel.n_quotes == 2
        kernel._put(f"{kernel.dir}/provider", b"sev_guest\n")
        a.refused("/GetQuote", {"report_data": "02"}, "sev_guest")


def test_calls_that_need_keys_say_so():
    with Agent(SIMULATED) as a:
        for path, body in (("/GetKey", {"path": "x", "purpose": "y"}),
                           ("/Sign", {"algorithm": "ed25519", "data": "00"})):
            a.refused(path, body, "no keys")
        for path in ("/prpc/Tappd.DeriveK256Key", "/prpc/DeriveK256Key"):
            a.refused(path, {"path": "x"}, "no keys", "tappd")
        a.refused("/prpc/GetAttestationForAppKey", {"algorithm": "ed25519"}, "no keys", "external")


def test_strangers_see_which_keys_sign():
    with Agent(SIMULATED, prepare=write_keys) as a:
        for algorithm, head in (("ed25519", b"dip1::ed25519-pk:"), ("secp256k1", b"dip1::secp256k1c-pk:")):
            key = bytes.fromhex(a.call("/Sign", {"algorithm": algorithm, "data": "00"})["public_key"])
            got = a.call("/prpc/Worker.GetAttestationForAppKey", {"algorithm": algorithm}, "external")
            want = (head + base64.urlsafe_b64encode(key).rstrip(b"=")).ljust(64, b"\0")
            assert got["report_data"] == want.hex()
            check_quote(a, got, want)
        a.refused("/prpc/GetAttestationForAppKey", {}, "Unsupported algorithm", "external")


class Door:
    """A TCP port of loopback that leads to a unix socket."""

    def __init__(self, path):
        self.path, self.listening = path, socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                here = self.listening.accept()[0]
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            there.connect(self.path)
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    @staticmethod
    def _carry(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.close()


def test_tls_on_the_public_port_is_bound_to_the_quote():
    """Plain HTTP and TLS on one port; over TLS the quote is over the key that the connection shows."""
    with Agent(SIMULATED, prepare=write_keys) as a, Door(f"{a.dir}/external.sock") as door:
        end = time.monotonic() + DEADLINE
        while not a.call("/Info", {})["app_cert"]:
            assert time.monotonic() < end, a.log()
        verify(a, a.call("/GetQuote", {})["quote"])  # writes the files that follow
        r = subprocess.run([f"{BIN}/bailey", "verify", door.url, "--collateral", f"{a.dir}/collateral.json", "--at", str(NOW),
                            "--root", f"{a.dir}/root.der", "--json"], capture_output=True, text=True, check=False)
        said = json.loads(r.stdout)
        checks = {c["check"]: c["result"] for c in said["checks"]}
        assert [checks[c] for c in ("nonce", "tls-key", "rtmr3")] == ["ok"] * 3 and said["status"] == "UpToDate", r.stdout
        assert a.call("/prpc/GetEvidence", {"nonce": "01" * 32}, "external")["tls_public_key"] == ""
        context = ssl.create_default_context(cadata=a.call("/Info", {})["app_cert"].split("-----END CERTIFICATE-----\n")[1]
                                             + "-----END CERTIFICATE-----\n")
        context.check_hostname = False
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{a.dir}/external.sock")
            s.settimeout(DEADLINE)
            with context.wrap_socket(s) as t:
                t.sendall(b"GET /prpc/Version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert t.recv(100).startswith(b"HTTP/1.1 200")
    with Agent(SIMULATED) as a:
        assert not a.raw("external", b"\x16\x03\x01\0\5hello\r\n\r\n").startswith(b"\x16")


def test_keys_that_are_broken_end_the_agent():
    def prepare(agent):
        agent._write(".appkeys.json", {"disk_crypt_key": "secret"})
        return {}
    try:
        with Agent(SIMULATED, prepare=prepare):
            pass
    except AssertionError as why:
        assert "app keys: disk_crypt_key: expected 32 bytes in hex" in str(why) and "secret" not in str(why), why
    else:
        raise AssertionError("it serves")


def test_what_the_app_emits_is_measured():
    with Agent(SIMULATED) as a:
        assert a.call("/EmitEvent", {"event": "my-event", "payload": "0xAB01"}) is None
        answer = a.call("/GetQuote", {"report_data": "01"})
        events, said = json.loads(answer["event_log"]), quoted(answer["quote"])
        assert (events[-1]["event"], events[-1]["event_payload"]) == ("my-event", "ab01")
        assert said["rtmr"] == replay(events)
        tcb = json.loads(a.call("/Info", {})["tcb_info"])
        assert tcb["rtmr3"] == said["rtmr"][3].hex() and tcb["event_log"][-1]["event"] == "my-event"
        a.refused("/EmitEvent", {"event": "system-ready"}, "the guest's own")
        a.refused("/EmitEvent", {"event": "x", "payload": "00" * 20000}, "over 16384")
        a.refused("/prpc/EmitEvent", {"event": "x"}, "Service not found", "external")
        assert a.http("dstack", "/EmitEvent?event=x")[0] == 405


def test_tappd_hashes_as_dstack_does():
    with Agent(SIMULATED) as a:
        got = a.call("/prpc/Tappd.TdxQuote", {"report_data": b"test content".hex()}, "tappd")
        assert got["hash_algorithm"] == "sha512" and got["prefix"] == "app-data", got
        want = hashlib.sha512(b"app-data:test content").digest()
        assert quoted(got["quote"])["report_data"] == want
        got = a.call("/prpc/TdxQuote", {"report_data": "00", "hash_algorithm": "sha3-256", "prefix": "x"}, "tappd")
        assert quoted(got["quote"])["report_data"] == hashlib.sha3_256(b"x:\0").digest().ljust(64, b"\0")
        got = a.call("/prpc/Tappd.RawQuote", {"report_data": "22" * 64}, "tappd")
        assert (got["hash_algorithm"], got["prefix"]) == ("raw", "")
        assert quoted(got["quote"])["report_data"].hex() == "22" * 64
        a.refused("/prpc/Tappd.RawQuote", {"report_data": "22"}, "invalid content length", "tappd")
        got = a.call("/prpc/TdxQuote", {"report_data": "00", "hash_algorithm": None, "prefix": None}, "tappd")
        assert (got["hash_algorithm"], got["prefix"]) == ("sha512", "app-data")
        a.refused("/prpc/Tappd.TdxQuote", {"report_data": "", "hash_algorithm": "md5"}, "invalid hash algorithm", "tappd")
        assert a.call("/prpc/Tappd.Info", {}, "tappd")["app_name"] == "a<p>p \u00e9"


def test_strangers_get_evidence_for_their_nonce():
    with Agent(SIMULATED) as a:
        nonce = os.urandom(32)
        got = a.call(f"/prpc/Worker.GetEvidence?nonce={nonce.hex()}", sock="external")
        want = hashlib.sha512(b"bailey-evidence:" + bytes([32]) + nonce).digest()
        assert got["nonce"] == nonce.hex() and got["tee"] == "simulated" and got["tls_public_key"] == ""
        assert got["report_data"] == want.hex()
        check_quote(a, got, want)
        assert hashlib.sha256(got["app_compose"].encode()).hexdigest() == a.compose_hash
        for bad in ("", "00" * 15, "00" * 65):
            a.refused(f"/prpc/GetEvidence?nonce={bad}", None, "nonce has 16 to 64", "external")
        a.refused("/prpc/GetQuote", {"report_data": "00"}, "Service not found", "external")
        assert a.http("external", "/GetQuote")[0] == 404
        info = a.call("/prpc/Info", {}, "external")
        assert info["tcb_info"] and info["vm_config"]


def test_what_an_app_keeps_to_itself():
    with Agent(SIMULATED, public_tcbinfo=False) as a:
        got = a.call("/prpc/GetEvidence", {"nonce": "01" * 16}, "external")
        assert got["app_compose"] == "" and got["tcb_info"] == "" and got["quote"]
        info = a.call("/prpc/Info", {}, "external")
        assert info["tcb_info"] == "" and info["vm_config"] == ""
        assert a.call("/Info", {})["tcb_info"] != ""


def test_strangers_do_not_slow_the_app():
    """Many ask at once: most are refused, none waits for ever, and the app is served all the same."""
    with Agent(SIMULATED) as a:
        seen = []

        def ask():
            for _ in range(20):
                status, body = a.http("external", "/prpc/GetEvidence?nonce=" + os.urandom(16).hex())
                seen.append((status, b"try again later" in body))
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for _ in range(20):
            a.call("/GetQuote", {"report_data": "01"})
        for t in threads:
            t.join(DEADLINE)
        assert len(seen) == 80 and (400, True) in seen and {s for s, _ in seen} <= {200, 400}, seen


def test_without_a_tee_nothing_is_vouched_for():
    with Agent() as a:
        a.refused("/GetQuote", {"report_data": "00"}, "no TEE")
        a.refused("/Attest", {}, "no TEE")
        a.refused("/prpc/GetEvidence", {"nonce": "00" * 16}, "no TEE", "external")
        tcb = json.loads(a.call("/Info", {})["tcb_info"])
        assert tcb["tee"] == "none" and tcb["rtmr3"] is None and tcb["mr_aggregated"] == ""
    with Agent({}) as a:
        a.refused("/GetQuote", {}, "tee_simulator.seed")
        assert json.loads(a.call("/Info", {})["tcb_info"])["rtmr0"] == "00" * 48


def test_http_is_as_the_sdks_want_it():
    """One length spelled with one space, no chunks, pure ASCII; our side closes when the client's does."""
    with Agent(SIMULATED) as a:
        got = a.raw("dstack", b"POST /Info HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                              b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
        head, _, body = got.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        assert len(lengths) == 1 and lengths[0].split(b": ")[1] == str(len(body)).encode(), head
        assert b"chunked" not in head and body.isascii()


def test_dstacks_own_sdk_works_unchanged():
    node = shutil.which("node")
    if not node or not os.path.isdir(f"{SDK}/node_modules/@phala/dstack-sdk"):
        print(f"skipped: no node, or no @phala/dstack-sdk in {SDK}; scripts/setup gets it")
        return
    with Agent(SIMULATED) as a:
        env = {**os.environ, "NODE_PATH": f"{SDK}/node_modules", "DIR": a.dir}
        r = subprocess.run([node, f"{SOURCE}/tests/sdk/sdk.cjs"], env=env, capture_output=True, text=True, check=False,
                           timeout=DEADLINE)
        assert r.returncode == 0, r.stdout + r.stderr


FAILED = 0
for name, test in list(globals().items()):
    if name.startswith("test_"):
        try:
            test()
            print("ok  ", name, flush=True)
        except Exception as why:  # pylint: disable=broad-except
            FAILED += 1
            print(f"FAIL {name}: {type(why).__name__}: {str(why)[:2000]}", flush=True)
sys.exit(1 if FAILED else 0)
