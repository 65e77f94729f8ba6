/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor walks over the bytes of the handshake message and steps over record headers where they come, so nothing
 * is put together and nothing is copied but the name.  @at counts bytes of the message; each list is held to the end
 * of what contains it, before it is read.
 */
#include "wire/client_hello.h"

#include <string.h>

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_HEADER = 5,
	RECORD_MAX = 16 * 1024,
	CLIENT_HELLO = 1,
	EXT_SERVER_NAME = 0,
	EXT_ALPN = 16,
	NAME_HOST = 0,
	LABEL_MAX = 63,
	ALPN_WE_KNOW_MAX = 8,
};

enum {
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_RECORD_OVERFLOW = 22,
	ALERT_ILLEGAL_PARAMETER = 47,
	ALERT_DECODE_ERROR = 50,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_MISSING_EXTENSION = 109,
};

struct walk {
	const uint8_t *p, *end; /* of the stream */
	size_t in_record;	/* bytes left of the record we are in */
	size_t at;		/* bytes of the message that were read */
	bool is_short, is_bad;
	struct client_hello *ret;
};

static void refuse(struct walk *w, uint8_t alert, const char *why)
{
	if (w->is_short || w->is_bad)
		return;
	w->is_bad = true;
	w->ret->alert = alert;
	w->ret->why = why;
}

static bool is_stopped(const struct walk *w)
{
	return w->is_short || w->is_bad;
}

/* Enter the next record.  Each byte is judged as soon as it is there: garbage is not waited for. */
static void next_record(struct walk *w)
{
	size_t n = (size_t)(w->end - w->p), size;
	bool is_first = w->at == 0;

	if (n > 0 && w->p[0] != RECORD_HANDSHAKE)
		refuse(w, is_first ? 0 : ALERT_UNEXPECTED_MESSAGE, "it is no TLS handshake");
	if (n > 1 && w->p[1] != 3)
		refuse(w, is_first ? 0 : ALERT_PROTOCOL_VERSION, "its record is not of TLS");
	if (n < RECORD_HEADER) {
		w->is_short = !w->is_bad;
		return;
	}
	size = (size_t)w->p[3] << 8 | w->p[4];
	if (size > RECORD_MAX)
		refuse(w, ALERT_RECORD_OVERFLOW, "a record is longer than 16 KiB");
	if (size == 0)
		refuse(w, ALERT_UNEXPECTED_MESSAGE, "a record is empty");
	w->p += RECORD_HEADER;
	w->in_record = size;
}

/* Read @n bytes of the message into @dst; NULL: skip them. */
static bool take(struct walk *w, void *dst, size_t n)
{
	uint8_t *to = dst;
	size_t piece, there;

	while (n > 0 && !is_stopped(w)) {
		if (w->in_record == 0)
			next_record(w);
		if (is_stopped(w))
			break;
		there = (size_t)(w->end - w->p);
		piece = n < w->in_record ? n : w->in_record;
		if (piece > there)
			piece = there;
		if (piece == 0) {
			w->is_short = true;
			break;
		}
		if (to) {
			memcpy(to, w->p, piece);
			to += piece;
		}
		w->p += piece;
		w->in_record -= piece;
		w->at += piece;
		n -= piece;
	}
	return !is_stopped(w);
}

/* A number of @n bytes that lies before @end. */
static size_t number(struct walk *w, size_t n, size_t end)
{
	uint8_t b[3] = { 0 };
	size_t i, v = 0;

	if (end - w->at < n)
		refuse(w, ALERT_DECODE_ERROR, "a length goes beyond what holds it");
	if (!take(w, b, n))
		return 0;
	for (i = 0; i < n; i++)
		v = v << 8 | b[i];
	return v;
}

/* A length of @n bytes and where what it counts ends, which is not beyond @end. */
static size_t vector(struct walk *w, size_t n, size_t end)
{
	size_t size = number(w, n, end);

	if (is_stopped(w))
		return w->at;
	if (end - w->at < size) {
		refuse(w, ALERT_DECODE_ERROR, "a length goes beyond what holds it");
		return w->at;
	}
	return w->at + size;
}

static void skip_to(struct walk *w, size_t end)
{
	if (!is_stopped(w))
		(void)take(w, NULL, end - w->at);
}

static bool is_all_digits(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
	}
	return true;
}

/* Letters become small; 0 for what no label has. */
static char fold(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')
		return (char)c;
	return 0;
}

bool client_hello_host(const void *p, size_t n, char ret[static CLIENT_HELLO_HOST_MAX + 1],
		       size_t *ret_n)
{
	const uint8_t *in = p;
	size_t i, label = 0;

	ret[0] = 0;
	if (n > 1 && in[n - 1] == '.')
		n--;
	if (n == 0 || n > CLIENT_HELLO_HOST_MAX)
		return false;
	for (i = 0; i < n; i++) {
		char c = fold(in[i]);

		if (!c || (c == '.' && i == label) || i - label > LABEL_MAX)
			break;
		ret[i] = c;
		if (c == '.')
			label = i + 1;
	}
	/* A last label of digits alone is an IPv4 address: RFC 6066 wants none, and no domain ends so. */
	if (i < n || label == n || n - label > LABEL_MAX || is_all_digits(ret + label, n - label)) {
		ret[0] = 0;
		return false;
	}
	ret[n] = 0;
	*ret_n = n;
	return true;
}

