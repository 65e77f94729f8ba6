# SPDX-License-Identifier: Apache-2.0
"""pccslib: a PCCS on the loopback interface that answers as it is told, right or wrong"""
import http.server
import json
import socketserver
import threading
import urllib.parse


class Answer:
    """What a path is answered with: a status, a body, headers, and how it is sent."""

    def __init__(self, body, headers=None, status=200, send=None):
        self.body = body if isinstance(body, bytes) else body.encode()
        self.headers, self.status, self.send = headers or {}, status, send


def answers(collateral):
    """The four parts of a collateral in the one-file form, as a service gives them."""
    def chain(part):
        return urllib.parse.quote(collateral[f"{part}_issuer_chain"], safe="")

    def signed(name, part):
        return f'{{"{name}":{collateral[part]},"signature":"{collateral[part + "_signature"]}"}}'
    return {
        "rootcacrl": Answer(collateral["root_ca_crl"]),
        "pckcrl": Answer(bytes.fromhex(collateral["pck_crl"]),
                         {"SGX-PCK-CRL-Issuer-Chain": chain("pck_crl")}),
        "tcb": Answer(signed("tcbInfo", "tcb_info"), {"TCB-Info-Issuer-Chain": chain("tcb_info")}),
        "identity": Answer(signed("enclaveIdentity", "qe_identity"),
                           {"SGX-Enclave-Identity-Issuer-Chain": chain("qe_identity")}),
    }


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # who asked hung up, as it should


class Pccs:
    """With `with`: url, what was asked for (paths), and answers, which may be changed."""

    def __init__(self, collateral, tls=None):
        pccs = self
        self.answers, self.asked, self.ended = answers(collateral), [], threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802, the name is the interface's
                pccs.asked.append(self.path)
                name = urllib.parse.urlsplit(self.path).path.rsplit("/", 1)[-1]
                answer = pccs.answers.get(name, Answer("no such thing", status=404))
                if answer.send:
                    answer.send(self, pccs)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def do_CONNECT(self):  # noqa: N802, as a proxy that lets nobody through
                pccs.asked.append(f"CONNECT {self.path}")
                self.send_error(403)

            def log_message(self, *args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def kinds(self):
        """Which parts were asked for since the last look."""
        asked = [urllib.parse.urlsplit(p).path.rsplit("/", 1)[-1] for p in self.asked]
        self.asked.clear()
        return asked


def load_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)
