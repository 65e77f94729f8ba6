// SPDX-License-Identifier: Apache-2.0
// update: a VM's configuration as the YAML that makes it, and the difference of two
import { portText } from "/res/format.js";

const GIB = 1024;

function quoted(text) {
	return JSON.stringify(text);
}

function plain(text) {
	return /^[A-Za-z][A-Za-z0-9._-]*$/.test(text) && !/^(null|true|false|yes|no|on|off|y|n)$/i.test(text) ? text : quoted(text);
}

// A text of many lines under @key, as YAML keeps it byte for byte.
function text(indent, key, value) {
	const pad = " ".repeat(indent + 2);
	const fits = /\n/.test(value) && !/[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\t]/.test(value) && !/^[\s]/.test(value);
	if (!fits)
		return `${" ".repeat(indent)}${key}: ${quoted(value)}\n`;
	const chomp = !value.endsWith("\n") ? "-" : /\n\n$/.test(value) ? "+" : "";
	const body = value.replace(/\n$/, "").split("\n").map((l) => l ? pad + l : "").join("\n");
	return `${" ".repeat(indent)}${key}: |${chomp}\n${body}\n`;
}

const SIMPLE = [["key_provider", "key_provider", "none"], ["key_provider_id", "key_provider_id", ""], ["storage_fs", "storage_fs", ""],
	["gateway_enabled", "gateway", false], ["secure_time", "secure_time", false], ["swap_size", "swap", 0], ["event_log_version", "event_log_version", 1]];
const PUBLIC = [["public_logs", "logs", false], ["public_sysinfo", "sysinfo", false], ["public_tcbinfo", "tcbinfo", true]];
const KNOWN = new Set(["manifest_version", "name", "runner", "bash_script", "docker_compose_file", "pre_launch_script", "init_script", "kms_enabled",
	"local_key_provider_enabled", "allowed_envs", "no_instance_id", ...SIMPLE.map((s) => s[0]), ...PUBLIC.map((s) => s[0])]);

function parse(compose) {
	try {
		return JSON.parse(compose) ?? {};
	} catch {
		return {};
	}
}

// {yaml, whole}: whole is false where the document has what the YAML cannot say.
export function yamlOf(c) {
	const a = parse(c.compose_file);
	let y = `name: ${plain(c.name)}\nimage: ${plain(c.image)}\n`;
	y += `tee: ${c.simulated_tee ? "simulated" : c.no_tee ? "none" : "tdx"}\n`;
	y += `resources: { cpus: ${c.vcpu}, memory: ${c.memory % GIB ? `${c.memory}M` : `${c.memory / GIB}G`}, disk: ${c.disk_size}G }\n`;
	if (c.ports?.length) {
		y += "ports:\n";
		for (const p of c.ports) {
			const host = p.host_address.includes(":") ? `[${p.host_address}]` : p.host_address;
			y += `  - { host: ${quoted(`${host}:${p.host_port}`)}, guest: ${p.vm_port}${p.protocol === "udp" ? ", protocol: udp" : ""} }\n`;
		}
	}
	y += `app:\n  runner: ${plain(a.runner ?? "none")}\n`;
	for (const [from, key] of [["bash_script", "script"], ["docker_compose_file", "docker_compose"], ["pre_launch_script", "pre_launch"]]) {
		if (a[from])
			y += text(2, key, a[from]);
	}
	const init = [a.init_script ?? []].flat();
	if (init.length)
		y += `  init_scripts:\n${init.map((s) => `    - script: ${quoted(s)}\n`).join("")}`;
	for (const [from, key, otherwise] of SIMPLE) {
		if (a[from] !== undefined && a[from] !== otherwise)
			y += `${key}: ${typeof a[from] === "string" ? plain(a[from]) : a[from]}\n`;
	}
	const shown = PUBLIC.filter(([from, , otherwise]) => a[from] !== undefined && a[from] !== otherwise);
	if (shown.length)
		y += `public:\n${shown.map(([from, key]) => `  ${key}: ${a[from]}\n`).join("")}`;
	if (a.allowed_envs?.length)
		y += `env: [ ${a.allowed_envs.join(", ")} ]\n`;
	if (a.no_instance_id)
		y += "instance_id: false\n";
	for (const key of ["kms_urls", "gateway_urls"]) {
		if (c[key]?.length)
			y += `${key}: [ ${c[key].map(quoted).join(", ")} ]\n`;
	}
	if (c.user_config)
		y += text(0, "user_config", c.user_config);
	return { yaml: y, whole: Object.keys(a).every((k) => KNOWN.has(k)) };
}

const FIELDS = [["image", "Image"], ["vcpu", "CPUs"], ["memory", "Memory, MiB"], ["disk_size", "Disk, GiB"], ["user_config", "User config"],
	["no_tee", "No TEE"], ["simulated_tee", "Simulated TEE"], ["ports", "Ports"], ["kms_urls", "Key services"], ["gateway_urls", "Gateways"]];

function shown(v) {
	if (v === undefined || v === null || v === "" || Array.isArray(v) && v.length === 0)
		return "";
	if (Array.isArray(v) && v[0]?.vm_port)
		return v.map(portText).join("\n");
	return typeof v === "string" ? v : JSON.stringify(v, null, 1);
}

// [{what, before, after}]
export function changes(before, after) {
	const list = [];
	for (const [key, what] of FIELDS) {
		const a = shown(before[key]), b = shown(after[key]);
		if (a !== b)
			list.push({ what, before: a, after: b });
	}
	const a = parse(before.compose_file), b = parse(after.compose_file);
	for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
		if (shown(a[key]) !== shown(b[key]))
			list.push({ what: key, before: shown(a[key]), after: shown(b[key]) });
	}
	return list;
}

// Only what differs: what is absent stays as it is.
export function updateRequest(id, before, after) {
	const r = { id };
	const differs = (key) => shown(before[key]) !== shown(after[key]);
	if (differs("compose_file"))
		r.compose_file = after.compose_file;
	for (const key of ["vcpu", "memory", "disk_size", "image", "user_config", "no_tee"]) {
		if (differs(key))
			r[key] = after[key];
	}
	for (const key of ["ports", "kms_urls", "gateway_urls"]) {
		if (differs(key)) {
			r[`update_${key}`] = true;
			r[key] = after[key];
		}
	}
	return r;
}
