/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/dev_ca.h"
#include "gateway/gateway.h"
#include "gateway/reload_report.h"
#include "gateway/routes.h"
#include "gateway/routes_file.h"
#include "gateway/world.h"

enum { SOON_S = 14 * 24 * 3600, INFO_MAX = 3 * 1024 * 1024 };

static const char nothing_to_tell[] =
	"{\"account_uri\":\"\",\"hist_keys\":[],\"quoted_hist_keys\":[],\"account_quote\":\"\","
	"\"account_attestation\":\"\"}";

static int read_site(const struct gw_config *c, const struct gw_domain *d, struct tls_site *ret,
		     struct err *e)
{
	auto_buf struct buf chain = BUF_MAX(TLS_SITE_PEM_MAX);
	auto_secret_buf struct buf key = BUF_MAX(0);
	struct tls_site_args a = { .domain = d->name, .is_13_only = c->is_13_only };
	int rc = file_read(AT_FDCWD, d->certificate, TLS_SITE_PEM_MAX, &chain, e);

	if (!rc)
		rc = file_read_secret(AT_FDCWD, d->key, TLS_SITE_PEM_MAX, &key, e);
	if (!rc) {
		a.chain_pem = chain.p;
		a.n_chain_pem = chain.n;
		a.key_pem = key.p;
		a.n_key_pem = key.n;
		rc = tls_site_init(&a, ret, e);
	}
	return rc;
}

