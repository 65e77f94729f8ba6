# SPDX-License-Identifier: Apache-2.0
"""Registered instances in networks of their own, reached through WireGuard, while they, the gateway and DNS die and come."""
import base64
import contextlib
import hashlib
import os
import signal
import socket
import ssl
import sys
import threading
import unittest

import gwlib
import netlib
from gwlib import DOMAIN, alert, echo, hello, read_all, reset, wait_for
from netlib import DATA, TUNNEL
from test_gateway_register import APP, OTHER_APP

CONFIG = ("timeouts: { attempt: 300ms, connect: 1500ms, idle: 1500ms, dns: 1500ms, shutdown: 300ms, hello: 5s }\n"
          "proxy: { version: v1 }\n")
MARK = b"nobody between may read this "
world = None


def setUpModule():
    global world
    world = netlib.World(CONFIG)


def tearDownModule():
    code, text = world.close()
    assert code == 0, f"the gateway ended with {code}:\n{text[-4000:]}"
    for word in ("AddressSanitizer", "ThreadSanitizer", "runtime error:"):
        assert word not in text, text[-8000:]


def ping(host, what=b"ping"):
    """Does the app behind it echo?"""
    try:
        with world.gateway.tls(host, timeout=5) as s:
            s.sendall(what)
            return s.recv(len(what)) == what
    except OSError:
        return False


