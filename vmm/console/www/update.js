// SPDX-License-Identifier: Apache-2.0
// update: a VM's configuration as the YAML that makes it

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
	["gateway_enabled", "gateway", false], ["secure_time", "secure_time", false], ["swap_size", "swap", 0], ["ready_port", "ready_port", 0],
	["event_log_version", "event_log_version", 1]];
const PUBLIC = [["public_logs", "logs", false], ["public_sysinfo", "sysinfo", false], ["public_tcbinfo", "tcbinfo", true]];
const KNOWN = new Set(["manifest_version", "name", "runner", "bash_script", "docker_compose_file", "pre_launch_script", "init_script", "kms_enabled",
	"local_key_provider_enabled", "allowed_envs", "no_instance_id", "port_policy", ...SIMPLE.map((s) => s[0]), ...PUBLIC.map((s) => s[0])]);

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
	if (a.port_policy) {
		const rules = (a.port_policy.ports ?? []).map((p) => `    - { port: ${p.port}, pp: ${p.pp === true} }\n`);
		y += `port_policy:\n  restrict_mode: ${a.port_policy.restrict_mode === true}\n`;
		y += rules.length ? `  ports:\n${rules.join("")}` : "";
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
	const g = c.gateway_service;
	if (g)
		y += `gateway_service: { domain: ${quoted(g.domain)}, port: ${g.port}, url: ${quoted(g.url)}${g.admin ? `, admin: ${quoted(g.admin)}` : ""} }\n`;
	if (c.user_config)
		y += text(0, "user_config", c.user_config);
	return { yaml: y, whole: Object.keys(a).every((k) => KNOWN.has(k)) };
}
