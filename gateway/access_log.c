/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/access_log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"

bool access_log_wants(struct access_log *l, enum gw_end end)
{
	uint32_t *n = end == GW_END_DONE ? &l->n_good : &l->n_bad;

	if (l->fd < 0)
		return false;
	return (*n)++ % l->sample == 0;
}

static const char *text(const char *s)
{
	return s ? s : "";
}

/* Hosts and ids are of characters that JSON needs no escape for: the parsers let no other through. */
size_t access_log_line(const struct access_entry *a, char ret[static ACCESS_LINE_MAX])
{
	const char *version = !a->is_tls_ours ? "passthrough" : a->is_13 ? "1.3" : "1.2";
	char at[32];
	int n;

	(void)time_rfc3339(at, sizeof(at), a->start_unix_ms / 1000);
	at[19] = 0; /* the Z, for the milliseconds go in front of it */
	n = snprintf(ret, ACCESS_LINE_MAX,
		     "{\"time\":\"%s.%03uZ\",\"client\":\"%s\",\"host\":\"%s\",\"app\":\"%s\","
		     "\"instance\":\"%s\","
		     "\"port\":%u,\"tls\":\"%s\",\"resumed\":%s,\"h2\":%s,\"up\":%llu,\"down\":%"
		     "llu,\"ms\":%llu,"
		     "\"end\":\"%s\"}\n",
		     at, (unsigned int)(a->start_unix_ms % 1000), text(a->client), text(a->host),
		     text(a->app), text(a->instance), a->port, version,
		     a->is_resumed ? "true" : "false", a->is_h2 ? "true" : "false",
		     (unsigned long long)a->up, (unsigned long long)a->down,
		     (unsigned long long)a->duration_ms, gw_end_name(a->end));
	return n > 0 && n < ACCESS_LINE_MAX ? (size_t)n : 0;
}

void access_log_flush(struct access_log *l, struct gw_counters *counters)
{
	const char *at = l->bytes, *end = l->bytes + l->n;
	ssize_t n;

	if (l->n == 0)
		return;
	n = write(l->fd, l->bytes, l->n);
	l->n = 0;
	if (n > 0)
		at += n;
	for (; at < end; at++) {
		if (*at == '\n')
			gw_count(&counters->log_lost, 1);
	}
}

void access_log_add(struct access_log *l, const struct access_entry *a,
		    struct gw_counters *counters)
{
	char line[ACCESS_LINE_MAX];
	size_t n = access_log_line(a, line);

	if (sizeof(l->bytes) - l->n < n)
		access_log_flush(l, counters);
	memcpy(l->bytes + l->n, line, n);
	l->n += n;
}
