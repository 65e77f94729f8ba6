/* SPDX-License-Identifier: Apache-2.0 */
#include "key-provider/sealer.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/sealed_box.h"
#include "key-provider/keys.h"
#include "wire/provider_answer.h"
#include "wire/quote.h"

enum { BOX_SIZE = SECRET_SIZE + SEALED_BOX_OVERHEAD };

void sealer_derive(const struct secret32 *sealing, const struct quote_td_report *td,
		   struct secret32 *ret)
{
	const struct digest_part parts[] = {
		{ sealing->b, sizeof(sealing->b) },	 { td->mr_td, QUOTE_MEASUREMENT_SIZE },
		{ td->rtmr[0], QUOTE_MEASUREMENT_SIZE }, { td->rtmr[1], QUOTE_MEASUREMENT_SIZE },
		{ td->rtmr[2], QUOTE_MEASUREMENT_SIZE }, { td->rtmr[3], QUOTE_MEASUREMENT_SIZE },
	};
	struct digest256 d = digest256_of(parts, sizeof(parts) / sizeof(*parts));

	memcpy(ret->b, d.b, sizeof(ret->b));
	secret_wipe(&d, sizeof(d));
}

static int seal(const struct keys *k, const struct quote_td_report *td,
		uint8_t box[static BOX_SIZE], struct err *e)
{
	static const uint8_t zeros[32];
	auto_secret struct secret32 key;

	if (memcmp(td->report_data + X25519_PUBLIC, zeros, sizeof(zeros)) != 0) {
		return err_set(e, ERR_INPUT,
			       "its report data is more than a key: bytes 32 to 63 must be zero");
	}
	sealer_derive(&k->sealing, td, &key);
	if (sealed_box_seal(td->report_data, key.b, sizeof(key.b), box, NULL) < 0)
		return err_set(e, ERR_INPUT,
			       "its report data is no X25519 key to which anything can be sealed");
	return 0;
}

static int sign(const struct keys *k, const uint8_t box[static BOX_SIZE], const void *quote,
		size_t n, struct buf *ret, struct err *e)
{
	struct digest256 of_key = digest256_bytes(box, BOX_SIZE),
			 of_quote = digest256_bytes(quote, n);
	uint8_t message[PROVIDER_ANSWER_MESSAGE_SIZE], signature[P256_SIGNATURE_MAX];
	int rc;

	provider_answer_message(of_key.b, of_quote.b, message);
	rc = p256_sign(&k->signing, message, sizeof(message), signature, e);
	if (rc < 0)
		return rc;
	*ret = BUF_MAX(PROVIDER_ANSWER_MAX);
	rc = provider_answer_write(k->spki, signature, (size_t)rc, ret);
	return rc < 0 ? err_set(e, rc, "cannot write the answer") : 0;
}

int sealer_seal(const struct keys *k, const struct quote_td_report *td, const void *quote, size_t n,
		struct key_frame_answer *ret, struct err *e)
{
	struct key_frame_answer a = { .encrypted_key = BUF_MAX(BOX_SIZE) };
	uint8_t box[BOX_SIZE];
	int rc = seal(k, td, box, e);

	if (rc == 0)
		rc = sign(k, box, quote, n, &a.provider_quote, e);
	if (rc == 0 && buf_add(&a.encrypted_key, box, sizeof(box)) < 0)
		rc = err_set(e, -ENOMEM, "no memory");
	if (rc == 0)
		*ret = a;
	else
		key_frame_answer_deinit(&a);
	return rc;
}
