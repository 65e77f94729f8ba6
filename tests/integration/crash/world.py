# SPDX-License-Identifier: Apache-2.0
"""world: what a host has of a daemon's VMs, compared with what the daemon says of them"""
import json
import os
import socket

import bailey

COMPOSE = '{"manifest_version":2,"name":"x","runner":"none"}'
IMAGE = "halt-0.1.0"
IN_FOLDER = {"vm-manifest.json", "vm-state.json", "events.jsonl", "shared", "hda.img", "shared.img", "serial.log",
             "serial.pty", "vsock.log", ".prev"}
IN_SHARED = {"app-compose.json", ".user-config", ".encrypted-env", ".instance_info", ".instance-info",
             ".sys-config.json", ".tee-simulator.json"}


def asked(name, port=0, **more):
    ports = [{"protocol": "tcp", "host_address": "127.0.0.1", "host_port": port, "vm_port": 80}] if port else []
    return {"name": name, "image": IMAGE, "vcpu": 1, "memory": 128, "disk_size": 1, "no_tee": True, "ports": ports,
            "compose_file": COMPOSE, "user_config": "x", "stopped": True, **more}


def is_bound(port):
    """Does anybody listen there?"""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            s.listen(1)
        except OSError:
            return True
    return False


def program(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def processes(host):
    """{program: [pids]} of all that was started below the host's folder, the daemon not counted."""
    found = {}
    for pid in bailey.processes_naming(host.dir):
        if pid != host.daemon.pid and bailey.pid_alive(pid):
            found.setdefault(program(pid), []).append(pid)
    return found


def qemu_of(host, vm):
    pids = [p for p in bailey.processes_naming(vm) if program(p) == "qemu-system-x86_64"]
    assert len(pids) == 1, (vm, pids, host.log()[-2000:])
    return pids[0]


def qemu_log(host, vm):
    """The end of what QEMU and libvirt said of it."""
    try:
        with open(f"{host.dir}/s/libvirt/log/qemu/{vm}.log", encoding="utf-8", errors="replace") as f:
            qemu = f.read()[-600:]
        with open(f"{host.dir}/s/libvirt/log/libvirt.log", encoding="utf-8", errors="replace") as f:
            return qemu, "".join(line for line in f if vm in line or "rror" in line)[-2500:]
    except OSError as e:
        return e


def listing(path):
    return os.listdir(path) if os.path.isdir(path) else []


def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def odd_files(folder, vm):
    """What should not be in the folder of a VM, or should be and is not whole."""
    wrong = [f"{vm}/{n}" for n in listing(folder) if n not in IN_FOLDER and not n.startswith(("serial.log.", "vsock.log."))]
    wrong += [f"{vm}/shared/{n}" for n in listing(f"{folder}/shared") if n not in IN_SHARED]
    try:
        if read_json(f"{folder}/vm-manifest.json")["id"] != vm:
            wrong.append(f"{vm}: the manifest is another's")
        read_json(f"{folder}/vm-state.json")
        if not {"app-compose.json", ".user-config"} <= set(listing(f"{folder}/shared")):
            wrong.append(f"{vm}: files of CreateVm are missing")
    except (OSError, ValueError, KeyError) as e:
        wrong.append(f"{vm}: {e}")
    return wrong


def left_over(host, vms):
    """Everything that should not be there, in words; [] when all is well."""
    ids = {v["id"] for v in vms}
    up = {v["id"] for v in vms if v["status"] == "running"}
    wrong = [f"{v['id']} is {v['status']}" for v in vms if v["status"] not in ("running", "stopped", "exited")]
    found = processes(host)
    for name in ("qemu-system-x86_64", "bailey-vsock"):
        pids = found.pop(name, [])
        if len(pids) != len(up):
            wrong.append(f"{len(pids)} {name} for {len(up)} running VMs")
    wrong += [f"process {name} {pids}" for name, pids in found.items()]

    def same(what, have, want):
        if set(have) != set(want):
            wrong.append(f"{what}: too many {sorted(set(have) - set(want))}, missing {sorted(set(want) - set(have))}")
    state, libvirt = f"{host.dir}/s", f"{host.dir}/s/libvirt"
    same("folders", os.listdir(f"{state}/vm"), ids)
    same("sockets", [n for n in os.listdir(f"{host.dir}/r") if n != "baileyd.lock"], {"baileyd.sock"} | {i[:8] for i in up})
    same("libvirt's notes", [n[:-4] for n in listing(f"{libvirt}/run/qemu") if n.endswith(".xml")], up)
    same("libvirt's domains", [n[:-4] for n in listing(f"{libvirt}/etc/qemu") if n.endswith(".xml")], up)
    same("libvirt's folders", [n.split("-", 2)[2] for n in listing(f"{libvirt}/lib/qemu") if n.startswith("domain-")],
         {i[:20] for i in up})
    wrong += [f"libvirt's {n}" for n in listing(f"{libvirt}/lib/qemu") if n.startswith("qmp-")]
    wrong += [f"libvirt's {n}" for n in listing(f"{libvirt}/etc") if ".tmp-" in n]
    wrong += [f"log of nobody: {n}" for n in listing(f"{libvirt}/log/qemu") if n.split(".")[0] not in ids]
    wrong += [f"image {n}" for n in listing(f"{state}/image") if n.startswith(".")]
    cids = []
    for vm in ids:
        wrong += odd_files(f"{state}/vm/{vm}", vm)
        try:
            cids.append(read_json(f"{state}/vm/{vm}/vm-state.json")["cid"])
        except (OSError, ValueError, KeyError):
            pass
    if len(set(cids)) != len(cids):
        wrong.append(f"CIDs {cids}")
    for vm in vms:
        for port in (vm.get("configuration") or {}).get("ports", []):
            if is_bound(port["host_port"]) != (vm["id"] in up):
                wrong.append(f"{vm['id']}: port {port['host_port']} is bound: {vm['id'] not in up}")
    return wrong


def settle(host, deadline=90):
    """Wait until the daemon has tidied up; returns its VMs."""
    seen = []

    def probe():
        vms = host.rpc("Status", {})["vms"]
        seen[:] = left_over(host, vms)
        return None if seen else {"vms": vms}
    try:
        return bailey.wait_for("the daemon tidies up", probe, deadline)["vms"]
    except AssertionError:
        raise AssertionError(f"left over: {seen}; {host.log()[-3000:]}") from None