static int read_sites(const struct gw_config *c, struct world_sites **ret, struct err *e)
{
	struct world_sites *s = xnew(struct world_sites);
	int rc = dev_ca_ensure(c, e);

	for (; s->n < c->n_domains && !rc; s->n++) {
		rc = read_site(c, &c->domains[s->n], &s->sites[s->n], e);
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
	int rc = w->config->routes ? routes_file_add(w->config->routes, b, e) : 0;

	for (i = 0; i < g->n_sources && !rc; i++)
		rc = g->sources[i].fn(b, g->sources[i].arg, e);
	if (rc) {
		routes_builder_free(b);
		return rc;
	}
	return routes_builder_finish(b, ret, e);
}

/* Without a file it is what the agent attested, which whoever asks it sets; at first nothing. */
static int read_info(struct world *w, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(INFO_MAX), ca = BUF_MAX(0);
	const struct gw_config *c = w->config;
	int rc = 0;

	if (c->acme_info)
		rc = file_read(AT_FDCWD, c->acme_info, INFO_MAX, &b, e);
	if (rc && rc != -ENOENT)
		return rc;
	if (b.n)
		world_set_text(w, WORLD_ACME_INFO, b.p, b.n);
	else if (c->acme_info || !w->texts[WORLD_ACME_INFO])
		world_set_text(w, WORLD_ACME_INFO, nothing_to_tell, sizeof(nothing_to_tell) - 1);
	rc = dev_ca_is_used(c) ? dev_ca_read(c, &ca, e) : 0;
	if (!rc)
		world_set_text(w, WORLD_DEV_CA, ca.p, ca.n);
	return rc;
}

int reload_open_access(const struct gw_config *c, int *ret, struct err *e)
{
	int fd = -1;

	if (c->access_log) {
		fd = open(c->access_log,
			  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0640);
		if (fd < 0)
			return err_errno(e, errno, "opening the access log '%s'", c->access_log);
	}
	*ret = fd;
	return 0;
}

struct list {
	struct gateway_file *files;
	size_t n;
};

static void look(struct gateway_file *f)
{
	struct stat st;

	if (stat(f->path, &st) < 0)
		st = (struct stat){ .st_size = -1 };
	f->inode = st.st_ino;
	f->size = st.st_size;
	f->changed = st.st_mtim;
}

/* One that was watched already is as it was last seen: what has changed since is seen by the next look. */
static void watch(const struct gateway *g, const char *path, struct list *ret)
{
	struct gateway_file *f = &ret->files[ret->n];
	size_t i;

	if (!path || ret->n == GATEWAY_FILES_MAX)
		return;
	ret->n++;
	for (i = 0; i < g->n_files; i++) {
		if (str_equal(g->files[i].path, path)) {
			*f = g->files[i];
			f->path = path;
			return;
		}
	}
	*f = (struct gateway_file){ .path = path };
	look(f);
}

/* Before they are read: what changes meanwhile is read again. */
static void watch_all(const struct gateway *g, const struct gw_config *c, struct list *ret)
{
	size_t i;

	watch(g, g->first->path, ret);
	watch(g, c->admin_rpc.token_file, ret);
	for (i = 0; i < c->n_domains; i++) {
		watch(g, c->domains[i].certificate, ret);
		watch(g, c->domains[i].key, ret);
	}
	watch(g, c->routes, ret);
	watch(g, c->acme_info, ret);
}

static void take_list(struct gateway *g, const struct list *l)
{
	memcpy(g->files, l->files, l->n * sizeof(*l->files));
	g->n_files = l->n;
}

int reload_first(struct gateway *g, struct world *w, struct err *e)
{
	struct gateway_file files[GATEWAY_FILES_MAX];
	struct list list = { files, 0 };
	struct world_sites *sites = NULL;
	struct routes *routes = NULL;
	int rc;

	(void)dev_ca_ensure(w->config, NULL); /* what is wrong with it is said when it is read */
	watch_all(g, w->config, &list);
	take_list(g, &list);
	rc = read_sites(w->config, &sites, e);
	if (rc)
		return rc;
	world_set_sites(w, sites);
	rc = reload_routes(g, w, &routes, e);
	if (rc)
		return rc;
	world_set_routes(w, routes);
	return read_info(w, e);
}

/* One try to read everything again. */
struct attempt {
	struct gateway *gateway;
	struct world *world; /* what it would be */
	struct reload_report *report;
	struct err e;
};

/* Something stays as it was. */
static void stays(struct attempt *a, const char *what)
{
	char text[sizeof(a->e.text) + 64];

	(void)snprintf(text, sizeof(text), "%s: %s", what, a->e.text);
	log_error("gateway: %s as they were: %s", what, a->e.text);
	words_add(&a->report->problems, text);
}

/* Nothing is changed, because of what @e says. */
static bool refuse(struct attempt *a)
{
	a->report->is_refused = true;
	words_add(&a->report->problems, a->e.text);
	log_error("gateway: nothing is changed: %s", a->e.text);
	return false;
}

static bool is_changed(const struct attempt *a, const char *key)
{
	size_t i, n = strlen(key);

	for (i = 0; i < a->report->changed.n; i++) {
		if (strncmp(a->report->changed.list[i], key, n) == 0)
			return true;
	}
	return false;
}

/* A file that does not let itself be read is not wrong: whoever we became may not look at it. */
static bool read_config(struct attempt *a)
{
	struct gateway *g = a->gateway;
	struct gw_config *c = NULL;
	int rc = gw_config_load(g->first->path, &c, &a->e);

	if (rc == ERR_INPUT || rc == ERR_LIMIT)
		return refuse(a);
	if (rc) {
		stays(a, "the configuration stays");
		return true;
	}
	rc = config_change_take(g->first, g->config, c, &a->report->changed,
				&a->report->needs_restart, &a->e);
	if (rc == 0 && a->report->changed.n)
		world_set_config(a->world, c);
	gw_config_unref(c);
	return rc == 0 || refuse(a);
}

static bool read_files(struct attempt *a)
{
	struct world *w = a->world;
	struct world_sites *sites = NULL;
	struct routes *routes = NULL;

	if (read_sites(w->config, &sites, &a->e) == 0)
		world_set_sites(w, sites);
	else if (is_changed(a, "domains") || is_changed(a, "tls."))
		return refuse(a);
	else
		stays(a, "certificates stay");
	if (reload_routes(a->gateway, w, &routes, &a->e) == 0)
		world_set_routes(w, routes);
	else if (is_changed(a, "routes"))
		return refuse(a);
	else
		stays(a, "routes stay");
	if (read_info(w, &a->e) == 0)
		return true;
	if (is_changed(a, "acme_info"))
		return refuse(a);
	stays(a, "acme-info stays");
	return true;
}

/* It was renamed or removed, so that we write what nobody sees. */
static bool has_moved(const struct world *w)
{
	struct stat now, ours;

	if (!w->access || !w->config->access_log)
		return false;
	return stat(w->config->access_log, &now) < 0 || fstat(w->access->fd, &ours) < 0 ||
	       now.st_ino != ours.st_ino || now.st_dev != ours.st_dev;
}

static bool open_access(struct attempt *a)
{
	bool is_other = is_changed(a, "access_log.file");
	int fd, rc;

	if (!is_other && !has_moved(a->world))
		return true;
	rc = reload_open_access(a->world->config, &fd, &a->e);
	if (rc && is_other)
		return refuse(a);
	if (rc)
		stays(a, "the access log stays");
	else
		world_set_access(a->world, fd);
	return true;
}

static void say_words(const struct words *w, const char *what)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		log_info("gateway: %s: %s", w->list[i], what);
}