class Tunnels(unittest.TestCase):
    """Two instances of an app and one of another's."""

    @classmethod
    def setUpClass(cls):
        cls.one, cls.two = world.instance(1), world.instance(2)
        cls.other = world.instance(3, OTHER_APP)
        cls.strict = world.instance(9, "ab" * 20)
        for i in (cls.one, cls.two, cls.other, cls.strict):
            i.join()
        cls.certificate = gwlib.server_context(world.gateway.dir)
        wait_for("all have routes", lambda: world.has_routes(cls.one, cls.two, cls.other, cls.strict))

    def host(self, app, of=APP, how=""):
        return f"{of}-{app.port}{how}.{DOMAIN}"

    def both(self, handler, tls=None):
        """The app at both instances."""
        first = self.one.listen(handler, tls=tls)
        return first, self.two.listen(handler, first.port, tls=tls)

    def test_https_reaches_the_app_through_the_tunnel(self):
        seen = []

        def handler(conn):
            seen.append((conn.getpeername()[0], conn.getsockname()[0]))
            echo(conn)
        app = self.other.listen(handler)
        self.assertTrue(ping(self.host(app, OTHER_APP)))
        self.assertEqual(seen, [(TUNNEL, self.other.address)])

    def test_the_apps_own_tls_passes_through_the_tunnel(self):
        app = self.other.listen(echo, tls=self.certificate)
        self.assertTrue(ping(self.host(app, OTHER_APP, "s")))

    def test_an_instance_is_reached_by_its_own_id(self):
        app = self.two.listen(echo)  # the other instance of the app has nobody at this port
        for _ in range(4):
            self.assertTrue(ping(f"{2:040x}-{app.port}.{DOMAIN}"))

    def test_megabytes_are_whole_both_ways(self):
        app = self.other.listen(echo)
        data = os.urandom(1 << 16) * 48
        with world.gateway.tls(self.host(app, OTHER_APP)) as s:
            digest, n, sent = hashlib.sha256(), 0, 0
            while n < len(data):
                if sent < len(data) and sent - n < 1 << 18:
                    sent += s.send(data[sent:sent + 65536])
                    continue
                piece = s.recv(65536)
                self.assertTrue(piece)
                digest.update(piece)
                n += len(piece)
        self.assertEqual(digest.digest(), hashlib.sha256(data).digest())

    def test_the_network_between_sees_only_ciphertext(self):
        app = self.other.listen(echo)
        with self.other.net.within():
            wires = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) for _ in range(2)]
        outer, inner = wires
        outer.bind(("i3w0", 0))
        inner.bind((self.other.name, 0))
        self.assertTrue(ping(self.host(app, OTHER_APP), MARK * 20))
        found = []
        for s in wires:
            s.settimeout(0.2)
            got = b""
            with contextlib.suppress(TimeoutError):
                while True:
                    got += s.recv(65536)
            s.close()
            found.append((len(got) > len(MARK) * 20, MARK in got))
        self.assertEqual(found, [(True, False), (True, True)])

    def test_a_port_that_the_policy_has_not_is_refused(self):
        app = self.strict.listen(echo)
        self.strict.register({"ports": [{"port": app.port}], "restrict_mode": True})
        host = f"{self.strict.app}-%d.{DOMAIN}"
        refused = hello(host % (app.port + 1))

        def is_closed():
            with world.gateway.connect() as s:
                s.sendall(refused)
                return s.recv(7) == alert("access_denied")
        wait_for("others are closed", is_closed)
        self.assertEqual(world.gateway.raw(refused), (alert("access_denied"), "fin"))
        self.assertTrue(ping(host % app.port))

    def test_a_port_that_wants_it_gets_a_proxy_header(self):
        app = self.strict.listen(echo)
        self.strict.register({"ports": [{"port": app.port, "pp": True}], "restrict_mode": True})

        def header():
            with contextlib.suppress(OSError), world.gateway.tls(self.host(app, self.strict.app)) as s:
                mine = s.getsockname()[1]
                s.sendall(b"end")
                got = b""
                while not got.endswith(b"end"):
                    got += s.recv(4096)
                return got == f"PROXY TCP4 {DATA}.1 {DATA}.2 {mine} {world.gateway.port}\r\nend".encode()
            return False
        wait_for("its app is told who comes", header)

    def test_one_that_refuses_is_passed_over(self):
        app = self.one.listen(echo)  # and the second has nobody there: RST
        for _ in range(8):
            self.assertTrue(ping(self.host(app)))

    def test_one_that_is_silent_is_passed_over(self):
        app, _ = self.both(echo)
        self.two.unplug()
        try:
            for _ in range(6):
                self.assertTrue(ping(self.host(app)))
        finally:
            self.two.plug()
        wait_for("it has a tunnel again", self.two.has_tunnel)
        wait_for("it is taken again", lambda: ping(f"{2:040x}-{app.port}.{DOMAIN}"))

    def test_all_that_refuse_are_a_page_and_an_alert(self):
        port = self.one.listen(echo).port
        self.one.apps.pop().close()
        answer, how = world.gateway.request(f"{APP}-{port}.{DOMAIN}")
        self.assertEqual((answer[:26], how), (b"HTTP/1.1 502 Bad Gateway\r\n", "fin"))
        self.assertEqual(world.gateway.raw(hello(f"{APP}-{port}s.{DOMAIN}")), (alert("internal_error"), "fin"))

    def test_all_that_are_silent_are_a_page_and_an_alert(self):
        app = self.other.listen(echo)
        self.other.unplug()
        try:
            answer, how = world.gateway.request(self.host(app, OTHER_APP))
            self.assertEqual((answer[:30], how), (b"HTTP/1.1 504 Gateway Timeout\r\n", "fin"))
            self.assertEqual(world.gateway.raw(hello(self.host(app, OTHER_APP, "s"))), (alert("internal_error"), "fin"))
        finally:
            self.other.plug()
        wait_for("it heals", lambda: ping(self.host(app, OTHER_APP)))

    def test_one_that_dies_with_a_reset_cuts_its_client(self):
        def handler(conn):
            conn.sendall(b"part")
            conn.recv(1)
            reset(conn)
        app = self.other.listen(handler)
        with world.gateway.tls(self.host(app, OTHER_APP)) as s:
            self.assertEqual(s.recv(4), b"part")
            s.sendall(b"x")
            self.assertEqual(read_all(s), (b"", "cut"))

    def test_one_that_dies_without_a_word_ends_its_client_in_time(self):
        app = self.other.listen(echo)
        with world.gateway.tls(self.host(app, OTHER_APP)) as s:
            s.sendall(b"ping")
            self.assertEqual(s.recv(4), b"ping")
            self.other.unplug()
            try:
                self.assertEqual(read_all(s), (b"", "cut"))
            finally:
                self.other.plug()
        wait_for("it heals", lambda: ping(self.host(app, OTHER_APP)))

    def test_one_that_says_a_byte_now_and_then_is_waited_for(self):
        ended = threading.Event()

        def handler(conn):
            for n in range(6):  # longer in all than the limit, each pause shorter
                conn.sendall(b"%d" % n)
                ended.wait(0.4)
        app = self.other.listen(handler)
        with world.gateway.tls(self.host(app, OTHER_APP)) as slow:
            quick = self.one.listen(echo)
            self.assertTrue(ping(f"{1:040x}-{quick.port}.{DOMAIN}"))  # nobody else waits
            self.assertEqual(read_all(slow), (b"012345", "fin"))

    def test_one_whose_next_byte_takes_too_long_is_ended(self):
        ended = threading.Event()

        def handler(conn):
            conn.sendall(b"one")
            ended.wait(20)
        app = self.other.listen(handler)
        with world.gateway.tls(self.host(app, OTHER_APP)) as s:
            self.assertEqual(read_all(s), (b"one", "cut"))
        ended.set()

    def test_nobody_sends_from_the_address_of_another(self):
        with world.inside.within():
            box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        box.bind((TUNNEL, 0))
        box.settimeout(0.5)
        self.two.net.ip("address", "add", f"{self.one.address}/32", "dev", self.two.name)
        for source, arrives in ((self.two.address, True), (self.one.address, False)):
            with self.two.net.within():
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((source, 0))
            s.sendto(b"x", box.getsockname())
            s.close()
            if arrives:
                self.assertEqual(box.recvfrom(9)[1][0], source)
            else:
                self.assertRaises(TimeoutError, box.recvfrom, 9)
        self.two.net.ip("address", "del", f"{self.one.address}/32", "dev", self.two.name)
        box.close()

    def test_who_asks_for_the_key_of_another_is_refused_and_harms_nobody(self):
        app = self.one.listen(echo)
        self.assertEqual(self.other.register(key=self.one.public),
                         "WireGuard public key is already registered to another instance")
        self.assertTrue(ping(f"{1:040x}-{app.port}.{DOMAIN}"))
        self.assertEqual(world.tunnel.show("peers").count(self.one.public), 1)

    def test_who_connects_and_says_nothing_keeps_no_instance_out(self):
        conns, n = [], 0
        with world.clients.within():
            for n in range(20, 32):  # addresses enough to be more than the service takes, each below its own limit
                world.clients.ip("address", "add", f"{DATA}.{n}/24", "dev", "data0")
                for _ in range(50):
                    s = socket.socket()
                    s.settimeout(30)
                    s.bind((f"{DATA}.{n}", 0))
                    s.connect((f"{DATA}.2", world.port))
                    conns.append(s)
        try:
            self.assertIsInstance(self.other.register(), dict)
        finally:
            for s in conns:
                s.close()

    def test_the_key_of_the_gateway_is_nobodys(self):
        self.assertIsInstance(self.other.register(key=self.other.server["pk"]), str)
        self.assertTrue(self.other.has_tunnel())


