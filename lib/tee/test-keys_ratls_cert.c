/* SPDX-License-Identifier: Apache-2.0 */
/* ratls_cert: what is made is what a strict verifier takes, and says what it was told to say */
#undef NDEBUG
#include "tee/ratls_cert.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/p256.h"
#include "crypto/ratls.h"
#include "tee/app_info.h"
#include "tee/report_data.h"
#include "wire/attestation.h"

#define TEXT(s)                                                                                    \
	{                                                                                          \
		(s), sizeof(s) - 1                                                                 \
	}
#define T(s) ((struct ratls_cert_text)TEXT(s))

static char folder[] = "/tmp/test-ratls-cert-XXXXXX";
static int64_t now;

/* A root, a CA below it and a leaf, as a KMS makes them. */
struct world {
	struct p256_key root_key, ca_key, leaf_key;
	struct buf root, ca, leaf;
};

static struct ratls_cert_args ca_args(const struct world *w)
{
	return (struct ratls_cert_args){
		.common_name = T("Dstack App CA"),
		.organisation = T("Dstack"),
		.issuer_cert = (const char *)w->root.p,
		.issuer_key = &w->root_key,
		.is_ca = true,
		.not_before = now - 60,
		.not_after = now + 3600,
		.app_id = "12345678901234567890",
		.n_app_id = 20,
		.usage = RATLS_USAGE_APP_CA,
	};
}

static struct ratls_cert_args leaf_args(const struct world *w, const uint8_t *spki)
{
	static const struct ratls_cert_text names[] = { TEXT("app.example"), TEXT("*.app.example"),
							TEXT("10.0.2.2"), TEXT("2001:db8::1") };

	return (struct ratls_cert_args){
		.common_name = T("app \xc3\xa9"),
		.alt_names = names,
		.n_alt_names = sizeof(names) / sizeof(names[0]),
		.key = spki,
		.n_key = P256_SPKI,
		.issuer_cert = (const char *)w->ca.p,
		.issuer_key = &w->ca_key,
		.for_server = true,
		.for_client = true,
		.not_before = now - 60,
		.not_after = now + 600,
		.usage = RATLS_USAGE_APP_CUSTOM,
	};
}

static void world_init(struct world *w)
{
	struct ratls_cert_args root = { .common_name = T("Dstack KMS CA"),
					.issuer_key = &w->root_key,
					.is_ca = true,
					.path_length = 1,
					.not_before = RATLS_CERT_FROM_1975,
					.not_after = now + RATLS_CERT_LIFE_S };
	struct ratls_cert_args ca = ca_args(w), leaf;
	uint8_t spki[P256_SPKI];

	assert(p256_key_random(&w->root_key, NULL) == 0 && p256_key_random(&w->ca_key, NULL) == 0 &&
	       p256_key_random(&w->leaf_key, NULL) == 0);
	w->root = w->ca = w->leaf = BUF_MAX(RATLS_CERT_PEM_MAX);
	assert(ratls_cert_make(&root, &w->root, NULL) == 0);
	ca.issuer_cert = (const char *)w->root.p;
	p256_key_spki(&w->ca_key, spki);
	ca.key = spki;
	ca.n_key = sizeof(spki);
	assert(ratls_cert_make(&ca, &w->ca, NULL) == 0);
	p256_key_spki(&w->leaf_key, spki);
	leaf = leaf_args(w, spki);
	assert(ratls_cert_make(&leaf, &w->leaf, NULL) == 0);
}

static void world_deinit(struct world *w)
{
	buf_deinit(&w->root);
	buf_deinit(&w->ca);
	buf_deinit(&w->leaf);
	p256_key_wipe(&w->root_key);
	p256_key_wipe(&w->ca_key);
	p256_key_wipe(&w->leaf_key);
}

static void put(const char *name, const struct buf *b)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0 && fd_write_all(fd, b->p, b->n) == 0);
}

