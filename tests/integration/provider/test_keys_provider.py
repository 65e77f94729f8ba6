# SPDX-License-Identifier: Apache-2.0
"""bailey-key-provider as a process: keys for quotes of simulated TDs, over the host's relay too, and nothing for others"""
import json
import os
import pwd
import re
import shutil
import signal
import socket
import tempfile

from providerlib import BIN, Guest, Provider, Server, World, all_tests, run
from unitlib import allowed_calls

scratch = tempfile.TemporaryDirectory(prefix="b-provider-")
WORLD = World(tempfile.mkdtemp(dir=scratch.name))
PCCS = Server("bailey-simulator", "serve", "--seed", WORLD.seed, "--listen", "127.0.0.1:0")
ONE = {"mrtd": "11" * 48, "rtmr0": "22" * 48, "rtmr3": "33" * 48}


def provider(**more):
    return Provider(WORLD, tempfile.mkdtemp(dir=scratch.name), PCCS.url, **more)


def key(p, **td):
    g = Guest(**td)
    answer = p.ask(g.quote)
    assert answer, p.log()
    got = g.take(answer, p.id)
    assert got.get("kind") == "bailey", got
    return got["key"]


def test_the_same_measurements_have_the_same_key_also_after_a_restart():
    with provider() as p:
        first, before = key(p, **ONE), p.id
        assert key(p, **ONE) == first
        others = [key(p, **{**ONE, name: "44" * 48}) for name in ("mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3")]
        assert len({first, *others}) == 6
        assert p.stop(signal.SIGINT) == 0
        p.start()
        assert p.id == before and key(p, **ONE) == first
        assert key(p, **ONE, mrconfigid="55" * 48) == first, "what is not in the formula changes nothing"
    with provider() as p:
        assert p.id != before and key(p, **ONE) != first


def test_what_is_refused_is_hung_up_on_and_written_down():
    with provider() as p:
        mine = Guest(**ONE)
        for quote, why in ((Guest(**ONE, attributes="0000000010000001").quote, "debug"),
                           (Guest(seed="5b" * 32, **ONE).quote, "pck-chain"),
                           (mine.quote[:-1], "quote-form"), (b"", "quote-form"), (mine.quote + b"x", "quote-trailing"),
                           (mine.quote[:300] + bytes([mine.quote[300] ^ 1]) + mine.quote[301:], "quote-signature"),
                           (Guest(tee_tcb_svn="00" * 16).quote, "tcb-status"),
                           (WORLD.quote(**ONE), "no X25519 key"),
                           (WORLD.quote(**ONE, report_data="77" * 33 + "00" * 31), "must be zero")):
            assert p.ask(quote) is None, why
            last = p.audit()[-1]
            assert last["result"] == "refused" and why in last["error"] and why in p.log(), (why, last)
            assert last["from"].startswith("127.0.0.1:") and last["simulated"] is True, last
        assert not [a for a in p.audit() if a["result"] == "key"]
        assert key(p, **ONE)


def test_frames_that_are_none():
    with provider() as p:
        for data, why in ((b"\xff\xff\xff\xff", "4294967295"), (bytes(4), "frame of 0"), (b"\0\x80\0\1", "8388609"),
                          (b"\0\0\0\2{}", "request is not"), (b"\0\0\0\4null", "request is not")):
            assert p.raw(data) is None
            assert why in p.audit()[-1]["error"], (why, p.audit()[-1])
        with p.connect() as s:  # it says goodbye in the middle
            s.sendall(b"\0\0\0\x20{\"quote\":[1,")
            s.shutdown(socket.SHUT_WR)
            assert s.recv(1) == b""
        assert "cut off after 16 bytes" in p.audit()[-1]["error"]
        assert key(p, **ONE)


def test_the_audit_log_tells_who_got_what_and_no_secret():
    with provider(listen=f"unix:{scratch.name}/audit.sock") as p:
        assert oct(os.stat(f"{scratch.name}/audit.sock").st_mode & 0o777) == "0o660"
        got = key(p, **ONE, mrconfigid="66" * 48)
        line, = p.audit()
        assert line["from"] == f"uid {os.geteuid()}" and line["result"] == "key" and line["status"] == "UpToDate", line
        assert {k: line[k] for k in ("mrtd", "rtmr0", "rtmr3", "mrconfigid")} == {**ONE, "mrconfigid": "66" * 48}, line
        folder = f"{p.folder}/s"
        with open(f"{folder}/keys.simulated.json", encoding="utf-8") as f:
            kept = json.load(f)
        told = json.dumps(p.audit()) + p.log()
        for secret in (got, kept["sealing_key"], kept["signing_key"].split("\n")[1]):
            assert secret not in told, "a secret was told"
        for name in os.listdir(folder):
            mode = os.stat(f"{folder}/{name}").st_mode & 0o777
            assert mode == (0o700 if name == "collateral" else 0o600), (name, oct(mode))
        assert os.stat(folder).st_mode & 0o777 == 0o700 and not os.path.exists(f"{folder}/keys.json")
        assert p.log().count("simulator's root") == 1


def test_without_collateral_there_is_no_key_but_what_is_kept_does():
    other = Server("bailey-simulator", "serve", "--seed", WORLD.seed, "--listen", "127.0.0.1:0")
    with Provider(WORLD, tempfile.mkdtemp(dir=scratch.name), other.url) as p:
        first = key(p, **ONE)
        assert other.end() == 0
        assert key(p, **ONE) == first, "each part is kept until its end"
        assert p.stop() == 0
        for name in os.listdir(f"{p.folder}/s/collateral"):
            os.unlink(f"{p.folder}/s/collateral/{name}")
        p.start()
        assert p.ask(Guest(**ONE).quote) is None and "no collateral" in p.audit()[-1]["error"], p.audit()[-1]


