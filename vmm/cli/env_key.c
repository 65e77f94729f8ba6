/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/env_key.h"

#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/exit.h"
#include "data/json.h"

struct answer {
	uint8_t key[X25519_PUBLIC];
	uint8_t untimed[K256_RECOVERABLE], timed[K256_RECOVERABLE];
	bool has_untimed, has_timed;
	uint64_t seconds;
};

/* 1 there, 0 empty, or ERR_PROTO. */
static int take(const json_t *j, const char *key, void *dst, size_t n, struct err *e)
{
	const char *hex = json_get_str(j, key, "");

	if (!*hex)
		return 0;
	if (str_unhex(dst, n, hex) < 0)
		return err_set(e, ERR_PROTO, "the KMS's answer: %s is not %zu bytes of hex", key,
			       n);
	return 1;
}

static int read_answer(const json_t *j, struct answer *ret, struct err *e)
{
	int rc = take(j, "public_key", ret->key, sizeof(ret->key), e), untimed, timed;

	if (rc == 0)
		rc = err_set(e, ERR_PROTO, "the KMS's answer has no public_key");
	if (rc < 0)
		return rc;
	untimed = take(j, "signature", ret->untimed, sizeof(ret->untimed), e);
	if (untimed < 0)
		return untimed;
	timed = take(j, "signature_v1", ret->timed, sizeof(ret->timed), e);
	if (timed < 0)
		return timed;
	ret->has_untimed = untimed;
	ret->has_timed = timed;
	ret->seconds = json_get_u64(j, "timestamp", 0);
	return 0;
}

/* Did the pinned signer sign it?  If not: who did. */
static int check_signer(const struct env_key_rules *r, const struct digest256 *hash,
			const uint8_t sig[static K256_RECOVERABLE], struct err *e)
{
	char want[2 * K256_PUBLIC + 1], got[2 * K256_PUBLIC + 1];
	uint8_t signer[K256_PUBLIC];

	if (k256_recover(sig, hash, signer, NULL) < 0)
		return err_set(e, ERR_UNPROVEN,
			       "the signature of the app's key is none; nothing was sealed");
	if (memcmp(signer, r->signer, sizeof(signer)) == 0)
		return 0;
	str_hex(want, r->signer, sizeof(r->signer));
	str_hex(got, signer, sizeof(signer));
	return err_set(e, ERR_UNPROVEN,
		       "the app's key is not signed by kms_signer %s, but by %s or not for this "
		       "app; nothing was sealed",
		       want, got);
}

static int check_time(uint64_t seconds, uint64_t now, struct err *e)
{
	if (seconds > now && seconds - now > ENV_KEY_AHEAD_MAX) {
		return err_set(e, ERR_UNPROVEN,
			       "the app's key is signed %" PRIu64 " s ahead of this machine's "
			       "clock; set the clocks right",
			       seconds - now);
	}
	if (seconds < now && now - seconds > ENV_KEY_AGE_MAX) {
		return err_set(e, ERR_UNPROVEN,
			       "the app's key was signed %" PRIu64 " s ago, and %d are the most: "
			       "an old answer is being repeated, or a clock is wrong",
			       now - seconds, ENV_KEY_AGE_MAX);
	}
	return 0;
}

int env_key_check(const json_t *answer, const struct env_key_rules *rules, struct env_key *ret,
		  struct err *e)
{
	struct answer a = { .has_timed = false };
	struct digest256 hash;
	int rc = read_answer(answer, &a, e);

	if (rc < 0)
		return rc;
	if (!a.has_timed && !(a.has_untimed && rules->allow_untimed)) {
		return err_set(e, ERR_UNPROVEN,
			       "the KMS signs without a time, so an old answer could be repeated; "
			       "--allow-untimed takes it");
	}
	hash = app_keys_env_hash(rules->app_id, a.has_timed ? &a.seconds : NULL, a.key);
	rc = check_signer(rules, &hash, a.has_timed ? a.timed : a.untimed, e);
	if (rc == 0 && a.has_timed)
		rc = check_time(a.seconds, rules->now, e);
	if (rc < 0)
		return rc;
	memcpy(ret->key, a.key, sizeof(ret->key));
	ret->signed_at = a.has_timed ? a.seconds : 0;
	return 0;
}
