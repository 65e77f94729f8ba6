# SPDX-License-Identifier: Apache-2.0
"""Networks of a test's own: namespaces with wires between them, WireGuard tunnels, a DNS server, registered instances.

Nothing of it is seen outside: the test's process leaves the machine's network and mounts before its first thread
starts, and all ends with it.  WireGuard is wireguard-go, so that the kernel needs none; `wg` speaks to it as to the
kernel's.  Where none of this is permitted, enter() says why.

        clients --- gateway === WireGuard === instance (each)
                       |
                      names (dnsmasq)
"""
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import gwlib
import test_gateway_register as registering
from gwlib import wait_for

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
PROGRAMS = ("ip", "wg", "wireguard-go", "dnsmasq")
DATA, NAMES = "198.51.100", "203.0.113"  # the wires to clients and to the DNS server
TUNNEL = "10.8.0.1"
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    if getattr(libc, name)(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def enter():
    """Leave the machine's networks; before any thread.  What stands against it, or nothing."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    gone = [p for p in PROGRAMS if not shutil.which(p)]
    if gone:
        return f"not installed: {', '.join(gone)} (scripts/setup)"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun cannot be opened: no tunnels here"
    try:
        call("unshare", CLONE_NEWNS | CLONE_NEWNET)
        call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        call("mount", b"none", b"/run", b"tmpfs", 0, None)  # sockets of wireguard-go
        run("ip", "link", "set", "lo", "up")
    except (OSError, subprocess.CalledProcessError) as e:
        return f"network namespaces are not permitted here: {e}"
    return None


def run(*argv, **kw):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, **kw).stdout


def own_namespace():
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Net:
    """A network namespace.  What is begun within() it stays in it: sockets and programs, but not threads."""

    def __init__(self):
        here = own_namespace()
        call("unshare", CLONE_NEWNET)
        self.fd = own_namespace()
        run("ip", "link", "set", "lo", "up")
        call("setns", here, CLONE_NEWNET)
        os.close(here)

    @contextlib.contextmanager
    def within(self):
        here = own_namespace()
        call("setns", self.fd, CLONE_NEWNET)
        try:
            yield
        finally:
            call("setns", here, CLONE_NEWNET)
            os.close(here)

    def ip(self, *argv):
        with self.within():
            return run("ip", *argv)

    def popen(self, *argv, **kw):
        with self.within():
            return subprocess.Popen(argv, stdin=subprocess.DEVNULL, **kw)

    def wire(self, other, name, net):
        """A wire: we are .1 of the network, the other end is .2."""
        self.ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns",
                f"/proc/{os.getpid()}/fd/{other.fd}")
        for end, at, n in ((self, f"{name}0", 1), (other, f"{name}1", 2)):
            end.ip("address", "add", f"{net}.{n}/24", "dev", at)
            end.ip("link", "set", at, "up")

    def listen(self, handler, address="0.0.0.0", port=0, tls=None):
        """An app within."""
        with self.within():
            app = gwlib.App(handler, tls)
            app.listener.shutdown(socket.SHUT_RDWR)
            app.listener.close()
            app.listener = socket.create_server((address, port), backlog=128)
            app.port = app.listener.getsockname()[1]
        threading.Thread(target=app.accept, daemon=True).start()
        return app


class Tunnel:
    """A WireGuard interface: one wireguard-go."""

    def __init__(self, net, name, address):
        self.net, self.name, self.address, self.proc = net, name, address, None
        self.start()

    def start(self):
        env = dict(os.environ, LOG_LEVEL="silent", WG_PROCESS_FOREGROUND="1")
        self.proc = self.net.popen("wireguard-go", "-f", self.name, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=env)
        wait_for(f"{self.name} is there", self.is_there)
        self.net.ip("address", "add", self.address, "dev", self.name)
        self.net.ip("link", "set", self.name, "up")

    def is_there(self):
        if self.proc.poll() is not None:
            raise AssertionError(f"wireguard-go {self.name} ended")
        with self.net.within():
            return subprocess.run(["wg", "show", self.name], check=False, capture_output=True).returncode == 0

    def set(self, *argv, **kw):
        with self.net.within():
            run("wg", "set", self.name, *argv, **kw)

    def show(self, what):
        with self.net.within():
            return run("wg", "show", self.name, what).split()

    def end(self):
        if self.proc.poll() is None:
            self.proc.terminate()
        self.proc.wait(30)


class Names:
    """dnsmasq that knows the given TXT records and no other name."""

    def __init__(self, net, address, path):
        self.net, self.address, self.path, self.proc, self.records = net, address, path, None, {}

    def set(self, name, *texts):
        """Each text is a record; a list is one record of several strings.  Known once it is started again."""
        self.records[name] = texts

    def start(self):
        with open(f"{self.path}/names.conf", "w", encoding="ascii") as f:
            f.write("no-resolv\nno-hosts\nno-poll\nuser=root\nbind-interfaces\nkeep-in-foreground\nlocal-ttl=1\n"
                    "local=/#/\npid-file=\nedns-packet-max=4096\n"
                    f"listen-address={self.address}\nport=53\n")
            for name, texts in self.records.items():
                for text in texts:
                    parts = text if isinstance(text, list) else [text]
                    f.write(f"txt-record={name}," + ",".join(f'"{p}"' for p in parts) + "\n")
        self.proc = self.net.popen("dnsmasq", "-C", f"{self.path}/names.conf", stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        wait_for("dnsmasq answers", self.is_up)

    def is_up(self):
        if self.proc.poll() is not None:
            raise AssertionError("dnsmasq ended")
        with self.net.within(), socket.socket() as s:
            return s.connect_ex((self.address, 53)) == 0

    def signal(self, what):
        self.proc.send_signal(what)

    def end(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGCONT)
            self.proc.kill()
        if self.proc:
            self.proc.wait(30)


class Gateway(gwlib.Gateway):
    """The program in a namespace, its clients in another."""

    def __init__(self, net, clients, **kw):
        self.net, self.clients = net, clients
        super().__init__(listen="0.0.0.0", **kw)

    def start(self):
        with self.net.within():
            super().start()

    def connect(self, timeout=30):
        with self.clients.within():
            return socket.create_connection((f"{DATA}.2", self.port), timeout)


class World(registering.World):
    """A gateway, its tunnel, and a DNS server, each where it would be."""

    def __init__(self, config="", registration="", interface="wg0"):
        super().__init__()
        self.interface = interface  # the sockets of wireguard-go have one folder
        self.clients, self.inside, self.dns = Net(), Net(), Net()
        self.clients.wire(self.inside, "data", DATA)
        self.dns.wire(self.inside, "names", NAMES)
        self.tunnel = Tunnel(self.inside, interface, f"{TUNNEL}/16")
        self.more, self.extra, self.instances = config, registration, []
        self.gateway = Gateway(self.inside, self.clients, before=self.prepare, config=self.all_config, dns=f"{NAMES}.1:53")
        self.names = Names(self.dns, f"{NAMES}.1", self.gateway.dir)

    def all_config(self, path):
        return self.more + (
            f'registration: {{ listen: "0.0.0.0:{self.port}", certificate: {path}/rpc.pem, key: {path}/rpc.key, '
            f'client_ca: {path}/root.pem, state: {path}/state{self.extra} }}\n'
            f'wireguard: {{ interface: {self.interface}, private_key: {path}/wg.key, endpoint: "{DATA}.2:51820", '
            f'address: {TUNNEL}/16, range: 10.8.0.0/28 }}\n')

    def instance(self, n, app=registering.APP):
        i = Instance(self, n, app)
        self.instances.append(i)
        return i

    def has_routes(self, *instances):
        """May clients come to all of them?"""
        ready = {i["id"] for a in json.loads(self.gateway.ask("/routes")[1])["apps"] for i in a["instances"] if i["ready"]}
        return all(registering.instance(i.n) in ready for i in instances)

    def close(self):
        for i in self.instances:
            i.end()
        self.names.end()
        found = self.gateway.stop()
        self.tunnel.end()
        return found


class Instance:
    """A guest as the gateway sees it: it registers, sets its tunnel and listens in it."""

    def __init__(self, world, n, app):
        self.world, self.n, self.app = world, n, app
        self.net, self.tunnel, self.apps = Net(), None, []
        self.wire = f"192.0.{n}"
        self.net.wire(world.inside, f"i{n}w", self.wire)
        self.name = f"wgi{n}"
        self.ctx = world.client(n, app)
        self.new_key()

    def new_key(self):
        self.private = run("wg", "genkey")
        self.public = run("wg", "pubkey", input=self.private).strip()

    def register(self, policy=None, key=None, **more):
        """What the service answers: an object, or the words of its refusal."""
        body = {"client_public_key": key or self.public, "port_policy": policy or {"ports": [], "restrict_mode": False}}
        with self.net.within():
            raw = socket.create_connection((f"{self.wire}.2", self.world.port), 30)
        conn = gwlib.http.client.HTTPConnection("127.0.0.1")
        conn.sock = self.ctx.wrap_socket(raw, server_hostname="127.0.0.1")  # the name in its certificate
        with contextlib.closing(conn):
            conn.request("POST", "/prpc/RegisterCvm?json", json.dumps(body | more))
            r = conn.getresponse()
            answer = json.loads(r.read())
        return answer if r.status == 200 else answer["error"]

    def join(self, policy=None, **more):
        """Register, and make the tunnel as it was told."""
        answer = self.register(policy, **more)
        assert isinstance(answer, dict), answer
        self.address, self.server = answer["wg"]["client_ip"], answer["wg"]["servers"][0]
        if self.tunnel:
            self.tunnel.end()
        self.tunnel = Tunnel(self.net, self.name, f"{self.address}/32")
        self.net.ip("route", "add", f"{TUNNEL}/32", "dev", self.name)
        wait_for("the gateway has its peer", lambda: self.public in self.world.tunnel.show("peers"))
        self.shake_hands()
        wait_for(f"the tunnel of instance {self.n}", self.has_tunnel)
        return answer

    def shake_hands(self):
        """A peer made anew shakes hands at once: what a guest does whose tunnel is silent."""
        self.tunnel.set("private-key", "/dev/stdin", input=self.private)
        self.tunnel.set("peer", self.server["pk"], "remove")
        self.tunnel.set("peer", self.server["pk"], "allowed-ips", f"{TUNNEL}/32", "endpoint", f"{self.wire}.2:51820",
                        "persistent-keepalive", "1")

    def has_tunnel(self, seconds=1):
        """Is there an echo of the gateway's end?  By TCP: a refusal comes from there, too."""
        with self.net.within():
            s = socket.socket()
        with s:
            s.settimeout(seconds)
            return s.connect_ex((TUNNEL, 9)) == 111

    def listen(self, handler, port=0, tls=None):
        app = self.net.listen(handler, self.address, port, tls)
        self.apps.append(app)
        return app

    def unplug(self):
        """Nothing comes or goes any more, and nobody is told."""
        self.net.ip("link", "set", f"i{self.n}w0", "down")

    def plug(self):
        self.net.ip("link", "set", f"i{self.n}w0", "up")

    def end(self):
        for app in self.apps:
            with contextlib.suppress(OSError):
                app.close()
        if self.tunnel:
            self.tunnel.end()


def same_time(claims):
    """Run each on a thread of its own; their results, in their order."""
    out = [None] * len(claims)

    def one(n):
        out[n] = claims[n]()
    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(claims))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out


def later(seconds, action):
    t = threading.Timer(seconds, action)
    t.daemon = True
    t.start()
    return t


__all__ = ["Gateway", "Instance", "Names", "Net", "Tunnel", "World", "enter", "later", "run", "same_time", "time"]
