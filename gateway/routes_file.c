/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/routes_file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/num.h"
#include "base/str.h"

/* Cut the line into words, in place.  Return: how many, or ERR_INPUT. */
static int split(char *p, char **words, struct err *e)
{
	int n = 0;

	for (;;) {
		p += strspn(p, " \t\r");
		if (!*p)
			return n;
		if (n == ROUTES_FIELDS) {
			return err_set(e, ERR_INPUT,
				       "it has more than an app, an instance, an address, ports "
				       "and not-ready");
		}
		words[n++] = p;
		p += strcspn(p, " \t\r");
		if (*p)
			*p++ = 0;
	}
}

static int read_port(char *word, struct route_policy *policy, struct err *e)
{
	struct route_port *port = &policy->ports[policy->n];
	size_t n = strlen(word);
	uint32_t v;

	if (str_equal(word, "*")) {
		policy->is_restricted = false;
		return 0;
	}
	if (policy->n == ROUTES_PORTS_MAX)
		return err_set(e, ERR_LIMIT, "it has more than %d ports", ROUTES_PORTS_MAX);
	port->wants_proxy_header = n > 1 && word[n - 1] == 'p';
	if (port->wants_proxy_header)
		word[n - 1] = 0;
	if (num_parse_u32(word, 1, UINT16_MAX, &v) < 0) {
		return err_set(
			e, ERR_INPUT,
			"its ports are not numbers from 1 to 65535, with commas between, or *");
	}
	port->port = (uint16_t)v;
	policy->n++;
	return 0;
}

static int read_ports(char *list, struct route_policy *policy, struct err *e)
{
	char *comma;
	int rc;

	*policy = (struct route_policy){ .is_known = true, .is_restricted = true };
	do {
		comma = strchr(list, ',');
		if (comma)
			*comma = 0;
		rc = read_port(list, policy, e);
		list = comma ? comma + 1 : NULL;
	} while (!rc && comma);
	return rc;
}

static int read_words(char **words, int n, struct route_instance *in, struct err *e)
{
	in->app_id = words[0];
	in->id = words[1];
	if (!route_id_is_valid(in->app_id) || !route_id_is_valid(in->id)) {
		return err_set(e, ERR_INPUT,
			       "the app's or the instance's id is not 1 to %d of a-z, 0-9 and _",
			       LOAD_ID_MAX);
	}
	in->is_v6 = strchr(words[2], ':') != NULL;
	if (inet_pton(in->is_v6 ? AF_INET6 : AF_INET, words[2], in->address) != 1)
		return err_set(e, ERR_INPUT, "its third word is not an IP address");
	in->is_ready = n < 5;
	if (n == 5 && !str_equal(words[4], "not-ready"))
		return err_set(e, ERR_INPUT, "its last word is not not-ready");
	return read_ports(words[3], &in->policy, e);
}

int routes_line_parse(const char *p, size_t n, struct routes_line *ret, struct err *e)
{
	const char *comment = n ? memchr(p, '#', n) : NULL;
	char *words[ROUTES_FIELDS] = { NULL };
	int count, rc;

	if (comment)
		n = (size_t)(comment - p);
	if (n >= sizeof(ret->words))
		return err_set(e, ERR_INPUT, "it is longer than %d bytes", ROUTES_LINE_MAX - 1);
	if (n && memchr(p, 0, n))
		return err_set(e, ERR_INPUT, "it holds a NUL");
	if (n)
		memcpy(ret->words, p, n);
	ret->words[n] = 0;
	ret->instance = (struct route_instance){ .app_id = NULL };
	count = split(ret->words, words, e);
	if (count <= 0)
		return count;
	if (count < 4)
		return err_set(e, ERR_INPUT, "it lacks a word; write: APP INSTANCE ADDRESS PORTS");
	rc = read_words(words, count, &ret->instance, e);
	return rc ? rc : 1;
}

int routes_text_add(const char *p, size_t n, const char *file, struct routes_builder *b,
		    struct err *e)
{
	const char *end = n ? p + n : p, *next;
	struct routes_line line;
	unsigned int number = 0;
	int rc;

	for (; p < end; p = next + 1) {
		next = memchr(p, '\n', (size_t)(end - p));
		if (!next)
			next = end;
		number++;
		rc = routes_line_parse(p, (size_t)(next - p), &line, e);
		if (rc == 1)
			rc = routes_builder_add(b, &line.instance, e);
		if (rc < 0)
			return err_wrap(e, rc, "%s:%u", file, number);
		if (next == end)
			break;
	}
	return 0;
}

int routes_file_add(const char *path, struct routes_builder *b, struct err *e)
{
	auto_buf struct buf text = BUF_MAX(ROUTES_FILE_MAX);
	int rc = file_read(AT_FDCWD, path, ROUTES_FILE_MAX, &text, e);

	return rc ? rc : routes_text_add((const char *)text.p, text.n, path, b, e);
}
