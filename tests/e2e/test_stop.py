# SPDX-License-Identifier: Apache-2.0
"""Stopping is a ladder: asked, then pressed, then killed; it works while a guest boots and when it hangs, is joined,
cut short, and goes on in another life of the daemon.  Stopped means that nothing of the VM runs."""
import os
import signal

import bailey

APP = """\
name: {name}
tee: none
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
app:
  runner: bash
  script: |
    sleep 1000000
"""
SLOW = "stop: { graceful: 10m, guest: 10m, firm: 10m, per_vcpu: 0ms, per_gib: 0ms }\n"
FAST = "stop: { graceful: 500ms, guest: 500ms, firm: 500ms, per_vcpu: 0ms, per_gib: 0ms }\n"

host = bailey.Host(FAST)


def configure(text):
    with open(host.config, "w", encoding="utf-8") as f:
        f.write(f"state: {host.dir}/s\nrun: {host.dir}/r\nhost_registry: {host.dir}/h\n{text}")


def call(method, vm):
    return host.http("POST", f"/prpc/{method}?json", {"id": vm["id"]})[0]


def nothing_left(vm):
    bailey.wait_for("nothing of it is left", lambda: not (
        bailey.processes_naming(vm["id"]) or os.path.exists(f"{host.dir}/r/{vm['id'][:8]}")), 60)


def hang(name):
    """Start it, and stop its QEMU as the kernel does with a process: nothing of it answers any more."""
    if host.info(name)["status"] != "running":
        host.bailey("start", name)
    pid = host.qemu(name)
    os.kill(pid, signal.SIGSTOP)
    return host.info(name), pid


def asked(name, n=1):
    return bailey.wait_for("it is being asked", lambda: sum(
        e["event"] == "vmm.stopping" and "asking" in e["body"] for e in host.info(name)["events"]) >= n)


def test_stop_while_it_boots():
    host.bailey("up", "--no-wait", host.app("web", APP.format(name="web")))
    bailey.wait_for("the kernel speaks", lambda: "Linux version" in host.serial("web"))
    vm = host.info("web")
    out = host.bailey("stop", "web").stdout
    assert "is stopped" in out, out
    info = host.info("web")
    assert info["status"] == "stopped" and info["exit_reason"] in ("killed", "stopped"), info
    said = [e["body"] for e in info["events"] if e["event"] == "vmm.stopping"]
    assert "asking" in said[0], said
    nothing_left(vm)


def test_a_hung_guest_is_killed():
    vm, pid = hang("web")
    out = host.bailey("stop", "web").stdout
    assert "asking the guest" in out and "power button" in out and "killing it" in out, out
    assert not bailey.pid_alive(pid)
    info = host.info("web")
    assert info["status"] == "stopped" and info["exit_reason"] == "killed", info
    nothing_left(vm)


def test_a_second_stop_joins_and_kill_cuts_it_short():
    host.stop()
    configure(SLOW)
    host.start()
    vm, pid = hang("web")
    assert call("HaltVm", vm) == 200 and call("HaltVm", vm) == 200
    assert host.info("web")["status"] == "stopping"
    host.bailey("kill", "web")
    assert not bailey.pid_alive(pid)
    info = host.info("web")
    assert info["status"] == "stopped", info
    nothing_left(vm)


def test_a_stop_goes_on_in_another_life():
    vm, pid = hang("web")
    assert call("HaltVm", vm) == 200  # it is written down
    host.stop(signal.SIGKILL)
    assert bailey.pid_alive(pid)
    configure(FAST)
    host.start()
    host.wait_status("web", "stopped")
    assert not bailey.pid_alive(pid)
    nothing_left(vm)


def test_removal_does_not_wait_for_a_stop():
    host.stop()
    configure(SLOW)
    host.start()
    vm, pid = hang("web")
    assert call("HaltVm", vm) == 200
    assert call("RemoveVm", vm) == 200
    assert call("StartVm", vm) == 400 and call("HaltVm", vm) == 400
    bailey.wait_for("it is gone", lambda: not host.rpc("Status")["vms"], 60)
    assert not bailey.pid_alive(pid)
    nothing_left(vm)


try:
    bailey.run(test_stop_while_it_boots, test_a_hung_guest_is_killed, test_a_second_stop_joins_and_kill_cuts_it_short,
               test_a_stop_goes_on_in_another_life, test_removal_does_not_wait_for_a_stop)
finally:
    host.close()