class Restarts(unittest.TestCase):
    """The gateway and its interface go and come."""

    @classmethod
    def setUpClass(cls):
        cls.one, cls.two = world.instance(4, "c0" * 20), world.instance(5, "c0" * 20)
        for i in (cls.one, cls.two):
            i.join()
        wait_for("they have routes", lambda: world.has_routes(cls.one, cls.two))
        cls.app = cls.one.listen(echo)
        cls.two.listen(echo, cls.app.port)
        cls.host = f"{'c0' * 20}-{cls.app.port}.{DOMAIN}"

    def test_a_killed_gateway_knows_its_instances_again(self):
        wait_for("it is reached", lambda: ping(self.host))
        peers = sorted(world.tunnel.show("peers"))
        s = world.gateway.tls(self.host)
        s.sendall(b"x")
        s.recv(1)
        world.gateway.proc.kill()
        world.gateway.proc.wait(30)
        self.assertIn(read_all(s)[1], ("cut", "reset"))
        s.close()
        world.gateway.start()
        wait_for("clients reach them, and nobody had to register", lambda: ping(self.host))
        self.assertEqual(sorted(world.tunnel.show("peers")), peers)
        for i in (self.one, self.two):  # what they had, they have
            self.assertEqual(i.register()["wg"]["client_ip"], i.address)

    def test_an_interface_made_anew_gets_its_peers_and_the_tunnel_heals(self):
        peers = sorted(world.tunnel.show("peers"))
        world.tunnel.end()
        world.tunnel.start()
        wait_for("its peers are there", lambda: sorted(world.tunnel.show("peers")) == peers)
        # the guest's part: an echo that does not come has it shake hands anew
        self.assertFalse(self.one.has_tunnel(0.2))
        for i in (self.one, self.two):
            i.shake_hands()
            wait_for("the tunnel heals", i.has_tunnel)
        wait_for("clients are served", lambda: ping(self.host))

    def test_gateway_and_interface_die_together(self):
        world.gateway.proc.kill()
        world.gateway.proc.wait(30)
        world.tunnel.end()
        world.tunnel.start()
        world.gateway.start()
        for i in (self.one, self.two):
            self.assertEqual(i.register()["wg"]["client_ip"], i.address)
            i.shake_hands()
            wait_for("the tunnel heals", i.has_tunnel)
        wait_for("clients are served", lambda: ping(self.host))

    def test_a_new_key_replaces_the_old_one(self):
        two, old = self.two, self.two.public
        address = two.address
        two.new_key()
        answer = two.register()
        self.assertEqual(answer["wg"]["client_ip"], address)
        wait_for("the old key has no peer", lambda: old not in world.tunnel.show("peers"))
        wait_for("the new one has", lambda: two.public in world.tunnel.show("peers"))
        self.assertFalse(two.has_tunnel(0.2))  # still with the old
        two.shake_hands()
        wait_for("the tunnel is there", two.has_tunnel)
        wait_for("clients reach it", lambda: ping(f"{5:040x}-{self.app.port}.{DOMAIN}"))

    def test_streams_go_on_while_the_gateway_drains(self):
        with world.gateway.tls(self.host) as s:
            s.sendall(b"one")
            self.assertEqual(s.recv(3), b"one")
            world.gateway.proc.send_signal(signal.SIGTERM)
            wait_for("it drains", lambda: world.gateway.ask("/readyz")[0] == 503)
            s.sendall(b"two")
            self.assertEqual(s.recv(3), b"two")
            s.unwrap().close()
        self.assertEqual(world.gateway.proc.wait(30), 0)
        world.gateway.start()
        wait_for("clients are served", lambda: ping(self.host))


