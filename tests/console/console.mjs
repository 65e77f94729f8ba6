// SPDX-License-Identifier: Apache-2.0
// console: the web console as a person uses it, in Chromium, on a real daemon with a real guest
import { audit, focusShown } from "./access.mjs";
import { assert, BOOT, launch, open, shot } from "./browser.mjs";
import { fakeFleet, HOSTILE } from "./fakes.mjs";

const port = Number(process.env.APP_PORT);
const SAID = process.env.SCREENSHOTS ? "this" : HOSTILE; // the pictures are to show an app as people have
const GOOD = `name: web-1
tee: none
resources: { cpus: 1, memory: 512M, disk: 1G }
ports:
  - { host: "127.0.0.1:${port}", guest: 8080 }
app:
  runner: bash
  script: |
    echo '${SAID} is only text' > /dev/console
    mkdir -p /tmp/www
    echo "hello from the console" > /tmp/www/index.html
    exec busybox httpd -f -p 8080 -h /tmp/www
`;
const WRONG = GOOD.replace("memory: 512M", "memory: 512MB").replace("runner: bash", "runer: bash");

const url = process.env.URL;
const browser = await launch();

const text = (page, selector) => page.locator(selector).first().textContent();

async function write(page, yaml) {
	await page.locator("#yaml").fill(yaml);
}

async function checkAccess(page, what) {
	const found = await page.evaluate(audit);
	assert(found.length === 0, what, found);
}

async function inBothThemes(page, what, fn) {
	for (const theme of ["light", "dark"]) {
		await page.emulateMedia({ colorScheme: theme });
		await fn(theme);
		await checkAccess(page, `${what}, ${theme}:`);
	}
	await page.emulateMedia({ colorScheme: "light" });
}

// Create with a mistake and without, boot, read the log, stop, remove.
async function testAppFromYamlToRemoval() {
	const { page, context, bad } = await open(browser, url);
	await page.getByText("No VMs yet").waitFor();
	await checkAccess(page, "empty fleet:");
	await page.getByRole("link", { name: "Create the first one" }).click();
	await page.locator("#yaml").waitFor();

	await write(page, WRONG);
	await page.locator(".marks .row.bad").nth(1).waitFor();
	const rows = await page.locator(".marks .row.bad .num").allTextContents();
	assert(rows.join() === "3,7", "mistakes are marked at their lines", rows);
	assert((await text(page, ".marks .row.bad .lens")).includes("\"512MB\" is not a size; write 512M"), "with what is wrong");
	assert(await page.getByRole("button", { name: "Create" }).isDisabled(), "nothing to create yet");
	await inBothThemes(page, "create", (theme) => shot(page, `console-create-${theme}`));
	await page.locator(".problems button").first().click();
	assert(await page.locator("#yaml").evaluate((e) => e === document.activeElement), "a mistake leads to its line");

	await write(page, GOOD);
	const create = page.getByRole("button", { name: "Create" });
	await page.locator(".count.good").waitFor();
	assert((await text(page, ".side")).includes("No TEE: not confidential"), "the side says what it becomes");
	await create.click();
	await page.getByRole("heading", { name: "web-1" }).waitFor();
	await page.locator(".head .badge.good", { hasText: "up" }).waitFor({ timeout: BOOT });
	const steps = await page.locator(".steps .what").allTextContents();
	assert(steps.includes("done") && steps.length > 3, "the steps of the boot are shown", steps);
	await page.locator(".log .line", { hasText: "is only text" }).waitFor();
	assert((await page.locator(".log .line", { hasText: "is only text" }).first().textContent()).includes(SAID), "as it was written");
	await inBothThemes(page, "vm", (theme) => shot(page, `console-vm-${theme}`));

	await page.locator("#log-search").fill("ONLY TEXT");
	await page.waitForFunction(() => document.querySelectorAll(".log .line").length === 1);
	assert((await text(page, ".log mark")) === "only text", "what was searched is marked");
	await page.locator("#log-search").fill("");
	await page.getByRole("button", { name: "Pause" }).click();
	assert(await page.getByRole("button", { name: "Continue" }).getAttribute("aria-pressed") === "true", "paused");
	await page.getByRole("button", { name: "Continue" }).click();
	await page.locator("#log-channel").selectOption("stdout");
	await page.locator("#log-channel").selectOption("serial");
	await page.locator(".log .line", { hasText: "is only text" }).waitFor();
	await page.locator("summary", { hasText: "Events" }).click();
	await page.locator(".events li", { hasText: "boot.progress" }).first().waitFor();
	await page.locator("summary", { hasText: "app-compose.json" }).click();
	await page.locator(".source", { hasText: "bash_script" }).waitFor();
	assert(/^[0-9a-f]{64}$/.test(await page.locator(".facts code").last().textContent()), "the compose hash is shown");
	await checkAccess(page, "vm, all open:");

	await page.getByRole("link", { name: "Update", exact: true }).click();
	await page.getByText("Nothing changes.").waitFor();
	await write(page, (await page.locator("#yaml").inputValue()).replace("cpus: 1", "cpus: 2"));
	await page.locator(".changes tbody tr", { hasText: "cpus" }).waitFor();
	assert(await page.locator(".changes tbody tr").count() === 1, "one thing changes, and no other");
	await page.getByRole("button", { name: "Update" }).click();
	await page.locator(".facts div", { hasText: /^CPUs2$/ }).waitFor();
	await page.getByText("It runs with what it was before its last update").waitFor();
	await checkAccess(page, "outdated vm:");
	await page.locator(".log .line", { hasText: "is only text" }).waitFor();

	await page.getByRole("button", { name: "Stop" }).click();
	await page.locator(".head .badge.off", { hasText: "stopped" }).waitFor({ timeout: BOOT });
	await page.getByRole("button", { name: "Remove" }).click();
	await page.getByRole("dialog", { name: "Remove web-1?" }).waitFor();
	await checkAccess(page, "remove:");
	await page.keyboard.press("Escape");
	await page.locator("dialog").waitFor({ state: "detached" });
	assert(await page.locator(".head .badge.off").count() === 1, "Esc is no");
	await page.getByRole("button", { name: "Remove" }).click();
	await page.getByRole("button", { name: "Remove web-1" }).click();
	await page.getByText("No VMs yet").waitFor();
	assert(bad.length === 0, bad);
	await context.close();
}

