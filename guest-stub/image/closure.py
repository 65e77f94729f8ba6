# SPDX-License-Identifier: Apache-2.0
"""closure: what else a program or a kernel module needs to be loaded"""
import os
import re
import subprocess

_ENV = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def run(*argv, **kwargs):
    """Run a tool in a fixed environment and return what it printed; its failure is ours."""
    done = subprocess.run(argv, env=_ENV, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
    if done.returncode != 0:
        raise SystemExit(f"image: {argv[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def libraries(program):
    """Absolute paths of the loader and every shared library of a program; none if static."""
    with open(program, "rb") as f:
        if b"ld-linux" not in f.read(4096):
            return []
    found = set()
    for line in run("ldd", program).decode().splitlines():
        if "not found" in line:
            raise SystemExit(f"image: {program} needs a library that is not here: {line.strip()}")
        path = re.search(r"(/\S+) \(0x", line)
        if path:
            found.add(path.group(1))
    return sorted(found)


class Modules:
    """The modules of one unpacked kernel, with what depmod says of them."""

    def __init__(self, root, release):
        self.folder = f"{root}/lib/modules/{release}"
        self.release = release
        self._path = {}
        self._needs = {}
        with open(f"{self.folder}/modules.dep", encoding="ascii") as f:
            for line in f:
                path, _, needs = line.partition(":")
                self._path[_name(path)] = path
                self._needs[_name(path)] = [_name(n) for n in needs.split()]
        with open(f"{self.folder}/modules.builtin", encoding="ascii") as f:
            self._builtin = {_name(line.strip()) for line in f}
        self._soft = _soft_needs(f"{self.folder}/modules.softdep")

    def has(self, name):
        return name in self._path or name in self._builtin

    def in_load_order(self, names):
        """Paths of the named modules and all they need, each after its needs."""
        order = []
        for name in names:
            if name in self._builtin:
                continue
            if name not in self._path:
                raise SystemExit(f"image: kernel {self.release} has no module {name}")
            # depmod lists needs from the outermost in: the reverse is the order of loading
            hard = [n for m in self._soft.get(name, []) + [name] if m in self._path
                    for n in [*reversed(self._needs[m]), m]]
            order += [n for n in hard if n not in order]
        return [self._path[n] for n in order]


def _name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def _soft_needs(path):
    """From lines `softdep m pre: a b post: c`: m to what is loaded before it."""
    soft = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            words = line.split()
            if len(words) > 2 and words[0] == "softdep" and "pre:" in words:
                pre = words[words.index("pre:") + 1:]
                pre = pre[:pre.index("post:")] if "post:" in pre else pre
                soft.setdefault(_name(words[1]), []).extend(_name(p) for p in pre)
    return soft
