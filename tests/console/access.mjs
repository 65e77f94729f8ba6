// SPDX-License-Identifier: Apache-2.0
// access: what a page must have for people who do not see it, or not well; runs in the page

export function audit() {
	const found = [];
	const name = (e) => (e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || e.title || "").trim();
	const visible = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
	const where = (e) => `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : ""}.${[...e.classList].join(".")} "${e.textContent.trim().slice(0, 30)}"`;

	for (const e of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")) {
		if (visible(e) && !name(e))
			found.push(`has no name: ${where(e)}`);
	}
	for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
		for (const key of ["aria-labelledby", "aria-describedby"]) {
			for (const id of (e.getAttribute(key) ?? "").split(/\s+/).filter(Boolean)) {
				if (!document.getElementById(id))
					found.push(`${key} of ${where(e)} names no element: ${id}`);
			}
		}
	}
	const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
	for (const id of ids.filter((x, i) => ids.indexOf(x) !== i))
		found.push(`id given twice: ${id}`);
	if (document.querySelectorAll("h1").length !== 1)
		found.push(`${document.querySelectorAll("h1").length} headings of level 1`);
	if (!document.documentElement.lang)
		found.push("the document has no language");
	if (document.documentElement.scrollWidth > innerWidth + 1)
		found.push(`wider than the window: ${document.documentElement.scrollWidth} > ${innerWidth}`);

	// contrast: WCAG 2.1, 1.4.3
	const parse = (c) => {
		const m = /rgba?\(([\d.]+)[, ]+([\d.]+)[, ]+([\d.]+)(?:[,/ ]+([\d.]+))?\)/.exec(c);
		return m ? [Number(m[1]), Number(m[2]), Number(m[3]), m[4] === undefined ? 1 : Number(m[4])] : [0, 0, 0, 0];
	};
	const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
	const light = ([r, g, b]) => {
		const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * x + 0.7152 * y + 0.0722 * z;
	};
	const ground = (e) => {
		const layers = [];
		for (let at = e; at; at = at.parentElement)
			layers.push(parse(getComputedStyle(at).backgroundColor));
		return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
	};
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	const seen = new Set();
	for (let t = walker.nextNode(); t; t = walker.nextNode()) {
		const e = t.parentElement;
		if (!t.textContent.trim() || seen.has(e) || !visible(e) || e.closest(".unseen, :disabled, .skip, .ghosttext, option"))
			continue;
		seen.add(e);
		const g = ground(e), s = getComputedStyle(e), c = over(parse(s.color), g);
		const [a, b] = [light(c), light(g)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
		const big = parseFloat(s.fontSize) >= 24 || parseFloat(s.fontSize) >= 18.66 && Number(s.fontWeight) >= 700;
		if (ratio < (big ? 3 : 4.5))
			found.push(`contrast ${ratio.toFixed(2)}: ${where(e)} ${s.color} on rgb(${g.slice(0, 3).map(Math.round)})`);
	}
	return found;
}

// Does the element with the focus show that it has it?
export function focusShown() {
	const e = document.activeElement;
	if (!e || e === document.body || e.id === "main")
		return true;
	const s = getComputedStyle(e), box = getComputedStyle(e.parentElement);
	return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 || s.boxShadow !== "none" || box.boxShadow !== "none" ||
		getComputedStyle(e.parentElement, "::after").boxShadow !== "none" || box.outlineStyle !== "none";
}