// The same without a mouse, as far as a stopped VM goes.
async function testByKeyboardAlone() {
	const { page, context, bad } = await open(browser, url);
	const press = async (...keys) => {
		for (const k of keys) {
			await page.keyboard.press(k);
			assert(await page.evaluate(focusShown), `the focus is seen after ${k}`,
				await page.evaluate(() => document.activeElement.outerHTML.slice(0, 200)));
		}
	};
	const focused = () => page.evaluate(() => (document.activeElement.getAttribute("aria-label") || document.activeElement.textContent).trim());
	await page.getByText("No VMs yet").waitFor();
	await page.evaluate(() => document.activeElement.blur());
	const order = [];
	for (let i = 0; i < 8; i++) {
		await press("Tab");
		order.push(await focused());
	}
	assert(order[0] === "Skip to content" && order[1] === "Bailey, the fleet" && order.includes("New app"), "the order of the focus", order);
	await page.evaluate(() => document.activeElement.blur());
	await press("?");
	await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
	await checkAccess(page, "shortcuts:");
	await press("Escape", "t");
	assert(await page.evaluate(() => document.documentElement.dataset.theme) === "light", "t: light");
	await press("t", "t", "n");
	await page.locator("#yaml:focus").waitFor();
	await page.keyboard.press("Control+a");
	await page.keyboard.insertText("name: keys\ntee: none\nresources: { cpus: 1, memory: 512M, disk: 1G }\n");
	await page.locator(".count.good").waitFor();
	await press("Control+Enter");
	await page.getByRole("heading", { name: "keys" }).waitFor();
	await page.getByRole("button", { name: "Kill" }).waitFor();
	await page.evaluate(() => document.activeElement.blur());
	await press("g", "f");
	await page.locator("td.name a").waitFor();
	await press("ArrowDown");
	assert(await focused() === "keys", "an arrow leads to the row");
	await press("Enter");
	await page.getByRole("button", { name: "Remove" }).waitFor();
	await page.locator(".log .line").first().waitFor();
	for (let i = 0; i < 40 && await focused() !== "Remove"; i++)
		await press("Tab");
	await press("Enter");
	await page.getByRole("dialog").waitFor();
	assert(await focused() === "Cancel", "the harmless answer has the focus");
	await press("Tab", "Enter");
	await page.getByText("No VMs yet").waitFor();
	assert(bad.length === 0, bad);
	await context.close();
}

