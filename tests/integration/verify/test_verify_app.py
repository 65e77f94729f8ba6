# SPDX-License-Identifier: Apache-2.0
"""bailey verify FILE|URL: an app as it must be, and each way of being otherwise; no guest and no image here"""
import glob
import hashlib
import json
import os
import tempfile
import time

from applib import (AT, App, COMPOSE, Server, attestation, certificate, described, digest_of, events, image, mr_config_v1,
                    mr_config_v3, nonce_of, simulate, started)
from loglib import listed
from pccslib import Pccs
from verifylib import BESIDE, OK, SOURCE, UNPROVEN, USAGE, all_tests, load, run

FAILED = 1
FOLDER = tempfile.TemporaryDirectory()
NONCE = bytes(range(32))
WORLD = simulate()
ROOT, COLLATERAL = f"{FOLDER.name}/root.der", f"{FOLDER.name}/collateral.json"
with open(ROOT, "wb") as f:
    f.write(bytes.fromhex(WORLD["root"]))
with open(COLLATERAL, "w") as f:
    json.dump(WORLD["collateral"], f)
UNDER = ("--root", ROOT, "--collateral", COLLATERAL, "--at", str(AT))
NO_IMAGE = ("--allow-unchecked", "image")
GOOD = App().answer(NONCE)


def told(evidence, *more, under=UNDER, lacks=NO_IMAGE, nonce=NONCE):
    """What --json says of evidence (bytes, an object) or of an address; the exit status must agree with it."""
    is_url = isinstance(evidence, str)
    data = b"" if is_url else evidence if isinstance(evidence, bytes) else json.dumps(evidence).encode()
    if nonce and not is_url:
        more += ("--nonce", nonce.hex())
    r = run(evidence if is_url else "-", "--json", *under, *lacks, *more, stdin=data)
    assert r.returncode in (OK, UNPROVEN) and not r.stderr, r
    a = json.loads(r.stdout)
    assert (r.returncode == OK) == (a["check"] is None) == a["accepted"], a
    assert a["simulated"] == (under is UNDER or "--root" in under) and a["sentence"].startswith("simulated") == a["simulated"]
    first = [c["check"] for c in a["checks"] if c["result"] == "failed"]
    assert first == a["failed"] and (a["check"] == first[0] if first else a["check"] in a["unchecked"] + [None])
    return a


def refused(evidence, *more, **how):
    a = told(evidence, *more, **how)
    assert not a["accepted"]
    return a["check"]


def changed(**more):
    return {**GOOD, **more}


def with_log(change):
    log = json.loads(GOOD["event_log"])
    return changed(event_log=json.dumps(change(log)))


def test_an_app_as_it_must_be():
    a = told(GOOD)
    assert a["accepted"] and a["status"] == "UpToDate" and a["app_name"] == "demo" and not a["failed"], a
    assert a["compose_hash"] == hashlib.sha256(COMPOSE.encode()).hexdigest() and a["app_id"] == a["compose_hash"][:40]
    assert a["key_provider"]["name"] == "kms" and a["report"]["mrtd"] == "77" * 48
    by_name = {c["check"]: c for c in a["checks"]}
    assert by_name["nonce"]["result"] == by_name["rtmr3"]["result"] == by_name["quote.debug"]["result"] == "ok"
    assert by_name["mrtd"] == {**by_name["mrtd"], "result": "unchecked", "allowed": True}
    assert by_name["tls-key"]["result"] == by_name["mr-config"]["result"] == "none"


def test_people_get_a_table_and_a_sentence():
    r = run("-", *UNDER, *NO_IMAGE, "--nonce", NONCE.hex(), stdin=json.dumps(GOOD).encode())
    out = r.stdout.decode()
    assert r.returncode == OK and "✓  rtmr3" in out and "all 36 checks of the quote hold" in out, out
    assert out.splitlines()[-1].startswith("simulated") and 'the app "demo"' in out.splitlines()[-1]
    quiet = run("-", *UNDER, *NO_IMAGE, "-q", "--nonce", NONCE.hex(), stdin=json.dumps(GOOD).encode())
    assert quiet.stdout.decode() == out.splitlines()[-1] + "\n"
    r = run("-", *UNDER, *NO_IMAGE, "--nonce", NONCE.hex(), stdin=json.dumps(changed(report_data="11" * 64)).encode())
    assert r.returncode == UNPROVEN and "✗  report-data" in r.stdout.decode() and "refused: report-data" in r.stdout.decode()


