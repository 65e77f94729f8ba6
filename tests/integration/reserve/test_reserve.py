# SPDX-License-Identifier: Apache-2.0
"""What no two VMs may have, asked for by many at once: names, host ports, CIDs; in one daemon and in two."""
import json
import shutil
import subprocess
import tempfile
import threading

import bailey
import halting_image

CALLERS = 6
COMPOSE = '{"manifest_version":2,"name":"x","runner":"none"}'
APP = "name: {name}\ntee: none\nresources: {{ cpus: 1, memory: 128M, disk: 1G }}\n"

scratch = tempfile.mkdtemp(prefix="b-reserve-", dir="/tmp")
bailey.IMAGE = halting_image.make(scratch, "halt-0.1.0")
host = bailey.Host("qemu: { accel: tcg }\n")


def asked(name, **more):
    return {"name": name, "image": "halt-0.1.0", "vcpu": 1, "memory": 128, "disk_size": 1, "no_tee": True,
            "compose_file": COMPOSE, "stopped": True, **more}


def ask(method, params, on=host):
    """(status, reply) of one call."""
    status, body = on.http("POST", f"/prpc/{method}?json", params, timeout=120)
    return status, json.loads(body)


def create(name, on=host, **more):
    status, reply = ask("CreateVm", asked(name, **more), on)
    assert status == 200, reply
    return reply["id"]


def refused(params, *words, method="CreateVm", on=host):
    status, reply = ask(method, params, on)
    assert status == 400, (status, reply)
    for word in words:
        assert word in reply["error"], f"{reply['error']!r} does not say {word!r}"


def named(name, on=host):
    return [v for v in on.rpc("Status")["vms"] if v["name"] == name and v["status"] != "removing"]


def at_once(n, fn):
    """fn(i) in @n threads that begin together: what each came to."""
    results, gate = [None] * n, threading.Barrier(n)

    def body(i):
        gate.wait()
        results[i] = fn(i)
    threads = [threading.Thread(target=body, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def remove(vm, on=host):
    assert ask("RemoveVm", {"id": vm}, on)[0] == 200
    bailey.wait_for("it is gone", lambda: vm not in [v["id"] for v in on.rpc("Status")["vms"]])


def test_one_of_many_gets_the_name():
    for n in range(3):
        answers = at_once(CALLERS, lambda i: ask("CreateVm", asked(f"many{n}")))
        made = [reply["id"] for status, reply in answers if status == 200]
        assert len(made) == 1, answers
        for status, reply in answers:
            assert status == 200 or (status == 400 and f'"many{n}" is the name of VM {made[0]}' in reply["error"]), reply
        assert [v["id"] for v in named(f"many{n}")] == made
        refused(asked(f"many{n}"), made[0], "unique_names")
        remove(made[0])
        remove(create(f"many{n}"))  # it is free again


def test_a_name_is_free_when_it_was_not_made():
    refused(asked("unmade", image="halt-0.2.0"), "halt-0.2.0")
    at_once(CALLERS, lambda i: ask("CreateVm", asked("unmade", ports=[
        {"protocol": "tcp", "host_address": "192.0.2.1", "host_port": 8080, "vm_port": 80}], stopped=False)))
    bailey.wait_for("none is left", lambda: not named("unmade"))
    remove(create("unmade"))


def test_many_up_of_one_app_make_one_vm():
    app = host.app("twice", APP.format(name="twice"))

    def up(_):
        return subprocess.run([f"{bailey.BIN}/bailey", "--socket", host.socket, "up", "--no-wait", app], timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    for result in at_once(CALLERS, up):
        assert result.returncode == 0, (result.stdout, result.stderr)
    vms = named("twice")
    assert len(vms) == 1 and vms[0]["status"] == "running", vms
    host.bailey("up", "--no-wait", app)
    assert [v["id"] for v in named("twice")] == [vms[0]["id"]]
    remove(vms[0]["id"])


try:
    bailey.run(test_one_of_many_gets_the_name, test_a_name_is_free_when_it_was_not_made,
               test_many_up_of_one_app_make_one_vm)
finally:
    host.close()
    shutil.rmtree(scratch, ignore_errors=True)
