# SPDX-License-Identifier: Apache-2.0
"""The shared folder by disk and by 9p, and what a guest does when its host lies in it."""
import json
import os
import subprocess

import bailey

APP = """\
name: {name}
tee: none
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
user_config: |
  from the operator
app:
  runner: bash
  script: |
    echo "user config: $(cat /dstack/user_config)"
    exec sleep 100000
"""


def share_works(mode):
    host = bailey.Host(f"share: {{ mode: {mode} }}\n")
    try:
        host.bailey("up", host.app("s", APP.format(name="s")))
        assert host.info("s")["boot_progress"] == "done"
        bailey.wait_for("the app reads its file", lambda: "user config: from the operator" in host.serial("s"))
        shared = f"{host.vmdir('s')}/shared"
        seen = {n: open(f"{shared}/{n}", "rb").read() for n in (".instance_info", ".instance-info")}
        assert seen[".instance_info"] == seen[".instance-info"], seen
        assert json.loads(seen[".instance_info"])["app_id"] == host.info("s")["app_id"], seen
    finally:
        host.close()


def test_share_by_disk():
    share_works("disk")


def test_share_by_9p():
    share_works("9p")


def hostile(mode, spoil, want):
    """Create without starting, spoil the folder, start: a clear boot.error, a notice, a VM that stops."""
    host = bailey.Host(f"share: {{ mode: {mode} }}\n")
    try:
        host.bailey("up", "--no-start", host.app("h", APP.format(name="h")))
        spoil(f"{host.vmdir('h')}/shared")
        host.bailey("start", "--no-wait", "h")
        host.wait_event("h", "boot.error", want)
        host.wait_event("h", "security.")
        bailey.wait_for("the guest stops", lambda: host.info("h")["status"] in ("stopped", "exited"))
        assert "user config:" not in host.serial("h"), "the app must not run"
        assert host.info("h")["boot_progress"] != "done"
    finally:
        host.close()


def with_symlink(shared):
    os.unlink(f"{shared}/.user-config")
    os.symlink("/etc/passwd", f"{shared}/.user-config")


def with_big_instance_info(shared):
    for name in (".instance_info", ".instance-info"):
        with open(f"{shared}/{name}", "w", encoding="ascii") as f:
            f.write('{"app_id":"' + "a" * 11000 + '"}')


def with_bad_json(shared):
    with open(f"{shared}/app-compose.json", "w", encoding="ascii") as f:
        f.write('{"manifest_version": 2, "name": "h", "runner": "bash", "name": "again"}')


def test_symlink_by_9p():
    hostile("9p", with_symlink, ".user-config")


def test_oversize_file_by_disk():
    hostile("disk", with_big_instance_info, "too large")


def test_malformed_compose_by_disk():
    hostile("disk", with_bad_json, "app-compose")


bailey.need(subprocess.call(["sh", "-c", "command -v mkfs.vfat >/dev/null"]) == 0, "no mkfs.vfat")
bailey.run(test_share_by_disk, test_share_by_9p, test_symlink_by_9p, test_oversize_file_by_disk,
           test_malformed_compose_by_disk)
