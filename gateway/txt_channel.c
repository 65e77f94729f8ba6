/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/txt_channel.h"

#include <netdb.h>
#include <stdlib.h>

#include <ares.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/config.h"
#include "wire/dns_ttl.h"

enum { TICK_MS = 100, TRIES = 2, TRY_MS = 1500, CLASS_IN = 1, TYPE_TXT = 16, SERVER_TEXT = 64 };

struct poll_of {
	uv_poll_t poll;
	struct txt_channel *channel;
	struct poll_of *next;
	ares_socket_t fd;
};

struct question {
	struct txt_channel *channel;
	txt_found_fn fn;
	void *arg;
};

struct txt_channel {
	uv_loop_t *loop;
	ares_channel ares;
	uv_timer_t timer;
	struct poll_of *polls;
	uint32_t n_asked; /* without their answers so far */
	int n_handles;
	bool is_stopping;
	void (*done)(void *arg);
	void *done_arg;
};

static void read_answer(const unsigned char *p, int n, struct txt_found *ret)
{
	struct ares_txt_ext *list = NULL;
	int rc = ares_parse_txt_reply_ext(p, n, &list);

	if (rc != ARES_SUCCESS && rc != ARES_ENODATA)
		ret->outcome = TXT_NO_ANSWER;
	if (!list)
		return;
	/* the first string of the first record */
	if (host_label_parse_txt(list->txt, list->length, &ret->label) == HOST_LABEL_OK)
		ret->outcome = TXT_FOUND;
	else
		ret->outcome = TXT_BAD_RECORD;
	ares_free_data(list);
	ret->ttl_ms = dns_least_ttl_ms(p, (size_t)n, TXT_TTL_MIN_MS, TXT_TTL_MAX_MS);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct question *q = arg;
	struct txt_found found = { .outcome = TXT_NO_RECORD };

	(void)timeouts;
	q->channel->n_asked--;
	if (status == ARES_SUCCESS)
		read_answer(p, n, &found);
	else if (status != ARES_ENODATA && status != ARES_ENOTFOUND)
		found.outcome = TXT_NO_ANSWER;
	if (status != ARES_EDESTRUCTION)
		q->fn(&found, q->arg);
	free(q);
}

static void set_timer(struct txt_channel *c);

static void on_timer(uv_timer_t *t)
{
	struct txt_channel *c = t->data;

	ares_process_fd(c->ares, ARES_SOCKET_BAD,
			ARES_SOCKET_BAD); /* what was not answered in time */
	set_timer(c);
}

static void set_timer(struct txt_channel *c)
{
	if (c->is_stopping || c->n_asked == 0)
		(void)uv_timer_stop(&c->timer);
	else if (!uv_is_active((uv_handle_t *)&c->timer))
		(void)uv_timer_start(&c->timer, on_timer, TICK_MS, TICK_MS);
}

void txt_channel_ask(struct txt_channel *c, const char *name, txt_found_fn fn, void *arg)
{
	struct question *q = xnew(struct question);

	*q = (struct question){ .channel = c, .fn = fn, .arg = arg };
	c->n_asked++;
	ares_query(c->ares, name, CLASS_IN, TYPE_TXT, on_answer, q);
	set_timer(c);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct poll_of *p = poll->data;
	struct txt_channel *c = p->channel;
	ares_socket_t fd = p->fd;
	bool can_read = status < 0 || (events & UV_READABLE),
	     can_write = status < 0 || (events & UV_WRITABLE);

	ares_process_fd(c->ares, can_read ? fd : ARES_SOCKET_BAD, can_write ? fd : ARES_SOCKET_BAD);
	set_timer(c); /* @p may be closing */
}

static void let_go(struct txt_channel *c)
{
	if (--c->n_handles > 0)
		return;
	if (c->done)
		c->done(c->done_arg);
	free(c);
}

static void on_poll_closed(uv_handle_t *h)
{
	struct poll_of *p = h->data;
	struct txt_channel *c = p->channel;

	free(p);
	let_go(c);
}

static void on_timer_closed(uv_handle_t *h)
{
	let_go(h->data);
}

static struct poll_of *add_poll(struct txt_channel *c, ares_socket_t fd)
{
	struct poll_of *p = xnew(struct poll_of);

	p->channel = c;
	p->fd = fd;
	if (uv_poll_init(c->loop, &p->poll, (int)fd) < 0) {
		free(p);
		return NULL; /* its question ends by its time */
	}
	p->poll.data = p;
	p->next = c->polls;
	c->polls = p;
	c->n_handles++;
	return p;
}

/* c-ares says what it wants to know of a socket; nothing: it closes it. */
static void on_socket(void *arg, ares_socket_t fd, int can_read, int can_write)
{
	struct txt_channel *c = arg;
	struct poll_of **at = &c->polls, *p;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	p = *at;
	if (!can_read && !can_write) {
		if (!p)
			return;
		*at = p->next;
		uv_close((uv_handle_t *)&p->poll, on_poll_closed);
		return;
	}
	if (!p)
		p = add_poll(c, fd);
	if (p) {
		(void)uv_poll_start(&p->poll,
				    (can_read ? UV_READABLE : 0) | (can_write ? UV_WRITABLE : 0),
				    on_ready);
	}
}

static int set_servers(struct txt_channel *c, const struct gw_config *config, struct err *e)
{
	char list[GW_DNS_MAX * (SERVER_TEXT + 1)] = "";
	size_t i, at = 0;
	int n, rc;

	for (i = 0; i < config->n_dns_servers; i++) {
		n = str_format(list + at, sizeof(list) - at, "%s%s", i ? "," : "",
			       config->dns_servers[i]);
		if (n < 0)
			return err_set(e, ERR_INPUT, "dns.servers is too long");
		at += (size_t)n;
	}
	rc = at ? ares_set_servers_ports_csv(c->ares, list) : ARES_SUCCESS;
	return rc == ARES_SUCCESS ? 0 : err_set(e, ERR_INPUT, "dns.servers: %s", ares_strerror(rc));
}

int txt_channel_start(struct txt_channel **ret, uv_loop_t *loop, const struct gw_config *config,
		      struct err *e)
{
	struct txt_channel *c = xnew(struct txt_channel);
	struct ares_options o = { .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
				  .timeout = TRY_MS,
				  .tries = TRIES,
				  .sock_state_cb = on_socket,
				  .sock_state_cb_data = c };
	int rc = ares_library_init(ARES_LIB_INIT_ALL);

	c->loop = loop;
	if (rc == ARES_SUCCESS) {
		rc = ares_init_options(&c->ares, &o,
				       ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					       ARES_OPT_SOCK_STATE_CB);
	}
	if (rc != ARES_SUCCESS) {
		free(c);
		return err_set(e, ERR_MISSING, "cannot ask DNS: %s", ares_strerror(rc));
	}
	(void)uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->n_handles = 1;
	rc = set_servers(c, config, e);
	if (rc) {
		txt_channel_stop(c, NULL, NULL);
		return rc;
	}
	*ret = c;
	return 0;
}

void txt_channel_stop(struct txt_channel *c, void (*done)(void *arg), void *arg)
{
	c->done = done;
	c->done_arg = arg;
	c->is_stopping = true;
	ares_destroy(c->ares); /* closes its sockets, and with them their polls */
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}