def test_what_is_missing_is_not_passed_over():
    a = told(GOOD, lacks=())
    assert not a["accepted"] and a["check"] == "vm-config" and set(a["unchecked"]) == {
        "vm-config", "image", "os-image-hash", "mrtd", "rtmr0", "rtmr1", "rtmr2"}
    assert refused(GOOD, nonce=None) == "nonce"
    assert told(GOOD, nonce=None, lacks=("--allow-unchecked", "image,nonce"))["accepted"]
    assert refused(changed(app_compose="")) == "compose-hash"
    assert told(changed(app_compose=""), "--compose-hash", told(GOOD)["compose_hash"])["accepted"]
    assert refused(changed(event_log="")) == "event-log"
    quote = bytes.fromhex(GOOD["quote"])
    assert refused(quote) == "nonce"
    all_but = ("--allow-unchecked", "image,event-log,compose,app-id")
    assert told(quote, "--report-data", GOOD["report_data"], nonce=None, lacks=all_but)["accepted"]
    for bad in ("quote", "tdx", "nothing", "", "image,", "tls-key", "evidence"):
        r = run("-", *UNDER, "--allow-unchecked", bad, stdin=b"{}")
        assert r.returncode == USAGE and b"--allow-unchecked" in r.stderr, bad


def test_tamperings_of_an_answer():
    other = App(events=events(COMPOSE + " ")).answer(NONCE)
    old = App().answer(bytes(32))
    flipped = bytearray.fromhex(GOOD["quote"])
    flipped[200] ^= 1

    def moved(log):
        at = [i for i, e in enumerate(log) if e["event"] == "app-id"][0]
        return [*log[:at], log[at + 1], log[at], *log[at + 2:]]

    def edit(name, **change):
        return lambda log: [{**e, **change} if e["event"] == name else e for e in log]
    cases = {
        "a quote byte": (changed(quote=flipped.hex()), "quote.quote-signature"),
        "another machine's quote": (changed(quote=other["quote"]), "rtmr3"),
        "another app's log and compose": (changed(event_log=other["event_log"], app_compose=COMPOSE + " "), "rtmr3"),
        "an old answer": (old, "nonce"),
        "an old quote under the new nonce": ({**old, "nonce": NONCE.hex()}, "report-data"),
        "an old quote, all made to fit": ({**old, "nonce": NONCE.hex(), "report_data": GOOD["report_data"]}, "report-data"),
        "report data": (changed(report_data="22" * 64), "report-data"),
        "a key that was not there": (changed(tls_public_key="00"), "report-data"),
        "compose": (changed(app_compose=COMPOSE.replace("demo", "evil")), "compose-hash"),
        "an event moved": (with_log(moved), "event-log"),
        "an event dropped": (with_log(lambda log: [e for e in log if e["event"] != "compose-hash"]), "event-log"),
        "an event doubled": (with_log(lambda log: log + [e for e in log if e["event"] == "app-id"]), "event-log"),
        "an event added": (with_log(lambda log: log + listed([("mine", b"")])), "rtmr3"),
        "an event's payload": (with_log(edit("app-id", event_payload="00" * 20)), "event-log"),
        "its digest, too": (with_log(edit("app-id", event_payload="00" * 20, digest="")), "rtmr3"),
        "a digest": (with_log(edit("app-id", digest="00" * 48)), "event-log"),
        "a digest of firmware": (with_log(lambda log: [{**log[0], "digest": "00" * 48}, *log[1:]]), "log-registers"),
        "an event of firmware dropped": (with_log(lambda log: log[1:]), "event-log"),
        "the separator moved": (with_log(lambda log: [log[7], *log[:7], *log[8:]]), "event-log"),
        "only the guest's events": (with_log(lambda log: [e for e in log if e["imr"] == 3]), None),
    }
    for what, (evidence, wants) in cases.items():
        a = told(evidence)
        assert a["check"] == wants, (what, a["check"], a["sentence"])


