/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/collateral_shelf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "kms/config.h"
#include "pccs/pccs.h"
#include "tee/collateral.h"

enum { FILE_LOOK_S = 60, RENEW_MS = 60 * 1000, CACHE_PATH_MAX = 300 };

struct entry {
	bool is_used, has;
	size_t root;
	struct pccs_platform platform;
	struct collateral collateral; /* if has */
	struct err fault;	      /* if not */
	int64_t until;		      /* seconds since 1970 */
	uint64_t made_ms;
	uint64_t asked; /* a count */
	bool was_fresh; /* all of it came from the service just then */
};

struct collateral_shelf {
	const struct kms_config *c;
	char cache[CACHE_PATH_MAX];
	struct entry entries[COLLATERAL_SHELF_MAX];
	struct entry *last;
	uint64_t n_asked;
};

struct collateral_shelf *collateral_shelf_new(const struct kms_config *c)
{
	struct collateral_shelf *s = xnew(struct collateral_shelf);

	s->c = c;
	(void)str_format(s->cache, sizeof(s->cache), "%s/collateral", c->state);
	return s;
}

static void forget(struct entry *x)
{
	if (x->has)
		collateral_deinit(&x->collateral);
	*x = (struct entry){ .has = false };
}

void collateral_shelf_free(struct collateral_shelf *s)
{
	size_t i;

	for (i = 0; s && i < COLLATERAL_SHELF_MAX; i++)
		forget(&s->entries[i]);
	free(s);
}

static struct entry *find(struct collateral_shelf *s, size_t root, const struct pccs_platform *p)
{
	struct entry *oldest = &s->entries[0];
	size_t i;

	for (i = 0; i < COLLATERAL_SHELF_MAX; i++) {
		struct entry *x = &s->entries[i];

		if (x->is_used && x->root == root && pccs_platform_is_same(&x->platform, p))
			return x;
		if (x->asked < oldest->asked)
			oldest = x;
	}
	forget(oldest);
	oldest->is_used = true;
	oldest->root = root;
	oldest->platform = *p;
	return oldest;
}

static int of_file(const char *path, struct entry *x, int64_t at, struct buf *ret)
{
	x->until = at + FILE_LOOK_S;
	return file_read(AT_FDCWD, path, COLLATERAL_MAX, ret, &x->fault);
}

static int of_service(const struct collateral_shelf *s, const char *url, struct entry *x,
		      int64_t at, bool wants_fresh, struct buf *ret)
{
	const struct kms_config *c = s->c;
	const struct pccs_args args = { .url = url,
					.ca_file = x->root == 0 ? c->pccs_ca : NULL,
					.cache = s->cache,
					.may_http = c->pccs_http || x->root > 0,
					.wants_fresh = wants_fresh,
					.at = at,
					.timeout_ms = c->pccs_ms };
	struct pccs_origin origin = { .n_fetched = 0 };
	int rc = pccs_fetch(&args, &x->platform, ret, &origin, &x->fault);

	x->until = origin.until;
	x->was_fresh = rc == 0 && origin.n_cached == 0;
	if (rc == 0 && origin.cache.code)
		log_warn("kms: collateral is not kept: %s", origin.cache.text);
	return rc;
}

static void fetch(struct collateral_shelf *s, struct entry *x, int64_t at, bool wants_fresh)
{
	const char *file = NULL, *url = s->c->pccs;
	auto_buf struct buf text = BUF_MAX(COLLATERAL_MAX);
	int rc;

	if (x->has)
		collateral_deinit(&x->collateral);
	x->has = false;
	x->fault = ERR_NONE;
	x->made_ms = time_mono_ms();
	if (x->root > 0) {
		file = s->c->roots[x->root - 1].collateral;
		url = s->c->roots[x->root - 1].pccs;
	}
	if (file)
		rc = of_file(file, x, at, &text);
	else
		rc = of_service(s, url, x, at, wants_fresh, &text);
	if (rc == 0)
		rc = collateral_parse(text.p, text.n, &x->collateral, &x->fault);
	x->has = rc == 0;
	if (rc < 0)
		log_warn("kms: no collateral: %s", x->fault.text);
}

/* Is it to be fetched (again)? */
static bool is_due(const struct entry *x, int64_t at)
{
	if (x->has)
		return at >= x->until;
	return x->made_ms == 0 || time_mono_ms() - x->made_ms >= COLLATERAL_SHELF_PAUSE_MS;
}

const struct collateral *collateral_shelf_get(struct collateral_shelf *s, size_t root,
					      const struct pccs_platform *p, int64_t at,
					      const char **ret_fault)
{
	struct entry *x = find(s, root, p);

	x->asked = ++s->n_asked;
	s->last = x;
	if (is_due(x, at))
		fetch(s, x, at, false);
	*ret_fault = x->has ? NULL : x->fault.text;
	return x->has ? &x->collateral : NULL;
}

bool collateral_shelf_renew(struct collateral_shelf *s, const char *failed_check)
{
	struct entry *x = s->last;

	if (!x || !x->has || !pccs_may_mend(failed_check) ||
	    (x->was_fresh && time_mono_ms() - x->made_ms < RENEW_MS))
		return false;
	if (x->root > 0 && s->c->roots[x->root - 1].collateral)
		return false; /* the file is what it is */
	fetch(s, x, (int64_t)(time_unix_ms() / 1000), true);
	x->was_fresh = true;
	return x->has;
}
