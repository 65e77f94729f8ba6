# SPDX-License-Identifier: Apache-2.0
"""baileyd is killed at random moments of a mixed load: what it answered for is so when it is back, and nothing is left
over: no process, socket, port, file or domain that no VM has.  Several daemons, each with a load of its own."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import bailey
import halting_image
import world

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "200"))  # in all
SEED = int(os.environ.get("CRASH_SEED", str(random.randrange(1 << 32))))
DAEMONS = int(os.environ.get("CRASH_TOGETHER", "6"))
CALLERS, VMS_MAX = 3, 4
PORTS = range(10000, 20000)  # below those that the kernel gives to clients; each daemon has its own of them


class Wanted:
    """What is known of a VM: is it there, does it run; None where an answer was cut off."""

    def __init__(self, runs):
        self.exists, self.runs, self.busy = True, runs, False


def ask(method, params):
    """The reply, or None when the daemon died over it; a refusal is a fault of the test."""
    answer = host.http("POST", f"/prpc/{method}?json", params, timeout=120)
    if answer is None or not answer[1]:
        return None
    value = json.loads(answer[1])
    assert answer[0] == 200, (method, params, value)
    return {} if value is None else value


def next_port():
    """One that no VM had for long.  That of a stopped VM is bound by nobody, so to bind one is no proof: two VMs then
    have it, of one daemon or of two, and the second is refused."""
    with lock:
        while True:
            port = ports.pop(0)
            ports.append(port)
            if not world.is_bound(port):
                return port


def create(rng):
    runs = rng.random() < .5
    port = next_port() if rng.random() < .5 else 0
    made = ask("CreateVm", world.asked(f"vm{rng.getrandbits(60):x}", port, stopped=not runs))
    if made:
        with lock:
            wanted[made["id"]] = Wanted(runs)
    return made is not None


def change(rng, vm):
    method = rng.choice(["StartVm", "StartVm", "StopVm", "RemoveVm", "UpdateVm"])
    w = wanted[vm]
    before = w.exists, w.runs
    if method == "RemoveVm":
        w.exists = None
    elif method != "UpdateVm":
        w.runs = None
    answer = ask(method, {"id": vm, "memory": 128 + rng.randrange(3)} if method == "UpdateVm" else {"id": vm})
    if answer is None:
        return False
    w.exists, w.runs = before
    if method == "RemoveVm":
        w.exists = False
    elif method != "UpdateVm":
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
            assert runs == w.runs, (f"{vm}: should run: {w.runs}; {there[vm]['status']}, {there[vm].get('exit_error')}; "
                                    f"{world.qemu_log(host, vm)}; {host.log()[-3000:]}")
        w.runs = runs
    for vm in there:  # made, but the answer was cut off
        if vm not in wanted:
            wanted[vm] = Wanted(there[vm]["status"] == "running")


def work(rounds, seed):
    rng = random.Random(seed)
    for n in range(rounds):
        faults = []
        threads = [threading.Thread(target=caller, args=(random.Random(rng.random()), faults)) for _ in range(CALLERS)]
        for t in threads:
            t.start()
        time.sleep(rng.random())  # a moment of its own, and no proof of anything
        host.stop(signal.SIGKILL)
        for t in threads:
            t.join()
        assert not faults, faults
        host.start()
        check(world.settle(host))
        print(f"round {n}: {len(wanted)} VMs, {sum(1 for w in wanted.values() if w.runs)} running", flush=True)
    for vm in list(wanted):
        ask("RemoveVm", {"id": vm})
    assert bailey.wait_for("all are removed", lambda: not host.rpc("Status")["vms"])
    assert world.settle(host) == []


def test_killed_at_random_moments():
    begun = time.monotonic()
    print(f"seed {SEED}: {ROUNDS} moments, {DAEMONS} daemons", flush=True)
    children = []
    for i in range(DAEMONS):
        n = ROUNDS // DAEMONS + (i < ROUNDS % DAEMONS)
        out = tempfile.TemporaryFile("w+")
        child = subprocess.Popen([sys.executable, __file__, str(n), str(SEED + i), str(i), str(SEED)], stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT)
        children.append((child, out))
    wrong = done = 0
    for i, (child, out) in enumerate(children):
        wrong += child.wait() != 0
        out.seek(0)
        lines = out.read().splitlines()
        done += sum(1 for line in lines if line.startswith("round "))
        if child.returncode:
            print(f"--- daemon {i}, seed {SEED + i}:", *lines[-120:], sep="\n", flush=True)
    print(f"     killed at {done} random moments, {time.monotonic() - begun:.0f} s", flush=True)
    assert not wrong and done == ROUNDS


if len(sys.argv) < 2:
    bailey.run(test_killed_at_random_moments)
wanted, lock = {}, threading.Lock()
ports = random.Random(int(sys.argv[4])).sample(PORTS, len(PORTS))[int(sys.argv[3])::DAEMONS]
scratch = tempfile.mkdtemp(prefix="b-random-", dir="/tmp")
bailey.IMAGE = halting_image.make(scratch, world.IMAGE)
host = bailey.Host("qemu: { accel: tcg }\nrestart: { enabled: false }\n")
try:
    work(int(sys.argv[1]), int(sys.argv[2]))
finally:
    host.close()
    shutil.rmtree(scratch, ignore_errors=True)
