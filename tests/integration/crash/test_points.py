# SPDX-License-Identifier: Apache-2.0
"""baileyd is killed at each point where something lasts, in each operation; then it is there again, and VMs, processes,
sockets, ports, CIDs, files and libvirt's notes agree with what it says; and the operation can be asked for again."""
import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import bailey
import fake_registry
import halting_image
import world

POINTS = int(os.environ.get("CRASH_POINTS", "0"))  # how many kills in all; 0: all; then not all operations are walked
TIMES = int(os.environ.get("CRASH_TIMES", "1"))  # of the times that an operation reaches a point, how many are tried


def points():
    out = subprocess.run(["readelf", "-W", "-p", "bailey_inject", f"{bailey.BIN}/baileyd"], capture_output=True,
                         text=True, check=True).stdout
    return set(re.findall(r"^\s+\[\s*[0-9a-f]+\]\s+(\S+)$", out, re.M))


def order(text):
    with open(ORDER, "w", encoding="ascii") as f:
        f.write(text)


def ask(method, params=None, mount="prpc"):
    """(status, reply); None when the daemon died over it."""
    answer = host.http("POST", f"/{mount}/{method}?json", params or {}, timeout=120)
    if answer is None or not answer[1]:
        return None
    return answer[0], json.loads(answer[1])


def must(method, params=None):
    answer = ask(method, params)
    assert answer and answer[0] == 200, (method, params, answer, host.log()[-2000:])
    return answer[1]


def status(vm):
    found = [v["status"] for v in host.rpc("Status", {"brief": True})["vms"] if v["id"] == vm]
    return found[0] if found else None


def gone(vm):
    bailey.wait_for(f"{vm} is gone", lambda: status(vm) is None)


def has_method(name):
    answer = ask(name)
    return answer is not None and "Service not found" not in str(answer[1])


class Operation:
    """What is done to a VM again and again: before() makes things as they must be, act() is cut off, after()
    judges what is left, given whether act() was answered, and asks again."""
    vm = method = None  # method: left out where the daemon has none of this name

    def before(self):
        pass

    def act(self):
        raise NotImplementedError

    def after(self, answered):
        raise NotImplementedError


class Create(Operation):
    stopped = True

    def before(self):
        self.known = {v["id"] for v in host.rpc("Status", {"brief": True})["vms"]}

    def act(self):
        return ask("CreateVm", world.asked("made", PORT, stopped=self.stopped))

    def after(self, answered):
        made = [v for v in host.rpc("Status")["vms"] if v["id"] not in self.known]
        assert len(made) == 1 if answered else len(made) <= 1, made
        if made:
            assert made[0]["name"] == "made" and made[0]["configuration"]["compose_file"] == world.COMPOSE
            status_, reply = ask("CreateVm", world.asked("made", PORT))
            assert status_ == 400 and made[0]["id"] in reply["error"], reply
            vm = made[0]["id"]
        else:
            vm = must("CreateVm", world.asked("made", PORT, stopped=self.stopped))["id"]
        must("RemoveVm", {"id": vm})
        gone(vm)


class CreateAndStart(Create):
    stopped = False


class Existing(Operation):
    """Of a VM that is there all the time."""

    def __init__(self):
        self.vm = OPERATED


class Start(Existing):
    def before(self):
        must("StopVm", {"id": self.vm})

    def act(self):
        return ask("StartVm", {"id": self.vm})

    def after(self, answered):
        assert not answered or status(self.vm) == "running"
        must("StartVm", {"id": self.vm})
        assert status(self.vm) == "running"


class FirstStart(Start):
    """The one that makes the disk."""

    def before(self):
        must("StopVm", {"id": self.vm})
        os.unlink(f"{host.dir}/s/vm/{self.vm}/hda.img")


class Stop(Existing):
    def before(self):
        must("StartVm", {"id": self.vm})

    def act(self):
        return ask("StopVm", {"id": self.vm})

    def after(self, answered):
        assert not answered or status(self.vm) == "stopped"
        must("StopVm", {"id": self.vm})
        assert status(self.vm) == "stopped"


