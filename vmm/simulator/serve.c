/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/simulator/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "base/err.h"
#include "base/str.h"
#include "loop/http_server.h"
#include "loop/listen.h"
#include "simulator/sim_pccs.h"

enum { SOCKET_MODE = 0666, ADDRESS_MAX = 128, BODY_MAX = 1024 };

#define UNIX "unix:"

struct serving {
	const struct serve_options *options;
	struct http_server *server;
	uv_signal_t on_term, on_int;
};

static void on_request(struct http_request *r, void *arg)
{
	const struct serving *s = arg;
	int64_t at = s->options->at < 0 ? (int64_t)time(NULL) : s->options->at;
	struct http_header headers[] = { { NULL, NULL }, { NULL, NULL } };
	struct sim_pccs a;

	if (!str_equal(http_request_method(r), "GET")) {
		http_reply(r, 405, "text/plain", "GET it\n", 7, NULL);
		return;
	}
	sim_pccs_answer(s->options->world, at, http_request_path(r), http_request_query(r), &a);
	if (a.chain_header)
		headers[0] = (struct http_header){ a.chain_header, (const char *)a.chain.p };
	http_reply(r, a.status, a.type, a.body.p, a.body.n, headers);
	sim_pccs_deinit(&a);
}

static void on_stopped(void *arg)
{
	struct serving *s = arg;

	uv_close((uv_handle_t *)&s->on_term, NULL);
	uv_close((uv_handle_t *)&s->on_int, NULL);
}

static void stop(struct serving *s)
{
	struct http_server *server = s->server;

	s->server = NULL;
	if (server)
		http_server_stop(server, on_stopped, s);
}

static void on_signal(uv_signal_t *h, int sig)
{
	(void)sig;
	stop(h->data);
}

/* By which address clients reach @fd. */
static int tell(int fd, const char *listen, struct err *e)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC };
	char host[INET6_ADDRSTRLEN] = "";
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		return err_errno(e, errno, "asking for the address");
	if (a.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&a;

		(void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		(void)printf("listening on http://%s:%u\n", host, ntohs(in->sin_port));
	} else if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&a;

		(void)inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		(void)printf("listening on http://[%s]:%u\n", host, ntohs(in->sin6_port));
	} else {
		(void)printf("listening on %s\n", listen);
	}
	return fflush(stdout) == 0 ? 0 : err_errno(e, errno, "cannot write to standard output");
}

static int open_socket(const char *listen, struct err *e)
{
	int fd, rc;

	fd = str_starts(listen, UNIX) ? listen_unix(listen + strlen(UNIX), SOCKET_MODE, e)
				      : listen_tcp(listen, e);
	if (fd < 0)
		return fd;
	rc = tell(fd, listen, e);
	if (rc < 0)
		(void)close(fd);
	return rc < 0 ? rc : fd;
}

static int start(struct serving *s, uv_loop_t *loop, struct err *e)
{
	const struct http_server_options o = {
		.conns_max = SERVE_CONNS_MAX,
		.body_max = BODY_MAX,
		.on_request = on_request,
		.arg = s,
	};
	int rc = http_server_start(&s->server, loop, &o, e);
	int fd;

	if (rc < 0)
		return rc;
	fd = open_socket(s->options->listen, e);
	return fd < 0 ? fd : http_server_listen(s->server, fd, NULL, 0, e);
}

int serve_run(const struct serve_options *o, struct err *e)
{
	struct serving s = { .options = o };
	uv_loop_t loop;
	int rc = uv_loop_init(&loop);

	if (rc < 0)
		return err_set(e, rc, "making a loop: %s", uv_strerror(rc));
	(void)uv_signal_init(&loop, &s.on_term);
	(void)uv_signal_init(&loop, &s.on_int);
	s.on_term.data = s.on_int.data = &s;
	(void)uv_signal_start(&s.on_term, on_signal, SIGTERM);
	(void)uv_signal_start(&s.on_int, on_signal, SIGINT);
	rc = start(&s, &loop, e);
	if (rc < 0 && !s.server)
		on_stopped(&s);
	else if (rc < 0)
		stop(&s);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return rc;
}
