# SPDX-License-Identifier: Apache-2.0
"""bailey against a real baileyd, as far as it goes without a guest: what it prints, changes, and exits with."""
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time

import bailey
import halting_image

FAILED, USAGE, NOT_FOUND, UNREACHABLE, LACKS = 1, 2, 3, 4, 6

APP = """\
name: {name}
tee: none
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
ports: [ {{ host: "127.0.0.1:{port}", guest: 80 }} ]
"""


def fake_image(folder, name, version):
    """An image that loads and whose sums are right; no kernel would boot from it."""
    path = f"{folder}/{name}"
    os.makedirs(path)
    files = {"bzImage": b"kernel", "initramfs": b"initrd", "metadata.json": json.dumps(
        {"kernel": "bzImage", "initrd": "initramfs", "version": version, "shared_ro": True,
         "is_dev": True, "cmdline": "console=ttyS0"}).encode()}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in files.items())
    files["sha256sum.txt"] = sums.encode()
    files["digest.txt"] = hashlib.sha256(sums.encode()).hexdigest().encode() + b"\n"
    for file, data in files.items():
        with open(f"{path}/{file}", "wb") as f:
            f.write(data)
    return path


scratch = tempfile.mkdtemp(prefix="b-cli-", dir="/tmp")
bailey.IMAGE = fake_image(scratch, "old-0.1.0", "0.6.0")
host = bailey.Host("unique_names: false\nstop: { graceful: 1s, guest: 1s, firm: 1s }\n")  # as with dstack: names that fit several are told apart by id
fake_image(f"{host.dir}/s/image", "new-0.1.0", "0.10.0")


def run(*args, status=0, **more):
    """bailey's result; its exit status must be as expected."""
    r = subprocess.run([f"{bailey.BIN}/bailey", "--socket", host.socket, *args], timeout=120,
                       stdin=subprocess.DEVNULL, capture_output=True, check=False, **more)
    assert r.returncode == status, (args, r.returncode, r.stdout, r.stderr)
    r.stdout, r.stderr = r.stdout.decode(), r.stderr.decode()
    return r


def files():
    """Every file of the daemon's VMs with its content's hash: has anything changed?"""
    found = {}
    for folder, _, names in os.walk(f"{host.dir}/s/vm"):
        for name in names:
            with open(f"{folder}/{name}", "rb") as f:
                found[f"{folder}/{name}"] = hashlib.sha256(f.read()).hexdigest()
    return found


def make(name, port=None):
    path = host.app(name, APP.format(name=name, port=port or bailey.free_port()))
    run("up", "--no-start", path)
    return path


def test_life_of_a_vm_that_never_runs():
    assert json.loads(run("ps", "--json").stdout) == []
    assert run("ps").stdout == "no VMs; bailey up FILE makes one\n"
    path = make("life")
    info = json.loads(run("info", "-j", "life").stdout)
    assert info["status"] == "stopped" and info["configuration"]["no_tee"] is True, info
    assert info["configuration"]["image"] == "new-0.1.0", "the newest image is taken"
    # found by id and by the first digits of it
    for what in (info["id"], info["id"][:6]):
        assert json.loads(run("info", "-j", what).stdout)["id"] == info["id"]
    rows = run("ps").stdout.splitlines()
    assert len(rows) == 2 and rows[0].split() == ["NAME", "ID", "STATE", "STEP", "UPTIME", "TEE", "IMAGE", "PORTS"]
    assert rows[1].split()[:4] == ["life", info["id"][:8], "stopped", "none"], rows
    assert "not confidential" in run("info", "life").stdout
    # the hash that we tell is that of the file that the guest gets
    with open(f"{host.vmdir('life')}/shared/app-compose.json", "rb") as f:
        compose = f.read()
    told = json.loads(run("compose", "hash", "-j", path).stdout)
    assert told["compose_hash"] == hashlib.sha256(compose).hexdigest(), told
    assert told["app_id"] == info["app_id"]
    assert run("compose", "show", path).stdout.encode() == compose
    # the daemon's own answer is the same
    assert host.rpc("GetComposeHash", {"name": "life", "compose_file": compose.decode()}) == {
        "hash": told["compose_hash"]}
    run("stop", "life")
    run("kill", "life")
    assert run("rm", "--force", "life").stdout == "life is removed\n"
    assert files() == {}


