/* SPDX-License-Identifier: Apache-2.0 */
/* test-keys_cert_client: certificates of the app's own CA and of a KMS, and what is not asked for at all */
#undef NDEBUG
#include "guest-stub/cert_client.h"

#include <uv.h>

#include "base/err.h"
#include "crypto/x509.h"
#include "data/app_keys_file.h"
#include "guest-stub/about.h"
#include "guest-stub/keys_seed.h"
#include "guest-stub/quoting.h"
#include "guest-stub/test_kms.h"
#include "guest-stub/test_simulated.h"
#include "tee/app_info.h"
#include "tee/csr.h"
#include "wire/attestation.h"

static struct test_kms_roots roots;
static struct test_simulated world;
static struct p256_key key;
static uv_loop_t loop;
static struct quoting quotes;
static struct app_keys_file keys;
static struct about about = { .key_provider = NULL };

static const struct cert_config plain = { .subject = "e2e", .server_auth = true };

struct got {
	int n, r;
	struct err e;
	size_t n_chain;
	char *chain[CERT_CLIENT_CHAIN_MAX];
};

static void on_done(void *arg, const struct cert_result *result)
{
	struct got *g = arg;
	size_t i;

	g->n++;
	g->r = result->r;
	g->e = result->e;
	g->n_chain = result->r < 0 ? 0 : result->n_chain;
	for (i = 0; i < g->n_chain; i++)
		g->chain[i] = xstrdup(result->chain[i]);
}

static void got_deinit(struct got *g)
{
	while (g->n_chain > 0)
		free(g->chain[--g->n_chain]);
}

static struct cert_client *client(void)
{
	const struct cert_client_args a = {
		.loop = &loop, .keys = &keys, .about = &about, .tee = &world.tee, .quotes = &quotes
	};

	return cert_client_new(&a);
}

/* One certificate, waited for. */
static struct got sign(struct cert_client *c, const struct cert_config *config)
{
	struct got g = { .r = 1 };

	assert(cert_client_sign(c, config, &key, on_done, &g, NULL) == 0);
	assert(g.n == 0); /* never before it returns */
	assert(uv_run(&loop, UV_RUN_DEFAULT) == 0 && g.n == 1);
	return g;
}

static struct ratls read_leaf(const struct got *g)
{
	struct ratls r = { .key.p = NULL };
	uint8_t spki[P256_SPKI];

	p256_key_spki(&key, spki);
	assert(ratls_read(g->chain[0], strlen(g->chain[0]), &r, NULL) == 0);
	assert(r.key.n == sizeof(spki) && memcmp(r.key.p, spki, sizeof(spki)) == 0);
	return r;
}

/*
 * Names, signature and root, by the reader of Intel's chains: only what those must have besides, and these have not,
 * may it miss, which it looks for after the signature.  openssl verify says the rest in e2e-keys_none.
 */
static void leads_to(const struct got *g, const char *root_pem)
{
	auto_buf struct buf all = BUF_MAX(1 << 20);
	struct x509_chain chain;
	struct x509_cert *root = NULL;
	size_t i;

	for (i = 0; i < g->n_chain; i++)
		assert(str_ends(g->chain[i], "\n") && buf_add_str(&all, g->chain[i]) == 0);
	assert(x509_cert_read(root_pem, strlen(root_pem), &root, NULL) == 0);
	assert(x509_chain_read(all.p, all.n, &chain, NULL) == 0);
	assert(x509_chain_trust(&chain, g->n_chain, root) == X509_WRONG_USAGE);
	assert(x509_chain_dates(&chain, (int64_t)(time_unix_ms() / 1000)) == X509_GOOD);
	x509_chain_deinit(&chain);
	x509_cert_free(root);
}

static int no_quote(void *arg, const uint8_t *report_data, struct buf *ret, struct err *e)
{
	(void)arg;
	(void)report_data;
	(void)ret;
	return err_set(e, ERR_MISSING, "none");
}

static void use_own_ca(void)
{
	struct secret32 seed = { { 9 } };

	app_keys_file_wipe(&keys);
	assert(keys_seed_derive(&seed, APP_KEY_PROVIDER_NONE, no_quote, NULL, &keys, NULL) == 0);
}