class Halt(Existing):
    """A stop that begins with the guest, which does not answer here, and goes on to its power button."""

    def before(self):
        must("StartVm", {"id": self.vm})

    def act(self):
        answer = ask("HaltVm", {"id": self.vm})
        while status_or_none(self.vm) not in ("stopped", None):  # it goes on behind the answer
            time.sleep(.05)
        return answer

    def after(self, answered):
        if answered:
            bailey.wait_for("it is stopped", lambda: status(self.vm) == "stopped")
        must("StopVm", {"id": self.vm})
        assert status(self.vm) == "stopped"


class Sever(Existing):
    """The process that carries its vsock dies."""

    def before(self):
        must("StartVm", {"id": self.vm})

    def act(self):
        with open(f"{host.dir}/r/{self.vm[:8]}/vsock.pid", encoding="ascii") as f:
            os.kill(int(f.read()), signal.SIGKILL)
        while status_or_none(self.vm) == "running":
            time.sleep(.05)
        return None if host.daemon.poll() is not None or not status_or_none(self.vm) else (200, {})

    def after(self, answered):
        bailey.wait_for("it is ended", lambda: status(self.vm) == "exited")
        assert [v["exit_reason"] for v in host.rpc("Status")["vms"] if v["id"] == self.vm] == ["vsock"]


class Remove(Operation):
    """Of a running VM."""

    def before(self):
        self.vm = must("CreateVm", world.asked("leaving", PORT, stopped=False))["id"]

    def act(self):
        answer = ask("RemoveVm", {"id": self.vm})
        while status_or_none(self.vm):  # the removal goes on behind the answer
            pass
        return answer

    def after(self, answered):
        assert not answered or status(self.vm) is None
        if status(self.vm):
            must("RemoveVm", {"id": self.vm})
            gone(self.vm)


class DeleteImage(Operation):
    def before(self):
        if not os.path.isdir(f"{host.dir}/s/image/spare-0.1.0"):
            halting_image.make(f"{host.dir}/s/image", "spare-0.1.0")

    def act(self):
        return ask("DeleteImage", {"id": "spare-0.1.0"})

    def after(self, answered):
        names = [i["name"] for i in must("ListImages")["images"]]
        assert not answered or "spare-0.1.0" not in names
        if "spare-0.1.0" in names:
            must("DeleteImage", {"id": "spare-0.1.0"})


class Notify(Existing):
    """The guest tells of itself, as bailey-vsock would bring it."""
    number = 0

    def before(self):
        must("StartVm", {"id": self.vm})

    def act(self):
        answer = None
        for _ in range(45):  # more than twice events_max: the file is rewritten
            Notify.number += 1
            answer = self.tell("instance.info", f'{{"instance_id":"{Notify.number:040x}"}}')
            if answer is None:
                return None
        bailey.wait_for("it is on the disk", lambda: self.kept() or host.daemon.poll() is not None)
        return answer if host.daemon.poll() is None else None

    def tell(self, event, payload):
        normal, host.socket = host.socket, f"{host.dir}/r/{self.vm[:8]}/vsock_10000"
        try:
            return ask("Notify", {"event": event, "payload": payload}, mount="api")
        finally:
            host.socket = normal

    def kept(self):
        files = [f"{host.dir}/s/vm/{self.vm}/shared/{n}" for n in (".instance_info", ".instance-info")]
        return all(world.read_json(f).get("instance_id") == f"{Notify.number:040x}" for f in files)

    def after(self, answered):
        events = [v for v in host.rpc("Status", {"ids": [self.vm]})["vms"] if v["id"] == self.vm][0]["events"]
        assert len(events) <= 20
        for name in (".instance_info", ".instance-info"):
            int(world.read_json(f"{host.dir}/s/vm/{self.vm}/shared/{name}")["instance_id"], 16)


class Update(Existing):
    """Of ports and memory and the app, at a stopped VM: the old ones, or the new ones."""
    method = "UpdateVm"
    number = 0

    def before(self):
        must("StopVm", {"id": self.vm})
        self.old = self.seen()
        Update.number += 1
        n = Update.number
        self.request = {"id": self.vm, "memory": 128 + n % 2, "compose_file": world.COMPOSE.replace('"x"', f'"x{n}"'),
                        "user_config": f"config {n}"}
        self.new = {k: v for k, v in self.request.items() if k != "id"}

    def seen(self):
        c = [v for v in host.rpc("Status", {"ids": [self.vm]})["vms"] if v["id"] == self.vm][0]["configuration"]
        with open(f"{host.dir}/s/vm/{self.vm}/shared/.user-config", encoding="utf-8") as f:
            assert f.read() == c["user_config"]
        return {k: c[k] for k in ("memory", "compose_file", "user_config")}

    def act(self):
        return ask("UpdateVm", self.request)

    def after(self, answered):
        assert self.seen() in ([self.new] if answered else [self.old, self.new]), (self.seen(), self.old, self.new)
        must("UpdateVm", self.request)
        assert self.seen() == self.new


