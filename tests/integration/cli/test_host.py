# SPDX-License-Identifier: Apache-2.0
"""--host: a real baileyd behind a unix socket, behind ssh (a stand-in, and a real sshd), behind HTTP with a token."""
import http.server
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import bailey
import halting_image

USAGE, UNREACHABLE = 2, 4
TOKEN = "almost-right-1234567890"

scratch = tempfile.mkdtemp(prefix="b-host-", dir="/tmp")
bailey.IMAGE = halting_image.make(scratch, "halting-0.1.0")
host = bailey.Host()

FAKE_SSH = f"""#!{sys.executable}
import json, os, socket, sys, threading
argv = sys.argv[1:]
json.dump(argv, open("{scratch}/argv", "w"))
if argv[-1] == "refused.example":
    sys.exit("ssh: connect to host refused.example port 22: Connection refused")
near, far = argv[argv.index("-L") + 1].split(":")
listener = socket.socket(socket.AF_UNIX)
listener.bind(near)
listener.listen()
open("{scratch}/pid", "w").write(str(os.getpid()))
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    b.shutdown(socket.SHUT_WR) if b.fileno() >= 0 else None
def serve(c):
    try:
        s = socket.socket(socket.AF_UNIX)
        s.connect(far)
    except OSError:
        print("channel 1: open failed: connect failed: open failed", file=sys.stderr, flush=True)
        c.close()
        return
    threading.Thread(target=pump, args=(c, s), daemon=True).start()
    pump(s, c)
while True:
    c, _ = listener.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
"""


