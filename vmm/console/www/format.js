// SPDX-License-Identifier: Apache-2.0
// format: what people read of a VM

const UNITS = { y: 31557600, mo: 2630016, d: 86400, h: 3600, m: 60, s: 1 };

// "1day 2h 3m 4s" of the daemon, in seconds; null: never.
export function seconds(text) {
	let sum = null;
	for (const [, n, unit] of String(text ?? "").matchAll(/(\d+)\s*(y|mo|d|h|m|s)/g))
		sum = (sum ?? 0) + Number(n) * UNITS[unit];
	return sum;
}

export function duration(s) {
	if (s === null || s === undefined)
		return "";
	s = Math.max(0, Math.floor(s));
	const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
	if (d)
		return `${d}d ${h}h`;
	if (h)
		return `${h}h ${m}m`;
	return m ? `${m}m ${s % 60}s` : `${s}s`;
}

export function memory(mib) {
	return mib >= 1024 && mib % 1024 === 0 ? `${mib / 1024} GiB` : `${mib} MiB`;
}

// A guest that no gateway took in reports it, and goes on.
export function lacksRoute(vm) {
	return vm.boot_error?.startsWith("dstack-gateway registration failed");
}

// As vm_state() of the command line has it: [word, kind].
export function state(vm) {
	const step = vm.boot_progress;
	if (vm.restart_gave_up && vm.status !== "running")
		return ["gave up", "bad"];
	if (vm.restart_at_ms && vm.status !== "running")
		return ["waiting", "busy"];
	if (vm.status === "stopped")
		return ["stopped", "off"];
	if (vm.status === "exited")
		return ["exited", "bad"];
	if (vm.status !== "running")
		return [vm.status, "busy"];
	if (vm.boot_error && !lacksRoute(vm))
		return ["failed", "bad"];
	if (step === "done")
		return ["up", lacksRoute(vm) ? "busy" : "good"];
	if (step === "running" || step === "N/A")
		return ["running", "good"];
	return ["booting", "busy"];
}

export function tee(c) {
	if (c?.simulated_tee)
		return { name: "simulated", warning: "TDX is imitated: not confidential" };
	if (c?.no_tee)
		return { name: "none", warning: "No TEE: not confidential" };
	return { name: "TDX", warning: "" };
}

export function portText(p) {
	const host = p.host_address.includes(":") ? `[${p.host_address}]` : p.host_address;
	return `${host}:${p.host_port} → ${p.vm_port}${p.protocol === "udp" ? " udp" : ""}`;
}

// The address of a port in a browser; null if it is no page.
export function portUrl(p) {
	if (p.protocol === "udp")
		return null;
	const any = { "0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1" };
	const host = any[p.host_address] ?? (p.host_address.includes(":") ? `[${p.host_address}]` : p.host_address);
	return `${p.vm_port === 443 || p.vm_port === 8443 ? "https" : "http"}://${host}:${p.host_port}/`;
}

export function time(ms) {
	const d = new Date(ms), two = (n) => String(n).padStart(2, "0");
	return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

export function date(ms) {
	const d = new Date(ms), two = (n) => String(n).padStart(2, "0");
	return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time(ms)}`;
}

export function nameOf(vm) {
	return vm.name || vm.id.slice(0, 8);
}
