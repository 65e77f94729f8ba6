/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/filter.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "guest-stub/gateway_rights.h"
#include "loop/child.h"

enum { FIRST_FD = 3 };

/* What the real one stands on. */
struct worker {
	int echo; /* raw ICMP, of which nothing is read */
	uint16_t n_echoes;
};

static int run(void *arg, const char *const *argv, const void *input, size_t n_input,
	       struct buf *ret_out, struct err *e)
{
	const struct child_options o = { .argv = argv,
					 .input = input,
					 .n_input = n_input,
					 .timeout_ms = GATEWAY_RUN_MS,
					 .output_max = GATEWAY_DUMP_MAX,
					 .is_bound = true };
	struct buf out = { 0 };
	int r = child_must(&o, &out, e);

	(void)arg;
	if (r == 0 && out.n)
		r = buf_add(ret_out, out.p, out.n);
	secret_buf_deinit(&out); /* a dump has our key in it */
	return r;
}

static size_t nets(void *arg, struct gateway_net *ret, size_t most)
{
	struct ifaddrs *list = NULL;
	const struct ifaddrs *a;
	struct sockaddr_in is, mask;
	size_t n = 0;

	(void)arg;
	if (getifaddrs(&list) < 0) {
		ret[0] = (struct gateway_net){ 0, 0 }; /* who cannot tell takes none */
		return 1;
	}
	for (a = list; a && n < most; a = a->ifa_next) {
		if (!a->ifa_addr || !a->ifa_netmask || a->ifa_addr->sa_family != AF_INET ||
		    str_equal(a->ifa_name, GATEWAY_IFACE))
			continue;
		memcpy(&is, a->ifa_addr, sizeof(is));
		memcpy(&mask, a->ifa_netmask, sizeof(mask));
		ret[n++] = (struct gateway_net){ ntohl(is.sin_addr.s_addr),
						 ntohl(mask.sin_addr.s_addr) };
	}
	freeifaddrs(list);
	return n;
}

/* That an answer comes is seen by WireGuard's counters: nothing is to be read here. */
static int open_echo(void)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog filter = { .len = 1, .filter = &nothing };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		fd = fd_close(fd);
	return fd;
}

static uint16_t sum_of(const struct icmphdr *h)
{
	uint16_t words[sizeof(*h) / 2];
	uint32_t sum = 0;
	size_t i;

	memcpy(words, h, sizeof(*h));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void echo(void *arg, uint32_t address)
{
	struct worker *w = arg;
	struct icmphdr h = { .type = ICMP_ECHO };
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };

	if (w->echo < 0)
		return;
	h.un.echo.id = htons(GATEWAY_PORT);
	h.un.echo.sequence = htons(w->n_echoes++);
	h.checksum = sum_of(&h);
	/* one that is lost is as good as one that gets no answer */
	(void)sendto(w->echo, &h, sizeof(h), MSG_DONTWAIT | MSG_NOSIGNAL,
		     (const struct sockaddr *)&to, sizeof(to));
}

/* ---- answering ---- */

static int look(const struct gateway_worker_ops *ops, const struct gateway_iface *f,
		struct gateway_told *ret, struct err *e)
{
	struct gateway_dump now;
	size_t i;
	int r = gateway_iface_look(f, &now, e);

	if (r < 0)
		return r;
	ret->n = (uint32_t)now.n;
	memcpy(ret->peers, now.peers, sizeof(ret->peers));
	for (i = 0; i < now.n; i++) {
		if (now.peers[i].address)
			ops->echo(ops->iface.arg, now.peers[i].address);
	}
	return 0;
}

static int answer(const struct gateway_worker_ops *ops, struct gateway_iface *f,
		  const struct gateway_question *q, struct gateway_told *ret, struct err *e)
{
	switch ((enum gateway_ask)q->ask) {
	case GATEWAY_ASK_OPEN:
		return gateway_iface_open(f, &ops->iface, ret->key, e);
	case GATEWAY_ASK_SET:
		return gateway_iface_set(f, &q->tunnel, e);
	case GATEWAY_ASK_LOOK:
		return look(ops, f, ret, e);
	case GATEWAY_ASK_RENEW:
		return gateway_iface_renew(f, q->key, e);
	case GATEWAY_ASK_COUNT:
		break;
	}
	return err_set(e, ERR_INPUT, "no such question");
}

void gateway_worker_serve(int fd, const struct gateway_worker_ops *ops)
{
	struct gateway_iface f = { .ops = ops->iface };
	struct gateway_question q;

	while (recv(fd, &q, sizeof(q), MSG_TRUNC) == (ssize_t)sizeof(q)) {
		struct gateway_told t = { .code = 0 };
		struct err e = ERR_NONE;

		t.code = answer(ops, &f, &q, &t, &e);
		if (t.code)
			(void)str_escape(t.text, sizeof(t.text), e.text, strlen(e.text));
		if (send(fd, &t, sizeof(t), MSG_NOSIGNAL) != (ssize_t)sizeof(t))
			break;
	}
	gateway_iface_deinit(&f);
}

static __attribute__((noreturn)) void be_worker(int fd)
{
	struct worker w = { .echo = -1 };
	const struct gateway_worker_ops ops = { .iface = { .run = run, .nets = nets, .arg = &w },
						.echo = echo };
	struct err e = ERR_NONE;

	/* the way to PID 1 is not ours */
	if (fd > FIRST_FD)
		(void)close_range(FIRST_FD, (unsigned int)fd - 1, 0);
	(void)close_range((unsigned int)fd + 1, ~0u, 0);
	w.echo = open_echo();
	if (w.echo < 0)
		log_warn("gateway: no echo can be sent: %s", err_name(-errno));
	if (gateway_rights_of_worker(&e) < 0) {
		log_error("gateway: %s", e.text);
		_exit(1);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of the user, which undoes it */
	gateway_worker_serve(fd, &ops);
	_exit(0);
}

int gateway_worker_start(struct err *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "socket of the gateway's worker");
	pid = fork();
	if (pid == 0) {
		(void)fd_close(pair[0]);
		be_worker(pair[1]);
	}
	(void)fd_close(pair[1]);
	if (pid > 0)
		return pair[0];
	(void)fd_close(pair[0]);
	return err_errno(e, errno, "fork the gateway's worker");
}

int gateway_worker_ask(int fd, const struct gateway_question *q, struct gateway_told *ret,
		       struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (send(fd, q, sizeof(*q), MSG_NOSIGNAL) != (ssize_t)sizeof(*q) ||
	    poll(&p, 1, GATEWAY_WORKER_MS) != 1 ||
	    recv(fd, ret, sizeof(*ret), MSG_TRUNC) != (ssize_t)sizeof(*ret))
		return err_set(e, -EPIPE, "the process that sets WireGuard up is gone, or hangs");
	ret->text[sizeof(ret->text) - 1] = 0;
	if (ret->n > GATEWAY_SERVERS_MAX)
		ret->n = GATEWAY_SERVERS_MAX;
	return ret->code < 0 ? err_set(e, ret->code, "%s", ret->text) : 0;
}
