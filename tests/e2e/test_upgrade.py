# SPDX-License-Identifier: Apache-2.0
"""The daemon is replaced by a newer one, and by the older again, under ten running guests; none notices."""
import os
import shutil
import signal
import tempfile
import threading

import bailey

GUESTS = 10
APP = """\
name: guest%d
tee: none
resources: { cpus: 1, memory: 256M, disk: 1G }
ports: [{ host: "127.0.0.1:%d", guest: 8080 }]
app:
  runner: bash
  script: |
    mkdir -p /tmp/www; echo here > /tmp/www/index.html
    exec busybox httpd -f -p 8080 -h /tmp/www
"""
OLD, NEW = b"bailey:0.1.0", b"bailey:0.1.9"  # as Version tells it

programs = tempfile.mkdtemp(prefix="b-bin-", dir="/tmp")
os.chmod(programs, 0o755)  # QEMU's user reaches bailey-vsock's sockets, nobody its program
for name in ("baileyd", "bailey", "bailey-vsock"):
    shutil.copy2(f"{bailey.BIN}/{name}", programs)
bailey.BIN = programs
host = bailey.Host()
ports = [bailey.free_port() for _ in range(GUESTS)]


def install(version_from, version_to):
    """As a package does: new files, renamed over the old; what runs keeps the file that it has."""
    for program in ("baileyd", "bailey-vsock"):
        with open(f"{programs}/{program}", "rb") as f:
            data = f.read()
        assert program != "baileyd" or version_from in data
        with open(f"{programs}/.new", "wb") as f:
            f.write(data.replace(version_from, version_to))
        os.chmod(f"{programs}/.new", 0o755)
        os.rename(f"{programs}/.new", f"{programs}/{program}")


class Clients:
    """Ask every guest for its page, round and round, until told to end; what went wrong is kept."""

    def __init__(self):
        self.rounds, self.wrong, self.is_over = 0, [], False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.is_over:
            for i, port in enumerate(ports):
                got = bailey.http_get(port, timeout=60)
                if got != (200, b"here\n"):
                    self.wrong.append((i, got))
            self.rounds += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()


def facts():
    return {v["name"]: (v["id"], v["instance_id"], v["status"], host.qemu(v["name"])) for v in host.rpc("Status")["vms"]}


def replaced(sig, version_from, version_to):
    before = facts()
    assert len(before) == GUESTS
    with Clients() as clients:
        bailey.wait_for("a first round", lambda: clients.rounds)
        install(version_from, version_to)
        host.stop(sig)
        rounds = clients.rounds
        bailey.wait_for("two rounds without a daemon", lambda: clients.rounds >= rounds + 2)
        host.start()
        assert version_to.decode() in host.rpc("Version")["rev"], host.rpc("Version")
        bailey.wait_for("all are known to run", lambda: all(f[2] == "running" for f in facts().values()))
    assert not clients.wrong, clients.wrong[:5]
    assert facts() == before, "a guest is not what it was"
    for vm, *_ in before.values():
        assert host.rpc("SysInfo", {"id": vm}, mount="guest")["num_cpus"] == 1


def test_upgrade():
    replaced(signal.SIGTERM, OLD, NEW)


def test_downgrade_after_a_crash():
    replaced(signal.SIGKILL, NEW, OLD)


def test_the_guests_still_reach_the_host():
    host.bailey("stop", "guest0")
    host.wait_event("guest0", "shutdown.progress", "powering off")
    host.bailey("start", "guest0")
    host.wait_event("guest0", "boot.progress", "done")


try:
    for n in range(GUESTS):
        host.bailey("up", "--no-wait", host.app(f"guest{n}", APP % (n, ports[n])))
    for n in range(GUESTS):
        bailey.wait_for(f"the page of guest {n}", lambda p=ports[n]: bailey.http_get(p), 900)
    bailey.run(test_upgrade, test_downgrade_after_a_crash, test_the_guests_still_reach_the_host)
finally:
    host.close()
    shutil.rmtree(programs)
