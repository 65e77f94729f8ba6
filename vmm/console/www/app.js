// SPDX-License-Identifier: Apache-2.0
// app: which page is shown, the bar above it, the keys that work everywhere
import { rpc } from "/res/api.js";
import { help } from "/res/dialog.js";
import { fill, h, say, setText } from "/res/dom.js";
import { editorPage } from "/res/editor.js";
import { fleetPage } from "/res/fleet.js";
import * as store from "/res/store.js";
import { vmPage } from "/res/vm.js";

const main = document.getElementById("main");
let leave = null, pending = "", isFirst = true;

// A page is a function that fills @main and returns {title, leave}.
const routes = [
	[/^#?\/?$/, "fleet", () => fleetPage(main)],
	[/^#\/new$/, "new", () => editorPage(main, null)],
	[/^#\/vm\/([0-9a-f-]{36})$/, "fleet", (m) => vmPage(main, m[1])],
	[/^#\/vm\/([0-9a-f-]{36})\/update$/, "fleet", (m) => editorPage(main, m[1])],
];

function lost() {
	fill(main, h("section", { class: "empty" }, h("h1", {}, "No such page"),
		h("p", {}, h("a", { href: "#/" }, "Back to the fleet"))));
	return { title: "No such page" };
}

function route() {
	const hash = location.hash;
	let page = null, nav = "";
	leave?.();
	leave = null;
	for (const [pattern, name, open] of routes) {
		const m = pattern.exec(hash);
		if (m) {
			nav = name;
			page = open(m);
			break;
		}
	}
	page ??= lost();
	leave = page.leave ?? null;
	document.title = page.title ? `${page.title} · Bailey` : "Bailey";
	for (const a of document.querySelectorAll("[data-nav]")) {
		if (a.dataset.nav === nav)
			a.setAttribute("aria-current", "page");
		else
			a.removeAttribute("aria-current");
	}
	scrollTo(0, 0);
	if (page.focus)
		page.focus();
	else if (!isFirst) // after a step within the console; a page that loads begins at its top
		main.focus({ preventScroll: true });
	isFirst = false;
	say(page.title ?? "");
}

const WORDS = { live: "Live", wait: "Connecting", lost: "No connection" };

function showLink() {
	const e = document.getElementById("link");
	e.dataset.state = store.linkState();
	setText(e, WORDS[store.linkState()]);
	e.title = store.why();
}

const THEMES = ["", "light", "dark"], THEME_NAMES = { "": "system", light: "light", dark: "dark" };

function nextTheme() {
	const root = document.documentElement, now = root.dataset.theme ?? "";
	const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
	if (next)
		root.dataset.theme = next;
	else
		delete root.dataset.theme;
	try {
		localStorage.setItem("theme", next);
	} catch {
		// it holds for this page only
	}
	showTheme();
	say(`Theme: ${THEME_NAMES[next]}`);
}

function showTheme() {
	const b = document.getElementById("theme"), now = document.documentElement.dataset.theme ?? "";
	b.setAttribute("aria-label", `Theme: ${THEME_NAMES[now]}`);
	b.title = `Theme: ${THEME_NAMES[now]} (t)`;
	setText(b.firstElementChild, { "": "◐", light: "☀", dark: "☾" }[now]);
}

function onKey(e) {
	const inText = e.target.closest("input, textarea, select");
	if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]"))
		return;
	if (inText) {
		if (e.key === "Escape" && e.target.type === "search")
			e.target.blur();
		return;
	}
	const first = pending;
	pending = "";
	if (first === "g" && e.key === "f")
		location.hash = "#/";
	else if (e.key === "g")
		pending = "g";
	else if (e.key === "n")
		location.hash = "#/new";
	else if (e.key === "t")
		nextTheme();
	else if (e.key === "?")
		help();
	else if (e.key === "/" && document.querySelector("input[type=search]"))
		document.querySelector("input[type=search]").focus();
	else
		return;
	e.preventDefault();
}

async function showVersion() {
	try {
		const v = await rpc("Version");
		setText(document.getElementById("version"), `${v.rev.replace("bailey:", "Bailey ")} · speaks dstack ${v.version}`);
	} catch {
		// the bar says that there is no connection
	}
}

document.getElementById("theme").addEventListener("click", nextTheme);
document.getElementById("help").addEventListener("click", help);
document.querySelector(".skip").addEventListener("click", (e) => {
	e.preventDefault();
	main.focus();
});
document.addEventListener("keydown", onKey);
addEventListener("hashchange", route);
store.subscribe(showLink);
showTheme();
showLink();
route();
showVersion();
store.run();