class Recycled(unittest.TestCase):
    """A gateway that forgets soon: what was one's is another's, and only his."""

    def test_the_address_of_one_who_left_is_anothers(self):
        global world
        kept = world
        world = netlib.World(CONFIG, ", forget: 3s, client_rate: 0", "wg1")
        try:
            self.see()
        finally:
            code, text = world.close()
            world = kept
        self.assertEqual(code, 0, text[-4000:])

    def see(self):
        one, two = world.instance(6, "d0" * 20), world.instance(7, "e0" * 20)
        one.join()
        self.assertTrue(one.has_tunnel())
        wait_for("it is forgotten", lambda: one.public not in world.tunnel.show("peers"))
        two.join()
        app = two.listen(echo)
        self.assertEqual(two.address, one.address)
        self.assertFalse(one.has_tunnel(0.2))
        stop = threading.Event()

        def stay():
            while not stop.wait(0.3):
                two.register()
        t = threading.Thread(target=stay)
        t.start()
        try:
            wait_for("clients reach the other", lambda: ping(f"{'e0' * 20}-{app.port}.{DOMAIN}"))
            self.assertEqual(world.gateway.raw(hello(f"{'d0' * 20}-{app.port}.{DOMAIN}")),
                             (alert("unrecognized_name"), "fin"))
            # the first comes back: another address, and its tunnel works
            one.join()
            self.assertNotEqual(one.address, two.address)
        finally:
            stop.set()
            t.join(30)


