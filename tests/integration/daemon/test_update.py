# SPDX-License-Identifier: Apache-2.0
"""UpdateVm, UpgradeApp and ResizeVm: every field, refusals that change no byte, running VMs, crashes in between."""
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "bad-input")]
import halting_image  # noqa: E402
from scratch import IMAGE, Daemon, compose, main, make_image, vm, wait_for  # noqa: E402

HALT = "halt-0.1.0"
d = Daemon("qemu: { accel: tcg }\nlimits: { vcpu: 4, memory: 4G, disk: 8G, vms: 20 }\n"
           "port_mapping: { ranges: [{ from: 20000, to: 40000 }] }\n")
root = f"{d.dir}/s/vm"
make_image(f"{d.dir}/s/image/other-0.1.0")
halting_image.make(f"{d.dir}/s/image", HALT)


def free_port():
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if 20000 <= port <= 40000:
            return port


def port(number, guest=80):
    return {"protocol": "tcp", "host_port": number, "vm_port": guest, "host_address": "127.0.0.1"}


def read(vid, name):
    with open(f"{root}/{vid}/{name}", "rb") as f:
        return f.read()


def manifest(vid):
    return json.loads(read(vid, "vm-manifest.json"))


def everything(vid):
    """Each file of the VM's folder, byte for byte."""
    found = {}
    for top, _, names in os.walk(f"{root}/{vid}"):
        for name in names:
            with open(f"{top}/{name}", "rb") as f:
                found[os.path.relpath(f"{top}/{name}", f"{root}/{vid}")] = hashlib.sha256(f.read()).hexdigest()
    return found


def info(vid):
    return d.rpc("GetInfo", {"id": vid})["info"]


def make(**more):
    make.n += 1
    return d.rpc("CreateVm", vm(**{"name": f"vm{make.n}", **more}))["id"]


make.n = 0


def remove(*vids):
    for vid in vids:
        d.rpc("RemoveVm", {"id": vid})
    for vid in vids:
        wait_for("it is removed", lambda v=vid: not os.path.exists(f"{root}/{v}") and
                 not d.rpc("GetInfo", {"id": v})["found"])


def qemu_img(*args):
    return subprocess.run(["qemu-img", *args], check=True, capture_output=True, text=True).stdout


def make_disk(vid, gib):
    qemu_img("create", "-q", "-f", "qcow2", f"{root}/{vid}/hda.img", f"{gib}G")


def disk_gib(vid):
    return json.loads(qemu_img("info", "-U", "--output=json", f"{root}/{vid}/hda.img"))["virtual-size"] >> 30


def test_every_field():
    vid = make()
    app_id = info(vid)["app_id"]
    a = free_port()
    new = compose(pre_launch_script="date")
    got = d.rpc("UpdateVm", {
        "id": vid, "compose_file": new, "encrypted_env": "00ff", "user_config": "u", "update_ports": True,
        "ports": [port(a)], "update_kms_urls": True, "kms_urls": ["https://k:1"], "update_gateway_urls": True,
        "gateway_urls": ["https://g:2"], "gpus": {"attach_mode": "listed", "gpus": []}, "vcpu": 2, "memory": 512,
        "disk_size": 3, "image": "other-0.1.0", "no_tee": False, "update_networking": True,
        "networks": [{"mode": "user"}], "swap_size": 7})
    assert got == {"id": hashlib.sha256(new.encode()).hexdigest()[:40]}, got
    m, c = manifest(vid), info(vid)["configuration"]
    for where in (m, c):
        assert (where["vcpu"], where["memory"], where["disk_size"]) == (2, 512, 3), where
        assert where["image"] == "other-0.1.0" and where["no_tee"] is False, where
        assert where["kms_urls"] == ["https://k:1"] and where["gateway_urls"] == ["https://g:2"], where
        assert where["networks"][0]["mode"] == "user", where
        assert where["app_id"] == app_id, "the app is the same, whatever its new compose file"
    assert m["port_map"] == [{"address": "127.0.0.1", "protocol": "tcp", "from": a, "to": 80}]
    assert c["ports"] == [port(a)] and c["compose_file"] == new and c["user_config"] == "u"
    assert read(vid, "shared/app-compose.json") == new.encode()
    assert read(vid, "shared/.encrypted-env") == b"\x00\xff" and read(vid, "shared/.user-config") == b"u"
    assert os.lstat(f"{root}/{vid}/shared/.encrypted-env").st_mode & 0o777 == 0o600
    # what is not named stays; lists with their flag are emptied
    assert d.rpc("UpgradeApp", {"id": vid, "user_config": "u2", "update_ports": True, "update_kms_urls": True}) == {"id": ""}
    m = manifest(vid)
    assert m["port_map"] == [] and m["kms_urls"] == [] and m["gateway_urls"] == ["https://g:2"] and m["vcpu"] == 2, m
    assert read(vid, "shared/app-compose.json") == new.encode() and read(vid, "shared/.user-config") == b"u2"
    d.rpc("UpdateVm", {"id": vid, "clear_user_config": True, "clear_encrypted_env": True, "update_networking": True})
    assert sorted(os.listdir(f"{root}/{vid}/shared")) == [".instance-info", ".instance_info", "app-compose.json"]
    assert "networks" not in manifest(vid) and info(vid)["configuration"]["networks"] == []
    notes = [e["body"] for e in info(vid)["events"] if e["event"] == "vmm.updated"]
    assert notes[1] == "port_map, kms_urls, user-config" and notes[2] == "networks, encrypted-env, user-config", notes
    remove(vid)


