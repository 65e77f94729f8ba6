# SPDX-License-Identifier: Apache-2.0
"""Points for tests are in the builds that ask for them, each under a name of its own, and in no other is a trace."""
import re
import subprocess
import sys

TRACES = (b"BAILEY_INJECT", b"bailey_inject", b"inject_reach", b"file.renamed")


def traces(path):
    with open(path, "rb") as f:
        data = f.read()
    return [t.decode() for t in TRACES if t in data]


def points(path):
    out = subprocess.run(["readelf", "-W", "-p", "bailey_inject", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^\s+\[\s*[0-9a-f]+\]\s+(\S+)$", out, re.M)


with_points, plain = sys.argv[1] == "ON", sys.argv[2].split(";")
for built in sys.argv[3:]:
    if not with_points:
        assert not traces(built), f"{built}: {traces(built)}"
        continue
    names = points(built)
    assert len(names) == len(set(names)), f"{built}: twice: {sorted(n for n in set(names) if names.count(n) > 1)}"
    assert "file.renamed" in names and all(re.fullmatch(r"[a-z-]+(\.[a-z0-9-]+)+", n) for n in names), names
    print(f"{built}: {len(names)} points")
assert len(plain) > 20
for path in plain:  # the same sources, compiled without
    assert not traces(path), f"{path}: {traces(path)}"
