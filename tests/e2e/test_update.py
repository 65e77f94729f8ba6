# SPDX-License-Identifier: Apache-2.0
"""An app is changed by `bailey up`: its guest boots again with the new compose hash, its disk and its id."""
import hashlib
import json
import subprocess

import bailey

APP = """\
name: web
tee: none
resources: {{ cpus: 1, memory: 512M, disk: {disk}G }}
ports: [ {{ host: "127.0.0.1:{port}", guest: 8080 }} ]
app:
  runner: bash
  script: |
    mkdir -p /tmp/www
    echo "page {page}" > /tmp/www/index.html
    exec busybox httpd -f -p 8080 -h /tmp/www
"""

host = bailey.Host()


def page(port, text):
    return bailey.wait_for(f"page {text}", lambda: (bailey.http_get(port) or (0, b""))[1] == f"page {text}\n".encode())


def measured(vid):
    """The compose hash that the guest measured, as its agent tells it."""
    return json.loads(host.rpc("Info", {"id": vid}, mount="guest")["tcb_info"])["compose_hash"]


def test_up_changes_a_running_app():
    first, second = bailey.free_port(), bailey.free_port()
    path = host.app("web", APP.format(disk=1, port=first, page="one"))
    host.bailey("up", path)
    page(first, "one")
    before = host.info("web")

    host.app("web", APP.format(disk=2, port=second, page="two"))
    told = json.loads(host.bailey("compose", "hash", "-j", path).stdout)["compose_hash"]
    out = host.bailey("up", path).stdout
    page(second, "two")
    assert "compose hash" in out and "disk" in out and "web is up: " in out, out
    assert bailey.http_get(first) is None, "the old port is given back"
    after = host.info("web")
    assert after["id"] == before["id"] and after["app_id"] == before["app_id"] and not after["is_outdated"], after
    with open(f"{host.vmdir('web')}/shared/app-compose.json", "rb") as f:
        assert hashlib.sha256(f.read()).hexdigest() == told
    assert measured(after["id"]) == told
    disk = subprocess.run(["qemu-img", "info", "-U", "--output=json", f"{host.vmdir('web')}/hda.img"],
                          check=True, capture_output=True).stdout
    assert json.loads(disk)["virtual-size"] == 2 << 30
    again = host.bailey("up", path).stdout
    assert again.startswith("web: nothing changed\n"), again


try:
    bailey.run(test_up_changes_a_running_app)
finally:
    host.close()
