# SPDX-License-Identifier: Apache-2.0
"""How long until user space: the guest image against the same kernel with an empty init.

User space is reached with the first line that /init writes to the console.  Both
boot in turns under the same QEMU, so that a busy machine slows both; medians are
compared.  --limit makes it a test: the ratio must not be above it (one more try
with twice the runs before it counts as failed).
"""
import argparse
import atexit
import json
import os
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../image"))
import testlib  # noqa: E402
from newc import Tree  # noqa: E402

# Kernel lines begin with "[", or with a level before it; what else follows is /init's.
FIRST_LINE = rb"Run /init as init process\r?\n(?:(?:<\d+>)?\[[^\n]*\n)*[^\[\r\n]"


def empty_initramfs(program):
    tree = Tree()
    tree.folder("dev")
    tree.device("dev/console", 5, 1, 0o600)
    tree.copy("init", program, 0o755)
    return tree.archive()


def boot(image, initrd, cmdline):
    with testlib.Console(f"{image}/bzImage", initrd, cmdline) as console:
        return console.wait_for(FIRST_LINE)[1]


def measure(image, empty, runs):
    """(seconds with the image, seconds with the empty init), one of each per run, in turns."""
    with open(f"{image}/metadata.json", encoding="utf-8") as f:
        cmdline = json.load(f)["cmdline"]
    pairs = []
    for i in range(runs):
        pairs.append((boot(image, f"{image}/initramfs.cpio.gz", cmdline),
                      boot(image, empty, cmdline)))
        print(f"run {i + 1}: image {pairs[-1][0]:.2f} s, empty init {pairs[-1][1]:.2f} s",
              flush=True)
    ours, theirs = zip(*pairs)
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"medians: image {statistics.median(ours):.2f} s, empty init "
          f"{statistics.median(theirs):.2f} s, ratio {ratio:.2f}")
    return ratio


def main():
    parser = argparse.ArgumentParser(description="boot time of the guest image")
    parser.add_argument("--image", help="an image folder (else one is built)")
    parser.add_argument("--empty-init", required=True, help="the static program empty-init")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, help="fail above this ratio")
    args = parser.parse_args()

    scratch = tempfile.mkdtemp(prefix="b-boot-")
    atexit.register(shutil.rmtree, scratch)
    image = args.image or testlib.build(f"{scratch}/image")
    with open(f"{scratch}/empty", "wb") as f:
        f.write(empty_initramfs(args.empty_init))
    ratio = measure(image, f"{scratch}/empty", args.runs)
    if args.limit and ratio > args.limit:
        print(f"above {args.limit}; once more with {2 * args.runs} runs")
        ratio = measure(image, f"{scratch}/empty", 2 * args.runs)
    sys.exit(bool(args.limit) and ratio > args.limit)


if __name__ == "__main__":
    main()