class CustomDomains(unittest.TestCase):
    """TXT records of a real DNS server, which dies and stalls too."""

    @classmethod
    def setUpClass(cls):
        cls.one = world.instance(8, "f0" * 20)
        cls.one.join()
        app = cls.one.listen(echo, tls=gwlib.server_context(world.gateway.dir))
        names, cls.target = world.names, f"{'f0' * 20}:{app.port}"
        names.set("_dstack-app-address.one.example", cls.target)
        names.set("_dstack-app-address-wildcard.wild.example", cls.target)
        names.set("_tapp-address.old.example", cls.target)
        names.set("_dstack-app-address.first.example", cls.target, "x" * 100)
        names.set("_dstack-app-address.strings.example", [cls.target, "more"])
        names.set("_dstack-app-address.huge.example", *[["x" * 255] * 3 + [f"{n}"] for n in range(81)])
        names.set("_dstack-app-address.wrong.example", "nobody knows")
        names.set("_dstack-app-address.instance.example", f"{8:040x}:{app.port}")
        for n in range(4):
            names.set(f"_dstack-app-address.late{n}.example", cls.target)
        names.start()
        wait_for("it has a route", lambda: world.has_routes(cls.one))

    def refused(self, host):
        self.assertEqual(world.gateway.raw(hello(host)), (alert("unrecognized_name"), "fin"))

    def test_a_record_of_the_name(self):
        self.assertTrue(ping("one.example"))

    def test_a_record_of_an_instance(self):
        self.assertTrue(ping("instance.example"))

    def test_a_record_of_the_wildcard(self):
        self.assertTrue(ping("any.wild.example"))
        self.refused("two.labels.wild.example")

    def test_a_legacy_record(self):
        self.assertTrue(ping("old.example"))

    def test_several_strings_of_a_record(self):
        self.assertTrue(ping("strings.example"))

    def test_64_kib_of_records(self):
        self.refused("huge.example")

    def test_a_record_that_is_none(self):
        self.refused("wrong.example")

    def test_no_record(self):
        self.refused("none.example")

    def test_a_server_that_is_slow_is_waited_for(self):
        world.names.signal(signal.SIGSTOP)
        netlib.later(0.5, lambda: world.names.signal(signal.SIGCONT))
        self.assertTrue(ping("late0.example"))

    def test_a_server_that_stalls_costs_a_limited_time_and_nobody_else(self):
        app = self.one.listen(echo)
        self.assertTrue(ping("one.example"))
        world.names.signal(signal.SIGSTOP)
        try:
            with world.gateway.connect() as s:
                s.sendall(hello("late1.example"))
                self.assertTrue(ping(f"{'f0' * 20}-{app.port}.{DOMAIN}"))
                self.assertEqual(read_all(s), (alert("unrecognized_name"), "fin"))
        finally:
            world.names.signal(signal.SIGCONT)
        wait_for("it is asked again", lambda: ping("late1.example"))

    def test_a_server_that_is_away_and_comes_back(self):
        world.names.end()
        try:
            self.refused("late2.example")
        finally:
            world.names.start()
        # that there was no answer is not kept as one that says no
        wait_for("it is found", lambda: ping("late2.example"))


if __name__ == "__main__":
    if why := netlib.enter():
        print(f"skipped: {why}", file=sys.stderr)
        sys.exit(77)
    gwlib.main()
