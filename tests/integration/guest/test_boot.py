# SPDX-License-Identifier: Apache-2.0
"""bailey-guest in a real kernel: what it tells a good host, and how it stops under a bad one."""
import atexit
import hashlib
import json
import shutil
import tempfile

import testlib
from host import Guest, wait_for

SYS_CONFIG = json.dumps({"host_api_url": "vsock://2:10000/api", "vm_config": "{}"}).encode()
APP_ID = "11" * 20

scratch = tempfile.mkdtemp(prefix="b-guest-image-")
atexit.register(shutil.rmtree, scratch)
image = testlib.build(scratch)


def share(compose, **more):
    """The files of a share; in names, _ at the start is a dot and _ inside is a dash."""
    if isinstance(compose, dict):
        compose = json.dumps({"manifest_version": "3", "name": "t<est>", "runner": "bash",
                              **compose}).encode()
    files = {"app-compose.json": compose, ".sys-config.json": SYS_CONFIG}
    files.update({"." + k.lstrip("_"): v for k, v in more.items()})
    return files


def progress(guest):
    return [p for e, p in guest.notices if e == "boot.progress"]


def test_boot_to_done_agent_and_shutdown():
    files = share({"public_sysinfo": True, "event_log_version": 2,
                   "init_script": ["A=1; echo init-$A", "echo second-$A"],
                   "pre_launch_script": "export FROM_PRE=yes",
                   "bash_script": "trap 'echo app ends; exit 0' TERM; echo main-$FROM_PRE; "
                                  "cat /dstack/user_config; while :; do sleep 1; done"},
                  _instance_info=json.dumps({"app_id": APP_ID}).encode())
    files[".user-config"] = b"user text\n"
    with Guest(image, files) as guest:
        guest.wait_notice("boot.progress", "done")
        assert progress(guest) == ["requesting app keys", "init-script", "pre-launch",
                                   "running main script", "done"], guest.notices
        told = json.loads([p for e, p in guest.notices if e == "instance.info"][0])
        assert told["app_id"] == APP_ID and len(told["instance_id_seed"]) == 40
        made = hashlib.sha256(bytes.fromhex(told["instance_id_seed"] + APP_ID)).hexdigest()
        assert told["instance_id"] == made[:40], told
        for line in ("init-1", "second-1", "main-yes", "user text"):
            assert line in guest.serial(), guest.serial()

        status, info = guest.call("Info")
        assert status == 200 and info["app_id"] == APP_ID, info
        assert info["instance_id"] == told["instance_id"]
        check_events(json.loads(info["tcb_info"])["event_log"], files["app-compose.json"], told)
        assert guest.call("SysInfo")[1]["num_cpus"] == 1
        network = guest.call("NetworkInfo")[1]
        assert network["interfaces"][0]["name"] == "eth0", network
        assert {"address": "10.0.2.15", "prefix": 24} in network["interfaces"][0]["addresses"]
        assert network["dns_servers"] == ["10.0.2.3"] and network["gateways"], network
        assert guest.call("ListContainers")[1] == {"containers": []}
        assert guest.call("Nothing") == (400, {"error": "Service not found: Nothing"})
        check_public(guest)

        assert guest.call("Shutdown") == (200, None)
        guest.wait_off()
        assert guest.notices[-1] == ("shutdown.progress", "powering off"), guest.notices
        assert "app ends" in guest.serial()
        assert guest.count("boot.error") == 0


def check_events(events, compose, told):
    """Names and order as dstack has them; digests of version 2 made anew here."""
    want = [("system-preparing", ""), ("app-id", APP_ID),
            ("compose-hash", hashlib.sha256(compose).hexdigest()),
            ("init-script-hash", hashlib.sha256(b"A=1; echo init-$A").hexdigest()),
            ("init-script-hash", hashlib.sha256(b"echo second-$A").hexdigest()),
            ("gpu-policy-hash", hashlib.sha256(b"{}").hexdigest()),
            ("instance-id", told["instance_id"]), ("boot-mr-done", ""),
            ("key-provider", b'{"name":"none","id":""}'.hex()), ("system-ready", "")]
    assert [(e["event"], e["event_payload"]) for e in events] == want, events
    for e in events:
        text = json.dumps({"name": e["event"], "payload": e["event_payload"], "type": 134217729},
                          separators=(",", ":"), sort_keys=True)
        assert e["digest"] == hashlib.sha384(text.encode()).hexdigest(), e
        assert e["imr"] == 3 and e["version"] == 2


def check_public(guest):
    status, head, page = guest.get("/")
    assert status == 200 and "X-App-Version: v0.6.0" in head, head
    assert "no TEE: not confidential" in page and APP_ID in page
    assert "<est>" not in page and "t&lt;est&gt;" in page
    assert json.loads(guest.get("/prpc/Worker.Version")[2])["version"] == "0.6.0"
    assert json.loads(guest.get("/prpc/Info")[2])["app_name"] == "t<est>"
    assert "system_num_cpus 1\n" in guest.get("/metrics")[2]
    assert guest.get("/prpc/Shutdown")[0] == 400, "the public may not shut the guest down"
    assert guest.get("/api/Shutdown")[0] == 404
    flood = [guest.get("/nothing")[0] for _ in range(400)]
    assert 429 in flood, "one client asks as often as it likes"


def test_share_by_9p_runner_none():
    with Guest(image, share({"runner": "none"}), nine_p=True) as guest:
        guest.wait_notice("boot.progress", "done")
        assert guest.call("Info")[0] == 200


