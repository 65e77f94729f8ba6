# SPDX-License-Identifier: Apache-2.0
"""Images taken away; and how much of the host VMs may have together."""
import json
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scratch import Daemon, IMAGE, main, make_image, vm, wait_for  # noqa: E402

d = Daemon("limits: { vcpu: 4, memory: 4G, disk: 8G, disk_total: 10G, vcpu_total: 6, memory_total: 5G }\n")
STORE = f"{d.dir}/s/image"


def names():
    return [i["name"] for i in d.rpc("ListImages")["images"]]


def gone(vid):
    d.rpc("RemoveVm", {"id": vid})
    wait_for("the VM is gone", lambda: not d.rpc("GetInfo", {"id": vid})["found"])


def test_an_image_is_deleted_whole():
    make_image(f"{STORE}/old-1.0")
    make_image(f"{STORE}/{'n' * 64}")
    assert names() == ["n" * 64, "old-1.0", IMAGE], names()
    assert d.rpc("DeleteImage", {"id": "old-1.0"}) is None
    d.rpc("DeleteImage", {"id": "n" * 64})
    assert sorted(os.listdir(STORE)) == [IMAGE]
    d.fails("DeleteImage", {"id": "old-1.0"}, "image 'old-1.0' not found")


def test_what_is_no_image_is_left_alone():
    os.makedirs(f"{STORE}/notes")
    with open(f"{STORE}/notes/a.txt", "w", encoding="ascii") as f:
        f.write("mine")
    os.symlink(IMAGE, f"{STORE}/link")
    before = sorted(os.listdir(STORE))
    for name in ("", ".", "..", "/", "../image", "a/b", f"{IMAGE}/", ".x", "a..b", "n" * 65, "a b", "ä"):
        d.fails("DeleteImage", {"id": name}, "invalid image name")
    d.fails("DeleteImage", {"id": "notes"}, "no metadata.json")
    d.fails("DeleteImage", {"id": "link"}, "not a folder of its own")
    assert sorted(os.listdir(STORE)) == before
    os.unlink(f"{STORE}/link")


def test_an_image_in_use_stays():
    vid = d.rpc("CreateVm", vm(name="holder"))["id"]
    d.fails("DeleteImage", {"id": IMAGE}, f"cannot delete image '{IMAGE}': in use by VM 'holder'")
    assert names() == [IMAGE]
    gone(vid)


def test_an_image_that_an_update_chooses_stays():
    """Between the update's check and its last rename the image is only in what is to come: whoever wins, a VM has its image."""
    vid = d.rpc("CreateVm", vm(name="chooser"))["id"]
    refused = 0
    for n in range(25):
        make_image(f"{STORE}/next-{n}.0")
        both = [threading.Thread(target=d.http, args=("POST", f"/prpc/{method}?json", json.dumps(body).encode()))
                for method, body in (("UpdateVm", {"id": vid, "image": f"next-{n}.0"}), ("DeleteImage", {"id": f"next-{n}.0"}))]
        for t in both:
            t.start()
        for t in both:
            t.join()
        image = d.rpc("GetInfo", {"id": vid})["info"]["configuration"]["image"]
        assert image in names(), f"round {n}: {image} is gone, and a VM has it"
        refused += os.path.exists(f"{STORE}/next-{n}.0")
    print(f"     {refused} of 25 deletions came too late")
    gone(vid)
    for n in range(25):
        if f"next-{n}.0" in names():
            d.rpc("DeleteImage", {"id": f"next-{n}.0"})


def test_a_crash_leaves_nothing_visible():
    make_image(f"{STORE}/.gone-half-0123abcd")
    os.unlink(f"{STORE}/.gone-half-0123abcd/metadata.json")
    assert d.stop() == 0
    d.start()
    assert not os.path.exists(f"{STORE}/.gone-half-0123abcd") and names() == [IMAGE]


def test_a_name_of_65_characters_is_none():
    make_image(f"{STORE}/{'x' * 65}")
    assert names() == [IMAGE]
    d.fails("CreateVm", vm(image="x" * 65), "Invalid image name")


def test_what_all_have_together():
    assert d.rpc("GetMeta")["resources"] == {
        "max_cvm_number": 256, "max_allocable_vcpu": 6, "max_allocable_memory_in_mb": 5120}
    # what does not run needs no CPU and no memory, but its disk is its own
    big = [d.rpc("CreateVm", vm(name=f"b{i}", vcpu=4, memory=4096, disk_size=4))["id"] for i in range(2)]
    d.fails("CreateVm", vm(disk_size=3), "disk_size: 3 GiB asked for", "8 GiB of the 10 GiB", "limits.disk_total")
    for vid in big:
        gone(vid)


def test_a_full_disk_takes_no_new_vm():
    assert d.stop() == 0
    with open(d.config, encoding="utf-8") as f:
        text = f.read()
    with open(d.config, "w", encoding="utf-8") as f:
        f.write(text.replace("disk_total: 10G", "disk_free: 1000T"))
    d.start()
    before = d.disk()
    d.fails("CreateVm", vm(), "limits.disk_free", "MiB free", f"{d.dir}/s")
    assert d.disk() == before


main(d, test_an_image_is_deleted_whole, test_what_is_no_image_is_left_alone, test_an_image_in_use_stays,
     test_an_image_that_an_update_chooses_stays,
     test_a_crash_leaves_nothing_visible, test_a_name_of_65_characters_is_none, test_what_all_have_together,
     test_a_full_disk_takes_no_new_vm)