def test_tamperings_of_a_machine():
    debug = App(attributes=(1 << 28) | 1).answer(NONCE)
    assert refused(debug) == "quote.debug"
    assert refused(GOOD, under=(*UNDER[2:],)) == "quote.pck-chain"
    assert refused(GOOD, under=(*UNDER[:4], "--at", str(AT + 400 * 86400))).startswith("quote.")
    with open(f"{FOLDER.name}/other.der", "wb") as f:
        f.write(bytes.fromhex(simulate(seed="11" * 32)["root"]))
    assert refused(GOOD, under=("--root", f.name, *UNDER[2:])) == "quote.pck-chain"
    a = told(GOOD, "--app-id", "00" * 20)
    assert a["check"] == "app-id" and "expected 00000000" in a["sentence"]
    assert refused(GOOD, "--compose-hash", "00" * 32) == "compose-hash"
    assert refused(GOOD, "--report-data", "00") == "report-data"


def test_app_ids_that_somebody_chose():
    app = App(events=events(app_id=b"\7" * 20)).answer(NONCE)
    assert refused(app) == "app-id"
    assert told(app, "--app-id", "07" * 20)["accepted"]
    assert told(app, "--app-id", "0x" + "07" * 20)["accepted"]


def test_mr_config():
    assert told(App(mrconfigid=mr_config_v1(COMPOSE)).answer(NONCE))["accepted"]
    assert refused(App(mrconfigid=mr_config_v1(COMPOSE + " ")).answer(NONCE)) == "mr-config"
    of_compose = hashlib.sha256(COMPOSE.encode()).hexdigest()
    document = {"version": 3, "app_id": of_compose[:40], "compose_hash": of_compose, "instance_id": bytes(range(20)).hex(),
                "key_provider": "kms"}
    for more in ({}, {"key_provider_id": "3059"}, {"init_script_hashes": []}, {"key_provider_id": "3059", "init_script_hashes": []}):
        assert told(App(mrconfigid=mr_config_v3({**document, **more})).answer(NONCE))["accepted"], more
    for bad in ({"app_id": "00" * 20}, {"compose_hash": "00" * 32}, {"instance_id": "00" * 20}, {"key_provider": "none"},
                {"key_provider_id": "305a"}, {"init_script_hashes": ["00" * 32]}, {"other": 1}):
        assert refused(App(mrconfigid=mr_config_v3({**document, **bad})).answer(NONCE)) == "mr-config", bad
    assert refused(App(mrconfigid="04" + "00" * 47).answer(NONCE)) == "mr-config"


def test_compose_by_hand():
    path = f"{FOLDER.name}/app-compose.json"
    with open(path, "w") as f:
        f.write(COMPOSE)
    assert told(changed(app_compose=""), "--compose", path)["accepted"]
    with open(path, "w") as f:
        f.write(COMPOSE + "\n")
    assert refused(GOOD, "--compose", path) == "compose-hash"


def test_forms_of_evidence():
    app = App()
    data = bytes(range(64))
    att = attestation(app, data)
    for form in (att, att.hex().encode(), {"attestation": att.hex()}, {"attestation": "0x" + att.hex()}):
        a = told(form, "--report-data", data.hex(), "--compose-hash", hashlib.sha256(COMPOSE.encode()).hexdigest(), nonce=None)
        assert a["accepted"], a["sentence"]
    get_quote = {k: GOOD[k] for k in ("quote", "event_log", "report_data", "vm_config")}
    a = told(get_quote, "--report-data", GOOD["report_data"], "--compose-hash", a["compose_hash"], nonce=None)
    assert a["accepted"]
    for bad in (b"", b"{", b"{}", b"[]", b"\xff" * 64, att[:-1], att + b"\0", {"quote": "zz"}, {"quote": 1}, {"quote": ""},
                {"attestation": "00"}, {**GOOD, "report_data": "00"}, {**GOOD, "nonce": "00" * 65}, {**GOOD, "event_log": 7},
                b'{"quote":"00","quote":"00"}'):
        assert refused(bad) == "evidence", bad[:40] if isinstance(bad, bytes) else bad
    for bad in ("00", "0400", GOOD["quote"][:-2], GOOD["quote"] + "01"):
        assert refused(changed(quote=bad)).startswith("quote."), bad[:40]
    for bad in ("[", "[{}]", "{}", "1", '[{"imr":9}]'):
        assert refused(changed(event_log=bad)) == "event-log", bad
    for cut in range(0, len(att), 97):
        assert refused(att[:cut]) in ("evidence", "quote.quote-form")
    words = App(compose=json.dumps({"name": "\x1b[31mred\u202e"}))
    r = run("-", *UNDER, *NO_IMAGE, "--nonce", NONCE.hex(), stdin=json.dumps(words.answer(NONCE)).encode())
    assert r.returncode == OK and b"\x1b" not in r.stdout


