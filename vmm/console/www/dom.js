// SPDX-License-Identifier: Apache-2.0
// dom: elements out of values; text is always text, never markup

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "htmlFor", "textContent", "className",
	"tabIndex", "type", "id", "spellcheck", "title", "open", "multiple"]);

// h("a", {href: "#/", onclick: f, class: "x"}, "text", child, [more])
export function h(tag, props = {}, ...children) {
	const e = document.createElement(tag);
	for (const [key, value] of Object.entries(props ?? {})) {
		if (value === undefined || value === null || value === false && !PROPERTIES.has(key))
			continue;
		if (key.startsWith("on"))
			e.addEventListener(key.slice(2), value);
		else if (key === "class")
			e.className = value;
		else if (key === "data")
			Object.assign(e.dataset, value);
		else if (PROPERTIES.has(key))
			e[key] = value;
		else
			e.setAttribute(key, value === true ? "" : String(value));
	}
	add(e, children);
	return e;
}

function add(e, children) {
	for (const c of children.flat(Infinity)) {
		if (c !== null && c !== undefined && c !== false)
			e.append(c instanceof Node ? c : document.createTextNode(String(c)));
	}
}

export function fill(e, ...children) {
	e.replaceChildren();
	add(e, children);
	return e;
}

// Only what a guest cannot make into a script: http(s) addresses.
export function safeUrl(text) {
	try {
		const u = new URL(text);
		return u.protocol === "https:" || u.protocol === "http:" ? u.href : null;
	} catch {
		return null;
	}
}

// Set the text only where it differs, so that a screen reader is told of changes only.
export function setText(e, text) {
	if (e.textContent !== String(text))
		e.textContent = text;
}

// Make the children of @parent those of @items: nodes are kept by key, so that focus and selection stay.
export function reconcile(parent, items, keyOf, make, update) {
	const old = new Map([...parent.children].map((c) => [c.dataset.key, c]));
	let at = null;
	for (const item of items) {
		const key = String(keyOf(item));
		let e = old.get(key);
		old.delete(key);
		if (!e) {
			e = make(item);
			e.dataset.key = key;
		}
		update(e, item);
		const next = at ? at.nextElementSibling : parent.firstElementChild;
		if (next !== e)
			parent.insertBefore(e, next);
		at = e;
	}
	for (const e of old.values())
		e.remove();
}

let spoken = null;

// To a screen reader.
export function say(text) {
	clearTimeout(spoken);
	spoken = setTimeout(() => setText(document.getElementById("say"), text), 50);
}
