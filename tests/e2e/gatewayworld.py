# SPDX-License-Identifier: Apache-2.0
"""gatewayworld: a keysworld with a gateway in a CVM of its own, apps behind it, and clients that come to it

The gateway is configs/gateway.yaml as its operator would complete it.  Apps boot an image with tools (image-tools):
an HTTP server that speaks h2 and TLS, what loses packets, openssl.  Clients are here, on the host's loopback.
"""
import hashlib
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import threading
import time

import bailey
import keysworld

# What every app of these tests runs: nginx with pages in the clear (80), HTTP/2 in the clear (8080) and TLS of its own
# (443), an echo over WebSocket (9000), and a shell for this test, by a port that QEMU alone forwards (7000).
SCRIPT = r"""
    mkdir -p /tmp/www /tmp/n
    printf '%s\n' "@TEXT@" > /tmp/www/index.html
    head -c 1000000 /dev/urandom > /tmp/www/big
    printf '[req]\ndistinguished_name = dn\n[dn]\n' > /tmp/req.conf
    openssl req -config /tmp/req.conf -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /tmp/key -out /tmp/www/cert.pem \
      -subj /CN=custom -addext subjectAltName=DNS:custom.example -days 30 2> /dev/null
    cat > /tmp/nginx.conf <<'CONF'
    user root;
    daemon off;
    error_log /tmp/n/errors;
    pid /tmp/n/pid;
    events { }
    http {
      access_log off;
      client_body_temp_path /tmp/n/1; proxy_temp_path /tmp/n/2; fastcgi_temp_path /tmp/n/3;
      uwsgi_temp_path /tmp/n/4; scgi_temp_path /tmp/n/5;
      root /tmp/www;
      server { listen 80; }
      server { listen 8080 http2; }
      server { listen 443 ssl; ssl_certificate /tmp/www/cert.pem; ssl_certificate_key /tmp/key; }
    }
    CONF
    cat > /tmp/ws <<'EOT'
    #!/bin/bash
    # RFC 6455, frames of up to 125 bytes: what comes goes back
    bytes() { dd bs=1 count="$1" 2> /dev/null | od -An -v -tu1; }
    key=
    while read -r name value && [ -n "${value%?}" ]; do
      case "${name,,}" in sec-websocket-key:) key=${value%$'\r'} ;; esac
    done
    accept=$(printf '%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11' "$key" | openssl dgst -sha1 -binary | base64)
    printf 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n' "$accept"
    while frame=($(bytes 6)) && [ "${#frame[@]}" = 6 ]; do
      n=$((frame[1] & 127))
      text=($(bytes "$n"))
      printf -v out '\\x%02x\\x%02x' "${frame[0]}" "$n"
      for ((i = 0; i < n; i++)); do printf -v out '%s\\x%02x' "$out" $((text[i] ^ frame[2 + i % 4])); done
      printf "$out"
    done
    EOT
    chmod 700 /tmp/ws
    nc -ll -p 9000 -e /tmp/ws &
@SHELL@
    exec nginx -e /tmp/n/errors -c /tmp/nginx.conf
"""
# A gateway's guest that has booted, and the gateway not yet: until lift().
HOLD = "    while [ ! -e /dstack/persistent/lifted ]; do sleep 0.2; done\n"
# Lines for the guest's root, from this test alone: one connection, one line.
SHELL = """\
    cat > /tmp/shell <<'EOT'
    #!/bin/bash
    read -r line
    eval "$line" 2>&1
    EOT
    chmod 700 /tmp/shell
    nc -ll -p 7000 -e /tmp/shell &
"""


