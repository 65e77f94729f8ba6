# SPDX-License-Identifier: Apache-2.0
"""Two daemons of one host give no CID and no host port twice, whichever of them is there, was killed, or came later."""
import json
import os
import shutil
import signal
import socket
import stat
import tempfile

import bailey
import halting_image

COMPOSE = '{"manifest_version":2,"name":"x","runner":"none"}'
scratch = tempfile.mkdtemp(prefix="b-two-", dir="/tmp")
REGISTRY = f"{scratch}/h"
EXTRA = f"qemu: {{ accel: tcg }}\nhost_registry: {REGISTRY}\nvsock: {{ cids: 300 }}\n"
bailey.IMAGE = halting_image.make(scratch, "halt-0.1.0")
one, two = bailey.Host(EXTRA), bailey.Host(EXTRA)


def ask(on, method, params):
    status, body = on.http("POST", f"/prpc/{method}?json", params, timeout=120)
    return status, json.loads(body)


def port(number, address="127.0.0.1"):
    return {"protocol": "tcp", "host_address": address, "host_port": number, "vm_port": 80}


def asked(name, number=None, **more):
    return {"name": name, "image": "halt-0.1.0", "vcpu": 1, "memory": 64, "disk_size": 1, "no_tee": True,
            "compose_file": COMPOSE, "stopped": True, "ports": [port(number)] if number else [], **more}


def create(on, name, number=None, **more):
    status, reply = ask(on, "CreateVm", asked(name, number, **more))
    assert status == 200, reply
    return reply["id"]


def refused(on, method, params, *words):
    status, reply = ask(on, method, params)
    assert status == 400, (status, reply)
    for word in words:
        assert word in reply["error"], f"{reply['error']!r} does not say {word!r}"


def remove(on, vm):
    assert ask(on, "RemoveVm", {"id": vm})[0] == 200
    bailey.wait_for("it is gone", lambda: vm not in [v["id"] for v in on.rpc("Status")["vms"]])


def state(on, vm):
    with open(f"{on.dir}/s/vm/{vm}/vm-state.json", encoding="utf-8") as f:
        return json.load(f)


def edit(on, vm, name, change):
    path = f"{on.dir}/s/vm/{vm}/{name}"
    with open(path, encoding="utf-8") as f:
        doc = json.load(f)
    change(doc)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(doc, f)


def claims():
    """What each daemon says in the registry."""
    found = {}
    for name in os.listdir(REGISTRY):
        try:
            with open(f"{REGISTRY}/{name}/claims", encoding="utf-8") as f:
                found[name] = f.read()
        except OSError:
            pass
    return found


def runs(on, vm):
    return [v["status"] for v in on.rpc("Status")["vms"] if v["id"] == vm] == ["running"]


def test_cids_differ():
    vms = [(on, create(on, f"cid{i}")) for i in range(3) for on in (one, two)]
    cids = [state(on, vm)["cid"] for on, vm in vms]
    assert len(set(cids)) == len(cids), cids
    for on, vm in vms:
        remove(on, vm)


def test_a_port_of_another_daemons_stopped_vm_is_not_given():
    number = bailey.free_port()
    vm = create(one, "has the port", number)
    for address in ("127.0.0.1", "0.0.0.0"):
        refused(two, "CreateVm", asked("wants it", ports=[port(number, address)]), f":{number} belongs to VM",
                "has the port", vm[:8], f"process {one.daemon.pid}", f"{one.dir}/s", "choose another")
    other = create(two, "changes", bailey.free_port())
    refused(two, "UpdateVm", {"id": other, "update_ports": True, "ports": [port(number)]}, "has the port", vm[:8])
    udp = create(two, "udp", ports=[{**port(number), "protocol": "udp"}])  # is another port
    remove(one, vm)
    assert ask(two, "UpdateVm", {"id": other, "update_ports": True, "ports": [port(number)]})[0] == 200
    refused(one, "CreateVm", asked("wants it back", number), "changes", other[:8])
    remove(two, other)
    remove(two, udp)


def test_a_running_vm_keeps_its_own_when_its_daemon_is_killed():
    number, free = bailey.free_port(), bailey.free_port()
    vm = create(one, "runs", number, stopped=False)
    stopped = create(one, "does not run", free)
    qemu = bailey.processes_naming(vm)
    assert qemu
    bailey.wait_for("its QEMU is told of", lambda: any(f"vm {vm} {state(one, vm)['cid']} 1 {pid} " in text
                                                       for pid in qemu for text in claims().values()))
    one.stop(signal.SIGKILL)
    refused(two, "CreateVm", asked("wants it", number), f":{number} belongs to VM", '"runs"', "still runs")
    other = create(two, "beside")
    assert state(two, other)["cid"] != state(one, vm)["cid"]
    # what did not run is nobody's while its daemon is dead; who comes back sees what became of it
    taker = create(two, "takes it", free)
    one.start()
    assert runs(one, vm)
    refused(one, "StartVm", {"id": stopped}, f":{free} belongs to VM", "takes it", taker[:8])
    assert f"host port tcp 127.0.0.1:{free} belongs to VM" in one.log()
    refused(two, "CreateVm", asked("wants it", number), '"runs"', f"process {one.daemon.pid}")
    remove(two, taker)
    assert ask(one, "StartVm", {"id": stopped})[0] == 200
    for on, gone in ((one, vm), (one, stopped), (two, other)):
        remove(on, gone)
    assert len(claims()) == 2, "what a daemon left is swept by its next life"


