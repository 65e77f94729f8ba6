/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/register_attested.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/ratls.h"
#include "crypto/x509.h"
#include "gateway/config.h"
#include "gateway/register_request.h"
#include "tee/boot_info.h"
#include "tee/collateral.h"
#include "tee/known.h"
#include "tee/measurement.h"
#include "tee/peer_verify.h"
#include "tee/root.h"

enum { ROOT_FILE_MAX = 64 * 1024, KNOWN = 64 };

/* Who is believed, and what its files were when they were last read. */
struct platform {
	struct x509_cert *root;
	struct collateral collateral;
	bool has;
	struct err fault; /* why there is no collateral */
	struct timespec changed;
	off_t size;
};

struct register_attested {
	const struct gw_registration *c;
	pthread_mutex_t lock; /* of what follows */
	struct platform platforms[GW_ATTESTED_MAX];
	struct known *known;
};

static int read_root(const char *path, struct x509_cert **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(ROOT_FILE_MAX);
	int rc;

	if (!path) {
		*ret = root_intel();
		return 0;
	}
	rc = file_read(AT_FDCWD, path, ROOT_FILE_MAX, &b, e);
	if (rc == 0)
		rc = x509_cert_read(b.p, b.n, ret, e);
	return rc < 0 ? err_wrap(e, rc, "registration.attested: root '%s'", path) : 0;
}

/* Again if it is another file than the one that was read. */
static void read_collateral(const char *path, struct platform *p)
{
	auto_buf struct buf b = BUF_MAX(COLLATERAL_MAX);
	struct stat st;

	if (stat(path, &st) < 0)
		st = (struct stat){ .st_size = -1 };
	if (p->has && st.st_size == p->size && st.st_mtim.tv_sec == p->changed.tv_sec &&
	    st.st_mtim.tv_nsec == p->changed.tv_nsec)
		return;
	if (p->has)
		collateral_deinit(&p->collateral);
	p->fault = ERR_NONE;
	p->size = st.st_size;
	p->changed = st.st_mtim;
	p->has = file_read(AT_FDCWD, path, COLLATERAL_MAX, &b, &p->fault) == 0 &&
		 collateral_parse(b.p, b.n, &p->collateral, &p->fault) == 0;
}

int register_attested_new(const struct gw_registration *c, struct register_attested **ret,
			  struct err *e)
{
	struct register_attested *a;
	size_t i;
	int rc = 0;

	*ret = NULL;
	if (c->n_attested == 0)
		return 0;
	a = xnew(struct register_attested);
	a->c = c;
	a->known = known_new(KNOWN);
	(void)pthread_mutex_init(&a->lock, NULL);
	for (i = 0; i < c->n_attested && !rc; i++)
		rc = read_root(c->attested[i].root, &a->platforms[i].root, e);
	if (rc) {
		register_attested_free(a);
		return rc;
	}
	*ret = a;
	return 0;
}

void register_attested_free(struct register_attested *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < GW_ATTESTED_MAX; i++) {
		x509_cert_free(a->platforms[i].root);
		if (a->platforms[i].has)
			collateral_deinit(&a->platforms[i].collateral);
	}
	known_free(a->known);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}

/* By the first that believes it; peer_verify() says why if none does, in the words of the last. */
static void verify_quote(struct register_attested *a, struct peer *p)
{
	size_t i;

	for (i = 0; i < a->c->n_attested; i++) {
		struct platform *at = &a->platforms[i];
		struct peer_quote_args args = { .root = at->root,
						.at = (int64_t)(time_unix_ms() / 1000),
						.accept = a->c->attested_accept,
						.known = a->known };

		read_collateral(a->c->attested[i].collateral, at);
		args.collateral = at->has ? &at->collateral : NULL;
		args.collateral_fault = at->fault.text;
		if (peer_quote(p, &args))
			return;
	}
}

/* How QEMU adds pages depends on its version, which nobody vouches for: one of the two must be what was measured. */
static int verify(struct register_attested *a, const struct ratls *r, struct peer *p,
		  struct boot_info *ret, struct err *e)
{
	auto_free struct measurement *m = xnew(struct measurement);
	struct peer_verify_args args = { .key = r->key.p, .n_key = r->key.n, .is_booting = true };
	struct err why = ERR_NONE;
	int rc = ERR_PROTO, pass;

	verify_quote(a, p);
	args.measurement_fault = why.text;
	for (pass = 0; pass < 2 && rc; pass++) {
		args.measurement = NULL;
		if (!p->quote->check && peer_measure(p, pass == 0, m, &why) == 0)
			args.measurement = m;
		rc = peer_verify(p, &args, ret, NULL, e);
	}
	return rc;
}

static void tell(const struct boot_info *b, struct register_asker *ret)
{
	*ret = (struct register_asker){ .has_attestation = true };
	str_hex(ret->app_id, b->app_id, sizeof(b->app_id));
	str_hex(ret->id, b->instance_id, b->n_instance_id);
	str_hex(ret->compose_hash, b->compose_hash, sizeof(b->compose_hash));
}

static int ask(struct register_attested *a, const struct ratls *r, struct register_asker *ret,
	       struct err *e)
{
	auto_boot_info struct boot_info info = BOOT_INFO_NULL;
	struct peer *p = NULL;
	int rc = peer_read(r->attestation.p, r->attestation.n, NULL, &p, e);

	if (rc == 0) {
		(void)pthread_mutex_lock(&a->lock);
		rc = verify(a, r, p, &info, e);
		(void)pthread_mutex_unlock(&a->lock);
	}
	peer_free(p);
	if (rc == 0)
		tell(&info, ret);
	return rc ? err_wrap(e, rc, "invalid quote") : 0;
}

int register_attested_ask(struct register_attested *a, const void *cert, size_t n,
			  struct register_asker *ret, struct err *e)
{
	struct register_asker said, shown;
	struct ratls r = { .usage = "" };
	int rc = register_asker_read(cert, n, &said, e);

	if (!rc)
		rc = ratls_read(cert, n, &r, e);
	if (rc)
		return rc;
	rc = ask(a, &r, &shown, e);
	ratls_deinit(&r);
	if (rc == 0 && said.has_info &&
	    (!str_equal(said.id, shown.id) || !str_equal(said.app_id, shown.app_id) ||
	     !str_equal(said.compose_hash, shown.compose_hash)))
		rc = err_set(e, ERR_INPUT,
			     "the certificate is of two: its attestation is not its app info's");
	if (rc == 0)
		*ret = shown;
	return rc;
}
