/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-kms: calls GetAppKey as guests do and reads the key service's processor clock; beside it the bare crypto
 *
 * The bare crypto is a server's half of a TLS 1.3 handshake with certificates of both, by OpenSSL alone, two
 * signatures on P-256 (a quote's own and its QE's), and the derivations with their signature.
 *
 * Usage    bench-kms FOLDER PID PORT GUESTS.  FOLDER has ca, temp-ca, guest-N.cert and guest-N.key in PEM.  Prints JSON:
 *	    microseconds of processor time.  Both sides take turns in batches, so that a busy machine slows
 *	    them alike; of the batches the quickest quarter's last counts.
 */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "loop/tls_call.h"
#include "tee/app_keys.h"
#include "tee/ratls_cert.h"

enum { BATCHES = 40, BATCH = 10, GUESTS_MOST = 64, FILE_MOST = 1 << 20 };

struct guest {
	struct buf cert, key;
};

static struct guest guests[GUESTS_MOST];
static struct buf ca, temp_ca;
static uint64_t n_guests;
static char url[64];

static double seconds(clockid_t clock)
{
	struct timespec t;

	assert(clock_gettime(clock, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void load(const char *folder, const char *name, struct buf *ret)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);

	assert(file_read(AT_FDCWD, path, FILE_MOST, ret, NULL) == 0);
}

static void set_up(char **argv)
{
	uint64_t i;

	assert(num_parse_u64(argv[4], 1, GUESTS_MOST, &n_guests) == 0);
	load(argv[1], "ca", &ca);
	load(argv[1], "temp-ca", &temp_ca);
	for (i = 0; i < n_guests; i++) {
		auto_free char *cert = xasprintf("guest-%d.cert", (int)i);
		auto_free char *key = xasprintf("guest-%d.key", (int)i);

		load(argv[1], cert, &guests[i].cert);
		load(argv[1], key, &guests[i].key);
	}
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%s/prpc/GetAppKey?json", argv[3]);
}

/* --- a call ---------------------------------------------------------------------------------- */

static void call(const struct guest *g)
{
	static const char body[] = "{\"api_version\":1}";
	const struct tls_call_options o = { .method = "POST",
					    .url = url,
					    .body = body,
					    .n_body = sizeof(body) - 1,
					    .trust = TLS_CALL_CA,
					    .ca = (const char *)ca.p,
					    .cert = (const char *)g->cert.p,
					    .key = (const char *)g->key.p };
	struct tls_call_answer a = { 0 };
	struct err e = ERR_NONE;

	if (tls_call(&o, &a, &e) < 0 || a.status != 200) {
		(void)fprintf(stderr, "bench-kms: %s %.*s\n", e.text, (int)a.body.n,
			      (const char *)a.body.p);
		exit(1);
	}
	tls_call_answer_deinit(&a);
}

/* --- the bare crypto ------------------------------------------------------------------------- */

struct end {
	SSL_CTX *ctx;
	double spent;
};

static struct end server, client;

static void use(SSL_CTX *ctx, const char *cert, const char *key, const char *believed)
{
	BIO *c = BIO_new_mem_buf(cert, -1), *k = BIO_new_mem_buf(key, -1);
	BIO *b = BIO_new_mem_buf(believed, -1);
	X509 *x = PEM_read_bio_X509(c, NULL, NULL, NULL),
	     *anchor = PEM_read_bio_X509(b, NULL, NULL, NULL);
	EVP_PKEY *p = PEM_read_bio_PrivateKey(k, NULL, NULL, NULL);

	assert(SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, p) == 1);
	X509_free(x);
	while ((x = PEM_read_bio_X509(c, NULL, NULL, NULL)))
		assert(SSL_CTX_add0_chain_cert(ctx, x) == 1);
	assert(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), anchor) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	X509_free(anchor);
	EVP_PKEY_free(p);
	BIO_free(c);
	BIO_free(k);
	BIO_free(b);
}

static void sign_cert(const struct ratls_cert_args *a, struct buf *ret)
{
	struct err e = ERR_NONE;

	if (ratls_cert_make(a, ret, &e) < 0) {
		(void)fprintf(stderr, "bench-kms: %s\n", e.text);
		exit(1);
	}
}

static void step(SSL *s, struct end *of)
{
	double from = seconds(CLOCK_THREAD_CPUTIME_ID);

	(void)SSL_do_handshake(s);
	of->spent += seconds(CLOCK_THREAD_CPUTIME_ID) - from;
}

static void shake(void)
{
	SSL *s = SSL_new(server.ctx), *c = SSL_new(client.ctx);
	BIO *a, *b;

	assert(BIO_new_bio_pair(&a, 1 << 17, &b, 1 << 17) == 1);
	SSL_set_bio(s, a, a);
	SSL_set_bio(c, b, b);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	while (!SSL_is_init_finished(s) || !SSL_is_init_finished(c)) {
		step(c, &client);
		step(s, &server);
	}
	SSL_free(s);
	SSL_free(c);
}

