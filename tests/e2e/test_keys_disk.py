# SPDX-License-Identifier: Apache-2.0
"""A guest with key provider local keeps its disk over boots; a changed app is refused it, and the first has it back."""
import os
import re
import subprocess

import bailey

SEED = "6b" * 32
KEPT = "the-secret-of-this-app"
APP = """\
name: keeps
tee: simulated
resources: {{ cpus: 1, memory: 512M, disk: {disk}G }}
swap: 64M
key_provider: local
key_provider_id: {id}
app:
  runner: bash
  script: |
    cd /dstack/persistent
    echo "{say}: $(cat kept 2>/dev/null || echo nothing), $(df -P . | awk 'END {{ print int($2 / 1048576 + 0.5) }}') GiB, swap $(awk 'END {{ print $3 }}' /proc/swaps)."
    printf %s-%s the-secret of-this-app > kept; sync
    echo "{say} is done."
    exec sleep 100000
"""


class Provider:
    """A PCCS of the simulator's, and our key provider that believes its root."""

    def __init__(self, folder):
        self.running = []
        os.mkdir(folder, 0o700)
        self.seed, self.config, root = f"{folder}/seed", f"{folder}/provider.yaml", f"{folder}/root.pem"
        self.address = f"127.0.0.1:{bailey.free_port()}"
        with open(self.seed, "w", encoding="ascii") as f:
            f.write(SEED)
        with open(root, "wb") as f:
            f.write(self.tool("bailey-simulator", "root", "--seed", self.seed))
        url = self.start(f"{folder}/pccs.log", r"listening on (\S+)", "bailey-simulator", "serve", "--seed", self.seed,
                         "--listen", "127.0.0.1:0")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(f"listen: {self.address}\nstate: {folder}/state\nuser: root\nsimulated_root: {root}\n"
                    f"pccs: {{ url: \"{url}\" }}\n")
        self.start(f"{folder}/provider.log", r"listening on (\S+)", "bailey-key-provider", "--config", self.config)
        self.id = self.tool("bailey-key-provider", "--config", self.config, "id").decode().strip()

    @staticmethod
    def tool(program, *args):
        return subprocess.run([f"{bailey.BIN}/{program}", *args], stdin=subprocess.DEVNULL, capture_output=True,
                              check=True).stdout

    def start(self, log, pattern, program, *args):
        with open(log, "wb") as f:
            self.running.append(subprocess.Popen([f"{bailey.BIN}/{program}", *args], stdin=subprocess.DEVNULL,
                                                 stdout=f, stderr=f))

        def said():
            assert self.running[-1].poll() is None, open(log, encoding="utf-8").read()
            return re.search(pattern, open(log, encoding="utf-8").read())
        return bailey.wait_for(f"{program} listens", said)[1]

    def close(self):
        for process in self.running:
            process.terminate()
            process.wait()


def up(say, disk=1):
    path = host.app("keeps", APP.format(say=say, disk=disk, id=provider.id))
    host.bailey("up", "--no-wait", path)


def said(text):
    return bailey.wait_for(text, lambda: os.path.exists(f"{host.vmdir('keeps')}/serial.log") and
                           re.search(text, host.serial("keeps")))


def steps():
    return [e["body"] for e in host.info("keeps")["events"] if e["event"] == "boot.progress"]


def holds(text):
    with open(f"{host.vmdir('keeps')}/hda.img", "rb") as f:
        return text.encode() in f.read()


def test_first_boot_makes_the_disk():
    up("first")
    said(r"first: nothing, 1 GiB, swap 6\d+\.")
    said("first is done")
    assert "initializing data disk" in steps() and "mounting data disk" not in steps(), steps()
    host.bailey("stop", "keeps")
    assert not holds(KEPT), "the host can read what the app wrote"


def test_next_boot_has_it_and_what_it_grew_by():
    up("first", disk=2)
    host.bailey("start", "--no-wait", "keeps")
    said(rf"first: {KEPT}, 2 GiB, swap 6\d+\.")
    assert steps()[-1] != "initializing data disk" and "mounting data disk" in steps(), steps()
    host.bailey("stop", "keeps")


def test_a_changed_app_is_refused():
    up("second", disk=2)
    host.bailey("start", "--no-wait", "keeps")
    told = host.wait_event("keeps", "boot.error", "this app's key does not open it")[-1]["body"]
    assert "belongs to another app, compose or key provider" in told and "nothing on it was changed" in told, told
    bailey.wait_for("it powers off", lambda: host.info("keeps")["status"] in ("exited", "stopped"))
    assert "second: " not in host.serial("keeps"), "the app ran without its disk"


def test_the_first_has_it_back():
    up("first", disk=2)
    host.bailey("start", "--no-wait", "keeps")
    said(rf"first: {KEPT}, 2 GiB, swap 6\d+\.")
    assert not re.search(r"[0-9a-f]{64}", " ".join(steps()))


if __name__ == "__main__":
    provider = host = None
    FOLDER = bailey.tempfile.mkdtemp(prefix="b-provider-")
    try:
        provider = Provider(f"{FOLDER}/p")
        host = bailey.Host(f"tee_simulator: {{ seed: '{SEED}' }}\n"
                           f"key_provider: {{ enabled: true, address: \"{provider.address}\" }}\n")
        bailey.run(test_first_boot_makes_the_disk, test_next_boot_has_it_and_what_it_grew_by,
                   test_a_changed_app_is_refused, test_the_first_has_it_back)
    finally:
        if host:
            host.close()
        if provider:
            provider.close()
        bailey.shutil.rmtree(FOLDER, ignore_errors=True)
