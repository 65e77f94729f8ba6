/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the body of a KMS's or a key provider's answer.  Properties: no answer leaves half of itself behind, a
 * refusal is in words that fit a log line, and keys that are taken have their sizes.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/app_keys_file.h"
#include "guest-stub/keys_seed.h"
#include "guest-stub/kms_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_words(const char *text)
{
	for (; *text; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_app_keys_file struct app_keys_file keys = { .n_id = 0 };
	struct kms_temp_ca ca = { .cert = NULL };
	auto_buf struct buf key = { 0 }, quote = { 0 };
	char words[KMS_ANSWER_ERROR_SIZE], *chain[KMS_ANSWER_CHAIN_MAX];
	struct err e = ERR_NONE;
	size_t n_chain = 0;

	check_words(kms_answer_error(p, n, 400, words));
	if (kms_answer_temp_ca(p, n, &ca, &e) == 0)
		assert(ca.cert && ca.key && ca.root && ca.n_spki > 0);
	else
		assert(!ca.cert && !ca.key && !ca.root && e.code < 0);
	if (kms_answer_app_keys(p, n, ca.spki, ca.n_spki, &keys, &e) == 0)
		assert(keys.ca_cert && keys.has_signature);
	kms_temp_ca_deinit(&ca);
	if (kms_answer_chain(p, n, chain, &n_chain, &e) < 0)
		assert(n_chain == 0);
	while (n_chain > 0)
		free(chain[--n_chain]);
	if (keys_seed_answer(p, n, &key, &quote, &e) < 0)
		assert(!key.p && !quote.p);
	return 0;
}