/* A root, and a server under it, as long as the key service's own. */
static void set_up_tls(void)
{
	auto_p256_key struct p256_key root_key, key;
	const int64_t now = (int64_t)seconds(CLOCK_REALTIME);
	struct ratls_cert_args a = { .common_name = { "root", 4 },
				     .issuer_key = &root_key,
				     .is_ca = true,
				     .path_length = 1,
				     .not_before = now - RATLS_CERT_CLOCK_SLACK_S,
				     .not_after = now + RATLS_CERT_LIFE_S };
	struct buf root = BUF_MAX(FILE_MOST), chain = BUF_MAX(FILE_MOST);
	uint8_t spki[P256_SPKI];
	char *pem;

	assert(p256_key_random(&root_key, NULL) == 0 && p256_key_random(&key, NULL) == 0);
	sign_cert(&a, &root);
	p256_key_spki(&key, spki);
	a = (struct ratls_cert_args){ .common_name = { "server", 6 },
				      .key = spki,
				      .n_key = sizeof(spki),
				      .issuer_cert = (const char *)root.p,
				      .issuer_key = &root_key,
				      .usage = RATLS_USAGE_KMS_RPC,
				      .not_before = a.not_before,
				      .not_after = a.not_after };
	sign_cert(&a, &chain);
	assert(buf_add(&chain, root.p, root.n) == 0);
	pem = p256_key_pem(&key);
	server.ctx = SSL_CTX_new(TLS_server_method());
	client.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_num_tickets(server.ctx, 0);
	use(server.ctx, (const char *)chain.p, pem, (const char *)temp_ca.p);
	use(client.ctx, (const char *)guests[0].cert.p, (const char *)guests[0].key.p,
	    (const char *)root.p);
	secret_str_free(pem);
	buf_deinit(&root);
	buf_deinit(&chain);
}

static void verify_two(void)
{
	static EVP_PKEY *key;
	static uint8_t sig[P256_SIGNATURE_MAX], digest[32];
	static int n_sig;
	EVP_PKEY_CTX *ctx;
	int i;

	if (!key) {
		auto_p256_key struct p256_key k;
		struct digest256 d = digest256_bytes(digest, sizeof(digest));

		assert(p256_key_random(&k, NULL) == 0);
		n_sig = p256_sign(&k, digest, sizeof(digest), sig, NULL);
		key = p256_key_evp(&k);
		memcpy(digest, d.b, sizeof(digest));
		assert(n_sig > 0 && key);
	}
	for (i = 0; i < 2; i++) {
		ctx = EVP_PKEY_CTX_new(key, NULL);
		assert(ctx && EVP_PKEY_verify_init(ctx) == 1);
		assert(EVP_PKEY_verify(ctx, sig, (size_t)n_sig, digest, sizeof(digest)) == 1);
		EVP_PKEY_CTX_free(ctx);
	}
}

static void derive(void)
{
	static const uint8_t id[APP_KEYS_ID] = { 1 };
	auto_app_keys struct app_keys keys = { .has_env = false };
	struct app_keys_roots roots;

	memset(&roots, 7, sizeof(roots));
	assert(app_keys_from_roots(&roots, id, id, sizeof(id), &keys, NULL) == 0);
}

/* --- turns ----------------------------------------------------------------------------------- */

enum what { CALL, SHAKE, QUOTE, KEYS, WHAT_COUNT };

static double us[WHAT_COUNT][BATCHES], wall;

static double spent_by(void (*f)(void))
{
	double from = seconds(CLOCK_THREAD_CPUTIME_ID);

	f();
	return seconds(CLOCK_THREAD_CPUTIME_ID) - from;
}

static void batch(int b, clockid_t of_kms)
{
	double from = seconds(of_kms), began = seconds(CLOCK_MONOTONIC);
	int i;

	for (i = 0; i < BATCH; i++)
		call(&guests[((uint64_t)b * BATCH + (uint64_t)i) % n_guests]);
	us[CALL][b] = seconds(of_kms) - from;
	wall += seconds(CLOCK_MONOTONIC) - began;
	server.spent = 0;
	for (i = 0; i < BATCH; i++) {
		shake();
		us[QUOTE][b] += spent_by(verify_two);
		us[KEYS][b] += spent_by(derive);
	}
	us[SHAKE][b] = server.spent;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double quick(enum what w)
{
	qsort(us[w], BATCHES, sizeof(us[w][0]), by_size);
	return us[w][BATCHES / 4] / BATCH * 1e6;
}

int main(int argc, char **argv)
{
	double of[WHAT_COUNT];
	clockid_t of_kms;
	uint64_t pid;
	int i;

	assert(argc == 5 && num_parse_u64(argv[2], 1, INT32_MAX, &pid) == 0);
	assert(clock_getcpuclockid((pid_t)pid, &of_kms) == 0);
	set_up(argv);
	set_up_tls();
	for (i = 0; i < (int)n_guests; i++)
		call(&guests[i]); /* their platform is known from here on */
	for (i = 0; i < BATCHES; i++)
		batch(i, of_kms);
	for (i = 0; i < WHAT_COUNT; i++)
		of[i] = quick((enum what)i);
	printf("{\"call_us\": %.1f, \"bare_us\": %.1f, \"shake_us\": %.1f, \"quote_us\": %.1f, "
	       "\"keys_us\": %.1f, \"per_second\": %.1f}\n",
	       of[CALL], of[SHAKE] + of[QUOTE] + of[KEYS], of[SHAKE], of[QUOTE], of[KEYS],
	       BATCHES * BATCH / wall);
	SSL_CTX_free(server.ctx);
	SSL_CTX_free(client.ctx);
	return 0;
}
