/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wg.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/child.h"
#include "loop/work.h"

struct wg {
	struct wg_options o;
	struct wg_change *waiting; /* those of a run are the first n_running */
	size_t n, size, n_running;
	unsigned int index; /* of the interface that has our key; 0: none */
	uint64_t again_ms;  /* not before, of the loop's clock */
	bool is_running, is_stopped, has_failed;
};

/* What one run of the program is given; its own memory, as it may outlive the rest. */
struct run {
	struct wg *wg;
	struct wg_argv args;
	unsigned int index;
	struct err e;
	int rc;
};

static const char *key_text(const uint8_t key[static WG_KEY], char *room, size_t size)
{
	auto_buf struct buf b = BUF_MAX(64);

	if (base64_encode(&b, key, WG_KEY) < 0 ||
	    str_copy(room, size, (const char *)b.p) != WG_KEY_TEXT)
		abort(); /* 44 bytes for 32, or out of memory */
	return room;
}

static const char *address_text(uint32_t address, char *room, size_t size)
{
	struct in_addr a = { htonl(address) };
	char text[INET_ADDRSTRLEN];

	if (!inet_ntop(AF_INET, &a, text, sizeof(text)) ||
	    str_format(room, size, "%s/32", text) < 0)
		abort(); /* both have room */
	return room;
}

void wg_argv_make(const struct wg_options *o, bool is_first, const struct wg_change *changes,
		  size_t n, struct wg_argv *ret)
{
	const char **at = ret->argv;
	size_t i;

	assert(n <= WG_BATCH);
	*at++ = o->program;
	*at++ = "set";
	*at++ = o->interface;
	if (is_first) {
		(void)str_format(ret->port, sizeof(ret->port), "%u", o->port);
		*at++ = "private-key";
		*at++ = o->private_key;
		*at++ = "listen-port";
		*at++ = ret->port;
	}
	for (i = 0; i < n; i++) {
		*at++ = "peer";
		*at++ = key_text(changes[i].key, ret->room[i][0], sizeof(ret->room[i][0]));
		if (changes[i].is_removal) {
			*at++ = "remove";
			continue;
		}
		*at++ = "persistent-keepalive";
		*at++ = "25";
		*at++ = "allowed-ips";
		*at++ = address_text(changes[i].address, ret->room[i][1], sizeof(ret->room[i][1]));
	}
	*at = NULL;
}

static void run_program(void *arg)
{
	struct run *run = arg;
	struct child_options o = { .argv = run->args.argv, .timeout_ms = WG_RUN_MS };

	run->rc = child_must(&o, NULL, &run->e);
}

static void go_on(struct wg *w);

static void end_batch(struct wg *w)
{
	size_t i, n = w->n_running;

	if (n == 0)
		return;
	w->n_running = 0;
	for (i = 0; i < n && !w->is_stopped; i++)
		w->o.on_made(&w->waiting[i], w->o.arg);
	w->n -= n;
	memmove(w->waiting, w->waiting + n, w->n * sizeof(*w->waiting));
}

static void on_run(void *arg)
{
	struct run *run = arg;
	struct wg *w = run->wg;

	w->is_running = false;
	if (w->is_stopped) {
		free(w->waiting);
		free(w);
		free(run);
		return;
	}
	if (run->rc) {
		if (!w->has_failed) {
			log_error("gateway: WireGuard interface '%s' cannot be set, which is tried "
				  "again: %s",
				  w->o.interface, run->e.text);
		}
		w->has_failed = true;
		w->n_running = 0;
		w->again_ms = uv_now(w->o.loop) + WG_AGAIN_MS;
	} else {
		if (w->has_failed)
			log_info("gateway: WireGuard interface '%s' is set again", w->o.interface);
		w->has_failed = false;
		w->index = run->index;
		end_batch(w);
	}
	free(run);
	go_on(w);
}

static void go_on(struct wg *w)
{
	struct run *run;

	if (w->is_running || uv_now(w->o.loop) < w->again_ms)
		return;
	if (!w->o.interface) {
		w->n_running = w->n;
		end_batch(w);
		return;
	}
	if (w->n == 0 && w->index)
		return;
	run = xnew(struct run);
	run->wg = w;
	run->index = if_nametoindex(w->o.interface);
	w->n_running = w->n < WG_BATCH ? w->n : WG_BATCH;
	if (w->n_running == 0 && run->index == 0) {
		free(run); /* nothing to set, and nowhere */
		w->again_ms = uv_now(w->o.loop) + WG_AGAIN_MS;
		return;
	}
	w->is_running = true;
	wg_argv_make(&w->o, w->index == 0, w->waiting, w->n_running, &run->args);
	/* NOLINTNEXTLINE(readability-suspicious-call-argument): what runs is called run_program */
	work_start(w->o.loop, run_program, on_run, run);
}

void wg_start(struct wg **ret, const struct wg_options *o)
{
	struct wg *w = xnew(struct wg);

	w->o = *o;
	*ret = w;
}

int wg_add(struct wg *w, const struct wg_change *c, struct err *e)
{
	struct wg_change *more;

	if (w->n >= WG_WAITING_MAX)
		return err_set(e, ERR_LIMIT, "too many changes of WireGuard's peers wait");
	if (w->n == w->size) {
		w->size = w->size ? 2 * w->size : WG_BATCH;
		more = realloc(w->waiting, w->size * sizeof(*more));
		if (!more)
			abort(); /* at most 20 MiB */
		w->waiting = more;
	}
	w->waiting[w->n++] = *c;
	return 0;
}

void wg_tick(struct wg *w)
{
	unsigned int now = w->o.interface ? if_nametoindex(w->o.interface) : 0;

	if (w->index && now != w->index && !w->is_running) {
		log_warn("gateway: WireGuard interface '%s' is another now: its peers are added "
			 "again",
			 w->o.interface);
		w->index = 0;
		w->n = 0;
		w->o.on_new_interface(w->o.arg);
	}
	go_on(w);
}

void wg_stop(struct wg *w)
{
	if (!w)
		return;
	w->is_stopped = true;
	if (w->is_running)
		return; /* on_run() ends it */
	free(w->waiting);
	free(w);
}

size_t wg_n_waiting(const struct wg *w)
{
	return w->n;
}
