/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every stream that is not dead is in d->all, and in a bucket while guest packets
 * can find it.  streams_die() moves it to d->dead; streams_bury() frees.  Thus a
 * function may end any stream at any point of a turn, and its caller only
 * has to look at the state afterwards.
 */
#include "vsockdev/streams.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/time.h"
#include "vsockdev/device.h"
#include "vsockdev/greeting.h"
#include "wire/vsock_packet.h"

static struct stream_list *bucket(struct device *d, uint32_t host_port, uint32_t guest_port)
{
	uint32_t h = (host_port * 0x9e3779b1u) ^ (guest_port * 0x85ebca6bu);

	return &d->buckets[(h >> 16) % DEVICE_BUCKETS];
}

struct stream *streams_find(struct device *d, uint32_t host_port, uint32_t guest_port)
{
	struct stream *s;

	LIST_FOREACH(s, bucket(d, host_port, guest_port), bucket) {
		if (s->host_port == host_port && s->guest_port == guest_port)
			return s;
	}
	return NULL;
}

static bool port_is_taken(struct device *d, uint32_t port)
{
	struct stream *s;

	LIST_FOREACH(s, &d->all, link) {
		if (s->host_port == port)
			return true;
	}
	return false;
}

uint32_t streams_free_port(struct device *d)
{
	uint32_t port;

	/* ends: there are more ports than streams */
	do {
		port = d->next_port++;
		if (d->next_port == UINT32_MAX)
			d->next_port = DEVICE_HOST_PORT_FIRST;
	} while (port_is_taken(d, port));
	return port;
}

static bool is_in_table(const struct stream *s)
{
	return s->state == STREAM_REQUESTED || s->state == STREAM_OPEN ||
	       s->state == STREAM_RESETTING;
}

static void close_socket(struct stream *s)
{
	s->fd = fd_close(s->fd); /* nobody else holds it: closing takes it out of the loop */
	s->readable = false;
	backlog_deinit(&s->backlog);
}

static void say_shutdown(struct stream *s, uint8_t flags)
{
	s->host_shut |= flags;
	s->to_send |= STREAM_SEND_SHUTDOWN;
	if (s->host_shut == VSOCK_SHUTDOWN_BOTH)
		close_socket(s);
	streams_queue(s);
}

