/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/event.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	/* every byte of a name can become \u00XX; hex doubles the payload */
	CANONICAL_MAX = 6 * EVENT_NAME_MAX + 2 * EVENT_PAYLOAD_MAX + 64,
};

int event_check(const struct event *ev, struct err *e)
{
	size_t n = strlen(ev->name);

	if (ev->version != 1 && ev->version != 2)
		return err_set(e, ERR_INPUT, "event version %u is neither 1 nor 2", ev->version);
	if (n > EVENT_NAME_MAX)
		return err_set(e, ERR_LIMIT, "event name of %zu bytes is over %d", n,
			       EVENT_NAME_MAX);
	if (!str_is_utf8(ev->name, n))
		return err_set(e, ERR_INPUT, "event name is not UTF-8");
	if (ev->n_payload > EVENT_PAYLOAD_MAX)
		return err_set(e, ERR_LIMIT, "payload of event %s is over %d bytes", ev->name,
			       EVENT_PAYLOAD_MAX);
	return 0;
}

/* A JSON string as RFC 8785 section 3.2.2.2 writes it. */
static int add_string(struct buf *b, const char *s)
{
	static const char named[] = "\b\f\n\r\t\"\\", letter[] = "bfnrt\"\\";
	const char *at;
	char out[8];
	int r = buf_add_str(b, "\"");

	for (; r == 0 && *s; s++) {
		at = strchr(named, *s);
		if (at)
			(void)snprintf(out, sizeof(out), "\\%c", letter[at - named]);
		else if ((unsigned char)*s < 0x20) {
			(void)snprintf(out, sizeof(out), "\\u%04x",
				       (unsigned int)(unsigned char)*s);
		} else {
			(void)snprintf(out, sizeof(out), "%c", *s);
		}
		r = buf_add_str(b, out);
	}
	return r ? r : buf_add_str(b, "\"");
}

static int add_hex(struct buf *b, const void *p, size_t n)
{
	int r = buf_reserve(b, 2 * n + 1);

	if (r < 0)
		return r;
	str_hex((char *)b->p + b->n, p, n);
	b->n += 2 * n;
	return 0;
}

int event_canonical(const struct event *ev, struct buf *ret)
{
	int r = buf_add_str(ret, "{\"name\":");

	if (r == 0)
		r = add_string(ret, ev->name);
	if (r == 0)
		r = buf_add_str(ret, ",\"payload\":\"");
	if (r == 0)
		r = add_hex(ret, ev->payload, ev->n_payload);
	return r ? r : buf_addf(ret, "\",\"type\":%d}", EVENT_TYPE_RUNTIME);
}

static struct digest384 digest_v1(const struct event *ev)
{
	const struct digest_part parts[] = {
		{ "\x01\x00\x00\x08:", 5 }, /* the type, little-endian */
		{ ev->name, strlen(ev->name) },
		{ ":", 1 },
		{ ev->payload, ev->n_payload },
	};

	return digest384_of(parts, sizeof(parts) / sizeof(parts[0]));
}

struct digest384 event_digest(const struct event *ev)
{
	auto_buf struct buf b = BUF_MAX(CANONICAL_MAX);

	if (ev->version == 1)
		return digest_v1(ev);
	if (event_canonical(ev, &b) < 0)
		abort(); /* within the limits only memory can be missing */
	return digest384_bytes(b.p, b.n);
}

struct digest384 event_extend(const struct digest384 *was, const struct digest384 *digest)
{
	const struct digest_part parts[] = {
		{ was->b, sizeof(was->b) },
		{ digest->b, sizeof(digest->b) },
	};

	return digest384_of(parts, 2);
}

int event_line(const struct event *ev, struct buf *ret)
{
	int r = buf_add_str(ret, "{\"event\":");

	if (r == 0)
		r = add_string(ret, ev->name);
	if (r == 0)
		r = buf_add_str(ret, ",\"payload\":\"");
	if (r == 0)
		r = base64_encode(ret, ev->payload, ev->n_payload);
	if (r == 0)
		r = buf_add_str(ret, ev->version == 2 ? "\",\"version\":2}\n" : "\"}\n");
	return r;
}
