// SPDX-License-Identifier: Apache-2.0
// vm: one VM: how it boots, what it logs, what it is made of, and what may be done to it
import { lines, rpc, wait } from "/res/api.js";
import { confirm, copy, problem, toast } from "/res/dialog.js";
import { fill, h, reconcile, safeUrl, setText } from "/res/dom.js";
import { ports, progress, restarts, showBadge, uptime } from "/res/fleet.js";
import { date, lacksRoute, memory, nameOf, tee, time } from "/res/format.js";
import { logPanel } from "/res/logs.js";
import * as store from "/res/store.js";

const EVENTS_KEPT = 300;

function confirmRemove(vm) {
	return confirm({
		title: `Remove ${nameOf(vm)}?`,
		text: ["The VM is stopped, and its disk, keys and logs are deleted. This cannot be undone.", vm.id],
		action: `Remove ${nameOf(vm)}`, danger: true,
	});
}

function confirmKill(vm) {
	return confirm({
		title: `Kill ${nameOf(vm)}?`,
		text: "Its power is cut: what the app has not written is lost.",
		action: `Kill ${nameOf(vm)}`, danger: true,
	});
}

async function untilDown(id) {
	for (let i = 0; i < 240; i++) {
		const vm = store.get(id);
		if (!vm || vm.status === "stopped" || vm.status === "exited")
			return;
		await wait(500);
		store.refresh(id);
	}
	throw new Error("it is still not down; kill it, or wait");
}

const ACTIONS = [
	{ name: "Start", when: (vm) => vm.status === "stopped" || vm.status === "exited", class: "primary",
		run: (vm) => rpc("StartVm", { id: vm.id }) },
	{ name: "Stop", when: (vm) => vm.status === "running", title: "Ask the guest to power off",
		run: (vm) => rpc("ShutdownVm", { id: vm.id }) },
	{ name: "Restart", when: (vm) => vm.status === "running", title: "Ask the guest to power off, then start it again",
		run: async (vm) => {
			await rpc("ShutdownVm", { id: vm.id });
			await untilDown(vm.id);
			await rpc("StartVm", { id: vm.id });
		} },
	{ name: "Kill", when: (vm) => vm.status === "running" || vm.status === "stopping", title: "Cut its power", ask: confirmKill,
		run: (vm) => rpc("StopVm", { id: vm.id }) },
	{ name: "Update", when: (vm) => vm.status !== "removing",
		go: (vm) => `#/vm/${vm.id}/update` },
	{ name: "Remove", when: (vm) => vm.status !== "removing", ask: confirmRemove, class: "danger-text",
		run: async (vm) => {
			await rpc("RemoveVm", { id: vm.id });
			toast(`${nameOf(vm)} is being removed`);
			location.hash = "#/";
		} },
];

function actionBar(id) {
	const bar = h("div", { class: "actions", role: "group", "aria-label": "Actions" });
	let busy = "";
	const act = async (a) => {
		const vm = store.get(id);
		if (!vm || busy || (a.ask && !await a.ask(vm)))
			return;
		busy = a.name;
		show();
		try {
			await a.run(vm);
		} catch (e) {
			problem(`${a.name} ${nameOf(vm)}`, e);
		}
		busy = "";
		store.refresh(id);
		show();
	};
	const make = (a) => a.go ? h("a", { class: "button" }, a.name)
		: h("button", { type: "button", class: a.class ?? "", title: a.title, onclick: () => act(a) }, a.name);
	const show = () => {
		const vm = store.get(id);
		reconcile(bar, vm ? ACTIONS.filter((a) => a.when(vm) || busy === a.name) : [], (a) => a.name, make, (e, a) => {
			if (a.go)
				e.href = a.go(vm);
			else
				e.disabled = busy !== "";
			e.classList.toggle("working", busy === a.name);
		});
	};
	return { bar, show };
}

function fact(label, ...value) {
	return h("div", {}, h("dt", {}, label), h("dd", {}, value));
}

function mono(text, what) {
	return text ? [h("code", {}, text), h("button", { type: "button", class: "ghost small", "aria-label": `Copy ${what}`,
		onclick: () => copy(text, what) }, "Copy")] : h("span", { class: "faint" }, "—");
}

