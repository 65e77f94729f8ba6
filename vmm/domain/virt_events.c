/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libvirt's threads only note what they want, under the lock, and wake the loop; the loop alone touches libuv.
 *
 * Lifetime: an item (watch or timeout) is made by libvirt's thread, marked removed by libvirt's thread, and
 * freed by the loop: at once if its handle was never made, else in the handle's close callback.  libvirt's free
 * function for its argument runs then too, never while the callback may run, and with no lock held.
 *
 * A watched fd is duplicated: libvirt closes its own as soon as it has removed the watch, which may be before we
 * let go, and the number may by then be another file.
 */
#include "domain/virt_events.h"

#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

struct item {
	TAILQ_ENTRY(item) link;
	int id;
	bool is_watch, is_removed, is_changed, has_handle;
	int fd, own_fd; /* watch: libvirt's number, our duplicate */
	int wants;	/* watch: VIR_EVENT_HANDLE_*; timeout: milliseconds, -1: off */
	virEventHandleCallback on_fd;
	virEventTimeoutCallback on_time;
	virFreeCallback free_arg;
	void *arg;
	union {
		uv_handle_t any;
		uv_poll_t poll;
		uv_timer_t timer;
	} h;
};

static struct {
	pthread_mutex_t lock;
	TAILQ_HEAD(, item) items;
	int last_id;
	bool is_registered, is_running, is_stopping;
	uv_loop_t *loop;
	uv_async_t wake;
	void (*stopped)(void *arg);
	void *stopped_arg;
} events = { .lock = PTHREAD_MUTEX_INITIALIZER, .items = TAILQ_HEAD_INITIALIZER(events.items) };

static void lock(void)
{
	(void)pthread_mutex_lock(&events.lock);
}

static void unlock(void)
{
	(void)pthread_mutex_unlock(&events.lock);
}

/* Under the lock. */
static struct item *find(int id, bool is_watch)
{
	struct item *it;

	TAILQ_FOREACH(it, &events.items, link) {
		if (it->id == id && it->is_watch == is_watch && !it->is_removed)
			return it;
	}
	return NULL;
}

/* The loop's side. */

static void wake_closed(uv_handle_t *h)
{
	void (*stopped)(void *arg) = events.stopped;
	void *arg = events.stopped_arg;

	(void)h;
	lock();
	events.is_running = false;
	events.is_stopping = false;
	unlock();
	stopped(arg);
}

/* Out of the list, then freed: the one way an item dies. */
static void item_end(struct item *it)
{
	bool is_last;

	lock();
	TAILQ_REMOVE(&events.items, it, link);
	is_last = events.is_stopping && TAILQ_EMPTY(&events.items);
	unlock();
	if (it->free_arg)
		it->free_arg(it->arg);
	(void)fd_close(it->own_fd);
	free(it);
	if (is_last)
		uv_close((uv_handle_t *)&events.wake, wake_closed);
}

static void item_closed(uv_handle_t *h)
{
	item_end(h->data);
}

static int vir_of_uv(int status, int ev)
{
	int r = 0;

	if (status < 0)
		return VIR_EVENT_HANDLE_ERROR;
	r |= ev & UV_READABLE ? VIR_EVENT_HANDLE_READABLE : 0;
	r |= ev & UV_WRITABLE ? VIR_EVENT_HANDLE_WRITABLE : 0;
	r |= ev & UV_DISCONNECT ? VIR_EVENT_HANDLE_HANGUP : 0;
	return r;
}

static int uv_of_vir(int wants)
{
	int r = 0;

	r |= wants & VIR_EVENT_HANDLE_READABLE ? UV_READABLE : 0;
	r |= wants & VIR_EVENT_HANDLE_WRITABLE ? UV_WRITABLE : 0;
	/* libvirt expects hangups and errors without asking, but only of fds it has not switched off */
	return wants ? r | UV_DISCONNECT : 0;
}

static void on_poll(uv_poll_t *h, int status, int ev)
{
	struct item *it = h->data;
	bool is_removed;

	lock();
	is_removed = it->is_removed;
	unlock();
	if (!is_removed)
		it->on_fd(it->id, it->fd, vir_of_uv(status, ev), it->arg);
}

static void on_timer(uv_timer_t *h)
{
	struct item *it = h->data;
	bool is_due;
	int wants;

	lock();
	is_due = !it->is_removed && it->wants >= 0;
	wants = it->wants;
	unlock();
	if (!is_due)
		return;
	/* again after the same time, unless the callback says otherwise */
	(void)uv_timer_start(h, on_timer, wants ? (uint64_t)wants : 1, 0);
	it->on_time(it->id, it->arg);
}

