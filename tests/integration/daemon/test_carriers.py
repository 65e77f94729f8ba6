# SPDX-License-Identifier: Apache-2.0
"""The process that carries a VM's vsock dies: the VM is ended with that as the reason and started again with a new one,
by the rules for a crash; a QEMU that dies itself is told as what it is."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../bad-input"]
import halting_image  # noqa: E402
from scratch import BIN, Daemon, main, vm, wait_for  # noqa: E402

d = Daemon("qemu: { accel: tcg }\nlimits: { log: 64K }\nvsock: { carrier: bailey-vsock }\n"
           "restart: { first: 100ms, longest: 200ms, retries: 2, healthy: 1h }\n")
halting_image.make(f"{d.dir}/s/image", "halt-0.1.0")


def make(name, **more):
    return d.rpc("CreateVm", vm(name=name, image="halt-0.1.0", memory=128, stopped=False, **more))["id"]


def info(vid):
    return d.rpc("GetInfo", {"id": vid})["info"]


def bodies(vid, event):
    with open(f"{d.dir}/s/vm/{vid}/events.jsonl", encoding="utf-8") as f:
        return [e["body"] for e in map(json.loads, f) if e["event"] == event]


def carrier(vid):
    """The pid that its pid file has; 0 while there is none."""
    try:
        with open(f"{d.dir}/r/{vid[:8]}/vsock.pid", encoding="ascii") as f:
            return int(f.read() or 0)
    except OSError:
        return 0


def qemu(vid):
    return {p["name"]: p for p in d.rpc("SvList")["processes"]}[info(vid)["name"]]["pid"]


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def started_again(vid, old, n):
    """Its @n-th start is done, with processes that are not those of @old."""
    wait_for("it is started again", lambda: len(bodies(vid, "vmm.started")) == n)
    now = qemu(vid), carrier(vid)
    assert all(is_alive(p) for p in now), now
    assert not set(now) & set(old) and not any(is_alive(p) for p in old), (now, old)
    assert info(vid)["status"] == "running"
    return now


def gone(vid):
    d.rpc("RemoveVm", {"id": vid})
    wait_for("the VM is gone", lambda: not d.rpc("GetInfo", {"id": vid})["found"])


def test_it_is_killed():
    vid, other = make("one"), make("other")
    bystander = qemu(other), carrier(other)
    was = qemu(vid), carrier(vid)
    for n, sig in ((2, signal.SIGKILL), (3, signal.SIGTERM)):  # it ends in good order by the latter
        os.kill(was[1], sig)
        was = started_again(vid, was, n)
        assert bodies(vid, "vmm.stopped") == ["its vsock process died"] * (n - 1), bodies(vid, "vmm.stopped")
        assert bodies(vid, "vmm.auto_restart")[-1] == f"start {n - 1} of 2"
    assert len(bodies(vid, "vmm.vsock_died")) == 2
    assert "its vsock process died" in d.log()
    os.kill(was[1], signal.SIGKILL)
    wait_for("it is given up", lambda: info(vid)["restart_gave_up"])
    i = info(vid)
    assert i["status"] == "exited" and i["exit_reason"] == "vsock", i
    assert not is_alive(was[0]) and not os.path.exists(f"{d.dir}/r/{vid[:8]}"), "something is left of it"
    d.rpc("StartVm", {"id": vid})  # the way back
    assert is_alive(carrier(vid)) and not info(vid)["restart_gave_up"]
    assert (qemu(other), carrier(other)) == bystander and info(other)["status"] == "running"
    assert not bodies(other, "vmm.vsock_died")
    gone(vid)
    gone(other)


def test_it_dies_while_nobody_looks():
    vid, left = make("away"), make("left")
    was = qemu(vid), carrier(vid)
    bystander = qemu(left), carrier(left)
    d.stop(signal.SIGKILL)
    os.kill(was[1], signal.SIGKILL)
    wait_for("it is dead", lambda: not is_alive(was[1]))
    assert is_alive(was[0]), "QEMU runs without it"
    d.start()
    was = started_again(vid, was, 2)
    assert bodies(vid, "vmm.stopped") == ["its vsock process died"]
    d.stop(signal.SIGKILL)  # one that another life started is watched too
    d.start()
    os.kill(was[1], signal.SIGKILL)
    started_again(vid, was, 3)
    assert (qemu(left), carrier(left)) == bystander and not bodies(left, "vmm.stopped")
    gone(vid)
    gone(left)


def test_a_qemu_that_dies_is_not_taken_for_it():
    vid = make("two")
    for n in (1, 2):
        was = qemu(vid), carrier(vid)
        os.kill(was[0], (signal.SIGKILL, signal.SIGTERM)[n - 1])
        started_again(vid, was, n + 1)
    assert bodies(vid, "vmm.stopped") == ["QEMU ended unexpectedly", "QEMU was ended from outside"]
    assert not bodies(vid, "vmm.vsock_died")
    gone(vid)


def test_a_stop_that_is_under_way_goes_on():
    vid = make("three")
    d.rpc("HaltVm", {"id": vid})
    was = qemu(vid), carrier(vid)
    os.kill(was[1], signal.SIGKILL)
    d.rpc("StopVm", {"id": vid})
    assert info(vid)["status"] == "stopped" and not bodies(vid, "vmm.vsock_died")
    assert not is_alive(was[0])
    gone(vid)


def looks_like_qemu(vid, state):
    """A process that has the command line of a QEMU of this VM, of the daemon that has @state."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "-uuid", vid,
                             f"file={state}/libvirt/lib/qemu/domain-1-x/key"])


