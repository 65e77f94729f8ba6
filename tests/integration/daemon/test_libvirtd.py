# SPDX-License-Identifier: Apache-2.0
"""Under qemu:///system: libvirtd is killed and comes back.  VMs go on, what needs libvirt is refused with a message, and
afterwards the daemon finds what changed and works as before.

The libvirtd is the test's own: it runs in a mount namespace in which libvirt's folders are empty.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../bad-input"]
import halting_image  # noqa: E402
from scratch import BIN, Daemon, main, vm, wait_for  # noqa: E402

LIBVIRTD = "/usr/sbin/libvirtd"
ROUNDS = int(os.environ.get("LIBVIRTD_ROUNDS", "1"))
SEED = int(os.environ.get("LIBVIRTD_SEED", str(random.randrange(1 << 32))))


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def enter():
    """Again, in a mount namespace of our own, with folders for libvirt that nobody else sees."""
    if os.geteuid() != 0 or not os.path.exists(LIBVIRTD):
        skip("needs root and libvirtd (libvirt-daemon)")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        skip("no mount namespace can be made here")
    os.environ["BAILEY_TEST_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, os.path.abspath(__file__)])


def mount():
    for path in ("/run/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt", "/etc/libvirt"):
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "bailey-test", path], check=True)
    with open("/etc/libvirt/libvirtd.conf", "w", encoding="ascii") as f:
        f.write('auth_unix_rw = "none"\nunix_sock_rw_perms = "0700"\n')
    with open("/etc/libvirt/qemu.conf", "w", encoding="ascii") as f:
        f.write('stdio_handler = "file"\n')


class Libvirtd:
    process = None

    def start(self):
        with open(f"{scratch}/libvirtd.log", "ab") as log:
            self.process = subprocess.Popen([LIBVIRTD, "--config", "/etc/libvirt/libvirtd.conf",
                                             "--pid-file", "/run/libvirt/libvirtd.pid"], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        wait_for("libvirtd answers", lambda: subprocess.run(["virsh", "-c", "qemu:///system", "list"], check=False,
                                                            capture_output=True).returncode == 0)

    def kill(self):
        self.process.kill()
        self.process.wait()


def make(name, stopped=False, **more):
    return d.rpc("CreateVm", vm(name=name, image="halt-0.1.0", memory=128, stopped=stopped, **more))["id"]


def info(vid):
    return d.rpc("GetInfo", {"id": vid})["info"]


def bodies(vid, event):
    with open(f"{d.dir}/s/vm/{vid}/events.jsonl", encoding="utf-8") as f:
        return [e["body"] for e in map(json.loads, f) if e["event"] == event]


def qemus(vid):
    """Of the VM, whoever knows of them."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if vid.encode() in words and b"-uuid" in words:
            found.append(int(pid))
    return found


def health():
    status, body, _ = d.http("GET", "/healthz")
    return status, json.loads(body)["checks"]["libvirt"]


def is_served():
    return health() == (200, "ok")


def away():
    libvirtd.kill()
    wait_for("the daemon notices", lambda: "lost" in health()[1])


def back():
    libvirtd.start()
    wait_for("the daemon is connected again", is_served)


def gone(vid):
    d.rpc("RemoveVm", {"id": vid})
    wait_for("the VM is gone", lambda: not d.rpc("GetInfo", {"id": vid})["found"])
    assert not qemus(vid)


def row_of_check():
    out = subprocess.run([f"{BIN}/bailey", "--socket", d.socket, "check", "--json"], capture_output=True, text=True,
                         check=False).stdout
    return [r for r in json.loads(out)["rows"] if r["name"] == "libvirt"][0]


def test_vms_go_on_and_work_is_refused():
    one, other = make("one"), make("other", stopped=True)
    pid, = qemus(one)
    logged = len(d.log())
    away()
    assert "the connection to libvirt is lost" in d.log()[logged:]
    status, text = health()
    assert status == 503 and "lost" in text and "again by itself" in text, (status, text)
    for method, vid in (("StartVm", other), ("StopVm", one), ("HaltVm", one), ("RemoveVm", other)):
        d.fails(method, {"id": vid}, "the connection to libvirt is lost")
    before = d.disk()
    d.fails("CreateVm", vm(name="new", image="halt-0.1.0", stopped=False), "the connection to libvirt is lost")
    assert d.disk() == before
    assert info(one)["status"] == "running" and qemus(one) == [pid], "the VM goes on"
    row = row_of_check()
    assert row["state"] == "missing" and "lost" in row["found"] and "libvirtd" in row["remedy"], row
    assert b"bailey_libvirt_up 0" in d.http("GET", "/metrics")[1]
    quiet = make("quiet", stopped=True)  # what needs no libvirt is done
    back()
    assert "connected again" in d.log()[logged:]
    assert qemus(one) == [pid] and info(one)["status"] == "running" and not bodies(one, "vmm.stopped")
    d.rpc("StopVm", {"id": one})
    assert not qemus(one) and info(one)["status"] == "stopped"
    for vid in (one, other):
        d.rpc("StartVm", {"id": vid})
        assert info(vid)["status"] == "running" and len(qemus(vid)) == 1
    again, = qemus(one)  # events are heard on the new connection
    os.kill(again, signal.SIGKILL)
    wait_for("it is started again", lambda: len(bodies(one, "vmm.started")) == 3)
    assert bodies(one, "vmm.stopped")[-1] == "QEMU ended unexpectedly" and qemus(one) != [again]
    for vid in (one, other, quiet):
        gone(vid)