static void host_ready(struct loop_source *source, uint32_t events)
{
	struct stream *s = source->arg;

	if (s->state == STREAM_DEAD || s->fd < 0)
		return;
	if (s->state == STREAM_GREETING) {
		greeting_ready(s);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->readable = true;
	if (events & (EPOLLHUP | EPOLLERR)) {
		s->hung_up = true;
		if (s->state != STREAM_OPEN) {
			/* nobody is left to be told that the guest answered, or to read */
			streams_reset(s);
			return;
		}
		/* nothing more will be read from it: then this is all there is to learn */
		if ((s->host_shut & VSOCK_SHUTDOWN_SEND) ||
		    (s->guest_shut & VSOCK_SHUTDOWN_RECEIVE))
			say_shutdown(s, VSOCK_SHUTDOWN_BOTH);
	}
	if ((events & EPOLLOUT) && s->fd >= 0 && s->backlog.n > 0)
		streams_flush(s);
	streams_queue(s);
}

struct stream *streams_add(struct device *d, int fd, enum stream_state state)
{
	struct stream *s;

	if (d->n_streams >= DEVICE_STREAMS) {
		(void)fd_close(fd);
		return NULL;
	}
	s = xnew(struct stream);
	s->device = d;
	s->fd = fd;
	s->state = state;
	s->window = STREAM_WINDOW;
	s->source = (struct loop_source){ .ready = host_ready, .arg = s };
	if (loop_watch(&d->loop, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, &s->source, NULL) < 0) {
		(void)fd_close(fd);
		free(s);
		return NULL;
	}
	if (d->window_budget >= STREAM_WINDOW_BUSY - STREAM_WINDOW) {
		d->window_budget -= STREAM_WINDOW_BUSY - STREAM_WINDOW;
		s->window = STREAM_WINDOW_BUSY;
	}
	LIST_INSERT_HEAD(&d->all, s, link);
	d->n_streams++;
	return s;
}

void streams_enter(struct stream *s, uint32_t host_port, uint32_t guest_port)
{
	s->host_port = host_port;
	s->guest_port = guest_port;
	LIST_INSERT_HEAD(bucket(s->device, host_port, guest_port), s, bucket);
}

void streams_queue(struct stream *s)
{
	if (s->queued || !stream_wants_turn(s))
		return;
	s->queued = true;
	TAILQ_INSERT_TAIL(&s->device->turns, s, turn);
}

void streams_set_deadline(struct stream *s, uint32_t ms)
{
	s->device->n_waiting -= s->deadline_ms != 0;
	s->deadline_ms = ms ? time_mono_ms() + ms : 0;
	s->device->n_waiting += s->deadline_ms != 0;
}

static void unqueue(struct stream *s)
{
	if (s->queued)
		TAILQ_REMOVE(&s->device->turns, s, turn);
	s->queued = false;
}

void streams_reset(struct stream *s)
{
	/* a guest that was never asked, or that has left, need not hear of it */
	if (!is_in_table(s) || (s->to_send & STREAM_SEND_REQUEST)) {
		streams_die(s);
		return;
	}
	close_socket(s);
	s->state = STREAM_RESETTING;
	streams_set_deadline(s, 0);
	s->to_send = STREAM_SEND_RST;
	streams_queue(s);
}

void streams_die(struct stream *s)
{
	struct device *d = s->device;

	if (s->state == STREAM_DEAD)
		return;
	if (is_in_table(s))
		LIST_REMOVE(s, bucket);
	unqueue(s);
	streams_set_deadline(s, 0);
	close_socket(s);
	LIST_REMOVE(s, link);
	LIST_INSERT_HEAD(&d->dead, s, link);
	s->state = STREAM_DEAD;
	d->n_streams--;
	d->window_budget += s->window - STREAM_WINDOW;
}

void streams_leave(struct stream *s)
{
	bool has_reader = s->fd >= 0 && !(s->host_shut & VSOCK_SHUTDOWN_RECEIVE);

	if (s->state != STREAM_OPEN || s->backlog.n == 0 || !has_reader) {
		streams_die(s);
		return;
	}
	LIST_REMOVE(s, bucket);
	unqueue(s);
	s->state = STREAM_DRAINING;
	s->to_send = 0;
	streams_set_deadline(s, STREAM_DRAIN_MS);
}

void streams_forget_guest(struct device *d)
{
	struct stream *s, *next;

	d->n_rsts = 0;
	for (s = LIST_FIRST(&d->all); s; s = next) {
		next = LIST_NEXT(s, link);
		if (is_in_table(s) && !(s->to_send & STREAM_SEND_REQUEST))
			streams_leave(s);
	}
}

void streams_bury(struct device *d)
{
	struct stream *s;

	while ((s = LIST_FIRST(&d->dead))) {
		LIST_REMOVE(s, link);
		free(s);
	}
}

void streams_tick(struct device *d, uint64_t now_ms)
{
	struct stream *s, *next;

	for (s = LIST_FIRST(&d->all); s; s = next) {
		next = LIST_NEXT(s, link);
		if (s->deadline_ms && now_ms >= s->deadline_ms)
			streams_reset(s);
	}
}

void streams_watch_write(struct stream *s)
{
	if (s->watches_write)
		return;
	s->watches_write = true;
	if (loop_change(&s->device->loop, s->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
			&s->source) < 0)
		streams_reset(s);
}

static void shut_when_flushed(struct stream *s)
{
	if (s->backlog.n > 0 || s->fd < 0)
		return;
	if (s->state == STREAM_DRAINING)
		streams_die(s);
	else if (s->guest_shut & VSOCK_SHUTDOWN_SEND)
		(void)shutdown(s->fd, SHUT_WR); /* fails only when the peer is gone */
}

void streams_forwarded(struct stream *s, uint32_t n)
{
	s->forwarded += n;
	if (stream_owes_credit(s)) {
		s->to_send |= STREAM_SEND_CREDIT;
		streams_queue(s);
	}
}

void streams_flush(struct stream *s)
{
	ssize_t n = backlog_flush(&s->backlog, s->fd);

	if (n < 0) {
		streams_host_stopped_reading(s);
		return;
	}
	streams_forwarded(s, (uint32_t)n);
	shut_when_flushed(s);
}

void streams_host_stopped_reading(struct stream *s)
{
	if (s->state != STREAM_OPEN) {
		streams_reset(s);
		return;
	}
	if (s->host_shut & VSOCK_SHUTDOWN_RECEIVE)
		return;
	backlog_deinit(&s->backlog);
	s->forwarded = s->received;
	say_shutdown(s, VSOCK_SHUTDOWN_RECEIVE);
}

void streams_host_stopped_sending(struct stream *s)
{
	s->readable = false;
	say_shutdown(s, s->hung_up ? VSOCK_SHUTDOWN_BOTH : VSOCK_SHUTDOWN_SEND);
}

void streams_guest_shut(struct stream *s, uint32_t flags)
{
	s->guest_shut |= (uint8_t)flags;
	if (s->guest_shut == VSOCK_SHUTDOWN_BOTH) {
		streams_leave(s);
		return;
	}
	if ((flags & VSOCK_SHUTDOWN_RECEIVE) && s->fd >= 0)
		(void)shutdown(s->fd, SHUT_RD);
	shut_when_flushed(s);
}
