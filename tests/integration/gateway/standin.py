# SPDX-License-Identifier: Apache-2.0
"""A guest's agent that is a thread here: dstack's calls on a unix socket."""
import http.server
import json
import os
import socketserver
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "-"

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def do_POST(self):
        agent = self.server.agent
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.split("?")[0].strip("/")
        agent.calls.append((name, json.loads(body)))
        handler = agent.answers.get(name)
        try:
            status, out = (200, handler(json.loads(body))) if handler else (400, {"error": "method not found"})
        except ValueError as e:
            status, out = 400, {"error": str(e)}
        text = out if isinstance(out, bytes) else json.dumps(out).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Agent:
    """answers: name of a call -> function of its JSON; what raises ValueError is an error."""

    def __init__(self, path, answers):
        self.path, self.answers, self.calls, self.server = path, answers, [], None

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = Server(self.path, Handler)
        self.server.agent = self
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def count(self, name):
        return sum(1 for call, _ in self.calls if call == name)