/* The status of `openssl verify -x509_strict` for a purpose and a name. */
static int verify(const char *purpose, const char *kind, const char *name)
{
	int status = -1;
	pid_t pid = fork();

	assert(pid >= 0);
	if (pid == 0) {
		assert(chdir(folder) == 0 && freopen("/dev/null", "w", stdout) &&
		       freopen("log", "w", stderr));
		(void)execlp("openssl", "openssl", "verify", "-x509_strict", "-purpose", purpose,
			     kind, name, "-CAfile", "root", "-untrusted", "ca", "leaf", NULL);
		_exit(127);
	}
	assert(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_a_strict_verifier_takes_it(void)
{
	struct world w;

	world_init(&w);
	put("root", &w.root);
	put("ca", &w.ca);
	put("leaf", &w.leaf);
	assert(verify("sslserver", "-verify_hostname", "app.example") == 0);
	assert(verify("sslclient", "-verify_hostname", "x.app.example") == 0);
	assert(verify("sslserver", "-verify_ip", "10.0.2.2") == 0);
	assert(verify("sslserver", "-verify_ip", "2001:db8::1") == 0);
	assert(verify("sslserver", "-verify_hostname", "other.example") == 2);
	assert(verify("sslserver", "-verify_hostname", "app") ==
	       2); /* the common name is no host's */
	assert(verify("smimesign", "-verify_hostname", "app.example") == 2);
	world_deinit(&w);
}

static void test_no_two_have_one_serial_number(void)
{
	auto_buf struct buf again = BUF_MAX(RATLS_CERT_PEM_MAX);
	struct ratls_cert_args a;
	uint8_t spki[P256_SPKI];
	struct world w;

	world_init(&w);
	p256_key_spki(&w.leaf_key, spki);
	a = leaf_args(&w, spki);
	a.not_after++;
	assert(ratls_cert_make(&a, &again, NULL) == 0);
	/* 64 base64 digits in, the serial number is over; the same key and issuer, another date */
	assert(memcmp(w.leaf.p + 28, again.p + 28, 48) != 0);
	world_deinit(&w);
}

static void test_what_it_says_is_read_back(void)
{
	auto_buf struct buf pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	struct app_info info = { .app_id = { (const uint8_t *)"12345678901234567890", 20 } }, back;
	struct ratls_cert_args a;
	uint8_t spki[P256_SPKI];
	struct ratls r;
	struct world w;

	world_init(&w);
	p256_key_spki(&w.leaf_key, spki);
	a = leaf_args(&w, spki);
	a.app_id = "abc";
	a.n_app_id = 3;
	a.usage = RATLS_USAGE_KMS_RPC;
	a.app_info = &info;
	assert(ratls_cert_make(&a, &pem, NULL) == 0);
	assert(ratls_read(pem.p, pem.n, &r, NULL) == 0);
	assert(r.key.n == sizeof(spki) && memcmp(r.key.p, spki, sizeof(spki)) == 0);
	assert(r.app_id.n == 3 && memcmp(r.app_id.p, "abc", 3) == 0);
	assert(str_equal(r.usage, "kms:rpc") && !r.attestation.p && !r.quote.p);
	assert(app_info_parse(r.app_info.p, r.app_info.n, &back) == 0 && back.app_id.n == 20);
	ratls_deinit(&r);
	world_deinit(&w);
}

/* An attestation with one event of the boot and one of the guest, of which a certificate keeps the second only. */
static void test_an_attestation_is_stripped(void)
{
	static const uint8_t digest[ATTESTATION_DIGEST_SIZE] = { 1 };
	auto_free struct attestation *at = xnew(struct attestation);
	auto_buf struct buf whole = BUF_MAX(ATTESTATION_SIZE_MAX),
			    pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	struct ratls_cert_args a;
	struct world w;
	struct ratls r;

	world_init(&w);
	at->quote = (struct attestation_bytes){ (const uint8_t *)"quote", 5 };
	at->n_events = 1;
	at->events[0] = (struct attestation_event){ .imr = 1, .type = 1, .version = 1 };
	at->events[0].digest = (struct attestation_bytes){ digest, sizeof(digest) };
	at->events[0].payload = (struct attestation_bytes){ (const uint8_t *)"payload", 7 };
	at->n_runtime = 1;
	at->runtime[0].name = (struct attestation_bytes){ (const uint8_t *)"app-id", 6 };
	at->runtime[0].version = 1;
	assert(attestation_write(at, ATTESTATION_V0, &whole) == 0);
	a = (struct ratls_cert_args){ .common_name = T(RATLS_CN_APP_ROOT),
				      .issuer_key = &w.root_key,
				      .is_ca = true,
				      .path_length = 1,
				      .not_after = now,
				      .attestation = whole.p,
				      .n_attestation = whole.n };
	assert(ratls_cert_make(&a, &pem, NULL) == 0 && ratls_read(pem.p, pem.n, &r, NULL) == 0);
	assert(attestation_parse(r.attestation.p, r.attestation.n, at) == ATTESTATION_OK);
	assert(at->n_events == 0 && at->n_runtime == 1 && at->quote.n == 5);
	a.n_attestation--;
	assert(ratls_cert_make(&a, &pem, NULL) == ERR_INPUT);
	ratls_deinit(&r);
	world_deinit(&w);
}

static void test_report_data_binds_one_key(void)
{
	struct report_data d, e;
	uint8_t key[P256_SPKI] = { 1 };

	ratls_cert_report_data(key, sizeof(key), &d);
	assert(report_data_hashed(NULL, "ratls-cert", key, sizeof(key), &e, NULL) == 0);
	assert(memcmp(d.b, e.b, sizeof(d.b)) == 0);
	assert(ratls_cert_is_bound(d.b, key, sizeof(key)));
	key[P256_SPKI - 1] ^= 1;
	assert(!ratls_cert_is_bound(d.b, key, sizeof(key)));
	key[P256_SPKI - 1] ^= 1;
	d.b[63] ^= 1;
	assert(!ratls_cert_is_bound(d.b, key, sizeof(key)));
}

static void refuse(const struct ratls_cert_args *a, const char *word)
{
	auto_buf struct buf b = BUF_MAX(RATLS_CERT_PEM_MAX);
	struct err e = ERR_NONE;

	assert(ratls_cert_make(a, &b, &e) == ERR_INPUT && b.n == 0);
	assert(strstr(e.text, word));
}

static void test_what_cannot_be_made(void)
{
	static const struct ratls_cert_text bad_names[] = { TEXT(""), TEXT("two words"),
							    TEXT("\xc3\xa9.example") };
	struct ratls_cert_args a;
	uint8_t spki[P256_SPKI];
	struct world w;
	size_t i;

	world_init(&w);
	p256_key_spki(&w.leaf_key, spki);
	for (i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		a = leaf_args(&w, spki);
		a.alt_names = &bad_names[i];
		a.n_alt_names = 1;
		refuse(&a, "alternative name");
	}
	a = leaf_args(&w, spki);
	a.n_alt_names = RATLS_CERT_ALT_NAMES_MAX + 1;
	refuse(&a, "alternative names");
	a = leaf_args(&w, spki);
	a.common_name = T("a\nb");
	refuse(&a, "its name");
	a.common_name = T("\xff");
	refuse(&a, "its name");
	a = leaf_args(&w, spki);
	a.not_after = a.not_before;
	refuse(&a, "it must end");
	a.not_after = INT64_MAX;
	refuse(&a, "it must end");
	a = leaf_args(&w, spki);
	a.not_before = now + 7200;
	a.not_after = now + 9000;
	refuse(&a, "issuer ends");
	a = leaf_args(&w, spki);
	a.issuer_key = &w.root_key;
	refuse(&a, "not that of its issuer");
	a = leaf_args(&w, spki);
	a.issuer_cert = NULL;
	refuse(&a, "sign itself");
	a = leaf_args(&w, spki);
	a.issuer_cert = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	refuse(&a, "no PEM certificate");
	spki[P256_SPKI - 1] ^= 1;
	a = leaf_args(&w, spki);
	refuse(&a, "its key");
	world_deinit(&w);
}

static void sweep(void)
{
	static const char *const names[] = { "root", "ca", "leaf", "log" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", folder, names[i]);

		(void)unlink(path);
	}
	assert(rmdir(folder) == 0);
}

int main(void)
{
	now = (int64_t)time(NULL);
	assert(mkdtemp(folder));
	test_a_strict_verifier_takes_it();
	test_no_two_have_one_serial_number();
	test_what_it_says_is_read_back();
	test_an_attestation_is_stripped();
	test_report_data_binds_one_key();
	test_what_cannot_be_made();
	sweep();
	return 0;
}
