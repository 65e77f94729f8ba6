/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks for keys: every lie of a guest or of who relays one is refused by its name. */
#include "simulator/test_peer.h"

#include "base/err.h"
#include "crypto/x509.h"
#include "tee/account.h"
#include "tee/app_verify.h"
#include "tee/collateral.h"
#include "tee/derived.h"
#include "tee/known.h"
#include "tee/peer_verify.h"
#include "tee/report_data.h"

enum { NOW = 1785542400, DAY = 86400, ATTESTATION_ROOM = 256 * 1024 };

static const uint8_t seed[32] = { 0x31 };
static const uint8_t key[91] = { 0x30, 0x59, 1, 2, 3 };

struct world {
	struct test_peer t;
	struct test_peer_app app;
	struct x509_cert *root;
	struct collateral collateral;
	struct known *known;
	struct peer_quote_args quote;
	struct peer_verify_args args;
	struct buf attestation;
	struct boot_info info;
	struct err e;
};

static void world_init(struct world *w)
{
	auto_buf struct buf text = BUF_MAX(SIMULATOR_COLLATERAL_MAX);
	const uint8_t *der;
	size_t n;

	*w = (struct world){ .known = known_new(16) };
	test_peer_init(&w->t, seed);
	der = simulator_root(w->t.sim, &n);
	assert(x509_cert_read(der, n, &w->root, NULL) == 0);
	assert(simulator_collateral(w->t.sim, NOW, &text) == 0);
	assert(collateral_parse(text.p, text.n, &w->collateral, NULL) == 0);
	memset(w->app.app_id, 0x11, sizeof(w->app.app_id));
	memset(w->app.compose_hash, 0x22, sizeof(w->app.compose_hash));
	memset(w->app.instance_id, 0x33, sizeof(w->app.instance_id));
	w->app.n_instance_id = sizeof(w->app.instance_id);
	w->quote = (struct peer_quote_args){
		.collateral = &w->collateral, .root = w->root, .at = NOW, .known = w->known
	};
	w->args = (struct peer_verify_args){ .key = key,
					     .n_key = sizeof(key),
					     .measurement = &w->t.measurement,
					     .is_booting = true };
}

static void world_deinit(struct world *w)
{
	boot_info_deinit(&w->info);
	buf_deinit(&w->attestation);
	collateral_deinit(&w->collateral);
	x509_cert_free(w->root);
	known_free(w->known);
	test_peer_deinit(&w->t);
}

static void attest(struct world *w)
{
	struct report_data rd;

	buf_deinit(&w->attestation);
	w->attestation = BUF_MAX(ATTESTATION_ROOM);
	assert(report_data_hashed(NULL, REPORT_DATA_TAG_RATLS, key, sizeof(key), &rd, NULL) == 0);
	test_peer_attest(&w->t, &w->app, rd.b, &w->attestation);
}

static int ask(struct world *w, const char *vm_config)
{
	struct peer *p = NULL;
	int rc;

	w->e = ERR_NONE;
	boot_info_deinit(&w->info);
	rc = peer_read(w->attestation.p, w->attestation.n, vm_config, &p, &w->e);
	if (rc == 0)
		assert(peer_quote(p, &w->quote) == !p->quote->check);
	if (rc == 0)
		rc = peer_verify(p, &w->args, &w->info, NULL, &w->e);
	peer_free(p);
	return rc;
}

static int lie(struct world *w)
{
	attest(w);
	return ask(w, NULL);
}

static bool says(const struct world *w, const char *text)
{
	if (strstr(w->e.text, text))
		return true;
	(void)fprintf(stderr, "%s\n", w->e.text);
	return false;
}

static void test_a_guest_that_boots_is_known(void)
{
	struct world w;
	struct derived_registers r = { .mrtd = NULL };
	struct digest256 d;
	struct measurement m;
	struct peer *p = NULL;
	size_t i;

	world_init(&w);
	assert(lie(&w) == 0);
	assert(w.info.is_simulated && w.info.tcb_status == TCB_UP_TO_DATE);
	assert(memcmp(w.info.app_id, w.app.app_id, 20) == 0 && w.info.n_instance_id == 20);
	assert(memcmp(w.info.compose_hash, w.app.compose_hash, 32) == 0);
	assert(str_equal(w.info.key_provider_info, "") && w.info.n_advisories == 0);
	r.mrtd = w.t.measurement.mrtd.b;
	for (i = 0; i < MEASUREMENT_RTMRS; i++)
		r.rtmr[i] = w.t.measurement.rtmr[i].b;
	d = derived_system(&r, NULL, 0);
	assert(memcmp(w.info.mr_system, d.b, sizeof(d.b)) == 0);
	d = digest256_bytes(w.info.ppid, sizeof(w.info.ppid));
	assert(memcmp(w.info.device_id, d.b, sizeof(d.b)) == 0);
	/* and its registers are those of the document that it carries */
	assert(peer_read(w.attestation.p, w.attestation.n, NULL, &p, NULL) == 0);
	assert(peer_measure(p, true, &m, NULL) == 0);
	assert(memcmp(m.rtmr[0].b, w.t.measurement.rtmr[0].b, sizeof(m.rtmr[0].b)) == 0);
	peer_free(p);
	/* a second time with what is known of its certificates */
	assert(ask(&w, w.t.vm_config) == 0);
	world_deinit(&w);
}