def test_what_ended_meanwhile_is_found():
    died, deaf, stays = make("died"), make("deaf"), make("stays")
    pids = {v: qemus(v)[0] for v in (died, deaf, stays)}
    with open(f"{d.dir}/r/{deaf[:8]}/vsock.pid", encoding="ascii") as f:
        carrier = int(f.read())
    away()
    os.kill(pids[died], signal.SIGKILL)
    os.kill(carrier, signal.SIGKILL)
    wait_for("it cannot be ended now", lambda: bodies(deaf, "vmm.stop_failed"))
    back()
    wait_for("what died is started again", lambda: len(bodies(died, "vmm.started")) == 2)
    wait_for("what is deaf is started again", lambda: len(bodies(deaf, "vmm.started")) == 2)
    assert bodies(deaf, "vmm.stopped") == ["its vsock process died"], bodies(deaf, "vmm.stopped")
    assert len(bodies(died, "vmm.stopped")) == 1 and bodies(died, "vmm.auto_restart") == ["start 1 of 3"]
    assert qemus(stays) == [pids[stays]] and not bodies(stays, "vmm.stopped")
    for vid in pids:
        gone(vid)


def cut_off(rng, method, vid):
    """libvirtd is killed during a call; whatever came of it, all agrees afterwards and works."""
    answers = []
    t = threading.Thread(target=lambda: answers.append(d.http("POST", f"/prpc/{method}?json", json.dumps({"id": vid}).encode())))
    t.start()
    time.sleep(rng.random() * .4)
    libvirtd.kill()
    t.join()
    back()

    def settled():
        runs = info(vid)["status"] == "running"
        return runs == bool(qemus(vid)) and info(vid)["status"] in ("running", "stopped", "exited")
    wait_for("daemon and world agree", settled)
    if answers[0][0] == 200:
        assert (info(vid)["status"] == "running") == (method == "StartVm"), (method, answers)


def cut_off_create(rng, name):
    """A VM that CreateVm could not start is not there afterwards, nor is anything of it."""
    answers, known = [], {v["id"] for v in d.rpc("Status")["vms"]}
    body = json.dumps(vm(name=name, image="halt-0.1.0", memory=128, stopped=False)).encode()
    t = threading.Thread(target=lambda: answers.append(d.http("POST", "/prpc/CreateVm?json", body)))
    t.start()
    time.sleep(rng.random() * .4)
    libvirtd.kill()
    t.join()
    back()
    if answers[0][0] == 200:
        vid = json.loads(answers[0][1])["id"]
        wait_for("it runs", lambda: info(vid)["status"] == "running" and len(qemus(vid)) == 1)
        gone(vid)
    wait_for("nothing is left of it", lambda: {v["id"] for v in d.rpc("Status")["vms"]} == known)
    assert set(os.listdir(f"{d.dir}/s/vm")) == known
    assert {n for n in os.listdir(f"{d.dir}/r") if len(n) == 8} <= {v[:8] for v in known}


def test_libvirtd_dies_during_a_call():
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    vid = make("cut", stopped=True)
    for _ in range(ROUNDS):
        d.rpc("StopVm", {"id": vid})
        cut_off(rng, "StartVm", vid)
        d.rpc("StartVm", {"id": vid})
        assert len(qemus(vid)) == 1
        cut_off(rng, "StopVm", vid)
        cut_off_create(rng, "made")
    d.rpc("StartVm", {"id": vid})
    gone(vid)


if "BAILEY_TEST_NAMESPACE" not in os.environ:
    enter()
mount()
scratch = tempfile.mkdtemp(prefix="b-lv-", dir="/tmp")
libvirtd = Libvirtd()
libvirtd.start()
try:
    d = Daemon("libvirt: { uri: system }\nqemu: { accel: tcg }\nvsock: { carrier: bailey-vsock }\n"
               "restart: { first: 100ms, longest: 200ms, retries: 3, healthy: 1h }\n")
    halting_image.make(f"{d.dir}/s/image", "halt-0.1.0")
    main(d, test_vms_go_on_and_work_is_refused, test_what_ended_meanwhile_is_found, test_libvirtd_dies_during_a_call)
finally:
    libvirtd.kill()
    subprocess.run(["rm", "-rf", scratch], check=False)