def test_up_again_changes_nothing():
    path = make("again")
    before = files()
    out = json.loads(run("up", "--no-start", "--json", path).stdout)
    assert out["action"] == "unchanged" and files() == before, out
    run("rm", "-f", "again")


def test_up_changes_what_differs_and_says_it_first():
    port = bailey.free_port()
    path = make("alters", port)
    first = json.loads(run("info", "-j", "alters").stdout)
    before = files()
    text = APP.format(name="alters", port=port).replace("512M", "768M").replace("guest: 80", "guest: 81")
    host.app("alters", text + "user_config: secret words\napp: { pre_launch: date }\n")
    dry = run("up", "--no-start", "--dry-run", path).stdout.splitlines()
    assert dry[0] == "alters: 6 changes" and dry[-1] == "alters: would be updated", dry
    assert re.fullmatch(r"  compose hash +[0-9a-f]{16} -> [0-9a-f]{16}", dry[1]), dry
    assert dry[2].split() == ["app.pre_launch_script", "+", "date"], dry
    assert dry[3].split() == ["memory", "512", "MiB", "->", "768", "MiB"], dry
    assert dry[4].split() == ["ports", "-", f"127.0.0.1:{port}", "to", "80/tcp"], dry
    assert dry[5].split() == ["ports", "+", f"127.0.0.1:{port}", "to", "81/tcp"], dry
    assert dry[6].split() == ["user_config", "+", "12", "bytes,", "other"], dry
    told = json.loads(run("up", "--no-start", "--dry-run", "-j", path).stdout)
    assert told["dry_run"] is True and told["action"] == "updated" and told["id"] == first["id"], told
    assert [c["field"] for c in told["changes"]][2:] == ["memory", "ports", "ports", "user_config"], told
    assert told["changes"][0]["to"] == told["compose_hash"] and told["changes"][5]["from"] is None, told
    assert files() == before, "a dry run changes nothing"

    out = run("up", "--no-start", path).stdout.splitlines()
    assert out[:-1] == dry[:-1] and out[-1] == "alters is stopped", out
    now = json.loads(run("info", "-j", "alters").stdout)
    assert now["id"] == first["id"] and now["app_id"] == first["app_id"], now
    assert now["configuration"]["memory"] == 768 and now["configuration"]["user_config"] == "secret words", now
    after = files()
    again = json.loads(run("up", "--no-start", "-j", path).stdout)
    assert again["action"] == "unchanged" and again["changes"] == [] and files() == after, again

    # what an update cannot do, and what the daemon refuses, changes nothing
    for more, status, word in (("resources: { cpus: 1, memory: 768M, disk: 1G }\ntee: simulated\n", FAILED, "make another VM"),
                               ("image: gone-1\n", FAILED, "gone-1")):
        base = "\n".join(x for x in text.splitlines() if not x.startswith(("resources", "tee"))) + "\n"
        host.app("alters", base + ("tee: none\n" if "tee" not in more else "") + more)
        r = run("up", "--no-start", path, status=status)
        assert word in r.stderr, (more, r.stderr)
        assert files() == after, more
    run("rm", "-f", "alters")


def test_dry_run_of_an_app_that_is_not_there():
    path = host.app("fresh", APP.format(name="fresh", port=bailey.free_port()))
    assert run("up", "--dry-run", path).stdout == "fresh: would be created, image new-0.1.0\n"
    told = json.loads(run("up", "--dry-run", "-j", path).stdout)
    assert told["action"] == "created" and told["dry_run"] is True and "id" not in told, told
    assert files() == {}


