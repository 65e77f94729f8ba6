/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_child.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "data/app_compose.h"
#include "data/sys_config.h"
#include "guest-stub/gateway_words.h"
#include "guest-stub/notices.h"
#include "guest-stub/supervisor.h"

#define NO_ROUTE "dstack-gateway registration failed, the app has no ingress route: "

int gateway_child_check(const struct app_compose *app, const struct sys_config *sys,
			const char *gateway_app_id, struct err *e)
{
	if (app->key_provider != APP_KEY_PROVIDER_KMS) {
		return err_set(e, ERR_INPUT,
			       "a gateway lets in who has a certificate of the KMS, and key "
			       "provider %s gives none: set key_provider: kms, or gateway: false",
			       app_key_provider_name(app->key_provider));
	}
	if (sys->gateway_urls.n == 0) {
		return err_set(e, ERR_INPUT,
			       "Missing gateway urls: name a gateway as gateway_urls in "
			       "baileyd.yaml or in the app's own YAML, or start one on this host");
	}
	if (gateway_app_id && *gateway_app_id)
		return 0;
	return err_set(e, ERR_INPUT,
		       "Missing allowed dstack-gateway app id: name the gateway's app id as "
		       "gateway_app_id where the KMS reads what it allows");
}

void gateway_child_failed(struct notices *n, const char *why)
{
	char text[NOTICE_PAYLOAD_MAX / 2];

	(void)str_format(text, sizeof(text), NO_ROUTE "%s", why);
	notices_send(n, "boot.error", text);
}

static void tell(const struct gateway_child *g, char word)
{
	if (g->fd >= 0)
		(void)send(g->fd, &word, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int start(struct gateway_child *g, struct err *e)
{
	static const char *const argv[] = { "/proc/self/exe", "gateway", NULL };
	struct supervisor_spawn how = { .argv = argv, .input = -1 };
	int pair[2], r;

	g->fd = fd_close(g->fd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "socket of the gateway's process");
	how.extra = pair[1];
	r = supervisor_start(g->supervisor, SUPERVISOR_GATEWAY, &how, e);
	(void)fd_close(pair[1]);
	if (r < 0) {
		(void)fd_close(pair[0]);
		return r;
	}
	g->fd = pair[0];
	if (g->is_up)
		tell(g, GATEWAY_WORD_UP);
	return 0;
}

int gateway_child_start(struct gateway_child *g, struct supervisor *s, struct notices *n,
			struct err *e)
{
	*g = (struct gateway_child){
		.supervisor = s, .notices = n, .fd = -1, .pause_ms = GATEWAY_CHILD_PAUSE_MS
	};
	return start(g, e);
}

void gateway_child_deinit(struct gateway_child *g)
{
	g->fd = fd_close(g->fd);
	g->supervisor = NULL;
}

/* One that was in once and is not now is the gateway's trouble, not the boot's: that is in the log. */
static void on_error(struct gateway_child *g, const char *text)
{
	if (g->was_registered || g->has_failed)
		return;
	gateway_child_failed(g->notices, text);
	g->has_failed = true;
}

static void on_registered(struct gateway_child *g, const char *text)
{
	char all[GATEWAY_WORDS_MAX + 64];

	g->was_registered = true;
	g->pause_ms = GATEWAY_CHILD_PAUSE_MS;
	if (!g->has_failed)
		return;
	g->has_failed = false;
	(void)str_format(all, sizeof(all), "the app has its ingress route now: %s", text);
	notices_send(g->notices, "boot.notice", all);
	notices_send(g->notices, "boot.error", ""); /* no longer */
}

/* What it has said so far; one that talks without end does not keep PID 1 here. */
static void hear(struct gateway_child *g)
{
	char packet[GATEWAY_WORDS_MAX + 1];
	unsigned int left = GATEWAY_CHILD_HEARD;
	ssize_t n;

	while (g->fd >= 0 && left-- &&
	       (n = recv(g->fd, packet, GATEWAY_WORDS_MAX, MSG_DONTWAIT)) != -1) {
		if (n == 0) {
			g->fd = fd_close(g->fd);
			return;
		}
		packet[n] = 0; /* whoever shows it escapes it */
		if (packet[0] == GATEWAY_WORD_ERROR)
			on_error(g, packet + 1);
		else if (packet[0] == GATEWAY_WORD_REGISTERED)
			on_registered(g, packet + 1);
		else if (packet[0] == GATEWAY_WORD_LEFT)
			g->has_left = true;
	}
}

static void start_again(struct gateway_child *g, uint64_t now_ms)
{
	struct err e = ERR_NONE;
	char how[96];

	if (g->next_ms == 0) {
		log_error("gateway: its process %s",
			  supervisor_how_it_ended(how, sizeof(how),
						  g->supervisor->slots[SUPERVISOR_GATEWAY].status));
		g->next_ms = now_ms + g->pause_ms;
		g->pause_ms = 2 * g->pause_ms < GATEWAY_CHILD_PAUSE_MAX_MS
				      ? 2 * g->pause_ms
				      : GATEWAY_CHILD_PAUSE_MAX_MS;
	}
	if (now_ms < g->next_ms)
		return;
	g->next_ms = 0;
	if (start(g, &e) < 0)
		log_error("gateway: %s", e.text);
}

void gateway_child_watch(struct gateway_child *g, uint64_t now_ms)
{
	if (!g->supervisor)
		return;
	hear(g);
	if (!supervisor_is_running(g->supervisor, SUPERVISOR_GATEWAY))
		start_again(g, now_ms);
}

void gateway_child_tell_up(struct gateway_child *g)
{
	g->is_up = true;
	tell(g, GATEWAY_WORD_UP);
}

/* Pump for so long, or until it has left, if that counts. */
static void pump(struct gateway_child *g, unsigned int ms, bool until_left)
{
	uint64_t end = time_mono_ms() + ms, now;

	while ((now = time_mono_ms()) < end && !(until_left && (g->has_left || g->fd < 0))) {
		(void)supervisor_pump(g->supervisor, g->fd, (unsigned int)(end - now));
		hear(g);
	}
}

void gateway_child_leave(struct gateway_child *g)
{
	if (!g->supervisor || g->fd < 0 || !g->was_registered)
		return;
	tell(g, GATEWAY_WORD_LEAVE);
	pump(g, GATEWAY_CHILD_LEAVE_MS, true);
	if (g->has_left && g->is_up)
		pump(g, GATEWAY_CHILD_DRAIN_MS, false);
	else if (!g->has_left)
		log_warn("gateway: it could not be told in time that the app stops");
}