def test_app_that_ends_is_reported_and_what_it_started_lives():
    script = "(sleep 2; echo background lives; poweroff) & exit 0"
    with Guest(image, share({"bash_script": script})) as guest:
        guest.wait_notice("boot.progress", "done")
        guest.wait_notice("app.exit", "main script exited with status 0")
        guest.wait_off()
        assert "background lives" in guest.serial()
        assert guest.count("shutdown.progress") == 0, "the host did not ask"


def test_app_that_does_not_end_is_killed():
    with Guest(image, share({"bash_script": "trap '' TERM; while :; do sleep 1; done"})) as guest:
        guest.wait_notice("boot.progress", "done")
        guest.call("Shutdown")
        guest.wait_off()
        assert "killing what did not end" in guest.serial()


def test_agent_that_dies_comes_back():
    script = "for p in /proc/[0-9]*; do grep -qz '^agent$' $p/cmdline && kill -9 ${p#/proc/}; done; sleep 1000"
    with Guest(image, share({"bash_script": script})) as guest:
        guest.wait_notice("boot.progress", "done")
        wait_for("the agent's end", lambda: "agent: it was killed by signal 9" in guest.serial())

        def answers():
            try:
                return guest.call("Info")[0] == 200
            except (AssertionError, OSError, IndexError):
                return False
        wait_for("the agent", answers)


def test_deaf_host_does_not_hold_up_the_boot():
    with Guest(image, share({"bash_script": "sleep 6; poweroff"}), deaf=True) as guest:
        wait_for("done", lambda: "boot.progress: done" in guest.serial())
        guest.wait_off()
        assert "did not take all notices" in guest.serial()


def stops(files, error, security=True, ran=False, **kwargs):
    """A clear boot.error, a security notice where the host broke the rules, and a guest that is off."""
    with Guest(image, files, **kwargs) as guest:
        guest.wait_notice("boot.error", error)
        guest.wait_off()
        assert (guest.count("security.share") > 0) == security, guest.notices
        assert "done" not in progress(guest)
        assert ("app ran" in guest.serial()) == ran, guest.serial()


RUNS = {"bash_script": "echo app ran"}


def test_hostile_shares():
    stops(share(RUNS, _user_config=b"x") | {".instance_info": b'{"app_id":"' + b"a" * 11000 + b'"}'},
          "Source file .instance_info is too large, max size is 10240 bytes")
    stops(share(b'{"manifest_version":"2","name":"a","name":"b","runner":"none"}'),
          "app-compose.json:1: not valid JSON: duplicate object key")
    stops(share(RUNS) | {".sys-config.json": b"{"}, ".sys-config.json")
    stops(share(RUNS) | {".instance_info": b'{"app_id":"1111"}'},
          "Invalid app id length: expected 20 bytes, got 2")
    stops(share(RUNS) | {".instance_info": b"{}", ".instance-info": b'{"app_id":""}'},
          "differ")
    stops(share(RUNS), "two disks are labelled DSTACKSHR", disks=2)


def test_simulators_that_do_not_fit():
    """A simulated TD is held to what it was started for, as a real one is."""
    simulator = {"platform": "dstack-tdx", "bailey": {"mrconfigid": "01" + "ab" * 32 + "00" * 15}}
    stops(share(RUNS) | {".tee-simulator.json": json.dumps(simulator).encode()},
          "MRCONFIGID is of another app than this guest has")
    stops(share(RUNS) | {".tee-simulator.json": b'{"platform":"dstack-sgx"}'}, ".tee-simulator.json")


def test_hostile_links_by_9p():
    stops(share(RUNS) | {".user-config": "/etc/passwd"},
          "Source file .user-config is not a regular file", nine_p=True)
    stops(share(RUNS) | {"app-compose.json": ".sys-config.json"},
          "Source file app-compose.json is not a regular file", nine_p=True)


def test_missing_files():
    files = share(RUNS)
    del files["app-compose.json"]
    stops(files, "Source file app-compose.json does not exist", security=False)
    stops(share(RUNS), "no disk is labelled DSTACKSHR", security=False, disks=0)


def test_apps_that_this_guest_does_not_run():
    stops(share({"runner": "docker-compose", "docker_compose_file": "x"}),
          "runner docker-compose is not supported by this guest yet", security=False)
    stops(share(RUNS | {"key_provider": "kms"}), "key provider kms: app-compose.json does not say which one",
          security=False)
    stops(share(RUNS | {"requirements": {"platforms": ["dstack-tdx"]}}), "runs on no TEE",
          security=False)


def test_keys_that_cannot_be_had():
    stops(share(RUNS) | {".encrypted-env": b"x" * 80}, "Failed to open the environment: .encrypted-env is there, and key "
          "provider none has no key for it", security=False)
    stops(share(RUNS | {"key_provider": "kms", "key_provider_unpinned": True}),
          "Failed to request app keys: a KMS gives keys to who proves itself only: this guest runs on no TEE", security=False)


def test_scripts_that_fail():
    stops(share({"bash_script": "echo app ran; exit 3"}), "main script exited with status 3",
          security=False, ran=True)
    stops(share(RUNS | {"pre_launch_script": "false; true"}),
          "pre-launch script exited with status 1", security=False)
    stops(share(RUNS | {"pre_launch_script": "exit 0"}), "pre-launch script ended the shell",
          security=False)
    stops(share(RUNS | {"init_script": "exit 4"}), "init script exited with status 4",
          security=False)


testlib.run_all(globals())