function pretty(text) {
	try {
		return JSON.stringify(JSON.parse(text), null, 2);
	} catch {
		return text;
	}
}

// What an operator should know before all else.
function notice(vm) {
	if (vm.is_outdated && vm.status === "running")
		return h("p", { class: "notice" }, "It runs with what it was before its last update. Restart it to make the update take effect.");
	if (vm.restart_gave_up && vm.status !== "running")
		return h("p", { class: "notice bad" }, `It ended by itself (${vm.exit_reason || "for an unknown reason"}) and ${restarts(vm)}. `,
			"Its log says more; Start tries again.");
	if (vm.status === "running" && lacksRoute(vm))
		return h("p", { class: "notice" }, `The guest goes on: ${vm.boot_error}`);
	if (vm.status === "running" && vm.boot_error)
		return h("p", { class: "notice bad" }, `The guest could not boot: ${vm.boot_error}`);
	if (vm.lacks_gateway)
		return h("p", { class: "notice" }, "It was started before its gateway was there. Start it again to register it.");
	return null;
}

function addresses(vm) {
	const list = vm.addresses?.length ? vm.addresses : [vm.app_url ?? ""];
	const links = list.filter(safeUrl).map((a) => h("a", { class: "block", href: safeUrl(a), target: "_blank", rel: "noopener noreferrer" }, a));
	return links.length ? wide(links.length > 1 ? "Addresses" : "Address", links) : null;
}

function gateway(c) {
	const g = c.gateway_service;
	return g ? wide("Gateway of", `${g.domain}${g.port === 443 ? "" : `:${g.port}`}, guests register at ${g.url}`) : null;
}

function wide(label, ...value) {
	const e = fact(label, value);
	e.className = "wide";
	return e;
}

function facts(vm, hash) {
	const c = vm.configuration ?? {}, t = tee(c);
	return [
		addresses(vm), gateway(c),
		fact("Ports", (c.ports ?? []).length ? ports(c) : h("span", { class: "faint" }, "none")),
		fact("TEE", t.warning ? h("span", { class: "tag warn" }, t.warning) : t.name),
		fact("Image", c.image, vm.image_version && h("span", { class: "faint" }, ` ${vm.image_version}`)),
		fact("CPUs", c.vcpu), fact("Memory", memory(c.memory ?? 0)), fact("Disk", `${c.disk_size} GiB`),
		fact("Network", (vm.interfaces ?? []).map((i) => `${i.mode} ${i.mac}`).join(", ")),
		wide("VM id", mono(vm.id, "VM id")), wide("App id", mono(vm.app_id, "App id")),
		wide("Instance id", mono(vm.instance_id, "Instance id")), wide("Compose hash", mono(hash, "Compose hash")),
	];
}

// Steps of this boot, each with the time it took.
function bootSteps(events) {
	const last = Math.max(0, ...events.map((e) => e.generation ?? 0));
	const steps = events.filter((e) => e.generation === last && (e.event === "boot.progress" || e.event === "boot.error" ||
		e.event === "vmm.started"));
	return steps.map((e, i) => ({ ...e, took: steps[i + 1] ? steps[i + 1].timestamp - e.timestamp : null,
		key: `${e.generation}-${e.seq}`, text: e.event === "vmm.started" ? "power on" : e.body, bad: e.event === "boot.error" }));
}

function showStep(e, s) {
	const text = s.took === null ? "" : `${(s.took / 1000).toFixed(1)} s`;
	e.className = s.bad ? "bad" : s.took === null && s.body !== "done" ? "now" : "past";
	setText(e.querySelector(".what"), s.text);
	setText(e.querySelector(".took"), text);
}

