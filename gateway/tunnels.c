/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tunnels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/time.h"
#include "loop/child.h"
#include "loop/work.h"

enum { SECONDS_TEXT = 20, ASK_RUN_MS = 30 * 1000 };

struct tunnels {
	struct tunnels_options o;
	uint64_t answered_ms, hurry_ms; /* of the loop's clock; hurry: until when */
	uint64_t rest_ms;		/* after the answer, at least */
	bool is_running, is_stopped, has_failed;
};

/* Its own memory, as it may outlive the rest but for the struct itself. */
struct asking {
	struct tunnels *tunnels;
	const char *argv[5];
	struct buf text;
	struct err e;
	uint64_t took_ms;
	int rc;
};

int tunnels_next(const char **p, size_t *n, uint8_t ret_key[static WG_KEY], uint64_t *ret_seconds)
{
	const char *end = *n ? memchr(*p, '\n', *n) : NULL;
	char number[SECONDS_TEXT + 1];
	uint8_t key[WG_KEY_TEXT];
	uint64_t seconds;
	size_t size;

	if (*n == 0)
		return 0;
	size = end ? (size_t)(end - *p) : 0;
	if (size < WG_KEY_TEXT + 2 || size > WG_KEY_TEXT + 1 + SECONDS_TEXT ||
	    (*p)[WG_KEY_TEXT] != '\t' || base64_decode(key, *p, WG_KEY_TEXT) != WG_KEY)
		return ERR_INPUT;
	memcpy(number, *p + WG_KEY_TEXT + 1, size - WG_KEY_TEXT - 1);
	number[size - WG_KEY_TEXT - 1] = 0;
	if (num_parse_u64(number, 0, INT64_MAX, &seconds) < 0)
		return ERR_INPUT;
	memcpy(ret_key, key, WG_KEY);
	*ret_seconds = seconds;
	*p += size + 1;
	*n -= size + 1;
	return 1;
}

static void ask(void *arg)
{
	struct asking *a = arg;
	struct child_options o = { .argv = a->argv,
				   .timeout_ms = ASK_RUN_MS,
				   .output_max = TUNNELS_TEXT_MAX };
	uint64_t start = time_mono_ms();

	a->rc = child_must(&o, &a->text, &a->e);
	a->took_ms = time_mono_ms() - start;
}

static void read_all(struct tunnels *t, struct asking *a)
{
	const char *p = (const char *)a->text.p;
	uint8_t key[WG_KEY];
	uint64_t seconds;
	size_t n = a->text.n;

	while (a->rc == 0 && (a->rc = tunnels_next(&p, &n, key, &seconds)) == 1) {
		a->rc = 0;
		t->o.on_handshake(key, seconds, t->o.arg);
	}
	if (a->rc == ERR_INPUT)
		(void)err_set(&a->e, a->rc, "'%s' says what is no key and time", t->o.program);
	if (a->rc && !t->has_failed)
		log_warn("gateway: the age of tunnels is not known: %s", a->e.text);
	t->has_failed = a->rc != 0;
	if (a->rc == 0 && t->o.on_done)
		t->o.on_done(t->o.arg);
}

static void on_answer(void *arg)
{
	struct asking *a = arg;
	struct tunnels *t = a->tunnels;

	t->is_running = false;
	if (t->is_stopped) {
		free(t);
	} else {
		t->answered_ms = uv_now(t->o.loop);
		t->rest_ms = a->took_ms * TUNNELS_SHARE;
		read_all(t, a);
	}
	buf_deinit(&a->text);
	free(a);
}

void tunnels_start(struct tunnels **ret, const struct tunnels_options *o)
{
	struct tunnels *t = xnew(struct tunnels);

	t->o = *o;
	*ret = t;
}

uint64_t tunnels_wait_ms(uint64_t rest_ms, bool is_hurried)
{
	uint64_t least = is_hurried ? TUNNELS_HURRIED_MS : TUNNELS_ASK_MS;

	return rest_ms > least ? rest_ms : least;
}

void tunnels_hurry(struct tunnels *t)
{
	t->hurry_ms = uv_now(t->o.loop) + TUNNELS_HURRY_MS;
}

static bool is_due(const struct tunnels *t)
{
	uint64_t now = uv_now(t->o.loop);

	return t->answered_ms == 0 ||
	       now - t->answered_ms >= tunnels_wait_ms(t->rest_ms, now < t->hurry_ms);
}

void tunnels_tick(struct tunnels *t)
{
	struct asking *a;

	if (t->is_running || !t->o.interface || !is_due(t))
		return;
	a = xnew(struct asking);
	a->tunnels = t;
	a->argv[0] = t->o.program;
	a->argv[1] = "show";
	a->argv[2] = t->o.interface;
	a->argv[3] = "latest-handshakes";
	a->text = BUF_MAX(TUNNELS_TEXT_MAX);
	t->is_running = true;
	work_start(t->o.loop, ask, on_answer, a);
}

void tunnels_stop(struct tunnels *t)
{
	if (!t)
		return;
	t->is_stopped = true;
	if (!t->is_running)
		free(t);
}
