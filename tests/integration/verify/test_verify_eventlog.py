# SPDX-License-Identifier: Apache-2.0
"""bailey verify eventlog: logs as they must be, and each way of being otherwise"""
import base64
import glob
import hashlib
import json
import os

from verifylib import BESIDE, OK, SOURCE, UNPROVEN, USAGE, all_tests, load, run

FIXTURE = load(f"{SOURCE}/tests/fuzz/corpus/event-log/fixture")
EVENTS = [(e["event"], base64.b64decode(e["payload"])) for e in map(json.loads, FIXTURE.splitlines())]
RUNTIME = 0x08000001


def digest(name, payload):
    return hashlib.sha384(RUNTIME.to_bytes(4, "little") + b":" + name.encode() + b":" + payload).digest()


def listed(events):
    return [{"imr": 3, "event_type": RUNTIME, "digest": digest(name, payload).hex(), "event": name,
             "event_payload": payload.hex()} for name, payload in events]


def replay(events):
    register = bytes(48)
    for name, payload in events:
        register = hashlib.sha384(register + digest(name, payload)).digest()
    return register.hex()


def told(log, *more):
    data = log if isinstance(log, bytes) else json.dumps(log).encode()
    r = run("eventlog", "-", "--json", *more, stdin=data)
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
    firmware = [{"imr": 0, "event_type": 4, "digest": "11" * 48, "event": "", "event_payload": ""}]
    a = told(firmware + listed(EVENTS))
    assert a["check"] is None and a["firmware_events"] == 1


def test_what_is_no_log():
    log = listed(EVENTS)
    for bad in (b"{", b"1", b"{}", b"\xff", b"[[]]", b"[" * 100000, FIXTURE[:-1], FIXTURE[:40],
                json.dumps([{**log[0], "imr": 4}]).encode(), json.dumps([{**log[0], "digest": "00"}]).encode(),
                json.dumps([{**log[0], "event_payload": "0"}]).encode(),
                json.dumps([{**log[0], "version": 3}]).encode(), json.dumps(log * 200).encode(), bytes(2 << 20)):
        r = run("eventlog", "-", stdin=bad)
        assert r.returncode == USAGE and r.stderr and not r.stdout, (bad[:60], r)
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
    names = set(told(FIXTURE)) | {"digest", "register", "payload", "order", "doubled", "missing", "rtmr3", "more"}
    assert names <= words, names - words


all_tests(globals())