def test_nothing_to_change_changes_nothing():
    vid = make(user_config="u")
    d.rpc("UpdateVm", {"id": vid, "memory": 300})
    before = everything(vid)
    text = read(vid, "shared/app-compose.json").decode()
    for again in ({}, {"memory": 300}, {"compose_file": text, "user_config": "u"}, {"update_ports": True},
                  {"clear_encrypted_env": True}, {"no_tee": True, "image": IMAGE}):
        d.rpc("UpdateVm", {"id": vid, **again})
        assert everything(vid) == before, again
    remove(vid)


def test_refusals_change_no_byte():
    other_port = free_port()
    vid, other = make(user_config="u"), make(ports=[port(other_port)])
    make_disk(vid, 1)
    good = {"memory": 1024, "user_config": "other", "compose_file": compose(pre_launch_script="x"), "encrypted_env": "aa"}
    before = everything(vid), info(vid)
    for wrong, *words in (
            ({"vcpu": 0}, "vcpu must be greater than zero"), ({"memory": 0}, "memory must be greater than zero"),
            ({"disk_size": 0}, "disk_size must be greater than zero"), ({"vcpu": 5}, "vcpu", "4"),
            ({"memory": 4097}, "memory", "4096 MiB"), ({"disk_size": 9}, "disk_size", "8 GiB"),
            ({"image": ""}, "image must not be empty"), ({"image": "../x"}, "Invalid image name"),
            ({"image": "nothere"}, "Failed to load VM: Failed to load image", "nothere"),
            ({"compose_file": "{"}, "app compose"), ({"compose_file": compose(key_provider="tpm")}, "tpm"),
            ({"compose_file": compose(verity_volumes=[{"source": "v", "root": "00" * 32, "target": "/v"}])}, "olumes"),
            ({"gpus": {"attach_mode": "some"}}, "Invalid GPU attach mode: some"),
            ({"update_networking": True, "networks": [{"mode": "tap"}]}, "unsupported networking mode 'tap'"),
            ({"encrypted_env": "00" * (256 * 1024 + 1)}, "encrypted_env", "256 KiB"),
            ({"clear_user_config": True}, "user_config"),
            ({"update_kms_urls": True, "kms_urls": ["x"] * 65}, "kms_urls"),
            ({"update_ports": True, "ports": [port(80)]}, "Port mapping is not allowed for tcp:80"),
            ({"update_ports": True, "ports": [port(0)]}, "Invalid host port: 0"),
            ({"update_ports": True, "ports": [port(20001), port(20001)]}, "duplicate host port mapping"),
            ({"update_ports": True, "ports": [port(other_port)]}, f"conflicts with VM {other}"),
            ({"update_ports": True, "ports": [{**port(20001), "host_address": "x"}]}, "Invalid host address: x")):
        d.fails("UpdateVm", {"id": vid, **good, **wrong}, *words)
        assert (everything(vid), info(vid)) == before, wrong
    with socket.socket() as s:
        taken = free_port()
        s.bind(("127.0.0.1", taken))
        s.listen()
        d.fails("UpdateVm", {"id": vid, "update_ports": True, "ports": [port(taken)]}, "taken by ", "(process ")
    d.fails("UpdateVm", {"id": "../x"}, "invalid VM id")
    d.fails("UpdateVm", {"id": "11111111-1111-4111-8111-111111111111", "memory": 1}, "VM not found")
    # a disk that cannot be grown takes the whole update back
    with open(f"{root}/{vid}/hda.img", "wb") as f:
        f.write(b"no disk" * 100)
    before = everything(vid), info(vid)
    d.fails("UpdateVm", {"id": vid, **good, "disk_size": 2}, "Failed to resize disk", "not a qcow2")
    assert (everything(vid), info(vid)) == before
    remove(vid, other)


