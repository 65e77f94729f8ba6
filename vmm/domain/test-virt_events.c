/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virt_events without libvirt: the program has its own virEventRegisterImpl(), keeps what it is given, and plays
 * libvirt's threads.  So ThreadSanitizer sees every step.
 */
#include "domain/virt_events.h"

#include <assert.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/time.h"

enum { DEADLINE_MS = 60 * 1000, THREADS = 4, ROUNDS = 200 };

static struct {
	virEventAddHandleFunc add_watch;
	virEventUpdateHandleFunc update_watch;
	virEventRemoveHandleFunc remove_watch;
	virEventAddTimeoutFunc add_timeout;
	virEventUpdateTimeoutFunc update_timeout;
	virEventRemoveTimeoutFunc remove_timeout;
	int n;
} impl;

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libvirt abbreviates
void virEventRegisterImpl(virEventAddHandleFunc add_watch, virEventUpdateHandleFunc update_watch,
			  virEventRemoveHandleFunc remove_watch, virEventAddTimeoutFunc add_timeout,
			  virEventUpdateTimeoutFunc update_timeout,
			  virEventRemoveTimeoutFunc remove_timeout)
{
	impl.add_watch = add_watch;
	impl.update_watch = update_watch;
	impl.remove_watch = remove_watch;
	impl.add_timeout = add_timeout;
	impl.update_timeout = update_timeout;
	impl.remove_timeout = remove_timeout;
	impl.n++;
}

static uv_loop_t loop;
static pthread_t loop_thread;

static void on_tick(uv_timer_t *t)
{
	(void)t;
}

