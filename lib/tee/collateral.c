/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/collateral.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

static int member(const json_t *j, const char *key, const char **ret, struct err *e)
{
	const json_t *v = json_object_get(j, key);

	*ret = json_string_value(v);
	if (!*ret)
		return err_set(e, ERR_INPUT, "collateral: no text \"%s\"", key);
	if (strlen(*ret) != json_string_length(v))
		return err_set(e, ERR_INPUT, "collateral: a NUL in \"%s\"", key);
	return 0;
}

static int read_crl(const json_t *j, const char *key, struct x509_crl **ret, struct err *e)
{
	auto_free uint8_t *der = NULL;
	const char *hex;
	size_t n;
	int rc = member(j, key, &hex, e);

	if (rc < 0)
		return rc;
	n = strlen(hex) / 2;
	der = xcalloc(1, n + 1);
	rc = str_unhex(der, n, hex) < 0 ? err_set(e, ERR_INPUT, "not hex")
					: x509_crl_read(der, n, ret, e);
	return rc < 0 ? err_wrap(e, ERR_INPUT, "collateral: %s", key) : 0;
}

/* A chain copied out of a quote has the quote's NUL behind it. */
static int read_chain(const json_t *j, const char *key, const struct x509_chain *beside,
		      struct x509_chain *ret, struct err *e)
{
	const json_t *v = json_object_get(j, key);
	int rc;

	if (!json_is_string(v))
		return err_set(e, ERR_INPUT, "collateral: no text \"%s\"", key);
	rc = x509_chain_read_beside(json_string_value(v), json_string_length(v), beside, ret, e);
	return rc < 0 ? err_wrap(e, rc, "collateral: %s", key) : 0;
}

static int read_document(const json_t *j, const char *name, const struct x509_chain *beside,
			 struct collateral_document *ret, struct err *e)
{
	char signature[64], chain[64];
	const char *text = "", *hex = "";
	int rc = member(j, name, &text, e);

	(void)str_format(signature, sizeof signature, "%s_signature", name);
	(void)str_format(chain, sizeof chain, "%s_issuer_chain", name);
	if (rc == 0)
		rc = member(j, signature, &hex, e);
	if (rc == 0)
		rc = read_chain(j, chain, beside, &ret->signer, e);
	if (rc < 0)
		return rc;
	if (str_unhex(ret->signature, sizeof ret->signature, hex) < 0)
		return err_set(e, ERR_INPUT, "collateral: %s is not 64 bytes of hex", signature);
	ret->text = xstrdup(text);
	return 0;
}

int collateral_parse(const void *p, size_t n, struct collateral *ret, struct err *e)
{
	struct collateral c = COLLATERAL_NULL;
	json_t *j = NULL;
	int rc = json_parse_with_nul(p, n, COLLATERAL_MAX, "collateral", &j, e);

	if (rc < 0)
		return rc;
	rc = read_crl(j, "root_ca_crl", &c.root_crl, e);
	if (rc == 0)
		rc = read_crl(j, "pck_crl", &c.pck_crl, e);
	if (rc == 0)
		rc = read_chain(j, "pck_crl_issuer_chain", NULL, &c.pck_crl_issuer, e);
	if (rc == 0)
		rc = read_document(j, "tcb_info", &c.pck_crl_issuer, &c.tcb_info, e);
	if (rc == 0)
		rc = read_document(j, "qe_identity", &c.tcb_info.signer, &c.qe_identity, e);
	json_decref(j);
	if (rc < 0) {
		collateral_deinit(&c);
		return rc;
	}
	c.digest = digest256_bytes(p, n);
	*ret = c;
	return 0;
}

void collateral_deinit(struct collateral *c)
{
	x509_crl_free(c->root_crl);
	x509_crl_free(c->pck_crl);
	x509_chain_deinit(&c->pck_crl_issuer);
	free(c->tcb_info.text);
	free(c->qe_identity.text);
	x509_chain_deinit(&c->tcb_info.signer);
	x509_chain_deinit(&c->qe_identity.signer);
	*c = COLLATERAL_NULL;
}