def test_a_qemu_that_nobody_knows_is_ended():
    """One whose daemon died before it was one: found late, or by the next start of its VM; another daemon's is let be."""
    vid = make("stray")
    d.rpc("StopVm", {"id": vid})
    other = looks_like_qemu(vid, "/elsewhere")  # a folder that was copied: the same id
    for how in ("start", "late"):
        if how == "late":
            d.rpc("StopVm", {"id": vid})
            d.stop(signal.SIGKILL)
            d.start()
        stray = looks_like_qemu(vid, f"{d.dir}/s")
        if how == "start":
            d.rpc("StartVm", {"id": vid})
        assert stray.wait(timeout=60) == -signal.SIGKILL, how
    assert other.poll() is None, "it was another's"
    other.kill()
    other.wait()
    gone(vid)


def test_a_control_group_that_is_half_made_is_no_hindrance():
    """What a daemon leaves that was killed while libvirt made it: without CPUs, so that no process can enter it."""
    vid = make("grouped")
    with open(f"/proc/{qemu(vid)}/cgroup", encoding="ascii") as f:
        mine = [line.strip().split(":", 2)[2] for line in f if ":cpuset:" in line]
    path = "/sys/fs/cgroup/cpuset" + (mine[0] if mine else "").removesuffix("/emulator")
    d.rpc("StopVm", {"id": vid})
    if "/machine/qemu-embed-" in path and os.path.exists("/sys/fs/cgroup/cpuset/machine"):
        begin, number = re.match(r"(.*/qemu-embed-[0-9a-f]+)-(\d+)-", path).groups()
        left = [path.replace(f"{begin}-{number}-", f"{begin}-{int(number) + i}-") for i in range(1, 4)]
        for group in left:
            os.mkdir(group)
        d.rpc("StartVm", {"id": vid})
        assert sum(os.path.exists(g) for g in left) <= 1, "what is left is the VM's own"
        assert info(vid)["status"] == "running"
    else:
        print("     libvirt makes no control groups of version 1 here")
    gone(vid)


def test_a_carrier_that_is_forgotten_ends():
    """Its daemon was killed before it had its pid file; the next one removes the folder, and nobody ever connects."""
    folder = f"{d.dir}/r/forgotten"
    os.mkdir(folder)
    p = subprocess.Popen([f"{BIN}/bailey-vsock", "--cid", "99", "--vhost-user", f"{folder}/vhost", "--uds", f"{folder}/vsock",
                          "--pid-file", f"{folder}/vsock.pid"], stderr=subprocess.DEVNULL)
    wait_for("it listens", lambda: os.path.exists(f"{folder}/vhost"))
    shutil.rmtree(folder)
    assert p.wait(timeout=60) != 0


def console(vid, text):
    """As if its kernel had said so a while ago."""
    path = f"{d.dir}/s/vm/{vid}/serial.log"
    with open(path, "ab") as f:
        f.write(text)
    at = os.stat(path).st_mtime - 60
    os.utime(path, (at, at))


def test_a_panic_that_halts_is_a_hint():
    vid, later = make("halted"), make("later")
    pid = qemu(vid)
    panic = b"[    2.0] Kernel panic - not syncing: so it \x1b[31msays\n[    2.1] ---[ end Kernel panic ]---\n"
    console(vid, b"[    1.0] all is well\n")
    console(vid, panic)
    hint, = wait_for("the hint", lambda: bodies(vid, "vmm.console_panic"))
    assert "a kernel panic (so it )" in hint and "bailey restart" in hint, hint
    d.stop()
    d.start()
    console(vid, b"again\n")
    console(later, panic)  # they are looked at together
    wait_for("the other's hint", lambda: bodies(later, "vmm.console_panic"))
    assert bodies(vid, "vmm.console_panic") == [hint], "once in a boot"
    assert qemu(vid) == pid and info(vid)["status"] == "running", "a guest's word ends nothing"
    gone(vid)
    gone(later)


def test_a_console_is_bounded_while_nobody_looks():
    vid = make("loud")
    path = f"{d.dir}/s/vm/{vid}/serial.log"
    bound = 64 * 64 * 1024
    d.stop(signal.SIGKILL)
    with open(path, "ab") as f:
        for i in range(6 * 1024):
            f.write(b"%07d " % i + b"x" * 1015 + b"\n")
    size = os.stat(path).st_size
    assert size > bound
    wait_for("its front is freed", lambda: os.stat(path).st_blocks * 512 < bound / 8)
    assert os.stat(path).st_size == size
    with open(f"{d.dir}/s/vm/{vid}/vsock.log", encoding="utf-8") as f:
        assert "nobody moved it on" in f.read()
    d.start()
    wait_for("it is moved on as ever", lambda: os.stat(path).st_blocks * 512 <= 2 * 64 * 1024)
    log = d.http("GET", f"/logs?id={vid}&follow=false&lines=5&channel=serial&ansi=false")[1].decode()
    assert log.splitlines()[-1].startswith("0006143 x") and "\0" not in log, log[:200]
    assert info(vid)["status"] == "running"
    gone(vid)


main(d, test_a_qemu_that_nobody_knows_is_ended, test_a_control_group_that_is_half_made_is_no_hindrance,
     test_a_carrier_that_is_forgotten_ends, test_it_is_killed,
     test_it_dies_while_nobody_looks, test_a_qemu_that_dies_is_not_taken_for_it, test_a_stop_that_is_under_way_goes_on,
     test_a_panic_that_halts_is_a_hint, test_a_console_is_bounded_while_nobody_looks)
