/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls_tickets.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/mem.h"

/* Fetched once: to look an algorithm up by its name costs more than a ticket. */
static EVP_CIPHER *cipher;
static int place_in_ctx = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void)
{
	cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	place_in_ctx = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	assert(cipher && place_in_ctx >= 0);
}

static void make(struct ticket_key *k)
{
	secret_random(k->name, sizeof(k->name));
	secret_random(&k->aes, sizeof(k->aes));
	secret_random(&k->mac, sizeof(k->mac));
}

void tickets_init(struct tickets *t)
{
	*t = (struct tickets){ .newest = 0 };
	make(&t->keys[0]);
}

void tickets_deinit(struct tickets *t)
{
	secret_wipe(t->keys, sizeof(t->keys));
}

/*
 * The place that is written is the one behind the oldest: readers look at the newest and the TICKETS_KEPT - 1 before
 * it.  One that began before the last rotation, hours ago, is long done.
 */
void tickets_rotate(struct tickets *t)
{
	uint32_t next = atomic_load_explicit(&t->newest, memory_order_relaxed) + 1;

	make(&t->keys[next % TICKETS_PLACES]);
	atomic_store_explicit(&t->newest, next, memory_order_release);
	secret_wipe(&t->keys[(next + 1) % TICKETS_PLACES], sizeof(t->keys[0]));
}

static const struct ticket_key *find(const struct tickets *t, const uint8_t *name,
				     bool *ret_is_newest)
{
	uint32_t newest = atomic_load_explicit(&t->newest, memory_order_acquire), i;
	const struct ticket_key *k;

	for (i = 0; i < TICKETS_KEPT && i <= newest; i++) {
		k = &t->keys[(newest - i) % TICKETS_PLACES];
		if (memcmp(k->name, name, sizeof(k->name)) == 0) {
			*ret_is_newest = i == 0;
			return k;
		}
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
	const struct tickets *t = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place_in_ctx);
	const struct ticket_key *k;
	bool is_newest = true;

	if (seal) {
		uint32_t newest = atomic_load_explicit(&t->newest, memory_order_acquire);

		k = &t->keys[newest % TICKETS_PLACES];
		memcpy(name, k->name, sizeof(k->name));
		if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
			return -1;
	} else {
		k = find(t, name, &is_newest);
		if (!k)
			return 0;
	}
	if (EVP_CipherInit_ex(c, cipher, NULL, k->aes.b, iv, seal) != 1 || !set_mac(mac, k))
		return -1;
	/* a client of TLS 1.3 uses a ticket once, so that nobody can tell that it is the same: it gets another */
	return is_newest && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

void tickets_use(struct tickets *t, SSL_CTX *ctx)
{
	(void)pthread_once(&once, prepare);
	(void)SSL_CTX_set_ex_data(ctx, place_in_ctx, t);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
