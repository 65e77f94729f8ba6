# SPDX-License-Identifier: Apache-2.0
"""bailey env seal, keys and up against a KMS that a test plays: what is sealed, what is refused, what is left where."""
import http.client
import json
import os
import shutil
import stat
import subprocess
import tempfile

import bailey
import fakekms
import halting_image
import secret_search

FAILED, USAGE, UNREACHABLE, UNPROVEN = 1, 2, 4, 7
SECRET = "pa55-w0rd-of-the-database"
APP_ID = "11" * 20

scratch = tempfile.mkdtemp(prefix="b-keys-", dir="/tmp")
home = f"{scratch}/home"
os.makedirs(home)
kms = fakekms.Kms(f"{scratch}/kms")
bailey.IMAGE = halting_image.make(scratch, "halting-0.1.0")
PORT, TOKEN = bailey.free_port(), "0123456789-read-only"
with open(os.open(f"{scratch}/tokens", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as tokens:
    tokens.write(f"read monitor {TOKEN}\n")
host = bailey.Host(f"kms_urls: [ {kms.guest_url} ]\n"
                   f"api: {{ listen: ['tcp:127.0.0.1:{PORT}'], tokens_file: {scratch}/tokens }}\n")
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("BAILEY_H", "BAILEY_S", "XDG_"))}
ENV["HOME"] = home


def run(*args, status=0, stdin=None, env=None):
    r = subprocess.run([f"{bailey.BIN}/bailey", "--socket", host.socket, *args], timeout=120, input=stdin,
                       capture_output=True, check=False, env=env or ENV)
    r.stdout_bytes, r.stdout, r.stderr = r.stdout, r.stdout.decode("utf-8", "replace"), r.stderr.decode()
    assert r.returncode == status, (args, r.returncode, r.stdout, r.stderr)
    assert SECRET not in r.stdout + r.stderr, (args, r.stdout, r.stderr)
    return r


def env_file(text, name="secret.env", mode=0o600):
    path = f"{scratch}/{name}"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def seal(path, *more, status=0, **also):
    return run("env", "seal", "--app-id", APP_ID, "--signer", kms.signer, *more, path, status=status, **also)


def test_sealed_for_an_app_and_nobody_else():
    path = env_file(f"# for the app\nexport DB='{SECRET}'\nEMPTY=\nTWO=\"a\\nb\" # c\n")
    for how in ((), ("--kms", kms.url), ("--kms", kms.guest_url)):
        out = f"{scratch}/sealed"
        said = seal(path, "-o", out, *how).stdout
        assert said.startswith(f"sealed 3 variables for app {APP_ID}, to the key that its KMS signed at 20"), said
        assert stat.S_IMODE(os.stat(out).st_mode) == 0o600
        with open(out, "rb") as f:
            sealed = f.read()
        assert fakekms.opened(sealed, APP_ID) == {"DB": SECRET, "EMPTY": "", "TWO": "a\nb"}
        for wrong in ((APP_ID, fakekms.OTHER), ("22" * 20, fakekms.CA)):
            try:
                fakekms.opened(sealed, *wrong)
            except AssertionError:
                continue
            raise AssertionError(f"{wrong} opens it")
    assert fakekms.opened(seal(path).stdout_bytes, APP_ID)["DB"] == SECRET
    assert fakekms.opened(seal("-", stdin=f"DB={SECRET}".encode()).stdout_bytes, APP_ID) == {"DB": SECRET}
    told = json.loads(seal(path, "--json").stdout)
    assert fakekms.opened(bytes.fromhex(told.pop("sealed")), APP_ID)["DB"] == SECRET
    assert told["variables"] == ["DB", "EMPTY", "TWO"] and told["app_id"] == APP_ID and told["signer"] == kms.signer
    assert seal(path).stdout_bytes != seal(path).stdout_bytes  # what is the same does not look so


LIES = {"other key": "is not signed by", "other signer": "is not signed by",
        "other app": "is not signed by", "old": "was signed 40", "early": "ahead of this machine's clock",
        "old, said to be new": "is not signed by", "untimed": "--allow-untimed"}
