/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the JSON of an opened environment.  Properties: what is taken is allowed, sorted and there once, and each
 * line of its file leads back to its value by the rules that shells and systemd share.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "data/env_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Read one line back.  Return: what follows it. */
static const char *read_line(const char *s, const struct env_plain_item *i)
{
	const char *want = i->value;
	size_t n = strlen(i->key);

	assert(strncmp(s, i->key, n) == 0 && s[n] == '=');
	s += n + 1;
	if (*s != '"') {
		n = strlen(want);
		assert(strncmp(s, want, n) == 0 && s[n] == '\n' && !memchr(s, '$', n));
		return s + n + 1;
	}
	for (s++; *s != '"'; s++) {
		if (*s == '\\') {
			s++;
			assert(*s && strchr("\"\\`$", *s));
		} else {
			assert(*s != '$' && *s != '`');
		}
		assert(*s == *want++);
	}
	assert(!*want && s[1] == '\n');
	return s + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const allowed[] = { "A", "B", "KEY", "LD_PRELOAD" };
	auto_buf struct buf shell = BUF_MAX(ENV_PLAIN_SHELL_MAX);
	struct env_plain *v = NULL;
	struct err e = ERR_NONE;
	const char *at;
	size_t i;

	if (env_plain_parse(p, n, allowed, 4, &v, &e) < 0) {
		assert(e.code < 0 && str_starts(e.text, "the sealed environment"));
		return 0;
	}
	assert(v->n <= 3 && env_plain_shell(v, &shell) == 0);
	at = shell.p ? (const char *)shell.p : "";
	for (i = 0; i < v->n; i++) {
		assert(i == 0 || strcmp(v->items[i - 1].key, v->items[i].key) < 0);
		assert(!str_starts(v->items[i].key, "LD_"));
		at = read_line(at, &v->items[i]);
	}
	assert(!*at);
	free(env_plain_json(v));
	env_plain_free(v);
	return 0;
}
