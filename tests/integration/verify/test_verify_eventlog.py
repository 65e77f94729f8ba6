# SPDX-License-Identifier: Apache-2.0
"""bailey eventlog: logs as they must be, and each way of being otherwise"""
import glob
import json
import os
import struct

from loglib import EVENTS, FIRMWARE, FIXTURE, RUNTIME, extended, firmware, listed, replay, sha384, variable
from verifylib import BESIDE, OK, SOURCE, UNPROVEN, USAGE, all_tests, bailey, load, run

def told(log, *more):
    data = log if isinstance(log, bytes) else json.dumps(log).encode()
    r = bailey("eventlog", "show", "-", "--json", *more, stdin=data)
    assert r.returncode in (OK, UNPROVEN) and not r.stderr, r
    answer = json.loads(r.stdout)
    assert (r.returncode == OK) == (answer["check"] is None) == (not answer["findings"]), answer
    return answer


def checks(events, *more):
    return {f["check"] for f in told(listed(events), *more)["findings"]}


def test_all_forms_of_a_log_say_the_same():
    want = replay(EVENTS)
    logs = [FIXTURE, listed(EVENTS), {"event_log": listed(EVENTS)}, {"event_log": json.dumps(listed(EVENTS)), "quote": ""},
            [{**e, "digest": ""} for e in listed(EVENTS)]]
    answers = [told(log, "--rtmr3", want) for log in logs]
    assert all(a == answers[0] for a in answers)
    a, by_name = answers[0], dict(EVENTS)
    assert a["check"] is None and a["rtmr3"] == want
    assert a["app_id"] == by_name["app-id"].hex() and a["compose_hash"] == by_name["compose-hash"].hex()
    assert a["instance_id"] == by_name["instance-id"].hex() and a["key_provider"]["name"] == "kms"
    assert a["os_image_hash"] == by_name["os-image-hash"].hex()
    names = [name for name, _ in EVENTS]
    assert a["boot_rtmr3"] == replay(EVENTS[:names.index("boot-mr-done") + 1])
    assert [e["event"] for e in a["events"]] == names


def test_people_get_an_account():
    r = run("eventlog", f"{SOURCE}/tests/fuzz/corpus/event-log/fixture")
    out = r.stdout.decode()
    assert r.returncode == OK and out.count("✓") == len(EVENTS) and replay(EVENTS) in out and "whole" in out
    r = run("eventlog", "-", "--rtmr3", "00" * 48, stdin=FIXTURE)
    assert r.returncode == UNPROVEN and "✗ rtmr3" in r.stdout.decode() and "refused" in r.stdout.decode()


def test_another_register_is_refused():
    assert checks(EVENTS, "--rtmr3", "00" * 48) == {"rtmr3"}
    assert checks(EVENTS, "--rtmr3", replay(EVENTS).upper()) == set()


def test_every_event_that_is_dropped_doubled_or_moved():
    want = replay(EVENTS)
    optional = {"os-image-hash", "storage-fs"}
    for i, (name, _) in enumerate(EVENTS):
        dropped = checks(EVENTS[:i] + EVENTS[i + 1:], "--rtmr3", want)
        assert dropped == ({"rtmr3"} if name in optional else {"rtmr3", "missing"}), (name, dropped)
        assert "doubled" in checks(EVENTS[:i + 1] + EVENTS[i:], "--rtmr3", want), name
        if i:
            moved = EVENTS[:i - 1] + [EVENTS[i], EVENTS[i - 1]] + EVENTS[i + 1:]
            assert checks(moved, "--rtmr3", want) == {"rtmr3", "order"}, name


def test_what_comes_after_system_ready():
    assert checks(EVENTS + [("my-own", b"x")]) == set()
    assert checks(EVENTS[:-1] + [("my-own", b"x")] + EVENTS[-1:]) == {"order"}
    a = told(listed(EVENTS[:1] + EVENTS[2:] + [("app-id", bytes(20))]))
    assert a["app_id"] is None and {f["check"] for f in a["findings"]} == {"order"}, a


def test_payloads():
    for name, payload in (("app-id", bytes(19)), ("compose-hash", b""), ("instance-id", bytes(21)),
                          ("key-provider", b"kms"), ("storage-fs", b"fat"), ("system-ready", b"x")):
        assert checks([(n, payload if n == name else p) for n, p in EVENTS]) == {"payload"}, name
    assert checks([(n, b"" if n == "instance-id" else p) for n, p in EVENTS]) == set()


def test_digests_and_registers():
    def with_change(i, **change):
        log = listed(EVENTS)
        log[i].update(change)
        return {f["check"] for f in told(log)["findings"]}
    assert with_change(2, digest="00" * 48) == {"digest"}
    assert with_change(2, event_payload="00" * 32) == {"digest"}
    assert with_change(2, version=2) == {"digest"}
    assert with_change(2, imr=2) == {"register", "missing"}
    assert with_change(2, event_type=6) == {"register", "missing"}
    assert with_change(2, preimage="00") == {"preimage"}


def findings(events, with_data=True):
    return {f["check"] for f in told(firmware(events, with_data) + listed(EVENTS))["findings"]}