/* From here on it is so. */
static void commit(struct attempt *a, const struct list *files)
{
	struct gateway *g = a->gateway;
	const struct gw_config *old = g->config;
	size_t i;

	gateway_publish(g, a->world);
	g->config = gw_config_ref(a->world->config);
	take_list(g, files);
	for (i = 0; i < g->n_reloaders; i++) {
		if (g->reloaders[i].fn(g->config, g->reloaders[i].arg, &a->e) < 0)
			stays(a, "some settings stay");
	}
	gw_config_unref(old);
	reload_warn_of_ends(g, a->world->sites);
	say_words(&a->report->changed, "has another value now");
	log_info("gateway: read its files again: %zu apps, %zu instances",
		 routes_n_apps(a->world->routes->routes),
		 routes_n_instances(a->world->routes->routes));
	log_set_level(g->config->log);
}

static void count(struct gateway *g, const struct reload_report *r)
{
	g->n_reloads++;
	g->n_failed_reloads += r->problems.n > 0;
	g->last_reload_s = time_unix_ms() / 1000;
	(void)snprintf(g->last_reload_error, sizeof(g->last_reload_error), "%s",
		       r->problems.n ? r->problems.list[0] : "");
	for (size_t i = 0; i < r->needs_restart.n; i++)
		log_warn("gateway: %s: its new value takes a restart, the old one goes on",
			 r->needs_restart.list[i]);
}

bool gateway_reload(struct gateway *g, struct reload_report *ret)
{
	struct gateway_file files[GATEWAY_FILES_MAX];
	struct list list = { files, 0 };
	struct reload_report r = { .is_refused = false };
	struct attempt a = { .gateway = g, .world = world_copy(gateway_world(g)), .report = &r };
	bool is_right = read_config(&a);

	if (is_right) {
		(void)dev_ca_ensure(a.world->config, NULL);
		watch_all(g, a.world->config, &list);
		is_right = read_files(&a) && open_access(&a);
	}
	if (is_right)
		commit(&a, &list);
	else
		world_free(a.world);
	count(g, &r);
	is_right = r.problems.n == 0;
	if (ret)
		*ret = r;
	else
		reload_report_deinit(&r);
	return is_right;
}

bool reload_is_due(struct gateway *g)
{
	bool is_due = false;
	size_t i;

	for (i = 0; i < g->n_files; i++) {
		struct gateway_file *f = &g->files[i], now = { .path = f->path };

		look(&now);
		if (now.inode == f->inode && now.size == f->size &&
		    now.changed.tv_sec == f->changed.tv_sec &&
		    now.changed.tv_nsec == f->changed.tv_nsec)
			continue;
		is_due = true;
		*f = now;
	}
	return is_due;
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