// Whatever a guest or an operator of another host names, says or logs: it stays text.
async function testHostileTextStaysText() {
	const { page, context, bad } = await open(browser, url, { before: (p) => fakeFleet(p, "hostile") });
	await page.locator("tbody tr").first().waitFor();
	const clean = async (what) => {
		assert(await page.evaluate(() => window.pwned === undefined), `${what}: no script ran`);
		assert(await page.locator("main img, main script, main iframe, main a[href^='javascript']").count() === 0, `${what}: no element was made`);
	};
	await clean("fleet");
	assert((await text(page, "td.name a")) === HOSTILE, "the name is shown as it is");
	await page.locator("td.name a").first().click();
	await page.locator(".log .line", { hasText: "onerror" }).first().waitFor();
	await page.locator("#log-search").fill("<img");
	await page.locator(".log mark").first().waitFor();
	await page.locator("summary", { hasText: "Events" }).click();
	await page.locator(".events li").first().waitFor();
	await clean("vm");
	await page.getByRole("button", { name: "Remove" }).click();
	await page.getByRole("dialog").waitFor();
	await clean("dialog");
	await page.keyboard.press("Escape");
	await page.getByRole("link", { name: "Update", exact: true }).click();
	await page.locator("#yaml").waitFor();
	await clean("update");
	assert(bad.length === 0, bad);
	await context.close();
}

// A full fleet, wide and narrow, light and dark; a flood of log lines leaves the page bounded.
async function testFullFleet() {
	const { page, context, bad } = await open(browser, url, { before: (p) => fakeFleet(p, "full") });
	await page.locator("tbody tr").nth(5).waitFor();
	await inBothThemes(page, "fleet", (theme) => shot(page, `console-fleet-${theme}`));
	await page.keyboard.press("/");
	await page.keyboard.type("gave");
	await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
	await page.keyboard.press("Escape");
	await page.locator("#search").fill("");
	await page.setViewportSize({ width: 380, height: 800 });
	await inBothThemes(page, "narrow fleet", () => {});
	await page.locator("td.name a").first().click();
	await page.waitForFunction(() => document.querySelectorAll(".log .line").length > 1000);
	assert(await page.locator(".log .line").count() <= 5000, "the log in the page is bounded");
	await inBothThemes(page, "narrow vm", () => {});
	await page.goto(`${url}#/new`);
	await page.locator("#yaml").waitFor();
	await inBothThemes(page, "narrow create", () => {});
	assert(bad.length === 0, bad);
	await context.close();
}

// A refused call is told with the daemon's words.
async function testErrorsAreTold() {
	const { page, context } = await open(browser, url, {
		before: (p) => p.route("**/prpc/CreateVm", (r) => r.fulfill({ status: 400, contentType: "application/json",
			body: JSON.stringify({ error: `the disk is full ${HOSTILE}` }) })),
	});
	await page.goto(`${url}#/new`);
	await write(page, GOOD);
	await page.locator(".count.good").waitFor();
	await page.getByRole("button", { name: "Create" }).click();
	await page.locator(".toast.bad", { hasText: `Create: the disk is full ${HOSTILE}` }).waitFor();
	await checkAccess(page, "toast:");
	assert((await page.locator("#yaml").inputValue()) === GOOD, "what was written is still there");
	await context.close();
}

let failed = 0;
for (const test of [testHostileTextStaysText, testFullFleet, testErrorsAreTold, testByKeyboardAlone, testAppFromYamlToRemoval]) {
	const begun = Date.now();
	try {
		await test();
		console.log(`ok   ${test.name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
	} catch (e) {
		failed++;
		console.log(`FAIL ${test.name}: ${e.stack}`);
		for (const c of browser.contexts()) {
			if (process.env.FAILURE_SHOT)
				await c.pages()[0]?.screenshot({ path: process.env.FAILURE_SHOT });
			await c.close();
		}
	}
}
await browser.close();
process.exit(failed ? 1 : 0);