/* Make the handle what libvirt wants; the lock is held. */
static void item_apply(struct item *it)
{
	int ev;

	it->is_changed = false;
	if (!it->has_handle) {
		it->has_handle = it->is_watch
					 ? uv_poll_init(events.loop, &it->h.poll, it->own_fd) == 0
					 : uv_timer_init(events.loop, &it->h.timer) == 0;
		it->h.any.data = it;
	}
	if (!it->has_handle)
		return; /* not something that can be polled */
	ev = it->is_watch ? uv_of_vir(it->wants) : 0;
	if (it->is_watch && ev)
		(void)uv_poll_start(&it->h.poll, ev, on_poll);
	else if (it->is_watch)
		(void)uv_poll_stop(&it->h.poll);
	else if (it->wants >= 0)
		(void)uv_timer_start(&it->h.timer, on_timer, (uint64_t)it->wants, 0);
	else
		(void)uv_timer_stop(&it->h.timer);
}

static void on_wake(uv_async_t *h)
{
	struct item *it, *next, *dead;

	(void)h;
	do {
		dead = NULL;
		lock();
		for (it = TAILQ_FIRST(&events.items); it && !dead; it = next) {
			next = TAILQ_NEXT(it, link);
			if (!it->is_changed)
				continue;
			if (!it->is_removed) {
				item_apply(it);
				continue;
			}
			it->is_changed = false;
			if (it->has_handle)
				uv_close(&it->h.any, item_closed);
			else
				dead = it;
		}
		unlock();
		if (dead)
			item_end(dead);
	} while (dead);
}

/* libvirt's side: any thread. */

static int item_add(struct item *it)
{
	bool is_taken;

	lock();
	is_taken = events.is_running && !events.is_stopping;
	if (is_taken) {
		it->id = ++events.last_id;
		it->is_changed = true;
		TAILQ_INSERT_TAIL(&events.items, it, link);
		(void)uv_async_send(&events.wake);
	}
	unlock();
	if (is_taken)
		return it->id;
	(void)fd_close(it->own_fd);
	free(it);
	return -1;
}

static void item_update(int id, bool is_watch, int wants)
{
	struct item *it;

	lock();
	it = find(id, is_watch);
	if (it && events.is_running) {
		it->wants = wants;
		it->is_changed = true;
		(void)uv_async_send(&events.wake);
	}
	unlock();
}

static int item_remove(int id, bool is_watch)
{
	struct item *it;

	lock();
	it = find(id, is_watch);
	if (it) {
		it->is_removed = true;
		it->is_changed = true;
		(void)uv_async_send(&events.wake);
	}
	unlock();
	return it ? 0 : -1;
}

static int add_watch(int fd, int wants, virEventHandleCallback cb, void *arg,
		     virFreeCallback free_arg)
{
	struct item *it = xnew(struct item);

	*it = (struct item){ .is_watch = true,
			     .fd = fd,
			     .wants = wants,
			     .on_fd = cb,
			     .arg = arg,
			     .free_arg = free_arg };
	it->own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return item_add(it);
}

static int add_timeout(int ms, virEventTimeoutCallback cb, void *arg, virFreeCallback free_arg)
{
	struct item *it = xnew(struct item);

	*it = (struct item){
		.own_fd = -1, .wants = ms, .on_time = cb, .arg = arg, .free_arg = free_arg
	};
	return item_add(it);
}

static void update_watch(int id, int wants)
{
	item_update(id, true, wants);
}

static void update_timeout(int id, int ms)
{
	item_update(id, false, ms);
}

static int remove_watch(int id)
{
	return item_remove(id, true);
}

static int remove_timeout(int id)
{
	return item_remove(id, false);
}

int virt_events_start(uv_loop_t *loop, struct err *e)
{
	bool is_taken;
	int rc;

	lock();
	is_taken = events.is_running;
	unlock();
	if (is_taken)
		return err_set(e, ERR_BAD_STATE,
			       "libvirt is served by a loop already; a process has one hypervisor");
	rc = uv_async_init(loop, &events.wake, on_wake);
	if (rc < 0)
		return err_set(e, rc, "no wake-up for libvirt's threads: %s", uv_strerror(rc));
	lock();
	events.loop = loop;
	events.is_running = true;
	unlock();
	if (!events.is_registered)
		virEventRegisterImpl(add_watch, update_watch, remove_watch, add_timeout,
				     update_timeout, remove_timeout);
	events.is_registered = true;
	return 0;
}

void virt_events_stop(void (*done)(void *arg), void *arg)
{
	struct item *it;
	bool is_empty;

	events.stopped = done;
	events.stopped_arg = arg;
	lock();
	events.is_stopping = true;
	TAILQ_FOREACH(it, &events.items, link) {
		it->is_changed |= !it->is_removed;
		it->is_removed = true;
	}
	is_empty = TAILQ_EMPTY(&events.items);
	unlock();
	if (is_empty)
		uv_close((uv_handle_t *)&events.wake, wake_closed);
	else
		(void)uv_async_send(&events.wake);
}
