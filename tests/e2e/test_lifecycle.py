# SPDX-License-Identifier: Apache-2.0
"""A YAML file becomes a running VM that can be used, looked into and stopped; two at once."""
import json

import bailey

HELLO = """\
name: {name}
tee: none
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
ports:
  - {{ host: "127.0.0.1:{port}", guest: 8080 }}
  - {{ host: "127.0.0.1:{agent}", guest: 8090 }}
app:
  runner: bash
  script: |
    mkdir -p /tmp/www
    echo "page of {name}" > /tmp/www/index.html
    exec busybox httpd -f -p 8080 -h /tmp/www
"""

host = bailey.Host()


def up(name):
    port, agent = bailey.free_port(), bailey.free_port()
    path = host.app(name, HELLO.format(name=name, port=port, agent=agent))
    out = host.bailey("up", path).stdout
    assert "no TEE" in out, f"a VM without a TEE must be marked so: {out}"
    return port, agent


def gone(name, before):
    """No process or socket of the VM is left."""
    left = bailey.processes_naming(before["id"]) + bailey.processes_naming(before["id"][:8])
    return not left or None


def test_up_done_page_guest_api_stop():
    port, agent = up("web")
    info = host.info("web")
    assert info["status"] == "running" and info["boot_progress"] == "done", info
    assert info["boot_error"] == "" and info["instance_id"], info
    status, body = bailey.wait_for("the app's page", lambda: bailey.http_get(port))
    assert (status, body) == (200, b"page of web\n"), (status, body)
    status, body = bailey.wait_for("the guest's dashboard", lambda: bailey.http_get(agent))
    assert status == 200 and info["app_id"].encode() in body, body[:400]

    sysinfo = host.rpc("SysInfo", {"id": info["id"]}, mount="guest")
    assert sysinfo["num_cpus"] == 1 and sysinfo["total_memory"] > 200 << 20, sysinfo
    net = host.rpc("NetworkInfo", {"id": info["id"]}, mount="guest")
    assert any(i["name"] == "eth0" and i["addresses"] for i in net["interfaces"]), net
    seen = host.rpc("Info", {"id": info["id"]}, mount="guest")
    assert seen["app_id"] == info["app_id"] and seen["instance_id"] == info["instance_id"], seen
    assert host.rpc("ListContainers", {"id": info["id"]}, mount="guest") == {"containers": []}

    order = [e["body"] for e in info["events"] if e["event"] == "boot.progress"]
    assert order[-1] == "done" and "running main script" in order, order
    assert "page of web" not in host.serial("web")
    host.bailey("stop", "web")
    assert host.info("web")["status"] == "stopped"
    host.wait_event("web", "shutdown.progress", "powering off")
    bailey.wait_for("nothing of it is left", lambda: gone("web", info), 60)

    host.bailey("start", "web")
    bailey.wait_for("done again", lambda: host.info("web")["boot_progress"] == "done")
    assert bailey.wait_for("page again", lambda: bailey.http_get(port))[0] == 200
    host.bailey("kill", "web")
    host.wait_status("web", "stopped")
    host.bailey("rm", "-f", "web")
    bailey.wait_for("it is removed", lambda: not host.rpc("Status")["vms"], 60)
    bailey.wait_for("nothing of it is left", lambda: gone("web", info), 60)


def test_two_vms_at_once():
    ports = {name: up(name)[0] for name in ("one", "two")}
    for name, port in ports.items():
        assert bailey.wait_for(name, lambda p=port: bailey.http_get(p)) == (200, f"page of {name}\n".encode())
    rows = json.loads(host.bailey("ps", "--json").stdout)
    assert len(rows) == 2, rows
    assert host.info("one")["instance_id"] != host.info("two")["instance_id"]
    assert host.qemu("one") != host.qemu("two")
    for name in ports:
        host.bailey("kill", name)
        host.bailey("rm", "-f", name)


def test_guest_powers_itself_off():
    path = host.app("brief", "name: brief\ntee: none\nresources: { cpus: 1, memory: 512M, disk: 1G }\n"
                    "app:\n  runner: bash\n  script: |\n    echo the script ran\n    sleep 2\n    echo o > /proc/sysrq-trigger\n")
    host.bailey("up", "--no-wait", path)
    bailey.wait_for("it ends by itself", lambda: host.info("brief")["status"] in ("exited", "stopped"))
    assert "the script ran" in host.serial("brief")
    host.bailey("rm", "-f", "brief")


try:
    bailey.run(test_up_done_page_guest_api_stop, test_two_vms_at_once, test_guest_powers_itself_off)
finally:
    host.close()
