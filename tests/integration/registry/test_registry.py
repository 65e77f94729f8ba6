# SPDX-License-Identifier: Apache-2.0
"""Images out of a registry: fetched whole, checked, shown; and every lie of a registry refused without a trace."""
import base64
import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../daemon"]
from fake_registry import MANIFEST, Registry, entry, image_files, tar  # noqa: E402
from scratch import Daemon, IMAGE, main, vm, wait_for  # noqa: E402

MIB = 1 << 20
reg = Registry()
MORE = "insecure: true, max_size: 24M, timeout: 5m"
d = Daemon(f"registry: {{ url: '127.0.0.1:{reg.port}/org/guest-image', {MORE} }}\n")
STORE = f"{d.dir}/s/image"


def names():
    return [i["name"] for i in d.rpc("ListImages")["images"]]


def pulls():
    return {p["tag"]: p for p in d.rpc("ListPulls")["images"]}


def pull(tag):
    """The record of the pull when it has ended."""
    d.rpc("PullRegistryImage", {"tag": tag})
    return wait_for(f"the pull of {tag} ends", lambda: (p := pulls()[tag]) and not p["pulling"] and p)


def fails(tag, *words):
    before = sorted(os.listdir(STORE))
    p = pull(tag)
    assert p["error"] and not p["local"], p
    for word in words:
        assert word in p["error"], f"{tag}: {p['error']!r} does not say {word!r}"
    wait_for("the stage is gone", lambda: sorted(os.listdir(STORE)) == before)


def restart(text=None):
    assert d.stop() == 0, d.log()
    if text is not None:
        with open(d.config, "w", encoding="utf-8") as f:
            f.write(f"state: {d.dir}/s\nrun: {d.dir}/r\nhost_registry: {d.dir}/h\n{text}")
    d.start()


def test_an_image_is_pulled():
    reg.image("0.6.0", tar({f"./{k}": v for k, v in image_files().items()},
                           *(entry(f"{n}/", tarfile.DIRTYPE) for n in ("dev", "etc", "proc", "sys"))))
    reg.tags += ["sha256-" + "0" * 64, "mr-sha256-" + "0" * 64]
    assert d.rpc("ListRegistryImages") == {"images": [
        {"tag": "0.6.0", "local": False, "pulling": False, "error": "", "image": "dstack-0.6.0", "bytes": 0}]}
    p = pull("0.6.0")
    assert p["error"] == "" and p["local"] and p["bytes"] > 100000, p
    assert names() == ["dstack-0.6.0", IMAGE] and sorted(os.listdir(STORE)) == ["dstack-0.6.0", IMAGE]
    assert os.stat(f"{STORE}/dstack-0.6.0").st_mode & 0o7777 == 0o755
    assert sorted(os.listdir(f"{STORE}/dstack-0.6.0")) == sorted(image_files())
    assert d.rpc("ListRegistryImages")["images"][0]["local"]
    d.fails("PullRegistryImage", {"tag": "0.6.0"}, "image directory already exists: dstack-0.6.0")
    d.fails("PullRegistryImage", {"tag": "dstack-0.6.0"}, "image directory already exists")
    vid = d.rpc("CreateVm", vm(image="dstack-0.6.0"))["id"]
    d.fails("DeleteImage", {"id": "dstack-0.6.0"}, "in use")
    d.rpc("RemoveVm", {"id": vid})
    wait_for("the VM is gone", lambda: d.rpc("Status")["total"] == 0)
    d.rpc("DeleteImage", {"id": "dstack-0.6.0"})
    assert names() == [IMAGE]


def test_several_layers_and_an_index():
    files = image_files()
    first = tar({"bzImage": b"an older one", "initramfs.cpio.gz": files["initramfs.cpio.gz"]})
    rest = tar({k: v for k, v in files.items() if k != "initramfs.cpio.gz"})
    digest, size = reg.image("layers", first, rest)
    reg.index("dstack-index", {"mediaType": MANIFEST, "digest": digest, "size": size,
                               "platform": {"architecture": "amd64", "os": "linux"}},
              {"mediaType": MANIFEST, "digest": "sha256:" + "0" * 64, "size": 7,
               "platform": {"architecture": "unknown", "os": "unknown"}})
    assert pull("dstack-index")["local"] and "dstack-index" in names()
    with open(f"{STORE}/dstack-index/bzImage", "rb") as f:
        assert f.read() == files["bzImage"], "the later layer wins"
    d.rpc("DeleteImage", {"id": "dstack-index"})


