# SPDX-License-Identifier: Apache-2.0
"""reap: run a command, and be the parent of what it and its children leave behind

QEMU and bailey-vsock leave their parents for init.  libvirt counts a QEMU as there until its parent has taken
note of its end, and some machines' process 1 looks only every second or two: each stop of a VM then takes as long.
This is such a parent that takes note at once.
"""
import ctypes
import os
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # where it fails, tests take longer
child = os.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(sig, lambda number, _: os.kill(child, number))
while True:
    pid, status = os.wait()
    if pid == child:
        code = os.waitstatus_to_exitcode(status)
        sys.exit(code if code >= 0 else 128 - code)
