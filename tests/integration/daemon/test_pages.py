# SPDX-License-Identifier: Apache-2.0
"""/metrics, /healthz, the OpenAPI document and the audit log of a daemon that has done something."""
import atexit
import json
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scratch import Daemon, main, vm, wait_for  # noqa: E402

runtime = f"/tmp/b-it-run-{os.getpid()}"
os.mkdir(runtime, 0o700)
atexit.register(shutil.rmtree, runtime)
os.environ["XDG_RUNTIME_DIR"] = runtime
d = Daemon()


def metrics():
    status, body, head = d.http("GET", "/metrics")
    assert status == 200 and "Content-Type: text/plain; version=0.0.4; charset=utf-8" in head, head
    found, types = {}, {}
    for line in body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types and kind in ("counter", "gauge"), line
            types[name] = kind
        elif not line.startswith("# HELP "):
            m = re.fullmatch(r'([a-z_]+)((?:\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})?) ([0-9.]+)',
                             line)
            assert m and m[1] in types and m[1] + m[2] not in found, line
            found[m[1] + m[2]] = float(m[3])
    return found


def test_figures_tell_what_was_done():
    vid = d.rpc("CreateVm", vm(name="a b$(x)"))["id"]
    d.fails("StopVm", {"id": "../x"}, "invalid VM id")
    d.http("GET", f"/prpc/StopVm?id={vid}")
    d.http("GET", "/prpc/Nothing")
    m = metrics()
    assert m['bailey_vms{status="stopped"}'] == 1 and m['bailey_vms{status="running"}'] == 0, m
    assert m[f'bailey_vm_running{{id="{vid}",name="a b$(x)"}}'] == 0
    assert m[f'bailey_vm_guest_requests_total{{id="{vid}",name="a b$(x)"}}'] == 0
    assert m[f'bailey_vm_log_bytes{{id="{vid}",name="a b$(x)",log="serial"}}'] == 0
    for name, size in (("serial.log", 5000), ("serial.log.1", 9000), ("vsock.log", 1)):
        with open(f"{d.dir}/s/vm/{vid}/{name}", "wb") as f:
            f.write(b"x" * size)
            f.flush()
            os.fsync(f.fileno())  # blocks are given when it is written out
    sizes = {log: metrics()[f'bailey_vm_log_bytes{{id="{vid}",name="a b$(x)",log="{log}"}}'] for log in ("serial", "vsock")}
    assert 14000 <= sizes["serial"] < 64000 and 0 < sizes["vsock"] < 20000, sizes
    assert m['bailey_events_total{event="vmm.created"}'] == 1
    assert m['bailey_api_requests_total{method="CreateVm",code="200"}'] == 1
    assert m['bailey_api_requests_total{method="StopVm",code="400"}'] == 1
    assert m['bailey_api_requests_total{method="StopVm",code="405"}'] == 1
    assert m['bailey_api_requests_total{method="unknown",code="400"}'] == 1
    assert m["bailey_operations_total{operation=\"create\"}"] >= 1, m
    assert m["process_resident_memory_bytes"] > 1 << 20 and m["process_open_fds"] > 5
    assert m["bailey_operations_queued"] == 0 and m["bailey_api_connections"] >= 1
    d.rpc("RemoveVm", {"id": vid})
    wait_for("its row goes", lambda: not any(vid in k for k in metrics()))


def test_who_changed_what_is_on_file():
    with open(f"{d.dir}/s/audit.jsonl", encoding="ascii") as f:
        lines = [json.loads(x) for x in f]
    assert os.stat(f"{d.dir}/s/audit.jsonl").st_mode & 0o777 == 0o600
    vid = lines[0]["about"]
    assert [(x["method"], x["about"], x["status"]) for x in lines] == [
        ("CreateVm", vid, 200), ("StopVm", "../x", 400), ("StopVm", "", 405), ("RemoveVm", vid, 200)], lines
    assert all(x["who"] == "uid 0" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", x["at"]) for x in lines), lines
    assert "invalid VM id" in lines[1]["error"]


def test_health():
    status, body, _ = d.http("GET", "/healthz")
    seen = json.loads(body)
    assert set(seen["checks"]) == {"libvirt", "vsock", "disk", "secrets"}, seen
    bad = {k: v for k, v in seen["checks"].items() if v != "ok"}
    assert (status, seen["status"]) == ((503, "failing") if bad else (200, "ok")), seen
    assert seen["checks"]["libvirt"] == "ok" and seen["checks"]["secrets"] == "ok", seen
    assert d.http("HEAD", "/healthz")[0] == status and d.http("POST", "/healthz")[0] == 405


def test_a_full_disk_is_told():
    other = Daemon("limits: { disk_free: 900T }\n")
    status, body, _ = other.http("GET", "/healthz")
    assert status == 503 and "limits.disk_free" in json.loads(body)["checks"]["disk"], body
    other.close()


def test_the_document_is_of_what_is_served():
    status, body, head = d.http("GET", "/api-docs/openapi.json")
    doc = json.loads(body)
    assert status == 200 and "application/json" in head and doc["openapi"] == "3.0.3"
    for path, item in doc["paths"].items():
        for verb in item:
            if path.startswith(("/prpc/", "/guest/")):
                got, answer, _ = d.http("GET" if verb == "get" else "PUT", path)
                assert b"Service not found" not in answer, (path, got, answer)
            elif path != "/api-docs/openapi.json":
                assert d.http("GET", path)[0] != 404, path
    wanted = {"type": "string", "nullable": True}
    assert doc["components"]["schemas"]["VmConfiguration"]["properties"]["app_id"] == wanted
    assert doc["components"]["schemas"]["StatusResponse"]["properties"]["vms"]["items"] == {"$ref": "#/components/schemas/VmInfo"}
    status, body, head = d.http("GET", "/api-docs/docs")
    assert status == 200 and "text/html" in head and b"/prpc/CreateVm" in body
    assert b"<script" not in body and b"//" not in body.replace(b"https://", b""), "nothing from elsewhere"


def test_clients_find_the_daemon():
    """As dstack's client looks for it; one that was killed leaves a record, and the next sweeps it."""
    records = lambda: sorted(os.listdir(f"{runtime}/dstack-vmm"))  # noqa: E731
    first, = records()
    with open(f"{runtime}/dstack-vmm/{first}", encoding="utf-8") as f:
        seen = json.load(f)
    assert (seen["address"], seen["pid"], seen["id"] + ".json") == (f"unix:{d.socket}", d.process.pid, first), seen
    assert (seen["config_file"], seen["run_path"]) == (d.config, f"{d.dir}/s/vm"), seen
    d.stop(signal.SIGKILL)
    assert records() == [first]
    d.start()
    second, = wait_for("the new one", lambda: first not in records() and records())
    assert d.stop() == 0 and records() == [], second
    d.start()


main(d, test_figures_tell_what_was_done, test_who_changed_what_is_on_file, test_health, test_a_full_disk_is_told,
     test_the_document_is_of_what_is_served, test_clients_find_the_daemon)
