# SPDX-License-Identifier: Apache-2.0
"""A gateway on loopback with apps that are threads here, and clients that see each byte."""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest

BIN = os.environ["BAILEY_BIN"]
DOMAIN = "app.test"
ALERTS = {"access_denied": 49, "internal_error": 80, "unrecognized_name": 112, "missing_extension": 109,
          "illegal_parameter": 47, "unexpected_message": 10, "record_overflow": 22, "decode_error": 50,
          "protocol_version": 70, "no_application_protocol": 120, "handshake_failure": 40}


def alert(name):
    """What a client that was refused before TLS reads, all of it."""
    return bytes([21, 3, 3, 0, 2, 2, ALERTS[name]])


def make_certificate(folder, domain=DOMAIN, stem="cert", days="30"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", f"{folder}/{stem}.key", "-out", f"{folder}/{stem}.pem", "-subj", f"/CN=*.{domain}",
                    "-days", days, "-addext", f"subjectAltName=DNS:*.{domain}"],
                   check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def reset(sock):
    """Close with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def wait_for(what, claim, seconds=30):
    """Until the claim holds; its last value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = claim()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


class App:
    """A listening port; each connection is served by handler(socket) on a thread."""

    def __init__(self, handler, tls=None):
        self.handler, self.tls, self.conns, self.n = handler, tls, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.n += 1
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        conn.settimeout(60)
        try:
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
            self.handler(conn)
        except (OSError, ValueError):
            pass
        finally:
            conn.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def echo(conn):
    while data := conn.recv(65536):
        conn.sendall(data)


def read_all(sock):
    """To the end: the bytes, and how it ended: fin or reset."""
    out = b""
    try:
        while data := sock.recv(65536):
            out += data
        return out, "fin"
    except (ConnectionResetError, BrokenPipeError):
        return out, "reset"
    except ssl.SSLError as e:
        if isinstance(e, ssl.SSLEOFError) or "UNEXPECTED_EOF" in str(e):
            return out, "cut"  # FIN without close_notify
        raise