export function vmPage(main, id) {
	const events = [], page = h("section", { class: "page" }), stop = new AbortController();
	const title = h("h1"), mark = h("span", { class: "badge" }), sub = h("p", { class: "summary" });
	const overview = h("dl", { class: "facts" }), boot = h("ol", { class: "steps" });
	const list = h("ol", { class: "events" }), compose = h("pre", { class: "source", tabIndex: 0, "aria-label": "app-compose.json" });
	const warning = h("div", { role: "status" });
	const { bar, show: showBar } = actionBar(id);
	const log = logPanel(id);
	let built = false, shape = "", hash = "";

	const build = () => {
		built = true;
		fill(page, h("nav", { class: "crumbs", "aria-label": "Where" }, h("a", { href: "#/" }, "Fleet"), " / ", h("span", {}, id.slice(0, 8))),
			h("div", { class: "head" }, title, mark, sub, h("span", { class: "push" }), bar),
			warning, h("div", { class: "two" },
				h("section", { class: "card", "aria-labelledby": "boot-title" }, h("h2", { id: "boot-title" }, "Boot"), boot),
				h("section", { class: "card", "aria-labelledby": "facts-title" }, h("h2", { id: "facts-title" }, "Overview"), overview)),
			log.root,
			h("details", { class: "card", open: false }, h("summary", {}, h("h2", {}, "Events")), list),
			h("details", { class: "card", open: false }, h("summary", {}, h("h2", {}, "app-compose.json"), " ",
				h("span", { class: "faint" }, "what is measured; its SHA-256 is the compose hash")), compose));
	};
	const learnHash = async (c) => {
		try {
			hash = (await rpc("GetComposeHash", { name: c.name, compose_file: c.compose_file })).hash;
			draw();
		} catch {
			// it stays empty: the compose file is one that is not read any more
		}
	};
	const drawEvents = () => {
		reconcile(boot, bootSteps(events), (s) => s.key, () => h("li", {}, h("span", { class: "what" }), h("span", { class: "took" })), showStep);
		reconcile(list, events.slice(-EVENTS_KEPT).reverse(), (e) => `${e.generation}-${e.seq}`,
			(e) => h("li", {}, h("time", { datetime: new Date(e.timestamp).toISOString(), title: date(e.timestamp) }, time(e.timestamp)),
				h("span", { class: "mono" }, e.event), h("span", { class: "body" }, e.body)), () => {});
	};
	const draw = (change = {}) => {
		const vm = store.get(id);
		if (change.event?.id === id)
			addEvent(change.event);
		if (!vm) {
			if (store.isLoaded()) {
				built = false;
				fill(page, h("div", { class: "empty" }, h("h1", {}, "No such VM"), h("p", {}, "It was removed, or never was here."),
					h("p", {}, h("a", { href: "#/", class: "button" }, "Back to the fleet"))));
			} else {
				fill(page, h("div", { class: "skeleton", role: "status", "aria-label": "Loading" }, h("div"), h("div")));
			}
			return;
		}
		if (!built)
			build();
		setText(title, nameOf(vm));
		document.title = `${nameOf(vm)} · Bailey`;
		showBadge(mark, vm);
		setText(sub, [progress(vm), uptime(vm) && `up ${uptime(vm)}`].filter(Boolean).join(" · "));
		showBar();
		const told = notice(vm);
		if (warning.textContent !== (told?.textContent ?? ""))
			fill(warning, told);
		warning.hidden = !told;
		const now = JSON.stringify([vm.configuration, vm.instance_id, vm.app_url, vm.addresses, vm.interfaces, hash]);
		if (now !== shape) {
			if (compose.textContent !== pretty(vm.configuration?.compose_file ?? "")) {
				setText(compose, pretty(vm.configuration?.compose_file ?? ""));
				learnHash(vm.configuration);
			}
			shape = now;
			fill(overview, facts(vm, hash));
		}
		drawEvents();
	};
	const addEvent = (e) => {
		if (events.length && e.seq <= events[events.length - 1].seq)
			return;
		events.push(e);
		if (events.length > EVENTS_KEPT * 2)
			events.splice(0, EVENTS_KEPT);
	};
	const loadEvents = async () => {
		const past = [];
		try {
			await lines(`/events?id=${id}`, (got) => past.push(...got.filter((t) => t.trim()).map((t) => JSON.parse(t))), stop.signal);
		} catch {
			return; // the page says that there is no such VM, or no connection
		}
		const live = events.splice(0);
		for (const e of [...past, ...live])
			addEvent(e);
		draw();
	};

	fill(main, page);
	const unsubscribe = store.subscribe(draw), tick = setInterval(() => draw(), 1000);
	draw();
	loadEvents();
	return {
		title: store.get(id) ? nameOf(store.get(id)) : "VM",
		leave: () => {
			unsubscribe();
			clearInterval(tick);
			stop.abort();
			log.leave();
		},
	};
}

