# SPDX-License-Identifier: Apache-2.0
"""providerlib: programs that serve, started and ended, and a world to quote from"""
import json
import os
import re
import signal
import subprocess

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


def all_tests(names):
    for name, test in list(names.items()):
        if name.startswith("test_"):
            test()
            print(f"{name}: ok", flush=True)
