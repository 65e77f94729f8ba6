# SPDX-License-Identifier: Apache-2.0
"""What is on disk: a VM's folder, what is left of a crash, what is someone else's, who has the lock."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scratch import BIN, IMAGE, Daemon, compose, main, vm, wait_for  # noqa: E402

d = Daemon()
root = f"{d.dir}/s/vm"


def read(path):
    with open(path, "rb") as f:
        return f.read()


def mode(path):
    return os.lstat(path).st_mode & 0o7777


def gone(vid):
    return not os.path.exists(f"{root}/{vid}") and d.rpc("GetInfo", {"id": vid})["found"] is False


def test_a_folder_holds_what_was_given_and_is_private():
    text = "{ \"manifest_version\": 2,\r\n\t\"name\": \"app\", \"runner\": \"none\" }\n\n"
    vid = d.rpc("CreateVm", vm(compose_file=text, encrypted_env="00ff", user_config="u\n"))["id"]
    assert read(f"{root}/{vid}/shared/app-compose.json") == text.encode()
    assert read(f"{root}/{vid}/shared/.encrypted-env") == b"\x00\xff"
    assert read(f"{root}/{vid}/shared/.user-config") == b"u\n"
    info = read(f"{root}/{vid}/shared/.instance_info")
    assert info == read(f"{root}/{vid}/shared/.instance-info") and list(json.loads(info)) == ["app_id"]
    manifest = json.loads(read(f"{root}/{vid}/vm-manifest.json"))
    assert manifest["id"] == vid and manifest["image"] == IMAGE and manifest["port_map"] == []
    assert json.loads(read(f"{root}/{vid}/vm-state.json"))["started"] is False
    assert mode(f"{root}/{vid}") == 0o700 and mode(f"{root}/{vid}/shared") == 0o700
    for name in ("vm-manifest.json", "vm-state.json", "events.jsonl", "shared/.encrypted-env"):
        assert mode(f"{root}/{vid}/{name}") == 0o600, name
    d.rpc("RemoveVm", {"id": vid})
    wait_for("it is removed", lambda: gone(vid))


def test_a_start_that_fails_leaves_nothing():
    """CreateVm with a start: the image is spoilt, so that the start finds sums that do not match."""
    path = f"{d.dir}/s/image/{IMAGE}/bzImage"
    with open(path, "ab") as f:
        f.write(b"!")
    before = d.disk()
    d.fails("CreateVm", vm(stopped=False), "image", "bzImage")
    assert d.disk() == before and d.rpc("Status")["total"] == 0

    vid = d.rpc("CreateVm", vm())["id"]
    d.fails("StartVm", {"id": vid}, "Failed to start VM: ", "bzImage")
    info = d.rpc("GetInfo", {"id": vid})["info"]
    assert info["status"] == "stopped" and info["events"][-1]["event"] == "vmm.start_failed", info
    d.rpc("StopVm", {"id": vid})
    d.rpc("RemoveVm", {"id": vid})
    wait_for("it is removed", lambda: gone(vid))
    with open(path, "wb") as f:
        f.write(b"no kernel")


def test_what_a_crash_leaves_is_put_right():
    kept = d.rpc("CreateVm", vm(name="kept"))["id"]
    doomed = d.rpc("CreateVm", vm(name="doomed"))["id"]
    half = "22222222-2222-4222-8222-222222222222"
    assert d.stop(signal.SIGKILL) == -signal.SIGKILL
    open(f"{root}/{doomed}/.removing", "w", encoding="ascii").close()
    os.makedirs(f"{root}/.new-{half}/shared")
    with open(f"{root}/{kept}/.vm-state.json.tmp-0123456789abcdef", "w", encoding="ascii") as f:
        f.write("torn")
    with open(f"{root}/{kept}/events.jsonl", "a", encoding="ascii") as f:
        f.write('{"seq": 9, "eve')
    d.start()
    wait_for("the removal is finished", lambda: gone(doomed))
    assert not os.path.exists(f"{root}/.new-{half}")
    assert not [n for n in os.listdir(f"{root}/{kept}") if ".tmp-" in n]
    info = d.rpc("GetInfo", {"id": kept})["info"]
    assert info["name"] == "kept" and [e["event"] for e in info["events"]] == ["vmm.created"], info
    d.rpc("RemoveVm", {"id": kept})
    wait_for("it is removed", lambda: gone(kept))


def test_what_is_not_ours_is_left_alone():
    strange = {"notes": None, "some-folder": {}, ".new-not an id": {}, "33333333-3333-4333-8333-333333333333": {"x": "y"},
               "44444444-4444-4444-8444-444444444444": {"vm-manifest.json": json.dumps({"id": "other"})}}
    d.stop()
    for name, files in strange.items():
        if files is None:
            with open(f"{root}/{name}", "w", encoding="ascii") as f:
                f.write("mine")
            continue
        os.mkdir(f"{root}/{name}")
        for path, text in files.items():
            with open(f"{root}/{name}/{path}", "w", encoding="ascii") as f:
                f.write(text)
    before = d.disk()
    d.start()
    assert d.disk() == before and d.rpc("Status")["total"] == 0
    for name in strange:
        assert f"'{name}'" in d.log(), name
    d.stop()
    subprocess.run(["rm", "-r", "--"] + [f"{root}/{n}" for n in strange], check=True)
    d.start()


def test_a_vm_of_dstack_is_adopted():
    """A folder as dstack writes it, with none of our own keys."""
    vid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    d.stop()
    os.makedirs(f"{root}/{vid}/shared")
    with open(f"{root}/{vid}/vm-manifest.json", "w", encoding="ascii") as f:
        json.dump({"id": vid, "name": "web", "app_id": "434bc71340e4e07f64c528c878b99b62a2899939", "vcpu": 2,
                   "memory": 2048, "disk_size": 20, "image": IMAGE, "created_at_ms": 1785500000000,
                   "port_map": [{"address": "127.0.0.1", "protocol": "tcp", "from": 28080, "to": 80}]}, f)
    with open(f"{root}/{vid}/shared/app-compose.json", "w", encoding="ascii") as f:
        f.write(compose())
    d.start()
    info = d.rpc("GetInfo", {"id": vid})["info"]
    assert info["status"] == "stopped" and info["configuration"]["ports"][0]["host_port"] == 28080, info
    assert info["interfaces"][0]["mac"] == "16:36:2f:56:63:87", info["interfaces"]
    d.rpc("RemoveVm", {"id": vid})
    wait_for("it is removed", lambda: gone(vid))


def test_a_second_daemon_is_told_who_has_the_lock():
    second = subprocess.run([f"{BIN}/baileyd", "--config", d.config], capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1 and f"process {d.process.pid}" in second.stderr, second
    assert d.rpc("Version"), "the first one goes on, with its socket"


def test_options():
    def baileyd(*args):
        return subprocess.run([f"{BIN}/baileyd", *args], capture_output=True, text=True, timeout=120, check=False)
    assert baileyd("--version").stdout == "baileyd 0.1.0\n"
    assert baileyd("--help").stdout.startswith("usage: baileyd")
    assert baileyd("--nothing").returncode == 2 and baileyd("extra").returncode == 2
    assert baileyd("--config", d.config, "--check-config").stdout == "configuration is valid\n"
    assert json.loads(baileyd("--config", d.config, "--print-config").stdout)["state"] == f"{d.dir}/s"
    bad = f"{d.dir}/bad.yaml"
    with open(bad, "w", encoding="ascii") as f:
        f.write("state: /x\nlimit: {}\n")
    r = baileyd("--config", bad, "--check-config")
    assert r.returncode == 1 and f"{bad}:2: limit" in r.stderr, r
    assert baileyd("--config", f"{d.dir}/not-there").returncode == 1


main(d, test_a_folder_holds_what_was_given_and_is_private, test_a_start_that_fails_leaves_nothing,
     test_what_a_crash_leaves_is_put_right, test_what_is_not_ours_is_left_alone, test_a_vm_of_dstack_is_adopted,
     test_a_second_daemon_is_told_who_has_the_lock, test_options)
