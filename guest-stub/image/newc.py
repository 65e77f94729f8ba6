# SPDX-License-Identifier: Apache-2.0
"""newc: a tree in memory, and its bytes as a cpio archive of the kernel's initramfs

Everything that could differ from one build to the next is fixed: names are
sorted, owner and group are root, times are zero, inodes are counted.
"""
import os
import stat


class Tree:
    """Paths without a leading slash, each with mode, content and device number."""

    def __init__(self):
        self._nodes = {}

    def __contains__(self, path):
        return path in self._nodes

    def _add(self, path, mode, data=b"", rdev=(0, 0)):
        assert path and not path.startswith("/") and ".." not in path.split("/"), path
        parent = os.path.dirname(path)
        if parent and parent not in self._nodes:
            self.folder(parent)
        assert not parent or stat.S_ISDIR(self._nodes[parent][0]), f"{parent} is not a folder"
        self._nodes[path] = (mode, data, rdev)

    def folder(self, path, mode=0o755):
        self._add(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        self._add(path, stat.S_IFREG | mode, data)

    def copy(self, path, source, mode=0o644):
        with open(source, "rb") as f:
            self.file(path, f.read(), mode)

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor, mode):
        self._add(path, stat.S_IFCHR | mode, rdev=(major, minor))

    def archive(self):
        """The whole tree as newc bytes, parents before their children."""
        out = bytearray()
        for ino, path in enumerate(sorted(self._nodes), start=1):
            mode, data, rdev = self._nodes[path]
            _member(out, ino, path, mode, data, rdev)
        _member(out, 0, "TRAILER!!!", 0, b"", (0, 0))
        out.extend(bytes(-len(out) % 512))
        return bytes(out)


def _member(out, ino, path, mode, data, rdev):
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (ino, mode, 0, 0, links, 0, len(data), 0, 0, rdev[0], rdev[1], len(name), 0)
    out.extend(b"070701" + b"".join(b"%08X" % f for f in fields) + name)
    out.extend(bytes(-len(out) % 4))
    out.extend(data)
    out.extend(bytes(-len(out) % 4))
