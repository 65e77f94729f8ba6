/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collaterals.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/input.h"
#include "pccs/pccs_url.h"
#include "tee/collateral.h"

struct one {
	struct pccs_platform platform;
	struct collateral collateral;
	struct err fault; /* code 0: @collateral is there */
	struct pccs_origin origin;
	uint64_t asked; /* 0: free */
};

struct collaterals {
	struct pccs_args args;
	char cache[COLLATERALS_URL_MAX];
	struct collaterals_source source;
	const struct cli *cli;
	uint64_t now;
	struct one file;
	struct one all[COLLATERALS_MAX];
};

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Where nothing says where a cache may be, there is none. */
static const char *cache_folder(char ret[static COLLATERALS_URL_MAX])
{
	const char *cache = from_environment("XDG_CACHE_HOME"), *home = from_environment("HOME");
	int n = -1;

	if (cache && *cache == '/')
		n = str_format(ret, COLLATERALS_URL_MAX, "%s/bailey", cache);
	else if (home && *home == '/')
		n = str_format(ret, COLLATERALS_URL_MAX, "%s/.cache/bailey", home);
	return n > 0 ? ret : NULL;
}

int collaterals_args(const struct cli *c, int64_t at, char cache[static COLLATERALS_URL_MAX],
		     struct pccs_args *ret, struct err *e)
{
	const char *url = c->args->options[OPT_PCCS];
	char base[PCCS_URL_MAX];
	uint64_t timeout_ms = 0;
	int rc = cli_timeout(c, 0, &timeout_ms, e);

	*ret = (struct pccs_args){ .url = url ? url : from_environment("BAILEY_PCCS_URL"),
				   .ca_file = from_environment("BAILEY_PCCS_CA_FILE"),
				   .cache = cache_folder(cache),
				   .may_http = args_has(c->args, OPT_ALLOW_HTTP),
				   .wants_fresh = args_has(c->args, OPT_REFRESH),
				   .at = at,
				   .timeout_ms = (unsigned int)timeout_ms };
	if (!ret->url)
		ret->url = PCCS_INTEL_URL;
	return rc < 0 ? rc : pccs_url_base(ret->url, ret->may_http, base, e);
}

static void clear(struct one *o)
{
	collateral_deinit(&o->collateral);
	*o = (struct one){ .collateral = COLLATERAL_NULL };
}

/* A collateral without its form is not an error of the command: the quote is refused by it. */
static void parse(struct one *o, const struct buf *text)
{
	struct err why = ERR_NONE;

	if (collateral_parse(text->p, text->n, &o->collateral, &why) < 0) {
		o->fault = why;
		o->fault.code = ERR_INPUT;
	}
}

static int read_file(struct collaterals *s, const char *path, struct err *e)
{
	auto_buf struct buf text = { 0 };
	int rc = input_read(path, COLLATERAL_MAX, &text, e);

	s->source = (struct collaterals_source){ .from = path, .is_file = true };
	if (rc == 0)
		parse(&s->file, &text);
	return rc;
}

int collaterals_new(const struct cli *c, int64_t at, struct collaterals **ret, struct err *e)
{
	const char *path = c->args->options[OPT_COLLATERAL];
	struct collaterals *s;
	int rc;

	if (path && (args_has(c->args, OPT_PCCS) || args_has(c->args, OPT_REFRESH))) {
		return err_set(e, ERR_INPUT,
			       "--collateral is a file and --pccs and --refresh fetch one: write "
			       "one of them");
	}
	s = xnew(struct collaterals);
	s->cli = c;
	rc = path ? read_file(s, path, e) : collaterals_args(c, at, s->cache, &s->args, e);
	if (rc < 0) {
		collaterals_free(s);
		return rc;
	}
	if (!path)
		s->source.from = s->args.url;
	*ret = s;
	return 0;
}

void collaterals_free(struct collaterals *s)
{
	size_t i;

	if (!s)
		return;
	clear(&s->file);
	for (i = 0; i < COLLATERALS_MAX; i++)
		clear(&s->all[i]);
	free(s);
}

/* The place of @p: the one it has, or one that is free, or the oldest, emptied. */
static struct one *place(struct collaterals *s, const struct pccs_platform *p)
{
	struct one *o = &s->all[0];
	size_t i;

	for (i = 0; i < COLLATERALS_MAX; i++) {
		if (s->all[i].asked && pccs_platform_is_same(&s->all[i].platform, p))
			return &s->all[i];
		if (s->all[i].asked < o->asked)
			o = &s->all[i];
	}
	clear(o);
	o->platform = *p;
	return o;
}

static int fetch(struct collaterals *s, bool wants_fresh, struct one *o, struct err *e)
{
	auto_buf struct buf text = { 0 };
	struct pccs_args args = s->args;
	int rc;

	args.wants_fresh |= wants_fresh;
	rc = pccs_fetch(&args, &o->platform, &text, &o->origin, e);
	if (rc == ERR_NOT_FOUND)
		rc = ERR_REFUSED; /* and not a VM that is not found */
	if (rc < 0) {
		return err_wrap(
			e, rc, "no collateral (--pccs names another service, --collateral a file)");
	}
	parse(o, &text);
	o->asked = 1;
	if (o->origin.cache.code && !s->cli->is_quiet && !s->cli->wants_json) {
		struct err note = ERR_NONE;

		(void)err_set(&note, o->origin.cache.code,
			      "note: collateral is not kept for the next time: %.400s",
			      o->origin.cache.text);
		cli_complain(s->cli, &note, note.code);
	}
	return 0;
}

int collaterals_of(struct collaterals *s, const struct quote *q, const struct collateral **ret,
		   struct err *e)
{
	struct pccs_platform p;
	struct one *o = &s->file;
	int rc = 0;

	s->source.origin = (struct pccs_origin){ .n_fetched = 0 };
	if (!s->source.is_file) {
		rc = pccs_platform_of(q, &p, e);
		if (rc < 0)
			return rc;
		o = place(s, &p);
		if (!o->asked)
			rc = fetch(s, false, o, e);
		if (rc < 0)
			return rc;
		o->asked = ++s->now;
		s->source.origin = o->origin;
	}
	if (o->fault.code)
		return err_set(e, ERR_INPUT, "%s", o->fault.text);
	*ret = &o->collateral;
	return 0;
}

bool collaterals_renew(struct collaterals *s, const struct quote *q)
{
	struct pccs_platform p;
	struct one *o, fresh = { .collateral = COLLATERAL_NULL };

	if (s->source.is_file || pccs_platform_of(q, &p, NULL) < 0)
		return false;
	o = place(s, &p);
	fresh.platform = p;
	if (o->origin.n_cached == 0 || fetch(s, true, &fresh, NULL) < 0)
		return false;
	clear(o);
	*o = fresh;
	return true;
}

const struct collaterals_source *collaterals_source(const struct collaterals *s)
{
	return &s->source;
}
