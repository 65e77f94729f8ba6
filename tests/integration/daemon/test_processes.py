# SPDX-License-Identifier: Apache-2.0
"""The processes behind VMs, as dstack's SvList, SvStop and SvRemove have them; how much may run together."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../bad-input"]
import halting_image  # noqa: E402
from scratch import Daemon, main, vm, wait_for  # noqa: E402

d = Daemon("qemu: { accel: tcg }\nlimits: { vcpu: 4, vcpu_total: 3, memory_total: 1200M }\n")
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
    d.fails("CreateVm", vm(image="halt-0.1.0", vcpu=1, memory=1073, stopped=False), "1073 MiB asked for",
            "128 MiB of the 1200 MiB", "limits.memory_total")
    assert d.disk() == before and status(big) == "stopped"
    d.rpc("StopVm", {"id": small})
    d.rpc("StartVm", {"id": big})
    d.fails("StartVm", {"id": small}, "vcpu: 1 asked for")
    d.rpc("StartVm", {"id": big})  # what runs is not asked again
    gone(small)
    gone(big)


def affinity(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return [x.split()[1] for x in f if x.startswith("Cpus_allowed_list:")][0]


def test_a_vm_on_a_node():
    node = "/sys/devices/system/node/node0"
    if not os.path.exists(node):
        print("no NUMA nodes here")
        return
    with open(f"{node}/cpulist", encoding="ascii") as f:
        cpus = f.read().strip()
    vid = make("pinned", pin_numa=True, stopped=False)
    assert affinity(processes()["pinned"]["pid"]) == cpus
    assert d.rpc("GetInfo", {"id": vid})["info"]["configuration"]["pin_numa"] is True
    gone(vid)


def test_huge_pages():
    path, free = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", 0
    if os.path.exists(path):
        with open(path, encoding="ascii") as f:
            free = int(f.read())
    big = {"image": "halt-0.1.0", "hugepages": True, "memory": 1024}
    d.fails("CreateVm", vm(**{**big, "memory": 128}), "write a multiple of 1024")
    if free < 512:
        print("no huge pages here: only that they are refused is seen")
        before = d.disk()
        d.fails("CreateVm", vm(**big, stopped=False), "hugepages: NUMA node 0 has", "nr_hugepages")
        assert d.disk() == before
        vid = d.rpc("CreateVm", vm(**big))["id"]  # it may wait for them
        d.fails("StartVm", {"id": vid}, "nr_hugepages")
    else:
        vid = d.rpc("CreateVm", vm(**big, stopped=False))["id"]
        with open(path, encoding="ascii") as f:
            assert int(f.read()) <= free - 512, "its memory is in huge pages"
    gone(vid)


def test_gpus_where_there_are_none():
    assert d.rpc("ListGpus") == {"gpus": [], "allow_attach_all": True}
    for gpus, word in (({"attach_mode": "all"}, "GPU is not enabled"), ({"attach_mode": ""}, "Invalid GPU attach mode"),
                       ({"attach_mode": "listed", "gpus": [{"slot": "18:00.0"}]}, "GPU is not enabled")):
        d.fails("CreateVm", vm(gpus=gpus), word)
    gone(d.rpc("CreateVm", vm(gpus={"attach_mode": "listed", "gpus": []}))["id"])


def test_there_is_no_key_service_yet():
    d.fails("GetAppEnvEncryptPubKey", {"app_id": "11" * 20}, "KMS is not configured")


main(d, test_a_process_is_listed_stopped_and_removed, test_a_stop_of_the_process_is_no_stop_of_the_vm,
     test_ids_that_are_wrong, test_what_runs_together_has_limits, test_a_vm_on_a_node, test_huge_pages,
     test_gpus_where_there_are_none, test_there_is_no_key_service_yet)
