// SPDX-License-Identifier: Apache-2.0
// dialog: questions, and messages that go away
import { h, say } from "/res/dom.js";

function show(dialog) {
	const from = document.activeElement;
	document.body.append(dialog);
	dialog.addEventListener("close", () => {
		dialog.remove();
		if (from?.isConnected)
			from.focus();
	});
	dialog.addEventListener("click", (e) => {
		if (e.target === dialog)
			dialog.close();
	});
	dialog.showModal();
	return dialog;
}

// Resolves to whether it was confirmed.  Esc is no.
export function confirm({ title, text, action, danger }) {
	return new Promise((answer) => {
		let yes = false;
		const d = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title", "aria-describedby": "dialog-text" },
			h("h2", { id: "dialog-title" }, title),
			h("div", { id: "dialog-text" }, [text].flat().map((t) => h("p", {}, t))),
			h("div", { class: "buttons" },
				h("button", { type: "button", onclick: () => d.close(), autofocus: danger }, "Cancel"),
				h("button", {
					type: "button", class: danger ? "danger" : "primary", autofocus: !danger,
					onclick: () => {
						yes = true;
						d.close();
					},
				}, action)));
		d.addEventListener("close", () => answer(yes));
		show(d);
	});
}

export function help() {
	const keys = [["?", "These shortcuts"], ["g f", "The fleet"], ["n", "A new app"], ["/", "Search the fleet or the log"],
		["↑ ↓", "From row to row in the fleet"], ["Enter", "Open the VM of the row"], ["Ctrl Enter", "Create or update, in the editor"],
		["t", "Light, dark, or as the system has it"], ["Esc", "Close a dialog; leave the search"]];
	const d = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title" },
		h("h2", { id: "dialog-title" }, "Keyboard shortcuts"),
		h("dl", { class: "keys" }, keys.map(([k, what]) => h("div", {},
			h("dt", {}, k.split(" ").map((x) => h("kbd", {}, x))), h("dd", {}, what)))),
		h("div", { class: "buttons" }, h("button", { type: "button", autofocus: true, onclick: () => d.close() }, "Close")));
	show(d);
}

export function toast(text, kind = "info") {
	const t = h("div", { class: `toast ${kind}` }, h("p", {}, text),
		h("button", { type: "button", class: "ghost icon", "aria-label": "Dismiss", onclick: () => t.remove() }, "×"));
	const box = document.getElementById("toasts");
	while (box.children.length >= 4)
		box.firstElementChild.remove();
	box.append(t);
	if (kind !== "bad")
		setTimeout(() => t.remove(), 6000);
}

export function problem(what, e) {
	toast(`${what}: ${e.message}`, "bad");
}

export async function copy(text, what) {
	try {
		await navigator.clipboard.writeText(text);
		say(`${what} copied`);
		toast(`${what} copied`);
	} catch {
		toast("The browser did not allow copying", "bad");
	}
}
