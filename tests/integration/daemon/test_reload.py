# SPDX-License-Identifier: Apache-2.0
"""ReloadVms: folders that are new, changed, gone, or none of a VM; while VMs run and are made."""
import json
import os
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "bad-input")]
import halting_image  # noqa: E402
from scratch import BIN, Daemon, main, vm, wait_for  # noqa: E402

HALT = "halt-0.1.0"
NOTHING = {"loaded": 0, "updated": 0, "removed": 0}
d = Daemon("qemu: { accel: tcg }\n")
root = f"{d.dir}/s/vm"
aside = f"{d.dir}/aside"
os.mkdir(aside)
halting_image.make(f"{d.dir}/s/image", HALT)


def make(name, **more):
    return d.rpc("CreateVm", vm(name=name, **more))["id"]


def info(vid):
    return d.rpc("GetInfo", {"id": vid})["info"]


def remove(*vids):
    for vid in vids:
        d.rpc("RemoveVm", {"id": vid})
    for vid in vids:
        wait_for("it is removed", lambda v=vid: not os.path.exists(f"{root}/{v}") and
                 not d.rpc("GetInfo", {"id": v})["found"])


def edit(vid, folder=None, **more):
    path = f"{folder or root}/{vid}/vm-manifest.json"
    with open(path, encoding="utf-8") as f:
        value = json.load(f)
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump({**value, **more}, f)
    os.rename(path + ".new", path)


