// SPDX-License-Identifier: Apache-2.0
// logs: a VM's logs as they come; what is kept and what is in the page are bounded
import { lines, wait } from "/res/api.js";
import { fill, h, say, setText } from "/res/dom.js";

const KEPT = 5000, LINE_MAX = 4000, HEARTBEAT = "[vmm heartbeat]";
export const CHANNELS = [["serial", "Console"], ["stdout", "QEMU output"], ["stderr", "QEMU errors"], ["vsock", "vsock"]];

// The line with what was searched for marked; all of it text.
function lineOf(text, word) {
	const e = h("div", { class: "line" });
	const low = word ? text.toLowerCase() : "";
	let from = 0;
	for (let at; word && (at = low.indexOf(word, from)) >= 0; from = at + word.length)
		e.append(text.slice(from, at), h("mark", {}, text.slice(at, at + word.length)));
	e.append(text.slice(from) || (from ? "" : "\u200b"));
	return e;
}

export function logPanel(id) {
	let kept = [], waiting = [], drawing = false, paused = false, missed = 0, stop = null, word = "";
	const channel = h("select", { id: "log-channel" }, CHANNELS.map(([v, name]) => h("option", { value: v }, name)));
	const search = h("input", { type: "search", id: "log-search", placeholder: "Find", "aria-label": "Show only lines with", spellcheck: false,
		autocomplete: "off" });
	const pause = h("button", { type: "button", "aria-pressed": "false" }, "Pause");
	const wrap = h("button", { type: "button", "aria-pressed": "true" }, "Wrap");
	const down = h("button", { type: "button", class: "jump", hidden: true }, "Newest lines ↓");
	const save = h("a", { class: "button", download: "" }, "Download");
	const status = h("span", { class: "faint", role: "status" });
	const view = h("div", { class: "log", tabIndex: 0, role: "log", "aria-label": "Log lines", "aria-live": "off" });
	const root = h("section", { class: "card logs", "aria-labelledby": "log-title" },
		h("div", { class: "head" }, h("h2", { id: "log-title" }, "Log"),
			h("label", { class: "unseen", htmlFor: "log-channel" }, "Channel"), channel, status, h("span", { class: "push" }),
			search, pause, wrap, save),
		h("div", { class: "logbox" }, view, down));

	const atEnd = () => view.scrollHeight - view.scrollTop - view.clientHeight < 24;
	const toEnd = () => {
		view.scrollTop = view.scrollHeight;
		down.hidden = true;
	};
	const shows = (text) => !word || text.toLowerCase().includes(word);

	function draw() {
		drawing = false;
		const follow = atEnd(), part = document.createDocumentFragment();
		for (const text of waiting.splice(0).filter(shows).slice(-KEPT))
			part.append(lineOf(text, word));
		view.append(part);
		while (view.childElementCount > KEPT)
			view.firstElementChild.remove();
		view.classList.toggle("none", view.childElementCount === 0);
		if (follow)
			toEnd();
		else
			down.hidden = false;
	}
	function later() {
		if (!drawing && !paused) {
			drawing = true;
			requestAnimationFrame(draw);
		}
	}
	function take(got) {
		const fresh = got.filter((t) => t !== HEARTBEAT).map((t) => t.replace(/\r$/, "").slice(0, LINE_MAX));
		kept.push(...fresh);
		if (kept.length > KEPT * 1.2)
			kept = kept.slice(-KEPT);
		waiting.push(...fresh);
		if (waiting.length > KEPT)
			waiting = waiting.slice(-KEPT);
		if (paused) {
			missed += fresh.length;
			setText(status, `paused, ${missed} new`);
		}
		later();
	}
	function redraw() {
		view.replaceChildren();
		waiting = [...kept];
		down.hidden = true;
		later();
	}
	async function follow() {
		stop?.abort();
		const mine = stop = new AbortController();
		const query = `id=${encodeURIComponent(id)}&ch=${channel.value}`;
		save.href = `/logs?${query}&lines=1000000`;
		save.download = `${id.slice(0, 8)}-${channel.value}.log`;
		for (let pauseMs = 1000; !mine.signal.aborted;) {
			kept = [];
			redraw();
			setText(status, "");
			try {
				await lines(`/logs?${query}&follow=true&ansi=false&lines=${KEPT}`, take, mine.signal);
				if (!mine.signal.aborted)
					setText(status, "the log has ended");
				return;
			} catch (e) {
				if (mine.signal.aborted)
					return;
				setText(status, e.message);
				if (e.status === 404)
					return;
			}
			await wait(pauseMs, mine.signal);
			pauseMs = Math.min(pauseMs * 2, 15000);
		}
	}

	channel.addEventListener("change", follow);
	search.addEventListener("input", () => {
		word = search.value.toLowerCase();
		redraw();
	});
	pause.addEventListener("click", () => {
		paused = !paused;
		missed = 0;
		pause.setAttribute("aria-pressed", String(paused));
		setText(pause, paused ? "Continue" : "Pause");
		setText(status, paused ? "paused" : "");
		say(paused ? "Log paused" : "Log continues");
		later();
	});
	wrap.addEventListener("click", () => {
		const on = view.classList.toggle("nowrap");
		wrap.setAttribute("aria-pressed", String(!on));
	});
	view.addEventListener("scroll", () => {
		if (atEnd())
			down.hidden = true;
	});
	down.addEventListener("click", toEnd);
	fill(view);
	follow();
	return { root, leave: () => stop?.abort() };
}
