# SPDX-License-Identifier: Apache-2.0
"""VMs that are gateways: what other guests are told of them, the addresses that apps get, and who has to start again."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "bad-input")]
import halting_image  # noqa: E402
from scratch import BIN, Daemon, compose, main, vm, wait_for  # noqa: E402

HALT = "halt-0.1.0"
d = Daemon("qemu: { accel: tcg }\nlimits: { vcpu: 4, memory: 4G, disk: 16G, vms: 20 }\n"
           "kms_urls: [ \"https://k.example\" ]\ngateway_urls: [ \"https://of-yaml.example:1\" ]\n")
halting_image.make(f"{d.dir}/s/image", HALT)
FIRST = {"domain": "one.example", "port": 443, "url": "https://10.0.2.2:9001", "admin": "https://127.0.0.1:9002"}
SECOND = {"domain": "two.example", "port": 8443, "url": "https://10.0.2.2:9003", "admin": ""}
made = iter(range(100))


def make(**more):
    return d.rpc("CreateVm", vm(**{"name": f"vm{next(made)}", "image": HALT, "memory": 128, **more}))["id"]


def app(**more):
    return compose(gateway_enabled=True, **more)


def info(vid):
    return d.rpc("GetInfo", {"id": vid})["info"]


def told(vid):
    """What its guest reads of gateways."""
    with open(f"{d.dir}/s/vm/{vid}/shared/.sys-config.json", encoding="utf-8") as f:
        return json.load(f)["gateway_urls"]


def start(vid):
    d.rpc("StartVm", {"id": vid})
    wait_for("it runs", lambda: info(vid)["status"] == "running")
    return told(vid)


def stop(vid):
    d.rpc("StopVm", {"id": vid})
    wait_for("it is down", lambda: info(vid)["status"] == "stopped")


def remove(*vids):
    for vid in vids:
        d.rpc("RemoveVm", {"id": vid})
    for vid in vids:
        wait_for("it is gone", lambda v=vid: not d.rpc("GetInfo", {"id": v})["found"])


def bailey(*args):
    return subprocess.run([f"{BIN}/bailey", "--host", f"unix:{d.socket}", *args], capture_output=True, text=True, check=True,
                          timeout=120).stdout


def test_it_is_kept_and_shown():
    vid = make(gateway_service=FIRST)
    with open(f"{d.dir}/s/vm/{vid}/vm-manifest.json", encoding="utf-8") as f:
        assert json.load(f)["gateway_service"] == FIRST
    assert info(vid)["configuration"]["gateway_service"] == FIRST
    assert d.rpc("GetMeta")["gateway"]["services"] == [FIRST]
    d.rpc("UpdateVm", {"id": vid, "user_config": "x"})
    assert info(vid)["configuration"]["gateway_service"] == FIRST
    d.rpc("UpdateVm", {"id": vid, "update_gateway_service": True, "gateway_service": SECOND})
    assert info(vid)["configuration"]["gateway_service"] == SECOND
    d.rpc("UpdateVm", {"id": vid, "update_gateway_service": True})
    assert info(vid)["configuration"]["gateway_service"] is None and not d.rpc("GetMeta")["gateway"]["services"]
    events = d.http("GET", f"/events?id={vid}")[1].decode()
    assert events.count('"gateway_service"') == 2, events
    remove(vid)


def test_what_is_wrong_with_one_is_said():
    for key, value, word in (("domain", "A.b", "gateway_service.domain"), ("domain", "", "gateway_service.domain"),
                             ("url", "http://g", "gateway_service.url"), ("url", "https://g/x", "gateway_service.url"),
                             ("admin", "https://", "gateway_service.admin"), ("port", 65536, "gateway_service.port")):
        d.fails("CreateVm", vm(gateway_service={**FIRST, key: value}), word)
    vid = make()
    d.fails("UpdateVm", {"id": vid, "update_gateway_service": True, "gateway_service": {**FIRST, "domain": "*"}}, "domain")
    assert info(vid)["configuration"]["gateway_service"] is None
    remove(vid)


def test_guests_are_told_of_them():
    one, two = make(gateway_service=FIRST), make(gateway_service=SECOND, compose_file=app(x="1"))
    wants, plain = make(compose_file=app()), make()
    own = make(compose_file=app(x="2"), gateway_urls=["https://own.example", SECOND["url"]])
    assert start(wants) == ["https://of-yaml.example:1", FIRST["url"], SECOND["url"]]
    assert start(plain) == ["https://of-yaml.example:1"], "its app wants none"
    assert start(own) == ["https://own.example", SECOND["url"], FIRST["url"]], "its own come first, none is there twice"
    assert start(two) == [], "a gateway has no gateway, whatever its app wants"
    assert not any(info(v)["lacks_gateway"] for v in (one, two, wants, plain, own))
    remove(one, two, wants, plain, own)


def test_addresses_of_apps():
    one = make(gateway_service=FIRST)
    usual, listed = make(compose_file=app()), make(compose_file=app(port_policy={"ports": [{"port": 8080}, {"port": 80, "pp": True}]}))
    closed, plain = make(compose_file=app(port_policy={"restrict_mode": True})), make()
    name = lambda v: info(v)["app_id"]  # noqa: E731
    assert info(usual)["addresses"] == [f"https://{name(usual)}.one.example"]
    assert info(listed)["addresses"] == [f"https://{name(listed)}-8080.one.example", f"https://{name(listed)}.one.example"]
    assert info(closed)["addresses"] == info(plain)["addresses"] == info(one)["addresses"] == []
    two = make(gateway_service=SECOND)
    again = make(gateway_service={**SECOND, "url": "https://10.0.2.2:9009"})  # a second gateway of one domain
    own = make(compose_file=app(x="3"), gateway_urls=[SECOND["url"]])
    assert info(usual)["addresses"] == [f"https://{name(usual)}.one.example", f"https://{name(usual)}.two.example:8443"]
    assert info(own)["addresses"] == [f"https://{name(own)}.two.example:8443", f"https://{name(own)}.one.example"], "as it tries them"
    shown = bailey("info", usual)
    assert f"addresses       https://{name(usual)}.one.example, https://{name(usual)}.two.example:8443\n" in shown, shown
    assert "gateway         of *.one.example, port 443; guests register at https://10.0.2.2:9001\n" in bailey("info", one)
    table = bailey("ps")
    assert table.splitlines()[0].endswith("ADDRESS") and f"https://{name(usual)}.one.example" in table, table
    remove(one, two, again)
    assert info(usual)["addresses"] == [] and "ADDRESS" not in bailey("ps")
    remove(usual, listed, closed, plain, own)


def test_who_was_started_before_its_gateway_is_told_so():
    d.stop()
    with open(d.config, encoding="utf-8") as f:
        text = f.read()
    with open(d.config, "w", encoding="utf-8") as f:
        f.write(text.replace("gateway_urls:", "# "))
    d.start()
    early, plain = make(compose_file=app()), make()
    assert start(early) == [] and start(plain) == []
    assert not info(early)["lacks_gateway"], "there is none to register with"
    one = make(gateway_service=FIRST)
    assert info(early)["lacks_gateway"] and not info(plain)["lacks_gateway"]
    assert f"bailey restart {info(early)['name']}" in bailey("info", early)
    assert "(after a restart)" in bailey("ps")
    d.stop()
    d.start()
    assert wait_for("it is known again", lambda: info(early)["status"] == "running") and info(early)["lacks_gateway"]
    stop(early)
    assert not info(early)["lacks_gateway"]
    assert start(early) == [FIRST["url"]] and not info(early)["lacks_gateway"]
    d.rpc("UpdateVm", {"id": one, "update_gateway_service": True, "gateway_service": SECOND})
    assert info(early)["lacks_gateway"], "the one that it knows is no more"
    d.rpc("UpdateVm", {"id": plain, "compose_file": app(x="4")})
    assert info(plain)["lacks_gateway"] and info(plain)["is_outdated"]
    remove(early, plain, one)


def says(vid, event, text):
    """As its guest would."""
    normal, d.socket = d.socket, f"{d.dir}/r/{vid[:8]}/vsock_10000"
    try:
        d.rpc("Notify", {"event": event, "payload": text}, mount="api")
    finally:
        d.socket = normal


def test_a_gateway_that_is_late_is_no_failed_boot():
    vid = make(compose_file=app(), gateway_urls=[FIRST["url"]])
    name = info(vid)["name"]
    follow = subprocess.Popen([f"{BIN}/bailey", "--host", f"unix:{d.socket}", "start", name], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    wait_for("it runs", lambda: info(vid)["status"] == "running")
    wait_for("its calls are heard", lambda: os.path.exists(f"{d.dir}/r/{vid[:8]}/vsock_10000"))
    says(vid, "boot.error", "dstack-gateway registration failed, the app has no ingress route: \x1b[31m it is away")
    seen = ""
    while "no ingress route yet" not in seen:
        seen = follow.stdout.readline()
        assert seen, follow.communicate()
    assert seen.endswith("  no ingress route yet: \\x1b[31m it is away\n"), seen
    assert bailey("ps").split(name, 1)[1].split()[1] == "booting"
    says(vid, "boot.progress", "done")
    out, err = follow.communicate(timeout=120)
    assert follow.returncode == 0 and not err, (follow.returncode, out, err)
    assert f"{name} is up" in out and f"{name}: no ingress route yet: \\x1b[31m it is away; it goes on trying\n" in out, out
    assert bailey("ps").split(name, 1)[1].split()[1] == "up"
    says(vid, "boot.error", "")
    assert bailey("start", name) == f"{name} is running already\n" and "boot error" not in bailey("info", name)
    says(vid, "boot.error", "the main script ended")
    assert bailey("ps").split(name, 1)[1].split()[1] == "failed"
    remove(vid)


main(d, test_it_is_kept_and_shown, test_what_is_wrong_with_one_is_said, test_guests_are_told_of_them, test_addresses_of_apps,
     test_who_was_started_before_its_gateway_is_told_so, test_a_gateway_that_is_late_is_no_failed_boot)