def test_nothing_to_do():
    assert d.rpc("ReloadVms") == NOTHING
    vid = make("still")
    assert d.rpc("ReloadVms") == NOTHING
    told = subprocess.run([f"{BIN}/bailey", "--socket", d.socket, "reload"], capture_output=True, text=True, timeout=120, check=True)
    assert told.stdout == "0 loaded, 0 updated, 0 removed\n", told
    told = subprocess.run([f"{BIN}/bailey", "-s", d.socket, "-j", "reload"], capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(told.stdout) == NOTHING, told
    remove(vid)


def test_a_folder_goes_and_comes_back():
    vid, other = make("moves"), make("stays")
    shutil.move(f"{root}/{vid}", f"{aside}/{vid}")
    assert d.rpc("ReloadVms") == {**NOTHING, "removed": 1}
    wait_for("it is forgotten", lambda: d.rpc("Status")["total"] == 1)
    assert os.path.exists(f"{aside}/{vid}/vm-manifest.json"), "nothing of it is deleted"
    edit(vid, aside, memory=333)
    shutil.move(f"{aside}/{vid}", f"{root}/{vid}")
    assert d.rpc("ReloadVms") == {**NOTHING, "loaded": 1}
    assert info(vid)["configuration"]["memory"] == 333 and info(vid)["name"] == "moves"
    assert d.rpc("ReloadVms") == NOTHING
    remove(vid, other)


def test_a_manifest_that_changed():
    vid = make("edited")
    edit(vid, memory=444, note="kept")
    assert info(vid)["configuration"]["memory"] == 256
    assert d.rpc("ReloadVms") == {**NOTHING, "updated": 1}
    assert info(vid)["configuration"]["memory"] == 444 and info(vid)["events"][-1]["event"] == "vmm.reloaded"
    # another folder in place of the one that we knew
    shutil.copytree(f"{root}/{vid}", f"{aside}/{vid}")
    edit(vid, aside, memory=555)
    os.rename(f"{root}/{vid}", f"{aside}/old")
    os.rename(f"{aside}/{vid}", f"{root}/{vid}")
    assert d.rpc("ReloadVms") == {**NOTHING, "updated": 1}
    assert info(vid)["configuration"]["memory"] == 555
    d.rpc("UpdateVm", {"id": vid, "user_config": "here"})
    assert os.path.exists(f"{root}/{vid}/shared/.user-config") and not os.path.exists(f"{aside}/old/shared/.user-config")
    shutil.rmtree(f"{aside}/old")
    remove(vid)


def test_the_way_back_after_an_update():
    vid = make("back", user_config="old")
    d.rpc("UpdateVm", {"id": vid, "memory": 512, "user_config": "new"})
    os.rename(f"{root}/{vid}/.prev", f"{root}/{vid}/.next")
    d.fails("UpdateVm", {"id": vid, "memory": 600}, "not in place", "ReloadVms")
    d.fails("StartVm", {"id": vid}, "not in place", "ReloadVms")  # half of one VM and half of another never runs
    assert d.rpc("ReloadVms") == {**NOTHING, "updated": 1}
    assert info(vid)["configuration"]["memory"] == 256 and info(vid)["configuration"]["user_config"] == "old"
    remove(vid)


def test_what_is_no_vm_is_left_alone():
    vid = make("good")
    before = info(vid)
    bad = {"notes": None, "33333333-3333-4333-8333-333333333333": "{\"id\": \"3", "44444444-4444-4444-8444-444444444444":
           json.dumps({"id": vid}), ".new-55555555-5555-4555-8555-555555555555": "{}"}
    for name, text in bad.items():
        os.mkdir(f"{root}/{name}")
        if text is not None:
            with open(f"{root}/{name}/vm-manifest.json", "w", encoding="ascii") as f:
                f.write(text)
    os.symlink(f"{root}/{vid}", f"{root}/66666666-6666-4666-8666-666666666666")
    disk = d.disk()
    assert d.rpc("ReloadVms") == NOTHING
    assert d.disk() == disk and d.rpc("Status")["total"] == 1
    for word in ("'notes'", "33333333-3333", "44444444-4444", "66666666-6666"):
        assert word in d.log(), word
    # the manifest of a VM that is known is spoilt: it stays what it was
    edit(vid, id="77777777-7777-4777-8777-777777777777")
    assert d.rpc("ReloadVms") == NOTHING and info(vid)["configuration"] == before["configuration"]
    assert "not reloaded: its manifest has the id 77777777" in d.log()
    edit(vid, id=vid)
    os.unlink(f"{root}/66666666-6666-4666-8666-666666666666")
    for name in bad:
        shutil.rmtree(f"{root}/{name}")
    remove(vid)


def test_vms_that_run():
    vid = make("runs", image=HALT, memory=128, stopped=False)
    edit(vid, memory=192)
    assert d.rpc("ReloadVms") == NOTHING and "it is changed on disk and runs" in d.log()
    assert info(vid)["status"] == "running" and info(vid)["configuration"]["memory"] == 128
    d.rpc("StopVm", {"id": vid})
    assert d.rpc("ReloadVms") == {**NOTHING, "updated": 1}
    d.rpc("StartVm", {"id": vid})
    # its folder goes while it runs: it is ended before it is forgotten
    os.rename(f"{root}/{vid}", f"{aside}/{vid}")
    assert d.rpc("ReloadVms") == {**NOTHING, "removed": 1}
    assert d.rpc("ReloadVms") == NOTHING, "it is on its way"
    wait_for("it is forgotten", lambda: d.rpc("Status")["total"] == 0)
    assert not [p for p in filter(str.isdigit, os.listdir("/proc")) if vid in cmdline(p)]
    # a folder that says "started" is started
    os.rename(f"{aside}/{vid}", f"{root}/{vid}")
    assert d.rpc("ReloadVms") == {**NOTHING, "loaded": 1}
    wait_for("it runs", lambda: info(vid)["status"] == "running" and
             [e for e in info(vid)["events"] if e["event"] == "vmm.started"][1:])
    d.rpc("StopVm", {"id": vid})
    remove(vid)


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def test_while_vms_are_made_and_changed():
    """What a reload sees half done is not taken for something else."""
    stop, failed = threading.Event(), []

    def reload():
        while not stop.is_set():
            got = d.rpc("ReloadVms")
            if got != NOTHING:
                failed.append(got)
    threads = [threading.Thread(target=reload) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        for i in range(15):
            vid = make(f"busy{i}")
            d.rpc("UpdateVm", {"id": vid, "memory": 300 + i})
            d.rpc("RemoveVm", {"id": vid})
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not failed, failed
    wait_for("all are removed", lambda: d.rpc("Status")["total"] == 0 and not os.listdir(root))


main(d, test_nothing_to_do, test_a_folder_goes_and_comes_back, test_a_manifest_that_changed,
     test_the_way_back_after_an_update, test_what_is_no_vm_is_left_alone, test_vms_that_run,
     test_while_vms_are_made_and_changed)