def test_an_address():
    app, asked = App(), []

    def good(path):
        asked.append(path)
        return 200, {}, json.dumps(app.answer(nonce_of(path))).encode()
    with Server(good) as s:
        for url in (s.url, s.url + "/"):
            a = told(url)
            assert a["accepted"] and a["source"] == url, a
        assert asked[0] != asked[1] and all(p.startswith("/prpc/Worker.GetEvidence?nonce=") and len(nonce_of(p)) == 32 for p in asked)
        assert told(s.url, "--nonce", "11" * 16)["accepted"] and nonce_of(asked[2]) == b"\x11" * 16
    with Server(lambda path: (200, {}, json.dumps(GOOD).encode())) as s:
        assert refused(s.url) == "nonce"
        # a nonce that was sent counts, whatever else is expected
        assert refused(s.url, "--report-data", GOOD["report_data"]) == "nonce"
    with Server(lambda path: (200, {}, b"<html>")) as s:
        assert refused(s.url) == "evidence"
    old = {k: v for k, v in GOOD.items() if k not in ("nonce", "tls_public_key")}
    with Server(lambda path: (200, {}, json.dumps(old).encode())) as s:
        assert refused(s.url, lacks=("--allow-unchecked", "image,nonce,report-data")) == "nonce"
    with Server(lambda path: (200, {}, json.dumps(changed(nonce=nonce_of(path).hex())).encode())) as s:
        assert refused(s.url) == "report-data"


def fails(url, *more, code=FAILED, says=b""):
    r = run(url, *UNDER, *NO_IMAGE, *more)
    assert r.returncode == code and not r.stdout and says in r.stderr and b"\x1b" not in r.stderr, r


def test_hostile_servers():
    with Server(lambda path: (302, {"Location": s.url + "/elsewhere"}, b"")) as s:
        fails(s.url, says=b"status 302")
    with Server(lambda path: (500, {}, b'{"error":"\x1b[2Jno quote \xc2\x9b"}')) as s:
        fails(s.url, says=b"status 500")
    with Server(lambda path: (500, {}, json.dumps({"error": "too often"}).encode())) as s:
        fails(s.url, says=b"too often")
    with Server(lambda path: (200, {}, b" " * (5 << 20))) as s:
        fails(s.url, says=b"more than")

    def slow(path):
        time.sleep(20)
        return 200, {}, b""
    with Server(slow) as s:
        fails(s.url, "--timeout", "1s", says=b"no answer within")
        url = s.url
    fails(url, says=b"refused")
    for bad in ("http://", "http:///x", "http://user@host", "https://h?x=1", "http://h#x", "http://a b", "http://h\x1b", "http://" + "a" * 600):
        fails(bad, code=USAGE)


def test_tls():
    app = App()
    path, key = certificate(FOLDER.name, "plain")
    with Server(lambda p: (200, {}, json.dumps(app.answer(nonce_of(p), key)).encode()), path) as s:
        a = told(s.url)
        assert a["accepted"] and {c["check"]: c["result"] for c in a["checks"]}["tls-key"] == "ok", a["sentence"]
    for shown in (b"", key[:-1] + b"\0", key + b"\0"):
        with Server(lambda p: (200, {}, json.dumps(app.answer(nonce_of(p), shown)).encode()), path) as s:
            assert refused(s.url) == "tls-key"
    with Server(lambda p: (404, {}, b"{}"), path) as s:
        fails(s.url, says=b"status 404")


def test_a_certificate_with_a_quote():
    app = App()
    compose = ("--compose-hash", hashlib.sha256(COMPOSE.encode()).hexdigest())

    def of_key(key):
        return attestation(app, hashlib.sha512(b"ratls-cert:" + key).digest())
    path, _ = certificate(FOLDER.name, "ratls", of_key)
    with Server(lambda p: (404, {}, b""), path) as s:
        a = told(s.url, *compose)
        assert a["accepted"], a["sentence"]
        results = {c["check"]: c["result"] for c in a["checks"]}
        assert results["tls-key"] == "ok" and results["nonce"] == results["report-data"] == "none"
    path, _ = certificate(FOLDER.name, "stolen", lambda key: of_key(key + b"\0"))
    with Server(lambda p: (404, {}, b""), path) as s:
        assert refused(s.url, *compose) == "tls-key"
    path, _ = certificate(FOLDER.name, "broken", lambda key: of_key(key)[:-1])
    with Server(lambda p: (404, {}, b""), path) as s:
        assert refused(s.url, *compose) == "evidence"