def test_up_of_a_vm_that_runs():
    """Its kernel halts at once and has nobody to ask, so that every restart is seen to fail."""
    image = halting_image.make(f"{host.dir}/s/image", "halt-0.1.0")
    path = host.app("runs", APP.format(name="runs", port=bailey.free_port()).replace("512M", "128M") + "image: halt-0.1.0\n")
    run("up", "--no-wait", path)
    vm = json.loads(run("info", "-j", "runs").stdout)
    assert vm["status"] == "running" and vm["is_outdated"] is False, vm
    assert run("up", "--no-wait", path).stdout.splitlines()[0] == "runs: on its way already"
    with open(path, encoding="ascii") as f:
        text = f.read()
    host.app("runs", text.replace("128M", "192M"))
    dry = run("up", "--dry-run", path).stdout.splitlines()
    assert dry[-1] == "runs: would be updated and restarted", dry
    out = run("up", "--no-restart", "--no-wait", path).stdout
    assert "memory  128 MiB -> 192 MiB" in out and "until its next start: bailey restart runs" in out, out
    vm = json.loads(run("info", "-j", "runs").stdout)
    assert vm["status"] == "running" and vm["is_outdated"] is True and vm["configuration"]["memory"] == 192, vm
    # the next `up` goes on with it; a guest that cannot be asked is killed in the end
    r = run("up", "--no-wait", path)
    assert "runs: stopping, to be started" in r.stdout and "killing it" in r.stdout, r
    run("kill", "runs")
    assert json.loads(run("up", "--no-wait", "-j", path).stdout)["action"] == "started"
    assert json.loads(run("info", "-j", "runs").stdout)["is_outdated"] is False
    run("rm", "-f", "runs")
    shutil.rmtree(image)


def test_bad_yaml_is_told_with_its_line_and_changes_nothing():
    for text, want in (
            ("name: x\n\n\n\n\nresources:\n  memory: 2GB\n",
             'bad.yaml:7: resources.memory: "2GB" is not a size; write 2G'),
            ("name: x\nnmae: y\n", "bad.yaml:2: nmae: "),
            ("name: x\nname: y\n", "bad.yaml:2: name: "),
            ("name: x\nresources: { cpus: 100000 }\n", "bad.yaml:2: resources.cpus: "),
            ("name: x\ntee: none\nimage: nowhere\n", 'bad.yaml:3: image: baileyd has no image "nowhere"'),
            ("name: 7 \xff\n", "bad.yaml")):
        path = f"{host.dir}/bad.yaml"
        with open(path, "w", encoding="latin-1") as f:
            f.write(text)
        good = host.app("good", APP.format(name="good", port=bailey.free_port()))
        missing = "no image" in want
        # all files are checked before the first is done
        args = [path] if missing else [good, path]
        r = run("up", *args, status=NOT_FOUND if missing else USAGE)
        assert want in r.stderr, (text, r.stderr)
        error = json.loads(run("-j", "up", *args, status=NOT_FOUND if missing else USAGE).stderr)
        assert want in error["error"] and error["exit"] == (NOT_FOUND if missing else USAGE), error
        assert files() == {}


def test_the_daemon_refuses_and_nothing_is_left():
    taken = bailey.free_port()
    make("first", taken)
    before = files()
    second = host.app("second", APP.format(name="second", port=taken))
    r = run("up", "--no-start", second, status=FAILED)
    assert "host port mapping conflicts with VM" in r.stderr and str(taken) in r.stderr, r.stderr
    # an image whose files are not what its builder wrote down
    with open(f"{host.dir}/s/image/new-0.1.0/bzImage", "ab") as f:
        f.write(b"!")
    try:
        host.app("second", APP.format(name="second", port=bailey.free_port()))
        r = run("up", second, status=FAILED)
        assert "bzImage" in r.stderr, r.stderr
        r = run("image", "check", f"{host.dir}/s/image/new-0.1.0", status=FAILED)
        assert "bzImage" in r.stderr, r.stderr
    finally:
        with open(f"{host.dir}/s/image/new-0.1.0/bzImage", "wb") as f:
            f.write(b"kernel")
    assert files() == before, "a VM that could not be made left something"
    run("image", "check", f"{host.dir}/s/image/new-0.1.0", f"{host.dir}/s/image/old-0.1.0/")
    # a port that another program has
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        host.app("second", APP.format(name="second", port=port))
        r = run("up", second, status=FAILED)
        assert str(port) in r.stderr and "taken" in r.stderr, r.stderr
    assert files() == before
    run("rm", "-f", "first")


def test_images():
    names = [i["name"] for i in json.loads(run("image", "ls", "-j").stdout)]
    assert sorted(names) == ["new-0.1.0", "old-0.1.0"], names
    assert "new-0.1.0  0.10.0   development" in run("image", "ls").stdout
    run("image", "check", f"{host.dir}/nowhere", status=NOT_FOUND)