def test_firmware_is_known_with_its_data_and_without():
    for with_data in (True, False):
        a = told(firmware(FIRMWARE, with_data) + listed(EVENTS))
        assert a["check"] is None and a["firmware_events"] == len(FIRMWARE), a["findings"]
        assert [e["event"] for e in a["entries"]] == [f[2] for f in FIRMWARE] + [n for n, _ in EVENTS]
        for i in range(3):
            register = "00" * 48
            for imr, _, _, data, made in FIRMWARE:
                register = extended(register, made or sha384(data)) if imr == i else register
            assert a[f"rtmr{i}"] == register
        assert a["rtmr3"] == replay(EVENTS)


def test_every_event_of_firmware_that_is_dropped_doubled_or_moved():
    for i, (imr, _, name, _, _) in enumerate(FIRMWARE):
        assert findings(FIRMWARE[:i] + FIRMWARE[i + 1:]) >= {"missing"}, name
        assert findings(FIRMWARE[:i + 1] + FIRMWARE[i:]) & {"doubled", "order"}, name
        before = [k for k in range(i) if FIRMWARE[k][0] == imr]
        if before and not name.startswith("acpi"):     # which are told apart by nothing but their order
            k = before[-1]
            moved = FIRMWARE[:k] + [FIRMWARE[i]] + FIRMWARE[k:i] + FIRMWARE[i + 1:]
            assert findings(moved) & {"order", "missing"}, name
    assert "order" in findings(FIRMWARE + [(1, 0x80000003, "application", b"", sha384(b"late"))])
    assert findings(FIRMWARE + [(0, 0x800000e0, "authority", variable("Sbat", b"1"), None)]) == set()


def test_data_of_firmware_must_have_its_digest():
    for i, (imr, kind, name, data, made) in enumerate(FIRMWARE):
        if kind in (4, 0x80000001, 0x80000002, 0x80000007):
            lie = FIRMWARE[:i] + [(imr, kind, name, data, sha384(b"lie"))] + FIRMWARE[i + 1:]
            assert findings(lie) == {"digest"}, name
    assert "digest" in findings([(*f[:3], b"\1\0\0\0", None) if f[1] == 4 else f for f in FIRMWARE])


def test_a_log_stripped_for_a_certificate():
    acpi = [f for f in FIRMWARE if f[3] == b"ACPI DATA"]
    a = told(firmware(acpi) + listed(EVENTS))
    assert a["check"] is None and a["rtmr0"] is None and a["rtmr3"] == replay(EVENTS)


def test_version_2_with_and_without_preimages():
    def event(name, payload, **more):
        text = json.dumps({"name": name, "payload": payload.hex(), "type": RUNTIME}, separators=(",", ":")).encode()
        return {**listed([(name, payload)])[0], "digest": sha384(text).hex(), "version": 2, "preimage": text.hex(), **more}
    whole = [event(n, p) for n, p in EVENTS]
    bare = [event(n, p, digest="") for n, p in EVENTS]
    for e in bare:
        del e["preimage"]
    a, b = told(whole), told(bare)
    assert a["check"] is None and b["check"] is None and a["rtmr3"] == b["rtmr3"] != replay(EVENTS)
    for bad in (whole[1]["preimage"], "zz", ""):
        lie = [*whole[:2], {**whole[2], "preimage": bad}, *whole[3:]]
        assert {f["check"] for f in told(lie)["findings"]} == {"preimage"}, bad


def ccels():
    names = ("ccel.bin", "ccel_data.bin", "event_log.bin", "CCEL_unpadded.data.bin", "cos-113-intel-tdx.bin",
             "cos-113-intel-tdx-dupe-separator.bin", "cos-113-intel-tdx-dupe-separator-unpadded.bin", "CCEL_data",
             "CCEL_data_gcp", "CCEL_data_grub", "CCEL_data_grub_gke", "CCEL_data_ovmf", "CCEL_AAEL_alibabacloud")
    for top in ("eventlogs-and-measurements", "dstack-fixtures"):
        for path in sorted(glob.glob(f"{BESIDE}/{top}/**", recursive=True)):
            if os.path.basename(path) in names and os.path.isfile(path):
                yield path


def replayed(data):
    """The registers of a CCEL, read here once more."""
    at, registers = 32 + struct.unpack_from("<I", data, 28)[0], [bytes(48)] * 4
    while len(data) - at > 8 and data[at:at + 8] not in (b"\xff" * 8, bytes(8)):
        index, kind, _, alg = struct.unpack_from("<IIIH", data, at)
        assert alg == 0xc
        if index and kind != 3:
            registers[index - 1] = sha384(registers[index - 1] + data[at + 14:at + 62])
        at += 66 + struct.unpack_from("<I", data, at + 62)[0]
    return [r.hex() if any(r) else None for r in registers]


