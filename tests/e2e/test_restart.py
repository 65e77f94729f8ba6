# SPDX-License-Identifier: Apache-2.0
"""The daemon goes and comes back; the VM does not notice."""
import signal

import bailey

APP = """\
name: stays
tee: none
resources: { cpus: 1, memory: 512M, disk: 1G }
ports: [{ host: "127.0.0.1:%d", guest: 8080 }]
app:
  runner: bash
  script: |
    mkdir -p /tmp/www; echo here > /tmp/www/index.html
    exec busybox httpd -f -p 8080 -h /tmp/www
"""

host = bailey.Host()
port = bailey.free_port()


def same_after(sig):
    before, pid = host.info("stays"), host.qemu("stays")
    host.stop(sig)
    assert bailey.pid_alive(pid), "QEMU ended with the daemon"
    assert bailey.http_get(port) == (200, b"here\n"), "the app must answer while there is no daemon"
    host.start()
    after = bailey.wait_for("running again", lambda: host.info("stays")["status"] == "running" and host.info("stays"))
    assert host.qemu("stays") == pid, "not the same QEMU process"
    assert after["boot_progress"] in ("done", "running"), after
    for key in ("id", "app_id", "instance_id", "name"):
        assert after[key] == before[key], (key, before[key], after[key])
    kept = [(e["event"], e["body"]) for e in before["events"]]
    assert [(e["event"], e["body"]) for e in after["events"]][:len(kept)] == kept, "events were lost"
    sysinfo = host.rpc("SysInfo", {"id": after["id"]}, mount="guest")
    assert sysinfo["num_cpus"] == 1, "the guest API must answer through the new daemon"


def test_clean_restart():
    same_after(signal.SIGTERM)


def test_killed():
    same_after(signal.SIGKILL)


def test_stop_after_restart():
    host.bailey("stop", "stays")
    assert host.info("stays")["status"] == "stopped"
    host.wait_event("stays", "shutdown.progress", "powering off")


try:
    host.bailey("up", host.app("stays", APP % port))
    bailey.wait_for("the page", lambda: bailey.http_get(port))
    bailey.run(test_clean_restart, test_killed, test_stop_after_restart)
finally:
    host.close()
