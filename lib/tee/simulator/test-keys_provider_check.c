/* SPDX-License-Identifier: Apache-2.0 */
/* A guest before the answers of key providers: of an enclave, of ours, and of whoever else */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "crypto/p256.h"
#include "crypto/sealed_box.h"
#include "simulator/test_world.h"
#include "tee/provider_check.h"
#include "tee/root.h"
#include "wire/provider_answer.h"

enum { QUOTE_SIZE = 64 };

/* One request and its answer, right in all things. */
struct deal {
	struct world w;
	struct simulator_enclave enclave;
	struct p256_key signer;
	struct secret32 secret, key;
	uint8_t recipient[X25519_PUBLIC], quote[QUOTE_SIZE], box[PROVIDER_BOX_SIZE + 1], pin[32];
	struct buf answer;
	struct provider_check_args args;
	unsigned int n_collaterals;
	int collateral_rc;
};

static int collateral(void *arg, const struct quote *q, struct buf *ret, struct err *e)
{
	struct deal *d = arg;

	d->n_collaterals++;
	assert(q->version == 3 && q->body == QUOTE_BODY_SGX);
	if (d->collateral_rc)
		return err_set(e, d->collateral_rc, "no PCCS");
	*ret = BUF_MAX(COLLATERAL_MAX);
	return simulator_enclave_collateral(d->w.sim, WORLD_NOW, ret);
}

static void deal_init(struct deal *d)
{
	*d = (struct deal){ .n_collaterals = 0 };
	world_init(&d->w, NULL, NULL);
	simulator_enclave_init(&d->enclave);
	memset(d->enclave.mr_enclave.b, 0xee, 32);
	assert(p256_key_random(&d->signer, NULL) == 0);
	secret_random(&d->secret, sizeof(d->secret));
	memset(d->key.b, 0x4b, sizeof(d->key.b));
	memset(d->quote, 0x71, sizeof(d->quote));
	assert(x25519_public(&d->secret, d->recipient, NULL) == 0);
	assert(sealed_box_seal(d->recipient, d->key.b, 32, d->box, NULL) == 0);
	d->args = (struct provider_check_args){ .encrypted_key = d->box,
						.n_encrypted_key = PROVIDER_BOX_SIZE,
						.quote = d->quote,
						.n_quote = sizeof(d->quote),
						.secret = &d->secret,
						.pin = d->pin,
						.n_pin = sizeof(d->pin),
						.collateral = collateral,
						.arg = d,
						.root = d->w.root,
						.at = WORLD_NOW };
}

static void deal_deinit(struct deal *d)
{
	buf_deinit(&d->answer);
	world_deinit(&d->w);
}

static void use(struct deal *d)
{
	d->args.provider_quote = d->answer.p;
	d->args.n_provider_quote = d->answer.n;
}

/* What an enclave answers, and the pin of it. */
static void by_enclave(struct deal *d)
{
	struct digest256 hash = digest256_bytes(d->box, d->args.n_encrypted_key);

	memcpy(d->enclave.report_data, hash.b, sizeof(hash.b));
	buf_deinit(&d->answer);
	d->answer = BUF_MAX(SIMULATOR_QUOTE_MAX);
	assert(simulator_enclave_quote(d->w.sim, &d->enclave, &d->answer) == 0);
	memcpy(d->pin, d->enclave.mr_enclave.b, sizeof(d->pin));
	use(d);
}

/* What ours answers, and the pin of it. */
static void by_ours(struct deal *d)
{
	struct digest256 key = digest256_bytes(d->box, d->args.n_encrypted_key),
			 quote = digest256_bytes(d->quote, sizeof(d->quote)), id;
	uint8_t message[PROVIDER_ANSWER_MESSAGE_SIZE], signature[P256_SIGNATURE_MAX],
		spki[P256_SPKI];
	int n;

	provider_answer_message(key.b, quote.b, message);
	n = p256_sign(&d->signer, message, sizeof(message), signature, NULL);
	assert(n > 0);
	p256_key_spki(&d->signer, spki);
	buf_deinit(&d->answer);
	d->answer = BUF_MAX(PROVIDER_ANSWER_MAX);
	assert(provider_answer_write(spki, signature, (size_t)n, &d->answer) == 0);
	id = digest256_bytes(spki, sizeof(spki));
	memcpy(d->pin, id.b, sizeof(d->pin));
	use(d);
}

