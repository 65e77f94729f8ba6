# SPDX-License-Identifier: Apache-2.0
"""kernel: Debian's kernel package, fetched and unpacked into a cache, never installed"""
import glob
import os
import re
import shutil
import tempfile

from closure import run

META = "linux-image-amd64"


class Kernel:
    """An unpacked kernel package with its modules' dependencies."""

    def __init__(self, package, version, root):
        self.package = package
        self.version = version
        self.root = root
        self.release = package.removeprefix("linux-image-")
        self.image = f"{root}/boot/vmlinuz-{self.release}"


def find(cache, deb=None):
    """The kernel that apt would install now (or the given package), unpacked below cache."""
    os.makedirs(cache, exist_ok=True)
    deb = deb or _fetch(cache)
    package = run("dpkg-deb", "-f", deb, "Package").decode().strip()
    version = run("dpkg-deb", "-f", deb, "Version").decode().strip()
    root = f"{cache}/{package}_{version.replace(':', '%3a')}"
    if not os.path.isdir(root):
        _unpack(deb, root, package.removeprefix("linux-image-"))
    return Kernel(package, version, root)


def _fetch(cache):
    """The .deb of today's candidate; without apt's lists, the newest that was fetched before."""
    name = _candidate() or _update_and_ask_again()
    if name is None:
        kept = sorted(glob.glob(f"{cache}/linux-image-*.deb"), key=os.path.getmtime)
        if not kept:
            raise SystemExit(f"image: apt knows no {META}: check the network and apt's sources, "
                             "then run apt-get update")
        return kept[-1]
    package, version = name
    deb = f"{cache}/{package}_{version.replace(':', '%3a')}_amd64.deb"
    if not os.path.exists(deb):
        _download(f"{package}={version}", deb)
    return deb


def _candidate():
    """(package, version) behind the meta package, or None where apt does not know it."""
    if not glob.glob("/var/lib/apt/lists/*_Packages*"):
        return None
    needs = re.search(r"Depends: (linux-image-\S+)", run("apt-cache", "depends", META).decode())
    if needs is None:
        return None
    policy = run("apt-cache", "policy", needs.group(1)).decode()
    version = re.search(r"Candidate: (\S+)", policy)
    return (needs.group(1), version.group(1)) if version else None


def _update_and_ask_again():
    if os.geteuid() != 0:
        return None
    try:
        run("apt-get", "-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300", "update")
    except SystemExit:
        pass  # an unrelated source may be broken; what counts is whether the package is known now
    return _candidate()


def _download(what, deb):
    """apt-get download, aside and renamed in: apt checks the archive's signature and sums."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(deb)) as scratch:
        os.chmod(scratch, 0o755)
        run("apt-get", "-q", "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root",
            "download", what, cwd=scratch)
        os.rename(glob.glob(f"{scratch}/*.deb")[0], deb)


def _unpack(deb, root, release):
    scratch = tempfile.mkdtemp(prefix=".unpack-", dir=os.path.dirname(root))
    try:
        run("dpkg-deb", "-x", deb, scratch)
        run("depmod", "-b", scratch, release)
        os.chmod(scratch, 0o755)
        os.rename(scratch, root)
    except OSError:
        if not os.path.isdir(root):  # else somebody else was quicker
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
