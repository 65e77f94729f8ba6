# SPDX-License-Identifier: Apache-2.0
"""A real guest under a simulated TEE is believed by its address; what somebody changed is refused by its name."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

import applib
import bailey

SEED = "5e" * 32
NOW = int(time.time())
APP = """\
name: attested
tee: simulated
resources: {{ cpus: 2, memory: 512M, disk: 1G }}
ports:
  - {{ host: "127.0.0.1:{port}", guest: 8090 }}
app:
  runner: bash
  script: |
    exec sleep 1000000
"""


def with_firmware(folder):
    """The guest's image with a firmware that can be measured: what boots a simulated TEE is not measured."""
    image = f"{folder}/{os.path.basename(bailey.IMAGE.rstrip('/'))}"
    shutil.copytree(bailey.IMAGE, image)
    subprocess.run([applib.SIM_TOOL, "files", folder], check=True, timeout=60, stdout=subprocess.DEVNULL)
    shutil.copy(f"{folder}/ovmf.fd", image)
    edit_json(f"{image}/metadata.json", bios="ovmf.fd")
    applib.seal(image)
    return image


def edit_json(path, **change):
    with open(path, encoding="utf-8") as f:
        value = {**json.load(f), **change}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f)


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))


FOLDER = tempfile.mkdtemp(prefix="b-attest-", dir="/tmp")
bailey.need(bailey.IMAGE and os.path.exists(f"{bailey.IMAGE}/metadata.json"), "BAILEY_IMAGE is not an image")
bailey.IMAGE = with_firmware(FOLDER)
WORLD = applib.simulate(seed=SEED, at=NOW)
ROOT, COLLATERAL = f"{FOLDER}/root.der", f"{FOLDER}/collateral.json"
with open(ROOT, "wb") as root:
    root.write(bytes.fromhex(WORLD["root"]))
with open(COLLATERAL, "w", encoding="utf-8") as collateral:
    json.dump(WORLD["collateral"], collateral)
UNDER = ("--root", ROOT, "--collateral", COLLATERAL)

host = bailey.Host(f'tee_simulator:\n  seed: "{SEED}"\n')
guest = {}


def verify(operand, *more, under=UNDER, image=None):
    """What bailey verify --json says; @operand is an address, or evidence to be read."""
    is_url = isinstance(operand, str)
    r = subprocess.run([f"{bailey.BIN}/bailey", "verify", operand if is_url else "-", "--json", *under,
                        "--image", image or bailey.IMAGE, *more], input=None if is_url else json.dumps(operand).encode(),
                       capture_output=True, timeout=120, check=False)
    assert r.returncode in (0, 7), r
    answer = json.loads(r.stdout)
    assert (r.returncode == 0) == answer["accepted"] and answer["simulated"], answer["sentence"]
    return answer


def test_a_running_guest_is_believed():
    port = bailey.free_port()
    url = f"http://127.0.0.1:{port}"
    path = host.app("attested", APP.format(port=port))
    host.bailey("up", path)
    a = verify(url, "--compose", path)
    assert a["accepted"] and a["app_name"] == "attested" and a["status"] == "UpToDate", a["sentence"]
    results = {c["check"]: c["result"] for c in a["checks"]}
    assert all(results[c] == "ok" for c in ("nonce", "report-data", "event-log", "log-registers", "rtmr3", "image", "mrtd",
                                            "rtmr0", "rtmr1", "rtmr2", "os-image-hash", "compose-hash", "app-id")), results
    info = host.info("attested")
    assert a["app_id"] == info["app_id"] and a["instance_id"] == info["instance_id"]
    r = subprocess.run([f"{bailey.BIN}/bailey", "verify", url, *UNDER, "--image", bailey.IMAGE], capture_output=True, text=True,
                       timeout=120, check=False)
    print(r.stdout)
    assert r.returncode == 0 and r.stdout.splitlines()[-1].startswith("simulated"), r
    nonce = os.urandom(32)
    with urllib.request.urlopen(f"{url}/prpc/Worker.GetEvidence?nonce={nonce.hex()}", timeout=60) as answer:
        guest.update(json.load(answer), nonce_bytes=nonce)
    guest["td"] = {**a["report"], "seed": SEED, "at": NOW}


def evidence(**change):
    return {**{k: v for k, v in guest.items() if isinstance(v, str)}, **change}


def refused(check, what, operand, *more, nonce=None, **how):
    a = verify(operand, "--nonce", (nonce or guest["nonce_bytes"]).hex(), *more, **how)
    assert a["check"] == check, f"{what}: {a['check']}, not {check}: {a['sentence']}"
    print(f"     {what}: {a['sentence'].split(': ', 1)[1][:110]}")


def resigned(**change):
    """Evidence of a machine that is another, with a quote to it."""
    quote = applib.simulate(**{**{k: guest["td"][k] for k in ("mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mrconfigid", "report_data",
                                                             "seed", "at")}, **change})["quote"]
    return evidence(quote=quote)


def test_evidence_that_was_kept_is_believed():
    assert verify(evidence(), "--nonce", guest["nonce_bytes"].hex())["accepted"]
    guest["td"]["report_data"] = guest["report_data"]
    assert verify(resigned(), "--nonce", guest["nonce_bytes"].hex())["accepted"]


