/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an SGX provider's quote vouches for is the sealed key alone, as its report data has it.  An old answer
 * of it is useless all the same: the box is sealed to a key pair that lives for one request.
 */
#include "tee/provider_check.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/sealed_box.h"
#include "crypto/x509.h"
#include "tee/collateral.h"
#include "tee/quote_verify.h"
#include "tee/root.h"
#include "wire/provider_answer.h"

enum { SGX_QUOTE_VERSION = 3, PIN_SHOWN = 64 };

_Static_assert((int)PROVIDER_ANSWER_SPKI_SIZE == (int)P256_SPKI, "one form of a key");
_Static_assert((int)PROVIDER_BOX_SIZE == (int)SECRET_SIZE + (int)SEALED_BOX_OVERHEAD,
	       "a box of one key");

uint32_t provider_check_accept(void)
{
	return 1u << TCB_UP_TO_DATE | 1u << TCB_SW_HARDENING | 1u << TCB_CONFIG |
	       1u << TCB_CONFIG_SW_HARDENING;
}

/* Its own words, so that an operator can pin what was found. */
static int check_pin(const struct provider_check_args *a, const uint8_t id[static PROVIDER_ID_SIZE],
		     const char *what, struct err *e)
{
	char is[2 * PROVIDER_ID_SIZE + 1], wanted[2 * PIN_SHOWN + 1] = "";

	str_hex(is, id, PROVIDER_ID_SIZE);
	if (a->n_pin == 0 && a->may_be_unpinned)
		return 0;
	if (a->n_pin == 0) {
		return err_set(e, ERR_INPUT,
			       "the compose does not say which key provider may know this app's "
			       "keys: pin %s %s as key_provider_id, or say key_provider_unpinned",
			       what, is);
	}
	if (a->n_pin == PROVIDER_ID_SIZE && memcmp(a->pin, id, PROVIDER_ID_SIZE) == 0)
		return 0;
	if (a->n_pin <= PIN_SHOWN)
		str_hex(wanted, a->pin, a->n_pin);
	return err_set(e, ERR_INPUT, "Unexpected key provider id: %s, expected: %s%s", is, wanted,
		       *wanted ? "" : "one of another length");
}

static int check_ours(const struct provider_check_args *a, uint8_t id[static PROVIDER_ID_SIZE],
		      struct err *e)
{
	struct digest256 key = digest256_bytes(a->encrypted_key, a->n_encrypted_key),
			 quote = digest256_bytes(a->quote, a->n_quote), found;
	uint8_t message[PROVIDER_ANSWER_MESSAGE_SIZE];
	struct provider_answer p;
	int rc;

	if (provider_answer_parse(a->provider_quote, a->n_provider_quote, &p) < 0)
		return err_set(e, ERR_PROTO, "the key provider's answer is cut off, or too long");
	found = digest256_bytes(p.spki, PROVIDER_ANSWER_SPKI_SIZE);
	rc = check_pin(a, found.b, "bailey-key-provider", e);
	if (rc < 0)
		return rc;
	provider_answer_message(key.b, quote.b, message);
	if (!p256_verify(p.spki, PROVIDER_ANSWER_SPKI_SIZE, p.signature, p.n_signature, message,
			 sizeof(message))) {
		return err_set(e, ERR_PROTO,
			       "the key provider did not sign this key for this quote");
	}
	memcpy(id, found.b, PROVIDER_ID_SIZE);
	return 0;
}

static int verify_quote(const struct provider_check_args *a, const struct collateral *c,
			const struct x509_cert *root, struct err *e)
{
	struct quote_result r;
	const struct quote_verify_args args = {
		.quote = a->provider_quote,
		.n_quote = a->n_provider_quote,
		.collateral = c,
		.root = root,
		.at = a->at,
		.policy = QUOTE_POLICY_STRICT,
		.accept = a->accept ? a->accept : provider_check_accept(),
	};

	if (quote_verify(&args, &r))
		return 0;
	return err_set(e, ERR_PROTO,
		       "the key provider's SGX quote is refused: %s: expected %s, got %s", r.check,
		       r.expected, r.got);
}