BROKEN = {"short": "public_key", "500": "500", "garbage": "not valid", "empty": "", "hangs up": "", "refuses": "no \\x1b[2J such\\x0aapp",
          "truncated": "", "huge": "", "deep": ""}


def lied(path, lie, status, word, *how):
    kms.lie = lie
    out = f"{scratch}/never"
    try:
        r = seal(path, "-o", out, *how, status=status)
    finally:
        kms.lie = None
    assert word in r.stderr.replace("\\\\", "\\"), (lie, how, r.stderr)
    assert r.stderr.count("\n") == 1 and r.stderr.startswith("bailey: ") and not r.stdout, (lie, r.stderr)
    assert not os.path.exists(out), lie
    assert not [x for x in os.listdir(scratch) if ".tmp-" in x], "half written"


def test_each_lie_of_a_kms_is_refused_in_one_line():
    path = env_file(f"DB={SECRET}\n")
    for how in ((), ("--kms", kms.url)):
        for lie, word in LIES.items():
            lied(path, lie, UNPROVEN, word, *how)
        for lie, word in BROKEN.items():
            direct = {"hangs up": UNREACHABLE, "truncated": UNREACHABLE, "huge": UNREACHABLE}.get(lie, FAILED)
            lied(path, lie, direct if how else FAILED, word if how else "no KMS gives the key: ", *how)
    lied(path, "hangs", UNREACHABLE, "", "--kms", kms.url, "-t", "1s")
    kms.lie = "untimed"
    try:
        assert fakekms.opened(seal(path, "--allow-untimed").stdout_bytes, APP_ID) == {"DB": SECRET}
    finally:
        kms.lie = None
    assert host.rpc("Version")


def test_what_is_wrong_with_a_file_is_told_by_its_line():
    cases = {f"A=1\n{SECRET}\n": "2: no variable", f"A={SECRET}\nA=2\n": "2: A is there twice, first in line 1",
             f"LD_PRELOAD={SECRET}\n": "1: LD_PRELOAD changes", f"A='{SECRET}": "1: the quote ' does not end",
             f"A={SECRET}\0\n": "1: holds a NUL", "A=" + "x" * 131072: "1: A and its value have 131074 bytes"}
    for text, word in cases.items():
        path = env_file(text)
        r = seal(path, status=USAGE)
        assert f"{path}:{word}" in r.stderr and r.stderr.count("\n") == 1, (word, r.stderr)
    many = env_file("".join(f"V{i}={'x' * 100000}\n" for i in range(3)))
    assert "a guest takes" in seal(many, status=USAGE).stderr
    assert "cannot be opened" in seal(f"{scratch}/nowhere", status=USAGE).stderr
    path = env_file("A=1\n")
    assert "for which app?" in run("env", "seal", path, status=USAGE).stderr
    assert "who must have signed" in run("env", "seal", "--app-id", APP_ID, path, status=USAGE).stderr
    assert "address of a KMS" in seal(path, "--kms", "ftp://x", status=USAGE).stderr
    assert "nothing to seal" in run("env", "seal", "--app-id", APP_ID, "--signer", kms.signer, status=USAGE).stderr
    r = seal(path, "--kms", fakekms.dead_url(), status=UNREACHABLE)
    assert "asking the KMS at https://127.0.0.1:" in r.stderr, r.stderr


def app(name, env="", more="", script="sleep 1000"):
    return host.app(name, f"""\
name: {name}
tee: none
resources: {{ memory: 256M, disk: 1G }}
key_provider: kms
key_provider_id: "{kms.id}"
env: [ DB, TOKEN ]
{env}{more}app:
  runner: bash
  script: {script}
""")


def sealed_of(name):
    """What the daemon holds for the guest, opened."""
    info = host.info(name)
    text = info["configuration"]["encrypted_env"]
    return fakekms.opened(bytes.fromhex(text), info["app_id"]) if text else None


