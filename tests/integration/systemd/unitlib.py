# SPDX-License-Identifier: Apache-2.0
"""unitlib: what a unit allows, for tests that run its program under it"""
import re
import subprocess


def allowed_calls(unit):
    """What SystemCallFilter= of the unit (a path) comes to, by systemd's own groups."""
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], capture_output=True, text=True,
                          check=True, timeout=60).stdout
    groups, at = {}, None
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines():
        if line.startswith("@"):
            at = groups.setdefault(line.strip(), [])
        elif line.startswith("# "):  # calls that are in no group
            at = []
        elif line.startswith("    ") and not line.strip().startswith("#") and at is not None:
            at.append(line.strip())

    def calls(name):
        return {c for n in groups[name] for c in calls(n)} if name.startswith("@") else {name}
    found = set()
    with open(unit, encoding="utf-8") as f:
        for value in re.findall(r"^SystemCallFilter=(.*)$", f.read(), re.M):
            names = {c for n in value.lstrip("~").split() for c in calls(n)}
            found = found - names if value.startswith("~") else found | names
    return found