static int verify_with_collateral(const struct provider_check_args *a, const struct quote *q,
				  struct err *e)
{
	auto_buf struct buf text = BUF_MAX(COLLATERAL_MAX);
	struct collateral c = COLLATERAL_NULL;
	struct x509_cert *intel = NULL;
	int rc = a->collateral ? a->collateral(a->arg, q, &text, e)
			       : err_set(e, ERR_MISSING, "nobody to ask for it");

	if (rc == 0)
		rc = collateral_parse(text.p, text.n, &c, e);
	if (rc < 0)
		return err_wrap(e, rc, "the collateral of the key provider's SGX quote");
	if (!a->root)
		intel = root_intel();
	rc = verify_quote(a, &c, a->root ? a->root : intel, e);
	x509_cert_free(intel);
	collateral_deinit(&c);
	return rc;
}

static int check_sgx(const struct provider_check_args *a, uint8_t id[static PROVIDER_ID_SIZE],
		     struct err *e)
{
	struct digest256 key = digest256_bytes(a->encrypted_key, a->n_encrypted_key);
	static const uint8_t zeros[PROVIDER_ID_SIZE];
	enum quote_verdict v;
	struct quote q;
	int rc;

	v = quote_parse(a->provider_quote, a->n_provider_quote, &q);
	if (v != QUOTE_OK)
		return err_set(e, ERR_PROTO, "the key provider's quote: %s", quote_verdict_text(v));
	if (q.version != SGX_QUOTE_VERSION || q.body != QUOTE_BODY_SGX)
		return err_set(e, ERR_PROTO,
			       "the key provider's quote is no SGX quote of version 3");
	rc = check_pin(a, q.sgx.mr_enclave, "MRENCLAVE", e);
	if (rc < 0)
		return rc;
	if (memcmp(q.sgx.report_data, key.b, sizeof(key.b)) != 0 ||
	    memcmp(q.sgx.report_data + sizeof(key.b), zeros, sizeof(zeros)) != 0) {
		return err_set(e, ERR_PROTO,
			       "Invalid key hash: the key provider's quote is for another key");
	}
	rc = verify_with_collateral(a, &q, e);
	if (rc == 0)
		memcpy(id, q.sgx.mr_enclave, PROVIDER_ID_SIZE);
	return rc;
}

static int open_box(const struct provider_check_args *a, struct secret32 *ret, struct err *e)
{
	if (sealed_box_open(a->secret, a->encrypted_key, a->n_encrypted_key, ret->b, NULL) < 0)
		return err_set(e, ERR_CRYPTO,
			       "the key provider sealed a key that this guest cannot open");
	return 0;
}

int provider_check(const struct provider_check_args *a, struct provider_found *ret, struct err *e)
{
	bool is_ours = provider_answer_is(a->provider_quote, a->n_provider_quote);
	auto_secret struct secret32 key = { .b = { 0 } };
	uint8_t id[PROVIDER_ID_SIZE];
	int rc;

	if (a->n_encrypted_key != PROVIDER_BOX_SIZE) {
		return err_set(e, ERR_PROTO,
			       "Invalid sealing key length: the key provider sealed %zu bytes, "
			       "not %d",
			       a->n_encrypted_key, PROVIDER_BOX_SIZE);
	}
	rc = is_ours ? check_ours(a, id, e) : check_sgx(a, id, e);
	if (rc == 0)
		rc = open_box(a, &key, e);
	if (rc < 0)
		return rc;
	ret->kind = is_ours ? PROVIDER_BAILEY : PROVIDER_SGX;
	memcpy(ret->id, id, sizeof(ret->id));
	ret->key = key;
	return 0;
}
