# SPDX-License-Identifier: Apache-2.0
"""bailey measure and dstack-mr: registers that another program computes too, and files that are none"""
import base64
import hashlib
import json
import os

from measurelib import (BIN, NOT_FOUND, FAILED, OK, REGISTERS, SOURCE, USAGE, VECTORS, Image, Skip, all_tests,
                        firmware, kernel, known_cfv, load, measured, refused, run)

TABLES = f"{VECTORS}/fortanix-canonical-defaults.bin"
OWN = load("own.json")
WANT = [OWN["mrtd_single_pass"], OWN["rtmr0"], OWN["rtmr1"], OWN["rtmr2"]]
MACHINE = ("--cpus", 4, "--memory", "2G")
RECORDED = (*MACHINE, "--acpi-tables", TABLES)


def registers(answer):
    return [answer[r] for r in REGISTERS]


def test_registers_and_events_are_those_of_another_program():
    with Image() as image:
        answer = measured(image.path, *RECORDED, "--events")
        assert registers(answer) == WANT
        for i in range(3):
            mine = [e["digest"] for e in answer["events"] if e["imr"] == i]
            assert mine == OWN["events"][f"rtmr{i}"], i
        assert answer["qemu"] is None and answer["memory"] == 2 << 30 and not answer["two_pass"]
        two = measured(image.path, *RECORDED, "--two-pass")
        assert registers(two) == [OWN["mrtd_two_pass"], *WANT[1:]]
        old = measured(image.path, *RECORDED, "--qemu-version", "8.2.2")
        assert registers(old) == registers(two) and old["pic"]


def test_people_are_told_the_same():
    with Image() as image:
        r = run("measure", f"{image.path}/", *RECORDED)
        lines = r.stdout.decode().splitlines()
        assert r.returncode == OK and [line.split() for line in lines[:4]] == \
            [[n, v] for n, v in zip(REGISTERS, WANT)], r
        assert run("measure", image.path, *RECORDED, "--quiet").stdout.decode().splitlines() == lines[:4]
        assert len(run("measure", image.path, *RECORDED, "--events").stdout.splitlines()) == 26


def test_dstack_s_command_line_prints_dstack_s_keys():
    with Image() as image:
        words = ("-cpu", "4", "-ram", "2048", "-metadata", "metadata.json", "-acpi-tables", TABLES)
        names = ("MRTD", "RTMR0", "RTMR1", "RTMR2")
        want = "".join(f"{n}: {v}\n" for n, v in zip(names, WANT))
        r = run("dstack-mr", *words, cwd=image.path)
        assert r.returncode == OK and r.stdout.decode() == want and not r.stderr, r
        link = f"{image.scratch.name}/dstack-mr"
        os.symlink(f"{BIN}/bailey", link)
        other = ("--cpu=4", "--memory=2G", f"-metadata={image.path}/metadata.json", "-acpi-tables", TABLES)
        assert run(*other, program=link).stdout.decode() == want
        r = run(*other, "-json", program=link)
        assert json.loads(r.stdout) == dict(zip(REGISTERS, WANT)), r
        metadata = f"{image.path}/metadata.json"
        r = run("measure", "-c", "4", "--memory", "2G", "--hotplug-off", "false", metadata, "--acpi-tables", TABLES,
                "--json", program=link)
        assert json.loads(r.stdout) == dict(zip(REGISTERS, WANT)), r
        r = run("measure", metadata, "--two-pass-add-pages", "true", "--pic=true", "--acpi-tables", TABLES,
                program=link)
        assert r.stdout.decode().startswith(f"MRTD: {OWN['mrtd_two_pass']}\nRTMR0: "), r
        for words, code in ((("",), NOT_FOUND), (("-",), USAGE), ((metadata, metadata), USAGE), (("-cpu",), USAGE),
                            (("-num-gpus", "99", metadata), USAGE), (("-pci-hole64-size", "x", metadata), USAGE),
                            (("-cpu", "0"), USAGE), (("-nonsense",), USAGE), ((), USAGE),
                            (("-metadata", "/none/metadata.json"), NOT_FOUND),
                            (("-metadata", f"{image.path}/bzImage"), USAGE),
                            (("-ram", "x", "-metadata", f"{image.path}/metadata.json"), USAGE)):
            r = run(*words, program=link)
            assert r.returncode == code and r.stderr.startswith(b"bailey: ") and not r.stdout, (words, r)
        assert b"-metadata" in run("-help", program=link).stdout


def test_qemu_is_asked_once_and_its_answer_kept():
    with Image() as image:
        first = measured(image.path, *MACHINE)
        again = measured(image.path, *MACHINE)
        assert not first["qemu"]["cached"] and again["qemu"]["cached"]
        assert registers(first) == registers(again) and registers(first)[2:] == WANT[2:]
        more = measured(image.path, "--cpus", 5, "--memory", "2G")
        assert more["rtmr0"] != first["rtmr0"] and registers(more)[2:] == WANT[2:]
        assert measured(image.path, *MACHINE, "--nics", 2)["rtmr0"] != first["rtmr0"]
        assert measured(image.path, *MACHINE, "--hotplug-off")["rtmr0"] != first["rtmr0"]


