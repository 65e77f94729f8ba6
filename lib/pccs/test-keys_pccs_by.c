/* SPDX-License-Identifier: Apache-2.0 */
/* What pccs_fetch_by() asks of who does the calls, and what it makes of their answers */
#undef NDEBUG
#include "pccs/pccs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static const struct pccs_platform tdx = { .is_tdx = true, .fmspc = { 0x20, 0xa0 } };

struct carrier {
	int rc, status;
	const char *body, *header;
	unsigned int n_calls;
	char url[512];
	struct pccs_get last;
};

static int get(void *arg, const struct pccs_get *g, int *ret_status, struct buf *body,
	       struct err *e)
{
	struct carrier *c = arg;
	int rc = 0;

	c->n_calls++;
	c->last = *g;
	assert(strlen(g->url) < sizeof(c->url));
	memcpy(c->url, g->url, strlen(g->url) + 1);
	if (c->rc < 0)
		return err_set(e, c->rc, "the line is dead");
	if (c->header)
		rc = g->on_header(c->header, strlen(c->header), g->arg);
	if (rc < 0)
		return rc;
	*ret_status = c->status;
	*body = BUF_MAX(g->reply_max);
	return c->body ? buf_add_str(body, c->body) : 0;
}

static int fetch(struct carrier *c, const struct pccs_args *a, struct err *e)
{
	auto_buf struct buf out = BUF_MAX(0);
	struct pccs_origin origin;

	*e = ERR_NONE;
	return pccs_fetch_by(get, c, a, &tdx, &out, &origin, e);
}

static void test_asks_below_the_url_that_was_given(void)
{
	const struct pccs_args a = { .url = "http://10.0.2.2:8081/",
				     .may_http = true,
				     .ca_file = "/ca.pem",
				     .timeout_ms = 5000 };
	struct carrier c = { .status = 404 };
	struct err e;

	assert(fetch(&c, &a, &e) == ERR_NOT_FOUND && c.n_calls == 1);
	assert(strcmp(c.url, "http://10.0.2.2:8081/sgx/certification/v4/rootcacrl") == 0);
	assert(strcmp(c.last.ca_file, "/ca.pem") == 0 && !c.last.is_loopback);
	assert(c.last.timeout_ms > 0 && c.last.timeout_ms <= 5000);
	assert(c.last.reply_max > 0 && c.last.reply_max <= 2 * 1024 * 1024);
	assert(strstr(e.text, "404") && strstr(e.text, "root CRL"));
}

static void test_a_dead_line_ends_it_with_its_own_words(void)
{
	const struct pccs_args a = { .url = "http://127.0.0.1:1" };
	struct carrier c = { .rc = -ECONNREFUSED };
	struct err e;

	assert(fetch(&c, &a, &e) == -ECONNREFUSED && c.n_calls == 1 && c.last.is_loopback);
	assert(strstr(e.text, "the line is dead"));
}

static void test_what_is_no_list_is_refused(void)
{
	const struct pccs_args a = { .url = "https://pccs.example" };
	struct carrier c = { .status = 200, .body = "30zz" };
	struct err e;

	assert(fetch(&c, &a, &e) == ERR_PROTO && strstr(e.text, "neither DER nor hex"));
	c.status = 302;
	assert(fetch(&c, &a, &e) == ERR_PROTO && strstr(e.text, "not followed"));
}

static void test_a_url_that_is_none_is_not_asked(void)
{
	const struct pccs_args a = { .url = "http://pccs.example" };
	struct carrier c = { .status = 200 };
	struct err e;

	assert(fetch(&c, &a, &e) == ERR_INPUT && c.n_calls == 0);
}

int main(void)
{
	test_asks_below_the_url_that_was_given();
	test_a_dead_line_ends_it_with_its_own_words();
	test_what_is_no_list_is_refused();
	test_a_url_that_is_none_is_not_asked();
	return 0;
}
