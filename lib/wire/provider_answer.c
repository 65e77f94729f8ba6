/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/provider_answer.h"

#include <errno.h>
#include <string.h>

#include "base/rd.h"

static const char magic[PROVIDER_ANSWER_MAGIC_SIZE] = "bailey-key-provider-v1";
static const char context[PROVIDER_ANSWER_MAGIC_SIZE + 1] = "bailey-key-provider-v1:";

bool provider_answer_is(const void *p, size_t n)
{
	return n >= sizeof(magic) && memcmp(p, magic, sizeof(magic)) == 0;
}

int provider_answer_parse(const void *p, size_t n, struct provider_answer *ret)
{
	struct provider_answer a;
	struct rd r = rd_over(p, n);

	if (!provider_answer_is(p, n))
		return -EINVAL;
	(void)rd_take(&r, sizeof(magic));
	if (rd_be16(&r) != PROVIDER_ANSWER_SPKI_SIZE)
		return -EINVAL;
	a.spki = rd_take(&r, PROVIDER_ANSWER_SPKI_SIZE);
	a.n_signature = rd_be16(&r);
	if (a.n_signature < PROVIDER_ANSWER_SIGNATURE_MIN ||
	    a.n_signature > PROVIDER_ANSWER_SIGNATURE_MAX)
		return -EINVAL;
	a.signature = rd_take(&r, a.n_signature);
	if (!rd_done(&r))
		return -EINVAL;
	*ret = a;
	return 0;
}

int provider_answer_write(const uint8_t spki[static PROVIDER_ANSWER_SPKI_SIZE],
			  const void *signature, size_t n_signature, struct buf *out)
{
	const uint8_t n_spki[2] = { 0, PROVIDER_ANSWER_SPKI_SIZE };
	const uint8_t n_sig[2] = { 0, (uint8_t)n_signature };
	int rc;

	if (n_signature < PROVIDER_ANSWER_SIGNATURE_MIN ||
	    n_signature > PROVIDER_ANSWER_SIGNATURE_MAX)
		return -EINVAL;
	rc = buf_reserve(out, PROVIDER_ANSWER_MAX - PROVIDER_ANSWER_SIGNATURE_MAX + n_signature);
	if (rc < 0)
		return rc;
	(void)buf_add(out, magic, sizeof(magic));
	(void)buf_add(out, n_spki, sizeof(n_spki));
	(void)buf_add(out, spki, PROVIDER_ANSWER_SPKI_SIZE);
	(void)buf_add(out, n_sig, sizeof(n_sig));
	return buf_add(out, signature, n_signature);
}

void provider_answer_message(const uint8_t key_hash[static PROVIDER_ANSWER_HASH_SIZE],
			     const uint8_t quote_hash[static PROVIDER_ANSWER_HASH_SIZE],
			     uint8_t ret[static PROVIDER_ANSWER_MESSAGE_SIZE])
{
	memcpy(ret, context, PROVIDER_ANSWER_MAGIC_SIZE);
	ret += PROVIDER_ANSWER_MAGIC_SIZE;
	memcpy(ret, key_hash, PROVIDER_ANSWER_HASH_SIZE);
	memcpy(ret + PROVIDER_ANSWER_HASH_SIZE, quote_hash, PROVIDER_ANSWER_HASH_SIZE);
}
