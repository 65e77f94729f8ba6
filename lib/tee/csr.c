/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/csr.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/str.h"
#include "crypto/p256.h"
#include "wire/scale.h"

static bool is_text(const struct csr_bytes *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->p[i] < ' ' || t->p[i] == 0x7f)
			return false;
	}
	return str_is_utf8(t->p, t->n);
}

static struct csr_bytes read_bytes(struct rd *r, size_t max)
{
	struct csr_bytes b = { NULL, 0 };

	b.p = scale_bytes(r, &b.n);
	if (b.n > max)
		r->failed = true;
	return r->failed ? (struct csr_bytes){ NULL, 0 } : b;
}

static struct csr_bytes read_text(struct rd *r, size_t max)
{
	struct csr_bytes b = read_bytes(r, max);

	if (!r->failed && !is_text(&b))
		r->failed = true;
	return b;
}

static void read_names(struct rd *r, struct csr *c)
{
	size_t i;

	c->has_organisation = scale_bool(r);
	if (c->has_organisation)
		c->organisation = read_text(r, CSR_TEXT_MAX);
	c->subject = read_text(r, CSR_TEXT_MAX);
	c->n_alt_names = scale_compact(r);
	if (c->n_alt_names > CSR_ALT_NAMES_MAX)
		r->failed = true;
	for (i = 0; !r->failed && i < c->n_alt_names; i++)
		c->alt_names[i] = read_text(r, CSR_ALT_NAME_MAX);
}

static void read_time(struct rd *r, bool *ret_has, uint64_t *ret)
{
	*ret_has = scale_bool(r);
	if (*ret_has)
		*ret = rd_le64(r);
}

int csr_parse(enum csr_version version, const void *p, size_t n, struct csr *ret, struct err *e)
{
	struct rd r = rd_over(p, n);
	struct csr c = { .version = version };

	if (version != CSR_V1 && version != CSR_V2)
		return err_set(e, ERR_PROTO, "Unsupported API version: %u", (unsigned int)version);
	if (n > CSR_SIZE_MAX)
		return err_set(e, ERR_PROTO, "Failed to parse csr: more than %d bytes",
			       CSR_SIZE_MAX);
	c.confirm = read_text(&r, CSR_TEXT_MAX);
	c.key = read_bytes(&r, CSR_KEY_MAX);
	read_names(&r, &c);
	c.wants_server_auth = scale_bool(&r);
	c.wants_client_auth = scale_bool(&r);
	c.wants_quote = scale_bool(&r);
	if (version == CSR_V1) {
		c.quote = read_bytes(&r, CSR_SIZE_MAX);
		c.event_log = read_bytes(&r, CSR_SIZE_MAX);
	} else {
		c.wants_app_info = scale_bool(&r);
		read_time(&r, &c.has_not_before, &c.not_before);
		read_time(&r, &c.has_not_after, &c.not_after);
		c.attestation.n = rd_left(&r);
		c.attestation.p = rd_take(&r, c.attestation.n);
	}
	if (!rd_done(&r)) {
		return err_set(e, ERR_PROTO, "Failed to parse csr: %s",
			       r.failed ? "a part is cut off, too long or has no form that is known"
					: "bytes follow its end");
	}
	*ret = c;
	return 0;
}

int csr_check(enum csr_version version, const void *p, size_t n, const void *signature,
	      size_t n_signature, struct csr *ret, struct err *e)
{
	struct csr c = { .version = version };
	int rc = csr_parse(version, p, n, &c, e);

	if (rc < 0)
		return rc;
	if (n_signature > CSR_SIGNATURE_MAX ||
	    !p256_verify(c.key.p, c.key.n, signature, n_signature, p, n))
		return err_set(e, ERR_PROTO, "Failed to verify csr signature: Invalid signature");
	if (c.confirm.n != strlen(CSR_CONFIRM) ||
	    memcmp(c.confirm.p, CSR_CONFIRM, c.confirm.n) != 0)
		return err_set(e, ERR_PROTO, "Invalid confirm word");
	*ret = c;
	return 0;
}

/* What csr_parse() would not read is not written. */
static bool is_fit(const struct csr *c)
{
	size_t i;
	bool fits = c->confirm.n <= CSR_TEXT_MAX && c->key.n <= CSR_KEY_MAX &&
		    c->subject.n <= CSR_TEXT_MAX && is_text(&c->subject) &&
		    c->organisation.n <= CSR_TEXT_MAX && is_text(&c->organisation) &&
		    c->n_alt_names <= CSR_ALT_NAMES_MAX;

	for (i = 0; fits && i < c->n_alt_names; i++)
		fits = c->alt_names[i].n <= CSR_ALT_NAME_MAX && is_text(&c->alt_names[i]);
	return fits;
}

static int add(struct buf *b, const struct csr_bytes *v)
{
	return scale_add_bytes(b, v->p, v->n);
}

static int add_time(struct buf *b, bool has, uint64_t v)
{
	int rc = scale_add_bool(b, has);

	return rc == 0 && has ? scale_add_le64(b, v) : rc;
}

static int add_names(struct buf *b, const struct csr *c)
{
	int rc = scale_add_bool(b, c->has_organisation);
	size_t i;

	if (rc == 0 && c->has_organisation)
		rc = add(b, &c->organisation);
	if (rc == 0)
		rc = add(b, &c->subject);
	if (rc == 0)
		rc = scale_add_compact(b, c->n_alt_names);
	for (i = 0; rc == 0 && i < c->n_alt_names; i++)
		rc = add(b, &c->alt_names[i]);
	return rc;
}

static int add_rest(struct buf *b, const struct csr *c)
{
	int rc;

	if (c->version == CSR_V1) {
		rc = add(b, &c->quote);
		return rc == 0 ? add(b, &c->event_log) : rc;
	}
	rc = scale_add_bool(b, c->wants_app_info);
	if (rc == 0)
		rc = add_time(b, c->has_not_before, c->not_before);
	if (rc == 0)
		rc = add_time(b, c->has_not_after, c->not_after);
	return rc == 0 ? buf_add(b, c->attestation.p, c->attestation.n) : rc;
}

int csr_write(const struct csr *c, struct buf *ret, struct err *e)
{
	static const struct csr_bytes usual = { (const uint8_t *)CSR_CONFIRM,
						sizeof(CSR_CONFIRM) - 1 };
	int rc;

	if ((c->version != CSR_V1 && c->version != CSR_V2) || !is_fit(c)) {
		return err_set(e, ERR_INPUT,
			       "certificate request: a name is too long or no text, or there are "
			       "too many");
	}
	rc = add(ret, c->confirm.p ? &c->confirm : &usual);
	if (rc == 0)
		rc = add(ret, &c->key);
	if (rc == 0)
		rc = add_names(ret, c);
	if (rc == 0)
		rc = scale_add_bool(ret, c->wants_server_auth);
	if (rc == 0)
		rc = scale_add_bool(ret, c->wants_client_auth);
	if (rc == 0)
		rc = scale_add_bool(ret, c->wants_quote);
	if (rc == 0)
		rc = add_rest(ret, c);
	return rc < 0 ? err_set(e, rc, "certificate request: too long") : 0;
}

int csr_sign(const void *p, size_t n, const struct p256_key *key, struct buf *ret, struct err *e)
{
	uint8_t der[P256_SIGNATURE_MAX];
	int n_der = p256_sign(key, p, n, der, e);

	if (n_der < 0)
		return n_der;
	return buf_add(ret, der, (size_t)n_der) < 0
		       ? err_set(e, -ENOMEM, "certificate request: no room for its signature")
		       : 0;
}