def test_ccels_of_real_machines():
    n = 0
    for path in ccels():
        r = bailey("eventlog", "replay", path, "--json")
        assert r.returncode == OK, r
        a = json.loads(r.stdout)
        assert [a[f"rtmr{i}"] for i in range(4)] == replayed(load(path)), path
        n += 1
        a = told(load(path))
        # firmware of before 2023 put the second separator into RTMR0; one log is of a firmware in the making
        old = ("dupe", "ccel_data.bin", "CCEL_unpadded", "event_log.bin", "_grub", "_ovmf")
        wants = {"doubled"} if any(o in path for o in old) and "gke" not in path else set()
        assert {f["check"] for f in a["findings"]} == wants, (path, a["findings"])
        if os.path.exists(f"{path}_out.json"):
            others = json.loads(load(f"{path}_out.json"))["uefi_event_logs"]
            assert [e["digests"][0]["digest"] for e in others] == [e["digest"] for e in a["entries"]]
            assert [e["index"] for e in others if e["type_name"] != "EV_NO_ACTION"] == \
                [e["imr"] + 1 for e in a["entries"] if e["imr"] is not None]
    for path in glob.glob(f"{BESIDE}/**/CCEL_data_csv", recursive=True):
        r = bailey("eventlog", "show", path)
        assert r.returncode == USAGE and b"SHA-384" in r.stderr
        n += 1
    print(f"{n} logs" if n else "skipped: no ../shared/vectors")


def test_a_ccel_makes_its_quotes_registers():
    for path in glob.glob(f"{BESIDE}/quotes/go-tdx-guest/cos113_quote_ccel/quote.bin"):
        quote = load(path)
        at = 376 if quote[0] == 4 else 382
        for log in glob.glob(f"{BESIDE}/eventlogs-and-measurements/go-eventlog/**/cos-113-intel-tdx.bin", recursive=True):
            a = json.loads(bailey("eventlog", "replay", log, "--json").stdout)
            assert [a[f"rtmr{i}"] or "00" * 48 for i in range(4)] == \
                [quote[at + 48 * i:at + 48 * i + 48].hex() for i in range(4)]
            print("1 log and its quote")


def test_broken_ccels():
    seeds = glob.glob(f"{SOURCE}/tests/fuzz/corpus/ccel/*")
    assert seeds
    whole = load(f"{SOURCE}/tests/fuzz/corpus/ccel/unpadded")
    assert told(whole)["check"] is None
    for bad in (load(f"{SOURCE}/tests/fuzz/corpus/ccel/bad-end"), whole[:-1], whole[:70], bytes(100), b"\1\0\0\0"):
        r = bailey("eventlog", "replay", "-", stdin=bad)
        assert r.returncode == USAGE and b"CCEL" in r.stderr and not r.stdout, r


def test_what_is_no_log():
    log = listed(EVENTS)
    for bad in (b"{", b"1", b"{}", b"\xff", b"[[]]", b"[" * 100000, FIXTURE[:-1], FIXTURE[:40],
                json.dumps([{**log[0], "imr": 4}]).encode(), json.dumps([{**log[0], "digest": "00"}]).encode(),
                json.dumps([{**log[0], "event_payload": "0"}]).encode(),
                json.dumps([{**log[0], "version": 3}]).encode(), json.dumps(log * 200).encode(), bytes(2 << 20)):
        r = run("eventlog", "-", stdin=bad)
        assert r.returncode == USAGE and r.stderr and not r.stdout, (bad[:60], r)
    assert run("eventlog", "-", stdin=FIXTURE).stdout == bailey("eventlog", "show", "-", stdin=FIXTURE).stdout
    r = run("eventlog", "-", "--rtmr3", "00", stdin=FIXTURE)
    assert r.returncode == USAGE and b"--rtmr3" in r.stderr
    assert "missing" in {f["check"] for f in told(b"")["findings"]}


def test_logs_of_real_machines():
    """Their quotes hold what their logs make; RTMR3 of a v4 quote is at 520."""
    n = 0
    for path in glob.glob(f"{BESIDE}/quotes/*/*/event_log.json"):
        quote = load(f"{os.path.dirname(path)}/quote.bin")
        assert quote[0] == 4
        a = told(load(path), "--rtmr3", quote[520:568].hex())
        assert [a[f"rtmr{i}"] for i in range(4)] == [quote[376 + 48 * i:424 + 48 * i].hex() for i in range(4)], path
        assert a["check"] is None and a["app_id"] and a["compose_hash"] and a["key_provider"], (path, a["findings"])
        n += 1
    for path in glob.glob(f"{BESIDE}/dstack-fixtures/raw/dstack/verifier/fixtures/*.json"):
        answer = json.loads(load(path))
        if "event_log" not in answer:
            continue
        a = told(load(path), "--rtmr3", bytes.fromhex(answer["quote"])[520:568].hex())
        assert a["check"] is None, (path, a["findings"])
        n += 1
    print(f"{n} logs" if n else "skipped: no ../shared/vectors")


def test_the_page_names_every_member_and_finding():
    page = load(f"{SOURCE}/man/bailey-verify.7").decode()
    words = {w for line in page.splitlines() if line.startswith(".It Cm ") for w in line[7:].replace(",", " ").split()}
    names = set(told(FIXTURE)) | {"digest", "register", "payload", "order", "doubled", "missing", "rtmr3", "more",
                                  "preimage"}
    assert names <= words, names - words


all_tests(globals())
