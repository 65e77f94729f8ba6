# SPDX-License-Identifier: Apache-2.0
"""baileyd as a user without privileges, under the unit's system call filter, with a VM that runs in earnest.

The manager is played by this test: it has the notify socket, and restarts only the main process.
"""
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import bailey
import halting_image
from unitlib import allowed_calls

USER = pwd.getpwnam("nobody")
scratch = tempfile.mkdtemp(prefix="b-unpriv-", dir="/tmp")
os.chmod(scratch, 0o755)


class Host(bailey.Host):
    """Under another user, a filter, and a service manager."""

    def __init__(self):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(f"{scratch}/notify")
        os.chmod(f"{scratch}/notify", 0o777)
        self.manager.settimeout(bailey.DEADLINE)
        self.heard = []
        super().__init__()

    def start(self):
        for top, _, names in os.walk(self.dir):
            for path in (top, *(f"{top}/{n}" for n in names)):
                os.chown(path, USER.pw_uid, USER.pw_gid, follow_symlinks=False)
        argv = ["setpriv", f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups",
                "--inh-caps=-all", f"{bailey.BIN}/baileyd", "--config", self.config]
        # a sanitizer's own calls are not the daemon's
        if not os.environ.get("BAILEY_SANITIZE"):
            argv[5:5] = [f"{bailey.BIN}/filtered", f"{scratch}/calls"]
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NOTIFY_SOCKET": f"{scratch}/notify",
               "WATCHDOG_USEC": "400000"}
        env |= {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        with open(f"{self.dir}/baileyd.log", "ab") as log:
            self.daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                           start_new_session=True)
        self.hear("READY=1")
        assert self.rpc("Version"), self.log()

    def hear(self, what):
        """Wait until the daemon has told its manager this."""
        while True:
            try:
                said = self.manager.recv(4096).decode()
            except TimeoutError as e:
                raise AssertionError(f"no {what}; heard {self.heard}\n{self.log()}") from e
            self.heard.append(said)
            if what in said.splitlines():
                return


def status_of(pid, what):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{what}:\s+(\d+)", f.read(), re.M).group(1))


def test_a_vm_runs_and_no_restart_touches_it():
    host.hear("WATCHDOG=1")
    compose = json.dumps({"manifest_version": 2, "name": "app", "runner": "none"})
    vm = host.rpc("CreateVm", {"name": "own", "image": "halting", "compose_file": compose, "vcpu": 1,
                               "memory": 256, "disk_size": 1, "no_tee": True})
    host.wait_status("own", "running")
    bailey.wait_for("its QEMU", lambda: [p for p in bailey.processes_naming(vm["id"])
                                         if "qemu" in os.readlink(f"/proc/{p}/exe")])
    qemu, family = host.qemu("own"), sorted(bailey.processes_naming(f"{host.dir}/"))
    assert len(family) >= 3, "the daemon, QEMU and, where the kernel has no vsock, bailey-vsock"
    assert {status_of(p, "Uid") for p in family} == {USER.pw_uid}, "nobody has more rights than the daemon"
    if not os.environ.get("BAILEY_SANITIZE"):
        assert {status_of(p, "Seccomp") for p in family} == {2}, "all are under the filter"
    for sig in (signal.SIGTERM, signal.SIGKILL):
        host.stop(sig)
        if sig == signal.SIGTERM:
            host.hear("STOPPING=1")
        host.start()
        assert host.qemu("own") == qemu and host.info("own")["status"] == "running"
    stats = json.loads(host.http("GET", "/stats")[1])
    assert [v["pid"] for v in stats["vms"]] == [qemu] and stats["host"]["user"] == "nobody", stats
    host.rpc("StopVm", {"id": vm["id"]})
    host.wait_status("own", "stopped")
    assert not os.path.exists(f"/proc/{qemu}")
    host.rpc("RemoveVm", {"id": vm["id"]})
    bailey.wait_for("it is gone", lambda: not host.rpc("Status")["vms"])


bailey.need(os.geteuid() == 0, "becoming another user needs root")
with open(f"{scratch}/calls", "w", encoding="ascii") as calls_file:
    calls_file.write("".join(f"{c}\n" for c in sorted(allowed_calls(f"{os.environ['BAILEY_UNITS']}/baileyd.service"))))
# the build may be where that user cannot look
os.mkdir(f"{scratch}/bin")
for program in ("baileyd", "bailey-vsock", "bailey"):
    shutil.copy2(f"{bailey.BIN}/{program}", f"{scratch}/bin")
shutil.copy2(os.environ["FILTERED"], f"{scratch}/bin/filtered")
bailey.BIN = f"{scratch}/bin"
bailey.IMAGE = halting_image.make(scratch, "halting")
host = Host()
try:
    bailey.run(test_a_vm_runs_and_no_restart_touches_it)
finally:
    host.close()
    shutil.rmtree(scratch, ignore_errors=True)