def free_udp_port():
    """By TCP, too, as a name server wants it; below those that connections get, so that it stays free until it is used."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("none of a hundred ports is free")


class GatewayWorld(keysworld.World):
    def __init__(self, extra=""):
        tools, gateway = (os.environ.get(name, "") for name in ("BAILEY_TOOLS_IMAGE", "BAILEY_GATEWAY_IMAGE"))
        bailey.need(os.path.exists(f"{tools}/metadata.json"), "BAILEY_TOOLS_IMAGE is not an image: build image-tools")
        bailey.need(os.path.exists(f"{gateway}/metadata.json"), "BAILEY_GATEWAY_IMAGE is not an image: build image-gateway")
        bailey.IMAGE = tools
        super().__init__(extra)
        copy = keysworld.image_with_firmware(gateway, self.images)
        subprocess.run(["cp", "-r", "--reflink=auto", copy, f"{self.host.dir}/s/image/"], check=True)
        self.gateway_image = os.path.basename(copy)
        self.domain = "bailey.localhost"
        self.port, self.rpc_port, self.admin_port = (bailey.free_port() for _ in range(3))
        self.wg_port, self.dns_port = free_udp_port(), free_udp_port()
        self.guest_url = f"https://10.0.2.2:{self.rpc_port}"
        self.gateway_id = None
        self.shells = {}
        self.ca = None

    def listed(self):
        gateway = getattr(self, "gateway_id", None)
        return {**({"gateway_app_id": gateway} if gateway else {}), **super().listed()}

    # ---- the gateway

    def gateway_yaml(self, config="", before=""):
        """configs/gateway.yaml as its operator would complete it; @config: lines more of the gateway's own configuration,
        @before: of the script, before the gateway."""
        with open(f"{keysworld.SOURCE}/configs/gateway.yaml", encoding="utf-8") as f:
            text = f.read()
        for pattern, new in self.gateway_changes(config, before):
            assert len(re.findall(pattern, text, re.M)) == 1, (pattern, text)
            text = re.sub(pattern, lambda m, new=new: new, text, flags=re.M)
        return self.write("gateway.yaml", f"{text}\n{self.pins()}")

    def gateway_changes(self, config, before):
        """(pattern, what is there instead) for configs/gateway.yaml."""
        ports = ((443, self.port), (51820, self.wg_port), (9012, self.rpc_port), (9013, self.admin_port))
        control = self.shells.setdefault("gateway", bailey.free_port())
        yield r"^name: gateway$", "name: gateway\ntee: simulated"
        yield r"^image: .*$", f"image: {self.gateway_image}"
        yield r"^  port: 443$", f"  port: {self.port}"
        for theirs, ours in ports:
            yield rf'"127\.0\.0\.1:{theirs}", guest', f'"127.0.0.1:{ours}", guest'
        yield r'^  url: "https://10\.0\.2\.2:9012"', f'  url: "{self.guest_url}"'
        yield r'^      url: "https://10\.0\.2\.2:9012"', f'      url: "{self.guest_url}"\n      external_port: {self.port}'
        yield r'^  admin: ".*"', f'  admin: "https://127.0.0.1:{self.admin_port}"'
        yield r'endpoint: "10\.0\.2\.2:51820"', f'endpoint: "10.0.2.2:{self.wg_port}"'
        yield r"^ports:$", f'ports:\n  - {{ host: "127.0.0.1:{control}", guest: 7000 }}'
        yield r"^    CONFIG$", f'    dns: {{ servers: [ "10.0.2.2:{self.dns_port}" ] }}\n{config}    CONFIG\n{SHELL}{before}'

    def allow_gateway(self, **options):
        """Its id is in the allow-list before apps ask for their keys, so that they know whom to believe."""
        path = self.gateway_yaml(**options)
        self.gateway_id = self.allow(path)
        self.sign_allowed()
        return path

    def lift(self):
        """Let a gateway go on that HOLD has wait."""
        def told():
            try:
                return "lifted" in self.shell("gateway", "touch /dstack/persistent/lifted && echo lifted")
            except OSError:
                return False
        bailey.wait_for("its guest takes lines", told)

    def is_up(self):
        try:
            return self.get(f"health.{self.domain}", verify=False, timeout=5).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def wait_gateway(self):
        bailey.wait_for("the gateway takes clients", self.is_up)
        if not self.ca:
            self.ca = self.write("gateway-ca.pem", self.gateway_ca())

    def serve_txt(self, name, text):
        """The name server that the gateway's configuration names: it knows one record."""
        self.spawn("dns", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
                   "--pid-file=", f"--port={self.dns_port}", "--listen-address=127.0.0.1", "--bind-interfaces",
                   f"--txt-record={name},{text}")

        def serves():
            assert self.processes["dns"].poll() is None, self.log("dns")
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.dns_port)) == 0
        bailey.wait_for("the name server serves", serves)

    def gateway_ca(self):
        answer = self.get(f"gateway.{self.domain}", "/.dstack/dev-ca", verify=False).decode()
        return answer[answer.index("-----BEGIN"):]

    # ---- apps

    def app(self, name, app_id=None, text=None, more=""):
        """The YAML of an app that says @text; allowed to have keys."""
        control = self.shells.setdefault(name, bailey.free_port())
        path = self.write(f"{name}.yaml", f"""\
name: {name}
image: {os.path.basename(self.image)}
tee: simulated
resources: {{ cpus: 1, memory: 2G, disk: 1G }}
gateway: true
ports: [ {{ host: "127.0.0.1:{control}", guest: 7000 }} ]
{f"app_id: {app_id}" if app_id else ""}
{self.pins_without_secrets()}{more}
app:
  runner: bash
  script: |{SCRIPT.replace("@TEXT@", text or name).replace("@SHELL@", SHELL.rstrip())}""")
        self.allow(path, app_id)
        return path

    def pins_without_secrets(self):
        return re.sub("kms_signer:.*\n", "", self.pins())

    def shell(self, name, line, timeout=60):
        """Have the app's shell run @line; what it printed."""
        with socket.create_connection(("127.0.0.1", self.shells[name]), timeout) as s:
            s.sendall(line.encode() + b"\n")
            return read_all(s).decode(errors="replace")

    # ---- clients

    def context(self, verify=True, alpn=None):
        ctx = ssl.create_default_context(cafile=self.ca if verify else None)
        if not verify:
            ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        if alpn:
            ctx.set_alpn_protocols(alpn)
        return ctx

    def tls(self, host, timeout=20, context=None, **options):
        s = socket.create_connection(("127.0.0.1", self.port), timeout)
        try:
            return (context or self.context(**options)).wrap_socket(s, server_hostname=host)
        except BaseException:
            s.close()
            raise

    def get(self, host, path="/", timeout=20, more="", **options):
        """The whole answer of one request on a connection of its own."""
        with self.tls(host, timeout, **options) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n".encode())
            return read_all(s)

    def body(self, host, path="/", **options):
        """Of an answer that is 200 and whole; None for any other, and where nobody answers."""
        try:
            head, _, body = self.get(host, path, **options).partition(b"\r\n\r\n")
        except OSError:
            return None
        length = re.search(rb"Content-Length: (\d+)", head)
        return body if head.startswith(b"HTTP/1.1 200") and length and int(length[1]) == len(body) else None

    def host_of(self, name, suffix=""):
        return f"{self.host.info(name)['app_id']}{suffix}.{self.domain}"


