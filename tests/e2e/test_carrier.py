# SPDX-License-Identifier: Apache-2.0
"""A vsock device that is not ours, by the same unix sockets: Debian sid's vhost-device-vsock.

The file comes from sid through apt, checked and unpacked, never installed.
"""
import importlib.machinery
import importlib.util
import os
import subprocess

import bailey

APP = """\
name: other
tee: none
resources: { cpus: 1, memory: 512M, disk: 1G }
app:
  runner: bash
  script: exec sleep 100000
"""


def peer():
    """A program that takes vhost-device-vsock's arguments; skips where sid cannot be had."""
    source = os.environ["BAILEY_SOURCE"]
    loader = importlib.machinery.SourceFileLoader("bench_vsock", f"{source}/tests/bench/vsock/run")
    bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_vsock", loader))
    loader.exec_module(bench)
    cache = f"{source}/build/cache/sid"
    os.makedirs(cache, exist_ok=True)
    try:
        argv = bench.fetch_peer(cache)
    except (subprocess.CalledProcessError, OSError, SystemExit) as e:
        bailey.need(False, f"Debian sid cannot be reached: {e}")
    path = f"{cache}/vhost-device-vsock"
    with open(path, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\nexec " + " ".join(argv) + ' "$@"\n')
    os.chmod(path, 0o755)
    return path


def test_another_device_carries_both_ways():
    host = bailey.Host(f"vsock: {{ carrier: program, program: {program} }}\n")
    try:
        host.bailey("up", host.app("other", APP))
        info = host.info("other")
        assert info["boot_progress"] == "done" and info["instance_id"], info
        assert bailey.processes_naming("--uds-path") or bailey.processes_naming("uds-path="), \
            "the program does not run"
        assert host.rpc("SysInfo", {"id": info["id"]}, mount="guest")["num_cpus"] == 1
        host.bailey("stop", "other")
        assert host.info("other")["status"] == "stopped"
        bailey.wait_for("the device is gone", lambda: not bailey.processes_naming(info["id"][:8]), 60)
    finally:
        host.close()


program = peer()
bailey.run(test_another_device_carries_both_ways)