def test_up_seals_once_and_again_when_it_changed():
    secret = env_file(f"DB={SECRET}\nTOKEN=1\n", "web.env")
    keys = f"env_file: {secret}\nkms_signer: \"{kms.signer}\"\n"
    path = app("web", keys)
    dry = run("up", "--dry-run", path).stdout
    assert "would be created" in dry, dry
    run("up", "--no-start", path)
    assert sealed_of("web") == {"DB": SECRET, "TOKEN": "1"}
    folder = f"{host.dir}/s/vm/{host.info('web')['id']}/shared/.encrypted-env"
    assert stat.S_IMODE(os.stat(folder).st_mode) & 0o077 == 0, oct(os.stat(folder).st_mode)

    kms.asked.clear()
    kms.lie = "hangs up"  # it need not even be there
    assert "web is stopped" in run("up", "--no-start", path).stdout
    kms.lie = None
    assert "GetAppEnvEncryptPubKey" not in kms.asked

    env_file(f"DB={SECRET}\nTOKEN=2\n", "web.env")
    said = run("up", "--no-start", path).stdout
    assert "web: 1 change" in said and "sealed anew" in said, said
    assert sealed_of("web")["TOKEN"] == "2"

    # the compose changes, the app id stays: the note knows whose it is
    run("up", "--no-start", app("web", keys, script="sleep 1001"))
    assert sealed_of("web")["TOKEN"] == "2"

    # somebody else's hand: no note, so nobody knows, and the app id is not taken from the daemon
    other = dict(ENV, HOME=f"{scratch}/other-home")
    os.makedirs(other["HOME"], exist_ok=True)
    app_id = host.info("web")["app_id"]
    r = run("up", "--no-start", path, status=USAGE, env=other)
    assert f"app_id: \"{app_id}\"" in r.stderr, r.stderr
    before = host.info("web")["configuration"]["encrypted_env"]
    said = run("up", "--no-start", app("web", keys, f"app_id: \"{app_id}\"\n", script="sleep 1001"), env=other).stdout
    assert "sealed anew" in said and host.info("web")["configuration"]["encrypted_env"] != before

    run("up", "--no-start", app("web", script="sleep 1001"))
    assert sealed_of("web") is None
    run("rm", "-f", "web")
    assert not os.listdir(f"{home}/.config/bailey/sealed")


def test_up_refuses_before_it_changes_anything():
    secret = env_file(f"DB={SECRET}\nOTHER=1\n", "bad.env")
    path = app("bad", f"env_file: {secret}\nkms_signer: \"{kms.signer}\"\n")
    r = run("up", path, status=USAGE)
    assert f"{secret}:2: OTHER is not in env of {path}; write env: [ DB, OTHER ]" in r.stderr, r.stderr
    env_file(f"DB={SECRET}\nDB=2\n", "bad.env")
    r = run("up", path, status=USAGE)
    assert f"{path}:7: env_file: {secret}:2: DB is there twice" in r.stderr, r.stderr
    env_file(f"DB={SECRET}\n", "bad.env")
    for lie, word in LIES.items():
        kms.lie = lie
        r = run("up", "--no-start", path, status=UNPROVEN)
        kms.lie = None
        assert word in r.stderr and r.stderr.count("\n") == 1, (lie, r.stderr)
    r = run("up", "--no-start", app("bad", f"env_file: {secret}\nkms_signer: \"{fakekms.signer(fakekms.OTHER)}\"\n"),
            status=UNPROVEN)
    assert "nothing was sealed" in r.stderr, r.stderr
    assert not [v for v in host.rpc("Status")["vms"] if v["name"] == "bad"]
    os.chmod(secret, 0o644)
    r = run("up", "--no-start", app("bad", f"env_file: {secret}\nkms_signer: \"{kms.signer}\"\n"))
    assert f"others can read {secret}; chmod 600 it" in r.stderr, r.stderr
    run("rm", "-f", "bad")


