# SPDX-License-Identifier: Apache-2.0
"""One guest floods the host API by every means; another's call stays under twice its idle latency."""
import base64
import gzip
import os
import re

import bailey

APP = """\
name: {name}
tee: none
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
app:
  runner: bash
  script: |
    base64 -d > /tmp/t.gz <<'X'
{tool}
    X
    gunzip -c /tmp/t.gz > /tmp/t; chmod +x /tmp/t
    {run}
"""
ROUNDS = 5


def tool():
    with open(os.environ["VSOCK_TOOL"], "rb") as f:
        text = base64.b64encode(gzip.compress(f.read(), 9)).decode()
    return "\n".join("    " + text[i:i + 76] for i in range(0, len(text), 76))


def medians(host, name):
    return [int(m) for m in re.findall(r"ping: median (\d+) us", host.serial(name))]


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def test_flood_does_not_slow_others():
    host = bailey.Host()
    try:
        quiet = host.app("quiet", APP.format(
            name="quiet", tool=tool(), run="while :; do /tmp/t ping 12; sleep 1; done"))
        flood = host.app("flood", APP.format(
            name="flood", tool=tool(), run="sleep 5; while :; do /tmp/t flood 20; done"))
        host.bailey("up", quiet)
        idle = bailey.wait_for("idle figures", lambda: len(medians(host, "quiet")) > ROUNDS and medians(host, "quiet"))
        host.bailey("up", flood)
        bailey.wait_for("the flood runs", lambda: "flood: " in host.serial("flood"))
        memory = rss_kib(host.daemon.pid)
        n = len(medians(host, "quiet"))
        flooded = bailey.wait_for("figures under flood",
                                  lambda: len(medians(host, "quiet")) > n + ROUNDS and medians(host, "quiet"))[n:]
        grown = rss_kib(host.daemon.pid) - memory
        ratio = sorted(flooded)[len(flooded) // 2] / sorted(idle)[len(idle) // 2]
        print(f"     Info from a quiet guest: {ratio:.2f} times its idle latency under flood "
              f"(idle {idle}, flood {flooded} us); daemon grew {grown} KiB")
        assert "failed" not in host.serial("quiet").split("ping:", 1)[1][:2000], "a call failed"
        assert ratio < 2, ratio
        assert grown < 16 * 1024, f"the daemon grew by {grown} KiB under flood"
        assert host.info("quiet")["status"] == "running"
    finally:
        host.close()


bailey.need(os.path.exists(os.environ.get("VSOCK_TOOL", "")), "VSOCK_TOOL is not built")
bailey.run(test_flood_does_not_slow_others)
