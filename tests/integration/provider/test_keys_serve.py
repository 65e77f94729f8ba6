# SPDX-License-Identifier: Apache-2.0
"""bailey-simulator serve: bailey verify finds there what it needs for a simulated quote, and nobody else's"""
import json
import os
import signal
import socket
import tempfile
import urllib.error
import urllib.request

from providerlib import Server, World, all_tests, run

scratch = tempfile.TemporaryDirectory(prefix="b-serve-")
os.environ["XDG_CACHE_HOME"] = f"{scratch.name}/cache"
WORLD = World(scratch.name)
OTHER = World(tempfile.mkdtemp(dir=scratch.name), "5b" * 32)


def serve(listen="127.0.0.1:0", *args):
    return Server("bailey-simulator", "serve", "--seed", WORLD.seed, "--listen", listen, *args)


def verify(quote, url):
    r = run("bailey", "verify", "quote", WORLD.write("q", quote), "--pccs", url, "--refresh", "--root", WORLD.root, "--json")
    assert r.stdout, r
    return json.loads(r.stdout)


def status(url, data=None):
    try:
        with urllib.request.urlopen(url, data=data, timeout=30) as r:
            return r.status
    except urllib.error.HTTPError as e:
        return e.code


def test_a_quote_is_verified_with_what_it_serves():
    with serve() as s:
        a = verify(WORLD.quote(mrtd="77" * 48), s.url)
        assert a["check"] is None and a["simulated"] and a["collateral"]["fetched"] == 4, a
        a = verify(OTHER.quote(), s.url)
        assert a["check"] == "pck-chain", a
        assert s.end() == 0 and not s.log, s.log


def test_what_it_does_not_have_is_not_found():
    with serve() as s:
        assert status(f"{s.url}/sgx/certification/v4/rootcacrl") == 200
        assert status(f"{s.url}/tdx/certification/v4/tcb?fmspc=00906ED50000") == 404
        assert status(f"{s.url}/sgx/certification/v4/pckcrl?ca=processor") == 404
        assert status(f"{s.url}/etc/passwd") == status(f"{s.url}/") == 404
        assert status(f"{s.url}/sgx/certification/v4/rootcacrl", data=b"x") == 405
        assert s.end(signal.SIGINT) == 0


def test_the_time_may_be_another():
    with serve("127.0.0.1:0", "--at", "1000000000") as s:
        a = verify(WORLD.quote(), s.url)
        assert a["check"] in ("root-crl", "pck-crl", "tcb-info-date"), a


def test_a_unix_socket_does_too():
    path = f"{scratch.name}/pccs.sock"
    with serve(f"unix:{path}") as s:
        assert s.url == f"unix:{path}"
        c = socket.socket(socket.AF_UNIX)
        c.connect(path)
        c.sendall(b"GET /sgx/certification/v4/pckcrl?ca=platform HTTP/1.0\r\n\r\n")
        got = b"".join(iter(lambda: c.recv(65536), b""))
        assert got.startswith(b"HTTP/1.0 200") or got.startswith(b"HTTP/1.1 200"), got[:80]
        assert b"-----BEGIN%20CERTIFICATE-----" in got


def test_what_it_does_not_take():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = f"127.0.0.1:{busy.getsockname()[1]}"
        for args, code, says in (((), 2, b"--listen"), (("--listen", "localhost:1"), 2, b"localhost:1"), (("--listen", taken), 1, b"in use")):
            r = run("bailey-simulator", "serve", "--seed", WORLD.seed, *args)
            assert r.returncode in (1, code) and says in r.stderr and not r.stdout, (args, r)


all_tests(globals())
