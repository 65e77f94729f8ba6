/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/allow_signed.h"

#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "crypto/p256.h"

#define MARK "# signed: "

enum { TEXT_MAX = 4 * (P256_SIGNATURE_MAX / 3 + 1) };

/* Where the last line begins, which ends with the text. */
static const char *last_line(const char *text, size_t n)
{
	const char *nl = n > 1 ? memrchr(text, '\n', n - 1) : NULL;

	return nl ? nl + 1 : text;
}

int allow_signed_check(const char *text, size_t n, const char *file, const void *spki,
		       size_t n_spki, struct err *e)
{
	const char *line = last_line(text, n), *base64 = line + strlen(MARK);
	uint8_t sig[TEXT_MAX];
	size_t n_line = n - (size_t)(line - text), n_base64;
	ssize_t n_sig = -1;

	if (n_line < sizeof(MARK) || memcmp(line, MARK, strlen(MARK)) != 0 || text[n - 1] != '\n')
		return err_set(e, ERR_INPUT,
			       "%s: it is not signed; its last line must be \"" MARK "...\"", file);
	n_base64 = n_line - sizeof(MARK); /* without the line feed */
	if (n_base64 <= TEXT_MAX)
		n_sig = base64_decode(sig, base64, n_base64);
	if (n_sig <= 0 || n_sig > P256_SIGNATURE_MAX)
		return err_set(e, ERR_INPUT, "%s: its last line holds no signature", file);
	if (!p256_verify(spki, n_spki, sig, (size_t)n_sig, text, (size_t)(line - text)))
		return err_set(e, ERR_INPUT, "%s: it is not signed by authorize.signer", file);
	return 0;
}
