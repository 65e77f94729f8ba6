# SPDX-License-Identifier: Apache-2.0
"""An image built from another copy of the sources, in another folder, is the same image."""
import atexit
import os
import shutil
import tempfile

import testlib

PRESET = os.environ.get("BAILEY_PRESET") or "dev"
SCRATCH = tempfile.mkdtemp(prefix="b-clones-")
atexit.register(shutil.rmtree, SCRATCH)
FILES = ["bzImage", "digest.txt", "initramfs.cpio.gz", "metadata.json", "packages.txt",
         "sha256sum.txt"]


def test_two_copies_of_the_sources_make_the_same_image():
    copy = f"{SCRATCH}/a copy"
    shutil.copytree(testlib.SOURCE, copy, symlinks=True, ignore=lambda folder, _: (
        {"build", ".git"} if folder == testlib.SOURCE else {"__pycache__"}))
    env = os.environ | {"CCACHE_DISABLE": "1"}
    testlib.tool("cmake", "--preset", PRESET, cwd=copy, env=env)
    testlib.tool("cmake", "--build", "--preset", PRESET, "--target", "bailey-guest", cwd=copy,
                 env=env)
    first = testlib.build(f"{SCRATCH}/first")
    # the other copy's own script, with the kernel that is here already
    second = testlib.tool(f"{copy}/guest-stub/image/build", "--out", f"{SCRATCH}/second",
                          "--guest", f"{copy}/build/{PRESET}/bin/bailey-guest",
                          "--cache", f"{testlib.SOURCE}/build/cache").split("  ")[0]
    for name in FILES:
        with open(f"{first}/{name}", "rb") as a, open(f"{second}/{name}", "rb") as b:
            assert a.read() == b.read(), f"{name} differs between two copies of the sources"


if __name__ == "__main__":
    testlib.run_all(globals())
