# SPDX-License-Identifier: Apache-2.0
"""fake_registry: an OCI registry on loopback that says what it is told to, lies included"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def image_files(**more):
    """The files of an image that loads and whose sums are right; more: name=bytes, _ for a dot."""
    files = {"bzImage": b"no kernel", "initramfs.cpio.gz": b"no initramfs", "rootfs.img.parted.verity": b"r" * 100000,
             "metadata.json": json.dumps({"kernel": "bzImage", "initrd": "initramfs.cpio.gz", "cmdline": "x",
                                          "rootfs": "rootfs.img.parted.verity", "version": "0.6.0",
                                          "is_dev": True, "shared_ro": True}).encode()}
    sums = "".join(f"{hashlib.sha256(v).hexdigest()}  {k}\n" for k, v in files.items())
    files["sha256sum.txt"] = sums.encode()
    files["digest.txt"] = hashlib.sha256(sums.encode()).hexdigest().encode() + b"\n"
    files.update({k.replace("_", "."): v for k, v in more.items()})
    return {k: v for k, v in files.items() if v is not None}


def tar(files, *extra):
    """Plain files, then TarInfo objects as they are."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
        for info in extra:
            t.addfile(info, io.BytesIO(b"\0" * info.size))
    return out.getvalue()


def entry(name, kind=tarfile.REGTYPE, link="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


class Registry:
    def __init__(self, user=None):
        self.blobs, self.manifests, self.tags = {}, {}, []
        self.user = user  # "name:password", or nobody is asked
        self.stall = threading.Event()  # set: blobs that stall go on
        self.stalled, self.n_listed = set(), 0
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_HEAD(self):
                registry.serve(self)

            def do_GET(self):
                registry.serve(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.stall.set()
        self.server.shutdown()

    def blob(self, data, says=None):
        """Serve @data by its digest, or by the one that @says has."""
        digest = sha(data if says is None else says)
        self.blobs[digest] = data
        return {"digest": digest, "size": len(data if says is None else says)}

    def image(self, tag, *layers, kind=LAYER, blobs=None):
        """An image of tar archives, or of ready descriptors."""
        config = self.blob(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
            "type": "layers", "diff_ids": [sha(x) for x in layers]}}).encode())
        done = blobs or [self.blob(gzip.compress(x, 1)) for x in layers]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                               "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
                               "layers": [{"mediaType": kind, **x} for x in done]}).encode()
        self.manifests[tag] = self.manifests[sha(manifest)] = (MANIFEST, manifest)
        self.tags.append(tag)
        return sha(manifest), len(manifest)

    def index(self, tag, *entries):
        data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}).encode()
        self.manifests[tag] = (INDEX, data)
        self.tags.append(tag)

    def serve(self, r):
        if self.user and r.headers.get("Authorization") != "Basic " + base64.b64encode(self.user.encode()).decode():
            return self.reply(r, 401, b"{}", {"WWW-Authenticate": 'Basic realm="r"'})
        parts = r.path.split("?")[0].split("/")
        if parts == ["", "v2", ""]:
            return self.reply(r, 200, b"{}")
        if parts[-2:] == ["tags", "list"]:
            self.n_listed += 1
            return self.reply(r, 200, json.dumps({"name": "x", "tags": self.tags}).encode())
        if parts[-2] == "manifests" and parts[-1] in self.manifests:
            kind, data = self.manifests[parts[-1]]
            return self.reply(r, 200, data, {"Content-Type": kind, "Docker-Content-Digest": sha(data)})
        if parts[-2] == "blobs" and parts[-1] in self.blobs:
            return self.reply(r, 200, self.blobs[parts[-1]], digest=parts[-1])
        return self.reply(r, 404, b'{"errors":[]}')

    def reply(self, r, status, data, headers=None, digest=None):
        r.send_response(status)
        for k, v in {"Content-Length": str(len(data)), "Docker-Distribution-API-Version": "registry/2.0",
                     **({"Content-Type": "application/json"} if not digest else {}), **(headers or {})}.items():
            r.send_header(k, v)
        r.end_headers()
        if r.command == "HEAD":
            return
        try:
            if digest in self.stalled:
                r.wfile.write(data[:len(data) // 2])
                r.wfile.flush()
                self.stall.wait(300)
                data = data[len(data) // 2:]
            r.wfile.write(data)
        except OSError:
            pass  # the client has had enough