def test_the_first_kms_is_dead_or_lies_and_the_second_is_asked():
    liar = fakekms.Kms(f"{scratch}/liar")
    secret = env_file(f"DB={SECRET}\n", "two.env")
    try:
        for i, first in enumerate((fakekms.dead_url(), liar.url)):
            liar.lie = "other key"
            path = app(f"two{i}", f"env_file: {secret}\nkms_signer: \"{kms.signer}\"\n",
                       f"kms_urls: [ \"{first}\", \"{kms.guest_url}\" ]\n")
            run("up", "--no-start", path)
            assert sealed_of(f"two{i}") == {"DB": SECRET}
            run("rm", "-f", f"two{i}")
        assert "GetAppEnvEncryptPubKey" in liar.asked
        both = app("none", f"env_file: {secret}\nkms_signer: \"{kms.signer}\"\n",
                   f"kms_urls: [ \"{liar.url}\", \"{fakekms.dead_url()}\" ]\n")
        r = run("up", "--no-start", both, status=UNPROVEN)  # the lie is told, not the silence after it
        assert "is not signed by" in r.stderr, r.stderr
    finally:
        liar.close()


def test_what_was_sealed_elsewhere_is_passed_on():
    path = app("given")
    app_id = json.loads(run("compose", "hash", "--json", path).stdout)["app_id"]
    out = f"{scratch}/given.sealed"
    run("env", "seal", "--app-id", app_id, "--signer", kms.signer, "-o", out, env_file(f"DB={SECRET}\n"))
    path = app("given", f"env_sealed: {out}\n")
    run("up", "--no-start", path)
    assert sealed_of("given") == {"DB": SECRET}
    assert "change" not in run("up", "--no-start", path).stdout
    # the YAML says everything: whose, signed by whom, and what is sealed
    whole = app("given", f"env_file: {env_file(f'TOKEN={SECRET}')}\nkms_signer: \"{kms.signer}\"\n")
    run("env", "seal", "--app", whole, "-o", out)
    run("up", "--no-start", app("given", f"env_sealed: {out}\n"))
    assert sealed_of("given") == {"TOKEN": SECRET}
    run("rm", "-f", "given")


def test_keys_are_shown_pinned_and_compared():
    for args in ((), (kms.url,), (kms.guest_url,)):
        said = run("keys", *args).stdout
        assert kms.id in said and kms.signer in said and "of this root, without a quote" in said, said
    told = json.loads(run("keys", "--json").stdout)
    assert told == [{"url": kms.guest_url, "key_provider_id": kms.id, "kms_signer": kms.signer, "is_dev": False,
                     "gateway_app_id": None, "is_certificate_of_root": True, "has_quote": False}], told
    pins = run("keys", "pin").stdout
    assert f"key_provider_id: \"{kms.id}\"\nkms_signer: \"{kms.signer}\"\n" in pins, pins
    assert f"as {kms.guest_url} said" in pins and f"bailey verify {kms.url} proves" in pins, pins
    path = host.app("pinned", f"name: pinned\ntee: none\nenv_file: x\n{pins}")
    assert "pins it" in run("keys", "--app", path).stdout
    other = fakekms.Kms(f"{scratch}/other", ca=fakekms.OTHER)
    try:
        r = run("keys", "--app", path, other.url, status=UNPROVEN)
        assert "pins another" in r.stdout and "is not the KMS that" in r.stderr, r.stderr
        r = run("keys", "pin", kms.url, other.url, status=UNPROVEN)
        assert "other root keys" in r.stderr and not r.stdout, r.stderr
        # a proxy with a certificate of its own
        other.meta = {"ca_cert": open(f"{scratch}/kms/root.pem", encoding="ascii").read()}
        assert "not of this root" in run("keys", other.url).stdout
    finally:
        other.close()
    kms.meta = {"is_dev": True, "gateway_app_id": "\x1b[2J" + "cc" * 20}
    said = run("keys").stdout
    assert "may give keys to anybody" in said and "\x1b" not in said and "cc" * 20 in said, said
    assert "for development" in run("keys", "pin").stdout
    for meta, word in (({"ca_cert": "x"}, "ca_cert"), ({"k256_pubkey": "02" + "ff" * 32}, "k256_pubkey"),
                       ({"bootstrap_info": {"ca_pubkey": "00", "k256_pubkey": kms.signer}}, "bootstrap_info"),
                       ({"gateway_app_id": "c" * 1000}, "gateway_app_id")):
        kms.meta = meta
        assert word in run("keys", "pin", status=FAILED).stderr
    kms.meta = {}
    assert "pins no KMS" in run("keys", "--app", host.app("free", "name: free\ntee: none\n"), status=USAGE).stderr


