# SPDX-License-Identifier: Apache-2.0
"""The API on TCP: who is served, by which token or password, what for, and what a browser may be made to send."""
import atexit
import base64
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scratch import BIN, Daemon, free_port, main, vm, wait_for  # noqa: E402

TOKEN, READER, HASHED = "operator-token-0123456789", "reader-token-0123456789ab", "hashed-token-0123456789ab"
PASSWORD = "pass:word"


def private(path, text):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(fd, text.encode())
    os.close(fd)


class Tcp(Daemon):
    """A daemon that also answers on TCP; http() goes there."""

    def __init__(self, extra, tls=False):
        self.port, self.tls = free_port(), tls
        super().__init__(extra.replace("PORT", str(self.port)))

    def raw(self, data):
        if not getattr(self, "by_tcp", False):
            return super().raw(data)
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as s:
            if self.tls:
                s = ssl._create_unverified_context().wrap_socket(s)  # pylint: disable=protected-access
            try:
                s.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            got = b""
            while chunk := s.recv(65536):
                got += chunk
        return got

    def tcp(self, method, path, body=b"", headers=(), **more):
        self.by_tcp = True
        try:
            return self.http(method, path, body, headers=headers, **more)
        finally:
            self.by_tcp = False


secrets = f"/tmp/b-it-secrets-{os.getpid()}"
os.mkdir(secrets)
os.chmod(secrets, 0o711)
atexit.register(shutil.rmtree, secrets)
tokens, htpasswd = f"{secrets}/tokens", f"{secrets}/htpasswd"
LINES = (f"# who may call\noperate alice {TOKEN}\nread bob {READER}\n"
         f"operate carol sha256:{hashlib.sha256(HASHED.encode()).hexdigest()}\n")
private(tokens, LINES)
private(htpasswd, subprocess.run(["htpasswd", "-nbB", "-C", "4", "dave", PASSWORD], check=True, capture_output=True,
                                 encoding="ascii").stdout)
AUTH = f"api: {{ listen: ['tcp:127.0.0.1:PORT'], tokens_file: {tokens}, htpasswd_file: {htpasswd}"
d = Tcp(AUTH + ", hosts: [vmm.example.com] }\n")


def basic(text):
    return "Authorization: Basic " + base64.b64encode(text.encode()).decode()


def status(*headers, method="GET", path="/prpc/Version", body=b""):
    return d.tcp(method, path, body, headers=headers)[0]


def test_who_is_served():
    """The rows of dstack's rules: header, Bearer, Basic, query; each in its place."""
    for header in (f"X-Admin-Token: {TOKEN}", f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer   {TOKEN}  ",
                   f"Authorization: Bearer {HASHED}", f"authorization: Bearer {TOKEN}", f"X-Admin-Token: {READER}",
                   basic(f"anyone:{TOKEN}"), basic(f"{TOKEN}:"), basic(f":{TOKEN}"), basic(f"dave:{PASSWORD}")):
        assert status(header) == 200, header
        assert status(header, method="POST") == 200, header
    assert status(path=f"/prpc/Version?token={TOKEN}") == 200
    assert status(path=f"/prpc/Version?json&token={TOKEN}&x=1") == 200
    assert status(f"X-Admin-Token: {TOKEN}", "Authorization: Bearer wrong") == 200
    for path in ("/logs", "/events", "/nothing", "/", "/metrics", "/healthz", "/api-docs/openapi.json"):
        got, body, head = d.tcp("GET", path)
        assert got == 401 and body == b"" and 'WWW-Authenticate: Basic realm="dstack-vmm API"\r\n' in head + "\r\n", (path, head)
        assert "X-App-Version: " in head and "Content-Length: 0" in head


def test_who_is_not():
    """A token that is almost right is wrong; so is a right one in the wrong place."""
    assert status() == 401 and status(method="POST") == 401 and status(method="DELETE") == 401
    assert status(method="POST", path=f"/prpc/Version?token={TOKEN}") == 401, "in the query of a GET only"
    for header in (f"Authorization: bearer {TOKEN}", f"Authorization: BASIC {basic('x:' + TOKEN)[21:]}",
                   f"Authorization: {TOKEN}", f"Authorization: Token {TOKEN}"):
        assert status(header) == 401, header
    almost = [TOKEN[:-1], TOKEN + "0", TOKEN.upper(), TOKEN[1:], " ".join(TOKEN), TOKEN.replace("0", "O"),
              hashlib.sha256(TOKEN.encode()).hexdigest(), "sha256:" + hashlib.sha256(HASHED.encode()).hexdigest()]
    wrong = [f"X-Admin-Token: {t}" for t in almost] + [f"Authorization: Bearer {t}" for t in almost] + [
        basic(f"dave:{PASSWORD}x"), basic("dave:"), basic(f"Dave:{PASSWORD}"), basic(f"nobody:{PASSWORD}"),
        basic(f"{TOKEN}:x"), "Authorization: Basic !!!!", "Authorization: Basic YQ==", "Authorization: Bearer "]
    seen = [status(header) for header in wrong]
    assert all(s in (401, 429) for s in seen), list(zip(wrong, seen))
    assert 401 in seen and 429 in seen, "who goes on guessing is slowed down"
    assert status(f"X-Admin-Token: {TOKEN}") == 200, "who knows is not"
    assert status(f"Authorization: Bearer wrong-{TOKEN}", path=f"/prpc/Version?token={TOKEN}") in (401, 429), "decisive"
    text = d.log()
    assert "wrong token or password" in text and text.count("wrong token or password") < 5, text
    for secret in [TOKEN, READER, HASHED, PASSWORD] + almost:
        assert secret not in text, f"{secret} is in the log"


