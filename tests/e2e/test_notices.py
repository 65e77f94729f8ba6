# SPDX-License-Identifier: Apache-2.0
"""What a guest tells its host while the daemon is away is kept by the guest, and told in order when it is back."""
import re
import signal

import bailey

APP = """\
name: talker
tee: none
resources: { cpus: 1, memory: 512M, disk: 1G }
app:
  runner: bash
  script: |
    sleep 100000
"""


def said(host, vmdir):
    """The notices of this boot, as the guest logged them on its console."""
    with open(f"{vmdir}/serial.log", encoding="utf-8", errors="replace") as f:
        return re.findall(r"notice: (boot\.progress|instance\.info): (.*?)\r?\n", f.read())


def heard(host):
    return [(e["event"], e["body"]) for e in host.info("talker")["events"]
            if e["event"] in ("boot.progress", "instance.info")]


def test_a_boot_is_told_after_the_daemon_was_killed_in_it():
    host = bailey.Host()
    try:
        host.bailey("up", "--no-wait", host.app("talker", APP))
        vmdir = host.vmdir("talker")
        bailey.wait_for("the kernel speaks", lambda: "Linux version" in host.serial("talker"))
        host.stop(signal.SIGKILL)
        with_daemon = len(said(host, vmdir))
        bailey.wait_for("the guest is up", lambda: ("boot.progress", "done") in said(host, vmdir))
        host.start()
        info = bailey.wait_for("done", lambda: host.info("talker")["boot_progress"] == "done" and host.info("talker"))
        assert info["status"] == "running" and not info["boot_error"], info
        names = [x for x in said(host, vmdir) if x[0] == "boot.progress"]
        assert [x for x in heard(host) if x[0] == "boot.progress"] == names, (heard(host), names)
        assert info["instance_id"], "the guest's ids were told too"
        assert with_daemon < len(names), "the daemon was there all the time: nothing was shown"
        print(f"     {len(names) - with_daemon} of {len(names)} steps were told while nobody listened")
        # once more, with nothing to tell: what is known stays
        host.stop(signal.SIGKILL)
        host.start()
        assert host.info("talker")["boot_progress"] == "done"
    finally:
        host.close()


bailey.run(test_a_boot_is_told_after_the_daemon_was_killed_in_it)
