# SPDX-License-Identifier: Apache-2.0
"""The search for secrets finds one wherever it was planted: without this, "not found" would say nothing."""
import base64
import os
import shutil
import subprocess
import sys
import tempfile

import bailey
import secret_search

SECRET = "s3cret-\u00fc-0123456789"
scratch = tempfile.mkdtemp(prefix="b-search-", dir="/tmp")


def search():
    return secret_search.Search({"it": SECRET})


def planted(name, data):
    folder = f"{scratch}/{name}"
    os.makedirs(f"{folder}/deep/er")
    with open(f"{folder}/deep/er/file", "wb") as f:
        f.write(data)
    s = search()
    s.folder(folder)
    assert s.n_files == 1 and not s.unread, s.report()
    return s.found


def test_what_is_clean_is_clean():
    assert not planted("clean", os.urandom(1 << 20) + SECRET[:-1].encode())


def test_every_form_in_a_file():
    raw = SECRET.encode()
    cases = {"plain": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(),
             "json": b'{"value":"s3cret-\\u00fc-0123456789"}', "url": b"?v=s3cret-%C3%BC-0123456789",
             "reversed": raw[::-1], "utf-16": b"".join(bytes((b, 0)) for b in raw)}
    for form, data in cases.items():
        found = planted(f"form-{form}", b"before " + data + b" after")
        assert [f.form for f in found] == [form], (form, found)
    for i in range(3):
        for j in range(3):  # whatever stands around it
            data = base64.b64encode(b"x" * i + raw + b"y" * j)
            found = planted(f"base64-{i}{j}", data)
            assert [f.form for f in found] == ["base64"], (i, j, found)


def test_over_the_edge_of_two_chunks():
    for back in (1, 7, len(SECRET)):
        found = planted(f"edge-{back}", b"x" * (secret_search.CHUNK - back) + SECRET.encode() + b"x" * 100)
        assert len(found) == 1 and f"byte {secret_search.CHUNK - back}" in found[0].where, found


def test_in_a_sparse_disk():
    path = f"{scratch}/sparse/disk.img"
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as f:
        f.truncate(1 << 40)
        f.seek(777 << 30)
        f.write(b"x" * 5000 + SECRET.encode())
    s = search()
    s.folder(os.path.dirname(path))
    assert len(s.found) == 1 and s.n_bytes < 1 << 24, s.report()


def test_in_names_and_links():
    os.makedirs(f"{scratch}/names/{SECRET}-folder")
    os.symlink(f"/nowhere/{SECRET}", f"{scratch}/names/link")
    s = search()
    s.folder(f"{scratch}/names")
    assert sorted(f.where.split()[1] for f in s.found) == ["link", "name"], s.found


def child(code, *args, **more):
    p = subprocess.Popen([sys.executable, "-c", code, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
    return p


def of_child(p, ready=b""):
    """What is found of a child that has said that it is ready."""
    try:
        p.stdin.write(ready)
        p.stdin.flush()
        assert p.stdout.readline() == b"ready\n"
        s = search()
        s.process(p.pid)
        assert s.n_processes == 1 and s.n_mappings > 10, s.report()
        return {f.where.split()[0] for f in s.found}
    finally:
        p.stdin.close()
        p.wait(timeout=60)
        p.stdout.close()


WAITS = "print('ready', flush=True); import sys; sys.stdin.read()"


def test_in_a_process():
    assert of_child(child(WAITS)) == set()
    assert "cmdline" in of_child(child(WAITS, SECRET))
    assert "environ" in of_child(child(WAITS, env={**os.environ, "X": f"a{SECRET}"}))
    keeps = "import sys; kept = sys.stdin.buffer.readline(); " + WAITS
    assert of_child(child(keeps), f"{SECRET}\n".encode()) == {"memory"}
    # and nothing else of such a one's life says so
    assert of_child(child(keeps), b"another\n") == set()


def test_a_guests_memory_is_left_out_by_name():
    code = ("import mmap, os, sys; fd = os.memfd_create('memory'); os.truncate(fd, 4096); "
            "m = mmap.mmap(fd, 4096); t = bytearray(sys.stdin.buffer.readline()); m[:len(t)] = bytes(t); "
            "m.flush(); print('ready', flush=True); sys.stdin.read()")
    p = child(code)
    try:
        p.stdin.write(f"{SECRET}\n".encode())
        p.stdin.flush()
        assert p.stdout.readline() == b"ready\n"
        whole, rest = search(), search()
        whole.process(p.pid, skip=lambda path: False)
        rest.process(p.pid)
        assert any("memfd" in f.where for f in whole.found), whole.found
        assert not any("memfd" in f.where for f in rest.found), rest.found
        assert whole.n_mappings > rest.n_mappings
    finally:
        p.stdin.close()
        p.wait(timeout=60)
        p.stdout.close()


def test_every_process_is_looked_at():
    p = child(WAITS, SECRET)
    try:
        assert p.stdout.readline() == b"ready\n"
        s = search()
        s.all_processes()
        assert [f for f in s.found if f.where.startswith(f"cmdline of process {p.pid}")], s.report()
        assert s.n_processes > 1
    finally:
        p.stdin.close()
        p.wait(timeout=60)
        p.stdout.close()


def test_what_cannot_be_read_is_told():
    os.makedirs(f"{scratch}/unread")
    os.mkfifo(f"{scratch}/unread/fifo")  # no file, and nothing waits for it
    s = search()
    s.folder(f"{scratch}/unread")
    assert s.n_files == 0
    s.file(f"{scratch}/unread")
    assert s.unread, s.report()
    try:
        s.folder(f"{scratch}/nowhere")
    except AssertionError:
        return
    raise AssertionError("a folder that is not there was searched")


try:
    bailey.run(test_what_is_clean_is_clean, test_every_form_in_a_file, test_over_the_edge_of_two_chunks,
               test_in_a_sparse_disk, test_in_names_and_links, test_in_a_process,
               test_a_guests_memory_is_left_out_by_name, test_every_process_is_looked_at,
               test_what_cannot_be_read_is_told)
finally:
    shutil.rmtree(scratch, ignore_errors=True)
