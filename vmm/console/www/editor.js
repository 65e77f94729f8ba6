// SPDX-License-Identifier: Apache-2.0
// editor: an app's YAML, checked while one types, made into a new VM or into an update of one
import { compile, rpc } from "/res/api.js";
import { problem, toast } from "/res/dialog.js";
import { fill, h, reconcile, say, setText } from "/res/dom.js";
import { memory, nameOf, portText, tee } from "/res/format.js";
import * as store from "/res/store.js";
import { yamlOf } from "/res/update.js";

const FILE_MAX = 512 * 1024, CHECK_MS = 250;
const EXAMPLE = `name: hello
tee: tdx                 # tdx, simulated (development), or none
resources: { cpus: 1, memory: 512M, disk: 1G }
ports:
  - { host: "127.0.0.1:18080", guest: 8080 }
app:
  runner: bash
  script: |
    mkdir -p /tmp/www
    echo "hello" > /tmp/www/index.html
    exec busybox httpd -f -p 8080 -h /tmp/www
`;
let draft = null; // what was typed, when one comes back from another page

function makeCode() {
	const marks = h("div", { class: "marks", "aria-hidden": "true" });
	const area = h("textarea", { id: "yaml", spellcheck: false, autocomplete: "off", autocapitalize: "off", wrap: "off",
		"aria-label": "App, as YAML", "aria-describedby": "problems" });
	const box = h("div", { class: "code" }, marks, area);
	const show = (errors, warnings) => {
		const text = area.value.split("\n"), at = new Map();
		for (const [list, kind] of [[warnings, "warn"], [errors, "bad"]]) {
			for (const e of list)
				at.set(e.line, { kind, message: e.message });
		}
		reconcile(marks, text.map((t, i) => ({ t, n: i + 1, m: at.get(i + 1) })), (l) => l.n,
			() => h("div", { class: "row" }, h("span", { class: "num" }), h("span", { class: "ghosttext" }), h("span", { class: "lens" })),
			(row, l) => {
				row.className = l.m ? `row ${l.m.kind}` : "row";
				setText(row.children[0], l.n);
				setText(row.children[1], l.t);
				setText(row.children[2], l.m ? l.m.message : "");
			});
		area.setAttribute("aria-invalid", String(errors.length > 0));
		sync();
	};
	const sync = () => {
		marks.style.transform = `translateY(${-area.scrollTop}px)`;
		for (const row of marks.children)
			row.children[1].style.marginLeft = `${-area.scrollLeft}px`;
	};
	area.addEventListener("scroll", sync);
	const go = (line, column) => {
		const before = area.value.split("\n").slice(0, line - 1);
		const from = before.reduce((n, t) => n + t.length + 1, 0) + Math.max(0, column - 1);
		const end = area.value.indexOf("\n", from);
		area.focus();
		area.setSelectionRange(from, end < 0 ? area.value.length : end);
		area.scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle(area).lineHeight));
	};
	return { box, area, show, go };
}

function preview(r) {
	const c = r.configuration, t = tee(c);
	const row = (k, v) => v ? h("div", {}, h("dt", {}, k), h("dd", {}, v)) : null;
	return h("dl", { class: "facts one" }, row("Name", r.name), row("Image", r.image),
		row("TEE", t.warning ? h("span", { class: "tag warn" }, t.warning) : t.name),
		row("CPUs", c.vcpu), row("Memory", memory(c.memory)), row("Disk", `${c.disk_size} GiB`),
		row("Ports", c.ports.length ? c.ports.map((p) => h("span", { class: "port" }, portText(p))) : ""),
		row("Compose hash", h("code", {}, r.compose_hash)));
}

function changeTable(list) {
	if (list.length === 0)
		return h("p", { class: "faint" }, "Nothing changes.");
	return h("table", { class: "changes" }, h("caption", { class: "unseen" }, "What changes"),
		h("thead", {}, h("tr", {}, ["What", "Now", "Then"].map((x) => h("th", { scope: "col" }, x)))),
		h("tbody", {}, list.map((c) => h("tr", {}, h("th", { scope: "row" }, c.field), h("td", {}, h("pre", {}, c.from ?? "—")),
			h("td", {}, h("pre", {}, c.to ?? "—"))))));
}

function attachments(changed) {
	const files = {}, list = h("ul", { class: "files" });
	const input = h("input", { type: "file", multiple: true, id: "files", class: "unseen" });
	const show = () => reconcile(list, Object.keys(files), (n) => n,
		(n) => h("li", {}, h("code", {}, n), h("button", { type: "button", class: "ghost small", "aria-label": `Remove ${n}`,
			onclick: () => {
				delete files[n];
				show();
				changed();
			} }, "×")), () => {});
	input.addEventListener("change", async () => {
		for (const f of input.files) {
			if (f.size > FILE_MAX)
				toast(`${f.name} is larger than 512 KiB`, "bad");
			else
				files[f.name] = await f.text();
		}
		input.value = "";
		show();
		changed();
	});
	return { files, root: h("div", { class: "attach" }, h("label", { htmlFor: "files", class: "button" }, "Attach files…"), input, list) };
}

