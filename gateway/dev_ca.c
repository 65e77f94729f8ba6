/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key is written before its certificate, and never replaced: whatever was interrupted, the pair that is found next
 * time fits, or the certificate is made anew.
 */
#include "gateway/dev_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own_file.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/cert_write.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/x509.h"
#include "gateway/config.h"
#include "gateway/leaf.h"

#define DAY_S INT64_C(86400)

enum {
	CA_DAYS = 3650,
	LEAF_DAYS = 90,
	RENEW_DAYS = 30, /* before its end */
	PATH_SIZE = 1400,
	NAME_SIZE = 64,
	ALT_SIZE = 260,
	TEXT_MAX = 32 * 1024,
};

/* One certificate and its key: where they are, and what the certificate is to say. */
struct pair {
	char key_path[PATH_SIZE], cert_path[PATH_SIZE];
	struct p256_key key;
	struct buf cert; /* PEM */
	int64_t days;
	char name[NAME_SIZE]; /* of an authority; "": it does not matter */
};

static void pair_deinit(struct pair *p)
{
	p256_key_wipe(&p->key);
	buf_deinit(&p->cert);
}

static int make_key(struct pair *p, struct err *e)
{
	auto_secret_str char *pem = NULL;
	int rc = p256_key_random(&p->key, e);

	if (rc)
		return rc;
	pem = p256_key_pem(&p->key);
	return file_replace(AT_FDCWD, p->key_path, 0600, pem, strlen(pem), e);
}

static int read_key(struct pair *p, struct err *e)
{
	auto_secret_buf struct buf pem = BUF_MAX(0);
	struct err why = ERR_NONE;
	int rc = own_file_read(p->key_path, P256_READ_MAX, &pem, &why);

	if (rc == -ENOENT)
		return make_key(p, e);
	if (rc)
		return err_set(e, rc, "%s", why.text);
	rc = p256_key_from_pem((const char *)pem.p, pem.n, &p->key, e);
	return rc ? err_wrap(e, rc, "'%s'", p->key_path) : 0;
}

static int64_t now_s(void)
{
	return (int64_t)(time_unix_ms() / 1000);
}

static bool is_of_key(const struct pair *p)
{
	auto_buf struct buf spki = BUF_MAX(DEV_CA_PEM_MAX);
	uint8_t own[P256_SPKI];

	p256_key_spki(&p->key, own);
	return leaf_spki(p->cert.p, p->cert.n, &spki, NULL) == 0 && spki.n == sizeof(own) &&
	       memcmp(spki.p, own, sizeof(own)) == 0;
}

/* Does it carry the name that it has to have? */
static bool is_named(const struct pair *p)
{
	struct x509_cert *c = NULL;
	char name[NAME_SIZE] = "";
	bool is = !*p->name ||
		  (x509_cert_read(p->cert.p, p->cert.n, &c, NULL) == 0 &&
		   x509_cert_name(c, name, sizeof(name)) == 0 && str_equal(name, p->name));

	x509_cert_free(c);
	return is;
}

static bool is_signed_by(const struct pair *p, const struct pair *ca)
{
	struct x509_cert *c = NULL, *issuer = NULL;
	bool is = x509_cert_read(p->cert.p, p->cert.n, &c, NULL) == 0 &&
		  x509_cert_read(ca->cert.p, ca->cert.n, &issuer, NULL) == 0 &&
		  x509_cert_is_signed(c, issuer);

	x509_cert_free(c);
	x509_cert_free(issuer);
	return is;
}

/* Can the certificate that is there stay? */
static bool is_good(struct pair *p, const struct pair *ca)
{
	struct leaf_dates d;

	buf_deinit(&p->cert);
	return file_read(AT_FDCWD, p->cert_path, DEV_CA_PEM_MAX, &p->cert, NULL) == 0 &&
	       leaf_dates(p->cert.p, p->cert.n, &d, NULL) == 0 && d.from <= now_s() &&
	       d.until - now_s() > RENEW_DAYS * DAY_S && is_of_key(p) && is_named(p) &&
	       is_signed_by(p, ca ? ca : p);
}

/* @ca NULL: signed by itself. */
static int write_cert(struct pair *p, const struct pair *ca, struct cert_write_args *a,
		      struct err *e)
{
	uint8_t spki[P256_SPKI];
	int rc;

	p256_key_spki(&p->key, spki);
	a->key = ca ? spki : NULL;
	a->n_key = ca ? sizeof(spki) : 0;
	a->issuer_cert = ca ? (const char *)ca->cert.p : NULL;
	a->issuer_key = ca ? &ca->key : &p->key;
	a->not_before = now_s() - DAY_S; /* for clocks that are behind */
	a->not_after = now_s() + p->days * DAY_S;
	buf_deinit(&p->cert);
	p->cert = BUF_MAX(DEV_CA_PEM_MAX);
	rc = cert_write(a, &p->cert, e);
	return rc ? rc : file_replace(AT_FDCWD, p->cert_path, 0644, p->cert.p, p->cert.n, e);
}

