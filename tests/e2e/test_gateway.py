# SPDX-License-Identifier: Apache-2.0
"""configs/gateway.yaml in a guest, apps in others: what clients have of it, and what becomes of them when things end

The KMS is a process here; with one in a guest, and as an operator has it: test_gateway_cvms.py.
"""
import hashlib
import os
import ssl
import subprocess
import time

import bailey
import gatewayworld
import secret_search

SECRET = f"client-{os.urandom(12).hex()}"
HEAL = 30  # seconds from a gateway that is there again to a page; a machine under load needs more

world = gatewayworld.GatewayWorld()
host = world.host


def page(name="web", suffix="", path="/", **options):
    return world.body(world.host_of(name, suffix), path, **options)


def shows(what, text, name="web", deadline=bailey.DEADLINE):
    """Seconds until the page has @text."""
    begun = time.monotonic()
    bailey.wait_for(what, lambda: text in (page(name) or b""), deadline)
    return time.monotonic() - begun


def test_an_app_boots_while_its_gateways_are_away():
    """One that never will be there, and one whose guest boots beside the app's, and is held back before it serves."""
    dead = f"https://10.0.2.2:{bailey.free_port()}"
    gateway = world.allow_gateway(before=gatewayworld.HOLD)
    world.write("gateway.env", f"ADMIN_API_TOKEN={os.urandom(16).hex()}\n")
    world.bailey("up", "--no-wait", world.app("web", text="first", more=f'gateway_urls: [ "{dead}", "{world.guest_url}" ]\n'))
    world.bailey("up", "--no-wait", gateway)
    host.wait_event("web", "boot.progress", "done")
    # that it has no way in yet may have been said before, if both URLs refused at once; nothing else
    errors = [e["body"] for e in host.info("web")["events"] if e["event"] == "boot.error"]
    assert all(e.startswith("dstack-gateway registration failed") for e in errors), errors
    assert not world.is_up()


def test_it_has_clients_once_the_second_of_its_gateways_is_there():
    world.lift()
    world.wait_gateway()
    print(f"     {shows('the page', b'first'):.1f} s after the gateway's first answer")


def test_tls_ends_at_the_gateway():
    big = page(path="/big")
    want = world.shell("web", "sha256sum /tmp/www/big").split()[0]
    assert hashlib.sha256(big).hexdigest() == want
    assert page(suffix="-8081") is None


def test_tls_is_passed_on_to_an_app_that_ends_it():
    certificate = ssl.PEM_cert_to_DER_cert(page(path="/cert.pem").decode())
    with world.tls(world.host_of("web", "-443s"), verify=False) as s:
        assert s.getpeercert(binary_form=True) == certificate
    assert b"first" in page(suffix="-443s", verify=False)


def test_http_2():
    name = world.host_of("web", "-8080g")
    r = subprocess.run(["curl", "-sS", "--max-time", "60", "--http2", "--cacert", world.ca, "-w", "%{http_version}",
                        f"https://{name}:{world.port}/"], capture_output=True, text=True, check=False)
    assert r.stdout == "first\n2", r


def test_websocket():
    name = world.host_of("web", "-9000")
    with world.tls(name) as s:
        ws = gatewayworld.WebSocket(s, name)
        for n in range(10):
            text = f"message {n} ".encode() * 5
            assert ws.echo(text) == text


def test_a_custom_domain():
    world.serve_txt("_dstack-app-address.custom.example", f"{host.info('web')['app_id']}:443")
    certificate = page(path="/cert.pem").decode()
    ctx = ssl.create_default_context(cadata=certificate)

    def asks():
        try:
            with world.tls("custom.example", context=ctx) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: custom.example\r\nConnection: close\r\n\r\n")
                return gatewayworld.read_all(s)
        except OSError:
            return None
    assert b"first" in bailey.wait_for("the domain's app answers", asks, 60)


def test_the_host_sees_only_ciphertext():
    """Of what clients say, on all that crosses its loopback and in its files."""
    wire = gatewayworld.Wire(world.path("wire"), {world.port, world.wg_port})
    name = world.host_of("web")
    for _ in range(3):
        assert b"first" in world.body(name, f"/?{SECRET}", more=f"X-Secret: {SECRET}\r\n")
    wire.end()
    s = secret_search.Search({"secret": SECRET, "name": name.split(".", maxsplit=1)[0]})
    s.folder(world.folder)
    s.folder(host.dir)
    print(f"     {wire.n} packets; {s.report()}")
    assert wire.n > 20
    # the name that a client asks for is no secret: so what was looked at, was looked at in the right way
    assert "name" in {f.secret for f in s.found}
    assert "secret" not in {f.secret for f in s.found}, [str(f) for f in s.found if f.secret == "secret"]


def test_packets_are_lost_in_the_app_s_guest():
    said = world.shell("web", "tc qdisc add dev dstack-wg0 root netem loss 5% delay 10ms; tc qdisc show dev dstack-wg0")
    assert "loss 5%" in said, said
    want = world.shell("web", "sha256sum /tmp/www/big").split()[0]
    begun = time.monotonic()
    for _ in range(2):
        body = page(path="/big", timeout=120)
        assert body and hashlib.sha256(body).hexdigest() == want
    print(f"     2 MB in {time.monotonic() - begun:.1f} s")
    world.shell("web", "tc qdisc del dev dstack-wg0 root")


def test_an_app_is_replaced_while_clients_load_it():
    """Another compose of the same app: it comes up beside the old one, then the old one stops."""
    app_id, name = host.info("web")["app_id"], world.host_of("web")
    load = gatewayworld.Load(lambda: ask_loaded(name))
    world.bailey("up", "--no-wait", world.app("next", app_id=app_id, text="second"))
    bailey.wait_for("the second has clients", lambda: b"second" in load.seen or load.failed)
    world.bailey("stop", "web")
    at = load.done
    bailey.wait_for("the second has them all", lambda: load.done > at + 30 or load.failed)
    load.end()
    print(f"     {load.done} requests, {len(load.failed)} failed")
    assert not load.failed, load.failed[:5]
    assert load.seen == {b"first", b"second"}, load.seen


def ask_loaded(name):
    answer = world.get(name, timeout=60)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    return body.strip()


def test_the_gateway_s_process_is_killed():
    world.shell("gateway", "kill -9 $(pidof bailey-gateway)")
    bailey.wait_for("it is gone", lambda: not world.is_up())
    world.wait_gateway()
    print(f"     {shows('the page', b'second', 'next'):.1f} s after the gateway answers again")


def test_the_gateway_s_guest_is_restarted():
    begun = time.monotonic()
    world.bailey("restart", "--no-wait", "-f", "gateway")
    world.wait_gateway()
    up = time.monotonic()
    healed = shows("the page", b"second", "next")
    print(f"     gateway answers after {up - begun:.1f} s, the page is there {healed:.1f} s later")
    assert healed < 4 * HEAL, healed


try:
    world.start_kms_process()
    bailey.run(test_an_app_boots_while_its_gateways_are_away, test_it_has_clients_once_the_second_of_its_gateways_is_there,
               test_tls_ends_at_the_gateway, test_tls_is_passed_on_to_an_app_that_ends_it, test_http_2, test_websocket,
               test_a_custom_domain, test_the_host_sees_only_ciphertext, test_packets_are_lost_in_the_app_s_guest,
               test_an_app_is_replaced_while_clients_load_it, test_the_gateway_s_process_is_killed,
               test_the_gateway_s_guest_is_restarted)
finally:
    world.close()