def spoiled(name, change, sealed=True):
    """A copy of the image; the vm_config is the guest's, with that image's digest, as a liar would have it."""
    image = f"{FOLDER}/{name}/{os.path.basename(bailey.IMAGE)}"
    shutil.copytree(bailey.IMAGE, image)
    change(image)
    if sealed:
        applib.seal(image)
    return image, evidence(vm_config=json.dumps({**json.loads(guest["vm_config"]), "os_image_hash": applib.digest_of(image)}))


def test_another_image():
    image, _ = spoiled("byte", lambda i: flip(f"{i}/initramfs.cpio.gz", 100), False)
    refused("image", "a byte of the image", evidence(), image=image)
    cases = {
        "firmware": (lambda i: flip(f"{i}/ovmf.fd", 0x2fff), "mrtd"),
        "kernel": (lambda i: flip(f"{i}/bzImage", 0x10000), "rtmr1"),
        "initrd": (lambda i: flip(f"{i}/initramfs.cpio.gz", 100), "rtmr2"),
        "command line": (lambda i: edit_json(f"{i}/metadata.json", cmdline="console=ttyS0 init=/bin/sh"), "rtmr2"),
    }
    for what, (change, check) in cases.items():
        image, lie = spoiled(what.replace(" ", "-"), change)
        refused("os-image-hash", f"{what} of another image", evidence(), image=image)
        refused(check, f"{what}, and a vm_config that says so", lie, image=image)


def test_another_machine():
    vm = json.loads(guest["vm_config"])
    for key, value, check in (("cpu_count", vm["cpu_count"] + 1, "rtmr0"), ("memory_size", 4 << 30, "rtmr0"), ("num_nics", 2, "rtmr0"),
                              ("qemu_version", "9.1.0", "mrtd"), ("qemu_version", "8.2.2", "rtmr0"), ("hotplug_off", True, "rtmr0"),
                              ("os_image_hash", "00" * 32, "os-image-hash"), ("cpu_count", 0, "vm-config")):
        refused(check, f"vm_config {key}", evidence(vm_config=json.dumps({**vm, key: value})))
    refused("quote.debug", "debug bit", resigned(attributes=(1 << 28) | 1))
    refused("mr-config", "mr_config", resigned(mrconfigid=applib.mr_config_v1("{}")))
    refused("rtmr3", "another VM's quote", resigned(rtmr3="11" * 48))


def test_another_log():
    log = json.loads(guest["event_log"])
    at = {e["event"]: i for i, e in enumerate(log) if e["imr"] == 3}

    def told(change, check, what):
        refused(check, what, evidence(event_log=json.dumps(change)))

    def edit(i, **change):
        return [*log[:i], {**log[i], **change}, *log[i + 1:]]
    i = at["app-id"]
    told([*log[:i], log[i + 1], log[i], *log[i + 2:]], "event-log", "event moved")
    told(log[:i] + log[i + 1:], "event-log", "event dropped")
    told(log[:i + 1] + log[i:], "event-log", "event doubled")
    told(edit(i, event_payload="00" * 20), "event-log", "event's payload")
    told(edit(i, event_payload="00" * 20, digest=""), "rtmr3", "event's payload and digest")
    told(edit(i, digest="00" * 48), "event-log", "event's digest")
    told(edit(at["compose-hash"], event_payload="00" * 32, digest=""), "rtmr3", "another compose hash")
    told(edit(0, digest="00" * 48), "log-registers", "firmware event's digest")
    told(log[1:], "event-log", "firmware event dropped")


def test_another_answer():
    quote = guest["quote"]
    refused("quote.quote-signature", "quote byte", evidence(quote=quote[:400] + ("0" if quote[400] != "0" else "1") + quote[401:]))
    refused("nonce", "old answer", evidence(), nonce=b"\7" * 32)
    refused("report-data", "old quote under a new nonce", evidence(nonce="07" * 32), nonce=b"\7" * 32)
    refused("report-data", "report data", evidence(report_data="00" * 64))
    refused("compose-hash", "compose", evidence(app_compose=guest["app_compose"].replace("sleep", "sh")))
    refused("app-id", "app id", evidence(), "--app-id", "00" * 20)
    refused("compose-hash", "compose hash", evidence(), "--compose-hash", "00" * 32)
    late = ("--root", ROOT, "--collateral", COLLATERAL, "--at", str(NOW + 90 * 86400))
    a = verify(evidence(), "--nonce", guest["nonce_bytes"].hex(), under=late)
    assert a["check"].startswith("quote.") and not a["accepted"], a["sentence"]
    with open(f"{FOLDER}/other.der", "wb") as f:
        f.write(bytes.fromhex(applib.simulate(seed="11" * 32)["root"]))
    refused("quote.pck-chain", "another root", evidence(), under=("--root", f.name, "--collateral", COLLATERAL))


try:
    bailey.run(test_a_running_guest_is_believed, test_evidence_that_was_kept_is_believed, test_another_image, test_another_machine,
               test_another_log, test_another_answer)
finally:
    host.close()
    shutil.rmtree(FOLDER, ignore_errors=True)
