# SPDX-License-Identifier: Apache-2.0
"""configs/kms.yaml, configs/gateway.yaml and an app: three guests, as an operator brings them up, and a page by HTTPS

With SCREENSHOTS=DIR it also writes the picture of docs/: the page in a browser.
"""
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess

import bailey
import gatewayworld
import keysworld

world = gatewayworld.GatewayWorld()
host = world.host


def hello():
    """configs/apps/hello.yaml behind the gateway: no port of the host is its."""
    with open(f"{keysworld.SOURCE}/configs/apps/hello.yaml", encoding="utf-8") as f:
        text = f.read()
    for pattern, new in ((r"^name: hello$", f"name: hello\nimage: {os.path.basename(world.image)}"),
                         (r"^tee: none$", "tee: simulated"), (r"memory: 512M", "memory: 2G"),
                         (r"^ports:\n(  .*\n)+", "gateway: true\n")):
        assert len(re.findall(pattern, text, re.M)) == 1, pattern
        text = re.sub(pattern, new, text, flags=re.M)
    return world.write("hello.yaml", f"{text}\n{world.pins_without_secrets()}")


def gateway(what, *args):
    return world.bailey("gateway", what, *args, world.path("gateway.yaml"))


def test_three_guests_come_up():
    """The KMS starts twice: an app's file names it, and its list the app's file."""
    world.start_kms_cvm()
    world.allow_gateway()
    world.allow(hello())
    world.bailey("up", "--no-wait", world.path("kms.yaml"))
    world.wait_kms()
    gateway("up", "--no-wait")  # from now on the daemon tells guests of it
    world.bailey("up", "--no-wait", world.path("hello.yaml"))
    world.ca = world.path("gateway-ca.pem")
    said = gateway("up", "--ca-out", world.ca).stdout
    assert world.gateway_id in said and f"*.{world.domain}" in said, said


def test_the_page_is_there_by_https():
    name = world.host_of("hello")
    page = bailey.wait_for("the page", lambda: world.body(name))
    assert f"app id: {host.info('hello')['app_id']}" in page.decode(), page
    assert f"https://{name}" in world.bailey("info", "hello").stdout


def test_an_operator_sees_it():
    status = json.loads(gateway("status", "--json").stdout)
    routes = gateway("routes").stdout
    print("    ", json.dumps(status)[:300])
    assert host.info("hello")["app_id"] in routes, routes


def test_a_picture_for_the_docs():
    folder, chromium = os.environ.get("SCREENSHOTS"), shutil.which("chromium")
    if not folder or not chromium:
        return
    # What python has verified with the CA, the browser is told to take: it has no file of authorities to be given.
    with world.tls(world.host_of("hello")) as s:
        leaf = s.getpeercert(binary_form=True)
    key = keysworld.openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=leaf)
    der = keysworld.openssl("pkey", "-pubin", "-outform", "DER", data=key)
    trust = base64.b64encode(hashlib.sha256(der).digest()).decode()
    subprocess.run([chromium, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={world.path('browser')}",
                    "--window-size=1000,440", "--hide-scrollbars", f"--ignore-certificate-errors-spki-list={trust}",
                    f"--screenshot={folder}/gateway-page-light.png", f"https://{world.host_of('hello')}:{world.port}/"],
                   check=True, capture_output=True, timeout=120)
    assert os.path.exists(f"{folder}/gateway-page-light.png"), "chromium made no picture"


try:
    bailey.run(test_three_guests_come_up, test_the_page_is_there_by_https, test_an_operator_sees_it,
               test_a_picture_for_the_docs)
finally:
    world.close()
