# SPDX-License-Identifier: Apache-2.0
"""bailey with a PCCS: what is fetched, kept, fetched again, and what a service that errs or lies achieves"""
import calendar
import glob
import json
import os
import shutil
import ssl
import stat
import subprocess
import tempfile
import time

from pccslib import Answer, Pccs, load_json
from verifylib import BAILEY, BESIDE, OK, UNPROVEN, USAGE, VECTORS, all_tests, load

FAILED = 1
GOOD = f"{VECTORS}/quotes/ok_v4"
ROOT = f"{VECTORS}/quotes/test_root.der"
NOW = 1785542400
COLLATERAL = load_json(f"{GOOD}/collateral.json")
PARTS = ["rootcacrl", "pckcrl", "tcb", "identity"]

scratch = tempfile.TemporaryDirectory(prefix="b-pccs-")
ENV = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": f"{scratch.name}/cache"}
ENV |= {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
CACHE = f"{ENV['XDG_CACHE_HOME']}/bailey"


def bailey(*args, env=None, stdin=b""):
    return subprocess.run([BAILEY, *map(str, args)], env={**ENV, **(env or {})}, input=stdin,
                          timeout=120, capture_output=True, check=False)


def verify(url, *more, at=NOW, env=None, quote=f"{GOOD}/quote.bin"):
    where = ("--pccs", url) if url else ()
    return bailey("verify", "quote", quote, *where, "--root", ROOT, "--at", at, "--json", *more,
                  env=env)


def told(*args, **kwargs):
    r = verify(*args, **kwargs)
    assert r.returncode in (OK, UNPROVEN) and not r.stderr, r
    return json.loads(r.stdout)


def forget():
    shutil.rmtree(CACHE, ignore_errors=True)


def cached():
    return sorted(glob.glob(f"{CACHE}/*"))


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def test_fresh_then_cached_then_without_a_network():
    forget()
    with Pccs(COLLATERAL) as pccs:
        a = told(pccs.url)
        assert a["check"] is None and a["status"] == "UpToDate" and a["simulated"], a
        assert a["collateral"] == {"from": pccs.url, "fetched": 4, "cached": 0}, a
        assert pccs.asked == ["/sgx/certification/v4/rootcacrl",
                              f"/sgx/certification/v4/pckcrl?ca={pccs_ca()}&encoding=der",
                              f"/tdx/certification/v4/tcb?fmspc={a['fmspc']}",
                              "/tdx/certification/v4/qe/identity"], pccs.asked
        pccs.kinds()
        a = told(pccs.url)
        assert a["collateral"]["cached"] == 4 and not pccs.asked, a
        a = told(pccs.url, "--refresh")
        assert a["collateral"]["fetched"] == 4 and pccs.kinds() == PARTS, a
        assert told(None, env={"BAILEY_PCCS_URL": pccs.url + "/sgx/certification/v4/"})["collateral"]["cached"] == 4
    assert told(pccs.url)["check"] is None, "nobody listens there any more"
    r = verify(pccs.url, "--refresh")
    assert r.returncode == FAILED and b"no collateral" in r.stderr, r


def pccs_ca():
    pem = load(f"{GOOD}/quote.bin")
    text = subprocess.run(["openssl", "x509", "-noout", "-issuer"], capture_output=True, check=True,
                          input=pem[pem.index(b"-----BEGIN"):]).stdout
    return "processor" if b"Processor" in text else "platform"


def test_files_are_of_the_user_alone():
    forget()
    with Pccs(COLLATERAL) as pccs:
        told(pccs.url)
    assert len(cached()) == 4 and stat.S_IMODE(os.stat(CACHE).st_mode) == 0o700
    assert all(stat.S_IMODE(os.stat(f).st_mode) == 0o600 for f in cached())


def test_each_part_ends_by_itself():
    forget()
    with Pccs(COLLATERAL) as pccs:
        # fetch verifies nothing, so that a date may be changed in what is signed
        was = pccs.answers["tcb"].body
        ends = json.loads(COLLATERAL["tcb_info"])["nextUpdate"].encode()
        pccs.answers["tcb"].body = was.replace(ends, b"2026-08-10T00:00:00Z")
        last = seconds("2026-08-10T00:00:00Z")

        def fetched(at):
            r = bailey("collateral", "fetch", f"{GOOD}/quote.bin", "--pccs", pccs.url, "--at", at)
            assert r.returncode == OK, r
            return pccs.kinds()
        assert fetched(NOW) == PARTS and fetched(last) == []
        assert fetched(last + 1) == ["tcb"], "what has ended, and no more"
        assert fetched(last + 1) == ["tcb"], "what has ended already is not kept as if it were good"
        pccs.answers["tcb"].body = was
        assert fetched(last + 1) == ["tcb"] and fetched(last + 1) == []
        assert fetched(seconds("2026-07-01T00:00:00Z")) == PARTS, "nor is anything of a time before it was"


def test_what_has_ended_is_never_used():
    forget()
    ends = seconds(json.loads(COLLATERAL["tcb_info"])["nextUpdate"])
    with Pccs(COLLATERAL) as pccs:
        assert told(pccs.url, at=ends)["check"] is None
        pccs.kinds()
        a = told(pccs.url, at=ends + 1)
        assert a["check"] == "root-crl" and a["collateral"]["cached"] == 0 and pccs.kinds() == PARTS, a
        assert told(pccs.url, at=ends)["check"] is None and not pccs.kinds()
    r = verify(pccs.url, at=ends + 1)
    assert r.returncode == FAILED and b"in the cache ended at 2026-08-19" in r.stderr, r


def test_a_cache_that_was_spoilt_is_fetched_anew():
    forget()
    with Pccs(COLLATERAL) as pccs:
        told(pccs.url)
        files = cached()
        for spoil in (lambda b: b[:len(b) // 2], lambda b: b"", lambda b: b"\x00" * 100,
                      lambda b: b"[]", lambda b: b.replace(b"a", b"b"), lambda b: b.replace(b"0", b"1"),
                      lambda b: b.replace(b"tcbStatus", b"TcbStatus")):
            for path in files:
                good = load(path)
                with open(path, "wb") as f:
                    f.write(spoil(good))
                a = told(pccs.url)
                assert a["check"] is None and (a["collateral"]["fetched"] or spoil(good) == good), (path, a)
                assert told(pccs.url)["collateral"]["cached"] == 4
        os.rename(files[0], f"{files[0]}.bak")
        os.symlink(f"{files[0]}.bak", files[0])
        assert told(pccs.url)["collateral"] == {"from": pccs.url, "fetched": 1, "cached": 3}
        os.unlink(f"{files[0]}.bak")
        for path in files:  # another service's part, in the place of this one's
            os.unlink(path)
            shutil.copy(files[(files.index(path) + 1) % 4], path) if os.path.exists(
                files[(files.index(path) + 1) % 4]) else None
        assert told(pccs.url)["check"] is None


def test_no_place_to_keep_it():
    forget()
    with Pccs(COLLATERAL) as pccs:
        with open(f"{scratch.name}/file", "wb"):
            pass
        env = {"XDG_CACHE_HOME": f"{scratch.name}/file"}
        assert told(pccs.url, env=env)["check"] is None
        r = bailey("verify", "quote", f"{GOOD}/quote.bin", "--pccs", pccs.url, "--root", ROOT, "--at",
                   NOW, env=env)
        assert r.returncode == OK and b"not kept" in r.stderr, r
        assert told(pccs.url, env={"XDG_CACHE_HOME": "", "HOME": ""})["check"] is None


def refusal(change, *more, wants=None):
    """What is said when @change was done to the service; nothing of it may be kept."""
    forget()
    with Pccs(COLLATERAL) as pccs:
        change(pccs.answers)
        r = verify(pccs.url, *more)
    if wants is None:
        return r
    assert r.returncode == FAILED and not r.stdout, r
    text = json.loads(r.stderr)["error"]
    assert wants in text and "\x1b" not in text, (wants, text)
    return r


def test_a_service_that_errs():
    for part in PARTS:
        def put(*args, part=part, **kwargs):
            return lambda answers: answers.update({part: Answer(*args, **kwargs)})

        refusal(lambda answers, part=part: answers.pop(part), wants="404")
        refusal(put("down", status=503), wants="503")
        refusal(put("", {"Location": "https://elsewhere.example/"}, status=302), wants="elsewhere")
        refusal(put(""), wants=part_name(part))
        refusal(put("<html>busy</html>"), wants=part_name(part))
        refusal(put(b"\x00\xff\x1b[2J" * 50), wants=part_name(part))
        refusal(put(b"[" * 100000), wants=part_name(part))


def part_name(part):
    return {"rootcacrl": "root CRL", "pckcrl": "PCK CRL", "tcb": "TCB info", "identity": "QE identity"}[part]


def test_answers_that_end_early():
    def cut(answers):
        for part in ("tcb", "identity", "pckcrl"):
            answers[part].body = answers[part].body[:-20]
    refusal(cut, wants="PCK CRL")

    def hang_up(handler, _):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    refusal(lambda a: a.update(tcb=Answer("", send=hang_up)), wants="GET ")


def test_answers_that_are_too_large():
    def flood(handler, pccs):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not pccs.ended.is_set():
            handler.wfile.write(b" " * 65536)

    def flood_head(handler, pccs):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not pccs.ended.is_set():
            handler.wfile.write(b"X-More: " + b"x" * 8000 + b"\r\n")
    refusal(lambda a: a.update(tcb=Answer("", send=flood)), wants="more than")
    refusal(lambda a: a.update(tcb=Answer("", send=flood_head)), wants="head")


def test_a_service_that_takes_its_time():
    def slow(handler, pccs):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not pccs.ended.wait(0.1):
            handler.wfile.write(b" ")
    begun = time.monotonic()
    refusal(lambda a: a.update(identity=Answer("", send=slow)), "--timeout", "2s", wants="no answer within")
    assert time.monotonic() - begun < 60, "the deadline is of all, not of a byte"


def test_headers_that_are_wrong():
    name = "TCB-Info-Issuer-Chain"

    def chain(value):
        return lambda a: a["tcb"].headers.update({name: value})
    for part in PARTS[1:]:
        refusal(lambda a, part=part: a[part].headers.clear(), wants="chain")
    refusal(chain("%1b%5b2J"), wants="PEM")
    refusal(chain("%"), wants="PEM")
    refusal(chain("hello"), wants="chain")
    refusal(chain("A" * 99000), wants=name)
    refusal(chain("A" * 40000), wants="at most 32 KiB")

    def twice(answers):
        answers["tcb"].headers["tcb-info-issuer-chain"] = "other"
    refusal(twice, wants="twice")

    def old(answers):  # the name of version 3, which some services send
        answers["tcb"].headers = {f"SGX-{name}": answers["tcb"].headers[name]}
    assert json.loads(refusal(old).stdout)["check"] is None


def test_what_is_signed_otherwise_is_refused_by_name():
    def other(part, old, new):
        def change(answers):
            assert old in answers[part].body
            answers[part].body = answers[part].body.replace(old, new, 1)
        return change
    for change, check in ((other("tcb", b"UpToDate", b"upToDate"), "tcb-info-signature"),
                          (other("tcb", b'"id":', b'"id": '), "tcb-info-signature"),
                          (other("identity", b'"id":', b' "id":'), "qe-identity-signature"),
                          (lambda a: setattr(a["pckcrl"], "body", a["rootcacrl"].body), "pck-crl"),
                          (lambda a: setattr(a["rootcacrl"], "body", a["pckcrl"].body), "root-crl")):
        r = refusal(change)
        assert r.returncode == UNPROVEN and json.loads(r.stdout)["check"] == check, r

    # members around what is signed may stand in any order and any space
    def around(answers):
        inner = answers["tcb"].body[len(b'{"tcbInfo":'):answers["tcb"].body.rindex(b',"signature"')]
        sig = COLLATERAL["tcb_info_signature"].encode()
        answers["tcb"].body = b'{ "more": [{}, "}"],\n "signature" : "' + sig + b'",\t"tcbInfo" : ' + inner + b' }\n'
    assert json.loads(refusal(around).stdout)["check"] is None


def test_what_a_service_gave_wrong_does_not_stay():
    forget()
    with Pccs(COLLATERAL) as pccs:
        good = pccs.answers["tcb"].body
        pccs.answers["tcb"].body = good.replace(b"UpToDate", b"upToDate", 1)
        assert told(pccs.url)["check"] == "tcb-info-signature"
        pccs.answers["tcb"].body = good
        assert told(pccs.url)["check"] is None, "the cache must not keep what no check passes"


def test_http_is_for_the_loopback_interface():
    for url in ("http://pccs.example", "http://10.9.8.7:1", "ftp://x", "pccs.example", "https://a@b"):
        r = verify(url)
        assert r.returncode == USAGE and b"https://HOST" in r.stderr, r
    r = verify("http://no-such-host.invalid", "--allow-http", "--timeout", "20s")
    assert r.returncode == FAILED, r


def test_tls_is_verified():
    key, cert = f"{scratch.name}/key.pem", f"{scratch.name}/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=pccs",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    forget()
    with Pccs(COLLATERAL, tls) as pccs:
        r = verify(pccs.url)
        assert r.returncode == FAILED and b"certificate" in r.stderr and not pccs.asked, r
        assert told(pccs.url, env={"BAILEY_PCCS_CA_FILE": cert})["check"] is None


def test_a_proxy_is_not_between_us_and_ourselves():
    forget()
    with Pccs(COLLATERAL) as pccs:
        env = {"http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"}
        assert told(pccs.url, env=env)["check"] is None
        assert pccs.kinds() == PARTS
    # others are asked by it: here it is a server that says so
    with Pccs(COLLATERAL) as proxy:
        r = verify("http://pccs.invalid", "--allow-http", env={"http_proxy": proxy.url})
        assert r.returncode == OK and proxy.asked[0].startswith("http://pccs.invalid/sgx/"), (r, proxy.asked)


def test_intel_is_asked_where_nobody_is_named():
    forget()
    with Pccs(COLLATERAL) as proxy:
        r = verify(None, env={"https_proxy": proxy.url})
        assert r.returncode == FAILED and b"403" in r.stderr, r
        assert proxy.asked == ["CONNECT certificates.trustedservices.intel.com:443"], proxy.asked


def test_collateral_fetch_keeps_what_verify_takes():
    forget()
    with Pccs(COLLATERAL) as pccs:
        path = f"{scratch.name}/kept.json"
        fetch = ("collateral", "fetch", f"{GOOD}/quote.bin", "--pccs", pccs.url, "--at", NOW)
        r = bailey(*fetch, "-o", path, "--json")
        a = json.loads(r.stdout)
        assert r.returncode == OK and a["tee"] == "TDX" and a["fetched"] == 4 and a["file"] == path, r
        kept = load_json(path)
        assert all(kept[k] == COLLATERAL[k] for k in COLLATERAL if k in kept) and len(kept) == 9
        assert json.loads(bailey(*fetch).stdout) == kept
        r = bailey(*fetch, "--output", path)
        assert b"FMSPC" in r.stdout and b"4 of 4 parts from the cache" in r.stdout, r
    r = bailey("verify", "quote", f"{GOOD}/quote.bin", "--collateral", path, "--root", ROOT, "--at", NOW, "-j")
    assert r.returncode == OK and json.loads(r.stdout)["collateral"]["from"] == path
    for args, says in (((*fetch[:2], "/etc/hostname", *fetch[3:]), b"no quote"),
                       ((*fetch, "-o", "/none/x"), b"/none"), ((*fetch[:2], "/none"), b"/none")):
        r = bailey(*args)
        assert r.returncode in (FAILED, USAGE) and says in r.stderr, (args, r)


def test_a_quote_that_names_no_platform():
    quote = bytearray(load(f"{GOOD}/quote.bin"))
    at = quote.index(b"-----BEGIN") - 6
    assert quote[at] == 5
    path = f"{scratch.name}/ppid.bin"
    for kind in (1, 2, 3):
        quote[at] = kind
        with open(path, "wb") as f:
            f.write(quote)
        with Pccs(COLLATERAL) as pccs:
            a = told(pccs.url, quote=path)
            assert a["check"] == "collateral-form" and f"certification data {kind}" in a["got"], a
            r = bailey("collateral", "fetch", path, "--pccs", pccs.url)
            assert r.returncode == USAGE and b"PCK" in r.stderr and not pccs.asked, r
    assert told(pccs.url, quote="/etc/hostname")["check"] == "quote-form"


def test_many_quotes_are_a_line_each():
    forget()
    other = f"{VECTORS}/quotes/st_relaunch"
    bad = f"{scratch.name}/bad.bin"
    with open(bad, "wb") as f:
        f.write(load(f"{GOOD}/quote.bin")[:500])
    with Pccs(COLLATERAL) as pccs:
        args = ("verify", "quote", f"{GOOD}/quote.bin", f"{other}/quote.bin", bad, f"{GOOD}/quote.bin",
                "--pccs", pccs.url, "--root", ROOT, "--at", NOW)
        r = bailey(*args)
        lines = r.stdout.decode().splitlines()
        assert r.returncode == UNPROVEN and len(lines) == 5 and "4 quotes" in lines[-1], r
        assert lines[0].startswith("✓") and lines[3].startswith("✓") and "quote-form" in lines[2]
        assert pccs.kinds().count("tcb") == 1, "a platform's collateral is fetched once"
        rows = [json.loads(line) for line in bailey(*args, "--json").stdout.splitlines()]
        assert [r["file"] for r in rows] == list(args[2:6]) and rows[2]["check"] == "quote-form", rows
        r = bailey(*args[:2], f"{GOOD}/quote.bin", "/none", *args[6:])
        assert r.returncode == USAGE and b"/none" in r.stderr and "✓".encode() in r.stdout, r


def test_a_real_quote_of_sgx():
    """Version 3, as of a key provider, under Intel's own root."""
    folder = f"{BESIDE}/quotes/dcap-qvl/sgx_v3_cfg_swh"
    if not os.path.exists(folder):
        print("skipped: no ../shared/vectors/quotes")
        return
    said = load_json(f"{folder}/expected.json")
    forget()
    with Pccs(load_json(f"{folder}/collateral.json")) as pccs:
        r = bailey("verify", "quote", f"{folder}/quote.bin", "--pccs", pccs.url, "--at", said["time"],
                   "--policy", "intel", "--json")
        a = json.loads(r.stdout)
        assert r.returncode == OK and a["status"] == said["reference"]["intel"]["status"], r
        assert not a["simulated"] and a["tee"] == "SGX" and a["quote_version"] == 3
        assert [p.split("/")[1] for p in pccs.asked] == ["sgx"] * 4, pccs.asked


def test_a_command_line_with_both():
    r = bailey("verify", "quote", f"{GOOD}/quote.bin", "--collateral", f"{GOOD}/collateral.json", "--pccs",
               "https://pccs.example")
    assert r.returncode == USAGE and b"--pccs" in r.stderr, r


all_tests(globals())
