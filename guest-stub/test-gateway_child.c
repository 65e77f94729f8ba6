/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-gateway_child: PID 1's side; this program stands in for the process: started as "<itself> gateway" it says what
 * its environment holds no word of, so by what it is told
 */
#undef NDEBUG
#include "guest-stub/gateway_child.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/time.h"
#include "data/app_compose.h"
#include "data/sys_config.h"
#include "guest-stub/gateway_words.h"
#include "guest-stub/notices.h"
#include "guest-stub/supervisor.h"

enum { LONG_MS = 60000 };

static void flood(void)
{
	while (send(GATEWAY_WORDS_FD, "?", 1, MSG_NOSIGNAL) == 1)
		continue;
}

/* The stand-in: an error, then a registration, then it leaves when it is told to; on 'X' it dies, on 'F' it floods. */
static int be_process(void)
{
	char word;

	(void)send(GATEWAY_WORDS_FD, "Ehttps://g: away", 16, 0);
	(void)send(GATEWAY_WORDS_FD, "Esaid twice", 11, 0); /* as one that was started again does */
	(void)send(GATEWAY_WORDS_FD, "Rregistered with g", 18, 0);
	while (recv(GATEWAY_WORDS_FD, &word, 1, 0) == 1) {
		if (word == GATEWAY_WORD_LEAVE)
			(void)send(GATEWAY_WORDS_FD, "L", 1, 0);
		else if (word == 'X')
			return 3;
		else if (word == 'F')
			flood();
	}
	return 0;
}

/* What the host is told, as the notifier gets it. */
static void heard(int fd, const char *event, const char *payload)
{
	char packet[NOTICE_PAYLOAD_MAX + NOTICE_EVENT_MAX];
	ssize_t n = recv(fd, packet, sizeof(packet) - 1, MSG_DONTWAIT);

	assert(n > 0);
	packet[n] = 0;
	assert(str_equal(packet, event));
	assert(str_equal(packet + strlen(event) + 1, payload));
}

static void test_a_life(void)
{
	struct notices n = { .fd = -1 };
	struct gateway_child g;
	struct supervisor s;
	struct err e = ERR_NONE;
	uint64_t end = time_mono_ms() + LONG_MS, now = 1000;
	int pair[2], i;

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	n.fd = pair[0];
	assert(supervisor_init(&s, &e) == 0);
	assert(gateway_child_start(&g, &s, &n, &e) == 0);
	while (!g.was_registered && time_mono_ms() < end) {
		(void)supervisor_pump(&s, g.fd, 100);
		gateway_child_watch(&g, now);
	}
	heard(pair[1], "boot.error",
	      "dstack-gateway registration failed, the app has no ingress route: https://g: away");
	heard(pair[1], "boot.notice", "the app has its ingress route now: registered with g");
	heard(pair[1], "boot.error", "");
	gateway_child_tell_up(&g);
	/* it dies, is started again after a pause, and what it says then is no trouble of the boot's */
	assert(send(g.fd, "X", 1, 0) == 1);
	assert(supervisor_wait(&s, SUPERVISOR_GATEWAY, LONG_MS) == 0);
	gateway_child_watch(&g, now);
	assert(!supervisor_is_running(&s, SUPERVISOR_GATEWAY) && g.fd < 0);
	gateway_child_watch(&g, now + GATEWAY_CHILD_PAUSE_MS - 1);
	assert(!supervisor_is_running(&s, SUPERVISOR_GATEWAY));
	gateway_child_watch(&g, now + GATEWAY_CHILD_PAUSE_MS);
	assert(supervisor_is_running(&s, SUPERVISOR_GATEWAY) && g.fd >= 0);
	gateway_child_leave(&g);
	assert(g.has_left);
	assert(recv(pair[1], &now, 1, MSG_DONTWAIT) < 0);
	/* one that talks without end keeps nobody */
	assert(send(g.fd, "F", 1, 0) == 1);
	for (i = 0; i < 1000; i++)
		gateway_child_watch(&g, now);
	assert(supervisor_is_running(&s, SUPERVISOR_GATEWAY));
	gateway_child_deinit(&g);
	assert(supervisor_wait(&s, SUPERVISOR_GATEWAY, LONG_MS) == 0);
	supervisor_deinit(&s);
	(void)fd_close(pair[0]);
	(void)fd_close(pair[1]);
}

static void test_apps_that_cannot_have_one(void)
{
	struct app_compose app = { .key_provider = APP_KEY_PROVIDER_NONE };
	struct sys_config sys = { .gateway_urls = { .p = { "https://g" }, .n = 1 } };
	struct err e = ERR_NONE;

	assert(gateway_child_check(&app, &sys, "ab", &e) == ERR_INPUT);
	assert(strstr(e.text, "key provider none"));
	app.key_provider = APP_KEY_PROVIDER_KMS;
	assert(gateway_child_check(&app, &sys, "ab", &e) == 0);
	assert(gateway_child_check(&app, &sys, "", &e) == ERR_INPUT);
	assert(str_starts(e.text, "Missing allowed dstack-gateway app id"));
	sys.gateway_urls.n = 0;
	assert(gateway_child_check(&app, &sys, "ab", &e) == ERR_INPUT);
	assert(str_starts(e.text, "Missing gateway urls"));
}

int main(int argc, char **argv)
{
	if (argc == 2 && str_equal(argv[1], "gateway"))
		return be_process();
	test_apps_that_cannot_have_one();
	test_a_life();
	return 0;
}