/* Turn the loop until *@n is at least @want. */
static void turn_until(const atomic_int *n, int want)
{
	uint64_t deadline = time_mono_ms() + DEADLINE_MS;
	uv_timer_t tick;

	assert(uv_timer_init(&loop, &tick) == 0 && uv_timer_start(&tick, on_tick, 20, 20) == 0);
	while (atomic_load(n) < want) {
		assert(time_mono_ms() < deadline);
		(void)uv_run(&loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&tick, NULL);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
}

static void on_stopped(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void start(void)
{
	loop_thread = pthread_self();
	assert(uv_loop_init(&loop) == 0 && virt_events_start(&loop, NULL) == 0);
}

static void stop(void)
{
	atomic_int n = 0;

	virt_events_stop(on_stopped, &n);
	turn_until(&n, 1);
	assert(uv_loop_close(&loop) == 0);
}

/* Something libvirt watches. */
struct watched {
	atomic_int n_calls, n_freed;
	int id, fd, events;
};

static void on_fd(int id, int fd, int events, void *arg)
{
	struct watched *w = arg;
	char byte;

	assert(pthread_equal(pthread_self(), loop_thread));
	assert(atomic_load(&w->n_freed) == 0);
	assert(fd == w->fd && (w->id == 0 || id == w->id));
	w->events |= events;
	if (events & VIR_EVENT_HANDLE_READABLE)
		assert(read(fd, &byte, 1) >= 0);
	atomic_fetch_add(&w->n_calls, 1);
}

static void on_time(int id, void *arg)
{
	struct watched *w = arg;

	assert(pthread_equal(pthread_self(), loop_thread));
	assert(w->id == 0 || id == w->id);
	atomic_fetch_add(&w->n_calls, 1);
}

static void on_free(void *arg)
{
	struct watched *w = arg;

	assert(pthread_equal(pthread_self(), loop_thread));
	atomic_fetch_add(&w->n_freed, 1);
}

static void test_a_watch_tells_what_it_was_asked_for(void)
{
	struct watched w = { .n_calls = 0 };
	int p[2], n;

	start();
	assert(pipe(p) == 0);
	w.fd = p[0];
	w.id = impl.add_watch(p[0], 0, on_fd, &w, on_free);
	assert(w.id > 0);
	assert(write(p[1], "ab", 2) == 2);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	assert(w.n_calls == 0); /* nothing asked for */
	impl.update_watch(w.id, VIR_EVENT_HANDLE_READABLE);
	turn_until(&w.n_calls, 2);
	n = atomic_load(&w.n_calls);
	assert(w.events == VIR_EVENT_HANDLE_READABLE && n == 2);
	assert(close(p[1]) == 0);
	turn_until(&w.n_calls, n + 1);
	assert(w.events & VIR_EVENT_HANDLE_HANGUP);
	assert(impl.remove_watch(w.id) == 0);
	assert(impl.remove_watch(w.id) == -1);
	assert(close(p[0]) == 0); /* libvirt closes at once */
	turn_until(&w.n_freed, 1);
	stop();
	assert(w.n_freed == 1);
}

static void test_a_timeout_repeats_until_switched_off(void)
{
	struct watched w = { .n_calls = 0 };
	int n;

	start();
	w.id = impl.add_timeout(-1, on_time, &w, on_free);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	assert(w.n_calls == 0);
	impl.update_timeout(w.id, 0);
	turn_until(&w.n_calls, 3);
	impl.update_timeout(w.id, 5);
	turn_until(&w.n_calls, atomic_load(&w.n_calls) + 2);
	impl.update_timeout(w.id, -1);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	n = atomic_load(&w.n_calls);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	assert(atomic_load(&w.n_calls) == n);
	assert(impl.remove_timeout(w.id) == 0 && impl.remove_watch(w.id) == -1);
	turn_until(&w.n_freed, 1);
	stop();
}

static void test_ids_of_watches_and_timeouts_do_not_mix(void)
{
	struct watched w = { .n_calls = 0 };

	start();
	w.id = impl.add_timeout(-1, on_time, &w, on_free);
	assert(impl.remove_watch(w.id) == -1);
	impl.update_watch(w.id, VIR_EVENT_HANDLE_READABLE); /* no such watch: nothing happens */
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	stop();
	assert(w.n_freed == 1 && w.n_calls == 0);
}

static void test_stopping_frees_what_is_left_and_refuses_the_rest(void)
{
	struct watched w[3] = { { .n_calls = 0 } };
	int p[2];

	start();
	assert(pipe(p) == 0);
	w[0].fd = p[0];
	assert(impl.add_watch(p[0], VIR_EVENT_HANDLE_READABLE, on_fd, &w[0], on_free) > 0);
	assert(impl.add_timeout(1000000, on_time, &w[1], on_free) > 0);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	assert(impl.add_timeout(0, on_time, &w[2], on_free) > 0); /* not yet seen by the loop */
	stop();
	assert(w[0].n_freed == 1 && w[1].n_freed == 1 && w[2].n_freed == 1);
	assert(impl.add_timeout(0, on_time, &w[2], on_free) == -1 && w[2].n_freed == 1);
	assert(impl.add_watch(p[0], 1, on_fd, &w[0], on_free) == -1);
	assert(impl.remove_timeout(1) == -1);
	assert(close(p[0]) == 0 && close(p[1]) == 0);
}

static void test_only_one_at_a_time(void)
{
	struct err e;

	start();
	assert(virt_events_start(&loop, &e) == ERR_BAD_STATE && strstr(e.text, "one hypervisor"));
	stop();
	assert(impl.n == 1); /* registered once in a process, however often it is started */
}

static atomic_int n_threads_done, n_made, n_gone;

static void count_gone(void *arg)
{
	(void)arg;
	atomic_fetch_add(&n_gone, 1);
}

static void ignore_fd(int id, int fd, int events, void *arg)
{
	(void)id;
	(void)fd;
	(void)events;
	(void)arg;
}

static void ignore_time(int id, void *arg)
{
	(void)id;
	(void)arg;
}

/* What libvirt's threads do: add, change, remove, close the fd, whose number is then used again. */
static void *churn(void *arg)
{
	int i, p[2], watch, timeout;

	for (i = 0; i < ROUNDS; i++) {
		assert(pipe(p) == 0);
		watch = impl.add_watch(p[0], VIR_EVENT_HANDLE_READABLE, ignore_fd, NULL,
				       count_gone);
		timeout = impl.add_timeout(i % 3 - 1, ignore_time, NULL, count_gone);
		assert(watch > 0 && timeout > 0);
		atomic_fetch_add(&n_made, 2);
		assert(write(p[1], "x", 1) == 1);
		impl.update_watch(watch, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_WRITABLE);
		impl.update_timeout(timeout, i % 2);
		assert(impl.remove_watch(watch) == 0);
		assert(close(p[0]) == 0 && close(p[1]) == 0);
		if (i % 5)
			assert(impl.remove_timeout(timeout) == 0);
	}
	atomic_fetch_add(&n_threads_done, 1);
	return arg;
}

static void test_threads_at_once(void)
{
	pthread_t threads[THREADS];
	size_t i;

	start();
	for (i = 0; i < THREADS; i++)
		assert(pthread_create(&threads[i], NULL, churn, NULL) == 0);
	turn_until(&n_threads_done, THREADS);
	for (i = 0; i < THREADS; i++)
		assert(pthread_join(threads[i], NULL) == 0);
	stop();
	assert(atomic_load(&n_made) == THREADS * ROUNDS * 2 &&
	       atomic_load(&n_gone) == atomic_load(&n_made));
}

int main(void)
{
	test_a_watch_tells_what_it_was_asked_for();
	test_a_timeout_repeats_until_switched_off();
	test_ids_of_watches_and_timeouts_do_not_mix();
	test_stopping_frees_what_is_left_and_refuses_the_rest();
	test_only_one_at_a_time();
	test_threads_at_once();
	return 0;
}