/* server_name: a list of names, of which exactly one is a host. */
static void read_names(struct walk *w, size_t end)
{
	uint8_t name[CLIENT_HELLO_HOST_MAX + 1];
	size_t list = vector(w, 2, end), type, name_end, n;

	if (!is_stopped(w) && (list != end || list == w->at))
		refuse(w, ALERT_DECODE_ERROR, "the list of server names is empty or ends early");
	while (!is_stopped(w) && w->at < list) {
		type = number(w, 1, list);
		name_end = vector(w, 2, list);
		if (is_stopped(w))
			return;
		n = name_end - w->at;
		if (type != NAME_HOST) {
			skip_to(w, name_end);
			continue;
		}
		if (w->ret->n_host > 0)
			refuse(w, ALERT_ILLEGAL_PARAMETER, "it names two hosts");
		if (n == 0 || n > sizeof(name))
			refuse(w, ALERT_ILLEGAL_PARAMETER,
			       "the server name is empty or longer than 253 bytes");
		if (take(w, name, n) && !client_hello_host(name, n, w->ret->host, &w->ret->n_host))
			refuse(w, ALERT_ILLEGAL_PARAMETER, "the server name is not a host name");
	}
}

static void read_protocols(struct walk *w, size_t end)
{
	size_t list = vector(w, 2, end), one, n;
	uint8_t name[ALPN_WE_KNOW_MAX];

	if (!is_stopped(w) && (list != end || list == w->at))
		refuse(w, ALERT_DECODE_ERROR, "the list of protocols is empty or ends early");
	w->ret->has_alpn = true;
	while (!is_stopped(w) && w->at < list) {
		one = vector(w, 1, list);
		n = one - w->at;
		if (n == 0)
			refuse(w, ALERT_DECODE_ERROR, "a protocol has no name");
		if (n > sizeof(name)) {
			skip_to(w, one);
			continue;
		}
		if (!take(w, name, n))
			return;
		w->ret->offers_h2 |= n == 2 && memcmp(name, "h2", 2) == 0;
		w->ret->offers_http1 |= n == 8 && memcmp(name, "http/1.1", 8) == 0;
	}
}

static void read_extensions(struct walk *w, size_t end)
{
	bool has_names = false;
	size_t type, ext;

	while (!is_stopped(w) && w->at < end) {
		type = number(w, 2, end);
		ext = vector(w, 2, end);
		if (is_stopped(w))
			return;
		if ((type == EXT_SERVER_NAME && has_names) ||
		    (type == EXT_ALPN && w->ret->has_alpn)) {
			refuse(w, ALERT_ILLEGAL_PARAMETER, "an extension is there twice");
		} else if (type == EXT_SERVER_NAME) {
			has_names = true;
			read_names(w, ext);
		} else if (type == EXT_ALPN) {
			read_protocols(w, ext);
		} else {
			skip_to(w, ext);
		}
	}
}

static void read_message(struct walk *w)
{
	const size_t header = 4;
	size_t type = number(w, 1, 1), end;

	if (!is_stopped(w) && type != CLIENT_HELLO)
		refuse(w, ALERT_UNEXPECTED_MESSAGE, "its first message is no ClientHello");
	end = number(w, 3, header) + header;
	if (!is_stopped(w) && end > CLIENT_HELLO_MAX)
		refuse(w, ALERT_ILLEGAL_PARAMETER, "the ClientHello is longer than 16 KiB");
	if (is_stopped(w))
		return;
	w->ret->need =
		end; /* of the message; where it must lie in the stream is made of this below */
	if (end - w->at < 34)
		refuse(w, ALERT_DECODE_ERROR, "the ClientHello is too short");
	(void)take(w, NULL, 34);       /* version, random */
	skip_to(w, vector(w, 1, end)); /* session id */
	skip_to(w, vector(w, 2, end)); /* cipher suites */
	skip_to(w, vector(w, 1, end)); /* compression methods */
	if (!is_stopped(w) && w->at < end) {
		size_t extensions = vector(w, 2, end);

		if (!is_stopped(w) && extensions != end)
			refuse(w, ALERT_DECODE_ERROR, "bytes follow the extensions");
		read_extensions(w, extensions);
	}
	if (!is_stopped(w) && w->ret->n_host == 0)
		refuse(w, ALERT_MISSING_EXTENSION, "it names no host");
}

enum client_hello_verdict client_hello_parse(const void *p, size_t n, struct client_hello *ret)
{
	const uint8_t *start = p;
	struct walk w = { .p = start, .end = n ? start + n : start, .ret = ret };

	*ret = (struct client_hello){ .need = 0 };
	read_message(&w);
	if (w.is_short && n >= CLIENT_HELLO_STREAM_MAX) {
		w.is_short = false;
		refuse(&w, ALERT_ILLEGAL_PARAMETER, "the ClientHello is in too many pieces");
	}
	if (w.is_bad)
		return CLIENT_HELLO_REFUSED;
	if (!w.is_short)
		return CLIENT_HELLO_FOUND;
	/* What lacks of the message comes behind what is there; at least one byte does. */
	ret->need = n + (ret->need > w.at && w.p == w.end ? ret->need - w.at : 1);
	return CLIENT_HELLO_MORE;
}
