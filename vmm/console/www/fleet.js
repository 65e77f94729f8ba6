// SPDX-License-Identifier: Apache-2.0
// fleet: every VM of the host, one a row
import { fill, h, reconcile, safeUrl, say, setText } from "/res/dom.js";
import { duration, memory, nameOf, portText, portUrl, state, tee } from "/res/format.js";
import * as store from "/res/store.js";

const ORDER = ["good", "busy", "bad", "off"];

export function badge(vm) {
	const [word, kind] = state(vm);
	return h("span", { class: `badge ${kind}` }, word);
}

export function showBadge(e, vm) {
	const [word, kind] = state(vm);
	e.className = `badge ${kind}`;
	setText(e, word);
}

// Ends of its own, and what follows from them; "" for a VM that is well.
export function restarts(vm) {
	const n = vm.restart_attempts, times = `${n} restart${n === 1 ? "" : "s"}`;
	if (vm.restart_gave_up)
		return `gave up after ${times}`;
	if (vm.restart_at_ms)
		return `starts again in ${duration(Math.max(0, vm.restart_at_ms - Date.now()) / 1000)}${n ? `, after ${times}` : ""}`;
	return n ? times : "";
}

function step(vm) {
	if (vm.status === "exited" || vm.status === "stopped")
		return vm.exit_reason && vm.exit_reason !== "stopped" ? vm.exit_reason : vm.shutdown_progress;
	if (vm.status !== "running")
		return vm.shutdown_progress;
	return vm.boot_error || (vm.boot_progress === "N/A" ? "" : vm.boot_progress);
}

// How far it is, in one line.
export function progress(vm) {
	return [step(vm), restarts(vm)].filter(Boolean).join(" · ");
}

export function uptime(vm) {
	if (vm.status !== "running" || vm.upFor === null)
		return "";
	return duration(vm.upFor + (Date.now() - vm.seen) / 1000);
}

export function ports(c) {
	return (c?.ports ?? []).map((p) => {
		const url = safeUrl(portUrl(p) ?? "");
		const text = portText(p);
		return url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "port" }, text)
			: h("span", { class: "port" }, text);
	});
}

const CELLS = [
	["status", "Status"], ["name", "Name"], ["progress", "Progress"], ["image", "Image"], ["cpus", "CPUs"],
	["memory", "Memory"], ["ports", "Ports"], ["uptime", "Uptime"],
];

function makeRow() {
	const cells = CELLS.map(([key, label]) => h("td", { class: key, data: { label } }));
	return h("tr", {}, cells);
}

function showRow(row, vm) {
	const c = vm.configuration ?? {}, cell = (key) => row.querySelector(`td.${key}`);
	const t = tee(c), shape = JSON.stringify([vm.name, vm.app_id, c.image, c.vcpu, c.memory, c.ports, t.name, vm.is_outdated]);

	row.dataset.id = vm.id;
	if (row.dataset.shape !== shape) {
		row.dataset.shape = shape;
		fill(cell("status"), badge(vm));
		fill(cell("name"), h("a", { href: `#/vm/${vm.id}` }, nameOf(vm)),
			t.warning && h("span", { class: "tag warn", title: t.warning }, t.name === "none" ? "no TEE" : "simulated"),
			vm.is_outdated && h("span", { class: "tag info", title: "It runs with what it was before its last update" }, "restart to update"),
			h("span", { class: "mono faint block", title: vm.app_id }, vm.app_id.slice(0, 12)));
		fill(cell("image"), c.image);
		fill(cell("cpus"), c.vcpu);
		fill(cell("memory"), memory(c.memory ?? 0));
		fill(cell("ports"), ports(c));
	}
	showBadge(row.querySelector(".badge"), vm);
	setText(cell("progress"), progress(vm));
	cell("progress").classList.toggle("bad", state(vm)[1] === "bad");
	setText(cell("uptime"), uptime(vm));
}

function matches(vm, words) {
	const text = `${vm.name} ${vm.id} ${vm.app_id} ${vm.configuration?.image} ${state(vm)[0]}`.toLowerCase();
	return words.every((w) => text.includes(w));
}

function moveRow(e, body) {
	const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[e.key];
	if (!step || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input"))
		return;
	const links = [...body.querySelectorAll("td.name a")];
	const at = links.findIndex((a) => a.closest("tr").contains(document.activeElement));
	const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step];
	if (next) {
		next.focus();
		e.preventDefault();
	}
}

export function fleetPage(main) {
	const summary = h("p", { class: "summary", "aria-live": "polite" });
	const search = h("input", { type: "search", id: "search", placeholder: "Search", "aria-label": "Search by name, id, image or status",
		autocomplete: "off", spellcheck: false });
	const body = h("tbody");
	const table = h("table", { class: "fleet" },
		h("caption", { class: "unseen" }, "VMs of this host"),
		h("thead", {}, h("tr", {}, CELLS.map(([key, label]) => h("th", { scope: "col", class: key }, label)))), body);
	const note = h("div");
	fill(main, h("section", { class: "page" },
		h("div", { class: "head" }, h("h1", {}, "Fleet"), summary, h("span", { class: "push" }), search,
			h("a", { href: "#/new", class: "button primary" }, "New app")),
		h("div", { class: "card scroll" }, table), note));

	const draw = () => {
		const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
		const vms = store.all(), shown = vms.filter((v) => matches(v, words));
		const counts = new Map();
		for (const v of vms)
			counts.set(state(v)[0], [(counts.get(state(v)[0])?.[0] ?? 0) + 1, state(v)[1]]);
		const texts = [...counts].sort((a, b) => ORDER.indexOf(a[1][1]) - ORDER.indexOf(b[1][1]));
		const line = texts.map(([word, [n]]) => `${n} ${word}`).join(" · ");
		setText(summary, line);
		reconcile(body, shown, (v) => v.id, makeRow, showRow);
		table.parentNode.hidden = shown.length === 0;
		fill(note, !store.isLoaded() && loading(),
			store.isLoaded() && vms.length === 0 && none(),
			vms.length > 0 && shown.length === 0 && h("p", { class: "empty" }, `No VM matches “${search.value}”.`));
	};
	const tick = setInterval(draw, 1000), stop = store.subscribe(draw);
	const key = (e) => moveRow(e, body);
	search.addEventListener("input", () => {
		draw();
		say(`${body.children.length} shown`);
	});
	document.addEventListener("keydown", key);
	draw();
	return {
		title: "Fleet",
		leave: () => {
			clearInterval(tick);
			stop();
			document.removeEventListener("keydown", key);
		},
	};
}

function loading() {
	if (store.linkState() === "lost") {
		return h("div", { class: "empty" }, h("h2", {}, "No connection"), h("p", {}, store.why()),
			h("p", { class: "faint" }, "Trying again…"));
	}
	return h("div", { class: "skeleton", "aria-label": "Loading", role: "status" }, [1, 2, 3].map(() => h("div")));
}

function none() {
	return h("div", { class: "empty" }, h("h2", {}, "No VMs yet"),
		h("p", {}, "An app is some twenty lines of YAML; it becomes a confidential VM of its own."),
		h("p", {}, h("a", { href: "#/new", class: "button primary" }, "Create the first one")));
}