/* Its domains, and a name that tells it from one of other domains or another key.  Return: how many domains. */
static size_t name_ca(const struct gw_config *c, struct pair *p, struct cert_text *names)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	char hex[2 * sizeof(struct digest256) + 1];
	uint8_t spki[P256_SPKI];
	struct digest256 d;
	size_t i, n = 0;

	p256_key_spki(&p->key, spki);
	(void)buf_add(&text, spki, sizeof(spki));
	for (i = 0; i < c->n_domains; i++) {
		const char *name = c->domains[i].name;

		if (!c->domains[i].is_dev)
			continue;
		(void)buf_addf(&text, "%s\n", name);
		names[n++] = (struct cert_text){ name, strlen(name) };
	}
	d = digest256_bytes(text.p, text.n);
	str_hex(hex, d.b, sizeof(d.b));
	(void)str_format(p->name, sizeof(p->name), "bailey-gateway development CA %.8s", hex);
	return n;
}

static int ensure_ca(const struct gw_config *c, struct pair *p, struct err *e)
{
	auto_free struct cert_text *names = xcalloc(GW_DOMAINS_MAX, sizeof(*names));
	struct cert_write_args a = { .is_ca = true, .path_length = 0, .permitted = names };
	int rc;

	p->days = CA_DAYS;
	if (str_format(p->key_path, PATH_SIZE, "%s/dev-ca.key", c->state) < 0 ||
	    str_format(p->cert_path, PATH_SIZE, "%s/dev-ca.pem", c->state) < 0)
		return err_set(e, ERR_INPUT, "state: the path is too long");
	rc = read_key(p, e);
	if (rc)
		return rc;
	a.n_permitted = name_ca(c, p, names);
	if (is_good(p, NULL))
		return 0;
	a.common_name = (struct cert_text){ p->name, strlen(p->name) };
	rc = write_cert(p, NULL, &a, e);
	if (!rc)
		log_info("gateway: made %s, whose certificates only who trusts it takes",
			 p->cert_path);
	return rc;
}

static int ensure_domain(const struct gw_domain *d, const struct pair *ca, struct err *e)
{
	struct pair p = { .days = LEAF_DAYS };
	char wildcard[ALT_SIZE];
	const struct cert_text names[] = { { wildcard, strlen(d->name) + 2 },
					   { d->name, strlen(d->name) } };
	struct cert_write_args a = { .alt_names = names,
				     .n_alt_names = sizeof(names) / sizeof(names[0]),
				     .for_server = true };
	int rc;

	if (str_copy(p.key_path, PATH_SIZE, d->key) < 0 ||
	    str_copy(p.cert_path, PATH_SIZE, d->certificate) < 0 ||
	    str_format(wildcard, sizeof(wildcard), "*.%s", d->name) < 0)
		return err_set(e, ERR_INPUT, "state: the path is too long");
	/* a common name has 64 characters at most, which a domain may exceed */
	a.common_name = strlen(wildcard) <= NAME_SIZE ? names[0]
						      : (struct cert_text){ "bailey-gateway", 14 };
	rc = read_key(&p, e);
	if (!rc && !is_good(&p, ca)) {
		rc = write_cert(&p, ca, &a, e);
		if (!rc) {
			log_info("gateway: the development CA signed a certificate for *.%s, good "
				 "for %d days",
				 d->name, LEAF_DAYS);
		}
	}
	pair_deinit(&p);
	return rc;
}

bool dev_ca_is_used(const struct gw_config *c)
{
	size_t i;

	for (i = 0; i < c->n_domains; i++) {
		if (c->domains[i].is_dev)
			return true;
	}
	return false;
}

static int make_folder(const struct gw_config *c, struct err *e)
{
	auto_close int dirfd = -1;
	char path[PATH_SIZE];
	int rc;

	if (str_format(path, sizeof(path), "%s/domains", c->state) < 0)
		return err_set(e, ERR_INPUT, "state: the path is too long");
	rc = file_mkdir_all(path, 0700, e);
	if (rc)
		return rc;
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd >= 0)
		(void)file_sweep(dirfd, NULL); /* what a crash left there */
	return 0;
}

int dev_ca_ensure(const struct gw_config *c, struct err *e)
{
	struct pair ca = { .days = CA_DAYS };
	size_t i;
	int rc;

	if (!dev_ca_is_used(c))
		return 0;
	rc = make_folder(c, e);
	if (!rc)
		rc = ensure_ca(c, &ca, e);
	for (i = 0; i < c->n_domains && !rc; i++) {
		if (c->domains[i].is_dev)
			rc = ensure_domain(&c->domains[i], &ca, e);
	}
	pair_deinit(&ca);
	return rc ? err_wrap(e, rc, "the development CA") : 0;
}

int dev_ca_read(const struct gw_config *c, struct buf *ret, struct err *e)
{
	char path[PATH_SIZE];

	if (!c->state || str_format(path, sizeof(path), "%s/dev-ca.pem", c->state) < 0)
		return err_set(e, ERR_MISSING, "there is no folder of a development CA");
	return file_read(AT_FDCWD, path, DEV_CA_PEM_MAX, ret, e);
}