def test_roles():
    vid = d.rpc("CreateVm", vm(name="of-many"))["id"]
    body = json.dumps({"id": vid}).encode()
    bob = f"Authorization: Bearer {READER}"
    assert status(bob, path=f"/prpc/GetInfo?id={vid}") == 200 and status(bob, path=f"/events?id={vid}") == 200
    for path in ("/prpc/RemoveVm", "/prpc/StartVm?json", "/guest/Shutdown?json"):
        got, answer, _ = d.tcp("POST", path, body, headers=[bob])
        assert got == 403 and "token bob may only read" in json.loads(answer)["error"], (path, got, answer)
    got, answer, _ = d.tcp("POST", "/prpc/RemoveVm", b"", headers=[bob], ctype=None)
    assert got == 403 and answer[0] == 0x0a, "in the caller's encoding"
    assert d.rpc("GetInfo", {"id": vid})["found"]
    assert status(f"Authorization: Bearer {TOKEN}", path=f"/prpc/RemoveVm?id={vid}") == 405, "not by GET either"
    assert status(basic(f"dave:{PASSWORD}"), method="POST", path="/prpc/RemoveVm?json", body=body) == 200


def test_what_a_browser_may_be_made_to_send():
    who = f"Authorization: Bearer {TOKEN}"
    own = "Origin: http://localhost"
    post = {"method": "POST", "path": "/prpc/GetMeta?json"}
    assert status(who, own, **post) == 200 and status(who, own, "Sec-Fetch-Site: same-origin", **post) == 200
    for header in ("Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"):
        assert status(who, header, **post) == 403, header
    d.by_tcp = True
    for host, want in (("evil.example", b"403"), ("localhost.evil.example:80", b"403"), ("vmm.example.com", b"200"),
                       (f"127.0.0.1:{d.port}", b"200"), ("[::1]", b"200")):
        got = d.raw(f"GET /prpc/Version HTTP/1.1\r\nHost: {host}\r\n{who}\r\nConnection: close\r\n\r\n".encode())
        assert got.split()[1] == want, (host, got)
    d.by_tcp = False


def test_bodies_of_who_is_not_known_are_not_read():
    big = b"x" * (1 << 20)
    assert d.tcp("POST", "/prpc/CreateVm?json", big)[0] == 401
    assert d.tcp("POST", "/prpc/CreateVm?json", big, headers=[f"X-Admin-Token: {TOKEN}"])[0] == 400
    assert d.rpc("Version")


def test_files_are_read_again():
    new = "another-token-0123456789"
    private(tokens, f"operate alice {new}\n")
    wait_for("the new one is known", lambda: status(f"X-Admin-Token: {new}") == 200)
    assert status(f"X-Admin-Token: {TOKEN}") in (401, 429)
    private(tokens, "admin alice x\n")
    wait_for("it is said to be wrong", lambda: (d.process.send_signal(1), "tokens:1: the role is neither" in d.log())[1])
    assert status(f"X-Admin-Token: {new}") == 200, "what was in effect stays so"
    with open(htpasswd, encoding="ascii") as f:
        users = f.read()
    private(htpasswd, users.replace("dave:", "erin:"))  # who is taken out is out, whatever is wrong with the tokens
    wait_for("the other file is read", lambda: status(basic(f"erin:{PASSWORD}")) == 200)
    assert status(basic(f"dave:{PASSWORD}")) in (401, 429)
    private(htpasswd, users)
    os.chmod(tokens, 0o644)
    wait_for("others may not read it", lambda: (d.process.send_signal(1), "chmod 600" in d.log())[1])
    os.chmod(tokens, 0o600)
    private(tokens, LINES)
    wait_for("back", lambda: status(f"X-Admin-Token: {TOKEN}") == 200)


