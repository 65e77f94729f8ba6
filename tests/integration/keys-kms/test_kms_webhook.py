#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server that authorises: what it is asked, and that whatever is no yes is a no"""
import contextlib
import http.server
import json
import threading
import time

from kmslib import APP, COMPOSE, INSTANCE, WORLD, Kms, main, wait_for

YES = {"isAllowed": True, "gatewayAppId": "ab" * 20, "reason": ""}
INFO = {"status": "ok", "kmsContractAddr": "0x00", "ethRpcUrl": "", "gatewayAppId": "any", "chainId": 31337,
        "appImplementation": "0x01", "appAuthImplementation": "0x01"}


class Hook:
    """Answers as it is told; remembers what it was asked."""

    def __init__(self):
        self.status, self.answer, self.hangs, self.asked = 200, YES, False, []
        self.free = threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def reply(self):
                n = int(self.headers["Content-Length"] or 0)
                hook.asked.append((self.command, self.path, self.headers, self.rfile.read(n)))
                if hook.hangs:
                    hook.free.wait(60)
                answer = INFO if self.command == "GET" and hook.answer == YES else hook.answer
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(hook.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError): # it need not wait for all of it
                    self.wfile.write(body)

            do_GET = do_POST = reply

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.free.set()
        self.server.shutdown()
        self.server.server_close()


def with_hook(**more):
    hook = Hook()
    kms = Kms(authorize={"webhook": hook.url + "/auth/", "webhook_timeout": "1s", **more})
    return hook, kms.start()


def test_the_question():
    hook, kms = with_hook()
    with kms:
        status, keys = kms.app_key()
        assert status == 200 and keys["gateway_app_id"] == "ab" * 20
        verb, path, headers, body = hook.asked[-1]
        assert (verb, path, headers["User-Agent"]) == ("POST", "/auth/bootAuth/app", "dstack-kms/0.6.0")
        q = json.loads(body)
        assert list(q) == ["teeVariant", "mrAggregated", "osImageHash", "mrSystem", "appId", "composeHash", "instanceId",
                           "deviceId", "keyProviderInfo", "tcbStatus", "advisoryIds"]
        assert (q["teeVariant"], q["appId"], q["composeHash"]) == ("dstack-tdx", APP, COMPOSE)
        assert (q["instanceId"], q["osImageHash"]) == (INSTANCE, WORLD["os_image_hash"])
        assert (q["keyProviderInfo"], q["tcbStatus"], q["advisoryIds"]) == ("", "UpToDate", [])
        assert all(len(q[k]) == 64 for k in ("mrAggregated", "mrSystem", "deviceId"))
        assert kms.lines("audit")[0]["why"] == "the webhook allowed it"
        meta = kms.ask("GetMeta")
        assert hook.asked[-1][:2] == ("GET", "/auth/")
        assert meta["chain_id"] == 31337 and meta["kms_contract_address"] == "0x00" and meta["gateway_app_id"] == "any"
        n = len(hook.asked)
        assert kms.app_key()[0] == 200 and len(hook.asked) == n + 1 # nothing is remembered
        assert kms.call("GetKmsKey", {}, kms.client(running=True))[0] == 200
        assert hook.asked[-1][1] == "/auth/bootAuth/kms" and json.loads(hook.asked[-1][3])["keyProviderInfo"].startswith("7b")
    hook.close()


def test_whatever_is_no_yes_is_a_no():
    hook, kms = with_hook()
    with kms:
        def denied(want, status=200, answer=YES):
            hook.status, hook.answer = status, answer
            got, said = kms.app_key()
            assert got == 400 and want in said["error"], (want, said)

        denied("Boot denied: because \\x1b[31m", answer={**YES, "isAllowed": False, "reason": "because \x1b[31m"})
        for status in (500, 404, 302, 199 + 101):
            denied(f"App not allowed: webhook: {hook.url}/auth/bootAuth/app: HTTP status {status}", status=status)
        for member in YES:
            denied(f'"{member}"', answer={k: v for k, v in YES.items() if k != member})
        for lie in ("true", 1, None, []):
            denied('no "isAllowed" that is true or false', answer={**YES, "isAllowed": lie})
        for answer in (b"", b"yes", b"[]", b"{", b'{"isAllowed":true,"isAllowed":true,"gatewayAppId":"","reason":""}',
                       b" " * (1 << 20), b"\xff" * 10):
            denied("App not allowed: webhook: ", answer=answer)
        hook.answer, hook.hangs = YES, True
        begun = time.monotonic()
        denied("no answer within 1000 ms")
        assert time.monotonic() - begun < 30
        # while it hangs, who needs no answer of it is served
        assert kms.get("/health") == b"OK" and kms.call("GetTempCaCert")[0] == 200
        hook.free.set()
        hook.hangs = False
        assert kms.app_key()[0] == 200
        assert len(kms.lines("audit")) == 1
    hook.close()
    hook, kms = with_hook()
    hook.close()
    with kms:
        status, said = kms.app_key()
        assert status == 400 and "App not allowed: webhook: " in said["error"], said
        assert kms.call("GetMeta")[0] == 400


def test_who_goes_away_harms_nobody():
    """A guest that hangs up while its answer is being waited for, and the end of the service in that moment."""
    hook, kms = with_hook()
    with kms:
        guest = kms.client()
        hook.hangs = True
        for _ in range(20):
            c = kms.connect(guest, guest["ca"])
            c.request("POST", "/prpc/GetAppKey?json", b"{}")
            c.sock.close()
        n = len(hook.asked)
        wait_for(lambda: len(hook.asked) > n or len(kms.lines("refused")) > 0)
        assert kms.get("/health") == b"OK"
        wait_for(lambda: len(kms.lines("refused")) == 20)
        c = kms.connect(guest, guest["ca"])
        c.request("POST", "/prpc/GetAppKey?json", b"{}")
        n = len(hook.asked)
        kms.stop() # with one under way: it ends when that has
        assert kms.lines("audit") == [] and n
    hook.close()


main([test_the_question, test_whatever_is_no_yes_is_a_no, test_who_goes_away_harms_nobody])
