# SPDX-License-Identifier: Apache-2.0
"""How a guest ends decides what comes next: a power-off is a stop, a reboot is a boot, a panic is restarted until
it is given up, and an operator's start is the way back."""
import json
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
    echo the script ran
    {script}
"""
PANIC = "sleep 1; echo c > /proc/sysrq-trigger"
FIRST, RETRIES = 0.5, 1

host = bailey.Host(f"restart: {{ first: {int(FIRST * 1000)}ms, longest: 1s, retries: {RETRIES}, healthy: 1h }}\n")


def up(name, script):
    host.bailey("up", "--no-wait", host.app(name, APP.format(name=name, script=script)))


def bodies(name, event):
    """Of all that is kept, not of the last twenty."""
    with open(f"{host.vmdir(name)}/events.jsonl", encoding="utf-8") as f:
        events = [json.loads(line) for line in f]
    return [e["body"] for e in events if e["event"] == event]


def remove(name):
    host.bailey("rm", "-f", name)


def test_power_off_is_a_stop():
    up("off", "sleep 1; echo o > /proc/sysrq-trigger")
    host.wait_event("off", "vmm.stopped")
    host.wait_status("off", "stopped")
    info = host.info("off")
    assert info["exit_reason"] == "power-off" and info["restart_attempts"] == 0, info
    assert bodies("off", "vmm.stopped") == ["the guest powered off"], info["events"]
    assert not bodies("off", "vmm.auto_restart"), info["events"]
    assert "guest powered off" in host.bailey("info", "off").stdout
    with open(f"{host.vmdir('off')}/vm-state.json", encoding="utf-8") as f:
        assert json.load(f)["started"] is False, "another life of the daemon would start it"
    remove("off")


def test_reboot_is_a_boot_at_once():
    up("again", "[ \"$(cat /proc/uptime | cut -d. -f1)\" -lt 0 ] || sleep 1; echo b > /proc/sysrq-trigger")
    host.wait_event("again", "vmm.stopped", "rebooted")
    host.wait_event("again", "vmm.auto_restart", "start 1 of")
    events = host.info("again")["events"]
    ended = next(e["timestamp"] for e in events if e["event"] == "vmm.stopped")
    first = next(e for e in events if e["event"].startswith("vmm.auto_restart"))
    assert first["event"] == "vmm.auto_restart", "the first reboot waits for nothing"
    assert first["timestamp"] >= ended
    remove("again")


def test_panic_restarts_then_gives_up_and_start_is_the_way_back():
    up("sick", PANIC)
    host.wait_event("sick", "vmm.stopped", "kernel panicked: sysrq triggered crash")
    host.wait_event("sick", "vmm.auto_restart", "start 1 of 1")
    bailey.wait_for("it is started again", lambda: len(bodies("sick", "vmm.started")) == 2)
    host.stop(signal.SIGKILL)  # what was counted is on disk
    host.start()
    host.wait_event("sick", "vmm.auto_restart.exhausted")
    info = host.info("sick")
    # on a busy machine it may have panicked while nobody looked
    assert info["status"] == "exited" and info["exit_reason"] in ("panic", "unknown"), info
    assert info["restart_gave_up"] and info["restart_attempts"] == RETRIES, info
    assert len(bodies("sick", "vmm.auto_restart")) == RETRIES, info["events"]
    shown = host.bailey("ps").stdout
    assert "gave up" in shown and f"after {RETRIES} start" in shown, shown
    assert ("kernel panic" in shown) == (info["exit_reason"] == "panic"), shown
    host.stop()
    host.start()
    info = host.info("sick")
    assert info["restart_gave_up"], "another life of the daemon must not try again"
    assert len(bodies("sick", "vmm.auto_restart.exhausted")) == 1, info["events"]

    before = len(bodies("sick", "vmm.started"))
    host.rpc("StartVm", {"id": info["id"]})
    info = host.info("sick")
    assert not info["restart_gave_up"] and info["restart_attempts"] == 0, info
    bailey.wait_for("it is tried anew", lambda: len(bodies("sick", "vmm.started")) > before + 1)
    host.bailey("kill", "sick")  # also while it waits: it stays down
    host.wait_status("sick", "stopped")
    info = host.info("sick")
    assert not info["restart_gave_up"] and not info["restart_at_ms"], info
    remove("sick")


def test_a_qemu_that_is_killed_is_a_crash():
    up("victim", "sleep 1000000")
    host.wait_event("victim", "boot.progress", "done")
    pid = host.qemu("victim")
    os.kill(pid, signal.SIGKILL)
    host.wait_event("victim", "vmm.stopped", "QEMU ended unexpectedly")
    host.wait_event("victim", "vmm.auto_restart", "start 1 of")
    bailey.wait_for("it is started again", lambda: len(bodies("victim", "vmm.started")) == 2)
    again = host.qemu("victim")
    assert again != pid
    host.stop(signal.SIGKILL)  # and while nobody looks
    os.kill(again, signal.SIGKILL)
    host.start()
    host.wait_event("victim", "vmm.auto_restart.exhausted")
    assert host.info("victim")["exit_reason"] in ("crash", "unknown"), host.info("victim")
    remove("victim")


def carrier(name):
    """The pid of its bailey-vsock."""
    with open(f"{host.dir}/r/{host.info(name)['id'][:8]}/vsock.pid", encoding="ascii") as f:
        return int(f.read())


def test_a_vsock_that_dies_is_a_crash():
    up("deaf", "sleep 1000000")
    host.wait_event("deaf", "boot.progress", "done")
    qemu, vsock = host.qemu("deaf"), carrier("deaf")
    os.kill(vsock, signal.SIGKILL)
    host.wait_event("deaf", "vmm.vsock_died")
    host.wait_event("deaf", "vmm.stopped", "its vsock process died")
    host.wait_event("deaf", "vmm.auto_restart", "start 1 of 1")
    bailey.wait_for("the guest reports again", lambda: bodies("deaf", "boot.progress").count("done") == 2)
    assert carrier("deaf") != vsock and host.qemu("deaf") != qemu and not bailey.pid_alive(qemu)
    assert host.rpc("SysInfo", {"id": host.info("deaf")["id"]}, mount="guest")["num_cpus"] == 1, "and it is reached"
    remove("deaf")


def state(vid):
    with open(f"{host.dir}/s/vm/{vid}/vm-state.json", encoding="utf-8") as f:
        return json.load(f)


def test_a_host_that_goes_down_asks_first():
    up("stays", "sleep 1000000")
    host.wait_event("stays", "boot.progress", "done")
    vid, pid = host.info("stays")["id"], host.qemu("stays")
    host.daemon.send_signal(signal.SIGPWR)
    bailey.wait_for("nothing new is begun", lambda: "going down" in str(
        host.http("POST", "/prpc/StartVm?json", {"id": vid})) or host.daemon.poll() is not None)
    assert host.daemon.wait(timeout=bailey.DEADLINE) == 0, host.log()[-2000:]
    assert not bailey.pid_alive(pid)
    kept = state(vid)
    assert kept["started"] and not kept["running"] and kept["exit"] == "stopped", kept
    kept["boot_id"] = "00000000-0000-4000-8000-000000000000"  # of the host; now it is another boot of it
    with open(f"{host.dir}/s/vm/{vid}/vm-state.json", "w", encoding="utf-8") as f:
        json.dump(kept, f)
    host.start()
    bailey.wait_for("it runs again", lambda: bodies("stays", "boot.progress").count("done") == 2)
    assert bodies("stays", "vmm.stopped") == ["the guest powered off, as it was asked to"]
    assert bodies("stays", "shutdown.progress"), "its agent was asked"
    assert not bodies("stays", "vmm.auto_restart"), "that is no crash"
    remove("stays")


try:
    bailey.run(test_power_off_is_a_stop, test_reboot_is_a_boot_at_once,
               test_panic_restarts_then_gives_up_and_start_is_the_way_back, test_a_qemu_that_is_killed_is_a_crash,
               test_a_vsock_that_dies_is_a_crash, test_a_host_that_goes_down_asks_first)
finally:
    host.close()
