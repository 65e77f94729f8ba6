// SPDX-License-Identifier: Apache-2.0
// browser: Chromium for the console's test, and what must never happen in it
import fs from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(`${process.env.NODE_MODULES}/`)("playwright-core");

export const DEADLINE = 120000, BOOT = 300000; // ms: waits for conditions, on a machine that may be busy

export function assert(condition, ...what) {
	if (!condition)
		throw new Error(what.map((w) => typeof w === "string" ? w : JSON.stringify(w)).join(" "));
}

export async function launch() {
	const path = process.env.CHROMIUM;
	return chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
}

// A page that keeps all that a person would see in the developer's console, and each request that failed.
export async function open(browser, url, options = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: "en-GB", timezoneId: "UTC", ...options });
	const page = await context.newPage(), bad = [];
	page.setDefaultTimeout(DEADLINE);
	page.on("console", (m) => {
		if (["error", "warning", "assert"].includes(m.type()))
			bad.push(`console ${m.type()}: ${m.text()}`);
	});
	page.on("pageerror", (e) => bad.push(`page error: ${e.message}`));
	page.on("requestfailed", (r) => {
		// the console itself ends streams and checks that are of no more use
		const ours = /\/(events|logs|console\/compile)(\?|$)/.test(r.url()) && r.failure()?.errorText === "net::ERR_ABORTED";
		if (!ours)
			bad.push(`request: ${r.url()}: ${r.failure()?.errorText}`);
	});
	page.on("response", (r) => {
		if (r.status() >= 400)
			bad.push(`response: ${r.status()} ${r.url()}`);
		if (!r.url().startsWith(url) && !r.url().startsWith("data:"))
			bad.push(`from elsewhere: ${r.url()}`);
	});
	if (options.before)
		await options.before(page);
	await page.goto(url);
	return { page, context, bad };
}

export async function shot(page, name) {
	const folder = process.env.SCREENSHOTS;
	if (!folder)
		return;
	fs.mkdirSync(folder, { recursive: true });
	await page.waitForTimeout(400); // fonts and the end of motion; nothing is asserted from here
	await page.screenshot({ path: `${folder}/${name}.png` });
}
