# SPDX-License-Identifier: Apache-2.0
"""verifylib: running bailey verify"""
import json
import os
import subprocess

BAILEY = f"{os.environ['BAILEY_BIN']}/bailey"
SOURCE = os.environ["BAILEY_SOURCE"]
VECTORS = f"{SOURCE}/tests/vectors"
BESIDE = f"{SOURCE}/../shared/vectors"
OK, USAGE, UNPROVEN = 0, 2, 7


def bailey(*args, stdin=b""):
    return subprocess.run([BAILEY, *map(str, args)], input=stdin, timeout=120, capture_output=True, check=False)


def run(*args, stdin=b""):
    return bailey("verify", *args, stdin=stdin)


def told(*args, stdin=b""):
    """What --json says; the exit status must agree with it."""
    r = run(*args, "--json", stdin=stdin)
    assert r.returncode in (OK, UNPROVEN) and not r.stderr, (args, r)
    answer = json.loads(r.stdout)
    assert (r.returncode == OK) == (answer["check"] is None) == answer["accepted"], answer
    return answer


def load(path):
    with open(path, "rb") as f:
        return f.read()


def all_tests(names):
    for name, test in list(names.items()):
        if name.startswith("test_"):
            test()
            print(f"{name}: ok", flush=True)
