# SPDX-License-Identifier: Apache-2.0
"""Clients call baileyd at random, all at once; every answer must be one that a model of the VMs explains, and
after each round no process, socket or folder is there that no VM has.

A program is made of a seed (RANDOM_SEED; printed), RANDOM_OPS calls long.  When it fails, ever smaller parts of
it are run against a fresh daemon, as long as RANDOM_SHRINK_S allows, and the smallest that fails is printed.
"""
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time

import bailey
import halting_image
from model import Call, explain

SEED = int(os.environ.get("RANDOM_SEED", str(random.randrange(1 << 32))))
OPS = int(os.environ.get("RANDOM_OPS", "1000"))
SHRINK_S = float(os.environ.get("RANDOM_SHRINK_S", "240"))
CLIENTS, SLOTS, ROUND = 5, 6, 200
IMAGE = "halt-0.1.0"
NOBODY = "00000000-0000-4000-8000-000000000000"
COMPOSE = [json.dumps({"manifest_version": 2, "name": f"app{i}", "runner": "none"}) for i in range(3)]
WEIGHTS = {"Create": 20, "Start": 18, "Stop": 16, "Remove": 8, "Update": 12, "Resize": 6, "Info": 17, "Reload": 3}


def arguments(rng, op):
    if op == "Create":
        return {"vcpu": rng.randrange(1, 3), "memory": rng.choice([64, 96]), "compose": rng.choice(COMPOSE),
                "stopped": rng.random() < .6}
    if op == "Update":
        given = {"vcpu": rng.randrange(1, 3), "memory": rng.choice([64, 96]), "compose": rng.choice(COMPOSE)}
        return {k: given[k] for k in rng.sample(sorted(given), rng.randrange(1, 4))}
    return {"vcpu": rng.randrange(1, 3)} if op == "Resize" else {}


def make_program(seed, n):
    """[(client, op, slot, arguments)], each client's in its order."""
    rng = random.Random(seed)
    ops = rng.choices(list(WEIGHTS), WEIGHTS.values(), k=n)
    return [(rng.randrange(CLIENTS), op, rng.randrange(SLOTS), arguments(rng, op)) for op in ops]


class Wrong(Exception):
    pass


class World:
    """A daemon, and what was asked of it."""

    def __init__(self):
        self.store = tempfile.mkdtemp(prefix="b-random-", dir="/tmp")
        os.chmod(self.store, 0o711)
        halting_image.make(self.store, IMAGE)
        bailey.IMAGE = f"{self.store}/{IMAGE}"
        self.host = bailey.Host("qemu: { accel: tcg }\n")
        self.ids, self.calls, self.lock = {}, [], threading.Lock()

    def close(self):
        self.host.close()
        shutil.rmtree(self.store)

    def ask(self, method, body):
        """(did it, the reply or the error's text)"""
        answer = self.host.http("POST", f"/prpc/{method}?json", body, timeout=300)
        if answer is None:
            raise Wrong(f"{method}: no answer; the daemon says:\n{self.host.log()[-2000:]}")
        try:
            value = json.loads(answer[1])
        except ValueError as e:
            raise Wrong(f"{method}: {answer}") from e
        return (True, value) if answer[0] == 200 else (False, value["error"])

    def call(self, op, slot, args):
        """Make the call and remember it."""
        args = dict(args, id=self.ids.get(slot, NOBODY))
        body = {k: v for k, v in args.items() if k != "compose"}
        if "compose" in args:
            body["compose_file"] = args["compose"]
        if op == "Create":
            del body["id"]
            body.update(name=f"slot{slot}", image=IMAGE, disk_size=1, no_tee=True)
        begin = time.monotonic()
        if op == "Info":
            ok, value = self.ask("GetInfo", {"id": args["id"]})
            value = value["info"] if ok else value
        else:
            ok, value = self.ask({"Reload": "ReloadVms"}.get(op, f"{op}Vm"), {} if op == "Reload" else body)
        end = time.monotonic()
        if op in ("Info", "Reload") and not ok:
            raise Wrong(f"{op}: {value}")
        if op == "Create" and ok:
            value = self.ids[slot] = value["id"]
        if op != "Reload":
            with self.lock:
                self.calls.append(Call(slot, op, args, begin, end, ok, value))

    def run(self, program):
        """All clients at once, each its part in order; back when all are done."""
        faults = []

        def client(mine):
            try:
                for _, op, slot, args in mine:
                    if faults:
                        return
                    self.call(op, slot, args)
            except Exception as e:  # pylint: disable=broad-except
                faults.append(e)

        parts = [[s for s in program if s[0] == c] for c in range(CLIENTS)]
        threads = [threading.Thread(target=client, args=(p,)) for p in parts if p]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if faults:
            raise faults[0]

    def left_over(self):
        """What is there that no VM has, or is not there that one should have; [] when all is well."""
        vms = self.ask("Status", {})[1]["vms"]
        wrong = [f"{v['name']} is {v['status']}" for v in vms if v["status"] not in ("running", "stopped")]
        runs = sorted(v["id"] for v in vms if v["status"] == "running")
        names = {}
        for pid in bailey.processes_naming(self.host.dir):
            if pid != self.host.daemon.pid and bailey.pid_alive(pid):
                try:
                    program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
                except OSError:
                    continue
                names[program] = names.get(program, 0) + 1
        want = {"qemu-system-x86_64": len(runs), "bailey-vsock": len(runs)} if runs else {}
        if names != want:
            wrong.append(f"processes {names}, wanted {want}")
        for what, path, ids in (("folders", "s/vm", [v["id"] for v in vms]), ("run folders", "r", [i[:8] for i in runs])):
            found = sorted(n for n in os.listdir(f"{self.host.dir}/{path}") if n[:8].isalnum() and "-" in n or len(n) == 8)
            if found != sorted(ids):
                wrong.append(f"{what} {found}, wanted {sorted(ids)}")
        for what, of in (("names", lambda v: v["name"]), ("ids", lambda v: v["id"])):
            if len({of(v) for v in vms}) != len(vms):
                wrong.append(f"{what} used twice")
        return wrong

    def check(self):
        """Nothing is under way any more: the last looks, and does the model explain it all?"""
        try:
            bailey.wait_for("nothing left over", lambda: not self.left_over(), 120)
        except AssertionError as e:
            raise Wrong("; ".join(self.left_over()) or str(e)) from e
        for slot in list(self.ids):
            self.call("Info", slot, {})
        for slot in range(SLOTS):
            calls = [c for c in self.calls if c.slot == slot]
            explained = explain(calls)
            if explained is not None:
                raise Wrong(f"slot {slot}: no order explains these answers; one that goes furthest:\n" +
                            "\n".join(show(c) for c in explained[-12:]) + "\nthen none of:\n" +
                            "\n".join(show(c) for c in calls if c not in explained)[:3000])


