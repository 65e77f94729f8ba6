/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-kms-facts: whatever a KMS answers is read, or refused in words
 *
 * Input    JSON of GetMeta or of GetAppEnvEncryptPubKey, perhaps then a NUL and a certificate.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/env_key.h"
#include "cli/exit.h"
#include "cli/kms_facts.h"
#include "data/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *nul = n ? memchr(data, 0, n) : NULL;
	size_t n_json = nul ? (size_t)(nul - data) : n;
	auto_buf struct buf certificate = BUF_MAX(1 << 20);
	struct env_key_rules rules = { .now = 1700000000, .allow_untimed = n & 1 };
	struct kms_facts facts;
	struct err e = ERR_NONE;
	struct env_key key;
	json_t *j = NULL;
	int rc;

	if (nul)
		assert(buf_add(&certificate, nul + 1, n - n_json - 1) == 0 || n > 1 << 20);
	if (json_parse(data, n_json, 1 << 20, "answer", &j, NULL) < 0)
		return 0;
	rc = kms_facts_read(j, &certificate, &facts, &e);
	assert(rc == 0 ? facts.n_root > 0 && kms_facts_is_same(&facts, &facts)
		       : rc == ERR_PROTO && *e.text);
	/* nobody has signed for the signer 00..00 */
	rc = env_key_check(j, &rules, &key, &e);
	assert(rc == ERR_PROTO || rc == ERR_UNPROVEN);
	json_decref(j);
	return 0;
}
