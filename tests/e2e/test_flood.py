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
PHASE = 6   # seconds of flood, then as many of calm; both guests have the host's clock
LINES = 30  # of each phase, at least

FLOOD = f"""sleep 4; while :; do
      now=$(date +%s)
      if [ $((now / {PHASE} % 2)) = 0 ]; then /tmp/t flood $(({PHASE} - now % {PHASE})); else sleep 0.2; fi
    done"""
QUIET = "while :; do /tmp/t ping 5; sleep 0.4; done"


def tool():
    with open(os.environ["VSOCK_TOOL"], "rb") as f:
        text = base64.b64encode(gzip.compress(f.read(), 9)).decode()
    return "\n".join("    " + text[i:i + 76] for i in range(0, len(text), 76))


def medians(host, name):
    """(latency in us, phase) of each line, without those next to a change of phase."""
    found = []
    for us, at in re.findall(r"ping: median (\d+) us at (\d+)", host.serial(name)):
        if 0 < int(at) % PHASE < PHASE - 1:
            found.append((int(us), int(at) // PHASE % 2))
    return found


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def test_flood_does_not_slow_others():
    """Phases of flood and of calm take turns, so that a noisy machine is noisy in both."""
    host = bailey.Host()
    try:
        flood = host.app("flood", APP.format(name="flood", tool=tool(), run=FLOOD))
        quiet = host.app("quiet", APP.format(name="quiet", tool=tool(), run=QUIET))
        host.bailey("up", flood)
        bailey.wait_for("the flood runs", lambda: "flood: " in host.serial("flood"))
        memory = rss_kib(host.daemon.pid)
        host.bailey("up", quiet)
        seen = bailey.wait_for("figures of both phases", lambda: min(
            sum(1 for _, phase in medians(host, "quiet") if phase == p) for p in (0, 1)) >= LINES
            and medians(host, "quiet"))
        grown = rss_kib(host.daemon.pid) - memory
        middle = {}
        for p in (0, 1):
            row = sorted(us for us, phase in seen if phase == p)
            middle[p] = row[len(row) // 2]
        ratio = middle[0] / middle[1]
        print(f"     Info from a quiet guest: {ratio:.2f} times its idle latency under flood "
              f"({middle[0]} us against {middle[1]}, {len(seen)} lines); daemon grew {grown} KiB")
        assert "ping: call" not in host.serial("quiet"), "a call of the quiet guest failed"
        assert ratio < 2, ratio
        assert grown < 16 * 1024, f"the daemon grew by {grown} KiB under flood"
        assert host.info("quiet")["status"] == "running"
    finally:
        host.close()


bailey.need(os.path.exists(os.environ.get("VSOCK_TOOL", "")), "VSOCK_TOOL is not built")
bailey.run(test_flood_does_not_slow_others)