/* Both measurements of a guest that runs: with all its events, and as it was when it asked for keys. */
static void test_a_guest_that_runs_has_a_boot_measurement(void)
{
	struct world w;
	uint8_t booting[32], running[32];

	world_init(&w);
	assert(lie(&w) == 0);
	memcpy(booting, w.info.mr_aggregated, sizeof(booting));
	w.app.key_provider = "{\"name\":\"kms\",\"id\":\"\"}";
	w.args.is_booting = false;
	assert(lie(&w) == 0);
	memcpy(running, w.info.mr_aggregated, sizeof(running));
	assert(memcmp(booting, running, sizeof(booting)) != 0);
	assert(str_equal(w.info.key_provider_info, w.app.key_provider));
	w.args.wants_boot_mr = true;
	assert(ask(&w, NULL) == 0);
	assert(memcmp(booting, w.info.mr_aggregated, sizeof(booting)) == 0);
	assert(str_equal(w.info.key_provider_info, ""));
	/* who must run, runs */
	w.app.key_provider = NULL;
	assert(lie(&w) == ERR_PROTO && says(&w, "event-log: missing: no key-provider"));
	world_deinit(&w);
}

static void test_a_quote_is_for_one_key(void)
{
	static const uint8_t other[91] = { 0x30, 0x59, 1, 2, 4 };
	struct world w;

	world_init(&w);
	w.args.key = other;
	assert(lie(&w) == ERR_PROTO && says(&w, "report data mismatch"));
	w.args.key = key;
	w.args.n_key--;
	assert(ask(&w, NULL) == ERR_PROTO && says(&w, "report data mismatch"));
	world_deinit(&w);
}

static void test_lies_have_names(void)
{
	struct world w;

	world_init(&w);
	w.app.attributes = 1;
	assert(lie(&w) == ERR_PROTO && says(&w, "Debug mode is not allowed"));
	w.app.attributes = 0;
	w.app.unquoted = "app-id";
	assert(lie(&w) == ERR_PROTO && says(&w, "RTMR3 mismatch, quoted: "));
	w.app.unquoted = NULL;
	w.app.mr_config_id.b[0] = 1;
	assert(lie(&w) == ERR_PROTO && says(&w, "mr-config: version 1"));
	memcpy(w.app.mr_config_id.b + 1, w.app.compose_hash, 32);
	assert(lie(&w) == 0);
	w.app.n_instance_id = 3;
	assert(lie(&w) == ERR_PROTO && says(&w, "event-log: payload: instance-id"));
	w.app.n_instance_id = 0;
	assert(lie(&w) == 0 && w.info.n_instance_id == 0);
	w.app.version = 2;
	assert(lie(&w) == 0);
	world_deinit(&w);
}

static void test_the_image_is_measured(void)
{
	struct world w;

	world_init(&w);
	w.args.measurement = NULL;
	assert(lie(&w) == ERR_PROTO && says(&w, "mrtd: nothing is known of the image"));
	w.args.measurement = &w.t.measurement;
	attest(&w);
	w.t.measurement.rtmr[2].b[7] ^= 1;
	assert(ask(&w, NULL) == ERR_PROTO && says(&w, "rtmr2: RTMR2: expected"));
	assert(ask(&w, "{\"os_image_hash\":\"00\"}") == ERR_INPUT);
	assert(ask(&w, "{\"cpu_count\":1,\"memory_size\":2147483648}") == ERR_INPUT &&
	       says(&w, "os_image_hash"));
	assert(ask(&w, "{") == ERR_INPUT);
	world_deinit(&w);
}

static void test_collateral_ends(void)
{
	struct world w;

	world_init(&w);
	attest(&w);
	w.quote.at = NOW + INT64_C(31) * DAY;
	assert(ask(&w, NULL) == ERR_PROTO && says(&w, "quote."));
	w.quote.at = NOW;
	w.quote.collateral = NULL;
	w.quote.collateral_fault = "nobody has any";
	assert(ask(&w, NULL) == ERR_PROTO && says(&w, "nobody has any"));
	world_deinit(&w);
}

static void test_every_prefix_is_refused(void)
{
	struct world w;
	size_t n, step = 97;

	world_init(&w);
	attest(&w);
	n = w.attestation.n;
	for (w.attestation.n = 0; w.attestation.n < n; w.attestation.n += step)
		assert(ask(&w, NULL) < 0 && *w.e.text);
	world_deinit(&w);
}

int main(void)
{
	test_a_guest_that_boots_is_known();
	test_a_guest_that_runs_has_a_boot_measurement();
	test_a_quote_is_for_one_key();
	test_lies_have_names();
	test_the_image_is_measured();
	test_collateral_ends();
	test_every_prefix_is_refused();
	return 0;
}