def test_intels_root_is_the_default():
    with provider(simulated_root=None) as p:
        assert p.ask(Guest(**ONE).quote) is None and "pck-chain" in p.audit()[-1]["error"]
        assert os.listdir(f"{p.folder}/s").count("keys.json") == 1 and "simulated" not in p.log()


def test_one_life_at_a_time_and_no_start_without_its_keys():
    with provider() as p:
        r = run("bailey-key-provider", "--config", p.config)
        assert r.returncode == 1 and b"another bailey-key-provider uses" in r.stderr, r
        assert p.stop() == 0
        with open(f"{p.folder}/s/keys.simulated.json", "r+", encoding="utf-8") as f:
            f.truncate(40)
        for args in ((), ("id",)):
            r = run("bailey-key-provider", "--config", p.config, *args)
            assert r.returncode == 1 and b"backup" in r.stderr, r


def test_as_root_it_becomes_another_user():
    if os.geteuid() != 0:
        return
    folder = tempfile.mkdtemp(dir=scratch.name)
    for above in (scratch.name, folder, WORLD.folder):
        os.chmod(above, 0o755)
    with Provider(WORLD, folder, PCCS.url, user="nobody") as p:
        with open(f"/proc/{p.process.pid}/status", encoding="ascii") as f:
            status = dict(line.split(":", 1) for line in f.read().splitlines())
        assert "0" not in status["Uid"].split() + status["Gid"].split(), status
        assert status["NoNewPrivs"].strip() == "1" and int(status["CapEff"], 16) == 0, status
        assert os.stat(f"{folder}/s").st_uid != 0 and len(p.id) == 64 and key(p, **ONE)
    r = run("bailey-key-provider", "--config", WORLD.write("x.yaml", f"user: no-such-user\nstate: {folder}/x\n".encode()))
    assert r.returncode == 1 and b"no user 'no-such-user'" in r.stderr, r


def test_it_serves_under_its_units_filter():
    """As systemd starts it: another user from the first moment on, and no call beyond SystemCallFilter=."""
    filtered = os.environ["FILTERED"]
    if os.geteuid() != 0 or os.environ.get("BAILEY_SANITIZE") or not shutil.which("systemd-analyze"):
        print("the unit's filter was not tried here")
        return
    calls = allowed_calls(f"{os.environ['BAILEY_UNITS']}/bailey-key-provider.service")
    folder = tempfile.mkdtemp(dir=scratch.name)
    for above in (scratch.name, folder, WORLD.folder):
        os.chmod(above, 0o755)
    os.mkdir(f"{folder}/s", 0o700)
    nobody = pwd.getpwnam("nobody")
    os.chown(f"{folder}/s", nobody.pw_uid, nobody.pw_gid)
    # where the tree is, nobody else may be able to look
    filtered, program = (shutil.copy(f, folder) for f in (filtered, f"{BIN}/bailey-key-provider"))
    under = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--inh-caps=-all", filtered,
             WORLD.write("calls", "\n".join(sorted(calls)).encode()))
    with Provider(WORLD, folder, PCCS.url, under=under, program=program, user="nobody") as p:
        with open(f"/proc/{p.process.pid}/status", encoding="ascii") as f:
            assert "Seccomp:\t2\n" in f.read()
        first = key(p, **ONE)
        with open(f"/proc/{p.process.pid}/status", encoding="ascii") as f:
            assert int(re.search(r"VmLck:\s+(\d+)", f.read())[1]) > 0, "its keys can be swapped out"
        assert p.stop() == 0
        p.start()
        assert key(p, **ONE) == first and p.stop() == 0


def test_the_program_holds_no_simulator():
    with open(f"{BIN}/bailey-key-provider", "rb") as f:
        program = f.read()
    assert not [m for m in (b"dstack-mock", b"Mock Intel SGX", b"simulator_new", b"sim_key_new") if m in program]


def test_a_guest_is_served_by_way_of_its_host():
    """baileyd's GetSealingKey, of a VM that runs, over the socket that its vsock is."""
    if os.geteuid() != 0:
        return
    import halting_image  # pylint: disable=import-outside-toplevel
    from scratch import Daemon, vm  # pylint: disable=import-outside-toplevel
    with provider(listen=f"unix:{scratch.name}/relay.sock") as p:
        d = Daemon(f"qemu: {{ accel: tcg }}\nkey_provider: {{ enabled: true, address: \"{p.address}\" }}\n")
        try:
            halting_image.make(f"{d.dir}/s/image", "halt-0.1.0")
            vid = d.rpc("CreateVm", vm(name="one", image="halt-0.1.0", memory=128, stopped=False))["id"]
            g = Guest(**ONE)
            status, answer = host_call(f"{d.dir}/r/{vid[:8]}/vsock_10000", g.quote)
            assert status == 200, (answer, d.log())
            got = g.take({k: bytes.fromhex(v) for k, v in answer.items()}, p.id)
            assert got["key"] == key(p, **ONE) and got["kind"] == "bailey", got
            status, answer = host_call(f"{d.dir}/r/{vid[:8]}/vsock_10000", g.quote[:-1])
            assert status == 400 and answer["error"].startswith("Failed to get sealing key from key provider: "), answer
            d.rpc("RemoveVm", {"id": vid})
        finally:
            d.close()


def host_call(path, quote):
    body = json.dumps({"quote": quote.hex()}).encode()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(path)
        s.sendall(b"POST /api/GetSealingKey?json HTTP/1.1\r\nHost: vsock\r\nConnection: close\r\nContent-Type: application/json\r\n"
                  + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        got = b"".join(iter(lambda: s.recv(65536), b""))
    head, _, rest = got.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(rest)


try:
    all_tests(globals())
finally:
    PCCS.end()