def test_a_stream_ends_with_its_token():
    """Who was let in by a token that is taken back hears nothing more."""
    vid = d.rpc("CreateVm", vm(name="followed"))["id"]
    for path in ("/events?follow=true", f"/events?id={vid}&follow=true", f"/logs?id={vid}&follow=true"):
        private(tokens, LINES)
        wait_for("the reader is known", lambda: status(f"X-Admin-Token: {READER}") == 200)
        with socket.create_connection(("127.0.0.1", d.port), timeout=120) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Admin-Token: {READER}\r\n\r\n".encode())
            assert s.recv(65536).startswith(b"HTTP/1.1 200")
            private(tokens, f"operate alice {TOKEN}\n")
            d.process.send_signal(1)
            while s.recv(65536):
                pass  # until it ends; the time limit fails the test
    private(tokens, LINES)
    wait_for("the reader is known", lambda: status(f"X-Admin-Token: {READER}") == 200)
    d.rpc("RemoveVm", {"id": vid})


def refused(extra, *words):
    with open(f"{secrets}/c.yaml", "w", encoding="utf-8") as f:
        f.write(f"state: {secrets}/s\nrun: {secrets}/r\n{extra}\n")
    got = subprocess.run([f"{BIN}/baileyd", "-c", f"{secrets}/c.yaml"], capture_output=True, encoding="utf-8",
                         timeout=120, check=False)
    assert got.returncode == 1 and "still busy" not in got.stderr, got
    for word in words:
        assert word in got.stderr, got.stderr


def test_what_is_not_safe_is_refused_at_the_start():
    refused("api: { listen: ['tcp:127.0.0.1:1'] }", "c.yaml:3: api.listen[0]: 127.0.0.1:1 has no authentication",
            "insecure_loopback")
    refused("api: { listen: ['tcp:0.0.0.0:1'], insecure_loopback: true }", "0.0.0.0:1 has no authentication")
    refused(f"api: {{ listen: ['tcp:0.0.0.0:1'], tokens_file: {tokens} }}", "plain text", "tls_cert", "insecure_plaintext")
    refused("api: { tls_cert: /x }", "api.tls_cert: needs api.tls_key")
    refused("api: { listen: ['localhost'] }", "write tcp:127.0.0.1:9080")
    refused(f"api: {{ listen: ['tcp:127.0.0.1:1'], tokens_file: {secrets}/none }}", "none", "No such file")
    os.symlink(tokens, f"{secrets}/link")
    refused(f"api: {{ listen: ['tcp:127.0.0.1:1'], htpasswd_file: {tokens} }}", "tokens:2: is not user:hash")


def test_without_authentication_on_loopback():
    open_one = Tcp("api: { listen: ['127.0.0.1:PORT'], insecure_loopback: true }\n")
    assert open_one.tcp("GET", "/prpc/Version")[0] == 200
    assert "open to every user and program" in open_one.log()
    open_one.close()


def test_tls():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-days", "2", "-keyout", f"{secrets}/key.pem", "-out", f"{secrets}/cert.pem"],
                   check=True, capture_output=True)
    os.chmod(f"{secrets}/key.pem", 0o600)
    one = Tcp(AUTH + f", tls_cert: {secrets}/cert.pem, tls_key: {secrets}/key.pem }}\n", tls=True)
    who = [f"X-Admin-Token: {TOKEN}"]
    assert one.tcp("GET", "/prpc/Version", headers=who)[0] == 200
    vid = json.loads(one.tcp("POST", "/prpc/CreateVm?json", json.dumps(vm(user_config="u" * 300000)).encode(), headers=who)[1])["id"]
    got = json.loads(one.tcp("GET", f"/prpc/GetInfo?id={vid}", headers=who)[1])
    assert got["info"]["configuration"]["user_config"] == "u" * 300000
    assert one.tcp("GET", "/prpc/Version")[0] == 401
    with socket.create_connection(("127.0.0.1", one.port), timeout=60) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not s.recv(100).startswith(b"HTTP/"), "nothing in plain text"
    with socket.create_connection(("127.0.0.1", one.port), timeout=60) as s:
        s.sendall(b"\x16")  # a part of a record, and no more: the loop must not wait for the rest
        for _ in range(3):
            assert one.tcp("GET", "/prpc/Version", headers=who)[0] == 200
        assert one.http("GET", "/prpc/Version")[0] == 200
    one.close()


def test_it_ends_with_a_password_still_being_checked():
    private(htpasswd, subprocess.run(["htpasswd", "-nbB", "-C", "12", "dave", PASSWORD], check=True, capture_output=True,
                                     encoding="ascii").stdout)
    one = Tcp(AUTH + " }\n")
    clients = []
    for _ in range(4):
        s = socket.create_connection(("127.0.0.1", one.port), timeout=60)
        s.sendall(f"GET /prpc/Version HTTP/1.1\r\nHost: localhost\r\n{basic('dave:' + PASSWORD)}\r\n\r\n".encode())
        clients.append(s)
    one.close()
    for s in clients:
        s.close()


main(d, test_who_is_served, test_who_is_not, test_roles, test_what_a_browser_may_be_made_to_send,
     test_bodies_of_who_is_not_known_are_not_read, test_files_are_read_again, test_a_stream_ends_with_its_token,
     test_what_is_not_safe_is_refused_at_the_start, test_without_authentication_on_loopback, test_tls,
     test_it_ends_with_a_password_still_being_checked)
