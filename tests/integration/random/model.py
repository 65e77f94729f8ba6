# SPDX-License-Identifier: Apache-2.0
"""model: what a VM may do, and whether a history of calls is one that it could have had

Calls of several clients overlap.  A history is right when there is an order of its calls, in which none
comes before one that had ended when it began, that the model explains step by step (linearizability,
Herlihy and Wing 1990).  A slot is all that ever bore one name, so that names are checked with it.
"""
from collections import namedtuple

# What the slot holds; None: nothing.
Vm = namedtuple("Vm", "id is_removing runs vcpu memory compose")

# One call.  ok: it did as asked; value: the id of a Create, the VmInfo of an Info, else the error's text.
Call = namedtuple("Call", "slot op args begin end ok value")

PASSING = ("stopping", "exited")  # what is shown while another call is at work


def _is(vm, call):
    return vm is not None and vm.id == call.args["id"]


def _live(vm, call):
    return _is(vm, call) and not vm.is_removing


def _create(vm, call, _):
    if not call.ok:
        return [vm] if vm and "name" in call.value else []
    if vm and not vm.is_removing:
        return []  # two of one name
    a = call.args
    return [Vm(call.value, False, not a["stopped"], a["vcpu"], a["memory"], a["compose"])]


def _start(vm, call, busy):
    if call.ok:
        return [vm._replace(runs=True)] if _live(vm, call) else []
    if not _live(vm, call):
        return [vm]
    return [vm] if busy else []  # a stop may call it off


def _stop(vm, call, _):
    if call.ok:
        return [vm._replace(runs=False)] if _live(vm, call) else [vm]
    return [] if _live(vm, call) else [vm]


def _remove(vm, call, _):
    if call.ok:
        return [vm._replace(is_removing=True, runs=False)] if _is(vm, call) else []
    return [] if _live(vm, call) else [vm]


def _change(vm, call):
    given = {k: v for k, v in call.args.items() if k in ("vcpu", "memory", "compose")}
    return [vm._replace(**given)]


def _update(vm, call, _):
    if call.ok:
        return _change(vm, call) if _live(vm, call) else []
    return [] if _live(vm, call) else [vm]


def _resize(vm, call, _):
    if call.ok:
        return _change(vm, call) if _live(vm, call) and not vm.runs else []
    return [] if _live(vm, call) and not vm.runs else [vm]


def _info(vm, call, busy):
    seen = call.value
    if seen is None:
        return [] if _live(vm, call) else [vm]
    if not _is(vm, call):
        return []
    if vm.is_removing or seen["status"] == "removing":
        return [vm] if vm.is_removing and (busy or seen["status"] == "removing") else []
    c = seen["configuration"]
    if (c["vcpu"], c["memory"], c["compose_file"]) != (vm.vcpu, vm.memory, vm.compose):
        return []
    if seen["status"] in PASSING:
        return [vm] if busy else []
    return [vm] if seen["status"] == ("running" if vm.runs else "stopped") else []


STEPS = {"Create": _create, "Start": _start, "Stop": _stop, "Remove": _remove, "Update": _update,
         "Resize": _resize, "Info": _info}


def _after(vm, call, busy):
    """The states that the slot may be in after the call; a VM that is being removed may be gone."""
    found = STEPS[call.op](vm, call, busy)
    if vm and vm.is_removing:
        found = found + STEPS[call.op](None, call, busy)
    return found


def explain(calls):
    """None if some order explains the calls; else the longest prefix of an order that could be explained."""
    calls = sorted(calls, key=lambda c: c.begin)
    busy = [any(o is not c and o.op not in ("Info", "Update", "Resize") and o.begin < c.end and c.begin < o.end
                for o in calls) for c in calls]
    best, seen = [], set()
    stack = [(frozenset(), None, ())]
    while stack:
        done, vm, order = stack.pop()
        if len(done) == len(calls):
            return None
        if (done, vm) in seen:
            continue
        seen.add((done, vm))
        if len(order) >= len(best):
            best = order
        left = [i for i in range(len(calls)) if i not in done]
        horizon = min(calls[i].end for i in left)
        for i in left:
            if calls[i].begin > horizon:
                break
            for state in _after(vm, calls[i], busy[i]):
                stack.append((done | {i}, state, order + (calls[i],)))
    return list(best)