def server_context(folder, alpn=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(f"{folder}/cert.pem", f"{folder}/cert.key")
    if alpn:
        ctx.set_alpn_protocols(alpn)
    return ctx


def client_context(alpn=None, newest=None, oldest=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    # some Pythons take a FIN without close_notify for an end: here it is told apart
    ctx.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0x80)
    if alpn:
        ctx.set_alpn_protocols(alpn)
    if newest:
        ctx.maximum_version = newest
    if oldest:
        ctx.minimum_version = oldest
    return ctx


def hello(host, **kw):
    """The bytes of a ClientHello as OpenSSL makes it, in one record."""
    out = ssl.MemoryBIO()
    obj = client_context(**kw).wrap_bio(ssl.MemoryBIO(), out, server_hostname=host)
    try:
        obj.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def with_name(name):
    """A ClientHello with any bytes as its server name."""
    entry = b"\0" + len(name).to_bytes(2, "big") + name
    ext = b"\0\0" + (len(entry) + 2).to_bytes(2, "big") + len(entry).to_bytes(2, "big") + entry
    return with_extensions(ext)


def with_extensions(ext):
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + len(ext).to_bytes(2, "big") + ext
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return records(message)


def records(message, size=16384):
    return b"".join(b"\x16\3\1" + len(message[i:i + size]).to_bytes(2, "big") + message[i:i + size]
                    for i in range(0, len(message), size))


class Gateway:
    """The program with a configuration of its own."""

    def __init__(self, routes="", config="", workers=1, dns=None, domains=(DOMAIN,), before=lambda path: None,
                 listen="127.0.0.1", env=None, dev=()):
        self.dir = tempfile.mkdtemp(prefix="bailey-gateway-")
        self.env = env or {}
        before(self.dir)
        for n, domain in enumerate(domains):
            make_certificate(self.dir, domain, "cert" if n == 0 else f"cert{n}")
        self.set_routes(routes)
        self.port = free_port()
        self.admin = f"{self.dir}/admin.sock"
        lines = [f'listen: ["{listen}:{self.port}"]', f"workers: {workers}", f"admin: {self.admin}",
                 f"routes: {self.dir}/routes", f"access_log: {{ file: {self.dir}/access.log }}", "domains:"]
        for n, domain in enumerate(domains):
            stem = "cert" if n == 0 else f"cert{n}"
            lines.append(f"  - {{ name: {domain}, certificate: {self.dir}/{stem}.pem, key: {self.dir}/{stem}.key }}")
        lines += [f"  - {{ name: {domain} }}" for domain in dev]  # of the development CA
        server = dns if isinstance(dns, str) else f"127.0.0.1:{dns or 1}"
        lines.append(f'dns: {{ servers: ["{server}"] }}')
        with open(f"{self.dir}/gateway.yaml", "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n" + (config(self.dir) if callable(config) else config))
        self.log = open(f"{self.dir}/log", "ab")
        self.start()

    def start(self):
        """Also again, after it was killed."""
        self.proc = subprocess.Popen([f"{BIN}/bailey-gateway", "--config", f"{self.dir}/gateway.yaml"],
                                     stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                     env={**os.environ, **self.env})
        wait_for(f"the gateway serves\n{self.logged()}", self.is_up, 60)

    def is_up(self):
        if self.proc.poll() is not None:
            self.log.close()
            raise AssertionError(f"the gateway ended:\n{self.logged()}")
        try:
            return self.ask("/healthz")[0] == 200
        except OSError:
            return False

    def set_routes(self, text):
        with open(f"{self.dir}/routes.new", "w", encoding="ascii") as f:
            f.write(text)
        os.rename(f"{self.dir}/routes.new", f"{self.dir}/routes")

    def logged(self):
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def access(self):
        try:
            with open(f"{self.dir}/access.log", encoding="utf-8") as f:
                return [json.loads(line) for line in f]
        except FileNotFoundError:
            return []

    def ask(self, path):
        conn = http.client.HTTPConnection("localhost", timeout=30)
        conn.sock = socket.socket(socket.AF_UNIX)
        conn.sock.settimeout(30)
        try:
            conn.sock.connect(self.admin)
            conn.request("GET", path)
            r = conn.getresponse()
            return r.status, r.read().decode()
        finally:
            conn.close()

    def metrics(self):
        out = {}
        for line in self.ask("/metrics")[1].splitlines():
            if line and line[0] != "#":
                name, value = line.rsplit(" ", 1)
                out[name.removeprefix("bailey_gateway_")] = float(value) if "." in value else int(value)
        return out

    def ended(self, how):
        return self.metrics()[f'ended{{how="{how}"}}']

    def connect(self, timeout=30):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def raw(self, data, timeout=30):
        """Send bytes; all that comes back, and how it ended."""
        with self.connect(timeout) as s:
            try:
                s.sendall(data)
            except (ConnectionResetError, BrokenPipeError):
                pass
            return read_all(s)

    def tls(self, host, first=b"", ctx=None, session=None, timeout=30):
        s = self.connect(timeout)
        if first:
            s.sendall(first)
        try:
            return (ctx or client_context()).wrap_socket(s, server_hostname=host, session=session,
                                                         suppress_ragged_eofs=False)
        except BaseException:
            s.close()
            raise

    def request(self, host, path="/", method="GET", ctx=None):
        """One request; everything of the answer, and how it ended."""
        with self.tls(host, ctx=ctx) as s:
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            return read_all(s)

    def certificate(self):
        """What it shows now."""
        with self.tls(f"health.{DOMAIN}") as s:
            return s.getpeercert(binary_form=True)

    def stop(self):
        if self.proc.poll() is None:  # the second ends it at once; of one kind they may come as one
            self.proc.send_signal(signal.SIGTERM)
            self.proc.send_signal(signal.SIGINT)
        try:
            code = self.proc.wait(60)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            code = "killed"
        self.log.close()
        text = self.logged()
        shutil.rmtree(self.dir, ignore_errors=True)
        return code, text


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Case(unittest.TestCase):
    """A class of tests that share a gateway; set routes(cls) and CONFIG."""
    CONFIG = ""
    WORKERS = 1
    LISTEN = "127.0.0.1"
    DOMAINS = (DOMAIN,)

    @classmethod
    def routes(cls):
        return "app i1 127.0.0.1 *\n"

    @classmethod
    def dns(cls):
        return None

    @classmethod
    def setUpClass(cls):
        cls.apps = []
        cls.gw = Gateway(cls.routes(), cls.CONFIG, cls.WORKERS, cls.dns(), cls.DOMAINS, listen=cls.LISTEN)

    @classmethod
    def tearDownClass(cls):
        code, text = cls.gw.stop()
        for app in cls.apps:
            app.close()
        assert code == 0, f"the gateway ended with {code}:\n{text[-4000:]}"

    @classmethod
    def app(cls, handler, tls=None):
        app = App(handler, tls)
        cls.apps.append(app)
        return app

    def tls_app(self, handler, **kw):
        return self.app(handler, server_context(self.gw.dir, **kw))

    def assert_alert(self, data, name):
        self.assertEqual(self.gw.raw(data), (alert(name), "fin"))

    def assert_tls_alert(self, name, *args, **kw):
        with self.assertRaises(ssl.SSLError) as caught:
            self.gw.tls(*args, **kw)
        self.assertIn(name, str(caught.exception).lower().replace(" ", "_"))


def main():
    unittest.main(verbosity=2)
