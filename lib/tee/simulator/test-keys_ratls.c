/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RA-TLS from end to end: a server and its clients show certificates with quotes of a simulated world, each holds the
 * other's quote to the key of the connection, and whoever shows another's quote is found out.
 */
#include "loop/test_tls_front.h"
#include "test_world.h"

#include "base/err.h"
#include "crypto/ratls.h"
#include "loop/tls_call.h"
#include "tee/ratls_cert.h"
#include "tee/report_data.h"
#include "wire/attestation.h"

#define T(s) ((struct ratls_cert_text){ (s), sizeof(s) - 1 })

static struct world world;
static struct test_ids ids;

/* A certificate that the root signs, with the quote of a TD of @seed for its key, or for @quoted. */
static void make(struct test_id *id, const uint8_t *seed, const struct p256_key *quoted,
		 const char *usage)
{
	static const struct ratls_cert_text names[] = { { "localhost", 9 } };
	auto_buf struct buf quote = BUF_MAX(SIMULATOR_QUOTE_MAX);
	auto_buf struct buf attestation = BUF_MAX(ATTESTATION_SIZE_MAX);
	auto_free struct attestation *at = xnew(struct attestation);
	struct simulator *sim = simulator_new(seed);
	struct simulator_td td;
	uint8_t spki[P256_SPKI], own[P256_SPKI];
	struct report_data rd;
	struct ratls_cert_args a;

	*id = (struct test_id){ .cert = BUF_MAX(1 << 20), .chain = BUF_MAX(1 << 20) };
	assert(p256_key_random(&id->key, NULL) == 0);
	p256_key_spki(&id->key, own);
	p256_key_spki(quoted ? quoted : &id->key, spki);
	ratls_cert_report_data(spki, sizeof(spki), &rd);
	simulator_td_init(&td);
	memcpy(td.report_data, rd.b, sizeof(rd.b));
	assert(simulator_quote(sim, &td, &quote) == 0);
	simulator_free(sim);
	at->quote = (struct attestation_bytes){ quote.p, quote.n };
	memcpy(at->report_data, rd.b, sizeof(rd.b));
	assert(attestation_write(at, ATTESTATION_V1, &attestation) == 0);
	a = (struct ratls_cert_args){ .common_name = T(RATLS_CN_TEMP),
				      .alt_names = names,
				      .n_alt_names = 1,
				      .key = own,
				      .n_key = sizeof(own),
				      .issuer_cert = test_cert(&ids.root),
				      .issuer_key = &ids.root.key,
				      .not_before = RATLS_CERT_FROM_1975,
				      .not_after = INT64_C(4000000000),
				      .usage = usage,
				      .attestation = attestation.p,
				      .n_attestation = attestation.n };
	assert(ratls_cert_make(&a, &id->cert, NULL) == 0);
	assert(buf_add(&id->chain, id->cert.p, id->cert.n) == 0);
	assert(buf_add(&id->chain, ids.root.cert.p, ids.root.cert.n) == 0);
	id->key_pem = p256_key_pem(&id->key);
}

/* What is to be said of who has this certificate. */
static const char *judge(const void *cert, size_t n)
{
	auto_free struct attestation *at = xnew(struct attestation);
	struct quote_verify_args args = world.args;
	struct quote_result res;
	const char *verdict = "attested";
	struct ratls r;

	if (n == 0)
		return "nobody";
	if (ratls_read(cert, n, &r, NULL) < 0)
		return "broken";
	if (!r.attestation.p) {
		verdict = "no attestation";
	} else if (attestation_parse(r.attestation.p, r.attestation.n, at) != ATTESTATION_OK) {
		verdict = "broken attestation";
	} else {
		args.quote = at->quote.p;
		args.n_quote = at->quote.n;
		if (!quote_verify(&args, &res))
			verdict = "another world";
		else if (!ratls_cert_is_bound(res.quote.td.report_data, r.key.p, r.key.n))
			verdict = "another's quote";
	}
	ratls_deinit(&r);
	return verdict;
}

static void answer(struct http_request *r, void *arg)
{
	const struct tls_peer *p = http_request_peer(r);
	const char *verdict = judge(p->cert, p->n_cert);

	(void)arg;
	http_reply(r, 200, "text/plain", verdict, strlen(verdict), NULL);
}

/* What the server says of the client, and the client of the server. */
static void meet(const struct test_id *server, const struct test_id *client, const char *of_client,
		 const char *of_server)
{
	struct test_ids shown = ids;
	struct test_front t = { .answer = answer };
	uint8_t root[P256_SPKI];
	struct tls_call_options o = { .method = "POST",
				      .trust = TLS_CALL_ROOT_KEY,
				      .root_key = root,
				      .n_root_key = sizeof(root),
				      .cert = client ? test_chain(client) : NULL,
				      .key = client ? client->key_pem : NULL };
	struct tls_call_answer a;
	struct ratls r;

	shown.server = *server;
	test_front_start(&t, &shown);
	p256_key_spki(&ids.root.key, root);
	o.url = t.url;
	assert(tls_call(&o, &a, NULL) == 0 && a.status == 200);
	assert(str_equal((const char *)a.body.p, of_client));
	assert(str_equal(judge(a.cert.p, a.cert.n), of_server));
	assert(ratls_read(a.cert.p, a.cert.n, &r, NULL) == 0 &&
	       str_equal(r.usage, RATLS_USAGE_KMS_RPC));
	ratls_deinit(&r);
	tls_call_answer_deinit(&a);
	test_front_stop(&t);
}

int main(void)
{
	static const uint8_t other_seed[SIMULATOR_SEED_SIZE] = { 0x32 };
	struct test_id server, thief, client, copycat, stranger;

	test_ids_init(&ids);
	world_init(&world, NULL, NULL);
	make(&server, world_seed, NULL, RATLS_USAGE_KMS_RPC);
	make(&client, world_seed, NULL, NULL);
	make(&thief, world_seed, &server.key, RATLS_USAGE_KMS_RPC);
	make(&copycat, world_seed, &client.key, NULL);
	make(&stranger, other_seed, NULL, NULL);

	meet(&server, &client, "attested", "attested");
	meet(&server, NULL, "nobody", "attested");
	meet(&server, &ids.client, "no attestation", "attested");
	meet(&server, &copycat, "another's quote", "attested");
	meet(&server, &stranger, "another world", "attested");
	meet(&thief, &client, "attested", "another's quote");

	test_id_deinit(&server);
	test_id_deinit(&client);
	test_id_deinit(&thief);
	test_id_deinit(&copycat);
	test_id_deinit(&stranger);
	world_deinit(&world);
	test_ids_deinit(&ids);
	return 0;
}
