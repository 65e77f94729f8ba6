/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-p256-der: any bytes are a key of P-256 (private, public) or a signature, or are refused
 *
 * Input    a first byte that says which (the rest modulo 3), then DER; or PEM if it is 'p'.
 * Property a private key that is read is written to the one form, which is read to the same; nothing shorter is one.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "crypto/p256.h"
#include "crypto/p256_der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void private_key(const uint8_t *p, size_t n, int is_pem)
{
	uint8_t der[P256_PKCS8];
	struct p256_key k, again;
	int rc = is_pem ? p256_key_from_pem((const char *)p, n, &k, NULL)
			: p256_key_from_der(p, n, &k, NULL);

	if (rc < 0)
		return;
	p256_key_der(&k, der);
	assert(p256_key_from_der(der, sizeof(der), &again, NULL) == 0);
	assert(memcmp(&k, &again, sizeof(k)) == 0);
	if (!is_pem)
		assert(p256_key_from_der(p, n - 1, &again, NULL) < 0);
}

static void public_key(const uint8_t *p, size_t n)
{
	uint8_t point[P256_POINT], spki[P256_SPKI];

	if (p256_spki_read(p, n, point, NULL) < 0)
		return;
	p256_der_write_spki(point, spki);
	assert(n == sizeof(spki) && memcmp(p, spki, n) == 0);
}

static void signature(const uint8_t *p, size_t n)
{
	uint8_t raw[ECDSA_P256_SIGNATURE];

	if (p256_der_read_signature(p, n, raw))
		assert(n >= 8 && n <= P256_SIGNATURE_MAX &&
		       !p256_der_read_signature(p, n - 1, raw));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	if (data[0] == 'p')
		private_key(data + 1, n - 1, 1);
	else if (data[0] % 3 == 0)
		private_key(data + 1, n - 1, 0);
	else if (data[0] % 3 == 1)
		public_key(data + 1, n - 1);
	else
		signature(data + 1, n - 1);
	return 0;
}