def test_a_gateway():
    """The key of a domain is among those that the gateway attests, or nothing that it shows counts."""
    app = App()
    path, key = certificate(FOLDER.name, "domain")
    compose = ("--compose-hash", hashlib.sha256(COMPOSE.encode()).hexdigest())

    def entry(of, tag=b"zt-cert:", form="attestation", **more):
        data = hashlib.sha512(tag + of).digest()
        answer = app.answer(b"", data=data)
        text = {"attestation": attestation(app, data).hex()} if form == "attestation" else {
            k: answer[k] for k in ("quote", "event_log", "report_data", "vm_config")}
        return {"public_key": of.hex(), "quote": "", "attestation": "", form: json.dumps(text), **more}

    def serves(*keys, info=(404, {}, b""), status=200):
        pages = {"/.dstack/acme-info": (status, {}, json.dumps({"account_uri": "", "quoted_hist_keys": keys, "hist_keys": []}).encode()),
                 "/.dstack/app-info": info}
        return Server(lambda p: pages.get(p, (404, {}, b"")), path)

    def by(s, *more, **how):
        return told(s.url.replace("127.0.0.1", "gateway.localhost"), *more, nonce=None, **how)

    with serves(entry(key + b"\0"), entry(key)) as s:
        a = by(s, *compose)
        results = {c["check"]: c["result"] for c in a["checks"]}
        assert a["accepted"] and results["tls-key"] == "ok" and results["nonce"] == results["report-data"] == "none", a["sentence"]
        r = run("gateway", s.url, "--json", *UNDER, *NO_IMAGE, *compose)
        assert r.returncode == OK and json.loads(r.stdout)["accepted"], r
        assert by(s)["check"] == "compose-hash", "its app-info is not there"
    with serves(entry(key, form="quote"), info=(200, {}, json.dumps({"tcb_info": json.dumps({"app_compose": COMPOSE})}).encode())) as s:
        assert by(s)["accepted"], "its own compose, which its log has the hash of"
        assert by(s, "--app-id", "00" * 20)["check"] == "app-id"
    with serves(entry(key, form="quote"), info=(200, {}, json.dumps({"tcb_info": {"app_compose": COMPOSE + " "}}).encode())) as s:
        assert by(s)["check"] == "compose-hash"
    with serves(entry(key, tag=b"ratls-cert:")) as s:
        assert by(s, *compose)["check"] == "tls-key", "a quote that was made for something else"
    with serves(entry(key + b"\0", public_key=key.hex())) as s:
        assert by(s, *compose)["check"] == "tls-key", "another key's quote"
    for keys, says in (((), "none of the 0"), ((entry(key + b"\0"),), "none of the 1"),
                       (({"public_key": key.hex(), "quote": "", "attestation": ""},), "no quote of its key"),
                       (({"public_key": key.hex(), "quote": "{}", "attestation": "x"},), "")):
        with serves(*keys) as s:
            a = by(s, *compose)
            assert a["check"] == "evidence" and says in json.dumps(a["checks"]), a["sentence"]
    with serves(status=500) as s:
        fails(s.url.replace("127.0.0.1", "gateway.localhost"), says=b"HTTP status 500")
    for bad in ("https://gateway.localhost/x", "https://gateway.localhost:0", "https://gateway.u@h"):
        fails(bad, code=USAGE)


def edited(name, at=None, text=None):
    def change(folder):
        with open(f"{folder}/{name}", "r+b") as f:
            data = bytearray(f.read())
            if text:
                data = data.replace(*text)
            else:
                data[at] ^= 1
            f.seek(0)
            f.write(data)
            f.truncate()
    return change


