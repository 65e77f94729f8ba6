/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turn of the loop: wait, look at the world, do what each event says, go on with who was cut off, look at who is due,
 * then let go of who died.  An event names a connection by its address; the lowest bit is the side.
 */
#include "gateway/worker.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/time.h"
#include "gateway/conn.h"
#include "gateway/resolver.h"
#include "gateway/world.h"

enum {
	EVENTS = 256,
	ACCEPTS_A_TURN = 32,
	BACKLOG = 4096,
	DEAF_MS = 100,
	KEEPALIVE_IDLE_S = 60,
	KEEPALIVE_INTERVAL_S = 15,
	KEEPALIVE_PROBES = 4,
};

/* What an event names that is no connection: addresses of those are multiples of 16, and 0 or 1 for the side. */
enum { TAG_WAKE = 2, TAG_LISTENER = 4 };

/* What accepted sockets inherit costs no system call for each of them. */
static void prepare_listener(int fd, bool is_v6)
{
	int one = 1, zero = 0, idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S,
	    probes = KEEPALIVE_PROBES;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	if (is_v6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
}

static int open_listener(const struct gw_address *a, struct err *e)
{
	auto_close int fd =
		socket(a->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(e, errno, "listening on %s", a->text);
	prepare_listener(fd, a->addr.ss_family == AF_INET6);
	if (bind(fd, (const struct sockaddr *)&a->addr, a->n) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(e, errno, "listening on %s", a->text);
	return steal_fd(&fd);
}

static void watch(struct worker *w, int fd, uint64_t tag)
{
	struct epoll_event ev = { .events = EPOLLIN };

	ev.data.u64 = tag;
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		log_error("gateway: cannot watch a socket: %s", strerror(errno));
}

int worker_new(struct worker **ret, struct worker_shared *shared, unsigned int index,
	       const struct gw_config *c, struct err *e)
{
	struct worker *w = xnew(struct worker);
	size_t i;
	int fd;

	w->shared = shared;
	w->index = index;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll < 0 || w->wake < 0) {
		worker_join(w);
		return err_errno(e, errno, "a worker's epoll");
	}
	watch(w, w->wake, TAG_WAKE);
	(void)pthread_mutex_init(&w->mail_lock, NULL);
	w->now_ms = time_mono_ms();
	wheel_init(&w->wheel, w->now_ms);
	secret_random(&w->random, sizeof(w->random));
	w->random |= 1;
	w->wire.out = w->out;
	w->wire.out_max = sizeof(w->out);
	w->access.fd = -1;
	for (i = 0; i < c->n_listen; i++) {
		fd = open_listener(&c->listen[i], e);
		if (fd < 0) {
			worker_join(w);
			return fd;
		}
		w->listeners[w->n_listeners++] = fd;
		watch(w, fd, TAG_LISTENER | (uint64_t)fd << 8);
	}
	*ret = w;
	return 0;
}

void worker_wake(struct worker *w)
{
	uint64_t one = 1;

	(void)!write(w->wake, &one, sizeof(one)); /* full: it is awake */
}

void worker_post(struct worker *w, struct txt_answer *a)
{
	(void)pthread_mutex_lock(&w->mail_lock);
	a->next = w->mail;
	w->mail = a;
	(void)pthread_mutex_unlock(&w->mail_lock);
	worker_wake(w);
}

static void read_mail(struct worker *w)
{
	struct txt_answer *a, *next;
	uint64_t n;

	(void)!read(w->wake, &n, sizeof(n));
	(void)pthread_mutex_lock(&w->mail_lock);
	a = w->mail;
	w->mail = NULL;
	(void)pthread_mutex_unlock(&w->mail_lock);
	for (; a; a = next) {
		next = a->next;
		conn_answered(w, a);
		free(a);
	}
}

static void set_deaf(struct worker *w, bool is_deaf)
{
	size_t i;

	if (w->is_deaf == is_deaf)
		return;
	w->is_deaf = is_deaf;
	w->deaf_until_ms = w->now_ms + DEAF_MS;
	for (i = 0; i < w->n_listeners; i++) {
		if (is_deaf)
			(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->listeners[i], NULL);
		else
			watch(w, w->listeners[i], TAG_LISTENER | (uint64_t)w->listeners[i] << 8);
	}
}

static void accept_some(struct worker *w, int listener)
{
	struct sockaddr_storage from;
	int i, fd;

	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		socklen_t n = sizeof(from);

		fd = accept4(listener, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			conn_accept(w, fd, (const struct sockaddr *)&from);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			set_deaf(w, true);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void close_listeners(struct worker *w)
{
	while (w->n_listeners > 0)
		(void)fd_close(w->listeners[--w->n_listeners]);
}

static void run_ready(struct worker *w)
{
	struct conn *c = w->ready, *next;

	w->ready = NULL;
	for (; c; c = next) {
		next = c->next;
		c->is_ready_listed = false;
		if (c->state == CONN_DEAD) {
			c->next = w->dead_conns;
			w->dead_conns = c;
			continue;
		}
		conn_advance(c);
	}
}

static void free_dead(struct worker *w)
{
	struct conn *c;

	while ((c = w->dead_conns)) {
		w->dead_conns = c->next;
		c->next = w->free_conns;
		w->free_conns = c;
	}
}

static void on_due(struct wheel_node *n, void *arg)
{
	(void)arg;
	conn_check_time((struct conn *)(void *)n);
}

static void on_event(struct worker *w, const struct epoll_event *ev)
{
	uint64_t tag = ev->data.u64;

	if (tag == TAG_WAKE) {
		read_mail(w);
	} else if ((tag & 15) == TAG_LISTENER) {
		accept_some(w, (int)(tag >> 8));
	} else {
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel keeps a number for us */
		conn_event((struct conn *)(uintptr_t)(tag & ~(uint64_t)1), tag & 1 ? APP : CLIENT,
			   ev->events);
	}
}

/* Buckets begin full again if their size is another. */
static void take_rate(struct worker *w, const struct gw_config *c)
{
	uint32_t per_s = w->rate ? w->rate->per_s : 0, burst = w->rate ? w->rate->burst : 0;

	if (c->client_rate == per_s && (per_s == 0 || c->client_burst == burst))
		return;
	if (!c->client_rate) {
		free(w->rate);
		w->rate = NULL;
		return;
	}
	if (!w->rate)
		w->rate = xnew(struct rate_table);
	rate_table_init(w->rate, c->client_rate, c->client_burst, w->random);
}

/* What is kept of the world; its other parts are looked at where they are. */
static void take_settings(struct worker *w, const struct world *now)
{
	int fd = now->access ? now->access->fd : -1;

	take_rate(w, now->config);
	if (fd != w->access.fd)
		access_log_flush(&w->access, &w->counters);
	w->access.fd = fd;
	w->access.sample = now->config->access_sample;
}

static void look_at_world(struct worker *w)
{
	const struct world *now = atomic_load_explicit(&w->shared->world, memory_order_acquire);

	if (now == w->world)
		return;
	w->world = now;
	take_settings(w, now);
	tickets_set_current(&now->tickets->tickets);
	atomic_store_explicit(&w->seen, now->version, memory_order_release);
}

static void turn(struct worker *w)
{
	struct epoll_event events[EVENTS];
	int i, n;

	n = epoll_wait(w->epoll, events, EVENTS,
		       w->ready					 ? 0
		       : w->wheel.n || w->is_deaf || w->access.n ? WHEEL_TICK_MS
								 : -1);
	w->now_ms = time_mono_ms();
	look_at_world(w);
	for (i = 0; i < n; i++)
		on_event(w, &events[i]);
	run_ready(w);
	if (w->now_ms / WHEEL_TICK_MS > w->wheel.tick) {
		wheel_turn(&w->wheel, w->now_ms, on_due, w);
		access_log_flush(&w->access, &w->counters);
		if (w->is_deaf && w->now_ms >= w->deaf_until_ms)
			set_deaf(w, false);
	}
	free_dead(w);
}

static void kill_due(struct wheel_node *n, void *arg)
{
	(void)arg;
	conn_kill((struct conn *)(void *)n, GW_END_STOPPED);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	uint32_t mode;

	look_at_world(w);
	for (;;) {
		mode = atomic_load_explicit(&w->shared->mode, memory_order_relaxed);
		if (mode != WORKER_RUN)
			close_listeners(w);
		if (mode == WORKER_STOP || (mode == WORKER_DRAIN && w->n_conns == 0))
			break;
		turn(w);
	}
	wheel_drain(&w->wheel, kill_due, NULL);
	run_ready(w);
	free_dead(w);
	access_log_flush(&w->access, &w->counters);
	atomic_store_explicit(&w->seen, UINT64_MAX, memory_order_release);
	return NULL;
}

int worker_start(struct worker *w, struct err *e)
{
	int rc = pthread_create(&w->thread, NULL, run, w);

	if (rc)
		return err_errno(e, rc, "starting a worker");
	w->is_started = true;
	return 0;
}

/* Connections came in blocks, of which the first one is the address to free. */
static void free_blocks(struct worker *w)
{
	struct conn *c = w->free_conns, *blocks = NULL, *next;

	for (; c; c = next) {
		next = c->next;
		if (c->is_block) {
			c->half_next = blocks;
			blocks = c;
		}
	}
	for (c = blocks; c; c = next) {
		next = c->half_next;
		free(c);
	}
}

void worker_join(struct worker *w)
{
	struct txt_answer *a;

	if (!w)
		return;
	if (w->is_started)
		(void)pthread_join(w->thread, NULL);
	while ((a = w->mail)) {
		w->mail = a->next;
		free(a);
	}
	free_blocks(w);
	close_listeners(w);
	chunk_pool_deinit(&w->chunks);
	pipe_pool_deinit(&w->pipes);
	(void)fd_close(w->epoll);
	(void)fd_close(w->wake);
	free(w->rate);
	free(w);
}