static void test_own_ca(void)
{
	struct cert_client *c = NULL;
	struct app_info info;
	struct ratls r;
	struct got g;

	use_own_ca();
	c = client();
	g = sign(c, &plain);
	assert(g.r == 0 && g.n_chain == 2 && str_equal(g.chain[1], keys.ca_cert));
	leads_to(&g, keys.ca_cert);
	r = read_leaf(&g);
	assert(str_equal(r.usage, "app:custom") && r.app_id.n == 0 && r.attestation.n == 0 &&
	       r.app_info.n == 0);
	ratls_deinit(&r);
	got_deinit(&g);

	g = sign(c, &(struct cert_config){
			    .subject = "x", .with_quote = true, .with_app_info = true });
	assert(g.r == 0);
	leads_to(&g, keys.ca_cert);
	r = read_leaf(&g);
	assert(r.attestation.n > 0 && app_info_parse(r.app_info.p, r.app_info.n, &info) == 0);
	assert(info.app_id.n == 20 && info.app_id.p[0] == 0x11 && info.mr_system.n == 32 &&
	       info.key_provider_info.n == strlen(about.key_provider));
	ratls_deinit(&r);
	got_deinit(&g);
	cert_client_free(c);
}

/* As a KMS does it: the request is held to its form and its key, the certificate is what it asks for. */
static char *sign_csr(const char *body, const struct test_kms *k)
{
	json_auto_t *o = NULL, *out = NULL;
	auto_free uint8_t *csr = xcalloc(1, 1 << 20);
	auto_free struct csr *c = xnew(struct csr);
	auto_free struct attestation *a = xnew(struct attestation);
	auto_buf struct buf pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	uint8_t signature[CSR_SIGNATURE_MAX], other[P256_SPKI];
	const char *csr_hex, *signature_hex;

	assert(json_parse(body, strlen(body), 1 << 22, "body", &o, NULL) == 0);
	csr_hex = json_get_str(o, "csr", "");
	signature_hex = json_get_str(o, "signature", "");
	assert(json_get_u64(o, "api_version", 0) == 2);
	assert(str_unhex(csr, strlen(csr_hex) / 2, csr_hex) == 0);
	assert(str_unhex(signature, strlen(signature_hex) / 2, signature_hex) == 0);
	assert(csr_check(CSR_V2, csr, strlen(csr_hex) / 2, signature, strlen(signature_hex) / 2, c,
			 NULL) == 0);
	assert(c->wants_server_auth && c->n_alt_names == 1 && c->has_not_after);
	assert(attestation_parse(c->attestation.p, c->attestation.n, a) == ATTESTATION_OK);
	assert(ratls_cert_is_bound(a->report_data, c->key.p, c->key.n));
	p256_key_spki(&k->roots->other, other);
	const struct ratls_cert_args args = {
		.common_name = { (const char *)c->subject.p, c->subject.n },
		.key = k->lie == KMS_SHORT_KEY ? other : c->key.p,
		.n_key = c->key.n,
		.issuer_cert = k->roots->root_pem,
		.issuer_key = &k->roots->root,
		.not_before = (int64_t)(time_unix_ms() / 1000) - 60,
		.not_after = (int64_t)c->not_after,
		.usage = RATLS_USAGE_APP_CUSTOM,
	};
	assert(ratls_cert_make(&args, &pem, NULL) == 0);
	out = json_pack("{s:[s, s]}", "certificate_chain", (char *)pem.p, k->roots->root_pem);
	return json_compact(out);
}

static void use_kms(const struct test_kms *k)
{
	app_keys_file_wipe(&keys);
	keys.provider = APP_KEY_PROVIDER_KMS;
	keys.ca_cert = xstrdup(k->roots->root_pem);
	keys.url = xasprintf("%s/prpc", k->url);
}

static struct got sign_at(enum test_kms_lie lie)
{
	static const char *const names[] = { "app.example" };
	const struct cert_config config = { .subject = "x",
					    .alt_names = names,
					    .n_alt_names = 1,
					    .server_auth = true,
					    .has_not_after = true,
					    .not_after = time_unix_ms() / 1000 + 600 };
	struct cert_client *c;
	struct test_kms k;
	struct got g;

	test_kms_start(&k, &roots, lie);
	k.sign = sign_csr;
	use_kms(&k);
	c = client();
	g = sign(c, &config);
	cert_client_free(c);
	test_kms_stop(&k);
	return g;
}

