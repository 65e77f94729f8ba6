/* SPDX-License-Identifier: Apache-2.0 */
/* test_tls: a root, servers and clients under it and under another, for tests of what speaks TLS */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/cert_write.h"
#include "crypto/p256.h"

struct test_id {
	struct p256_key key;
	struct buf cert;  /* PEM, its own */
	struct buf chain; /* and its issuer's after it */
	char *key_pem;
};

struct test_ids {
	struct test_id root, other_root;
	struct test_id server; /* localhost, 127.0.0.1, kms.test */
	struct test_id client, other_client;
	struct test_id expired;	    /* as server, but ended an hour ago */
	struct test_id server_only; /* a client's that is for servers */
};

struct test_id_args {
	const char *name;
	const struct test_id *issuer;
	bool is_ca, for_server, for_client;
	int64_t not_after; /* 0: in an hour */
	const struct cert_extension *extensions;
	size_t n_extensions;
};

static inline struct cert_text test_text_of(const char *s)
{
	return (struct cert_text){ s, strlen(s) };
}

static inline void test_id_init(struct test_id *id, const struct test_id_args *a)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1", "kms.test" };
	struct cert_text names[3];
	uint8_t spki[P256_SPKI];
	struct cert_write_args w = {
		.common_name = test_text_of(a->name),
		.alt_names = names,
		.n_alt_names = a->for_server ? 3 : 0,
		.key = spki,
		.n_key = sizeof(spki),
		.is_ca = a->is_ca,
		.path_length = 1,
		.for_server = a->for_server,
		.for_client = a->for_client,
		.not_before = (int64_t)time(NULL) - 86400,
		.not_after = a->not_after ? a->not_after : (int64_t)time(NULL) + 3600,
		.extensions = a->extensions,
		.n_extensions = a->n_extensions,
	};
	size_t i;

	for (i = 0; i < 3; i++)
		names[i] = test_text_of(hosts[i]);
	*id = (struct test_id){ .cert = BUF_MAX(1 << 20), .chain = BUF_MAX(1 << 20) };
	assert(p256_key_random(&id->key, NULL) == 0);
	p256_key_spki(&id->key, spki);
	w.issuer_cert = a->issuer ? (const char *)a->issuer->cert.p : NULL;
	w.issuer_key = a->issuer ? &a->issuer->key : &id->key;
	assert(cert_write(&w, &id->cert, NULL) == 0);
	assert(buf_add(&id->chain, id->cert.p, id->cert.n) == 0);
	if (a->issuer)
		assert(buf_add(&id->chain, a->issuer->cert.p, a->issuer->cert.n) == 0);
	id->key_pem = p256_key_pem(&id->key);
}

static inline void test_id_deinit(struct test_id *id)
{
	buf_deinit(&id->cert);
	buf_deinit(&id->chain);
	secret_str_free(id->key_pem);
	p256_key_wipe(&id->key);
}

static inline const char *test_cert(const struct test_id *id)
{
	return (const char *)id->cert.p;
}

static inline const char *test_chain(const struct test_id *id)
{
	return (const char *)id->chain.p;
}

static inline void test_ids_init(struct test_ids *w)
{
	test_id_init(&w->root, &(struct test_id_args){ .name = "root", .is_ca = true });
	test_id_init(&w->other_root, &(struct test_id_args){ .name = "root", .is_ca = true });
	test_id_init(
		&w->server,
		&(struct test_id_args){ .name = "server", .issuer = &w->root, .for_server = true });
	test_id_init(&w->client, &(struct test_id_args){ .name = "client", .issuer = &w->root });
	test_id_init(&w->other_client, &(struct test_id_args){ .name = "client",
							       .issuer = &w->other_root,
							       .for_client = true });
	test_id_init(&w->expired,
		     &(struct test_id_args){ .name = "expired",
					     .issuer = &w->root,
					     .for_server = true,
					     .for_client = true,
					     .not_after = (int64_t)time(NULL) - 3600 });
	test_id_init(&w->server_only, &(struct test_id_args){ .name = "server only",
							      .issuer = &w->root,
							      .for_server = true });
}

static inline void test_ids_deinit(struct test_ids *w)
{
	test_id_deinit(&w->root);
	test_id_deinit(&w->other_root);
	test_id_deinit(&w->server);
	test_id_deinit(&w->client);
	test_id_deinit(&w->other_client);
	test_id_deinit(&w->expired);
	test_id_deinit(&w->server_only);
}
