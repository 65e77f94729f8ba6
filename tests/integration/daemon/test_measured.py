# SPDX-License-Identifier: Apache-2.0
"""What is checked and written before a VM with a TEE starts: the image against its own measurement, QEMU against the
one of the last start, what the guest is bound to, and what a simulated TEE begins from.

No TD runs on a machine without TDX: a start that passes all this ends with what the host lacks."""
import base64
import hashlib
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("BAILEY_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(HERE))))
sys.path[:0] = [HERE, f"{os.path.dirname(HERE)}/measure"]
from measurelib import Image  # noqa: E402
from scratch import BIN, Daemon, compose, main, make_image, vm, wait_for  # noqa: E402

IMAGE = "td-0.6.0"
QEMU = "/usr/bin/qemu-system-x86_64"
# both ways in which a host may lack TDX
LACKS = ("Failed to start VM: ", "TDX")
PROVIDER = "33" * 32

d = Daemon("tee_simulator: { seed: \"" + "07" * 32 + "\" }\n")
cache = f"{d.dir}/cache"


def install(**how):
    """The image, measured as its builder would; the newest call wins."""
    subprocess.run(["rm", "-rf", f"{d.dir}/s/image/{IMAGE}"], check=True)
    with Image(name=IMAGE, is_dev=True, shared_ro=True, **how) as image:
        subprocess.run(["cp", "-r", image.path, f"{d.dir}/s/image/{IMAGE}"], check=True)
    return f"{d.dir}/s/image/{IMAGE}"


def bailey(*words, status=0):
    r = subprocess.run([f"{BIN}/bailey", *words], capture_output=True, text=True, timeout=300, check=False,
                       env=os.environ | {"XDG_CACHE_HOME": cache, "BAILEY_SOCKET": d.socket})
    assert r.returncode == status, r
    return r


def create(**more):
    asked = vm(image=IMAGE, memory=2048, **more)
    if "no_tee" not in more:
        asked["no_tee"] = False
    return d.rpc("CreateVm", asked)["id"]


def path(vid, name):
    return f"{d.dir}/s/vm/{vid}/{name}"


def load(vid, name):
    with open(path(vid, name), encoding="utf-8") as f:
        return json.load(f)


def text(vid, name):
    with open(path(vid, name), "rb") as f:
        return f.read()


def mr_config_id(vid):
    return hashlib.sha256(text(vid, "shared/app-compose.json")).digest()


def measured(vid):
    """What `bailey measure` makes of the same image and vm_config."""
    config = path(vid, "vm_config.json")
    with open(config, "w", encoding="utf-8") as f:
        f.write(load(vid, "shared/.sys-config.json")["vm_config"])
    r = bailey("measure", f"{d.dir}/s/image/{IMAGE}", "--vm-config", config, "--events", "--json")
    os.unlink(config)
    return json.loads(r.stdout)


def simulated(vid):
    """Start it, and stop it: .tee-simulator.json as its guest would find it."""
    # whether QEMU takes its kernel for one is no matter here
    d.http("POST", "/prpc/StartVm?json", json.dumps({"id": vid}).encode())
    found = load(vid, "shared/.tee-simulator.json")
    d.rpc("StopVm", {"id": vid})
    return found


def test_a_simulated_td_begins_from_what_a_td_would_have_measured():
    install()
    vid = create(no_tee=True, simulated_tee="dstack-tdx")
    found = simulated(vid)["bailey"]
    want = measured(vid)
    assert found["mrtd"] == want["mrtd"]
    assert [(e["imr"], e["digest"]) for e in found["events"]] == [(e["imr"], e["digest"]) for e in want["events"]]
    assert found["mrconfigid"] == "01" + mr_config_id(vid).hex() + "00" * 15
    assert "mr_config" not in load(vid, "shared/.sys-config.json")
    d.rpc("RemoveVm", {"id": vid})


def test_what_cannot_be_measured_begins_from_zeros():
    folder = install()
    subprocess.run(["rm", "-rf", folder], check=True)
    make_image(folder)
    vid = create(no_tee=True, simulated_tee="dstack-tdx")
    assert "bailey" not in simulated(vid)
    assert "begins from zeros" in d.log()
    d.rpc("RemoveVm", {"id": vid})


def test_v3_binds_a_key_provider_and_an_instance():
    install()
    app = compose(key_provider="kms", key_provider_id=PROVIDER)
    vid = create(no_tee=True, simulated_tee="dstack-tdx", compose_file=app)
    found = simulated(vid)
    document = load(vid, "shared/.sys-config.json")["mr_config"]
    assert document == found["mr_config"]
    info = load(vid, "shared/.instance_info")
    assert json.loads(document) == {
        "app_id": info["app_id"], "compose_hash": mr_config_id(vid).hex(), "instance_id": info["instance_id"],
        "key_provider": "kms", "key_provider_id": PROVIDER, "version": 3}
    assert document == json.dumps(json.loads(document), sort_keys=True, separators=(",", ":"))
    seed = bytes.fromhex(info["instance_id_seed"])
    assert len(seed) == 20
    assert info["instance_id"] == hashlib.sha256(seed + bytes.fromhex(info["app_id"])).digest()[:20].hex()
    digest = hashlib.sha256(b"dstack-mr-config-v3:\0" + document.encode()).hexdigest()
    assert found["bailey"]["mrconfigid"] == "03" + digest + "00" * 15
    assert simulated(vid)["mr_config"] == document, "the instance is the same at its next start"
    d.rpc("RemoveVm", {"id": vid})


def test_a_td_is_recorded_with_its_qemu():
    install()
    vid = create()
    d.fails("StartVm", {"id": vid}, *LACKS)
    record = load(vid, "qemu.json")
    with open(QEMU, "rb") as f:
        assert record["qemu_sha256"] == hashlib.sha256(f.read()).hexdigest()
    assert record["qemu_version"] in subprocess.run([QEMU, "--version"], capture_output=True, text=True,
                                                    check=True).stdout
    assert "mr_config" not in load(vid, "shared/.sys-config.json")
    d.fails("StartVm", {"id": vid}, *LACKS)
    assert load(vid, "qemu.json") == record
    d.rpc("RemoveVm", {"id": vid})


def drifted(vid, **change):
    with open(path(vid, "qemu.json"), "r+", encoding="utf-8") as f:
        record = json.load(f) | change
        f.seek(0)
        f.truncate()
        json.dump(record, f)


def test_a_drift_is_refused_until_it_is_accepted():
    install()
    vid = create(name="drifts")
    d.fails("StartVm", {"id": vid}, *LACKS)
    record = load(vid, "qemu.json")
    for change, says in (({"qemu_version": "9.1.0"}, "was 9.1.0 when"), ({"acpi_sha256": "0" * 64}, "ACPI tables")):
        drifted(vid, **change)
        d.fails("StartVm", {"id": vid}, says, "RTMR0" if "acpi_sha256" in change else "registers", "--accept-drift")
        assert load(vid, "qemu.json") == record | change, "a refusal changes nothing"
        r = bailey("start", "--accept-drift", "drifts", status=1)
        assert "TDX" in r.stderr and load(vid, "qemu.json") == record, r
    # a rebuilt QEMU with the same tables, and a machine that an update changed
    for change in ({"qemu_sha256": "1" * 64}, {"machine": "2" * 64, "acpi_sha256": "3" * 64}):
        drifted(vid, **change)
        d.fails("StartVm", {"id": vid}, *LACKS)
        assert load(vid, "qemu.json") == record, change
    with open(path(vid, "qemu.json"), "w", encoding="utf-8") as f:
        f.write("{")
    d.fails("StartVm", {"id": vid}, "qemu.json", "--accept-drift")
    d.rpc("AcceptDrift", {"id": vid})
    d.fails("StartVm", {"id": vid}, *LACKS)
    assert load(vid, "qemu.json") == record
    d.rpc("RemoveVm", {"id": vid})


def cbor(value):
    """RFC 8949, as far as the document goes: maps, texts, bytes, small numbers."""
    def head(kind, n):
        return bytes((kind << 5 | n,)) if n < 24 else bytes((kind << 5 | 24, n))
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    if isinstance(value, str):
        return head(3, len(value)) + value.encode()
    return head(0, value) if isinstance(value, int) else head(2, len(value)) + value


def publish(folder, spoil=b""):
    """The image with its own measurement, as its builder makes it; one bit of it changed."""
    facts = json.loads(bailey("image", "measure", folder, "--json").stdout)
    part = {k: bytes.fromhex(v) for k, v in facts.items() if isinstance(v, str) and len(v) == 96}
    document = cbor({
        "version": 3,
        "image": {k: part[k] for k in ("cmdline_sha384", "kernel_authenticode", "initrd_sha384")},
        "tdvf": {"ovmf": "pre202505", "td_hob": bytes.fromhex("80100904000609020b021010"),
                 "mrtd": {k: part[f"mrtd_{k}"] for k in ("single_pass", "two_pass")}}})
    if spoil:
        at = document.index(spoil) + len(spoil) + 5
        document = document[:at] + bytes((document[at] ^ 1,)) + document[at + 1:]
    with open(f"{folder}/measurement.tdx.cbor", "wb") as f:
        f.write(document)
    with open(f"{folder}/sha256sum.txt", "r+", encoding="ascii") as f:
        lines = [line for line in f.read().splitlines() if not line.endswith(".cbor")]
        sums = "\n".join(lines + [f"{hashlib.sha256(document).hexdigest()}  measurement.tdx.cbor"]) + "\n"
        f.seek(0)
        f.truncate()
        f.write(sums)
    with open(f"{folder}/digest.txt", "w", encoding="ascii") as f:
        f.write(hashlib.sha256(sums.encode()).hexdigest() + "\n")


def test_an_image_that_is_not_what_its_builder_measured_is_refused():
    folder = install()
    vid = create()
    publish(folder)
    d.fails("StartVm", {"id": vid}, *LACKS)
    for part, says in ((b"kernel_authenticode", "RTMR1 (kernel)"), (b"initrd_sha384", "RTMR2 (initrd)"),
                       (b"cmdline_sha384", "RTMR2 (command line)"), (b"two_pass", "two passes"),
                       (b"single_pass", "one pass"), (b"td_hob", "TD HOB")):
        publish(folder, part)
        d.fails("StartVm", {"id": vid}, IMAGE, "measure", says)
    publish(folder)
    with open(f"{folder}/initramfs.cpio.gz", "ab") as f:
        f.write(b"!")
    d.fails("StartVm", {"id": vid}, "initramfs.cpio.gz")
    d.rpc("RemoveVm", {"id": vid})


def test_a_td_s_binding_is_told_to_guest_and_libvirt_alike():
    """The guest's half; tests/vectors/domain has the XML's."""
    install()
    vid = create(compose_file=compose(key_provider="kms", key_provider_id=PROVIDER))
    d.fails("StartVm", {"id": vid}, *LACKS)
    document = load(vid, "shared/.sys-config.json")["mr_config"]
    assert json.loads(document)["compose_hash"] == mr_config_id(vid).hex()
    want = b"\x03" + hashlib.sha256(b"dstack-mr-config-v3:\0" + document.encode()).digest() + bytes(15)
    assert len(base64.b64encode(want)) == 64
    d.rpc("RemoveVm", {"id": vid})
    wait_for("all are gone", lambda: d.rpc("Status")["total"] == 0)


main(d, *[t for name, t in list(globals().items()) if name.startswith("test_")])