static void test_kms(void)
{
	struct got g = sign_at(KMS_HONEST);
	struct ratls r;

	assert(g.r == 0 && g.n_chain == 2);
	leads_to(&g, roots.root_pem);
	r = read_leaf(&g);
	ratls_deinit(&r);
	got_deinit(&g);
}

static void test_liars(void)
{
	static const struct {
		enum test_kms_lie lie;
		const char *words;
	} cases[] = {
		{ KMS_OTHER_ROOT, "not signed by anyone who is believed" },
		{ KMS_IS_AN_APP, "Invalid server cert usage: app:custom" },
		{ KMS_SHORT_KEY, "the certificate is for another key" },
	};
	struct got g;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		g = sign_at(cases[i].lie);
		if (!strstr(g.e.text, cases[i].words))
			puts(g.e.text);
		assert(g.r < 0 && g.n_chain == 0 && strstr(g.e.text, cases[i].words));
	}
}

static void refused(const struct cert_config *config, int code, const char *words)
{
	struct cert_client *c = client();
	struct err e = ERR_NONE;
	struct got g = { .r = 1 };

	assert(cert_client_sign(c, config, &key, on_done, &g, &e) == code);
	assert(strstr(e.text, words));
	assert(uv_run(&loop, UV_RUN_DEFAULT) == 0 && g.n == 0);
	cert_client_free(c);
}

static void test_what_cannot_be_signed(void)
{
	auto_free char *text = xcalloc(1, 256);
	const char *const names[CERT_CLIENT_NAMES_MAX + 1] = { text };

	use_own_ca();
	memset(text, 'x', 254);
	refused(&(struct cert_config){ .has_not_before = true,
				       .has_not_after = true,
				       .not_before = 5,
				       .not_after = 5 },
		ERR_INPUT, "not_before must be earlier than not_after");
	refused(&(struct cert_config){ .has_not_after = true, .not_after = UINT64_MAX }, ERR_INPUT,
		"a date is too far away");
	refused(&(struct cert_config){ .subject = text }, ERR_INPUT, "subject has 254 bytes");
	refused(&(struct cert_config){ .alt_names = names, .n_alt_names = 1 }, ERR_INPUT,
		"one of alt_names has 254 bytes");
	refused(&(struct cert_config){ .alt_names = names,
				       .n_alt_names = CERT_CLIENT_NAMES_MAX + 1 },
		ERR_INPUT, "65 alt_names, at most 64");
}

static void on_count(void *arg, const struct cert_result *result)
{
	assert(result->r == 0);
	++*(int *)arg;
}

static void test_so_many_at_once(void)
{
	struct cert_client *c = NULL;
	struct err e = ERR_NONE;
	int i, n = 0;

	use_own_ca();
	c = client();
	for (i = 0; i < CERT_CLIENT_MAX; i++)
		assert(cert_client_sign(c, &plain, &key, on_count, &n, NULL) == 0);
	assert(cert_client_sign(c, &plain, &key, on_count, &n, &e) == ERR_LIMIT);
	assert(uv_run(&loop, UV_RUN_DEFAULT) == 0 && n == CERT_CLIENT_MAX);
	assert(cert_client_sign(c, &plain, &key, on_count, &n, NULL) == 0);
	assert(uv_run(&loop, UV_RUN_DEFAULT) == 0 && n == CERT_CLIENT_MAX + 1);
	cert_client_free(c);
}

int main(void)
{
	assert(uv_loop_init(&loop) == 0 && p256_key_random(&key, NULL) == 0);
	test_kms_roots_init(&roots);
	test_simulated_init(&world);
	about.key_provider = xstrdup("{\"name\":\"none\",\"id\":\"\"}");
	about.vm_config = "{}";
	about.app_id.n = 20;
	about.app_id.b[0] = 0x11;
	quoting_init(&quotes, &loop, &world.tee.tee, world.fd);
	test_own_ca();
	test_kms();
	test_liars();
	test_what_cannot_be_signed();
	test_so_many_at_once();
	app_keys_file_wipe(&keys);
	free(about.key_provider);
	test_simulated_deinit(&world);
	test_kms_roots_deinit(&roots);
	assert(uv_loop_close(&loop) == 0);
	return 0;
}
