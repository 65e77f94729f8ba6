/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kms-tool: what a simulated guest shows to a key service; one JSON object in, one out
 *
 *	{"do":"world"}                            os_image_hash, vm_config, registers, ACPI digests of the guests
 *	{"do":"attest","report_data":hex, APP}    attestation
 *	{"do":"client","temp_ca_cert","temp_ca_key", APP}  cert, key; "double": its attestation twice,
 *	                                          "attestation": that one instead, "old": quote and log apart
 *	                                          "info_app_id": app info of that app, too
 *	{"do":"csr","version", APP}               csr, signature
 *	{"do":"keys","state","seal_key","ca","k256"}  keys.sealed of those roots
 *
 * APP: "seed", "app_id", "compose_hash", "instance_id" (hex), "running", "debug", "wrong_image", "own_acpi",
 *	"unquoted".
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "simulator/test_peer.h"

#include "base/err.h"
#include "base/time.h"
#include "crypto/kdf.h"
#include "kms/keys.h"
#include "tee/app_info.h"
#include "tee/csr.h"
#include "tee/ratls_cert.h"
#include "tee/report_data.h"

enum { INPUT_MAX = 4 * 1024 * 1024, ATTESTATION_ROOM = 256 * 1024 };

static const char oid_attestation[] = "1.3.6.1.4.1.62397.1.8";

static void take_hex(const json_t *o, const char *key, uint8_t *dst, size_t n, uint8_t otherwise)
{
	const char *hex = json_get_str(o, key, NULL);

	memset(dst, otherwise, n);
	assert(!hex || str_unhex(dst, n, hex) == 0);
}

static void put_hex(json_t *o, const char *key, const void *p, size_t n)
{
	auto_free char *hex = xcalloc(2, n + 1);

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
}

static void world(const json_t *in, struct test_peer *t)
{
	uint8_t seed[32];

	take_hex(in, "seed", seed, sizeof(seed), 7);
	test_peer_init(t, seed);
	if (json_get_bool(in, "own_acpi", false)) {
		t->acpi.tables.b[0] ^= 1;
		test_peer_measure(t);
	}
	if (json_get_bool(in, "wrong_image", false))
		t->measurement.rtmr[1].b[0] ^= 1;
}

static void attest(const json_t *in, const uint8_t *report_data, struct buf *ret)
{
	struct test_peer_app app = { .n_instance_id = 20 };
	struct test_peer t;

	world(in, &t);
	take_hex(in, "app_id", app.app_id, sizeof(app.app_id), 0x11);
	take_hex(in, "compose_hash", app.compose_hash, sizeof(app.compose_hash), 0x22);
	take_hex(in, "instance_id", app.instance_id, sizeof(app.instance_id), 0x33);
	app.key_provider =
		json_get_bool(in, "running", false) ? "{\"name\":\"kms\",\"id\":\"\"}" : NULL;
	app.attributes = json_get_bool(in, "debug", false);
	app.unquoted = json_get_str(in, "unquoted", NULL);
	*ret = BUF_MAX(ATTESTATION_ROOM);
	test_peer_attest(&t, &app, report_data, ret);
	test_peer_deinit(&t);
}

static void attest_key(const json_t *in, const struct p256_key *key, struct buf *ret)
{
	uint8_t spki[P256_SPKI];
	struct report_data rd;

	p256_key_spki(key, spki);
	spki[P256_SPKI - 1] ^= json_get_bool(in, "other_key", false);
	ratls_cert_report_data(spki, sizeof(spki), &rd);
	attest(in, rd.b, ret);
}

static json_t *do_world(const json_t *in)
{
	json_t *o = json_object(), *doc = NULL;
	struct sys_vm_config vm;
	struct test_peer t;

	world(in, &t);
	assert(sys_vm_config_parse(t.vm_config, strlen(t.vm_config), &doc, &vm, NULL) == 0);
	put_hex(o, "os_image_hash", vm.os_image_hash, sizeof(vm.os_image_hash));
	(void)json_object_set_new(o, "vm_config", json_string(t.vm_config));
	put_hex(o, "mrtd", t.measurement.mrtd.b, sizeof(t.measurement.mrtd.b));
	put_hex(o, "rtmr0", t.measurement.rtmr[0].b, sizeof(t.measurement.rtmr[0].b));
	put_hex(o, "rtmr1", t.measurement.rtmr[1].b, sizeof(t.measurement.rtmr[1].b));
	put_hex(o, "rtmr2", t.measurement.rtmr[2].b, sizeof(t.measurement.rtmr[2].b));
	put_hex(o, "acpi-loader", t.acpi.loader.b, sizeof(t.acpi.loader.b));
	put_hex(o, "acpi-rsdp", t.acpi.rsdp.b, sizeof(t.acpi.rsdp.b));
	put_hex(o, "acpi-tables", t.acpi.tables.b, sizeof(t.acpi.tables.b));
	json_decref(doc);
	test_peer_deinit(&t);
	return o;
}

