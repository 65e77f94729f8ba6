# SPDX-License-Identifier: Apache-2.0
"""rawapi: the API as a hostile caller meets it: bytes on the socket, and just enough protobuf."""
import json
import os
import socket

JSON, PROTOBUF = "application/json", "application/octet-stream"


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def text(number, value):
    data = value if isinstance(value, bytes) else value.encode()
    return varint(number << 3 | 2) + varint(len(data)) + data


def number(field, value):
    return varint(field << 3) + varint(value)


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """The fields of a message that has only varints and bytes: [(number, value)]."""
    found, at = [], 0
    while at < len(data):
        key, at = read_varint(data, at)
        value, at = read_varint(data, at)
        assert key & 7 in (0, 2), (key, data)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        found.append((key >> 3, value))
    return found


def dechunk(data):
    whole = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        n = int(size, 16)
        if n == 0:
            return whole
        whole, data = whole + data[:n], data[n + 2:]


class Reply:
    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
        self.type = self.headers.get("content-type", "")
        if self.headers.get("transfer-encoding") == "chunked":
            self.body = dechunk(self.body)

    def error(self):
        """The message of a failure; asserts that it is dstack's error body of its encoding."""
        assert self.status == 400, (self.status, self.body[:300])
        if self.type == JSON:
            value = json.loads(self.body)
            assert list(value) == ["error"] and self.body.startswith(b"{\n  \"error\": "), self.body
            return value["error"]
        assert self.type == PROTOBUF, self.type
        ((where, message),) = fields(self.body)
        assert where == 1, self.body
        return message.decode()


def raw(path, data, timeout=60):
    """Everything that comes back for these bytes; what was sent may be refused half-way."""
    got = b""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)  # waits while the backlog is full; with a time limit it would fail
        s.settimeout(timeout)
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while chunk := s.recv(65536):
                got += chunk
        except ConnectionResetError:
            pass
    return got


def http(path, verb, target, body=b"", content_type=None, headers=""):
    """One call; the whole answer."""
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return Reply(raw(path, f"{verb} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{kind}{headers}"
                           f"Content-Length: {len(body)}\r\n\r\n".encode() + body))


def as_user(uid, fn):
    """What fn() returns, or the text of its exception, in a child that is that user."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(out)
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            answer = fn()
        except BaseException as e:  # pylint: disable=broad-except
            answer = f"{type(e).__name__}: {e}"
        with os.fdopen(into, "w") as f:
            f.write(json.dumps(answer))
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as f:
        answer = json.load(f)
    os.waitpid(pid, 0)
    return answer
