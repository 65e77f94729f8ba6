/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/config_change.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "gateway/config.h"
#include "gateway/counters.h"

static char folder[64], path[80];

#define DOMAIN "domains: [{ name: a.test, certificate: /a.pem, key: /a.key }]\n"
#define REGISTRATION                                                                               \
	"registration: { listen: \"127.0.0.1:8000\", certificate: /c, key: /k, client_ca: /r, "    \
	"state: /s }\nwireguard: { private_key: /w, endpoint: \"h:1\" }\n"

static struct gw_config *load(const char *text)
{
	struct gw_config *c = NULL;
	struct err e = ERR_NONE;
	FILE *f = fopen(path, "w");

	assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
	if (gw_config_load(path, &c, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return c;
}

static bool has(const struct words *w, const char *text)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (str_equal(w->list[i], text))
			return true;
	}
	return false;
}

static bool is_in(const char *const *list, const char *key)
{
	size_t n;

	for (; *list; list++) {
		n = strlen(*list);
		if (strncmp(*list, key, n) == 0 && (key[n] == 0 || key[n] == '.'))
			return true;
	}
	return false;
}

static void on_key(const char *key, const struct conf_key *k, void *arg)
{
	size_t *n = arg;

	(*n)++;
	if (k->type == CONF_MAP || strchr(key, '['))
		return;
	if (is_in(config_change_fixed, key) == is_in(config_change_live, key)) {
		(void)fprintf(stderr, "%s is in none or both of the lists\n", key);
		abort();
	}
}

static void test_of_each_key_it_is_known_when_it_counts(void)
{
	size_t n = 0;

	conf_each(gw_config_table, on_key, &n);
	assert(n > 40);
}

static void take(const char *before, const char *after, const char *changed, const char *fixed)
{
	struct gw_config *first = load(before), *next = load(after);
	struct words now = { .n = 0 }, later = { .n = 0 };
	struct err e = ERR_NONE;

	assert(config_change_take(first, first, next, &now, &later, &e) == 0);
	assert(now.n == (changed ? 1 : 0) && (!changed || has(&now, changed)));
	assert(later.n == (fixed ? 1 : 0) && (!fixed || has(&later, fixed)));
	words_deinit(&now);
	words_deinit(&later);
	gw_config_unref(next);
	gw_config_unref(first);
}

static void test_what_is_another_is_named(void)
{
	take(DOMAIN, DOMAIN, NULL, NULL);
	take(DOMAIN, DOMAIN "log: info\nworkers: 0\n", NULL, NULL); /* the defaults, written */
	take(DOMAIN, DOMAIN "timeouts: { idle: 1s }\n", "timeouts.idle", NULL);
	take(DOMAIN, DOMAIN "limits: { client_rate: 5 }\n", "limits.client_rate", NULL);
	take(DOMAIN, DOMAIN "proxy: { from: [10.0.0.0/8] }\n", "proxy.from", NULL);
	take(DOMAIN, DOMAIN "log: debug\n", "log", NULL);
	take(DOMAIN, "domains: []\n", "domains", NULL);
	take(DOMAIN, DOMAIN "workers: 3\n", NULL, "workers");
	take(DOMAIN, DOMAIN "listen: [\"127.0.0.1:1\"]\n", NULL, "listen");
	take(DOMAIN, DOMAIN "dns: { compat: false }\n", NULL, "dns.compat");
}

static void test_what_takes_a_restart_stays(void)
{
	struct gw_config *first = load(DOMAIN REGISTRATION "workers: 2\nadmin: /x\n");
	struct gw_config *next =
		load("domains: []\nworkers: 3\nlog: error\n"
		     "registration: { listen: \"127.0.0.1:9\", certificate: /d, "
		     "key: /k, client_ca: /r, state: /t, forget: 1h, client_rate: 7 }\n"
		     "wireguard: { endpoint: \"i:1\", silence: 9s }\n");
	struct words now = { .n = 0 }, later = { .n = 0 };
	struct err e = ERR_NONE;

	assert(config_change_take(first, first, next, &now, &later, &e) == 0);
	assert(has(&later, "registration.listen") && has(&later, "registration.certificate"));
	assert(has(&later, "wireguard.endpoint") && has(&later, "workers") && has(&later, "admin"));
	assert(has(&now, "registration.forget") && has(&now, "wireguard.silence"));
	assert(has(&now, "domains") && !has(&now, "workers"));
	assert(next->workers == 2 && str_equal(next->admin, "/x") && next->n_domains == 0);
	assert(next->log == LOG_LEVEL_ERROR);
	assert(str_equal(next->registration.listen, "127.0.0.1:8000"));
	assert(str_equal(next->registration.state, "/s"));
	assert(str_equal(next->registration.endpoint, "h:1"));
	assert(next->registration.forget_ms == 3600 * 1000 && next->registration.ip_rate == 7);
	assert(next->registration.silence_ms == 9000);
	words_deinit(&now);
	words_deinit(&later);
	gw_config_unref(next);
	gw_config_unref(first);
}