static json_t *do_attest(const json_t *in)
{
	auto_buf struct buf b = { .max = 0 };
	json_t *o = json_object();
	uint8_t rd[REPORT_DATA_SIZE];

	take_hex(in, "report_data", rd, sizeof(rd), 0);
	attest(in, rd, &b);
	put_hex(o, "attestation", b.p, b.n);
	return o;
}

/* The same extension once more, signed. */
static char *doubled(const char *pem, const char *issuer_key)
{
	BIO *in = BIO_new_mem_buf(pem, -1), *key_in = BIO_new_mem_buf(issuer_key, -1);
	BIO *out = BIO_new(BIO_s_mem());
	X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL);
	ASN1_OBJECT *oid = OBJ_txt2obj(oid_attestation, 1);
	int at = X509_get_ext_by_OBJ(x, oid, -1);
	char *text, *ret;

	assert(at >= 0 && X509_add_ext(x, X509_get_ext(x, at), -1) == 1);
	assert(X509_sign(x, key, EVP_sha256()) > 0 && PEM_write_bio_X509(out, x) == 1);
	assert(BIO_write(out, "", 1) == 1 && BIO_get_mem_data(out, &text) > 0);
	ret = xstrdup(text);
	ASN1_OBJECT_free(oid);
	EVP_PKEY_free(key);
	X509_free(x);
	BIO_free(in);
	BIO_free(key_in);
	BIO_free(out);
	return ret;
}