class Gate(http.server.BaseHTTPRequestHandler):
    """HTTP on TCP in front of the daemon's socket, for who has the token."""
    protocol_version = "HTTP/1.1"

    def relay(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.close_connection = True
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(host.socket)
            s.sendall(f"{self.command} {self.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                      f"application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            try:
                while data := s.recv(65536):
                    self.wfile.write(data)
                    self.wfile.flush()
            except OSError:
                pass  # it has seen enough

    do_GET = do_POST = relay  # noqa: N815

    def log_message(self, *_):
        pass


gate = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
gate.daemon_threads = True
threading.Thread(target=gate.serve_forever, daemon=True).start()
ADDRESS = f"tcp://127.0.0.1:{gate.server_port}"

os.makedirs(f"{scratch}/fake")
os.makedirs(f"{scratch}/run", mode=0o700)
os.makedirs(f"{scratch}/home/.config/bailey/tokens", mode=0o700)
with open(f"{scratch}/fake/ssh", "w", encoding="ascii") as fake:
    fake.write(FAKE_SSH)
os.chmod(f"{scratch}/fake/ssh", 0o755)


def put_token(path, text=TOKEN, mode=0o600):
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{text}\n")
    os.chmod(path, mode)
    return path


def environment(**more):
    env = {"PATH": f"{scratch}/fake:{os.environ['PATH']}", "HOME": f"{scratch}/home",
           "XDG_RUNTIME_DIR": f"{scratch}/run"}
    return env | {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")} | more


def run(*args, status=0, **env):
    r = subprocess.run([f"{bailey.BIN}/bailey", *args], timeout=120, stdin=subprocess.DEVNULL, text=True,
                       capture_output=True, check=False, env=environment(**env))
    assert r.returncode == status, (args, r.returncode, r.stdout, r.stderr)
    return r


def start(*args, **env):
    return subprocess.Popen([f"{bailey.BIN}/bailey", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment(**env))


def nothing_is_left():
    assert os.listdir(f"{scratch}/run") == [], os.listdir(f"{scratch}/run")
    with open(f"{scratch}/pid", encoding="ascii") as f:
        pid = int(f.read())
    bailey.wait_for("ssh is gone", lambda: not bailey.pid_alive(pid))


def follow_both(*where, **env):
    """The serial log and the events are followed, and more comes as it is written."""
    name = host.rpc("Status")["vms"][0]["name"]
    log = start(*where, "logs", "-f", name, **env)
    events = start(*where, "events", "-f", name, **env)
    first = events.stdout.readline()
    assert first, events.communicate()
    with open(f"{host.vmdir(name)}/serial.log", "a", encoding="ascii") as f:
        f.write("a line that comes late\n")
    while (line := log.stdout.readline()) != b"a line that comes late\n":
        assert line, log.communicate()
    for p in (log, events):
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=bailey.DEADLINE)
        assert p.returncode == -signal.SIGTERM, p.returncode


def test_unix():
    for where in (("--host", f"unix:{host.socket}"), ("-H", f"unix://{host.socket}"), ("-s", host.socket)):
        assert len(json.loads(run(*where, "ps", "-j").stdout)) == 1
    assert len(json.loads(run("ps", "-j", BAILEY_HOST=f"unix:{host.socket}").stdout)) == 1
    assert len(json.loads(run("ps", "-j", BAILEY_SOCKET=host.socket).stdout)) == 1
    # the command line is stronger than the environment, and a host than a socket
    run("-s", host.socket, "ps", BAILEY_HOST="unix:/nowhere")
    run("ps", BAILEY_HOST=f"unix:{host.socket}", BAILEY_SOCKET="/nowhere")
    assert "one of" in run("-s", host.socket, "-H", "unix:/x", "ps", status=USAGE).stderr


def test_what_is_no_host_starts_nothing():
    for text in ("-oProxyCommand=touch x", "ssh://-oProxyCommand=id", "ssh://h/a:b", "tcp://h", "x"):
        assert "no host" in run(f"--host={text}", "ps", status=USAGE).stderr, text
        assert not os.path.exists(f"{scratch}/argv")
    run("--host", "ssh://h", "--version")
    run("--host", "ssh://h", "compose", "hash", host.app("u", "name: u\n"))
    assert not os.path.exists(f"{scratch}/argv"), "who asks no daemon needs no ssh"
    assert "run it there" in run("--host", "ssh://h", "check", status=USAGE).stderr


def test_ssh_stand_in():
    where = f"ssh://me@there.example:2222{host.socket}"
    assert len(json.loads(run("-H", where, "ps", "-j").stdout)) == 1
    with open(f"{scratch}/argv", encoding="ascii") as f:
        argv = json.load(f)
    assert argv[-6:] == ["-p", "2222", "-l", "me", "--", "there.example"], argv
    assert "-oExitOnForwardFailure=yes" in argv and "-oControlMaster=no" in argv
    nothing_is_left()
    follow_both("-H", where)
    nothing_is_left()


def test_ssh_fails():
    r = run("-H", "ssh://refused.example", "ps", status=UNREACHABLE)
    assert "ssh cannot reach refused.example" in r.stderr and "Connection refused" in r.stderr, r.stderr
    r = run("-H", "ssh://there.example/no.sock", "ps", status=UNREACHABLE)
    assert "open failed" in r.stderr and "start baileyd there" in r.stderr, r.stderr
    nothing_is_left()
    r = run("-H", "ssh://there.example", "ps", status=UNREACHABLE, PATH=f"{scratch}/home")
    assert "no program ssh" in r.stderr, r.stderr
    assert os.listdir(f"{scratch}/run") == []


def test_ssh_dies_with_us():
    p = start("-H", f"ssh://there.example{host.socket}", "events", "-f", "one")
    assert p.stdout.readline()
    p.kill()
    p.communicate(timeout=bailey.DEADLINE)
    with open(f"{scratch}/pid", encoding="ascii") as f:
        pid = int(f.read())
    bailey.wait_for("ssh is gone", lambda: not bailey.pid_alive(pid))
    shutil.rmtree(f"{scratch}/run")
    os.makedirs(f"{scratch}/run", mode=0o700)


def test_tcp_wants_a_token():
    assert "BAILEY_TOKEN_FILE" in run("-H", ADDRESS, "ps", status=1).stderr
    almost = put_token(f"{scratch}/almost", TOKEN[:-1])
    assert "BAILEY_TOKEN_FILE" in run("-H", ADDRESS, "ps", status=1, BAILEY_TOKEN_FILE=almost).stderr
    right = put_token(f"{scratch}/right")
    assert len(json.loads(run("-H", ADDRESS, "ps", "-j", BAILEY_TOKEN_FILE=right).stdout)) == 1
    assert len(json.loads(run("-H", ADDRESS, "ps", "-j", BAILEY_TOKEN=TOKEN).stdout)) == 1
    follow_both("-H", ADDRESS, BAILEY_TOKEN_FILE=right)


def test_where_a_token_is_found():
    config = f"{scratch}/home/.config/bailey"
    put_token(f"{config}/token", "of-another-host")
    run("-H", ADDRESS, "ps", status=1)
    put_token(f"{config}/tokens/127.0.0.1:{gate.server_port}")
    run("-H", ADDRESS, "ps")
    run("-H", f"tcp://localhost:{gate.server_port}", "ps", status=1)
    os.unlink(f"{config}/tokens/127.0.0.1:{gate.server_port}")
    put_token(f"{config}/token")
    run("-H", ADDRESS, "ps")


def test_a_token_that_others_may_read_is_not_used():
    for path, want in ((put_token(f"{scratch}/open", mode=0o640), "chmod 600"),
                       (put_token(f"{scratch}/empty", ""), "holds no token"),
                       (put_token(f"{scratch}/long", "x" * 600), "holds no token"),
                       (put_token(f"{scratch}/spaces", "a b"), "holds no token"),
                       (scratch, "others may read"), (f"{scratch}/none", "there is no")):
        r = run("-H", ADDRESS, "ps", status=USAGE, BAILEY_TOKEN_FILE=path)
        assert want in r.stderr and TOKEN not in r.stderr, r.stderr
    assert "no token" in run("-H", ADDRESS, "ps", status=USAGE, BAILEY_TOKEN="a\nb").stderr


def test_top_has_the_figures_of_the_daemon_s_host():
    row, = json.loads(run("-H", f"ssh://there.example{host.socket}", "top", "-j").stdout)
    assert row["name"] == "one" and row["state"] != "stopped" and row["memory_used"] > 1 << 20, row
    assert row["disk_used"] > 0 and row["cpu_percent"] is not None and row["restarts"] == 0, row


def test_the_daemon_s_own_tls_and_tokens():
    """A second daemon, on HTTPS, with a certificate that only this test trusts."""
    port = bailey.free_port()
    secrets = tempfile.mkdtemp(dir=scratch)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", f"{secrets}/key", "-out", f"{secrets}/cert", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, timeout=60,
                   capture_output=True)
    os.chmod(f"{secrets}/key", 0o600)
    read, operate = "r" * 40, "o" * 40
    put_token(f"{secrets}/tokens", f"read reader {read}\noperate operator {operate}")
    other = bailey.Host(f"api: {{ listen: ['tcp:127.0.0.1:{port}'], tokens_file: {secrets}/tokens, "
                        f"tls_cert: {secrets}/cert, tls_key: {secrets}/key }}\n")
    try:
        where, env = f"https://localhost:{port}", {"BAILEY_CA_FILE": f"{secrets}/cert"}
        r = run("-H", where, "ps", status=UNREACHABLE, BAILEY_TOKEN=read)
        assert "certificate" in r.stderr, r.stderr
        assert json.loads(run("-H", where, "ps", "-j", BAILEY_TOKEN=read, **env).stdout) == []
        run("-H", where, "ps", status=1, BAILEY_TOKEN=read[:-1], **env)
        app = host.app("far", "name: far\ntee: none\nresources: { cpus: 1, memory: 256M, disk: 1G }\n")
        run("-H", where, "up", "--no-start", app, status=1, BAILEY_TOKEN=read, **env)
        run("-H", where, "up", "--no-start", app, BAILEY_TOKEN=operate, **env)
        assert other.info("far")["status"] == "stopped"
        run("-H", where, "rm", "-f", "far", BAILEY_TOKEN=operate, **env)
    finally:
        other.close()


def test_nobody_there():
    port = bailey.free_port()
    r = run("-H", f"tcp://127.0.0.1:{port}", "ps", status=UNREACHABLE)
    assert f"tcp://127.0.0.1:{port}" in r.stderr, r.stderr


def test_a_real_sshd():
    """A private sshd on loopback: its own keys, its own configuration, this user's login with a key."""
    sshd, port = shutil.which("sshd", path="/usr/sbin:/usr/bin"), bailey.free_port()
    if not sshd or not os.path.exists("/usr/bin/ssh") or not shutil.which("ssh-keygen"):
        print("     skipped: no sshd here")
        return
    folder = f"{scratch}/sshd"
    os.makedirs(folder, mode=0o700)
    for key in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{key}"], check=True,
                       timeout=60, stdin=subprocess.DEVNULL)
    with open(f"{folder}/host_key.pub", encoding="ascii") as f:
        key = " ".join(f.read().split()[:2])
    files = {
        "sshd_config": f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\n"
                       f"AuthorizedKeysFile {folder}/user_key.pub\nStrictModes no\nUsePAM no\n"
                       "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n",
        "known_hosts": f"[127.0.0.1]:{port} {key}\n",
        "ssh_config": f"IdentityFile {folder}/user_key\nIdentitiesOnly yes\nBatchMode yes\n"
                      f"UserKnownHostsFile {folder}/known_hosts\nStrictHostKeyChecking yes\n"}
    for name, text in files.items():
        with open(f"{folder}/{name}", "w", encoding="ascii") as f:
            f.write(text)
    os.makedirs(f"{scratch}/real")
    with open(f"{scratch}/real/ssh", "w", encoding="ascii") as f:
        f.write(f'#!/bin/sh\necho $$ >{scratch}/pid\nexec /usr/bin/ssh -F {folder}/ssh_config "$@"\n')
    os.chmod(f"{scratch}/real/ssh", 0o755)
    path = {"PATH": f"{scratch}/real:{os.environ['PATH']}"}
    user = pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)  # where it locks its unprivileged part in
    with open(f"{folder}/log", "wb") as log:
        server = subprocess.Popen([sshd, "-D", "-e", "-f", f"{folder}/sshd_config"], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log)

    def listens():
        assert server.poll() is None, open(f"{folder}/log", encoding="utf-8").read()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    try:
        bailey.wait_for("sshd listens", listens)
        where = f"ssh://{user}@127.0.0.1:{port}{host.socket}"
        assert len(json.loads(run("-H", where, "ps", "-j", **path).stdout)) == 1
        follow_both("-H", where, **path)
        nothing_is_left()
        r = run("-H", f"ssh://{user}@127.0.0.1:{port}/no.sock", "ps", status=UNREACHABLE, **path)
        assert "start baileyd there" in r.stderr, r.stderr
        r = run("-H", f"ssh://nobody-of-here@127.0.0.1:{port}", "ps", status=UNREACHABLE, **path)
        assert "Permission denied" in r.stderr, r.stderr
        nothing_is_left()
    finally:
        server.terminate()
        server.wait(timeout=bailey.DEADLINE)


try:
    host.rpc("CreateVm", {"name": "one", "image": "halting-0.1.0", "vcpu": 1, "memory": 256, "disk_size": 1,
                          "no_tee": True, "compose_file": json.dumps(
                              {"manifest_version": 2, "name": "app", "runner": "none"})})
    host.wait_event("one", "vmm.started")
    bailey.run(test_unix, test_what_is_no_host_starts_nothing, test_ssh_stand_in, test_ssh_fails,
               test_ssh_dies_with_us, test_tcp_wants_a_token, test_where_a_token_is_found,
               test_a_token_that_others_may_read_is_not_used,
               test_top_has_the_figures_of_the_daemon_s_host, test_the_daemon_s_own_tls_and_tokens,
               test_nobody_there, test_a_real_sshd)
finally:
    gate.shutdown()
    host.close()
    shutil.rmtree(scratch, ignore_errors=True)
