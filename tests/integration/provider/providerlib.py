# SPDX-License-Identifier: Apache-2.0
"""providerlib: programs that serve, started and ended, and a world to quote from"""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time

BIN = os.environ["BAILEY_BIN"]
SEED = "5a" * 32


def run(program, *args, stdin=b""):
    return subprocess.run([f"{BIN}/{program}", *map(str, args)], input=stdin, capture_output=True, timeout=120, check=False)


class Server:
    """With `with`: a program that says on standard output where it listens; .url is what it said."""

    def __init__(self, program, *args, says=rb"listening on (\S+)\n"):
        self.process = subprocess.Popen([f"{BIN}/{program}", *map(str, args)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        found = re.fullmatch(says, line)
        if not found:
            self.process.kill()
            raise AssertionError((line, self.process.communicate()))
        self.url = found.group(1).decode()
        self.log = b""

    def end(self, sig=signal.SIGTERM):
        """Its exit status; what it wrote to standard error is in .log then."""
        self.process.send_signal(sig)
        self.log = self.process.communicate(timeout=60)[1]
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()


class World:
    """What bailey-simulator makes of SEED, in files of a folder."""

    def __init__(self, folder, seed=SEED):
        self.folder = folder
        self.seed = self.write("seed", seed.encode())
        self.root = self.write("root.pem", self.ask("root"))

    def write(self, name, data):
        with open(f"{self.folder}/{name}", "wb") as f:
            f.write(data)
        return f"{self.folder}/{name}"

    def ask(self, *args):
        r = run("bailey-simulator", *args, "--seed", self.seed)
        assert r.returncode == 0 and not r.stderr, (args, r)
        return r.stdout

    def quote(self, **td):
        """The bytes of a TD's quote that says @td."""
        return bytes.fromhex(self.ask("quote", "--td", self.write("td.json", json.dumps(td).encode())).decode())


def tool(do, **given):
    """provider-tool.c: what guests and enclaves do."""
    r = subprocess.run([os.environ["PROVIDER_TOOL"]], input=json.dumps({"do": do, **given}).encode(), capture_output=True,
                       timeout=60, check=True)
    return json.loads(r.stdout)


class Provider:
    """With `with`: bailey-key-provider under the root of @world, whose collateral is at @pccs; .address, .id."""

    def __init__(self, world, folder, pccs, listen="127.0.0.1:0", under=(), program=f"{BIN}/bailey-key-provider", **more):
        self.folder, self.log_file, self.command = folder, f"{folder}/log", (*under, program)
        os.makedirs(folder, exist_ok=True)
        self.config = f"{folder}/c.yaml"
        with open(self.config, "w", encoding="utf-8") as f:  # JSON is YAML
            keys = {"listen": listen, "state": f"{folder}/s", "user": "root", "pccs": {"url": pccs},
                    "simulated_root": world.root, **more}
            json.dump({k: v for k, v in keys.items() if v is not None}, f)
        self.process = None
        self.start()

    def start(self):
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([*self.command, "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while not (found := re.search(r"listening on (\S+)\n", self.log())):
            assert self.process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.02)
        self.address = found.group(1)
        self.id = run("bailey-key-provider", "--config", self.config, "id").stdout.decode().strip()

    def log(self):
        with open(self.log_file, encoding="utf-8") as f:
            return f.read()

    def audit(self):
        with open(f"{self.folder}/s/audit.jsonl", encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def connect(self):
        if self.address.startswith("unix:"):
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.address[5:])
        else:
            host, port = self.address.rsplit(":", 1)
            s = socket.create_connection((host, int(port)))
        s.settimeout(60)
        return s

    def ask(self, quote):
        """As dstack's host asks: a frame of numbers.  The answer, or None when it hangs up."""
        body = json.dumps({"quote": list(quote)}).encode()
        return self.raw(struct.pack(">I", len(body)) + body)

    def raw(self, data):
        with self.connect() as s:
            try:
                s.sendall(data)
                got = b"".join(iter(lambda: s.recv(65536), b""))
            except ConnectionError:
                return None
        if not got:
            return None
        assert struct.unpack(">I", got[:4])[0] == len(got) - 4, got
        answer = json.loads(got[4:])
        assert set(answer) == {"encrypted_key", "provider_quote"}, answer
        return {k: bytes(v) for k, v in answer.items()}


class Guest:
    """A request of a TD that says @td, and what it makes of an answer."""

    def __init__(self, seed=SEED, **td):
        made = tool("quote", seed=seed, td=td)
        self.seed, self.secret, self.quote = seed, made["secret"], bytes.fromhex(made["quote"])

    def take(self, answer, pin):
        return tool("open", seed=self.seed, secret=self.secret, quote=self.quote.hex(), pin=pin,
                    **{k: v.hex() for k, v in answer.items()})


def all_tests(names):
    for name, test in list(names.items()):
        if name.startswith("test_"):
            test()
            print(f"{name}: ok", flush=True)