static void must_be(struct deal *d, enum provider_kind kind)
{
	struct provider_found f;
	struct err e = ERR_NONE;

	if (provider_check(&d->args, &f, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	assert(f.kind == kind && secret_equal(f.key.b, d->key.b, 32));
	assert(memcmp(f.id, d->pin, sizeof(f.id)) == 0);
}

static void must_fail(struct deal *d, int rc, const char *says)
{
	struct provider_found f;
	struct err e = ERR_NONE;
	int got;

	memset(&f, 0xaa, sizeof(f));
	got = provider_check(&d->args, &f, &e);
	if (got != rc || !strstr(e.text, says)) {
		(void)fprintf(stderr, "%d, not %d: %s\n", got, rc, e.text);
		abort();
	}
	assert(f.id[0] == 0xaa && f.key.b[31] == 0xaa); /* nothing is written */
}

static void test_an_enclave_that_is_pinned(void)
{
	struct deal d;

	deal_init(&d);
	by_enclave(&d);
	must_be(&d, PROVIDER_SGX);
	assert(d.n_collaterals == 1);
	d.args.root = NULL; /* Intel's does not vouch for it */
	must_fail(&d, ERR_PROTO, "pck-chain");
	d.args.root = d.w.root;
	d.args.at = WORLD_NOW + 365 * 24 * 60 * 60;
	must_fail(&d, ERR_PROTO, "is refused");
	deal_deinit(&d);
}

static void test_ours_that_is_pinned(void)
{
	struct deal d;

	deal_init(&d);
	by_ours(&d);
	must_be(&d, PROVIDER_BAILEY);
	assert(d.n_collaterals == 0);
	deal_deinit(&d);
}

static void test_another_id_is_refused_before_all_else(void)
{
	void (*const by[])(struct deal *) = { by_enclave, by_ours };
	struct deal d;
	size_t i;

	for (i = 0; i < 2; i++) {
		deal_init(&d);
		by[i](&d);
		d.pin[31] ^= 1;
		must_fail(&d, ERR_INPUT, "Unexpected key provider id: ");
		d.pin[31] ^= 1;
		d.args.n_pin = 31; /* what begins like it is not it */
		must_fail(&d, ERR_INPUT, "Unexpected key provider id: ");
		d.args.n_pin = 0;
		must_fail(&d, ERR_INPUT, "key_provider_id");
		assert(d.n_collaterals == 0);
		d.args.may_be_unpinned = true;
		must_be(&d, i == 0 ? PROVIDER_SGX : PROVIDER_BAILEY);
		d.args.n_pin = 32; /* a pin counts, whatever else is said */
		d.pin[0] ^= 1;
		must_fail(&d, ERR_INPUT, "Unexpected key provider id: ");
		deal_deinit(&d);
	}
}

static void test_an_answer_to_another_key_is_refused(void)
{
	struct deal d;

	deal_init(&d);
	by_enclave(&d);
	d.box[40] ^= 1;
	must_fail(&d, ERR_PROTO, "Invalid key hash");
	assert(d.n_collaterals == 0);
	by_ours(&d);
	d.box[40] ^= 1;
	must_fail(&d, ERR_PROTO, "did not sign");
	d.box[40] ^= 1;
	by_ours(&d); /* it signs a box that does not open */
	must_fail(&d, ERR_CRYPTO, "cannot open");
	deal_deinit(&d);
}

static void test_an_answer_to_another_quote_is_refused(void)
{
	struct deal d;

	deal_init(&d);
	by_ours(&d);
	d.quote[0] ^= 1;
	must_fail(&d, ERR_PROTO, "did not sign");
	deal_deinit(&d);
}

static void test_report_data_goes_to_its_end(void)
{
	struct deal d;

	deal_init(&d);
	d.enclave.report_data[63] = 1;
	by_enclave(&d);
	must_fail(&d, ERR_PROTO, "Invalid key hash");
	deal_deinit(&d);
}

static void test_an_enclave_for_debugging_is_refused(void)
{
	struct deal d;

	deal_init(&d);
	d.enclave.attributes[0] |= 2;
	by_enclave(&d);
	must_fail(&d, ERR_PROTO, "debug");
	deal_deinit(&d);
}

static void test_without_collateral_an_enclave_is_refused(void)
{
	struct deal d;

	deal_init(&d);
	by_enclave(&d);
	d.collateral_rc = -ETIMEDOUT;
	must_fail(&d, -ETIMEDOUT, "no PCCS");
	d.args.collateral = NULL;
	must_fail(&d, ERR_MISSING, "collateral");
	deal_deinit(&d);
}

static void test_keys_of_another_length_are_refused(void)
{
	static const size_t sizes[] = { 0, SEALED_BOX_OVERHEAD, PROVIDER_BOX_SIZE - 1,
					PROVIDER_BOX_SIZE + 1 };
	struct deal d;
	size_t i;

	deal_init(&d);
	for (i = 0; i < 4; i++) {
		d.args.n_encrypted_key = sizes[i];
		by_ours(&d);
		must_fail(&d, ERR_PROTO, "Invalid sealing key length");
	}
	deal_deinit(&d);
}

static void test_what_is_neither_is_refused(void)
{
	struct simulator_td td;
	struct deal d;
	size_t n;

	deal_init(&d);
	by_ours(&d);
	for (n = 0; n < d.answer.n; n++) {
		d.args.n_provider_quote = n;
		must_fail(&d, ERR_PROTO, "key provider");
	}
	by_enclave(&d);
	d.args.n_provider_quote = d.answer.n - 1;
	must_fail(&d, ERR_PROTO, "key provider");
	simulator_td_init(&td); /* a TD is no enclave */
	d.answer.n = 0;
	assert(simulator_quote(d.w.sim, &td, &d.answer) == 0);
	use(&d);
	must_fail(&d, ERR_PROTO, "no SGX quote");
	deal_deinit(&d);
}

static void test_a_key_off_the_curve_signs_nothing(void)
{
	struct digest256 id;
	struct deal d;

	deal_init(&d);
	by_ours(&d);
	d.answer.p[PROVIDER_ANSWER_MAGIC_SIZE + 2 + P256_SPKI - 1] ^= 1;
	id = digest256_bytes(d.answer.p + PROVIDER_ANSWER_MAGIC_SIZE + 2, P256_SPKI);
	memcpy(d.pin, id.b, sizeof(d.pin));
	must_fail(&d, ERR_PROTO, "did not sign");
	deal_deinit(&d);
}

static void test_a_status_counts(void)
{
	struct deal d;

	deal_init(&d);
	by_enclave(&d);
	d.args.accept = 1u << TCB_OUT_OF_DATE; /* and it is UpToDate */
	must_fail(&d, ERR_PROTO, "tcb-status");
	assert(provider_check_accept() & 1u << TCB_UP_TO_DATE);
	assert(!(provider_check_accept() & (1u << TCB_REVOKED | 1u << TCB_OUT_OF_DATE)));
	deal_deinit(&d);
}

/* Of a machine of 2025, with what Intel said of it then. */
static void test_a_real_enclave_gets_as_far_as_its_report_data(void)
{
	static const char folder[] = SOURCE_DIR "/tests/vectors/quotes/real/sgx_v3_cfg_swh";
	auto_buf struct buf quote = BUF_MAX(0), text = BUF_MAX(0);
	struct quote_verify_args a = { .at = 1752919277, .policy = QUOTE_POLICY_STRICT };
	struct collateral collateral;
	struct x509_cert *intel = root_intel();
	struct quote_result r;
	char path[512];
	struct quote q;
	struct deal d;

	(void)str_format(path, sizeof(path), "%s/quote.bin", folder);
	assert(file_read(AT_FDCWD, path, SIMULATOR_QUOTE_MAX, &quote, NULL) == 0);
	(void)str_format(path, sizeof(path), "%s/collateral.json", folder);
	assert(file_read(AT_FDCWD, path, COLLATERAL_MAX, &text, NULL) == 0);
	assert(collateral_parse(text.p, text.n, &collateral, NULL) == 0);
	a.quote = quote.p;
	a.n_quote = quote.n;
	a.collateral = &collateral;
	a.root = intel;
	a.accept = provider_check_accept();
	assert(quote_verify(&a, &r) && r.status == TCB_CONFIG_SW_HARDENING);
	a.accept = 1u << TCB_UP_TO_DATE;
	assert(!quote_verify(&a, &r) && str_equal(r.check, "tcb-status"));
	deal_init(&d);
	d.args.provider_quote = quote.p;
	d.args.n_provider_quote = quote.n;
	d.args.root = NULL;
	must_fail(&d, ERR_INPUT, "Unexpected key provider id: ");
	assert(quote_parse(quote.p, quote.n, &q) == QUOTE_OK);
	memcpy(d.pin, q.sgx.mr_enclave, sizeof(d.pin));
	must_fail(&d, ERR_PROTO, "Invalid key hash");
	assert(d.n_collaterals == 0);
	deal_deinit(&d);
	x509_cert_free(intel);
	collateral_deinit(&collateral);
}

int main(void)
{
	test_a_real_enclave_gets_as_far_as_its_report_data();
	test_an_enclave_that_is_pinned();
	test_ours_that_is_pinned();
	test_another_id_is_refused_before_all_else();
	test_an_answer_to_another_key_is_refused();
	test_an_answer_to_another_quote_is_refused();
	test_report_data_goes_to_its_end();
	test_an_enclave_for_debugging_is_refused();
	test_without_collateral_an_enclave_is_refused();
	test_keys_of_another_length_are_refused();
	test_what_is_neither_is_refused();
	test_a_key_off_the_curve_signs_nothing();
	test_a_status_counts();
	return 0;
}