class Upgrade(Update):
    """The older call for an app's file, at a running VM."""
    method = "UpgradeApp"

    def before(self):
        super().before()
        must("StartVm", {"id": self.vm})
        del self.request["memory"]
        self.new["memory"] = self.old["memory"]

    def act(self):
        return ask("UpgradeApp", self.request)


class Resize(Operation):
    """With a disk that grows."""
    method = "ResizeVm"

    def before(self):
        self.vm = must("CreateVm", world.asked("grown", stopped=False))["id"]
        must("StopVm", {"id": self.vm})

    def sizes(self):
        c = [v for v in host.rpc("Status", {"ids": [self.vm]})["vms"] if v["id"] == self.vm][0]["configuration"]
        with open(f"{host.dir}/s/vm/{self.vm}/hda.img", "rb") as f:
            disk = int.from_bytes(f.read(32)[24:], "big") >> 30
        return c["memory"], c["disk_size"], disk

    def act(self):
        return ask("ResizeVm", {"id": self.vm, "memory": 160, "disk_size": 2})

    def after(self, answered):
        memory, said, disk = self.sizes()
        assert (memory, said) in ((128, 1), (160, 2)) and disk in (1, 2) and (not answered or memory == 160)
        must("ResizeVm", {"id": self.vm, "memory": 160, "disk_size": 2})
        assert self.sizes()[:2] == (160, 2)
        must("RemoveVm", {"id": self.vm})
        gone(self.vm)


class Undo(Operation):
    """An update whose disk cannot be grown: it was decided, and is taken back."""
    method = "ResizeVm"

    def before(self):
        self.vm = must("CreateVm", world.asked("undone", stopped=False))["id"]
        must("StopVm", {"id": self.vm})
        with open(f"{host.dir}/s/vm/{self.vm}/hda.img", "wb") as f:
            f.write(b"no qcow2" * 512)

    def memory(self):
        return [v for v in host.rpc("Status", {"ids": [self.vm]})["vms"] if v["id"] == self.vm][0]["configuration"]["memory"]

    def act(self):
        answer = ask("ResizeVm", {"id": self.vm, "memory": 160, "disk_size": 2})
        assert answer is None or (answer[0] == 400 and "qcow2" in answer[1]["error"]), answer
        return answer and (200, answer[1])  # it is what is asked for here

    def after(self, answered):
        assert self.memory() in ((128,) if answered else (128, 160))  # cut off once it was decided: it is made whole
        must("ResizeVm", {"id": self.vm, "memory": 136})
        assert self.memory() == 136
        must("RemoveVm", {"id": self.vm})
        gone(self.vm)


class Pull(Operation):
    """Of an image out of a registry: it is there whole, or not at all."""
    method = "PullRegistryImage"
    image = "dstack-0.6.0"

    def before(self):
        if os.path.isdir(f"{host.dir}/s/image/{self.image}"):
            must("DeleteImage", {"id": self.image})

    def act(self):
        answer = ask("PullRegistryImage", {"tag": "0.6.0"})
        while answer:
            seen = ask("ListPulls")
            if seen is None:
                return None
            if not [p for p in seen[1]["images"] if p["tag"] == "0.6.0" and p["pulling"]]:
                return answer
            time.sleep(.05)
        return answer

    def is_there(self):
        return self.image in [i["name"] for i in must("ListImages")["images"]]

    def after(self, answered):
        left = [n for n in os.listdir(f"{host.dir}/s/image") if n.startswith(".")]
        assert not left and (self.is_there() or not answered), (left, answered, must("ListPulls"))
        if not self.is_there():
            assert self.act() and self.is_there(), must("ListPulls")