def test_one_cid_on_file_twice_is_one_vms():
    first, second = create(one, "first"), create(two, "second")
    cid = state(one, first)["cid"]
    two.stop()
    edit(two, second, "vm-state.json", lambda s: s.update(cid=cid))
    two.start()
    assert f" {cid} " not in "".join(text for text in claims().values() if second in text)
    assert ask(two, "StartVm", {"id": second})[0] == 200
    assert state(two, second)["cid"] != cid and state(one, first)["cid"] == cid
    remove(one, first)
    remove(two, second)


def test_cids_on_file_are_put_right():
    """As a removal that was cut off, or a copied folder, leaves them: none, and one twice."""
    vms = [create(one, f"file{i}") for i in range(4)]
    cids = [state(one, vm)["cid"] for vm in vms]
    one.stop()
    edit(one, vms[0], "vm-state.json", lambda s: s.pop("cid"))
    edit(one, vms[2], "vm-state.json", lambda s: s.update(cid=cids[1]))
    one.start()

    def on_file():
        now = [state(one, vm).get("cid") for vm in vms]
        return None not in now and len(set(now)) == len(now) and now
    now = bailey.wait_for("each has its own on file", on_file)
    assert now[1] == cids[1] and now[3] == cids[3], (cids, now)
    for vm in vms:
        remove(one, vm)


def test_who_took_a_port_is_named():
    number = bailey.free_port()
    vm = create(one, "late", number)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", number))
        s.listen()
        refused(one, "StartVm", {"id": vm}, f"127.0.0.1:{number} is taken by ", f"(process {os.getpid()})")
        refused(two, "CreateVm", asked("another", number), "late", vm[:8])  # who reserved it, not who uses it
    # two on file of one daemon, as a copied manifest makes them
    twin = create(one, "twin", bailey.free_port())
    one.stop()
    edit(one, twin, "vm-manifest.json", lambda m: m["port_map"][0].update({"from": number}))
    one.start()
    assert ask(one, "StartVm", {"id": vm})[0] == 200
    refused(one, "StartVm", {"id": twin}, f"conflicts with VM {vm}", "late", str(number))
    remove(one, vm)
    remove(one, twin)


def test_the_registry_is_others_bytes():
    number = bailey.free_port()
    os.mkdir(f"{REGISTRY}/{'a' * 16}")
    os.mkdir(f"{REGISTRY}/{'b' * 16}")
    os.symlink("/etc", f"{REGISTRY}/{'c' * 16}")
    os.mkfifo(f"{REGISTRY}/{'a' * 16}/lock")
    os.mkfifo(f"{REGISTRY}/{'a' * 16}/claims")
    hostile = (f"bailey-claims 1\ndaemon {os.getpid()} \x1b[2J/s\nvm x 1000 1 {os.getpid()} 0 \x1b]0;%s%n\n"
               f"port tcp {number} 127.0.0.1\nvm ../../x 1 1 1 1 n\n")
    with open(f"{REGISTRY}/{'b' * 16}/claims", "w", encoding="utf-8") as f:
        f.write(hostile)
    refused(one, "CreateVm", asked("x", number), "belongs to VM", "\\x1b]0;%s%n", "still runs")
    vm = create(one, "y")
    assert state(one, vm)["cid"] != 1000, "one more may be claimed than is had, but not less"
    remove(one, vm)
    shutil.rmtree(f"{REGISTRY}/{'a' * 16}")
    shutil.rmtree(f"{REGISTRY}/{'b' * 16}")
    os.unlink(f"{REGISTRY}/{'c' * 16}")


def test_without_a_registry_it_goes_on():
    two.stop()
    os.chmod(REGISTRY, 0o777)  # anybody could delete what is there
    two.start()
    assert "chmod +t" in two.log() and "not reserved against" in two.log()
    remove(two, create(two, "alone"))
    os.chmod(REGISTRY, 0o1777)
    bailey.wait_for("it is there again", lambda: len(claims()) == 2 or not remove(two, create(two, "again")))
    shutil.rmtree(REGISTRY)  # somebody cleaned up
    vm = create(one, "afresh")
    assert any(vm in text for text in claims().values())
    assert stat.S_IMODE(os.stat(REGISTRY).st_mode) == 0o1777
    remove(one, vm)


def test_a_clean_end_leaves_nothing():
    one.stop()
    two.stop()
    assert os.listdir(REGISTRY) == []
    one.start()
    two.start()


try:
    bailey.run(test_cids_differ, test_a_port_of_another_daemons_stopped_vm_is_not_given,
               test_a_running_vm_keeps_its_own_when_its_daemon_is_killed, test_one_cid_on_file_twice_is_one_vms,
               test_cids_on_file_are_put_right,
               test_who_took_a_port_is_named, test_the_registry_is_others_bytes, test_without_a_registry_it_goes_on,
               test_a_clean_end_leaves_nothing)
finally:
    two.close()
    one.close()
    shutil.rmtree(scratch, ignore_errors=True)
