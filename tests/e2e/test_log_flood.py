# SPDX-License-Identifier: Apache-2.0
"""A guest floods its console: its disk use stays flat, others' calls are as fast, the daemon's memory is flat, and a
follower gets every byte that it has time for, told exactly where it had not."""
import os
import re
import subprocess
import threading
import time

import bailey

APP = """\
name: {name}
tee: none
resources: {{ cpus: 1, memory: 512M, disk: 1G }}
app:
  runner: bash
  script: |
    {run}
"""
PHASE = 4       # seconds of flood, then as many of calm
CALLS = 40      # of each phase, at least
PART = 64 << 10   # limits.log
LIMIT = 4 * PART  # of a console on disk, without what comes between two looks
LOOK = 7          # seconds: the daemon looks every 5 while all is calm
FLOOD = f"""i=0; while :; do
      now=$(date +%s)
      if [ $((now / {PHASE} % 2)) = 0 ]; then
        busybox awk -v i=$i 'BEGIN {{ for (n = i + 2000; i < n; i++) printf "flood %010d %s\\n", i, "{'-' * 64}" }}' > /dev/console
        i=$((i + 2000))
      else sleep 0.2; fi
    done"""


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def on_disk(vmdir):
    """Bytes that the console and its older parts take."""
    total = 0
    for name in os.listdir(vmdir):
        if name.startswith("serial.log"):
            try:
                total += os.stat(f"{vmdir}/{name}").st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def written(vmdir):
    """The end of the log: the live file keeps every byte at its offset."""
    return os.stat(f"{vmdir}/serial.log").st_size


class Follower(threading.Thread):
    """bailey logs -f --raw: what it prints, and what it says is gone."""

    def __init__(self, host, name):
        super().__init__(daemon=True)
        self.process = subprocess.Popen([f"{bailey.BIN}/bailey", "-s", host.socket, "logs", "-f", "--raw", "--all", name],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.n = self.jumps = 0  # jumps: places where numbers are left out
        self.last = None
        self.rest = b""
        self.start()

    def run(self):
        while chunk := self.process.stdout.read1(65536):
            self.n += len(chunk)
            lines = (self.rest + chunk).split(b"\n")
            self.rest = lines.pop()
            for line in lines:
                if m := re.fullmatch(rb"flood (\d{10}) -{64}\r?", line):
                    if self.last is not None and int(m[1]) != self.last + 1:
                        self.jumps += 1
                    self.last = int(m[1])

    def end(self):
        self.process.kill()
        self.process.wait()
        self.join(60)
        return self.process.stderr.read().decode()


def test_a_console_flood_costs_nobody_else():
    host = bailey.Host("limits: { log: 64K }\n")
    try:
        host.bailey("up", host.app("quiet", APP.format(name="quiet", run="sleep 1000000")))
        host.bailey("up", host.app("flood", APP.format(name="flood", run=FLOOD)))
        vmdir = host.vmdir("flood")
        quiet = {"id": host.info("quiet")["id"]}
        # any line of it: the first ones may be moved on before we look
        bailey.wait_for("the flood runs", lambda: "flood 0" in host.serial("flood") or written(vmdir) > LIMIT)
        follower = Follower(host, "flood")
        memory, peak, last, between = rss_kib(host.daemon.pid), 0, 0, 0
        seen = []  # (when, bytes written by then), of the last LOOK seconds
        took = {0: [], 1: []}
        end = time.monotonic() + bailey.DEADLINE
        while min(len(took[0]), len(took[1])) < CALLS or last < 3 * LIMIT or between >= last - LIMIT:  # or it could not fail
            assert time.monotonic() < end, (len(took[0]), len(took[1]), written(vmdir))
            begun = time.monotonic()
            host.rpc("GetInfo", quiet)
            us = (time.monotonic() - begun) * 1e6
            now = time.time()
            if 0 < now % PHASE < PHASE - 1 and now % PHASE > 1:
                took[int(now) // PHASE % 2].append(us)
            peak = max(peak, on_disk(vmdir))
            last = max(last, written(vmdir))
            seen = [x for x in seen if x[0] > begun - LOOK] + [(begun, last)]
            between = max(between, last - seen[0][1])
            time.sleep(0.05)
        grown = rss_kib(host.daemon.pid) - memory
        middle = {p: sorted(took[p])[len(took[p]) // 2] for p in took}
        ratio = middle[0] / middle[1]
        said = follower.end()
        print(f"     {last >> 10} KiB of console, at most {peak >> 10} KiB on disk; GetInfo of a quiet guest: "
              f"{ratio:.2f} times its latency in calm ({middle[0]:.0f} us against {middle[1]:.0f}); daemon grew {grown} KiB; "
              f"a follower read {follower.n >> 10} KiB with {follower.jumps} jumps")
        assert peak < LIMIT + between + (64 << 10), f"{peak} bytes on disk, {between} written between two looks"
        assert ratio < 2, (middle, ratio)
        assert grown < 8 * 1024, f"the daemon grew by {grown} KiB"
        assert follower.last is not None and follower.jumps <= said.count("are gone"), (follower.jumps, said)
        # what is kept can be read, all of it
        kept = subprocess.run([f"{bailey.BIN}/bailey", "-s", host.socket, "logs", "--raw", "--all", "flood"],
                              capture_output=True, check=True, timeout=120).stdout
        numbers = [int(x) for x in re.findall(rb"flood (\d{10}) -{64}\r?\n", kept)]
        assert len(kept) > 3 * PART and numbers == list(range(numbers[0], numbers[0] + len(numbers))), len(kept)
    finally:
        host.close()


bailey.run(test_a_console_flood_costs_nobody_else)