export function editorPage(main, id) {
	const code = makeCode(), list = h("ol", { id: "problems", class: "problems" });
	const side = h("div"), status = h("span", { class: "faint", role: "status" });
	const go = h("button", { type: "button", class: "primary", disabled: true }, id ? "Update" : "Create");
	let timer = 0, running = null, result = null, shown = { errors: [], warnings: [] }, busy = false, isWanted = false, base = null, unsubscribe = () => {};
	const later = () => {
		clearTimeout(timer);
		running?.abort(); // its answer is of another text
		timer = setTimeout(check, CHECK_MS);
		result = null;
		isWanted = false;
		setText(status, "Checking…");
		status.className = "faint";
		go.disabled = true;
	};
	const attach = attachments(later);

	const showResult = () => {
		const r = shown = result, problems = [...r.errors.map((e) => ({ ...e, kind: "bad" })), ...r.warnings.map((e) => ({ ...e, kind: "warn" }))];
		code.show(r.errors, r.warnings);
		reconcile(list, problems, (e) => `${e.kind} ${e.line} ${e.column} ${e.key} ${e.message}`, (e) => h("li", { class: e.kind },
			h("button", { type: "button", onclick: () => code.go(Math.max(1, e.line), e.column) },
				h("span", { class: "where" }, e.line ? `Line ${e.line}` : "Document"), e.key && h("code", {}, e.key), h("span", {}, e.message))),
		() => {});
		go.disabled = !r.ok || busy || id !== null && !r.update;
		const n = r.errors.length;
		setText(status, n ? `${n}${r.has_more ? " and more" : ""} mistake${n > 1 ? "s" : ""}` : "No mistakes");
		status.className = n ? "count bad" : "count good";
		if (r.ok)
			fill(side, h("h2", {}, base ? "What changes" : "What it becomes"), base ? changeTable(r.changes ?? []) : null, preview(r));
		else
			fill(side, h("h2", {}, base ? "What changes" : "What it becomes"), h("p", { class: "faint" }, "Shown when there are no mistakes."));
	};
	async function check() {
		running?.abort();
		const mine = running = new AbortController();
		setText(status, "Checking…");
		status.className = "faint";
		try {
			const r = await compile(code.area.value, attach.files, id, mine.signal);
			if (mine.signal.aborted)
				return;
			result = r;
			showResult();
			if (isWanted)
				submit();
		} catch (e) {
			if (!mine.signal.aborted) {
				setText(status, e.message);
				status.className = "count bad";
			}
		}
	}
	const submit = async () => {
		isWanted = result === null; // it is being checked: as soon as that is done
		if (!result?.ok || busy || id && !result.update)
			return;
		busy = go.disabled = true;
		go.classList.add("working");
		try {
			if (id) {
				await rpc("UpdateVm", result.update);
				toast(`${nameOf(base)} is updated; a change of what runs takes effect at its next start`);
				store.refresh(id);
				location.hash = `#/vm/${id}`;
			} else {
				const made = await rpc("CreateVm", result.configuration);
				draft = null;
				store.refresh(made.id);
				say(`${result.name} is created`);
				location.hash = `#/vm/${made.id}`;
			}
		} catch (e) {
			problem(id ? "Update" : "Create", e);
		}
		busy = false;
		go.disabled = !result?.ok || id !== null && !result.update;
		go.classList.remove("working");
	};
	const begin = (text) => {
		code.area.value = text;
		code.show([], []);
		check();
	};
	const onKey = (e) => {
		if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
			e.preventDefault();
			submit();
		}
	};

	code.area.addEventListener("input", () => {
		code.show(shown.errors, shown.warnings);
		if (!id)
			draft = code.area.value;
		later();
	});
	go.addEventListener("click", submit);
	document.addEventListener("keydown", onKey);
	const heading = h("h1", {}, id ? "Update" : "New app");
	fill(main, h("section", { class: "page" },
		id && h("nav", { class: "crumbs", "aria-label": "Where" }, h("a", { href: "#/" }, "Fleet"), " / ", h("a", { href: `#/vm/${id}` }, id.slice(0, 8))),
		h("div", { class: "head" }, heading, status, h("span", { class: "push" }), attach.root, go),
		h("div", { class: "editor" }, h("section", { class: "card", "aria-label": "Editor" }, code.box, list),
			h("section", { class: "card side", "aria-live": "polite" }, side))));
	fill(side, h("h2", {}, id ? "What changes" : "What it becomes"));
	if (id) {
		const load = () => {
			base = store.get(id);
			if (!base)
				return;
			unsubscribe();
			unsubscribe = () => {};
			setText(heading, `Update ${nameOf(base)}`);
			const { yaml, whole } = yamlOf(base.configuration);
			if (!whole)
				toast("This app-compose.json has parts that the YAML has no keys for; they would be lost", "bad");
			begin(yaml);
		};
		unsubscribe = store.subscribe(load);
		load();
	} else {
		begin(draft ?? EXAMPLE);
	}
	return {
		title: id ? "Update" : "New app",
		focus: () => code.area.focus({ preventScroll: true }),
		leave: () => {
			clearTimeout(timer);
			running?.abort();
			unsubscribe();
			document.removeEventListener("keydown", onKey);
		},
	};
}