static json_t *do_client(const json_t *in)
{
	const char *ca = json_get_str(in, "temp_ca_cert", ""),
		   *key = json_get_str(in, "temp_ca_key", "");
	const char *given = json_get_str(in, "attestation", NULL);
	auto_buf struct buf attestation = { .max = 0 }, pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	auto_free char *key_pem = NULL, *twice = NULL;
	struct p256_key own, issuer;
	uint8_t spki[P256_SPKI];
	int64_t now = (int64_t)(time_unix_ms() / 1000);
	struct ratls_cert_args a = { .common_name = { RATLS_CN_TEMP, strlen(RATLS_CN_TEMP) },
				     .key = spki,
				     .n_key = sizeof(spki),
				     .issuer_cert = ca,
				     .issuer_key = &issuer,
				     .not_before = now - RATLS_CERT_CLOCK_SLACK_S,
				     .not_after = now + RATLS_CERT_CLOCK_SLACK_S };
	uint8_t ids[2][20], hash[32];
	struct app_info info = { .app_id = { ids[0], sizeof(ids[0]) },
				 .instance_id = { ids[1], sizeof(ids[1]) },
				 .compose_hash = { hash, sizeof(hash) } };
	struct err e = ERR_NONE;

	take_hex(in, "info_app_id", ids[0], sizeof(ids[0]), 0);
	take_hex(in, "instance_id", ids[1], sizeof(ids[1]), 0x33);
	take_hex(in, "compose_hash", hash, sizeof(hash), 0x22);
	if (json_object_get(in, "info_app_id"))
		a.app_info = &info;
	assert(p256_key_random(&own, NULL) == 0);
	assert(p256_key_from_pem(key, strlen(key), &issuer, NULL) == 0);
	p256_key_spki(&own, spki);
	attest_key(in, &own, &attestation);
	if (given) {
		assert(strlen(given) / 2 <= attestation.cap);
		attestation.n = strlen(given) / 2;
		assert(str_unhex(attestation.p, attestation.n, given) == 0);
	}
	if (!json_get_bool(in, "none", false)) {
		a.attestation = attestation.p;
		a.n_attestation = attestation.n;
	}
	if (ratls_cert_make(&a, &pem, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	key_pem = p256_key_pem(&own);
	if (json_get_bool(in, "double", false))
		twice = doubled((const char *)pem.p, key);
	return json_pack("{s:s, s:s}", "cert", twice ? twice : (const char *)pem.p, "key", key_pem);
}

/* What an older request has: quote, and the log as JSON. */
static void old_form(const struct buf *attestation, struct csr *c, struct buf *log)
{
	struct attestation *a = xnew(struct attestation);
	json_t *list = json_array();
	auto_free char *text = NULL;
	size_t i;

	assert(attestation_parse(attestation->p, attestation->n, a) == ATTESTATION_OK);
	for (i = 0; i < a->n_events + a->n_runtime; i++) {
		const bool is_runtime = i >= a->n_events;
		const struct attestation_event *ev = &a->events[is_runtime ? 0 : i];
		const struct attestation_runtime *r = &a->runtime[is_runtime ? i - a->n_events : 0];
		json_t *o = json_object();

		(void)json_object_set_new(o, "imr", json_integer(is_runtime ? 3 : ev->imr));
		(void)json_object_set_new(
			o, "event_type",
			json_integer(is_runtime ? ATTESTATION_RUNTIME_TYPE : ev->type));
		put_hex(o, "digest", is_runtime ? NULL : ev->digest.p,
			is_runtime ? 0 : ev->digest.n);
		(void)json_object_set_new(o, "event",
					  is_runtime
						  ? json_stringn((const char *)r->name.p, r->name.n)
						  : json_string(""));
		put_hex(o, "event_payload", is_runtime ? r->payload.p : ev->payload.p,
			is_runtime ? r->payload.n : ev->payload.n);
		(void)json_array_append_new(list, o);
	}
	text = json_compact(list);
	assert(buf_add_str(log, text) == 0);
	/* it is at the beginning of both forms' own bytes, so it is there as long as they are */
	c->quote = (struct csr_bytes){ a->quote.p, a->quote.n };
	c->event_log = (struct csr_bytes){ log->p, log->n };
	json_decref(list);
	free(a);
}

static json_t *do_csr(const json_t *in)
{
	static const char subject[] = "app.example.org", name[] = "alt.example.org";
	auto_buf struct buf attestation = { .max = 0 }, csr = BUF_MAX(CSR_SIZE_MAX);
	auto_buf struct buf signature = BUF_MAX(CSR_SIGNATURE_MAX), log = BUF_MAX(INPUT_MAX);
	auto_free char *key = NULL;
	struct csr *c = xnew(struct csr);
	struct p256_key own;
	uint8_t spki[P256_SPKI];
	json_t *o = json_object();

	assert(p256_key_random(&own, NULL) == 0);
	p256_key_spki(&own, spki);
	attest_key(in, &own, &attestation);
	c->version = json_get_u64(in, "version", 2) == 1 ? CSR_V1 : CSR_V2;
	c->key = (struct csr_bytes){ spki, sizeof(spki) };
	c->subject = (struct csr_bytes){ (const uint8_t *)subject, sizeof(subject) - 1 };
	c->alt_names[c->n_alt_names++] =
		(struct csr_bytes){ (const uint8_t *)name, sizeof(name) - 1 };
	c->wants_server_auth = c->wants_client_auth = c->wants_quote = true;
	if (c->version == CSR_V1) {
		old_form(&attestation, c, &log);
	} else {
		c->wants_app_info = true;
		c->attestation = (struct csr_bytes){ attestation.p, attestation.n };
	}
	assert(csr_write(c, &csr, NULL) == 0 &&
	       csr_sign(csr.p, csr.n, &own, &signature, NULL) == 0);
	put_hex(o, "csr", csr.p, csr.n);
	put_hex(o, "signature", signature.p, signature.n);
	key = p256_key_pem(&own);
	(void)json_object_set_new(o, "key", json_string(key));
	free(c);
	return o;
}

static json_t *do_keys(const json_t *in)
{
	int dir = open(json_get_str(in, "state", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct digest_part use = { "bailey-kms-seal", 15 };
	struct secret32 given, seal, ca_d, k256;
	struct p256_key ca, tmp;
	struct kms_keys k = { .ca_cert = NULL };

	take_hex(in, "seal_key", given.b, sizeof(given.b), 0);
	take_hex(in, "ca", ca_d.b, sizeof(ca_d.b), 0);
	take_hex(in, "k256", k256.b, sizeof(k256.b), 0);
	kdf_hkdf(given.b, sizeof(given.b), &use, 1, &seal);
	assert(dir >= 0 && p256_key_from_scalar(&ca_d, &ca, NULL) == 0);
	assert(p256_key_random(&tmp, NULL) == 0 && kms_keys_of(&ca, &k256, &tmp, &k, NULL) == 0);
	assert(kms_keys_certify(&k, (int64_t)(time_unix_ms() / 1000), NULL) == 1);
	assert(kms_keys_store(dir, &seal, &k, NULL) == 0);
	kms_keys_wipe(&k);
	(void)close(dir);
	return json_object();
}

static const struct {
	const char *name;
	json_t *(*run)(const json_t *in);
} commands[] = { { "world", do_world },
		 { "attest", do_attest },
		 { "client", do_client },
		 { "csr", do_csr },
		 { "keys", do_keys } };

int main(void)
{
	static char text[INPUT_MAX];
	size_t n = fread(text, 1, sizeof(text), stdin), i;
	auto_free char *answer = NULL;
	json_t *in = NULL, *out = NULL;

	assert(json_parse(text, n, sizeof(text), "input", &in, NULL) == 0);
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (str_equal(commands[i].name, json_get_str(in, "do", "")))
			out = commands[i].run(in);
	}
	assert(out);
	answer = json_compact(out);
	(void)puts(answer);
	json_decref(in);
	json_decref(out);
	return 0;
}
