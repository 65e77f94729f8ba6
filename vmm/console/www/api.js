// SPDX-License-Identifier: Apache-2.0
// api: calls of the daemon, and its streams

export class ApiError extends Error {
	constructor(message, status) {
		super(message);
		this.status = status;
	}
}

async function failure(reply) {
	let text = "";
	try {
		text = await reply.text();
		const value = JSON.parse(text);
		if (typeof value.error === "string")
			return new ApiError(value.error, reply.status);
	} catch {
		// not JSON: the text, or the status, has to do
	}
	if (reply.status === 401)
		text = "not signed in; load the page again";
	return new ApiError(text.trim().slice(0, 500) || `the daemon answered ${reply.status}`, reply.status);
}

async function ask(path, options) {
	let reply;
	try {
		reply = await fetch(path, { cache: "no-store", ...options });
	} catch (e) {
		if (e.name === "AbortError")
			throw e;
		throw new ApiError("the daemon cannot be reached", 0);
	}
	if (!reply.ok)
		throw await failure(reply);
	return reply;
}

function post(path, value, signal) {
	return ask(path, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify(value),
		signal,
	});
}

export async function rpc(method, params = {}, mount = "prpc") {
	return (await post(`/${mount}/${method}`, params)).json();
}

export async function compile(yaml, files, id, signal) {
	const value = { yaml, files };
	if (id)
		value.id = id;
	return (await post("/console/compile", value, signal)).json();
}

// Each line of a stream to @line, until it ends or @signal is aborted.
export async function lines(path, line, signal) {
	const reply = await ask(path, { signal });
	const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	for (;;) {
		const { value, done } = await reader.read();
		if (done)
			break;
		const parts = (rest + value).split("\n");
		rest = parts.pop().slice(-65536);
		line(parts);
	}
	if (rest)
		line([rest]);
}

export function wait(ms, signal) {
	return new Promise((done) => {
		const t = setTimeout(done, ms);
		signal?.addEventListener("abort", () => {
			clearTimeout(t);
			done();
		}, { once: true });
	});
}
