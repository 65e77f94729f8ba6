// SPDX-License-Identifier: Apache-2.0
// fakes: answers that a daemon could give, for what a test cannot boot: many VMs, and a hostile guest

export const HOSTILE = "<img src=x onerror=\"window.pwned=1\">";

const ID = (n) => `3f2504e0-4f89-41d3-9a0c-${String(n).padStart(12, "0")}`;
const HEX = (n, seed) => Array.from({ length: n }, (_, i) => "0123456789abcdef"[(i * 7 + seed * 11 + (i * i) % 5) % 16]).join("");

function vm(n, more = {}, config = {}) {
	const compose = { manifest_version: 2, name: more.name ?? `vm-${n}`, runner: "docker-compose", docker_compose_file: "services: {}\n" };
	return {
		exit_reason: "", restart_attempts: 0, restart_gave_up: false, restart_at_ms: 0, is_outdated: false,
		id: ID(n), name: `vm-${n}`, status: "running", uptime: "3h 12m 9s", app_url: null, app_id: HEX(40, n), instance_id: HEX(40, n + 3),
		exited_at: "never", boot_progress: "done", boot_error: "", shutdown_progress: "", image_version: "0.6.0", events: [],
		interfaces: [{ mode: "user", backend: "slirp", mac: "02:16:36:2f:56:63", bridge_name: null, netdev_id: "net0" }],
		configuration: { name: `vm-${n}`, image: "dstack-0.6.0", compose_file: JSON.stringify(compose), vcpu: 2, memory: 4096, disk_size: 20,
			ports: [], encrypted_env: "", app_id: HEX(40, n), user_config: "", hugepages: false, pin_numa: false,
			gpus: { gpus: [], attach_mode: "listed" }, kms_urls: [], gateway_urls: [], stopped: false, no_tee: false, networking: null,
			networks: [], simulated_tee: null, ...config },
		...more,
	};
}

const port = (host, guest, protocol = "tcp") => ({ protocol, host_address: "127.0.0.1", host_port: host, vm_port: guest });

const FLEETS = {
	full: [
		vm(1, { name: "payments-api", uptime: "12days 4h 2m 51s" }, { vcpu: 8, memory: 16384, ports: [port(18443, 443), port(18090, 8090)] }),
		vm(2, { name: "key-broker", uptime: "12days 4h 1m 8s" }, { ports: [port(18444, 8443)] }),
		vm(3, { name: "inference-7b", uptime: "41s", boot_progress: "pulling images" }, { vcpu: 16, memory: 65536, ports: [port(18080, 8080)] }),
		vm(4, { name: "ledger-indexer", uptime: "2days 7h 30m 1s" }, { vcpu: 4, memory: 8192, ports: [port(15432, 5432)] }),
		vm(5, { name: "notary", status: "exited", uptime: "never", restart_gave_up: true, restart_attempts: 5, exit_reason: "panic",
			boot_progress: "" }, { ports: [port(17047, 7047)] }),
		vm(6, { name: "hello", uptime: "1h 2m 3s" }, { image: "bailey-0.1.0", vcpu: 1, memory: 512, no_tee: true, ports: [port(18081, 8080)] }),
		vm(7, { name: "staging-web", uptime: "26m 12s", is_outdated: true }, { image: "bailey-0.1.0", memory: 1024, no_tee: true, simulated_tee: "dstack-tdx" }),
		vm(8, { name: "reports-nightly", status: "stopped", uptime: "never", boot_progress: "" }),
		vm(9, { name: "oracle-feed", uptime: "5m 2s", boot_error: "request app keys: the key provider refused the quote" }),
	],
	hostile: [vm(1, { name: HOSTILE, boot_progress: HOSTILE, app_url: "javascript:window.pwned=1", instance_id: HOSTILE, image_version: HOSTILE,
		boot_error: HOSTILE, exit_reason: HOSTILE, shutdown_progress: HOSTILE },
		{ name: HOSTILE, image: HOSTILE, compose_file: JSON.stringify({ name: HOSTILE, [HOSTILE]: HOSTILE }), user_config: HOSTILE,
			ports: [{ protocol: HOSTILE, host_address: HOSTILE, host_port: 1, vm_port: 2 }] })],
};

export async function fakeFleet(page, which) {
	const vms = FLEETS[which];
	const log = which === "hostile" ? `${HOSTILE}\n\u001b]0;x\u0007 <script>window.pwned=1</script>\n`.repeat(20)
		: Array.from({ length: 12000 }, (_, i) => `[${i}] a line of a log that has very many of them`).join("\n");
	const events = [...Array(20).keys()].map((i) => ({ seq: i + 1, timestamp: 1700000000000 + i * 900, generation: 1,
		event: i % 3 ? "boot.progress" : HOSTILE, body: HOSTILE }));
	await page.route("**/prpc/Status", (r) => r.fulfill({ json: { vms, port_mapping_enabled: true, total: vms.length } }));
	await page.route("**/prpc/GetComposeHash", (r) => r.fulfill({ json: { hash: HEX(64, 1) } }));
	await page.route("**/logs?*", (r) => r.fulfill({ contentType: "text/plain; charset=utf-8", body: log }));
	await page.route("**/events?id=*", (r) => r.fulfill({ contentType: "application/x-ndjson",
		body: which === "hostile" ? events.map((e) => JSON.stringify(e)).join("\n") : "" }));
}
