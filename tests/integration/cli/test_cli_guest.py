# SPDX-License-Identifier: Apache-2.0
"""bailey with real guests: configs/apps as they are shipped, boots that fail, waiting that ends."""
import json
import os
import re

import bailey

CONFIGS = os.environ["BAILEY_CONFIGS"]
BOOT = 5  # exit status: the VM did not come up

host = bailey.Host()


def shipped(name, port=None):
    """A shipped app; its host port is moved where others cannot have it."""
    with open(f"{CONFIGS}/apps/{name}.yaml", encoding="utf-8") as f:
        text = f.read()
    if port:
        text, n = re.subn(r"(host: 127\.0\.0\.1):\d+", rf"\1:{port}", text)
        assert n == 1, text
    return host.app(name, text)


def fails(status, *args):
    try:
        host.bailey(*args)
    except bailey.Failed as e:
        assert e.result.returncode == status, (args, e)
        return e.result
    raise AssertionError(f"{args} should have failed")


def test_hello_from_yaml_to_page_and_back():
    port = bailey.free_port()
    path = shipped("hello", port)
    lines = host.bailey("up", path).stdout.splitlines()
    assert lines[0] == "hello: creating, image bailey-0.1.0, not confidential", lines
    steps = [re.fullmatch(r"hello +(\d+\.\d) s  (.*)", x) for x in lines[1:-1]]
    assert all(steps) and steps[-1][2] == "done", lines
    assert [float(s[1]) for s in steps] == sorted(float(s[1]) for s in steps), lines
    assert lines[-1] == f"hello is up: http://127.0.0.1:{port} (no TEE: not confidential)", lines

    info = host.info("hello")
    status, page = bailey.wait_for("the page", lambda: bailey.http_get(port))
    assert status == 200 and b"Hello from a VM" in page, page
    assert info["app_id"].encode() in page and info["instance_id"].encode() in page, (info, page)
    again = host.bailey("up", path).stdout.splitlines()
    assert again[0] == "hello: nothing changed" and len(again) == 2, again
    assert host.info("hello")["id"] == info["id"]
    assert json.loads(host.bailey("up", "-j", path).stdout)["addresses"] == [f"http://127.0.0.1:{port}"]
    assert "boot.progress" in host.bailey("events", "hello").stdout
    assert "Linux version" in host.bailey("logs", "hello").stdout

    assert host.bailey("stop", "hello").stdout.splitlines()[-1] == "hello is stopped"
    assert host.info("hello")["status"] == "stopped"
    lines = host.bailey("start", "hello").stdout.splitlines()
    assert lines[-1].startswith("hello is up: "), lines
    # steps of this boot only
    assert sum(x.endswith("  done") for x in lines) == 1 and "powering off" not in "".join(lines), lines
    lines = host.bailey("restart", "-f", "hello").stdout.splitlines()
    assert lines[-1].startswith("hello is up: "), lines
    assert host.bailey("start", "hello").stdout == "hello is running already\n"
    host.bailey("rm", "-f", "hello")
    assert json.loads(host.bailey("ps", "-j").stdout) == []


def test_scripts_run_in_their_order():
    host.bailey("up", shipped("simulated"))
    wanted = ["the first init script", "the second init script", "runs before the app", "the app runs"]
    log = bailey.wait_for("the app", lambda: wanted[-1] in host.serial("simulated") and host.serial("simulated"))
    at = [log.index(w) for w in wanted]
    assert at == sorted(at), at
    assert "simulated" in host.bailey("ps").stdout.splitlines()[1].split("up", 1)[1]
    host.bailey("rm", "-f", "simulated")


def test_a_boot_that_fails_says_why():
    path = host.app("fails", "name: fails\ntee: none\nresources: { memory: 512M, disk: 1G }\n"
                    "app:\n  runner: bash\n  script: |\n    echo before it fails\n    exit 3\n")
    r = fails(BOOT, "up", path)
    assert "fails did not come up: " in r.stderr and "status 3" in r.stderr, r.stderr
    assert "bailey logs fails" in r.stderr, r.stderr
    assert "before it fails" in host.bailey("logs", "fails").stdout
    assert "boot.error" in host.bailey("events", "fails").stdout
    host.bailey("rm", "-f", "fails")


def test_waiting_ends():
    r = fails(BOOT, "up", "--timeout", "1s", shipped("none"))
    assert "none is not up after 1 s" in r.stderr and "--timeout" in r.stderr, r.stderr
    # it went on, and up takes up where it was left
    assert host.bailey("up", shipped("none")).stdout.splitlines()[-1].startswith("none is up")
    host.bailey("kill", "none")
    assert host.info("none")["status"] == "stopped"
    host.bailey("rm", "-f", "none")


try:
    bailey.run(test_hello_from_yaml_to_page_and_back, test_scripts_run_in_their_order,
               test_a_boot_that_fails_says_why, test_waiting_ends)
finally:
    host.close()