def test_an_image_without_a_root_disk_has_a_slot_less():
    with Image(rootfs=None) as image:
        words = (image.path, *MACHINE, "--qemu-version", "9.2.1")
        taken = measured(*words)["rtmr0"]  # for given, as other verifiers do
        assert "root_disk false" in run("measure", *words).stdout.decode()
        told = measured(*words, "--vm-config", "-", stdin=b'{"root_disk":false}')["rtmr0"]
        assert told != taken
        assert "root_disk" not in run("measure", *words, "--vm-config", "-", stdin=b'{"root_disk":false}').stdout.decode()


def test_a_version_of_qemu_and_its_switches_show():
    with Image() as image:
        seen = [measured(image.path, *MACHINE, "--qemu-version", *more)["rtmr0"]
                for more in (("9.2.1",), ("9.2.1", "--pic", "on"), ("8.2.2",), ("10.1.0",))]
        assert len(set(seen)) == 4, seen


def test_a_quote_of_real_hardware_follows_from_its_vm_config():
    real = load("dstack-lite.json")
    answer = measured("--vm-config", "-", stdin=real["vm_config"].encode())
    assert registers(answer) == [real[r] for r in REGISTERS]


def test_a_vm_config_is_changed_by_options():
    real = load("dstack-lite.json")["vm_config"].encode()
    said = measured("--vm-config", "-", "--acpi-tables", TABLES, stdin=real)
    assert said["two_pass"] and said["pic"] and said["cpus"] == 2 and said["qemu_version"] == "8.2.2"
    other = measured("--vm-config", "-", "--acpi-tables", TABLES, "--qemu-version", "9.2.1", stdin=real)
    assert not other["two_pass"] and other["mrtd"] != said["mrtd"] and other["rtmr0"] == said["rtmr0"]
    assert other["rtmr1"] == said["rtmr1"]


def changed(**keys):
    config = json.loads(load("dstack-lite.json")["vm_config"])
    config.update(keys)
    return json.dumps({k: v for k, v in config.items() if v is not None}).encode()


def test_a_vm_config_that_lies_is_refused():
    lite = json.loads(load("dstack-lite.json")["vm_config"])["tdx_measurement"]
    document = bytearray(base64.b64decode(lite["measurement"]))
    document[80] ^= 1
    bad = lite | {"measurement": base64.b64encode(bytes(document)).decode()}
    for text, says in (
            (changed(tdx_measurement=bad), "is not the one in sha256sum.txt"),
            (changed(os_image_hash="00" * 32), "is not os_image_hash"),
            (changed(os_image_hash=None), "os_image_hash is missing"),
            (changed(tdx_measurement=None), "files are needed"),
            (changed(tdx_measurement=lite | {"measurement": "%%%"}), "no base64"),
            (changed(memory_size=1 << 30), "2816 MiB"),
            (changed(memory_size=0), "how much memory"), (changed(cpu_count=0), "how many vCPUs"),
            (changed(swtpm=True), "swtpm"), (changed(ovmf_variant="stable202505"), "ovmf_variant"),
            (changed(qemu_version="9.2\x1b[2J"), "not like 9.2.1"), (b"{", "vm_config"),
            (b"[" * 60000, "vm_config"), (b"{}" + b" " * 100000, "holds more than 65536")):
        code = FAILED if says == "files are needed" else USAGE
        refused(code, says, "measure", "--vm-config", "-", "--acpi-tables", TABLES, stdin=text)
    with Image() as image:
        refused(USAGE, "of another image", "measure", image.path, "--vm-config", "-", "--acpi-tables", TABLES,
                stdin=changed())


def test_files_that_are_none_are_refused_by_name():
    for files, says in (({"ovmf.fd": b""}, "firmware: no OVMF table"),
                        ({"ovmf.fd": firmware()[:-1]}, "firmware: no OVMF table"),
                        ({"ovmf.fd": firmware()[0x9000:]}, "outside the file"),
                        ({"bzImage": b"MZ"}, "kernel: too short"),
                        ({"bzImage": kernel()[:0x1800]}, "kernel: a section is outside the file"),
                        ({"bzImage": bytes(0x2000)}, "kernel: no Linux kernel"),
                        ({"initramfs.cpio.gz": b""}, "initrd: it is empty")):
        with Image(files) as image:
            refused(USAGE, says, "measure", image.path, *RECORDED)
    with Image(cmdline="console=ttyS0 vga=ask") as image:
        refused(USAGE, "vga=", "measure", image.path, *RECORDED)
    with Image(bios=None) as image:
        refused(FAILED, "has no firmware", "measure", image.path, *RECORDED)
    with Image() as image:
        image.write("tables", b"FACS")
        refused(USAGE, "ACPI table", "measure", image.path, *MACHINE, "--acpi-tables", f"{image.path}/tables")
        refused(USAGE, "whole MiB", "measure", image.path, "--cpus", 1, "--memory", "4096")
        refused(USAGE, "8388608 bytes", "measure", image.path, "--cpus", 1, "--memory", "8M")
        refused(USAGE, "--cpus", "measure", image.path, "--cpus", "0", "--memory", "2G")
        refused(USAGE, "--pic", "measure", image.path, *MACHINE, "--pic", "maybe")
        refused(USAGE, "how many vCPUs", "measure", image.path, "--memory", "2G")
        refused(FAILED, "none-such", "measure", image.path, *MACHINE, "--qemu", "/none-such")
    refused(USAGE, "which image", "measure", *RECORDED)
    refused(NOT_FOUND, "/none/such", "measure", "/none/such", *RECORDED)


