# SPDX-License-Identifier: Apache-2.0
"""What the daemon finds at its start may be anything: it says what is wrong, where, and leaves it as it is."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

import bailey
import halting_image

IMAGE = "halt-0.1.0"
COMPOSE = '{"manifest_version":2,"name":"x","runner":"none"}'

scratch = tempfile.mkdtemp(prefix="b-folders-", dir="/tmp")
os.chmod(scratch, 0o711)
bailey.IMAGE = halting_image.make(scratch, IMAGE) or f"{scratch}/{IMAGE}"
qemu = f"{scratch}/bin/qemu-system-x86_64"  # it finds its modules and firmware by where it is itself
os.mkdir(f"{scratch}/bin")
shutil.copy2("/usr/bin/qemu-system-x86_64", qemu)
for folder in ("lib", "share"):
    os.symlink(f"/usr/{folder}", f"{scratch}/{folder}")
host = bailey.Host(f"qemu: {{ accel: tcg, path: {qemu} }}\n")
vms = f"{host.dir}/s/vm"


def make(name, stopped=True):
    return host.rpc("CreateVm", {"name": name, "image": IMAGE, "vcpu": 1, "memory": 64, "disk_size": 1, "no_tee": True,
                                 "compose_file": COMPOSE, "stopped": stopped})["id"]


def remove(vm):
    host.rpc("RemoveVm", {"id": vm})
    bailey.wait_for("it is removed", lambda: not os.path.exists(f"{vms}/{vm}"))


def names():
    return sorted(v["name"] for v in host.rpc("Status")["vms"])


def contents(folder):
    found = {}
    for top, _, files in os.walk(folder):
        for path in (f"{top}/{n}" for n in files):
            with open(path, "rb") as f:
                found[path] = f.read()
    return found


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def restarted():
    """The log of a new life of the daemon, up to where it serves."""
    host.stop()
    at = len(host.log())
    host.start()
    return host.log()[at:]


def left_alone(vm, text, *words):
    """With this manifest the VM is not there, the log says why, and its folder stays as it is."""
    path = f"{vms}/{vm}/vm-manifest.json"
    good = read(path)
    write(path, text)
    before = contents(f"{vms}/{vm}")
    log = restarted()
    assert names() == [], names()
    for word in (vm, "left alone", *words):
        assert word in log, (word, log)
    assert contents(f"{vms}/{vm}") == before
    write(path, good)
    log = restarted()
    assert names() == ["one"] and "left alone" not in log, log


def test_manifests_that_are_none():
    vm = make("one")
    good = read(f"{vms}/{vm}/vm-manifest.json")
    for half in (len(good) // 2, 1, 0):
        left_alone(vm, good[:half], "vm-manifest.json")
    left_alone(vm, "[]", "vm-manifest.json")
    left_alone(vm, good.replace(vm, str(uuid.uuid4())), "id")
    left_alone(vm, json.dumps(json.loads(good) | {"vcpu": "two"}), "vcpu")
    left_alone(vm, json.dumps(json.loads(good) | {"id": "../../etc"}), "id")
    remove(vm)


def test_a_manifest_of_a_newer_daemon_keeps_what_we_do_not_know():
    vm = make("one")
    path = f"{vms}/{vm}/vm-manifest.json"
    write(path, json.dumps(json.loads(read(path)) | {"of_tomorrow": {"a": [1, None, "x"]}}))
    assert "left alone" not in restarted() and names() == ["one"]
    host.rpc("UpdateVm", {"id": vm, "vcpu": 2})
    kept = json.loads(read(path))
    assert kept["of_tomorrow"] == {"a": [1, None, "x"]} and kept["vcpu"] == 2, kept
    remove(vm)


def test_a_manifest_of_dstack_is_a_vm():
    vm = make("one")
    path = f"{vms}/{vm}/vm-manifest.json"
    keys = ("id", "name", "app_id", "vcpu", "memory", "disk_size", "image", "port_map", "created_at_ms")
    write(path, json.dumps({k: v for k, v in json.loads(read(path)).items() if k in keys}))
    os.unlink(f"{vms}/{vm}/vm-state.json")  # it never started
    assert "left alone" not in restarted()
    info = host.info("one")
    assert info["status"] == "stopped" and info["configuration"]["vcpu"] == 1, info
    remove(vm)


def test_states_that_are_none():
    vm = make("one")
    for text in ("", "{", "[]"):
        write(f"{vms}/{vm}/vm-state.json", text)
        log = restarted()
        assert "vm-state.json" in log and vm[:8] in log, log
        assert host.info("one")["status"] == "stopped"
    remove(vm)


def test_a_state_of_a_newer_daemon():
    """As after a downgrade: nothing is lost, what is not known is kept, and what is too new is left alone."""
    vm = make("one")
    path = f"{vms}/{vm}/vm-state.json"
    state = json.loads(read(path))
    assert state["version"] == 1
    write(path, json.dumps(state | {"of_tomorrow": [1, None]}))
    restarted()
    assert host.rpc("StartVm", {"id": vm}) == {} and json.loads(read(path))["of_tomorrow"] == [1, None]
    host.rpc("StopVm", {"id": vm})
    assert json.loads(read(path))["of_tomorrow"] == [1, None] and not json.loads(read(path))["started"]
    # a key of the wrong type is named, and the others count
    write(path, json.dumps(json.loads(read(path)) | {"exit": 7, "restart_gave_up": "no"}))
    log = restarted()
    assert "exit (must be a text), restart_gave_up (must be true or false)" in log, log
    assert host.info("one")["status"] == "stopped"
    # a newer version
    write(path, json.dumps(json.loads(read(path)) | {"version": 2, "started": True, "exit": "stopped"}))
    os.mkdir(f"{vms}/{vm}/.next-new")  # not ours to sweep
    host.stop()
    before = contents(f"{vms}/{vm}")
    host.start()
    info = host.info("one")
    assert "newer baileyd" in info["boot_error"] and "version 2" in info["boot_error"], info
    assert info["configuration"]["vcpu"] == 1 and "left alone" in host.log()
    for method, params in (("StartVm", {}), ("StopVm", {}), ("RemoveVm", {}), ("UpdateVm", {"vcpu": 2}), ("ResizeVm", {"vcpu": 2})):
        status, reply = host.http("POST", f"/prpc/{method}?json", {"id": vm, **params})
        assert status == 400 and "newer baileyd" in json.loads(reply)["error"], (method, reply)
    host.rpc("ReloadVms")
    host.stop()
    assert contents(f"{vms}/{vm}") == before
    os.rmdir(f"{vms}/{vm}/.next-new")
    write(path, json.dumps(json.loads(read(path)) | {"version": 1, "started": False}))
    host.start()  # the newer one put it back
    assert host.info("one")["status"] == "stopped" and host.info("one")["boot_error"] == ""
    remove(vm)


def test_folders_that_are_none():
    vm = make("one")
    host.stop()
    elsewhere = f"{host.dir}/elsewhere"
    os.rename(f"{vms}/{vm}", elsewhere)
    os.symlink(elsewhere, f"{vms}/{vm}")
    write(f"{vms}/{uuid.uuid4()}", "a file")
    os.mkdir(f"{vms}/not a vm\x1b[31m")
    os.mkdir(f"{vms}/.removing")
    before, entries = contents(elsewhere), sorted(os.listdir(vms))
    host.start()
    assert names() == []
    assert vm[:8] in host.log() and "\x1b" not in host.log()
    assert contents(elsewhere) == before and sorted(os.listdir(vms)) == entries
    assert host.http("POST", "/prpc/RemoveVm?json", {"id": vm})[0] == 400
    assert contents(elsewhere) == before, "nothing that we did not make is deleted"
    host.stop()
    for entry in os.listdir(vms):
        path = f"{vms}/{entry}"
        (os.rmdir if os.path.isdir(path) and not os.path.islink(path) else os.unlink)(path)
    os.rename(elsewhere, f"{vms}/{vm}")
    host.start()
    assert names() == ["one"]
    remove(vm)


def test_clocks_that_jump():
    """Times of the future, as after a clock that was put back; and of 1970, as before one is set."""
    vm = make("one", stopped=False)
    pid = host.qemu("one")
    path = f"{vms}/{vm}/vm-state.json"
    for jump in (3600 * 24 * 400, -3600 * 24 * 365 * 50):
        host.stop()
        state = json.loads(read(path))
        write(path, json.dumps({k: max(0, v + 1000 * jump) if k.endswith("_ms") and v else v for k, v in state.items()}))
        host.start()
        info = bailey.wait_for("it runs", lambda: host.info("one")["status"] == "running" and host.info("one"))
        assert host.qemu("one") == pid
        assert "-" not in info["uptime"], info["uptime"]
        assert (info["uptime"] == "0s") == (jump > 0), info["uptime"]
    os.kill(pid, signal.SIGKILL)  # what is timed goes on: it is started again
    bailey.wait_for("it is started again", lambda: [e for e in host.info("one")["events"] if e["event"] == "vmm.auto_restart"])
    host.rpc("StopVm", {"id": vm})
    host.wait_status("one", "stopped")
    remove(vm)


def test_qemu_replaced_under_a_running_vm():
    vm = make("one", stopped=False)
    pid = host.qemu("one")
    shutil.copy2(qemu, f"{qemu}.new")
    os.rename(f"{qemu}.new", qemu)
    for sig in (signal.SIGTERM, signal.SIGKILL):
        host.stop(sig)
        host.start()
        bailey.wait_for("it is known to run", lambda: host.info("one")["status"] == "running")
        assert os.readlink(f"/proc/{pid}/exe").endswith(" (deleted)") and bailey.pid_alive(pid)
    host.rpc("StopVm", {"id": vm})
    host.wait_status("one", "stopped")
    assert not bailey.pid_alive(pid)
    host.rpc("StartVm", {"id": vm})
    assert os.readlink(f"/proc/{host.qemu('one')}/exe") == qemu
    host.rpc("StopVm", {"id": vm})
    remove(vm)


def run_to_its_end(config):
    path = f"{scratch}/other.yaml"
    write(path, config)
    return subprocess.run([f"{bailey.BIN}/baileyd", "--config", path], timeout=bailey.DEADLINE, capture_output=True,
                          text=True, check=False)


def test_libvirt_that_is_not_there():
    begun = time.monotonic()
    r = run_to_its_end(f"state: {scratch}/s\nrun: {scratch}/r\n"
                       f"libvirt: {{ uri: 'qemu+unix:///system?socket={scratch}/nobody' }}\n")
    assert r.returncode == 1 and "libvirt" in r.stderr and f"{scratch}/nobody" in r.stderr, r.stderr
    assert time.monotonic() - begun < bailey.DEADLINE


def test_two_daemons_in_one_folder():
    r = run_to_its_end(f"state: {host.dir}/s\nrun: {scratch}/r\n")
    assert r.returncode == 1 and "another baileyd" in r.stderr, r.stderr
    assert host.rpc("Version"), "the first goes on"


def test_two_daemons_on_one_host():
    """Each has its own VMs; a host port is the first one's, and the other says whose it is not."""
    vm = make("one", stopped=False)
    other = bailey.Host(f"qemu: {{ accel: tcg, path: {qemu} }}\n")
    try:
        port = bailey.free_port()
        ports = [{"protocol": "tcp", "host_address": "127.0.0.1", "host_port": port, "vm_port": 80}]
        body = {"name": "ported", "image": IMAGE, "vcpu": 1, "memory": 64, "disk_size": 1, "no_tee": True,
                "compose_file": COMPOSE, "ports": ports}
        first = host.rpc("CreateVm", body)["id"]
        status, reply = other.http("POST", "/prpc/CreateVm?json", body)
        assert status == 400 and str(port) in json.loads(reply)["error"], (status, reply)
        assert other.rpc("Status")["vms"] == []
        host.rpc("StopVm", {"id": first})
        assert other.rpc("CreateVm", body)["id"]
        assert {v["name"]: v["status"] for v in host.rpc("Status")["vms"]} == {"one": "running", "ported": "stopped"}
        status, reply = host.http("POST", "/prpc/StartVm?json", {"id": first})
        assert status == 400 and str(port) in json.loads(reply)["error"], (status, reply)
        remove(first)
    finally:
        other.close()
    assert host.info("one")["status"] == "running"
    remove(vm)


try:
    bailey.run(test_manifests_that_are_none, test_a_manifest_of_a_newer_daemon_keeps_what_we_do_not_know,
               test_a_manifest_of_dstack_is_a_vm, test_states_that_are_none, test_a_state_of_a_newer_daemon, test_folders_that_are_none,
               test_clocks_that_jump, test_qemu_replaced_under_a_running_vm, test_libvirt_that_is_not_there,
               test_two_daemons_in_one_folder, test_two_daemons_on_one_host)
finally:
    host.close()
    shutil.rmtree(scratch, ignore_errors=True)
