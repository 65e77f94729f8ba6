#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""secret_search: look for secrets where a host could find them

A Search knows the secrets in the forms in which they travel (as they are, hex, base64 at each of its three alignments,
UTF-16, escaped for JSON and for URLs), and is pointed at folders, files and processes.  It counts what it read and
keeps what it could not read, so that a caller can say "nothing found" only of what was looked at.

Of a process: its arguments, its environment, and its memory.  The memory of QEMU, and what bailey-vsock maps of it,
is the guest's own: with a TEE the host sees it encrypted, without one it cannot be otherwise.  Leave QEMU's memory out
(memory=False) and those mappings (is_guest_memory()).

By hand:  secret_search.py --secret-file FILE [--folder DIR]... [--pid N]...  exits 1 if something was found.
"""
import argparse
import base64
import dataclasses
import errno
import json
import mmap
import os
import stat
import sys
import urllib.parse

CHUNK = 4 * 1024 * 1024
SHORTEST = 6  # a shorter secret is found by chance
MAPPING_MOST = 4 * 1024 ** 3  # sanitizers reserve terabytes that hold nothing of a program's


def base64_cores(secret):
    """What of the base64 of @secret does not depend on what stands before and after it, at each alignment."""
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            text = alphabet(b"\0" * before + secret)
            first = (0, 2, 3)[before]  # digits that the bytes before have a part in
            whole = (before + len(secret)) // 3 * 4
            yield text[first:whole]


def forms(secret):
    """Each form in which @secret may lie somewhere: (name, bytes)."""
    text = secret.decode("utf-8", "surrogateescape")
    yield "plain", secret
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    yield "utf-16", b"".join(bytes((b, 0)) for b in secret)
    yield "json", json.dumps(text).encode("utf-8", "surrogateescape")[1:-1]
    yield "url", urllib.parse.quote_from_bytes(secret, safe="").encode()
    yield "reversed", secret[::-1]
    for core in base64_cores(secret):
        yield "base64", core


def is_guest_memory(path):
    """Is the mapping called @path (of /proc/PID/maps) a guest's memory, shared with what serves it?"""
    return path.startswith("/memfd:")


@dataclasses.dataclass
class Found:
    secret: str  # its name
    form: str
    where: str

    def __str__(self):
        return f"{self.secret} ({self.form}) in {self.where}"


