/* SPDX-License-Identifier: Apache-2.0 */
/* register_metrics: what is told of registrations and tunnels */
#include "base/buf.h"
#include "base/time.h"
#include "gateway/gateway.h"
#include "gateway/identity.h"
#include "gateway/metrics.h"
#include "gateway/register.h"
#include "gateway/registry.h"
#include "loop/tls_front.h"

static const char *const results[REGISTER_RESULTS] = {
	[REGISTER_NEW] = "new",	  [REGISTER_KEY] = "key",	  [REGISTER_CHANGED] = "changed",
	[REGISTER_SAME] = "same", [REGISTER_REFUSED] = "refused", [REGISTER_TOO_MANY] = "too_many",
};

/* A tunnel in use has a handshake every two minutes. */
static const struct {
	uint64_t below_s;
	const char *name;
} ages[] = { { 180, "3m" }, { 600, "10m" }, { 3600, "1h" }, { UINT64_MAX, "more" } };

enum { N_AGES = sizeof(ages) / sizeof(*ages) };

static void add_tunnels(const struct registry *r, struct buf *b)
{
	const char *name = "bailey_gateway_tunnels";
	uint64_t counts[N_AGES] = { 0 }, never = 0, now = time_unix_ms() / 1000, age;
	size_t i, j;

	for (i = 0; i < registry_count(r); i++) {
		const struct registry_instance *in = registry_at(r, i);

		if (!in->handshake) {
			never++;
			continue;
		}
		age = now > in->handshake ? now - in->handshake : 0;
		for (j = 0; age >= ages[j].below_s; j++)
			;
		counts[j]++;
	}
	(void)buf_addf(b,
		       "# HELP %s Registered instances by the time since their tunnel's last "
		       "handshake: up to 3m, 10m, 1h, more, or never.\n# TYPE %s gauge\n",
		       name, name);
	for (j = 0; j < N_AGES; j++)
		(void)buf_addf(b, "%s{age=\"%s\"} %llu\n", name, ages[j].name,
			       (unsigned long long)counts[j]);
	(void)buf_addf(b, "%s{age=\"never\"} %llu\n", name, (unsigned long long)never);
}

static void add_results(const struct register_server *s, struct buf *b)
{
	const char *name = "bailey_gateway_registrations";
	size_t i;

	(void)buf_addf(b,
		       "# HELP %s Registrations, by what came of them.\n# TYPE %s "
		       "counter\n",
		       name, name);
	for (i = 0; i < REGISTER_RESULTS; i++)
		(void)buf_addf(b, "%s{result=\"%s\"} %llu\n", name, results[i],
			       (unsigned long long)s->n_results[i]);
}

static uint64_t n_drained(const struct register_server *s)
{
	const struct overrides *said = registry_overrides(s->registry);
	const struct registry_instance *in;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < said->n; i++) {
		in = registry_find(s->registry, said->list[i]->id);
		n += in && override_drains(said->list[i], in->key);
	}
	return n;
}

void register_metrics(struct buf *b, void *arg)
{
	const struct register_server *s = arg;
	struct tls_front_counts c = { .conns = 0 };
	int64_t ends = identity_end(s->gateway->identity);

	if (!s->registry)
		return;
	if (s->front)
		tls_front_count(s->front, &c);
	add_results(s, b);
	metrics_one(b, "bailey_gateway_registered", "gauge", "Instances that are registered.",
		    registry_count(s->registry));
	metrics_one(b, "bailey_gateway_drained", "gauge",
		    "Those of them that an operator keeps new clients from.", n_drained(s));
	metrics_one(b, "bailey_gateway_policy_unknown", "gauge",
		    "Those of them whose port policy is not known.",
		    registry_n_unknown(s->registry));
	add_tunnels(s->registry, b);
	metrics_one(b, "bailey_gateway_rpc_conns", "gauge", "Connections now of who registers.",
		    c.conns);
	metrics_one(b, "bailey_gateway_rpc_handshakes_failed", "counter",
		    "Their TLS handshakes that failed or took too long.", c.failed + c.late);
	metrics_one(b, "bailey_gateway_rpc_refused", "counter",
		    "Their connections that were over a limit.", c.refused);
	metrics_one(b, "bailey_gateway_identity_ends", "gauge",
		    "When the certificate of the services ends, in seconds since 1970; 0: there is "
		    "none.",
		    ends > 0 ? (uint64_t)ends : 0);
}