def test_an_image():
    folder = image(FOLDER.name, "good-0.6.0")
    app = started(folder)
    answer = app.answer(NONCE)
    a = told(answer, "--image", folder, lacks=())
    assert a["accepted"] and a["image"] == "good-0.6.0" and "on image good-0.6.0" in a["sentence"], a["sentence"]
    assert told(answer, "--image", folder, "--image-hash", digest_of(folder), lacks=())["accepted"]
    assert refused(answer, "--image", folder, "--image-hash", "00" * 32, lacks=()) == "image"

    images = {
        "a byte of the image": (edited("initrd.cpio.gz", 3), False, "image", None),
        "a byte of firmware": (edited("ovmf.fd", 0x2fff), True, "os-image-hash", "mrtd"),
        "a byte of the kernel": (edited("bzImage", 0x1000), True, "os-image-hash", "rtmr1"),
        "a byte of the initrd": (edited("initrd.cpio.gz", 3), True, "os-image-hash", "rtmr2"),
        "a word of the command line": (edited("metadata.json", text=(b"quiet", b"rw")), True, "os-image-hash", "rtmr2"),
    }
    for i, (what, (change, sealed, check, register)) in enumerate(images.items()):
        other = image(FOLDER.name, f"bad{i}-0.6.0", change, sealed)
        a = told(answer, "--image", other, lacks=())
        assert a["check"] == check and (not register or register in a["failed"]), (what, a["sentence"])
        if register:     # one that says to run another image than it does: the hash is right, the registers are not
            lie = {**answer, "vm_config": json.dumps({**json.loads(app.vm_config), "os_image_hash": digest_of(other)})}
            a = told(lie, "--image", other, lacks=())
            assert a["check"] == register and ("events that differ: " in a["sentence"]) == (register != "mrtd"), (what, a["sentence"])
    for name, event in (("rtmr1", "kernel"), ("rtmr2", "cmdline")):
        row = [c for c in told(answer, "--image", f"{FOLDER.name}/bad{2 if name == 'rtmr1' else 4}-0.6.0", lacks=())["checks"]
               if c["check"] == name][0]
        assert row["why"].endswith(f"; events that differ: {event}"), row


def test_descriptions_of_a_machine():
    folder = image(FOLDER.name, "machine-0.6.0")
    app = started(folder)
    answer = app.answer(NONCE)

    def by(**change):
        return told({**answer, "vm_config": described(folder, **change)}, "--image", folder, lacks=())
    for change, check in (({"cpu_count": 3}, "rtmr0"), ({"memory_size": 4 << 30}, "rtmr0"), ({"num_nics": 2}, "rtmr0"),
                          ({"hotplug_off": True}, "rtmr0"), ({"qemu_version": "10.0.0"}, "rtmr0"), ({"qemu_version": "8.2.2"}, "mrtd"),
                          ({"pci_hole64_size": 1 << 40}, "rtmr0"), ({"num_gpus": 1}, "rtmr0"), ({"num_verity_volumes": 1}, "rtmr0"),
                          ({"os_image_hash": "00" * 32}, "os-image-hash"), ({"qemu_version": "6.2.0"}, "vm-config"),
                          ({"swtpm": True}, "vm-config"), ({"cpu_count": 0}, "vm-config"), ({"cpu_count": 1 << 31}, "vm-config"),
                          ({"cpu_count": "2"}, "vm-config"), ({"host_share_mode": "floppy"}, "vm-config"),
                          ({"qemu_version": "9.1.0;reboot"}, "vm-config"), ({"num_nics": 4000}, "vm-config"),
                          ({"memory_size": 1 << 62}, "vm-config"), ({"memory_size": 12345}, "vm-config"), ({"memory_size": 0}, "vm-config"),
                          ({"memory_size": -1}, "vm-config"), ({"pci_hole64_size": 1 << 62}, "rtmr0"), ({"num_gpus": 1 << 31}, "vm-config"),
                          ({"hugepages": 1}, "vm-config"), ({"qemu_version": "9" * 500}, "vm-config")):
        a = by(**change)
        assert a["check"] == check, (change, a["sentence"])
    a = by(cpu_count=3)
    assert "events that differ: acpi-loader, acpi-rsdp, acpi-tables" in a["sentence"], a["sentence"]
    a = by(memory_size=4 << 30)
    assert "events that differ: td-hob" in a["sentence"], a["sentence"]
    assert by()["accepted"]
    assert refused({**answer, "vm_config": ""}, "--image", folder, lacks=()) == "vm-config"
    assert refused({**answer, "vm_config": "{"}, "--image", folder, lacks=()) == "vm-config"
    r = run("-", *UNDER, "--image", folder, "--qemu", "/nowhere", "--nonce", NONCE.hex(), "-j", stdin=json.dumps(answer).encode())
    assert r.returncode == UNPROVEN and json.loads(r.stdout)["check"] == "mrtd"