def test_ports_that_are_switched_off():
    vid = make()
    d.stop()
    with open(d.config, encoding="utf-8") as f:
        text = f.read()
    with open(d.config, "w", encoding="utf-8") as f:
        f.write(text.replace("port_mapping: {", "port_mapping: { enabled: false,"))
    d.start()
    d.fails("UpdateVm", {"id": vid, "update_ports": True, "ports": [port(20001)]}, "Port mapping is disabled")
    d.rpc("UpdateVm", {"id": vid, "update_ports": True, "ports": []})
    d.stop()
    with open(d.config, "w", encoding="utf-8") as f:
        f.write(text)
    d.start()
    remove(vid)


def test_resize():
    vid = make()
    before = everything(vid)
    d.fails("ResizeVm", {"id": vid}, "resize request contains no updates")
    d.fails("ResizeVm", {"id": vid, "vcpu": 0}, "vcpu must be greater than zero")
    d.fails("ResizeVm", {"id": vid, "image": ""}, "image must not be empty")
    d.fails("ResizeVm", {"id": "11111111-1111-4111-8111-111111111111", "vcpu": 1}, "not found")
    assert everything(vid) == before
    assert d.rpc("ResizeVm", {"id": vid, "vcpu": 2, "memory": 512, "disk_size": 2, "image": "other-0.1.0"}) is None
    assert not os.path.exists(f"{root}/{vid}/hda.img"), "it is made at the first start, of the new size"
    make_disk(vid, 2)
    d.rpc("ResizeVm", {"id": vid, "disk_size": 4})
    assert disk_gib(vid) == 4 and manifest(vid)["disk_size"] == 4 and manifest(vid)["vcpu"] == 2
    before = everything(vid)
    d.fails("ResizeVm", {"id": vid, "disk_size": 3}, "Cannot shrink disk size")
    assert everything(vid) == before and disk_gib(vid) == 4
    remove(vid)


def test_a_running_vm_changes_at_its_next_start():
    a, b = free_port(), free_port()
    vid = make(image=HALT, memory=128, ports=[port(a)], stopped=False)
    third = make()
    assert info(vid)["status"] == "running" and info(vid)["is_outdated"] is False
    d.fails("ResizeVm", {"id": vid, "vcpu": 2}, f"vm should be stopped before resize: {vid}")
    before = everything(vid)
    d.fails("UpdateVm", {"id": vid, "memory": 0}, "memory must be")
    assert everything(vid) == before
    d.rpc("UpdateVm", {"id": vid, "vcpu": 2, "disk_size": 2, "update_ports": True, "ports": [port(b)]})
    now = info(vid)
    assert now["status"] == "running" and now["is_outdated"] is True and now["configuration"]["vcpu"] == 2, now
    assert now["events"][-1]["body"] == "vcpu, disk_size, port_map; from the next start on", now["events"]
    assert disk_gib(vid) == 1, "QEMU has it open"
    for taken in (a, b):  # what its QEMU still has, and what it will have
        d.fails("UpdateVm", {"id": third, "update_ports": True, "ports": [port(taken)]}, f"conflicts with VM {vid}")
    d.rpc("UpdateVm", {"id": vid, "update_ports": True, "ports": [port(a), port(b)]})
    # a daemon that is restarted knows that it is outdated
    assert d.stop(signal.SIGKILL) == -signal.SIGKILL
    d.start()
    assert info(vid)["status"] == "running" and info(vid)["is_outdated"] is True
    d.rpc("UpdateVm", {"id": vid, "update_ports": True, "ports": [port(b)]})
    d.rpc("StopVm", {"id": vid})
    assert info(vid)["is_outdated"] is False
    d.rpc("StartVm", {"id": vid})
    assert info(vid)["is_outdated"] is False and disk_gib(vid) == 2
    d.rpc("UpdateVm", {"id": third, "update_ports": True, "ports": [port(a)]})
    d.rpc("StopVm", {"id": vid})
    remove(vid, third)


