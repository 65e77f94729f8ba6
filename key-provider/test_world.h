/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_world: a simulated platform, a PCCS for it without a network, and a judge who asks that
 *
 * Owns     all of it.  What the PCCS does can be changed between calls.
 */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/x509.h"
#include "key-provider/judge.h"
#include "simulator/sim_pccs.h"
#include "simulator/simulator.h"

enum { TEST_NOW = 1785542400, TEST_PATH_MAX = 512 };

struct test_world {
	struct simulator *sim;
	struct x509_cert *root;
	struct judge *judge;
	int pccs_rc; /* not 0: nobody answers */
	int64_t at;  /* what time it is there */
	atomic_uint n_asked;
	char cache[64];
};

static inline int test_get(void *arg, const struct pccs_get *g, int *ret_status, struct buf *body,
			   struct err *e)
{
	struct test_world *w = arg;
	const char *from = strstr(g->url, "/sgx/"), *query = strchr(g->url, '?');
	static const size_t line_max = 64 * 1024;
	auto_buf struct buf line = BUF_MAX(line_max);
	char path[TEST_PATH_MAX];
	struct sim_pccs a;
	int rc = 0;

	w->n_asked++;
	if (w->pccs_rc)
		return err_set(e, w->pccs_rc, "nobody answers");
	from = from ? from : strstr(g->url, "/tdx/");
	assert(from && str_format(path, sizeof(path), "%.*s",
				  (int)(query ? (size_t)(query - from) : strlen(from)), from) > 0);
	sim_pccs_answer(w->sim, w->at, path, query ? query + 1 : "", &a);
	if (a.chain_header) {
		assert(buf_addf(&line, "%s: %s", a.chain_header, (const char *)a.chain.p) == 0);
		rc = g->on_header((const char *)line.p, line.n, g->arg);
	}
	*ret_status = a.status;
	*body = BUF_MAX(g->reply_max);
	assert(buf_add(body, a.body.p, a.body.n) == 0);
	sim_pccs_deinit(&a);
	return rc;
}

/* @cache: a folder, "" for none. */
static inline void test_world_init(struct test_world *w, uint8_t seed, uint32_t accept,
				   const char *cache)
{
	const uint8_t raw[SIMULATOR_SEED_SIZE] = { seed };
	struct judge_options o = { .accept = accept, .get = test_get, .arg = w };
	size_t n = 0;
	const uint8_t *der;

	memset(w, 0, sizeof(*w));
	w->at = TEST_NOW;
	w->sim = simulator_new(raw);
	der = simulator_root(w->sim, &n);
	assert(x509_cert_read(der, n, &w->root, NULL) == 0);
	assert(str_copy(w->cache, sizeof(w->cache), cache) >= 0);
	o.root = w->root;
	o.pccs = (struct pccs_args){ .url = "http://127.0.0.1:1",
				     .cache = *cache ? w->cache : NULL };
	w->judge = judge_new(&o);
}

/* A folder of mkdtemp(), and all that is in it. */
static inline void test_remove(const char *folder)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", "--", folder, (char *)NULL);
		_exit(1);
	}
	assert(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static inline void test_world_deinit(struct test_world *w)
{
	judge_free(w->judge);
	x509_cert_free(w->root);
	simulator_free(w->sim);
}
