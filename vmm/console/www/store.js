// SPDX-License-Identifier: Apache-2.0
// store: the VMs as the daemon has them: Status once, then what its stream of events tells
import { lines, rpc, wait } from "/res/api.js";
import { seconds } from "/res/format.js";

const vms = new Map();
const listeners = new Set();
const stale = new Set();
let link = "wait", loaded = false, failed = "", cursor = "now", refreshing = false;

export const all = () => [...vms.values()];
export const get = (id) => vms.get(id);
export const isLoaded = () => loaded;
export const why = () => failed;
export const linkState = () => link;

// @fn({event}) after each change; returns the way to stop it.
export function subscribe(fn) {
	listeners.add(fn);
	return () => listeners.delete(fn);
}

function tell(change = {}) {
	for (const fn of [...listeners])
		fn(change);
}

function setLink(to, message = "") {
	if (link === to && failed === message)
		return;
	link = to;
	failed = message;
	tell();
}

function keep(vm) {
	vm.seen = Date.now();
	vm.upFor = seconds(vm.uptime);
	vms.set(vm.id, vm);
}

async function loadAll() {
	const reply = await rpc("Status", {});
	vms.clear();
	for (const vm of reply.vms)
		keep(vm);
	loaded = true;
	tell();
}

// One VM again, soon: several events of a moment cost one call.
export function refresh(id) {
	stale.add(id);
	if (refreshing)
		return;
	refreshing = true;
	setTimeout(async () => {
		const ids = [...stale];
		stale.clear();
		refreshing = false;
		try {
			const reply = await rpc("Status", { ids });
			for (const vm of reply.vms)
				keep(vm);
			for (const lost of ids.filter((x) => !reply.vms.some((v) => v.id === x)))
				vms.delete(lost);
			tell();
		} catch {
			// the stream ends too, and then all is asked for again
		}
	}, 60);
}

function onEvent(e) {
	cursor = e.cursor ?? cursor;
	if (e.complete === false)
		throw new Error("gap");
	if (!e.id)
		return;
	if (e.event === "vmm.removed")
		vms.delete(e.id);
	else
		refresh(e.id);
	tell({ event: e });
}

// For ever: follow; when the stream ends, wait a little, load all again, follow again.
export async function run() {
	let pause = 500;
	for (;;) {
		const stop = new AbortController();
		try {
			let first = true;
			await lines(`/events?follow=true&since=${encodeURIComponent(cursor)}`, (got) => {
				for (const text of got) {
					if (!text.trim())
						continue;
					const e = JSON.parse(text);
					if (first) { // from here on nothing is missed: now ask for what there is
						first = false;
						cursor = e.cursor;
						pause = 500;
						loadAll().then(() => setLink("live"), (x) => {
							setLink("lost", x.message);
							stop.abort();
						});
					} else {
						onEvent(e);
					}
				}
			}, stop.signal);
			setLink("lost", "the daemon ended the connection");
		} catch (e) {
			stop.abort();
			setLink("lost", e.message);
		}
		cursor = "now";
		await wait(pause);
		pause = Math.min(pause * 2, 10000);
	}
}