def test_two_at_once_are_both_done_and_the_last_of_one_field_wins():
    vid = make()
    answers = []

    def update(**q):
        answers.append(d.http("POST", "/prpc/UpdateVm?json", json.dumps({"id": vid, **q}).encode())[0])
    threads = [threading.Thread(target=update, kwargs=q) for q in
               [{"memory": 300 + i} for i in range(8)] + [{"vcpu": 3}, {"user_config": "both"}, {"image": "other-0.1.0"}]]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    m = manifest(vid)
    assert answers == [200] * len(threads), answers
    assert m["memory"] in range(300, 308) and m["vcpu"] == 3 and m["image"] == "other-0.1.0", m
    assert info(vid)["configuration"]["memory"] == m["memory"] and read(vid, "shared/.user-config") == b"both"
    remove(vid)


def test_a_vm_that_is_being_removed():
    vid = make()
    # the mark of the removal comes back to a daemon that has not gone on with it
    os.mkdir(f"{root}/{vid}/held")
    subprocess.run(["mount", "-t", "tmpfs", "none", f"{root}/{vid}/held"], check=True)
    try:
        d.rpc("RemoveVm", {"id": vid})
        d.fails("UpdateVm", {"id": vid, "memory": 300}, "VM is being removed")
        wait_for("it cannot go on", lambda: info(vid)["events"][-1]["event"] == "vmm.remove_failed")
        d.fails("UpdateVm", {"id": vid, "memory": 300}, "VM is being removed")
        d.fails("ResizeVm", {"id": vid, "memory": 300}, "VM is being removed")
        assert info(vid)["status"] == "removing"
        wait_for("the removal stops at it", lambda: "is a mount point" in d.log())
    finally:
        subprocess.run(["umount", f"{root}/{vid}/held"], check=True)
    remove(vid)


def test_a_crash_leaves_the_old_vm_or_the_new_one():
    old, new = {"memory": 256, "user_config": "old"}, {"memory": 777, "user_config": "new"}
    vid = make(**old)
    d.rpc("UpdateVm", {"id": vid, **new})
    d.stop()
    # as it is between the decision and the work
    os.rename(f"{root}/{vid}/.prev", f"{root}/{vid}/.next")
    os.mkdir(f"{root}/{vid}/.next-new")
    d.start()
    assert manifest(vid)["memory"] == 256 and read(vid, "shared/.user-config") == b"old"
    assert info(vid)["configuration"]["memory"] == 256 and "finished the update" in d.log()
    assert json.loads(read(vid, ".prev/vm-manifest.json"))["memory"] == 777
    assert not [n for n in os.listdir(f"{root}/{vid}") if n.startswith(".next")]
    # one that is of no use is set aside, and the VM is what it was
    d.stop()
    os.mkdir(f"{root}/{vid}/.next")
    with open(f"{root}/{vid}/.next/vm-manifest.json", "w", encoding="ascii") as f:
        f.write('{"id": "')
    before = everything(vid)
    d.start()
    assert info(vid)["configuration"]["memory"] == 256 and "set aside as .next-refused" in d.log()
    shutil.rmtree(f"{root}/{vid}/.next-refused")
    assert everything(vid) == {k: v for k, v in before.items() if not k.startswith(".next/")}
    remove(vid)


main(d, test_every_field, test_nothing_to_change_changes_nothing, test_refusals_change_no_byte,
     test_ports_that_are_switched_off, test_resize, test_a_running_vm_changes_at_its_next_start,
     test_two_at_once_are_both_done_and_the_last_of_one_field_wins, test_a_vm_that_is_being_removed,
     test_a_crash_leaves_the_old_vm_or_the_new_one)