def show(call):
    value = call.value
    if isinstance(value, dict) and "status" in value:
        value = {k: value[k] for k in ("status",)} | {k: value["configuration"][k] for k in ("vcpu", "memory")}
    return f"  {call.begin:.3f} to {call.end:.3f} {call.op} {call.args} -> {'' if call.ok else 'refused: '}{value}"


def attempt(program):
    """None, or what was wrong."""
    world = World()
    try:
        for at in range(0, len(program), ROUND):
            world.run(program[at:at + ROUND])
            world.check()
        refused = sum(not c.ok for c in world.calls)
        return None, f"{len(world.calls)} calls in the history, {refused} of them refused"
    except Wrong as e:
        return str(e), ""
    finally:
        world.close()


def shrink(program, why):
    """Leave out ever smaller parts while what is left still fails."""
    end, size = time.monotonic() + SHRINK_S, len(program) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(program) and time.monotonic() < end:
            less = program[:at] + program[at + size:]
            wrong = attempt(less)[0] if less else None
            if wrong:
                program, why = less, wrong
                print(f"still fails with {len(program)} calls", flush=True)
            else:
                at += size
        size //= 2
    return program, why


def test_the_model_can_say_no():
    info = {"status": "stopped", "configuration": {"vcpu": 1, "memory": 64, "compose_file": "c"}}
    made = Call(0, "Create", {"vcpu": 1, "memory": 64, "compose": "c", "stopped": True}, 0, 1, True, "a")
    start = Call(0, "Start", {"id": "a"}, 2, 4, True, None)
    early, late = (Call(0, "Info", {"id": "a"}, t, t + .5, True, info) for t in (3, 5))
    again = made._replace(begin=2, end=3, value="b")
    assert explain([made, start, early]) is None  # the look may have come first
    assert explain([made, start, late]) is not None  # it still shows what was before
    assert explain([made, again]) is not None  # two of one name
    assert explain([made, again._replace(ok=False, value="its name is taken")]) is None
    assert explain([made, start._replace(ok=False, value="no")]) is not None  # nothing was in its way
    assert explain([start]) is not None  # of nothing


def test_a_thousand_operations():
    print(f"RANDOM_SEED={SEED} RANDOM_OPS={OPS}: {CLIENTS} clients, {SLOTS} names", flush=True)
    program = make_program(SEED, OPS)
    why, summary = attempt(program)
    if why is None:
        print(summary)
        return
    print(f"failed: {why}\nlooking for the shortest sequence", flush=True)
    program, why = shrink(program, why)
    print(f"the shortest found, {len(program)} calls:")
    for client, op, slot, args in program:
        print(f"  client {client}: {op} slot{slot} {args}")
    raise AssertionError(why)


sys.setrecursionlimit(10000)
bailey.run(test_the_model_can_say_no, test_a_thousand_operations)