def as_reader(**params):
    """Who has a token that may only read."""
    c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    c.request("POST", "/prpc/GetAppEnvEncryptPubKey?json", json.dumps(params), {"Authorization": f"Bearer {TOKEN}"})
    r = c.getresponse()
    body = json.loads(r.read())
    c.close()
    return r.status, body


def test_who_may_only_read_has_no_address_of_their_own_asked():
    asked = len(kms.asked)
    status, body = as_reader(app_id=APP_ID, kms_urls=[kms.url])
    assert status == 400 and "who may only read" in body["error"] and len(kms.asked) == asked, (status, body)
    for more in ({}, {"kms_urls": [kms.guest_url]}):
        status, body = as_reader(app_id=APP_ID, **more)
        assert status == 200 and len(body["public_key"]) == 64, (status, body)


def test_what_the_daemon_refuses_by_itself():
    def fails(word, **params):
        status, body = host.http("POST", "/prpc/GetAppEnvEncryptPubKey?json", params)
        assert status == 400 and word in json.loads(body)["error"], (word, status, body)
    fails("app_id must be 20 bytes", app_id="11" * 19)
    fails("app_id must be 20 bytes", app_id="")
    fails("not a URL", app_id=APP_ID, kms_urls=["unix:/x"])
    fails("at most 16", app_id=APP_ID, kms_urls=[kms.url] * 17)
    fails("no KMS gives the key: ", app_id=APP_ID, kms_urls=[fakekms.dead_url()])
    answer = host.rpc("GetAppEnvEncryptPubKey", {"app_id": APP_ID})
    assert len(answer["public_key"]) == 64 and len(answer["signature_v1"]) == 130 and answer["timestamp"] > 0


def test_the_daemon_ends_while_a_kms_hangs():
    kms.lie = "hangs"
    p = subprocess.Popen([f"{bailey.BIN}/bailey", "--socket", host.socket, "env", "seal", "--app-id", APP_ID, "--signer",
                          kms.signer, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV)
    p.stdin.write(f"DB={SECRET}".encode())
    p.stdin.close()
    kms.asked.clear()
    bailey.wait_for("the KMS is asked", lambda: "GetAppEnvEncryptPubKey" in kms.asked)
    host.stop()
    out, err = p.stdout.read(), p.stderr.read()
    assert p.wait(timeout=60) != 0 and not out and err, (out, err)
    p.stdout.close()
    p.stderr.close()
    kms.lie = None
    kms.release.set()
    kms.release.clear()
    host.start()


def test_the_secret_is_nowhere_on_the_host():
    """Last: what all of the above left, but for the files that were to be sealed."""
    s = secret_search.Search({"secret": SECRET})
    s.folder(host.dir)
    s.folder(home)
    s.process(host.daemon.pid)
    s.all_processes()
    assert s.n_files > 5 and s.n_mappings > 10 and s.n_processes > 1, s.report()
    s.assert_clean()


try:
    bailey.run(test_sealed_for_an_app_and_nobody_else, test_each_lie_of_a_kms_is_refused_in_one_line,
               test_what_is_wrong_with_a_file_is_told_by_its_line, test_up_seals_once_and_again_when_it_changed,
               test_up_refuses_before_it_changes_anything,
               test_the_first_kms_is_dead_or_lies_and_the_second_is_asked,
               test_what_was_sealed_elsewhere_is_passed_on, test_keys_are_shown_pinned_and_compared,
               test_who_may_only_read_has_no_address_of_their_own_asked, test_what_the_daemon_refuses_by_itself,
               test_the_daemon_ends_while_a_kms_hangs, test_the_secret_is_nowhere_on_the_host)
finally:
    host.close()
    kms.close()
    shutil.rmtree(scratch, ignore_errors=True)
