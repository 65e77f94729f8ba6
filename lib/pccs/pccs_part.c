/* SPDX-License-Identifier: Apache-2.0 */
#include "pccs/pccs_part.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "pccs/pccs_chain.h"
#include "pccs/pccs_cut.h"
#include "tee/tcb.h"

enum { SIGNATURE_DIGITS = 2 * ECDSA_P256_SIGNATURE };

static const struct {
	const char *name, *header;
	const char *member; /* NULL: a list */
} kinds[PCCS_KIND_COUNT] = {
	[PCCS_ROOT_CRL] = { "root CRL", NULL, NULL },
	[PCCS_PCK_CRL] = { "PCK CRL", "SGX-PCK-CRL-Issuer-Chain", NULL },
	[PCCS_TCB_INFO] = { "TCB info", "TCB-Info-Issuer-Chain", "tcbInfo" },
	[PCCS_QE_IDENTITY] = { "QE identity", "SGX-Enclave-Identity-Issuer-Chain",
			       "enclaveIdentity" },
};

const char *pccs_part_name(enum pccs_kind kind)
{
	return kinds[kind].name;
}

const char *pccs_part_header(enum pccs_kind kind)
{
	return kinds[kind].header;
}

void pccs_part_deinit(struct pccs_part *p)
{
	free(p->body);
	free(p->signature);
	free(p->chain);
	*p = PCCS_PART_NULL;
}

static int wrong(enum pccs_kind kind, const char *why, struct err *e)
{
	return err_set(e, ERR_PROTO, "the %s %s", kinds[kind].name, why);
}

/* The dates of a list that @part holds as hex. */
static int check_list(enum pccs_kind kind, struct pccs_part *part, struct err *e)
{
	size_t n = strlen(part->body) / 2;
	auto_free uint8_t *der = malloc(n + 1);
	struct x509_crl *crl = NULL;

	if (!der || str_unhex(der, n, part->body) < 0)
		return wrong(kind, "is neither DER nor hex", e);
	if (x509_crl_read(der, n, &crl, e) < 0)
		return wrong(kind, "is not a revocation list", e);
	part->from = x509_crl_from(crl);
	part->until = x509_crl_until(crl);
	x509_crl_free(crl);
	return 0;
}

static int check_document(enum pccs_kind kind, struct pccs_part *part, struct err *e)
{
	uint8_t signature[ECDSA_P256_SIGNATURE];
	json_t *j = NULL;
	bool is_dated;

	if (str_unhex(signature, sizeof(signature), part->signature) < 0)
		return wrong(kind, "has a signature that is not 64 bytes of hex", e);
	if (json_parse(part->body, strlen(part->body), PCCS_PART_MAX, "", &j, NULL) < 0)
		return wrong(kind, "is not JSON", e);
	is_dated = tcb_time(j, "issueDate", &part->from) && tcb_time(j, "nextUpdate", &part->until);
	json_decref(j);
	return is_dated ? 0 : wrong(kind, "has no dates", e);
}

/* A part ends with the certificates that stand for it. */
static int check_chain(enum pccs_kind kind, struct pccs_part *part, struct err *e)
{
	struct x509_chain chain;
	int64_t until;

	if (!kinds[kind].header)
		return 0;
	if (x509_chain_read(part->chain, strlen(part->chain), &chain, NULL) < 0)
		return wrong(kind, "comes without the chain of certificates that signed it", e);
	until = x509_chain_until(&chain);
	if (until < part->until)
		part->until = until;
	x509_chain_deinit(&chain);
	return 0;
}

static int check(enum pccs_kind kind, struct pccs_part *part, struct err *e)
{
	int rc;

	assert(part->body && (part->signature || !kinds[kind].member));
	rc = kinds[kind].member ? check_document(kind, part, e) : check_list(kind, part, e);

	return rc < 0 ? rc : check_chain(kind, part, e);
}

static char *text_of(const char *p, size_t n)
{
	char *s = xcalloc(1, n + 1);

	memcpy(s, p, n);
	return s;
}

/* DER begins with a SEQUENCE, 0x30, and no hex of that does: "3" is 0x33. */
static int take_list(enum pccs_kind kind, const char *p, size_t n, struct pccs_part *part,
		     struct err *e)
{
	bool is_der = n > 0 && *p == 0x30;

	while (!is_der && n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (n == 0 || (!is_der && memchr(p, 0, n)))
		return wrong(kind, "is empty, or other bytes", e);
	if (!is_der) {
		part->body = text_of(p, n);
		return 0;
	}
	part->body = xcalloc(2, n + 1);
	str_hex(part->body, p, n);
	return 0;
}

/* That the whole is JSON makes what is cut out of it the member that a parser sees. */
static int take_document(enum pccs_kind kind, const char *p, size_t n, struct pccs_part *part,
			 struct err *e)
{
	struct err why = ERR_NONE;
	struct pccs_cut cut;
	json_t *j = NULL;
	int rc = json_parse(p, n, PCCS_PART_MAX, "the answer", &j, &why);

	json_decref(j);
	if (rc < 0) {
		char shown[128];

		return err_set(e, ERR_PROTO, "the %s is not JSON: %s", kinds[kind].name,
			       str_escape(shown, sizeof(shown), why.text, strlen(why.text)));
	}
	if (pccs_cut(p, n, kinds[kind].member, &cut) < 0)
		return err_set(e, ERR_PROTO, "the %s has no object \"%s\" with a \"signature\"",
			       kinds[kind].name, kinds[kind].member);
	part->body = text_of(cut.text, cut.n_text);
	part->signature = text_of(cut.signature, cut.n_signature);
	return 0;
}

int pccs_part_answer(enum pccs_kind kind, const void *p, size_t n, const char *chain,
		     struct pccs_part *ret, struct err *e)
{
	struct pccs_part part = PCCS_PART_NULL;
	ssize_t n_chain;
	int rc;

	part.chain = xcalloc(1, PCCS_CHAIN_MAX);
	n_chain = pccs_chain_decode(chain, strlen(chain), part.chain);
	if (n_chain < 0) {
		rc = wrong(kind,
			   "has a chain of certificates that is not URL-encoded PEM of at most "
			   "32 KiB",
			   e);
	} else if (kinds[kind].member) {
		rc = take_document(kind, p, n, &part, e);
	} else {
		rc = take_list(kind, p, n, &part, e);
	}
	if (rc == 0)
		rc = check(kind, &part, e);
	if (rc < 0)
		pccs_part_deinit(&part);
	else
		*ret = part;
	return rc;
}

char *pccs_part_file(const struct pccs_part *p, const char *url)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "url", url, "body", p->body, "signature",
			      p->signature ? p->signature : "", "chain", p->chain);
	char *text = j ? json_compact(j) : NULL;

	json_decref(j);
	return text;
}

int pccs_part_read(enum pccs_kind kind, const void *p, size_t n, const char *url,
		   struct pccs_part *ret, struct err *e)
{
	struct pccs_part part = PCCS_PART_NULL;
	json_t *j = NULL;
	int rc = json_parse(p, n, PCCS_PART_FILE_MAX, "the cached part", &j, e);

	if (rc < 0)
		return rc;
	part.body = xstrdup(json_get_str(j, "body", ""));
	part.signature = xstrdup(json_get_str(j, "signature", ""));
	part.chain = xstrdup(json_get_str(j, "chain", ""));
	rc = str_equal(json_get_str(j, "url", ""), url)
		     ? check(kind, &part, e)
		     : wrong(kind, "in the cache is of another address", e);
	json_decref(j);
	if (rc < 0)
		pccs_part_deinit(&part);
	else
		*ret = part;
	return rc;
}
