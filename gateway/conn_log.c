/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a connection that ended: counters always, a line of the access log if it is its turn. */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/time.h"
#include "gateway/conn_parts.h"
#include "gateway/load.h"

static void client_text(const struct sockaddr_in6 *a, char *ret, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (IN6_IS_ADDR_V4MAPPED(&a->sin6_addr)) {
		(void)inet_ntop(AF_INET, &a->sin6_addr.s6_addr[12], host, sizeof(host));
		(void)snprintf(ret, size, "%s:%u", host, ntohs(a->sin6_port));
		return;
	}
	(void)inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof(host));
	(void)snprintf(ret, size, "[%s]:%u", host, ntohs(a->sin6_port));
}

void conn_log(struct conn *c, enum gw_end end)
{
	struct worker *w = c->worker;
	struct access_entry a = { .host = c->host, .port = c->port, .end = end };
	char client[INET6_ADDRSTRLEN + 16];

	gw_count(&w->counters.ended[end], 1);
	gw_count(&w->counters.bytes_up, c->sides[APP].n_sent);
	gw_count(&w->counters.bytes_down, c->sides[CLIENT].n_sent);
	if (!access_log_wants(&w->access, end))
		return;
	client_text(&c->from, client, sizeof(client));
	a.client = client;
	a.duration_ms = w->now_ms - c->start_ms;
	a.start_unix_ms = time_unix_ms() - a.duration_ms;
	a.app = c->app ? c->app->id : NULL;
	a.instance = c->instance ? c->instance->id : NULL;
	a.is_tls_ours = c->tls != NULL;
	if (c->tls) {
		a.is_13 = tls_gate_is_13(c->tls);
		a.is_resumed = tls_gate_is_resumed(c->tls);
		a.is_h2 = tls_gate_is_h2(c->tls);
	}
	a.up = c->sides[APP].n_sent;
	a.down = c->sides[CLIENT].n_sent;
	access_log_add(&w->access, &a, &w->counters);
}
