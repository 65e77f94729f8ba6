/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest-session: what a guest does about gateways, without a guest: `guest-session APP_ID AGENT FOLDER FD URL...`
 *
 * FD is PID 1's end of gateway_words.h, FOLDER has the status; each command for the interface is a line of the output,
 * and none is run.
 */
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"
#include "data/app_compose.h"
#include "guest-stub/gateway_session.h"
#include "guest-stub/gateway_worker.h"

enum { APP_ID = 1, AGENT, FOLDER, FD, URLS };

struct interface {
	bool is_there;
	char key[64];
};

static int run(void *arg, const char *const *argv, const void *input, size_t n_input,
	       struct buf *ret_out, struct err *e)
{
	struct interface *f = arg;
	size_t i;

	if (str_equal(argv[1], "show")) {
		if (!f->is_there)
			return err_set(e, ERR_BAD_STATE, "no such device");
		return buf_addf(ret_out, "%s\t(none)\t9182\toff\n", f->key[0] ? f->key : "(none)");
	}
	f->is_there = true;
	if (n_input)
		memcpy(f->key, input, n_input < sizeof(f->key) ? n_input : 0);
	for (i = 0; argv[i]; i++)
		(void)printf("%s%c", argv[i], argv[i + 1] ? ' ' : '\n');
	(void)fflush(stdout);
	return 0;
}

static size_t nets(void *arg, struct gateway_net *ret, size_t most)
{
	(void)arg;
	(void)ret;
	(void)most;
	return 0;
}

static void echo(void *arg, uint32_t address)
{
	(void)arg;
	(void)address;
}

static void *work(void *arg)
{
	struct interface f = { .is_there = false };
	const struct gateway_worker_ops ops = { .iface = { .run = run, .nets = nets, .arg = &f },
						.echo = echo };

	gateway_worker_serve(*(const int *)arg, &ops);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct app_port_rule rule = { .port = 8080 };
	static const struct app_compose app = { .port_rules = &rule,
						.n_port_rules = 1,
						.port_restrict_mode = true };
	struct gateway_session_args a = { .app = &app };
	struct gateway_session s;
	pthread_t worker;
	uint32_t fd;
	int pair[2];

	assert(argc > URLS && num_parse_u32(argv[FD], 3, 1023, &fd) == 0);
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	assert(pthread_create(&worker, NULL, work, &pair[1]) == 0);
	a.gateway_app_id = argv[APP_ID];
	a.agent = argv[AGENT];
	a.status = argv[FOLDER];
	a.words = (int)fd;
	a.worker = pair[0];
	a.urls = (const char *const *)&argv[URLS];
	a.n_urls = (size_t)(argc - URLS);
	assert(gateway_session_init(&s, &a, NULL) == 0);
	assert(gateway_session_run(&s, NULL) == 0);
	gateway_session_deinit(&s);
	(void)fd_close(pair[0]);
	assert(pthread_join(worker, NULL) == 0);
	(void)fd_close(pair[1]);
	return 0;
}
