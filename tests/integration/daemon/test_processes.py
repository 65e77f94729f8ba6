# SPDX-License-Identifier: Apache-2.0
"""The processes behind VMs, as dstack's SvList, SvStop and SvRemove have them; how much may run together."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../bad-input"]
import halting_image  # noqa: E402
from scratch import Daemon, main, vm, wait_for  # noqa: E402

d = Daemon("qemu: { accel: tcg }\nlimits: { vcpu: 4, vcpu_total: 3, memory_total: 640M }\n")
halting_image.make(f"{d.dir}/s/image", "halt-0.1.0")


def make(name, **more):
    return d.rpc("CreateVm", vm(name=name, image="halt-0.1.0", memory=128, **more))["id"]


def processes():
    return {p["name"]: p for p in d.rpc("SvList")["processes"]}


def status(vid):
    return d.rpc("GetInfo", {"id": vid})["info"]["status"]


def gone(vid):
    d.rpc("RemoveVm", {"id": vid})
    wait_for("the VM is gone", lambda: not d.rpc("GetInfo", {"id": vid})["found"])


def test_a_process_is_listed_stopped_and_removed():
    vid = make("one")
    assert processes() == {}, "it never ran"
    d.fails("SvStop", {"id": vid}, "Supervisor process not found")
    d.rpc("StartVm", {"id": vid})
    p = processes()["one"]
    with open(f"/proc/{p['pid']}/cmdline", encoding="utf-8") as f:
        assert f.read().startswith(p["command"]), p
    assert p["id"] == vid and p["status"] == "running" and '"kind":"cvm"' in p["note"], p
    d.fails("SvRemove", {"id": vid}, "Server returned error: Process is running")
    d.rpc("StopVm", {"id": vid})
    p = processes()["one"]
    assert p["status"] == "stopped" and p["pid"] is None, p
    assert d.rpc("SvStop", {"id": vid}) is None, "it is content"
    assert d.rpc("SvRemove", {"id": vid}) is None
    assert processes() == {} and status(vid) == "stopped", "the VM stays"
    d.fails("SvRemove", {"id": vid}, "Server returned error: Process not found")
    d.rpc("StartVm", {"id": vid})
    assert processes()["one"]["status"] == "running"
    gone(vid)
    assert processes() == {}


def test_a_stop_of_the_process_is_no_stop_of_the_vm():
    vid = make("two", stopped=False)
    pid = processes()["two"]["pid"]
    assert d.rpc("SvStop", {"id": vid}) is None
    wait_for("QEMU is gone", lambda: not os.path.exists(f"/proc/{pid}"))
    info = d.rpc("GetInfo", {"id": vid})["info"]
    assert info["configuration"]["stopped"] is False and info["status"] in ("running", "exited"), info["status"]
    gone(vid)


def test_ids_that_are_wrong():
    for method, word in (("SvStop", "Supervisor process not found"), ("SvRemove", "Process not found")):
        d.fails(method, {"id": "11111111-1111-4111-8111-111111111111"}, word)
        d.fails(method, {"id": "../x y"}, "invalid VM id")
        d.fails(method, {}, "invalid VM id")


def test_what_runs_together_has_limits():
    small, big = make("small", vcpu=1), make("big", vcpu=3)
    d.rpc("StartVm", {"id": small})
    d.fails("StartVm", {"id": big}, "Failed to start VM", "vcpu: 3 asked for", "1 of the 3", "limits.vcpu_total")
    before = d.disk()
    d.fails("CreateVm", vm(image="halt-0.1.0", vcpu=1, memory=513, stopped=False), "513 MiB asked for",
            "128 MiB of the 640 MiB", "limits.memory_total")
    assert d.disk() == before and status(big) == "stopped"
    d.rpc("StopVm", {"id": small})
    d.rpc("StartVm", {"id": big})
    d.fails("StartVm", {"id": small}, "vcpu: 1 asked for")
    d.rpc("StartVm", {"id": big})  # what runs is not asked again
    gone(small)
    gone(big)


def test_there_is_no_key_service_yet():
    d.fails("GetAppEnvEncryptPubKey", {"app_id": "11" * 20}, "KMS is not configured")


main(d, test_a_process_is_listed_stopped_and_removed, test_a_stop_of_the_process_is_no_stop_of_the_vm,
     test_ids_that_are_wrong, test_what_runs_together_has_limits, test_there_is_no_key_service_yet)