class Reload(Operation):
    """A VM's folder that came by hand."""
    method = "ReloadVms"

    def before(self):
        self.vm = must("CreateVm", world.asked("moved"))["id"]
        folder, aside = f"{host.dir}/s/vm/{self.vm}", f"{scratch}/moved"
        shutil.copytree(folder, aside)
        must("RemoveVm", {"id": self.vm})
        gone(self.vm)
        shutil.move(aside, folder)

    def act(self):
        return ask("ReloadVms")

    def after(self, answered):
        must("ReloadVms")
        assert status(self.vm) == "stopped"
        must("RemoveVm", {"id": self.vm})
        gone(self.vm)


class Restart(Operation):
    """The daemon itself, at work on what the last one left: a VM to be put away, a removal, a half-made folder."""

    def before(self):
        host.stop(signal.SIGKILL)
        os.makedirs(f"{host.dir}/s/vm/.new-00000000-0000-4000-8000-000000000000/shared", exist_ok=True)
        folder = f"{host.dir}/s/vm/11111111-1111-4111-8111-111111111111"
        os.makedirs(f"{folder}/shared", exist_ok=True)
        open(f"{folder}/.removing", "wb").close()
        open(f"{folder}/hda.img", "wb").close()
        pids = [p for p in bailey.processes_naming(OPERATED) if world.program(p) == "qemu-system-x86_64"]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            bailey.wait_for("QEMU ended", lambda: not bailey.pid_alive(pid))

    def act(self):
        try:
            host.start()
            world.settle(host)
        except (AssertionError, TypeError):
            # one that was killed is silent a moment before it is seen to be gone
            bailey.wait_for("it is gone", lambda: host.daemon.poll() is not None, 10)
            return None
        return 200, {}

    def after(self, answered):
        must("StartVm", {"id": OPERATED})


def status_or_none(vm):
    try:
        return status(vm)
    except TypeError:  # the daemon is gone
        return None


