# SPDX-License-Identifier: Apache-2.0
"""The unit, the users and the folders, as systemd's own programs read them; no systemd runs them here."""
import os
import re
import subprocess
import tempfile

import bailey

UNIT = f"{os.environ['BAILEY_UNITS']}/baileyd.service"
PROVIDER = f"{os.environ['BAILEY_UNITS']}/bailey-key-provider.service"
SYSTEMD = f"{os.environ['BAILEY_SOURCE']}/systemd"
EXPOSURE_MAX = 3.0
PROVIDER_EXPOSURE_MAX = 2.0  # it starts no QEMU


def run(*args):
    r = subprocess.run(args, capture_output=True, text=True, check=False, timeout=120)
    assert r.returncode == 0, (args, r.stdout, r.stderr)
    return r.stdout, r.stderr


def settings():
    with open(UNIT, encoding="utf-8") as f:
        lines = [line.strip() for line in f if "=" in line and not line.startswith("#")]
    return [tuple(line.split("=", 1)) for line in lines]


def test_systemd_finds_nothing_wrong():
    for unit in (UNIT, PROVIDER):
        out, err = run("systemd-analyze", "verify", "--man=no", unit)
        assert not [line for line in (out + err).splitlines() if "bailey" in line], out + err


def test_exposure_is_low():
    for unit, most in ((UNIT, EXPOSURE_MAX), (PROVIDER, PROVIDER_EXPOSURE_MAX)):
        out, _ = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={int(most * 10)}", unit)
        level = float(re.search(r"exposure level for [\w-]+.service: ([\d.]+)", out).group(1))
        print(f"     exposure {level}, at most {most}")
        assert level < most, out


def test_a_restart_touches_no_vm():
    """What QEMU's life hangs on, as it stays in the unit's control group."""
    have = settings()
    for want in (("KillMode", "process"), ("OOMPolicy", "continue"), ("RuntimeDirectoryPreserve", "yes"),
                 ("TasksMax", "infinity"), ("Type", "notify"), ("User", "bailey"),
                 ("RuntimeDirectory", "bailey"), ("StateDirectory", "bailey")):
        assert want in have, want
    for bound in ("MemoryMax", "MemoryHigh", "CPUQuota", "RuntimeMaxSec", "MemoryDenyWriteExecute"):
        assert bound not in dict(have), f"{bound} would hold for every VM"


def test_a_host_that_goes_down_is_told_to_the_daemon():
    """What the unit runs when it is stopped, with a systemctl that says how the system is."""
    command = dict(settings())["ExecStop"]
    assert command.startswith("+-/bin/sh -c '") and command.endswith("'"), command
    script = command[len("+-/bin/sh -c '"):-1].replace("$$", "$")
    with tempfile.TemporaryDirectory() as folder:
        for says, told in (("running", False), ("degraded", False), ("", False), ("stopping", True)):
            with open(f"{folder}/systemctl", "w", encoding="ascii") as f:
                f.write(f"#!/bin/sh\n[ \"$1\" = is-system-running ] && echo {says}\n")
            os.chmod(f"{folder}/systemctl", 0o755)
            daemon = subprocess.Popen(["/bin/sh", "-c", "trap 'exit 7' PWR; echo; while :; do sleep .1; done"],
                                      stdout=subprocess.PIPE)
            daemon.stdout.readline()  # the trap is set
            done = subprocess.Popen(["/bin/sh", "-c", script], env={"PATH": f"{folder}:/usr/bin:/bin",
                                                                    "MAINPID": str(daemon.pid)})
            if told:
                assert daemon.wait(timeout=60) == 7
            assert done.wait(timeout=60) == 0, "it waits for the daemon's end, and no longer"
            assert (daemon.poll() is not None) == told, says
            if not told:
                daemon.kill()
                daemon.wait()


def test_users_and_folders_can_be_made():
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(f"{root}/etc")
        for folder, name in (("sysusers.d", "bailey.sysusers"), ("tmpfiles.d", "bailey.tmpfiles")):
            os.makedirs(f"{root}/usr/lib/{folder}")
            with open(f"{SYSTEMD}/{name}", encoding="utf-8") as f, \
                    open(f"{root}/usr/lib/{folder}/bailey.conf", "w", encoding="utf-8") as to:
                to.write(f.read())
        run("systemd-sysusers", f"--root={root}", "bailey.conf")
        with open(f"{root}/etc/passwd", encoding="utf-8") as f:
            passwd = f.read()
        assert re.search(r"^bailey:.*:/var/lib/bailey:", passwd, re.M)
        assert re.search(r"^bailey-key-provider:.*:/var/lib/bailey-key-provider:", passwd, re.M)
        with open(f"{root}/etc/group", encoding="utf-8") as f:
            assert re.search(r"^kvm:.*:bailey$", f.read(), re.M)
        run("systemd-tmpfiles", f"--root={root}", "--create", "bailey.conf")
        assert os.stat(f"{root}/var/lib/bailey").st_mode & 0o777 == 0o711
        assert os.stat(f"{root}/run/bailey").st_mode & 0o777 == 0o711


bailey.need(os.geteuid() == 0, "systemd-sysusers gives files to users: needs root")
bailey.run(test_systemd_finds_nothing_wrong, test_exposure_is_low, test_a_restart_touches_no_vm,
           test_a_host_that_goes_down_is_told_to_the_daemon, test_users_and_folders_can_be_made)
