/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway-tool: certificates as a KMS gives them; one JSON object in, one with cert and key (PEM) out
 *
 *	{"do":"ca"}
 *	{"do":"server","ca_cert","ca_key"}		for 127.0.0.1 or "name"; with "seconds" to live, a year
 *	{"do":"client","ca_cert","ca_key","app_id","instance_id","compose_hash" (hex),
 *	 "outer_app_id" (hex, extension .3), "bare": true (no .9), "info": hex (.9 as it is)}
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/cert_write.h"
#include "crypto/p256.h"
#include "data/json.h"
#include "tee/app_info.h"

enum { INPUT_MAX = 256 * 1024, YEAR_S = 365 * 86400, BYTES_MAX = 512 };

struct bytes {
	uint8_t p[BYTES_MAX];
	size_t n;
};

static struct bytes hex(const json_t *o, const char *key)
{
	const char *text = json_get_str(o, key, "");
	struct bytes b = { .n = strlen(text) / 2 };

	assert(b.n <= BYTES_MAX && str_unhex(b.p, b.n, text) == 0);
	return b;
}

static void answer(struct cert_write_args *a, const struct p256_key *own, uint64_t seconds)
{
	auto_buf struct buf pem = BUF_MAX(INPUT_MAX);
	json_auto_t *out = json_object();
	auto_secret_str char *key = p256_key_pem(own);
	auto_free char *text = NULL;
	struct err e = ERR_NONE;

	a->not_before = (int64_t)(time_unix_ms() / 1000) - 3600;
	a->not_after = a->not_before + 3600 + (int64_t)seconds;
	if (cert_write(a, &pem, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	(void)json_object_set_new(out, "cert", json_string((const char *)pem.p));
	(void)json_object_set_new(out, "key", json_string(key));
	text = json_compact(out);
	(void)puts(text);
}

static void make_ca(const struct p256_key *own)
{
	struct cert_write_args a = {
		.common_name = { "root", 4 }, .issuer_key = own, .is_ca = true, .path_length = 1
	};

	answer(&a, own, YEAR_S);
}

static void write_info(const json_t *in, struct buf *ret)
{
	struct bytes app = hex(in, "app_id"), id = hex(in, "instance_id"),
		     hash = hex(in, "compose_hash"), raw = hex(in, "info");
	struct app_info info = { .app_id = { app.p, app.n },
				 .instance_id = { id.p, id.n },
				 .compose_hash = { hash.p, hash.n } };

	if (raw.n)
		assert(buf_add(ret, raw.p, raw.n) == 0);
	else
		assert(app_info_write(&info, ret) == 0);
}

static void make_leaf(const json_t *in, const struct p256_key *own, bool is_server)
{
	const char *name = json_get_str(in, "name", "127.0.0.1");
	const struct cert_text names[] = { { name, strlen(name) } };
	const char *ca_key = json_get_str(in, "ca_key", "");
	auto_buf struct buf info = BUF_MAX(BYTES_MAX);
	struct bytes outer = hex(in, "outer_app_id");
	struct cert_extension extensions[2];
	auto_p256_key struct p256_key issuer;
	uint8_t spki[P256_SPKI];
	struct cert_write_args a = { .common_name = { "leaf", 4 },
				     .key = spki,
				     .n_key = sizeof(spki),
				     .issuer_cert = json_get_str(in, "ca_cert", ""),
				     .issuer_key = &issuer,
				     .for_server = is_server,
				     .for_client = !is_server,
				     .extensions = extensions };

	assert(p256_key_from_pem(ca_key, strlen(ca_key), &issuer, NULL) == 0);
	p256_key_spki(own, spki);
	if (is_server) {
		a.alt_names = names;
		a.n_alt_names = 1;
	}
	if (outer.n)
		extensions[a.n_extensions++] =
			(struct cert_extension){ "1.3.6.1.4.1.62397.1.3", outer.p, outer.n };
	if (!is_server && !json_get_bool(in, "bare", false)) {
		write_info(in, &info);
		extensions[a.n_extensions++] =
			(struct cert_extension){ "1.3.6.1.4.1.62397.1.9", info.p, info.n };
	}
	answer(&a, own, json_get_u64(in, "seconds", YEAR_S));
}

int main(void)
{
	static char text[INPUT_MAX];
	size_t n = fread(text, 1, sizeof(text), stdin);
	auto_p256_key struct p256_key own;
	json_auto_t *in = NULL;
	const char *what;

	assert(json_parse(text, n, sizeof(text), "input", &in, NULL) == 0);
	assert(p256_key_random(&own, NULL) == 0);
	what = json_get_str(in, "do", "");
	if (str_equal(what, "ca"))
		make_ca(&own);
	else
		make_leaf(in, &own, str_equal(what, "server"));
	return 0;
}
