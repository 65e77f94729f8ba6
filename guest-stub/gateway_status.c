/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"

enum { FILE_MAX = 64 * 1024, SHOWN = 600, TIME_SIZE = 24 };

static json_t *servers_of(const struct gateway_status *s)
{
	char address[INET_ADDRSTRLEN], ip[INET6_ADDRSTRLEN], endpoint[INET6_ADDRSTRLEN + 16];
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < s->tunnel.n; i++) {
		const struct gateway_peer *p = &s->tunnel.peers[i];

		(void)inet_ntop(p->n_ip == 4 ? AF_INET : AF_INET6, p->ip, ip, sizeof(ip));
		(void)str_format(endpoint, sizeof(endpoint), p->n_ip == 4 ? "%s:%u" : "[%s]:%u", ip,
				 p->port);
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:I}", "address",
				  gateway_answer_address(p->address, address, sizeof(address)),
				  "endpoint", endpoint, "handshake", (json_int_t)s->handshakes[i]));
	}
	return list;
}

char *gateway_status_json(const struct gateway_status *s)
{
	char client[INET_ADDRSTRLEN] = "";
	json_auto_t *o = NULL;

	if (s->tunnel.client)
		(void)gateway_answer_address(s->tunnel.client, client, sizeof(client));
	o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:I, s:o, s:o}", "state", s->state, "url",
		      s->url, "client_ip", client, "domain", s->domain, "external_port",
		      (int)s->external_port, "ready", s->is_ready, "registered",
		      (json_int_t)s->registered_s, "error", json_text(s->error), "servers",
		      servers_of(s));
	return json_compact(o);
}

/* A text of the file, fit to be shown. */
static const char *shown(const json_t *o, const char *key, char dst[static SHOWN])
{
	const char *text = json_get_str(o, key, "");

	return str_escape(dst, SHOWN, text, strlen(text));
}

static int line(struct buf *b, const char *name, const json_t *o, const char *key)
{
	char text[SHOWN];

	return *shown(o, key, text) ? buf_addf(b, "%s: %s\n", name, text) : 0;
}

static int time_line(struct buf *b, const char *name, uint64_t seconds)
{
	char text[TIME_SIZE];

	if (seconds == 0)
		return buf_addf(b, "%s: never\n", name);
	return buf_addf(b, "%s: %s\n", name, time_rfc3339(text, sizeof(text), seconds));
}

static int server(struct buf *b, const json_t *o)
{
	int r = line(b, "server", o, "address");

	if (r == 0)
		r = line(b, "  endpoint", o, "endpoint");
	return r ? r : time_line(b, "  last handshake", json_get_u64(o, "handshake", 0));
}

static int lines(struct buf *b, const json_t *o)
{
	const json_t *list = json_object_get(o, "servers");
	size_t i;
	int r = line(b, "tunnel", o, "state");

	if (r == 0)
		r = line(b, "gateway", o, "url");
	if (r == 0)
		r = line(b, "address", o, "client_ip");
	if (r == 0)
		r = line(b, "domain", o, "domain");
	if (r == 0)
		r = buf_addf(b, "ready: %s\n", json_get_bool(o, "ready", false) ? "yes" : "no");
	if (r == 0)
		r = time_line(b, "registered", json_get_u64(o, "registered", 0));
	if (r == 0)
		r = line(b, "last error", o, "error");
	for (i = 0; r == 0 && i < json_array_size(list) && i < GATEWAY_SERVERS_MAX; i++)
		r = server(b, json_array_get(list, i));
	return r;
}

int gateway_status_text(const char *dir, struct buf *ret, struct err *e)
{
	auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_auto_t *o = NULL;
	int r;

	if (fd < 0)
		return err_errno(e, errno, "%s", dir);
	r = json_read_file(fd, GATEWAY_STATUS_FILE, FILE_MAX, &o, e);
	return r ? r : lines(ret, o);
}