def test_collateral_that_is_fetched():
    with Pccs(WORLD["collateral"]) as pccs:
        under = ("--root", ROOT, "--at", str(AT), "--pccs", pccs.url)
        assert told(GOOD, under=under)["accepted"] and len(pccs.asked) == 4
        assert told(GOOD, under=under)["accepted"] and len(pccs.asked) == 4


def collateral_of(fmspc):
    """Intel's for a platform, and the time that it is of; it is not ours to copy."""
    for path in sorted(glob.glob(f"{BESIDE}/quotes/*/*/collateral.json")):
        expected = json.loads(load(path.replace("collateral", "expected")))
        if fmspc in json.loads(load(path))["tcb_info"].lower() and expected["reference"]["intel"].get("status") == "UpToDate":
            return path, str(expected["time"])
    return None, None


def test_a_real_machine():
    """dstack's own fixture, of hardware: all registers follow from its description and its image's measurements.

    Its key service named another image than the machine does, which we tell."""
    folder = f"{BESIDE}/dstack-fixtures/raw/dstack/verifier/fixtures"
    path, at = collateral_of("90c06f000000")
    if not path or not os.path.exists(f"{folder}/tdx-lite-getquote.json"):
        print("skipped: no ../shared/vectors")
        return
    answer = json.loads(load(f"{folder}/tdx-lite-getquote.json"))
    image_hash = json.loads(answer["vm_config"])["os_image_hash"]
    compose = json.loads(answer["event_log"])[22]["event_payload"]
    for name in ("getquote", "attestation"):
        a = told(load(f"{folder}/tdx-lite-{name}.json"), "--report-data", answer["report_data"], "--image-hash", image_hash,
                 "--compose-hash", compose, under=("--collateral", path, "--at", at), lacks=(), nonce=None)
        assert a["failed"] == ["os-image-hash"] and not a["unchecked"] and a["status"] == "UpToDate", a["sentence"]
    lie = {**answer, "vm_config": answer["vm_config"].replace('"cpu_count":2', '"cpu_count":4')}
    a = told(lie, "--report-data", answer["report_data"], "--image-hash", image_hash, "--compose-hash", compose,
             under=("--collateral", path, "--at", at), lacks=(), nonce=None)
    assert a["failed"] == ["os-image-hash", "rtmr0"] and "acpi-" in str(a["checks"]), a["sentence"]


def test_options():
    for bad in (("--nonce", "00"), ("--nonce", "0" * 33), ("--app-id", "zz"), ("--compose-hash", "00"), ("--report-data", "00" * 65),
                ("--compose", "/nowhere"), ("--image", "/nowhere"), ("--policy", "lax"), ("--at", "x")):
        r = run("-", *UNDER, *bad, stdin=json.dumps(GOOD).encode())
        assert r.returncode == USAGE and not r.stdout and bad[0].encode() in r.stderr or bad[1].encode() in r.stderr, (bad, r)
    assert run("/nowhere", *UNDER).returncode == USAGE
    missing = run("-", "--root", ROOT, "--at", str(AT), "--pccs", "http://127.0.0.1:1", "--nonce", NONCE.hex(), "--json", *NO_IMAGE,
                  stdin=json.dumps(GOOD).encode())
    assert missing.returncode == UNPROVEN and json.loads(missing.stdout)["check"] == "quote"


def test_the_page_names_every_check_and_member():
    page = load(f"{SOURCE}/man/bailey-verify.7").decode()
    words = {w for line in page.splitlines() if line.startswith(".It Cm ") for w in line[7:].replace(",", " ").split()}
    a = told(GOOD)
    names = {c["check"].removeprefix("quote.") for c in a["checks"]} | {"quote"} | set(a)
    names |= {c["result"] for c in a["checks"]} | {"failed", "unchecked"}
    assert names <= words, sorted(names - words)


if "BAILEY_CACHE" not in os.environ:
    os.environ["XDG_CACHE_HOME"] = f"{FOLDER.name}/cache"
all_tests(globals())