def test_names_that_fit_several_or_none():
    assert "no VM nope; bailey ps lists them" in run("info", "nope", status=NOT_FOUND).stderr
    for _ in range(2):
        host.rpc("CreateVm", {"name": "twin", "image": "old-0.1.0", "vcpu": 1, "memory": 512,
                              "disk_size": 1, "no_tee": True, "stopped": True,
                              "compose_file": run("compose", "show", host.app("t", "name: twin\n")).stdout})
    ids = [v["id"] for v in host.rpc("Status")["vms"]]
    for command in ("info", "stop", "rm", "logs", "events"):
        r = run(command, "twin", status=USAGE)
        assert "twin could be 2 VMs" in r.stderr and ids[0][:13] in r.stderr, r.stderr
    assert "2 VMs are called twin" in run("up", host.app("t", "name: twin\n"), status=FAILED).stderr
    # one failure does not keep the others from being done, and decides the exit status
    assert run("rm", "-f", ids[0], "nope", ids[1], status=NOT_FOUND).stdout == "twin is removed\n" * 2
    assert files() == {}


def test_logs_cannot_steer_the_terminal():
    make("talk")
    hostile = b"plain\n\x1b[31mred\x1b[0m \x1b]0;title\x07\xc2\x9b31m\rnext\r\n\xff end\n[vmm heartbeat]\nlast"
    with open(f"{host.vmdir('talk')}/serial.log", "wb") as f:
        f.write(hostile)
    assert run("logs", "talk").stdout == "plain\nred ?31m\nnext\n? end\n[vmm heartbeat]\nlast"
    assert run("logs", "-n", "1", "talk").stdout == "last"
    assert run("logs", "-c", "stdout", "talk").stdout == ""
    lines = [json.loads(x) for x in run("logs", "-j", "talk").stdout.splitlines()]
    assert lines == [{"line": x} for x in ("plain", "red ?31m", "next", "? end", "[vmm heartbeat]", "last")], lines
    assert "--json" in run("logs", "-j", "--raw", "talk", status=USAGE).stderr
    raw = subprocess.run([f"{bailey.BIN}/bailey", "-s", host.socket, "logs", "--raw", "talk"],
                         capture_output=True, check=True, timeout=60).stdout
    assert b"\x1b[31mred" in raw, raw
    assert "write serial, stdout or stderr" in run("logs", "-c", "x", "talk", status=USAGE).stderr
    follow = subprocess.Popen([f"{bailey.BIN}/bailey", "-s", host.socket, "logs", "-f", "talk"],
                              stdout=subprocess.PIPE)
    try:
        seen = read_until(follow.stdout.fileno(), b"last")
        with open(f"{host.vmdir('talk')}/serial.log", "ab") as f:
            f.write(b" and more\x1b[2J\n")
        seen += read_until(follow.stdout.fileno(), b"and more\n")
        assert b"\x1b" not in seen, seen
    finally:
        follow.kill()
        follow.wait()
    run("rm", "-f", "talk")


