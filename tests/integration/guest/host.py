# SPDX-License-Identifier: Apache-2.0
"""host: the half of a host that a guest sees: a share, a vsock device, an API that takes notices."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

DEADLINE = 300
VSOCK = os.environ["BAILEY_VSOCK"]


class Guest:
    """A guest under QEMU with this host around it.  Everything it starts, close() ends."""

    def __init__(self, image, files, nine_p=False, disks=1, deaf=False):
        self.dir = tempfile.mkdtemp(prefix="b-guest-", dir="/tmp")
        self.notices, self.deaf = [], deaf
        self.children, self.port = [], free_port()
        try:
            self._listen()
            self._start(image, files, nine_p, disks)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- the host's side

    def _listen(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.dir}/vsock_10000")
        self.listener.listen(64)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self):
        while True:
            try:
                conn = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._answer, args=(conn,), daemon=True).start()

    def _answer(self, conn):
        conn.settimeout(60)
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                data += conn.recv(65536) or b"\r\n\r\n"
            head, _, body = data.partition(b"\r\n\r\n")
            size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            while len(body) < size:
                body += conn.recv(65536)
            assert head.startswith(b"POST /api/Notify?json HTTP/1.1\r\n"), head
            notice = json.loads(body)
            self.notices.append((notice["event"], notice["payload"]))
            if self.deaf:
                conn.recv(1)  # until the guest has had enough
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull")
        except (OSError, TypeError):
            pass
        finally:
            conn.close()

    def _share_disk(self, files, name):
        """A FAT disk that holds the files; their bytes, no more."""
        path, folder = f"{self.dir}/{name}.img", f"{self.dir}/{name}"
        os.mkdir(folder)
        with open(path, "wb") as f:
            f.truncate(64 << 20)
        run("mkfs.vfat", "-F", "32", "-n", "DSTACKSHR", path)
        for file, data in files.items():
            with open(f"{folder}/{file}", "wb") as f:
                f.write(data)
            run("mcopy", "-i", path, f"{folder}/{file}", f"::{file}")
        return path

    def _share_folder(self, files):
        """A folder for 9p; a value that is a str is where a symbolic link of that name leads."""
        folder = f"{self.dir}/share"
        os.mkdir(folder)
        for file, data in files.items():
            if isinstance(data, str):
                os.symlink(data, f"{folder}/{file}")
            else:
                with open(f"{folder}/{file}", "wb") as f:
                    f.write(data)
        return folder

    def _devices(self, files, nine_p, disks):
        argv = ["-chardev", f"socket,id=v,path={self.dir}/vhost",
                "-device", "vhost-user-vsock-pci,chardev=v",
                "-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{self.port}-:8090",
                "-device", "virtio-net-pci,netdev=n"]
        if nine_p:
            argv += ["-virtfs", f"local,path={self._share_folder(files)},mount_tag=host-shared,"
                     "readonly=on,security_model=none"]
        for i in range(0 if nine_p else disks):
            path = self._share_disk(files, f"share{i}")
            argv += ["-drive", f"file={path},if=none,id=d{i},format=raw,readonly=on",
                     "-device", f"virtio-blk-pci,drive=d{i}"]
        return argv

    def _start(self, image, files, nine_p, disks):
        with open(f"{image}/metadata.json", encoding="utf-8") as f:
            cmdline = json.load(f)["cmdline"]
        devices = self._devices(files, nine_p, disks)
        self._spawn([VSOCK, "--cid", "7", "--vhost-user", f"{self.dir}/vhost",
                     "--uds", f"{self.dir}/vsock"])
        wait_for("the vsock device", lambda: os.path.exists(f"{self.dir}/vhost"))
        self.qemu = self._spawn(
            ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512M", "-smp", "1",
             "-machine", "q35,memory-backend=m", "-object",
             "memory-backend-memfd,id=m,size=512M,share=on", "-nodefaults", "-display", "none",
             "-no-reboot", "-serial", f"file:{self.dir}/serial", "-kernel", f"{image}/bzImage",
             "-initrd", f"{image}/initramfs.cpio.gz", "-append", cmdline, *devices])

    def _spawn(self, argv):
        with open(f"{self.dir}/log", "ab") as log:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.children.append(child)
        return child

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
            child.wait()
        self.listener.shutdown(socket.SHUT_RDWR)  # close() alone would leave accept() on the number
        self.accepting.join()
        self.listener.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- what a test asks

    def serial(self):
        try:
            with open(f"{self.dir}/serial", encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def wait_notice(self, event, text=""):
        def probe():
            found = [p for e, p in list(self.notices) if e == event and text in p]
            return found or (self.qemu.poll() is not None and "qemu ended")
        got = wait_for(f"notice {event} {text}", probe)
        assert got != "qemu ended" or any(e == event and text in p for e, p in self.notices), (
            f"no {event} {text!r}: {self.notices}\n{self.serial()[-3000:]}")

    def wait_off(self):
        wait_for("power off", lambda: self.qemu.poll() is not None)
        assert "reboot: Power down" in self.serial(), self.serial()[-3000:]
        assert "Kernel panic" not in self.serial()

    def count(self, event):
        return sum(e == event for e, _ in self.notices)

    def call(self, method):
        """(status, value) of a call of the guest's API over vsock."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(f"{self.dir}/vsock")
            s.sendall(b"CONNECT 8000\n")
            stream = s.makefile("rwb")
            assert stream.readline().startswith(b"OK ")
            stream.write(f"POST /api/{method}?json HTTP/1.1\r\nHost: guest\r\n"
                         "Connection: close\r\nContent-Length: 2\r\n\r\n{}".encode())
            stream.flush()
            head, _, body = stream.read().partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    def get(self, path):
        """(status, headers, body) of the public port."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while chunk := s.recv(65536):
                data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), body.decode()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*argv):
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def wait_for(what, probe):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        seen = probe()
        if seen:
            return seen
        time.sleep(0.05)
    raise AssertionError(f"{what}: not seen in {DEADLINE} s")