static void test_sections_neither_come_nor_go(void)
{
	struct gw_config *first = load(DOMAIN), *next = load(DOMAIN REGISTRATION);
	struct words now = { .n = 0 }, later = { .n = 0 };
	struct err e = ERR_NONE;

	assert(config_change_take(first, first, next, &now, &later, &e) == 0);
	assert(later.n == 2 && has(&later, "registration") && has(&later, "wireguard"));
	assert(now.n == 0 && !next->registration.listen);
	words_deinit(&later);
	gw_config_unref(first);
	first = load(DOMAIN REGISTRATION);
	gw_config_unref(next);
	next = load(DOMAIN);
	assert(config_change_take(first, first, next, &now, &later, &e) == 0);
	assert(later.n == 2 && now.n == 0 && str_equal(next->registration.url, ""));
	words_deinit(&later);
	gw_config_unref(next);
	gw_config_unref(first);
}

static void test_our_own_authority_stays_where_it_is(void)
{
	struct gw_config *first = load("state: /a\ndomains: [{ name: a.test }]\n");
	struct gw_config *next = load("state: /b\ndomains: [{ name: a.test }]\n");
	struct words now = { .n = 0 }, later = { .n = 0 };
	struct err e = ERR_NONE;

	assert(config_change_take(first, first, next, &now, &later, &e) == ERR_INPUT);
	assert(strstr(e.text, ": state: "));
	gw_config_unref(next);
	gw_config_unref(first);
}

static void test_mistakes_across_keys_have_their_line(void)
{
	static const char *const bad[] = {
		"log: info\ndomains:\n  - name: a.test\n    certificate: /a\n",
		"log: info\ndomains:\n  - name: a.test\n",
		"log: info\nstate: /s\nregistration: { listen: \"127.0.0.1:1\" }\n",
		"log: info\n\nadmin_rpc: { listen: \"0.0.0.0:1\", tls: false }\n",
	};
	struct gw_config *c = NULL;
	struct err e = ERR_NONE;
	char at[100];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		FILE *f = fopen(path, "w");

		assert(f && fputs(bad[i], f) >= 0 && fclose(f) == 0);
		assert(gw_config_load(path, &c, &e) == ERR_INPUT);
		assert(str_format(at, sizeof(at), "%s:3: ", path) > 0 && str_starts(e.text, at));
	}
}

static void test_times_are_counted_in_their_bucket(void)
{
	static struct gw_counters c;

	gw_count_handshake(&c, 0);
	gw_count_handshake(&c, 1);
	gw_count_handshake(&c, 2);
	gw_count_handshake(&c, 5000);
	gw_count_handshake(&c, 5001);
	gw_count_handshake(&c, UINT64_C(1) << 40);
	assert(atomic_load(&c.handshake_times[0]) == 2 && atomic_load(&c.handshake_times[1]) == 1);
	assert(atomic_load(&c.handshake_times[GW_TIMES - 2]) == 1);
	assert(atomic_load(&c.handshake_times[GW_TIMES - 1]) == 2);
	assert(atomic_load(&c.handshake_ms) == 10004 + (UINT64_C(1) << 40));
}

int main(void)
{
	assert(str_copy(folder, sizeof(folder), "/tmp/test-config-XXXXXX") > 0 && mkdtemp(folder));
	assert(str_format(path, sizeof(path), "%s/gateway.yaml", folder) > 0);
	test_of_each_key_it_is_known_when_it_counts();
	test_what_is_another_is_named();
	test_what_takes_a_restart_stays();
	test_sections_neither_come_nor_go();
	test_our_own_authority_stays_where_it_is();
	test_mistakes_across_keys_have_their_line();
	test_times_are_counted_in_their_bucket();
	assert(unlink(path) == 0 && rmdir(folder) == 0);
	return 0;
}
