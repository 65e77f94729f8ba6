/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls_tickets.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/mem.h"

/* Fetched once: to look an algorithm up by its name costs more than a ticket. */
static EVP_CIPHER *cipher;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local const struct tickets *current;

static void prepare(void)
{
	cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	assert(cipher);
}

void tickets_make(const struct tickets *old, struct tickets *ret)
{
	struct tickets t = { .n = 1 };

	secret_random(&t.keys[0], sizeof(t.keys[0]));
	for (; old && t.n < TICKETS_KEPT && t.n <= old->n; t.n++)
		t.keys[t.n] = old->keys[t.n - 1];
	*ret = t;
	secret_wipe(&t, sizeof(t));
}

void tickets_wipe(struct tickets *t)
{
	secret_wipe(t, sizeof(*t));
}

void tickets_set_current(const struct tickets *t)
{
	current = t;
}

static const struct ticket_key *find(const struct tickets *t, const uint8_t *name)
{
	uint32_t i;

	for (i = 0; i < t->n; i++) {
		if (memcmp(t->keys[i].name, name, sizeof(t->keys[i].name)) == 0)
			return &t->keys[i];
	}
	return NULL;
}

static bool set_mac(EVP_MAC_CTX *mac, const struct ticket_key *k)
{
	static char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
						  mem_unconst(k->mac.b), /* only read */
						  sizeof(k->mac.b)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL's contract: 0 no such key (a full handshake follows), 1 go on, 2 go on and give a new ticket, -1 broken. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *c,
		     EVP_MAC_CTX *mac, int seal)
{
	const struct tickets *t = current;
	const struct ticket_key *k = t && t->n ? &t->keys[0] : NULL;

	if (!k)
		return 0;
	if (seal) {
		memcpy(name, k->name, sizeof(k->name));
		if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
			return -1;
	} else {
		k = find(t, name);
		if (!k)
			return 0;
	}
	if (EVP_CipherInit_ex(c, cipher, NULL, k->aes.b, iv, seal) != 1 || !set_mac(mac, k))
		return -1;
	/* a client of TLS 1.3 uses a ticket once, so that nobody can tell that it is the same: it gets another */
	return k == &t->keys[0] && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

void tickets_use(SSL_CTX *ctx)
{
	(void)pthread_once(&once, prepare);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