def read_all(s):
    data = b""
    while chunk := s.recv(65536):
        data += chunk
    return data


class WebSocket:
    """A client of RFC 6455: masked frames of text, short ones."""

    def __init__(self, s, host):
        self.s, key = s, keysworld.base64.b64encode(os.urandom(16)).decode()
        s.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.exactly(1)
        want = keysworld.base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        assert head.startswith(b"HTTP/1.1 101") and b"Sec-WebSocket-Accept: " + want in head, head

    def exactly(self, n):
        data = b""
        while len(data) < n:
            chunk = self.s.recv(n - len(data))
            assert chunk, f"ended after {data!r}"
            data += chunk
        return data

    def echo(self, text):
        mask = os.urandom(4)
        self.s.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))
        kind, n = self.exactly(2)
        assert kind == 0x81, kind
        return self.exactly(n)


class Load:
    """Clients that ask again and again, each with a new connection; what failed is kept."""

    def __init__(self, ask, clients=3):
        self.ask, self.done, self.failed, self.seen, self.over = ask, 0, [], set(), False
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]
        for t in self.threads:
            t.start()

    def run(self):
        while not self.over:
            begun = time.monotonic()
            try:
                self.seen.add(self.ask())
                self.done += 1
            except (OSError, AssertionError) as e:
                self.failed.append(f"{type(e).__name__}: {e} after {time.monotonic() - begun:.1f} s")
                time.sleep(0.1)

    def end(self):
        self.over = True
        for t in self.threads:
            t.join(60)
        return self


class Wire:
    """All that crosses the host's loopback, as who owns the host can have it."""

    def __init__(self, path, ports):
        """@ports: what is kept, tcp and udp, by a port of either side."""
        self.path, self.ports, self.n = path, ports, 0
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
        self.s.bind(("lo", 0))
        self.s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        self.s.settimeout(0.2)
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with open(self.path, "wb") as f:
            while True:
                try:
                    frame = self.s.recv(1 << 17)
                except TimeoutError:
                    if self.over:
                        return
                    continue
                if len(frame) > 38 and frame[12:14] == b"\x08\0" and frame[23] in (6, 17):
                    at = 14 + 4 * (frame[14] & 15)
                    if set(struct.unpack(">HH", frame[at:at + 4])) & self.ports:
                        f.write(frame)
                        self.n += 1

    def end(self):
        self.over = True
        self.thread.join(60)
        self.s.close()
        return self