def test_tags_that_are_wrong():
    for tag in ("", ".", "..", "a/b", "a:b", "-x", "--help", "x@sha256:00", "a b", "ä", "x" * 58, "x" * 129):
        d.fails("PullRegistryImage", {"tag": tag}, "invalid registry tag")
    assert pulls().keys() >= {"0.6.0"} and "" not in pulls()
    fails("nothere", "skopeo")


def test_archives_that_are_hostile():
    good = image_files()
    for what, extra, word in (
            ("symlink", entry("x", tarfile.SYMTYPE, "/etc/passwd"), "link"),
            ("hardlink", entry("x", tarfile.LNKTYPE, "bzImage"), "link"),
            ("device", entry("x", tarfile.CHRTYPE), "device"), ("fifo", entry("x", tarfile.FIFOTYPE), "fifo"),
            ("absolute", entry("/tmp/bailey-escaped"), "absolute"), ("dotdot", entry("../escaped"), "in a folder"),
            ("nested", entry("a/b"), "in a folder"), ("hidden", entry(".wh.bzImage"), "dot")):
        reg.image(what, tar(good, extra))
        fails(what, word)
    reg.image("many", tar({**good, **{f"f{i}": b"" for i in range(200)}}))
    fails("many", "more than 128 files")
    whole = tar(good)
    reg.image("short", whole[:len(whole) // 2])
    fails("short", "cut short")
    reg.image("junk", random.Random(1).randbytes(5000))
    fails("junk", "no tar archive")
    assert not os.path.exists("/tmp/bailey-escaped") and not os.path.exists(f"{STORE}/escaped")


def test_images_that_are_none():
    reg.image("nothing", tar({"readme.txt": b"hello"}))
    fails("nothing", "does not contain metadata.json")
    reg.image("wrongsum", tar(image_files(bzImage=b"another kernel")))
    fails("wrongsum", "'bzImage' is not the file that sha256sum.txt names")
    reg.image("nosums", tar(image_files(digest_txt=None)))
    fails("nosums", "no digest.txt")
    reg.image("nokernel", tar(image_files(bzImage=None)))
    fails("nokernel", "Kernel does not exist")
    reg.image("badmeta", tar(image_files(metadata_json=b"{")))
    fails("badmeta", "metadata.json")


def test_registries_that_lie():
    data = gzip.compress(tar(image_files()), 1)
    other = bytearray(data)
    other[-9] ^= 1
    reg.image("digest", blobs=[reg.blob(bytes(other), says=data)])
    fails("digest", "skopeo")
    reg.image("size", blobs=[{**reg.blob(data + b"size"), "size": 10}])
    fails("size", "skopeo")
    half = gzip.compress(tar(image_files(x=b"half")), 1)
    reg.image("half", blobs=[reg.blob(half[:len(half) // 2], says=half)])
    fails("half", "skopeo")
    reg.image("none", blobs=[{"digest": "sha256:" + "12" * 32, "size": 5}])
    fails("none", "skopeo")
    reg.manifests["garbage"] = (MANIFEST, b"{]")
    fails("garbage", "skopeo")
    reg.image("zeros", tar({"rootfs": b"\0" * (64 * MIB)}))  # 64 MiB that are 64 KiB on the way
    fails("zeros", "registry.max_size: 24 MiB")
    assert not any(f.startswith(".") for f in os.listdir(STORE))


def test_one_pull_of_an_image_at_a_time():
    files = image_files(x=os.urandom(4 * MIB))
    for tag in ("slow", "slow2"):
        data = gzip.compress(tar({**files, "y": tag.encode()}), 1)
        reg.image(tag, blobs=[reg.blob(data)])
        reg.stalled.add("sha256:" + hashlib.sha256(data).hexdigest())
        d.rpc("PullRegistryImage", {"tag": tag})
    wait_for("bytes are seen", lambda: pulls()["slow"]["bytes"] > MIB)
    assert pulls()["slow"]["pulling"] and not pulls()["slow"]["local"]
    assert {p["tag"]: p["pulling"] for p in d.rpc("ListRegistryImages")["images"]}["slow"]
    d.fails("PullRegistryImage", {"tag": "slow"}, "image slow is already being pulled")
    d.fails("PullRegistryImage", {"tag": "dstack-slow"}, "image dstack-slow is already being pulled")
    d.fails("PullRegistryImage", {"tag": "layers"}, "2 images are being pulled already")
    assert names() == [IMAGE], "what is on its way does not show"
    # killed at work: skopeo goes with the daemon, and the next one clears up
    assert [f for f in os.listdir(STORE) if f.startswith(".pull-dstack-slow")]
    assert d.stop(signal.SIGKILL) == -signal.SIGKILL
    d.start()
    assert os.listdir(STORE) == [IMAGE] and pulls() == {}
    wait_for("skopeo is gone", lambda: not [p for p in os.listdir("/proc") if p.isdigit() and STORE in cmdline(p)])
    # asked to end, it does not wait for the registry
    d.rpc("PullRegistryImage", {"tag": "slow"})
    wait_for("it has begun", lambda: pulls()["slow"]["bytes"] > MIB)
    restart()
    assert os.listdir(STORE) == [IMAGE]
    reg.stall.set()
    assert pull("slow")["local"]
    d.rpc("DeleteImage", {"id": "dstack-slow"})


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def dies_at(point, method, params):
    """Does the daemon end at the injection point?  Then start it again."""
    assert d.stop() == 0
    os.environ["BAILEY_INJECT"] = point
    try:
        d.start()
    finally:
        del os.environ["BAILEY_INJECT"]
    try:
        d.rpc(method, params)
        wait_for("it ends, or goes past", lambda: d.process.poll() is not None or
                 not any(p["pulling"] for p in pulls().values()))
    except (OSError, IndexError):
        d.process.wait(timeout=60)  # it ended over the call
    if d.process.poll() is None:
        print("built without injection points")
        return False
    d.start()
    return True


def test_a_crash_at_any_point_leaves_all_or_nothing():
    reg.image("crash", tar(image_files()))
    for point, there in (("images.staged", False), ("images.complete", False),
                         ("images.published", True)):
        if not dies_at(point, "PullRegistryImage", {"tag": "crash"}):
            d.rpc("DeleteImage", {"id": "dstack-crash"})
            return
        assert sorted(os.listdir(STORE)) == (["dstack-crash"] if there else []) + [IMAGE], (point, os.listdir(STORE))
    assert dies_at("images.hidden", "DeleteImage", {"id": "dstack-crash"})
    assert os.listdir(STORE) == [IMAGE]


def test_a_full_disk_is_told_and_stays_usable():
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12M", "tmpfs", STORE], check=False).returncode:
        print("no mounts here")
        return
    try:
        reg.image("big", tar(image_files(x=os.urandom(8 * MIB))))
        restart(f"registry: {{ url: '127.0.0.1:{reg.port}/org/guest-image', {MORE} }}\nlimits: {{ disk_free: 2M }}\n")
        fails("big", "limits.disk_free", "MiB free")
        restart(f"registry: {{ url: '127.0.0.1:{reg.port}/org/guest-image', {MORE} }}\nlimits: {{ disk_free: 0 }}\n")
        fails("big", "o space left")
        restart(f"registry: {{ url: '127.0.0.1:{reg.port}/org/guest-image', {MORE} }}\nlimits: {{ disk_free: 1T }}\n")
        d.fails("PullRegistryImage", {"tag": "big"}, "limits.disk_free")
        d.stop()
    finally:
        subprocess.run(["umount", STORE], check=True)
    d.start()
    assert names() == [IMAGE]


def test_credentials():
    locked = Registry(user="alice:secret-word")
    locked.image("1.0", tar(image_files()))
    auth = f"{d.dir}/auth.json"
    token = base64.b64encode(b"alice:secret-word").decode()
    with open(auth, "w", encoding="ascii") as f:
        json.dump({"auths": {f"127.0.0.1:{locked.port}": {"auth": token}}}, f)
    text = f"registry: {{ url: 'http://127.0.0.1:{locked.port}/a', {MORE}"
    restart(text + " }\n")
    d.fails("ListRegistryImages", {}, "failed to list registry tags", "unauthorized")
    restart(text + f", auth_file: {auth} }}\n")
    os.chmod(auth, 0o644)
    d.fails("ListRegistryImages", {}, "can be read by others", "chmod 600")
    os.chmod(auth, 0o600)
    assert [i["tag"] for i in d.rpc("ListRegistryImages")["images"]] == ["1.0"]
    assert pull("1.0")["local"]
    assert "secret-word" not in d.log() and token not in d.log()
    d.rpc("DeleteImage", {"id": "dstack-1.0"})
    locked.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_debians_own_registry():
    if not shutil.which("docker-registry"):
        print("no docker-registry here")
        return
    port, where = free_port(), tempfile.mkdtemp(prefix="b-reg-", dir="/tmp")
    with open(f"{where}/c.yml", "w", encoding="ascii") as f:
        f.write(f"version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {where}/data }} }}\n"
                f"http: {{ addr: 127.0.0.1:{port} }}\nlog: {{ level: error }}\n")
    server = subprocess.Popen(["docker-registry", "serve", f"{where}/c.yml"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        wait_for("the registry answers", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false",
                        "--dest-tls-verify=false", f"docker://127.0.0.1:{reg.port}/org/guest-image:0.6.0",
                        f"docker://127.0.0.1:{port}/bailey/guest:bailey-0.1.0"], check=True)
        restart(f"registry: {{ url: '127.0.0.1:{port}/bailey/guest', {MORE} }}\n")
        assert [i["tag"] for i in d.rpc("ListRegistryImages")["images"]] == ["bailey-0.1.0"]
        assert pull("bailey-0.1.0")["local"] and "bailey-0.1.0" in names()
        fails("no-such-tag", "manifest unknown")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(where)
    d.fails("ListRegistryImages", {}, "failed to list registry tags", "refused")


def bailey(*args, status=0):
    r = subprocess.run([f"{os.environ['BAILEY_BIN']}/bailey", "--socket", d.socket, *args], timeout=300, check=False,
                       stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert r.returncode == status, (args, r.returncode, r.stdout, r.stderr)
    return r


def test_the_command():
    restart(f"registry: {{ url: '127.0.0.1:{reg.port}/org/guest-image', {MORE} }}\n")
    rows = [x.split(None, 2) for x in bailey("image", "ls", "--registry").stdout.splitlines()]
    assert rows[0] == ["TAG", "IMAGE", "STATE"] and ["0.6.0", "dstack-0.6.0", "-"] in rows, rows
    assert bailey("image", "pull", "0.6.0").stdout == "0.6.0: pulling\n0.6.0 is here as dstack-0.6.0\n"
    assert "dstack-0.6.0" in bailey("image", "ls").stdout
    rows = [x.split(None, 2) for x in bailey("image", "ls", "--registry").stdout.splitlines()]
    assert ["0.6.0", "dstack-0.6.0", "here"] in rows, rows
    r = bailey("image", "pull", "0.6.0", "symlink", "layers", status=1)
    assert "already exists" in r.stderr and "is a link" in r.stderr and "layers is here" in r.stdout, r
    listed = json.loads(bailey("image", "ls", "--registry", "-j").stdout)
    assert "link" in [i["error"] for i in listed if i["tag"] == "symlink"][0]
    assert "nobody to ask" in bailey("image", "rm", "dstack-0.6.0", status=2).stderr
    vid = d.rpc("CreateVm", vm(name="user", image="dstack-0.6.0"))["id"]
    assert "in use by VM 'user'" in bailey("image", "rm", "-f", "dstack-0.6.0", status=1).stderr
    d.rpc("RemoveVm", {"id": vid})
    wait_for("the VM is gone", lambda: d.rpc("Status")["total"] == 0)
    assert bailey("image", "rm", "-f", "dstack-0.6.0").stdout == "dstack-0.6.0 is removed\n"
    assert json.loads(bailey("image", "rm", "-jf", "dstack-layers").stdout) == {
        "image": "dstack-layers", "removed": True}
    assert "not found" in bailey("image", "rm", "-f", "dstack-layers", status=1).stderr
    assert json.loads(bailey("image", "pull", "-j", "--no-wait", "0.6.0").stdout)["image"] == "dstack-0.6.0"
    wait_for("it is here", lambda: "dstack-0.6.0" in names())
    d.rpc("DeleteImage", {"id": "dstack-0.6.0"})


def test_without_a_registry():
    restart("")
    assert d.rpc("ListRegistryImages") == {"images": []}
    d.fails("PullRegistryImage", {"tag": "0.6.0"}, "image registry is not configured")


if not shutil.which("skopeo"):
    print("skipped: no skopeo here")
    d.close()
    sys.exit(77)
main(d, test_an_image_is_pulled, test_several_layers_and_an_index, test_tags_that_are_wrong, test_archives_that_are_hostile, test_images_that_are_none, test_registries_that_lie,
     test_one_pull_of_an_image_at_a_time, test_a_crash_at_any_point_leaves_all_or_nothing,
     test_a_full_disk_is_told_and_stays_usable, test_credentials, test_debians_own_registry, test_the_command,
     test_without_a_registry)