def chosen(n):
    """Which of the @n times that a point is reached."""
    return sorted({(n + 1) // 2 if TIMES == 1 else 1 + (n - 1) * i // (TIMES - 1) for i in range(TIMES)})


def trace():
    if not os.path.exists(TRACE):
        return []
    with open(TRACE, encoding="ascii") as f:
        return f.read().split()


def check_bystanders():
    assert status(RUNNING) == "running" and world.qemu_of(host, RUNNING) == RUNNING_PID, "the bystander was touched"
    assert status(STOPPED) == "stopped"


def kill_at(operation, point, nth):
    operation.before()
    order(f"{point}:{nth}")
    answer = operation.act()
    try:
        code = host.daemon.wait(timeout=0 if answer and host.rpc("Version") else 30)
    except subprocess.TimeoutExpired:
        code = None
    os.unlink(ORDER)
    if code is None:
        assert answer and answer[0] == 200, (point, nth, answer, host.log()[-2000:])
    else:
        assert code == -signal.SIGKILL, (code, host.log()[-2000:])
        killed.add(point)
        host.start()
    world.settle(host)
    operation.after(bool(answer))
    check_bystanders()
    return code is not None


def walk(operation, shard, n_shards):
    """Every @n_shards-th of the points from @shard on.  What came of it is the last line."""
    name = type(operation).__name__
    if operation.method and not has_method(operation.method):
        print(json.dumps({"reached": [], "killed": [], "n": 0, "n_killed": 0}))
        return
    operation.before()
    if os.path.exists(TRACE):
        os.unlink(TRACE)
    answer = operation.act()
    assert answer and answer[0] == 200, (name, answer)
    counts = collections.Counter(trace())
    operation.after(True)
    tried = [(point, nth) for point, times in counts.items() for nth in chosen(times)][shard::n_shards]
    if POINTS:  # fewer, and not always the same
        tried = random.sample(tried, min(len(tried), max(1, POINTS // len(OPERATIONS))))
    n_killed = 0
    for point, nth in tried:
        try:
            n_killed += kill_at(operation, point, nth)
        except Exception as e:
            raise AssertionError(f"{name}, {point}:{nth}: {type(e).__name__}: {e}") from e
    world.settle(host)
    print(json.dumps({"reached": sorted(counts), "killed": sorted(killed), "n": len(tried), "n_killed": n_killed}))


def run_shards():
    """All operations, each cut in parts that run beside each other: most of the time is spent waiting for QEMU."""
    # the operation, and in how many parts it is cut
    left = [(op, i, n) for op, n in OPERATIONS.items() for i in range(1 if POINTS else n)]
    running, results, failed = {}, {}, []
    begun = time.monotonic()
    while left or running:
        while left and len(running) < TOGETHER:
            op, i, n = left.pop(0)
            running[op, i] = subprocess.Popen([sys.executable, __file__, op, str(i), str(n)], text=True,
                                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for key, child in list(running.items()):
            if child.poll() is None:
                continue
            del running[key]
            lines = child.stdout.read().splitlines()
            if child.returncode == 0 and lines:
                results.setdefault(key[0], []).append(json.loads(lines[-1]))
            else:
                failed.append((key, lines[-40:]))
        time.sleep(.1)
    for op, parts in results.items():
        n, n_killed = sum(p["n"] for p in parts), sum(p["n_killed"] for p in parts)
        print(f"     {op}: {len(set().union(*(p['reached'] for p in parts)))} points, killed {n_killed} times of {n}")
        if n_killed * 2 < n:
            failed.append((op, ["points are not reached again"]))
    print(f"     {time.monotonic() - begun:.0f} s", flush=True)
    for key, lines in failed:
        print(f"     {key}:", *lines, sep="\n", flush=True)
    assert not failed, [key for key, _ in failed]
    return results


def test_killed_at_every_point_of_every_operation():
    results = run_shards().values()
    reached = set().union(*(p["reached"] for parts in results for p in parts))
    killed_at = set().union(*(p["killed"] for parts in results for p in parts))
    every = points()
    missed = every - reached
    print(f"     {len(every)} points, {len(reached)} reached, {len(killed_at)} killed at; "
          f"not reached here: {sorted(missed)}", flush=True)
    assert not missed - NOT_HERE, missed - NOT_HERE


# without skopeo there are no pulls
NOT_HERE = set() if shutil.which("skopeo") else {"images.staged", "images.complete", "images.published"}

OPERATIONS = {"Start": 3, "FirstStart": 3, "CreateAndStart": 3, "Remove": 2, "Stop": 2, "Halt": 2, "Sever": 2, "Upgrade": 2, "Update": 2,
              "Resize": 2, "Restart": 2, "Notify": 1, "Create": 1, "DeleteImage": 1, "Reload": 1, "Undo": 2, **({} if NOT_HERE else {"Pull": 1})}
TOGETHER = int(os.environ.get("CRASH_TOGETHER", "6"))

if len(sys.argv) < 2:
    bailey.need(points(), "this build has no injection points")
    bailey.run(test_killed_at_every_point_of_every_operation)
scratch = tempfile.mkdtemp(prefix="b-points-", dir="/tmp")
bailey.IMAGE = halting_image.make(scratch, world.IMAGE)
ORDER, TRACE = f"{scratch}/order", f"{scratch}/trace"
os.environ["BAILEY_INJECT"], os.environ["BAILEY_INJECT_TRACE"] = f"@{ORDER}", TRACE
registry = fake_registry.Registry()
registry.image("0.6.0", fake_registry.tar(fake_registry.image_files()))
host = bailey.Host("qemu: { accel: tcg }\nevents_max: 20\nrestart: { enabled: false }\n"
                   f"registry: {{ url: '127.0.0.1:{registry.port}/org/guest-image', insecure: true }}\n"
                   "stop: { graceful: 300ms, firm: 300ms, per_vcpu: 0ms, per_gib: 0ms }\n")
killed = set()
try:
    PORT = bailey.free_port()
    RUNNING = must("CreateVm", world.asked("running", bailey.free_port(), stopped=False))["id"]
    RUNNING_PID = world.qemu_of(host, RUNNING)
    STOPPED = must("CreateVm", world.asked("stopped", bailey.free_port()))["id"]
    OPERATED = must("CreateVm", world.asked("operated", bailey.free_port(), stopped=False))["id"]
    walk({c.__name__: c for c in (Create, CreateAndStart, Start, FirstStart, Stop, Halt, Sever, Remove, DeleteImage, Notify, Restart,
                                  Update, Upgrade, Resize, Reload, Undo, Pull)}[sys.argv[1]](), int(sys.argv[2]), int(sys.argv[3]))
finally:
    host.close()
    registry.close()
    shutil.rmtree(scratch, ignore_errors=True)
