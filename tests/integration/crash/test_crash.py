# SPDX-License-Identifier: Apache-2.0
"""baileyd is killed while it creates, starts, stops and removes VMs: what it answered for is so when it is back,
and nothing is left over: no process, socket, folder or domain that no VM has."""
import json
import os
import random
import shutil
import signal
import tempfile
import threading
import time

import bailey
import halting_image

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "8"))
SEED = int(os.environ.get("CRASH_SEED", str(random.randrange(1 << 32))))
CALLERS, VMS_MAX = 3, 6
COMPOSE = '{"manifest_version":2,"name":"x","runner":"none"}'

scratch = tempfile.mkdtemp(prefix="b-crash-", dir="/tmp")
bailey.IMAGE = halting_image.make(scratch, "halt-0.1.0")
host = bailey.Host("qemu: { accel: tcg }\n")


class Wanted:
    """What is known of a VM: is it there, does it run; None where an answer was cut off."""

    def __init__(self, runs):
        self.exists, self.runs, self.busy = True, runs, False


wanted, lock = {}, threading.Lock()


def ask(method, params):
    """The reply, or None when the daemon died over it; a refusal is a fault of the test."""
    answer = host.http("POST", f"/prpc/{method}?json", params, timeout=120)
    if answer is None or not answer[1]:
        return None
    value = json.loads(answer[1])
    assert answer[0] == 200, (method, params, value)
    return {} if value is None else value


def create(rng):
    runs = rng.random() < .5
    made = ask("CreateVm", {"name": f"vm{rng.randrange(1000)}", "image": "halt-0.1.0", "vcpu": 1, "memory": 128,
                            "disk_size": 1, "no_tee": True, "compose_file": COMPOSE, "stopped": not runs})
    if made:
        with lock:
            wanted[made["id"]] = Wanted(runs)
    return made is not None


def change(rng, vm):
    method = rng.choice(["StartVm", "StartVm", "StopVm", "RemoveVm"])
    w = wanted[vm]
    before = w.exists, w.runs
    if method == "RemoveVm":
        w.exists = None
    else:
        w.runs = None
    answer = ask(method, {"id": vm})
    if answer is None:
        return False
    w.exists, w.runs = before
    if method == "RemoveVm":
        w.exists = False
    else:
        w.runs = method == "StartVm"
    return True


def caller(rng, faults):
    try:
        while True:
            with lock:
                idle = [v for v, w in wanted.items() if w.exists and not w.busy]
                vm = rng.choice(idle) if idle and (len(idle) >= VMS_MAX or rng.random() < .7) else None
                if vm:
                    wanted[vm].busy = True
            if not (change(rng, vm) if vm else create(rng)):
                return
            if vm:
                wanted[vm].busy = False
    except Exception as e:  # pylint: disable=broad-except
        faults.append(f"{type(e).__name__}: {e}")


def program(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def processes():
    """{program: [pids]} of all that was started below our folder, the daemon not counted."""
    found = {}
    for pid in bailey.processes_naming(host.dir):
        if pid != host.daemon.pid and bailey.pid_alive(pid):
            found.setdefault(program(pid), []).append(pid)
    return found


def left_over(vms):
    """Everything that should not be there, in words; [] when all is well."""
    ids = {v["id"] for v in vms}
    up = {v["id"] for v in vms if v["status"] == "running"}
    wrong = [f"{v['id']} is {v['status']}" for v in vms if v["status"] not in ("running", "stopped", "exited")]
    found = processes()
    for name in ("qemu-system-x86_64", "bailey-vsock"):
        pids = found.pop(name, [])
        if len(pids) != len(up):
            wrong.append(f"{len(pids)} {name} for {len(up)} running VMs")
    wrong += [f"process {p}" for p in found]

    def same(what, have, want):
        if set(have) != set(want):
            wrong.append(f"{what}: too many {sorted(set(have) - set(want))}, missing {sorted(set(want) - set(have))}")
    same("folders", os.listdir(f"{host.dir}/s/vm"), ids)
    same("sockets", os.listdir(f"{host.dir}/r"), {"baileyd.sock"} | {i[:8] for i in up})
    libvirt = f"{host.dir}/s/libvirt/run/qemu"
    same("libvirt's state", [n[:-4] for n in os.listdir(libvirt) if n.endswith(".xml")], up)
    logs = {n.partition(".log")[0] for n in os.listdir(f"{host.dir}/s/libvirt/log/qemu")} if os.path.isdir(
        f"{host.dir}/s/libvirt/log/qemu") else set()
    if logs - ids:
        wrong.append(f"logs of nobody: {logs - ids}")
    return wrong


def settle():
    """Wait until the daemon has tidied up; returns its VMs."""
    seen = []

    def probe():
        vms = host.rpc("Status", {"brief": True})["vms"]
        seen[:] = left_over(vms)
        return None if seen else {"vms": vms}
    try:
        return bailey.wait_for("the daemon tidies up", probe, 90)["vms"]
    except AssertionError:
        raise AssertionError(f"left over: {seen}; {host.log()[-3000:]}") from None


def check(vms):
    there = {v["id"]: v for v in vms}
    for vm, w in list(wanted.items()):
        w.busy = False
        if w.exists is not None:
            assert (vm in there) == w.exists, f"{vm}: should exist: {w.exists}"
        if vm not in there:
            del wanted[vm]
            continue
        w.exists = True
        runs = there[vm]["status"] == "running"
        if w.runs is not None:
            assert runs == w.runs, f"{vm}: should run: {w.runs}; {there[vm]}; {host.log()[-3000:]}"
        w.runs = runs
    for vm in there:  # made, but the answer was cut off
        if vm not in wanted:
            wanted[vm] = Wanted(there[vm]["status"] == "running")


def test_killed_at_any_moment():
    print(f"seed {SEED}, {ROUNDS} rounds", flush=True)
    rng = random.Random(SEED)
    for n in range(ROUNDS):
        faults = []
        threads = [threading.Thread(target=caller, args=(random.Random(rng.random()), faults)) for _ in range(CALLERS)]
        for t in threads:
            t.start()
        time.sleep(rng.random() * 3)  # a moment of its own, and no proof of anything
        host.stop(signal.SIGKILL)
        for t in threads:
            t.join()
        assert not faults, faults
        host.start()
        check(settle())
        print(f"round {n}: {len(wanted)} VMs, {sum(1 for w in wanted.values() if w.runs)} running", flush=True)
    for vm in list(wanted):
        ask("RemoveVm", {"id": vm})
    assert bailey.wait_for("all are removed", lambda: not host.rpc("Status")["vms"])
    assert settle() == []


try:
    bailey.run(test_killed_at_any_moment)
finally:
    host.close()
    shutil.rmtree(scratch, ignore_errors=True)
