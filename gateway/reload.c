/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/time.h"
#include "gateway/dev_ca.h"
#include "gateway/gateway.h"
#include "gateway/routes.h"
#include "gateway/routes_file.h"
#include "gateway/world.h"

enum { SOON_S = 14 * 24 * 3600, INFO_MAX = 3 * 1024 * 1024 };

static const char nothing_to_tell[] =
	"{\"account_uri\":\"\",\"hist_keys\":[],\"quoted_hist_keys\":[],\"account_quote\":\"\","
	"\"account_attestation\":\"\"}";

static int read_site(struct gateway *g, const struct gw_domain *d, struct tls_site *ret,
		     struct err *e)
{
	struct buf chain = BUF_MAX(TLS_SITE_PEM_MAX), key = BUF_MAX(TLS_SITE_PEM_MAX);
	struct tls_site_args a = { .domain = d->name, .is_13_only = g->config->is_13_only };
	int rc = file_read(AT_FDCWD, d->certificate, TLS_SITE_PEM_MAX, &chain, e);

	if (!rc)
		rc = file_read(AT_FDCWD, d->key, TLS_SITE_PEM_MAX, &key, e);
	if (!rc) {
		a.chain_pem = chain.p;
		a.n_chain_pem = chain.n;
		a.key_pem = key.p;
		a.n_key_pem = key.n;
		rc = tls_site_init(&a, ret, e);
	}
	if (key.p)
		secret_wipe(key.p, key.cap);
	buf_deinit(&key);
	buf_deinit(&chain);
	return rc;
}

static int read_sites(struct gateway *g, struct world_sites **ret, struct err *e)
{
	struct world_sites *s = xnew(struct world_sites);
	int rc = dev_ca_ensure(g->config, e);

	for (; s->n < g->config->n_domains && !rc; s->n++) {
		rc = read_site(g, &g->config->domains[s->n], &s->sites[s->n], e);
		if (rc)
			break;
	}
	if (rc) {
		while (s->n > 0)
			tls_site_deinit(&s->sites[--s->n]);
		free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

int reload_routes(struct gateway *g, const struct world *w, struct routes **ret, struct err *e)
{
	struct routes_builder *b = routes_builder_new(w->routes ? w->routes->routes : NULL);
	size_t i;
	int rc = g->config->routes ? routes_file_add(g->config->routes, b, e) : 0;

	for (i = 0; i < g->n_sources && !rc; i++)
		rc = g->sources[i].fn(b, g->sources[i].arg, e);
	if (rc) {
		routes_builder_free(b);
		return rc;
	}
	return routes_builder_finish(b, ret, e);
}

/* Without a file it is what the agent attested, which whoever asks it sets; at first nothing. */
static int read_info(const struct gateway *g, struct world *w, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(INFO_MAX), ca = BUF_MAX(0);
	int rc = 0;

	if (g->config->acme_info)
		rc = file_read(AT_FDCWD, g->config->acme_info, INFO_MAX, &b, e);
	if (rc && rc != -ENOENT)
		return rc;
	if (b.n)
		world_set_text(w, WORLD_ACME_INFO, b.p, b.n);
	else if (g->config->acme_info || !w->texts[WORLD_ACME_INFO])
		world_set_text(w, WORLD_ACME_INFO, nothing_to_tell, sizeof(nothing_to_tell) - 1);
	rc = dev_ca_is_used(g->config) ? dev_ca_read(g->config, &ca, e) : 0;
	if (!rc)
		world_set_text(w, WORLD_DEV_CA, ca.p, ca.n);
	return rc;
}

static int read_all(struct gateway *g, struct world *w, struct err *e, bool goes_on)
{
	struct world_sites *sites = NULL;
	struct routes *routes = NULL;
	int rc = read_sites(g, &sites, e), first = rc;

	if (!rc)
		world_set_sites(w, sites);
	else if (goes_on)
		log_error("gateway: certificates stay as they were: %s", e->text);
	if (rc && !goes_on)
		return rc;
	rc = reload_routes(g, w, &routes, e);
	if (!rc)
		world_set_routes(w, routes);
	else if (goes_on)
		log_error("gateway: routes stay as they were: %s", e->text);
	if (rc && !goes_on)
		return rc;
	first = first ? first : rc;
	rc = read_info(g, w, e);
	if (rc && goes_on)
		log_error("gateway: acme-info stays as it was: %s", e->text);
	return first ? first : rc;
}

static void watch(struct gateway *g, const char *path)
{
	if (path && g->n_files < GATEWAY_FILES_MAX)
		g->files[g->n_files++].path = path;
}

int reload_first(struct gateway *g, struct world *w, struct err *e)
{
	size_t i;

	for (i = 0; i < g->config->n_domains; i++) {
		watch(g, g->config->domains[i].certificate);
		watch(g, g->config->domains[i].key);
	}
	watch(g, g->config->routes);
	watch(g, g->config->acme_info);
	(void)dev_ca_ensure(g->config, NULL); /* what is wrong with it is said when all is read */
	(void)reload_is_due(g); /* before they are read: what changes meanwhile is read again */
	return read_all(g, w, e, false);
}

bool reload_is_due(struct gateway *g)
{
	bool is_due = false;
	struct stat st;
	size_t i;

	for (i = 0; i < g->n_files; i++) {
		struct gateway_file *f = &g->files[i];

		if (stat(f->path, &st) < 0)
			st = (struct stat){ .st_size = -1 };
		if (st.st_ino == f->inode && st.st_size == f->size &&
		    st.st_mtim.tv_sec == f->changed.tv_sec &&
		    st.st_mtim.tv_nsec == f->changed.tv_nsec)
			continue;
		is_due = true;
		f->inode = st.st_ino;
		f->size = st.st_size;
		f->changed = st.st_mtim;
	}
	return is_due;
}

bool reload_into(struct gateway *g, struct world *w, struct err *e)
{
	return read_all(g, w, e, true) == 0;
}

void reload_warn_of_ends(const struct gateway *g, const struct world_sites *s)
{
	int64_t now = (int64_t)(time_unix_ms() / 1000);
	size_t i;

	for (i = 0; i < s->n; i++) {
		const char *name = g->config->domains[i].name;

		if (s->sites[i].not_after <= now) {
			log_error("gateway: the certificate of %s has ended; clients refuse it: "
				  "put a new one in its place",
				  name);
		} else if (s->sites[i].not_after - now < SOON_S) {
			log_warn("gateway: the certificate of %s ends in %lld hours", name,
				 (long long)((s->sites[i].not_after - now) / 3600));
		}
	}
}