class Search:
    def __init__(self, secrets):
        """@secrets: name -> text or bytes."""
        self.patterns = {}  # bytes -> (name, form)
        for name, secret in secrets.items():
            raw = secret.encode() if isinstance(secret, str) else bytes(secret)
            assert len(raw) >= SHORTEST, f"{name} is too short to be looked for"
            for form, data in forms(raw):
                if len(data) >= SHORTEST:
                    self.patterns.setdefault(data, (name, form))
        self.overlap = max(len(p) for p in self.patterns) - 1
        self.found = []
        self.unread = []  # "path: why"
        self.n_files = self.n_processes = self.n_mappings = self.n_bytes = 0

    def bytes(self, data, where):
        for pattern, (name, form) in self.patterns.items():
            at = data.find(pattern)
            if at >= 0:
                self._add(name, form, f"{where}, byte {at}")

    def _add(self, name, form, where):
        if not any(f.secret == name and f.form == form and f.where == where for f in self.found):
            self.found.append(Found(name, form, where))

    def _stream(self, read, first, last, where):
        """What read(n, at) gives from @first to @last, in chunks that overlap."""
        tail, at = b"", first
        while at < last:
            data = read(min(CHUNK, last - at), at)
            if not data:
                return
            whole = tail + data
            for pattern, (name, form) in self.patterns.items():
                hit = whole.find(pattern)
                if hit >= 0:
                    self._add(name, form, f"{where}, byte {at - len(tail) + hit}")
            self.n_bytes += len(data)
            at += len(data)
            tail = whole[-self.overlap:]

    def _extents(self, fd, size):
        """Where @fd has data: holes of raw disks are zeroes."""
        at = 0
        while at < size:
            try:
                begin = os.lseek(fd, at, os.SEEK_DATA)
                end = os.lseek(fd, begin, os.SEEK_HOLE)
            except OSError as e:
                if e.errno == errno.ENXIO:
                    return  # a hole to the end
                begin, end = at, size
            yield begin, end
            at = end

    def file(self, path):
        """A regular file, whatever it is: a log, a database, a raw or qcow2 disk."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as e:
            if e.errno != errno.ENOENT:  # gone meanwhile
                self.unread.append(f"{path}: {e.strerror}")
            return
        try:
            size = os.fstat(fd).st_size
            for begin, end in self._extents(fd, size):
                # a secret may begin just before a hole's end only if it holds zeroes: none does
                self._stream(lambda n, at: os.pread(fd, n, at), begin, end, path)
            self.n_files += 1
        except OSError as e:
            self.unread.append(f"{path}: {e.strerror}")
        finally:
            os.close(fd)

    def folder(self, path):
        """Everything below @path: contents, names, and where links lead."""
        assert os.path.isdir(path), f"{path} is no folder: nothing would be searched"
        for folder, folders, files in os.walk(path, onerror=lambda e: self.unread.append(f"{e.filename}: {e.strerror}")):
            for name in folders + files:
                whole = f"{folder}/{name}"
                self.bytes(os.fsencode(name), f"the name {whole}")
                try:
                    mode = os.lstat(whole).st_mode
                except FileNotFoundError:
                    continue
                if stat.S_ISLNK(mode):
                    self.bytes(os.fsencode(os.readlink(whole)), f"the link {whole}")
                elif stat.S_ISREG(mode):
                    self.file(whole)

    def process(self, pid, memory=True, skip=is_guest_memory):
        """Arguments and environment of a process, and with @memory all that it can read but what @skip names."""
        for what in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{what}", "rb") as f:
                    self.bytes(f.read(), f"{what} of process {pid}")
            except ProcessLookupError:
                return  # it has ended
            except FileNotFoundError:
                return
            except OSError as e:
                self.unread.append(f"/proc/{pid}/{what}: {e.strerror}")
        self.n_processes += 1
        if memory:
            self._memory(pid, skip)

    def _mappings(self, pid):
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as f:
            for line in f:
                words = line.rstrip("\n").split(None, 5)
                begin, end = (int(x, 16) for x in words[0].split("-"))
                yield begin, end, words[1], words[5] if len(words) > 5 else ""

    def _memory(self, pid, skip):
        try:
            fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as e:
            self.unread.append(f"/proc/{pid}/mem: {e.strerror}")
            return
        try:
            for begin, end, rights, path in list(self._mappings(pid)):
                if not rights.startswith("r") or path in ("[vvar]", "[vvar_vclock]", "[vsyscall]") or skip(path):
                    continue
                if end - begin > MAPPING_MOST:
                    self.unread.append(f"memory of process {pid} at {begin:x}: {(end - begin) >> 30} GiB, not searched")
                    continue
                self._mapping(fd, pid, begin, end, path)
        finally:
            os.close(fd)

    def _mapping(self, fd, pid, begin, end, path):
        def read(n, at):
            try:
                return os.pread(fd, n, at)
            except OSError:
                return self._pages(fd, n, at)  # a page of it cannot be read
        self._stream(read, begin, end, f"memory of process {pid} ({path or 'anonymous'})")
        self.n_mappings += 1

    @staticmethod
    def _pages(fd, n, at):
        data = b""
        for page in range(at, at + n, mmap.PAGESIZE):
            try:
                data += os.pread(fd, mmap.PAGESIZE, page)
            except OSError:
                data += b"\0" * mmap.PAGESIZE
        return data

    def all_processes(self, memory_of=()):
        """Arguments and environment of every process but ours; the memory of those in @memory_of."""
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != os.getpid():
                self.process(int(name), memory=int(name) in memory_of)

    def report(self):
        return (f"{self.n_files} files, {self.n_processes} processes, {self.n_mappings} mappings, "
                f"{self.n_bytes >> 10} KiB searched; {len(self.found)} found, {len(self.unread)} not read")

    def assert_clean(self):
        assert not self.found, "found: " + "; ".join(str(f) for f in self.found[:20])


def main():
    p = argparse.ArgumentParser(description="look for a secret in files and processes")
    p.add_argument("--secret-file", required=True, help="a file with the secret: not an argument, which others can see")
    p.add_argument("--folder", action="append", default=[])
    p.add_argument("--pid", action="append", default=[], type=int)
    a = p.parse_args()
    with open(a.secret_file, "rb") as f:
        s = Search({"the secret": f.read().rstrip(b"\n")})
    for folder in a.folder:
        s.folder(folder)
    for pid in a.pid:
        s.process(pid)
    for f in s.found:
        print(f)
    for u in s.unread:
        print(f"not read: {u}")
    print(s.report())
    return 1 if s.found else 0


if __name__ == "__main__":
    sys.exit(main())