def test_a_followed_log_goes_on_where_it_was_over_a_restart():
    make("steady")
    log = f"{host.vmdir('steady')}/serial.log"
    with open(f"{log}.1", "wb") as f:
        f.write(b"of the boot before\n")
    with open(log, "wb") as f:
        f.write(b"one\n\x1b[3")
    assert run("logs", "steady").stdout == "one\n"
    assert run("logs", "--all", "steady").stdout == "of the boot before\none\n"
    assert "contradict" in run("logs", "-a", "-n", "3", "steady", status=USAGE).stderr
    follow = subprocess.Popen([f"{bailey.BIN}/bailey", "-s", host.socket, "logs", "-fa", "steady"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        seen = read_until(follow.stdout.fileno(), b"one\n")
        for i in range(3):
            host.stop(signal.SIGKILL if i else signal.SIGTERM)
            with open(log, "ab") as f:  # a sequence that is cut by the restart is one all the same
                f.write(b"1mafter %d\n\x1b[3" % i)
            host.start()
            seen += read_until(follow.stdout.fileno(), b"after %d\n" % i)
        assert seen == b"of the boot before\none\nafter 0\nafter 1\nafter 2\n", seen
        run("rm", "-f", "steady")
        assert follow.wait(timeout=60) == 0 and follow.stdout.read() == b""
        assert follow.stderr.read().count(b"baileyd was away") == 3
    finally:
        follow.kill()
        follow.wait()


def read_until(fd, what, deadline=60):
    got, end = b"", time.monotonic() + deadline
    while what not in got and time.monotonic() < end:
        if select.select([fd], [], [], 1)[0]:
            try:
                chunk = os.read(fd, 65536)
            except OSError:  # the other end of a terminal is closed
                break
            if not chunk:
                break
            got += chunk
    assert what in got, (what, got)
    return got


def test_events_are_followed_until_the_vm_is_gone():
    make("watched")
    once = [json.loads(x) for x in run("events", "-j", "watched").stdout.splitlines()]
    assert [e["event"] for e in once] == ["vmm.created"], once
    assert run("events", "-n0", "watched").stdout == ""
    follow = subprocess.Popen([f"{bailey.BIN}/bailey", "-s", host.socket, "events", "-f", "-j", "watched"],
                              stdout=subprocess.PIPE)
    read_until(follow.stdout.fileno(), b"vmm.created")
    # an upgrade of the daemon: the same stream goes on, and tells nothing twice
    host.stop()
    host.start()
    run("rm", "-f", "watched")
    rest, _ = follow.communicate(timeout=120)
    assert follow.returncode == 0 and b"vmm.created" not in rest, (follow.returncode, rest)


class Terminal:
    """bailey on a terminal of its own."""

    def __init__(self, *args, columns=72, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm", "COLUMNS": str(columns), **(env or {})})
            os.execv(f"{bailey.BIN}/bailey", ["bailey", "-s", host.socket, *args])

    def end(self):
        got = b""
        while True:
            try:
                chunk = os.read(self.fd, 65536)
            except OSError:
                chunk = b""
            if not chunk:
                break
            got += chunk
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status, got.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_lines_that_fit():
    make("a-rather-long-name-of-a-virtual-machine")
    status, text = Terminal("ps").end()
    assert status == 0 and "\x1b[" in text, text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert max(map(len, plain.splitlines())) <= 72 and "..." in plain, plain
    status, text = Terminal("ps", env={"NO_COLOR": "1"}).end()
    assert status == 0 and "\x1b" not in text, text
    assert "\x1b" not in run("ps").stdout
    status, text = Terminal("logs", "--raw", "a-rather-long-name-of-a-virtual-machine").end()
    assert status == USAGE and "--raw" in text, text
    run("rm", "-f", "a-rather-long-name-of-a-virtual-machine")


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return f.read().rpartition(")")[2].split()[0]


ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


def size_of(t, lines, columns):
    fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def test_top_takes_the_terminal_and_gives_it_back():
    """However it ends, the screen is the one before and the mode is the one before."""
    names = [f"fleet-member-number-{i:02}" for i in range(6)]
    for name in names:
        make(name)

    def end_by(how):
        t = Terminal("top", columns="")
        size_of(t, 24, 100)
        seen = read_until(t.fd, b"sorted by")
        assert ENTER in seen and b"6 VMs, 0 of them running" in seen, seen
        lines = termios.ICANON | termios.ECHO
        assert not termios.tcgetattr(t.fd)[3] & lines, "keys come one by one, unseen"
        how(t)
        seen = read_until(t.fd, LEAVE)
        assert termios.tcgetattr(t.fd)[3] & lines == lines
        status, rest = t.end()
        assert ENTER not in rest.encode(), rest
        return status

    assert end_by(lambda t: os.write(t.fd, b"q")) == 0
    assert end_by(lambda t: os.write(t.fd, b"\x03")) == -signal.SIGINT
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT):
        assert end_by(lambda t, sig=sig: os.kill(t.pid, sig)) == -sig


def test_top_draws_what_fits_and_sorts():
    t = Terminal("top", "--sort", "name", columns="")
    size_of(t, 24, 100)
    seen = read_until(t.fd, b"fleet-member-number-05").decode().rpartition("\x1b[H")[2]
    at = [seen.index(f"fleet-member-number-{i:02}") for i in range(6)]
    assert at == sorted(at), seen
    os.write(t.fd, b"R")
    seen = read_until(t.fd, b"sorted by name, reversed").decode().rpartition("\x1b[H")[2]
    at = [seen.index(f"fleet-member-number-{i:02}") for i in range(6)]
    assert at == sorted(at, reverse=True), seen
    os.write(t.fd, b"\x1b[A")  # an arrow key is no key of ours
    size_of(t, 8, 70)
    seen = read_until(t.fd, b"and 2 more").decode().rpartition("\x1b[H")[2]
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)
    assert max(map(len, plain.splitlines())) <= 70, plain
    os.kill(t.pid, signal.SIGTSTP)
    read_until(t.fd, LEAVE)
    bailey.wait_for("it stands still", lambda: state_of(t.pid) == "T")
    os.kill(t.pid, signal.SIGCONT)
    read_until(t.fd, ENTER)
    read_until(t.fd, b"sorted by")
    os.write(t.fd, b"q")
    assert t.end()[0] == 0


def test_top_once():
    rows = json.loads(run("top", "-j").stdout)
    assert len(rows) == 6 and rows[0]["state"] == "stopped" and rows[0]["cpu_percent"] is None, rows
    assert rows[0]["memory_size"] == 512 << 20 and rows[0]["disk_size"] == 1 << 30, rows
    text = run("top").stdout.splitlines()
    assert len(text) == 7 and text[0].split()[:4] == ["NAME", "ID", "STATE", "CPU"], text
    status, shown = Terminal("top", "--once").end()
    assert status == 0 and "1049" not in shown and len(shown.splitlines()) == 7, shown
    assert "none of cpu" in run("top", "--sort", "x", status=USAGE).stderr
    for row in rows:
        run("rm", "-f", row["id"])


def test_rm_asks():
    make("dear")
    assert "bailey rm --force dear" in run("rm", "dear", status=USAGE).stderr
    for answer, kept in ((b"n\n", True), (b"\n", True), (b"y\n", False)):
        t = Terminal("rm", "dear")
        read_until(t.fd, b"and its disk? [y/N] ")
        os.write(t.fd, answer)
        status, text = t.end()
        assert status == 0 and ("is kept" if kept else "is removed") in text, (status, text)
        assert bool(files()) == kept


def test_command_lines_that_mean_nothing():
    for args in (("nope",), ("up",), ("ps", "x"), ("ps", "--nope"), ("image",), ("logs", "-n", "x", "y"), ()):
        assert run(*args, status=USAGE).stderr.startswith("bailey: "), args
    for args in (("image", "--help"), ("compose", "-h"), ("help",)):
        assert "image check" in run(*args).stdout, args
    assert run("--version").stdout.startswith("bailey ")
    assert run("version").stdout.splitlines()[1].startswith("baileyd ")


def test_check_with_and_without_a_daemon():
    """The daemon's facts where it answers; else baileyd looks, in a folder of its own that is gone after."""
    served = json.loads(subprocess.run(
        [f"{bailey.BIN}/bailey", "-s", host.socket, "check", "-j"], capture_output=True, text=True,
        check=False, timeout=120).stdout)
    rows = {r["name"]: r for r in served["rows"]}
    assert rows["baileyd"]["state"] == "ok" and host.socket in rows["baileyd"]["found"], rows
    assert rows["qemu"]["state"] == rows["libvirt"]["state"] == "ok", rows
    assert rows["images"]["state"] == "ok" and "2" in rows["images"]["found"], rows
    assert served["vms"], rows
    before = sorted(os.listdir("/tmp"))
    r = subprocess.run([f"{bailey.BIN}/bailey", "-s", f"{host.dir}/no.sock", "check", "-j", "--tdx",
                        "--config", host.config], capture_output=True, text=True, check=False, timeout=300)
    alone = json.loads(r.stdout)
    assert r.returncode == (0 if alone["tdx"] else LACKS) and not r.stderr, r
    assert {r["name"]: r["state"] for r in alone["rows"]} == {
        r["name"]: "warn" if r["name"] == "baileyd" else r["state"] for r in served["rows"]}
    assert not [x for x in os.listdir("/tmp") if x.startswith("baileyd-probe") and x not in before]
    host.rpc("Version")  # undisturbed
    bad = host.app("bad-config", "stat: /x\n")
    r = subprocess.run([f"{bailey.BIN}/bailey", "-s", f"{host.dir}/no.sock", "check", "--config", bad],
                       capture_output=True, text=True, check=False, timeout=300)
    assert r.returncode == LACKS and "bad-config.yaml:1: stat: " in r.stdout, r
    text = run("check", "-q").stdout
    assert text.splitlines()[0].startswith("VMs without a TEE work here"), text


def complete(*words):
    """What bash would offer for the last of these words, by the script that bailey prints."""
    script = (". <(\"$1\" completion bash); compopt() { :; }; shift; COMP_WORDS=(\"$@\"); "
              "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _bailey; printf '%s\\n' \"${COMPREPLY[@]}\"")
    program = f"{bailey.BIN}/bailey"
    r = subprocess.run(["bash", "-euc", script, "bash", program, program, *words], capture_output=True, text=True,
                       check=False, timeout=60, cwd=host.dir, env=dict(os.environ, BAILEY_SOCKET=host.socket))
    assert r.returncode == 0 and not r.stderr, (words, r)
    return [w for w in r.stdout.splitlines() if w]


def test_bash_completes():
    make("web-1")
    make("web-2")
    commands = complete("")
    helped = {line.split()[0] for line in run("--help").stdout.partition("commands:")[2].partition(
        "\n\n")[0].splitlines() if line}
    assert set(commands) == helped | {"help"}, (commands, helped)
    assert complete("comp") == ["compose", "completion"]
    assert set(complete("image", "")) >= {"ls", "check"} and complete("compose", "h") == ["hash"]
    assert complete("verify", "q") == ["quote"] and "--image" in complete("verify", "--i")
    assert complete("verify", "x.json", "--comp") == ["--compose", "--compose-hash"]
    assert complete("verify", "quote", "--im") == [] and complete("verify", "quote", "--col") == ["--collateral"]
    assert complete("logs", "") == ["web-1", "web-2"] and complete("stop", "web-1", "web-2") == ["web-2"]
    assert complete("-q", "--socket", host.socket, "info", "web") == ["web-1", "web-2"]
    assert complete("-s", "/nowhere", "info", "web") == [], "the daemon that the line names is asked"
    assert complete("logs", "--ch") == ["--channel"] and complete("logs", "-c", "s") == [
        "serial", "stdout", "stderr"][:3]
    assert set(complete("--")) >= {"--json", "--host", "--quiet"} and "--channel" not in complete("--")
    for command in ("ps", "logs", "image ls"):
        want = set(re.findall(r"--[a-z-]+", run(*command.split(), "--help").stdout)) - {"--help"}
        assert set(complete(*command.split(), "--")) - {"--help"} == want, command
    assert "c.yaml" in complete("up", "") or any(x.endswith(".yaml") for x in complete("up", "")), complete("up", "")
    assert complete("image", "check", "s") == ["s"]
    assert run("completion", "images").stdout.split() == ["new-0.1.0", "old-0.1.0"]
    for name in ("web-1", "web-2"):
        run("rm", "-f", name)


def test_no_daemon():
    for args in (("ps",), ("info", "x"), ("up", host.app("u", "name: u\n"))):
        r = subprocess.run([f"{bailey.BIN}/bailey", "-s", f"{host.dir}/no.sock", *args],
                           capture_output=True, text=True, check=False, timeout=60)
        assert r.returncode == UNREACHABLE and "start baileyd" in r.stderr, r
    env = dict(os.environ, BAILEY_SOCKET=host.socket)
    subprocess.run([f"{bailey.BIN}/bailey", "ps"], env=env, check=True, timeout=60, capture_output=True)


try:
    bailey.run(test_life_of_a_vm_that_never_runs, test_up_again_changes_nothing, test_up_changes_what_differs_and_says_it_first,
               test_dry_run_of_an_app_that_is_not_there, test_up_of_a_vm_that_runs,
               test_bad_yaml_is_told_with_its_line_and_changes_nothing,
               test_the_daemon_refuses_and_nothing_is_left, test_images,
               test_names_that_fit_several_or_none, test_logs_cannot_steer_the_terminal,
               test_a_followed_log_goes_on_where_it_was_over_a_restart,
               test_events_are_followed_until_the_vm_is_gone,
               test_a_terminal_gets_colours_and_lines_that_fit,
               test_top_takes_the_terminal_and_gives_it_back, test_top_draws_what_fits_and_sorts,
               test_top_once, test_rm_asks,
               test_command_lines_that_mean_nothing,
               test_check_with_and_without_a_daemon, test_bash_completes, test_no_daemon)
finally:
    host.close()
    shutil.rmtree(scratch, ignore_errors=True)