def test_an_image_tells_what_all_its_vms_have_in_common():
    with Image() as image:
        r = run("image", "measure", image.path, "--json")
        told = json.loads(r.stdout)
        assert r.returncode == OK and told["os_image_hash"] == image.hash and not told["lite"], r
        assert told["mrtd_single_pass"] == OWN["mrtd_single_pass"]
        assert told["mrtd_two_pass"] == OWN["mrtd_two_pass"]
        assert told["kernel_authenticode"] == OWN["events"]["rtmr1"][0]
        assert [told["cmdline_sha384"], told["initrd_sha384"]] == OWN["events"]["rtmr2"]
        assert image.hash in run("image", "measure", image.path).stdout.decode()
        refused(USAGE, "CFV", "image", "measure", image.path, "-o", f"{image.path}/out")
        assert not os.path.exists(f"{image.path}/out")
        image.write("bzImage", kernel()[:-1] + b"x")
        r = run("image", "measure", image.path)
        assert r.returncode == FAILED and b"bzImage" in r.stderr, r
        for name in ("sha256sum.txt", "digest.txt"):
            os.unlink(f"{image.path}/{name}")
        assert run("image", "measure", image.path).returncode == OK


def test_the_document_of_an_image_leads_to_the_registers_of_its_files():
    """The lite form, from an image that `bailey image measure -o` has made one of."""
    files = {"ovmf.fd": firmware(known_cfv())}
    with Image(files) as image:
        document = f"{image.scratch.name}/measurement.tdx.cbor"
        told = json.loads(run("image", "measure", image.path, "-o", document, "--json").stdout)
        assert told["lite"] and told["cfv"] == hashlib.sha384(known_cfv()).hexdigest()
        with open(document, "rb") as f:
            made = {"measurement.tdx.cbor": f.read()}
        want = measured(image.path, *RECORDED)
    with Image(files | made) as image:
        with open(f"{image.path}/sha256sum.txt", "rb") as f:
            sums = f.read()
        config = {"os_image_hash": image.hash, "cpu_count": 4, "memory_size": 2 << 30, "tdx_measurement": {
            "checksum_file": base64.b64encode(sums).decode(),
            "measurement": base64.b64encode(made["measurement.tdx.cbor"]).decode()}}
        have = measured("--vm-config", "-", "--acpi-tables", TABLES, stdin=json.dumps(config).encode())
        assert [have[r] for r in REGISTERS] == [want[r] for r in REGISTERS]


def is_rtmr0_of(config, want):
    """RTMR0 of a real machine, from its vm_config and a firmware with its layout and its CFV."""
    config = dict(config)
    for other in ("tdx_measurement", "os_image_hash"):
        config.pop(other, None)
    with Image({"ovmf.fd": firmware(known_cfv())}) as image:
        answer = measured(image.path, "--vm-config", "-", "--events", stdin=json.dumps(config).encode())
    digests = {e["event"]: e["digest"] for e in answer["events"] if e["imr"] == 0}
    for event, digest in want.items():
        assert digests.get(event, answer.get(event)) == digest, (event, config)


def test_rtmr0_of_a_machine_with_a_gpu_follows_from_its_vm_config():
    real = load("dstack-quote-report.json")
    acpi = {f"acpi-{k}": v for k, v in real["acpi"].items()}
    is_rtmr0_of(json.loads(real["vm_config"]), acpi | {"rtmr0": real["rtmr0"]})


def test_rtmr0_that_dstack_published():
    """Of dstack 0.5.5 with one vCPU and 2 GiB; its middle is not printed there."""
    with Image({"ovmf.fd": firmware(known_cfv())}) as image:
        rtmr0 = measured(image.path, "--cpus", 1, "--memory", "2G", "--qemu-version", "8.2.2")["rtmr0"]
    assert rtmr0.startswith("68102e7b524af310") and rtmr0.endswith("fe96"), rtmr0


def test_rtmr0_of_other_real_machines():
    path = f"{SOURCE}/../shared/vectors/measurement/real-rtmr0/vectors.json"
    if not os.path.exists(path):
        raise Skip("no ../shared/vectors")
    with open(path, encoding="utf-8") as f:
        vectors = json.load(f)
    for v in vectors:
        is_rtmr0_of(v["vm_config"], {"td-hob": v["td_hob"], "acpi-loader": v["acpi_loader"], "rtmr0": v["rtmr0"],
                                     "acpi-rsdp": v["acpi_rsdp"], "acpi-tables": v["acpi_tables"]})
    print(f"# RTMR0 of {len(vectors)} machines, each from its vm_config alone")


all_tests(globals())
