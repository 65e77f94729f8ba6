/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys-tool: what a KMS of given root keys says, and what it could open, for tests that play one
 *
 *	keys-tool signer K256			its public key
 *	keys-tool answer CA K256 APP SECONDS	GetAppEnvEncryptPubKey, as JSON
 *	keys-tool open CA APP			the environment on stdin, opened
 *	keys-tool certs CA FOLDER		root.pem; leaf.pem and leaf.key for 127.0.0.1, signed by it
 *
 * Keys and ids are hex.  The keys are those of tests.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "crypto/env_box.h"
#include "tee/app_keys.h"
#include "tee/ratls_cert.h"

enum { SEALED_MAX = 1024 * 1024 };

static int fail(const struct err *e)
{
	(void)fprintf(stderr, "keys-tool: %s\n", e->text);
	return 1;
}

static void print_hex(const char *name, const void *p, size_t n, const char *end)
{
	char hex[256];

	assert(n < sizeof(hex) / 2);
	str_hex(hex, p, n);
	(void)printf("%s%s%s", name, hex, end);
}

static int signer(char *const *argv)
{
	uint8_t key[K256_PUBLIC];
	struct err e = ERR_NONE;
	struct secret32 root;

	if (str_unhex(root.b, sizeof(root.b), argv[0]) < 0 || k256_public(&root, key, &e) < 0)
		return fail(&e);
	print_hex("", key, sizeof(key), "\n");
	return 0;
}

static int answer(char *const *argv)
{
	uint8_t app[APP_KEYS_ID], key[X25519_PUBLIC], untimed[K256_RECOVERABLE],
		timed[K256_RECOVERABLE];
	struct app_keys_roots roots;
	struct err e = ERR_NONE;
	struct digest256 hash;
	struct secret32 env;
	uint64_t seconds;

	if (str_unhex(roots.ca.b, SECRET_SIZE, argv[0]) < 0 ||
	    str_unhex(roots.k256.b, SECRET_SIZE, argv[1]) < 0 ||
	    str_unhex(app, sizeof(app), argv[2]) < 0 ||
	    num_parse_u64(argv[3], 0, UINT64_MAX, &seconds) < 0 ||
	    app_keys_root_env(&roots, app, &env, &e) < 0 || x25519_public(&env, key, &e) < 0)
		return fail(&e);
	hash = app_keys_env_hash(app, NULL, key);
	if (k256_sign_recoverable(&roots.k256, &hash, untimed, &e) < 0)
		return fail(&e);
	hash = app_keys_env_hash(app, &seconds, key);
	if (k256_sign_recoverable(&roots.k256, &hash, timed, &e) < 0)
		return fail(&e);
	print_hex("{\"public_key\":\"", key, sizeof(key), "\",");
	print_hex("\"signature\":\"", untimed, sizeof(untimed), "\",");
	(void)printf("\"timestamp\":%" PRIu64 ",", seconds);
	print_hex("\"signature_v1\":\"", timed, sizeof(timed), "\"}\n");
	return 0;
}

static int open_env(char *const *argv)
{
	static uint8_t sealed[SEALED_MAX];
	size_t n = fread(sealed, 1, sizeof(sealed), stdin);
	auto_secret_buf struct buf plain = { 0 };
	struct app_keys_roots roots;
	uint8_t app[APP_KEYS_ID];
	struct err e = ERR_NONE;
	struct secret32 env;

	if (str_unhex(roots.ca.b, SECRET_SIZE, argv[0]) < 0 ||
	    str_unhex(app, sizeof(app), argv[1]) < 0 ||
	    app_keys_root_env(&roots, app, &env, &e) < 0 ||
	    env_box_open(&env, sealed, n, &plain, &e) < 0)
		return fail(&e);
	(void)fwrite(plain.p, 1, plain.n, stdout);
	return 0;
}

static int write_file(const char *folder, const char *name, const char *text, struct err *e)
{
	char path[512];

	if (str_format(path, sizeof(path), "%s/%s", folder, name) < 0)
		return err_set(e, -ENAMETOOLONG, "the folder's name is too long");
	return file_replace(AT_FDCWD, path, 0600, text, strlen(text), e);
}

static int make_certs(const struct p256_key *ca, const char *folder, struct err *e)
{
	static const struct ratls_cert_text local[] = { { "127.0.0.1", 9 } };
	auto_buf struct buf root = BUF_MAX(RATLS_CERT_PEM_MAX), leaf = BUF_MAX(RATLS_CERT_PEM_MAX);
	struct ratls_cert_args a = { .common_name = { "Dstack KMS CA", 13 },
				     .organisation = { "Dstack", 6 },
				     .issuer_key = ca,
				     .is_ca = true,
				     .path_length = 1,
				     .not_before = RATLS_CERT_FROM_1975,
				     .not_after = (int64_t)time(NULL) + 86400 };
	uint8_t spki[P256_SPKI];
	struct p256_key own;
	int rc = ratls_cert_make(&a, &root, e);

	if (rc == 0)
		rc = p256_key_random(&own, e);
	if (rc < 0)
		return rc;
	p256_key_spki(&own, spki);
	a.common_name = local[0];
	a.alt_names = local;
	a.n_alt_names = 1;
	a.is_ca = false;
	a.key = spki;
	a.n_key = sizeof(spki);
	a.issuer_cert = (const char *)root.p;
	a.usage = RATLS_USAGE_KMS_RPC;
	rc = ratls_cert_make(&a, &leaf, e);
	if (rc == 0)
		rc = write_file(folder, "root.pem", (const char *)root.p, e);
	if (rc == 0)
		rc = write_file(folder, "leaf.pem", (const char *)leaf.p, e);
	if (rc == 0) {
		auto_secret_str char *key = p256_key_pem(&own);

		rc = write_file(folder, "leaf.key", key, e);
	}
	return rc;
}

static int certs(char *const *argv)
{
	struct err e = ERR_NONE;
	struct p256_key ca;
	struct secret32 d;

	if (str_unhex(d.b, sizeof(d.b), argv[0]) < 0 || p256_key_from_scalar(&d, &ca, &e) < 0 ||
	    make_certs(&ca, argv[1], &e) < 0)
		return fail(&e);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int n;
		int (*run)(char *const *argv);
	} commands[] = {
		{ "signer", 1, signer },
		{ "answer", 4, answer },
		{ "open", 2, open_env },
		{ "certs", 2, certs },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++) {
		if (str_equal(commands[i].name, argv[1]) && argc == commands[i].n + 2)
			return commands[i].run(argv + 2);
	}
	(void)fprintf(stderr, "keys-tool: see the head of keys-tool.c\n");
	return 2;
}
