# SPDX-License-Identifier: Apache-2.0
"""configs/kms.yaml and configs/apps/secret.yaml: a KMS in a CVM of its own, an app with secrets, a host that has neither

As their operator would complete them, under a simulated TEE.  What was sealed arrives, another value too, the disk is
there again; a compose that was not allowed gets no keys; and the host is searched for the values.
"""
import os
import re

import bailey
import keysworld
import secret_search

TOKEN = "t0ken-that-nobody-may-see"
URL = "postgres://app:s3cret@db.example/prod"

world = keysworld.World()
host = world.host


def lines(name, what):
    return [x for x in host.serial(name).replace("\r", "").splitlines() if what in x]


def secret_yaml(change=lambda text: text):
    """The shipped app under a simulated TEE, with the pins of this KMS."""
    with open(f"{keysworld.SOURCE}/configs/apps/secret.yaml", encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"kms_urls:.*\n", "", text).replace("name: secret\n", "name: secret\ntee: simulated\n")
    return world.write("secret.yaml", change(text) + world.pins())


def keys_of(pins):
    return [x for x in pins.splitlines() if not x.startswith("#")]


def test_a_kms_in_a_cvm_is_pinned_and_keeps_its_keys():
    world.start_kms_cvm()
    pins = world.pins()
    assert "of this root, with a quote" in world.bailey("keys").stdout
    world.write("secret.env", f"API_TOKEN={TOKEN}\nDB_URL='{URL}'\n")
    world.allow(secret_yaml())
    said = world.bailey("up", f"{world.folder}/kms.yaml").stdout  # the new list; nothing that is measured
    assert "user_config" in said and "compose hash" not in said, said
    world.wait_kms()
    assert keys_of(world.pins()) == keys_of(pins)


def test_what_was_sealed_arrives():
    print(world.bailey("up", f"{world.folder}/secret.yaml").stdout)
    bailey.wait_for("the app runs", lambda: lines("secret", f"DB_URL has {len(URL)} characters"))
    assert lines("secret", f"API_TOKEN has {len(TOKEN)} characters") and lines("secret", "boot number 1 of this disk")


def test_another_value_arrives_and_the_disk_stays():
    world.write("secret.env", f"API_TOKEN={TOKEN}-2\nDB_URL='{URL}'\n")
    said = world.bailey("up", f"{world.folder}/secret.yaml").stdout
    assert "sealed anew" in said, said
    bailey.wait_for("the app runs with it", lambda: lines("secret", f"API_TOKEN has {len(TOKEN) + 2} characters"))
    assert lines("secret", "boot number 2 of this disk")


def test_a_changed_compose_gets_no_keys():
    """Though app, disk and environment are the same: its owner did not allow it."""
    path = secret_yaml(change=lambda text: text.replace("of this disk", "of a disk"))
    r = world.bailey("up", path, check=False)
    assert r.returncode != 0 and "compose hash not allowed" in r.stderr + r.stdout, (r.stdout, r.stderr)
    assert not lines("secret", "boot number")


def comm(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
        return f.read().strip()


def test_the_host_has_the_secrets_nowhere():
    os.unlink(world.path("secret.env"))  # the owner's, who is here on the same machine
    s = secret_search.Search({"token": TOKEN, "url": URL, "said by the guest": "compose hash not allowed"})
    s.folder(host.dir)
    s.folder(world.folder)
    vsock = [p for p in bailey.processes_naming(host.dir) if comm(p) == "bailey-vsock"]
    s.all_processes(memory_of={host.daemon.pid, *vsock, *(p.pid for p in world.processes.values())})
    print(s.report(), s.unread)
    assert s.n_files > 20 and s.n_bytes > 100 << 20 and vsock and s.n_mappings > 50, s.report()
    # what is no secret is found; nothing else is
    assert {f.secret for f in s.found} == {"said by the guest"}, [str(f) for f in s.found]


try:
    bailey.run(test_a_kms_in_a_cvm_is_pinned_and_keeps_its_keys, test_what_was_sealed_arrives,
               test_another_value_arrives_and_the_disk_stays, test_a_changed_compose_gets_no_keys,
               test_the_host_has_the_secrets_nowhere)
finally:
    world.close()
