/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/events.h"
#include "store/rmtree.h"

static char scratch[] = "/tmp/test-events-XXXXXX";

static int fresh_dir(const char *name)
{
	int at = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	assert(at >= 0 && !mkdirat(at, name, 0700));
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0);
	(void)close(at);
	return fd;
}

static off_t size_of(int dirfd)
{
	struct stat st;

	assert(!fstatat(dirfd, "events.jsonl", &st, 0));
	return st.st_size;
}

static void append_raw(int dirfd, const char *text)
{
	auto_close int fd =
		openat(dirfd, "events.jsonl", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert(fd >= 0 && !fd_write_all(fd, text, strlen(text)));
}

static void test_events_survive_a_reopen(void)
{
	auto_close int dirfd = fresh_dir("reopen");
	struct events ev = EVENTS_NULL;

	assert(!events_open(&ev, dirfd, 4, NULL));
	assert(!events_add(&ev, 1, "boot.progress", "line one\nline \"two\" \xc3\xa4", NULL));
	assert(!events_add(&ev, 2, "boot.progress", "done", NULL));
	events_close(&ev);
	assert(!events_open(&ev, dirfd, 4, NULL));
	assert(ev.n == 2 && ev.last_seq == 2);
	assert(str_equal(events_at(&ev, 0)->body, "line one\nline \"two\" \xc3\xa4"));
	assert(events_at(&ev, 1)->generation == 2 && events_at(&ev, 1)->at_ms > 0);
	events_close(&ev);
	events_close(&ev);
}

static void test_the_oldest_goes_first_and_the_file_stays_small(void)
{
	auto_close int dirfd = fresh_dir("bounded");
	struct events ev = EVENTS_NULL;
	char body[32];
	off_t peak = 0;
	int i;

	assert(!events_open(&ev, dirfd, 5, NULL));
	for (i = 1; i <= 1000; i++) {
		(void)str_format(body, sizeof(body), "%d", i);
		assert(!events_add(&ev, 1, "x", body, NULL));
		peak = size_of(dirfd) > peak ? size_of(dirfd) : peak;
	}
	assert(ev.n == 5 && str_equal(events_at(&ev, 0)->body, "996"));
	assert(str_equal(events_at(&ev, 4)->body, "1000"));
	assert(peak < 21 * 128);
	events_close(&ev);
	assert(!events_open(&ev, dirfd, 5, NULL));
	assert(ev.n == 5 && ev.last_seq == 1000 && str_equal(events_at(&ev, 4)->body, "1000"));
	events_close(&ev);
}

static void add(struct events *ev, int n)
{
	char body[32];

	(void)str_format(body, sizeof(body), "%d", n);
	assert(!events_add(ev, 1, "x", body, NULL));
}

static void expect_last(int dirfd, size_t n, uint64_t last)
{
	struct events ev = EVENTS_NULL;

	assert(!events_open(&ev, dirfd, 5, NULL));
	assert(ev.n == n && ev.last_seq == last && events_at(&ev, 0)->seq == last - n + 1);
	events_close(&ev);
}

static void test_a_rewrite_keeps_what_comes_meanwhile(void)
{
	auto_close int dirfd = fresh_dir("rewrite");
	struct events ev = EVENTS_NULL;
	struct events_rewrite r;
	off_t before;
	int i;

	assert(!events_open(&ev, dirfd, 5, NULL));
	for (i = 1; i <= 10; i++)
		add(&ev, i);
	assert(!events_want_rewrite(&ev));
	add(&ev, i++);
	assert(events_want_rewrite(&ev));
	before = size_of(dirfd);
	assert(!events_rewrite_begin(&ev, &r));
	add(&ev, i++);
	events_rewrite_run(&r);
	add(&ev, i);
	assert(!events_rewrite_end(&r, &ev) && !events_rewrite_sync(&r));
	events_rewrite_deinit(&r);
	assert(size_of(dirfd) < before && ev.n_lines == 7 && ev.size == size_of(dirfd));
	expect_last(dirfd, 5, 13);
	add(&ev, ++i);
	expect_last(dirfd, 5, 14);
	events_close(&ev);
}

static void test_a_rewrite_that_is_late_or_fails_changes_nothing(void)
{
	auto_close int dirfd = fresh_dir("late");
	struct events ev = EVENTS_NULL;
	struct events_rewrite r;
	int i;

	assert(!events_open(&ev, dirfd, 5, NULL));
	for (i = 1; i <= 11; i++)
		add(&ev, i);
	assert(!events_rewrite_begin(&ev, &r));
	events_rewrite_run(&r);
	for (; i <= 25; i++) /* so many that it is done on the spot */
		add(&ev, i);
	assert(events_rewrite_end(&r, &ev) == -ESTALE);
	events_rewrite_deinit(&r);
	assert(faccessat(dirfd, ".events.jsonl.tidy", F_OK, 0) < 0);
	expect_last(dirfd, 5, 25);
	assert(!events_rewrite_begin(&ev, &r));
	r.dirfd = fd_close(r.dirfd);
	events_rewrite_run(&r);
	assert(events_rewrite_end(&r, &ev) == -EBADF);
	events_rewrite_deinit(&r);
	add(&ev, i);
	expect_last(dirfd, 5, 26);
	events_close(&ev);
}

static void test_torn_and_foreign_lines_are_skipped(void)
{
	auto_close int dirfd = fresh_dir("torn");
	struct events ev = EVENTS_NULL;

	append_raw(dirfd,
		   "not json\n[]\n{\"seq\":1,\"event\":\"a\",\"body\":\"ok\"}\n{\"seq\":2,\"ev");
	assert(!events_open(&ev, dirfd, 5, NULL));
	assert(ev.n == 1 && str_equal(events_at(&ev, 0)->body, "ok"));
	assert(!events_add(&ev, 1, "b", "after", NULL));
	events_close(&ev);
	assert(!events_open(&ev, dirfd, 5, NULL));
	assert(ev.n == 2 && str_equal(events_at(&ev, 1)->body, "after"));
	events_close(&ev);
}

static void test_names_and_bodies_have_limits(void)
{
	auto_close int dirfd = fresh_dir("limits");
	struct events ev = EVENTS_NULL;
	char name[EVENT_NAME_MAX + 2], body[EVENT_BODY_MAX + 2];

	memset(name, 'n', sizeof(name));
	memset(body, 1, sizeof(body)); /* six bytes each as JSON */
	name[EVENT_NAME_MAX + 1] = 0;
	body[EVENT_BODY_MAX + 1] = 0;
	assert(!events_open(&ev, dirfd, 3, NULL));
	assert(events_add(&ev, 1, name, "", NULL) == ERR_INPUT);
	assert(events_add(&ev, 1, "x", body, NULL) == ERR_INPUT);
	assert(events_add(&ev, 1, "x", "\xff", NULL) == ERR_INPUT);
	assert(ev.n == 0 && size_of(dirfd) == 0);
	name[EVENT_NAME_MAX] = 0;
	body[EVENT_BODY_MAX] = 0;
	assert(!events_add(&ev, 1, name, body, NULL));
	events_close(&ev);
	assert(!events_open(&ev, dirfd, 3, NULL));
	assert(ev.n == 1 && str_equal(events_at(&ev, 0)->body, body));
	events_close(&ev);
}

static void test_a_link_in_place_of_the_file_is_refused(void)
{
	auto_close int dirfd = fresh_dir("link");
	struct events ev = EVENTS_NULL;

	assert(!symlinkat("/dev/null", dirfd, "events.jsonl"));
	assert(events_open(&ev, dirfd, 3, NULL) < 0);
}

/* However much a guest talks, what the daemon did with it can be read; and the other way round. */
static void test_a_guest_does_not_push_out_the_daemons_events(void)
{
	auto_close int dirfd = fresh_dir("shares");
	struct events ev = EVENTS_NULL;
	int i, turn, ours;

	assert(!events_open(&ev, dirfd, 20, NULL));
	assert(!events_add(&ev, 1, "vmm.started", "", NULL));
	assert(!events_add(&ev, 1, "boot.progress", "done", NULL));
	assert(!events_add(&ev, 1, "vmm.gave_up", "", NULL));
	for (i = 0; i < 500; i++)
		assert(!events_add(&ev, 1, "talk", "x", NULL));
	for (turn = 0; turn < 2; turn++) { /* also after a restart */
		assert(ev.n == 20 && str_equal(events_at(&ev, 0)->name, "vmm.started"));
		assert(str_equal(events_at(&ev, 1)->name, "vmm.gave_up"));
		for (i = 1; i < 20; i++)
			assert(events_at(&ev, (size_t)i)->seq > events_at(&ev, (size_t)i - 1)->seq);
		assert(events_at(&ev, 19)->seq == 503);
		events_close(&ev);
		assert(!events_open(&ev, dirfd, 20, NULL));
	}
	for (i = 0; i < 500; i++)
		assert(!events_add(&ev, 1, "vmm.restarted", "x", NULL));
	for (i = 0, ours = 0; i < 20; i++)
		ours += str_equal(events_at(&ev, (size_t)i)->name, "vmm.restarted");
	assert(ours >= 5 && ours <= 6 && ev.last_seq == 1003);
	events_close(&ev);
}

/* A disk without room: nothing half-written, nothing forgotten, and all is there when there is room again. */
static void test_a_full_disk_is_caught_up_with(void)
{
	auto_close int dirfd = fresh_dir("full");
	struct rlimit before, none;
	struct events ev = EVENTS_NULL;
	off_t size;
	int i;

	assert(!events_open(&ev, dirfd, 5, NULL) && !events_add(&ev, 1, "a", "1", NULL));
	size = size_of(dirfd);
	assert(!getrlimit(RLIMIT_FSIZE, &before));
	none = before;
	none.rlim_cur = (rlim_t)size + 10; /* in the midst of a line */
	assert(!setrlimit(RLIMIT_FSIZE, &none));
	for (i = 2; i < 5; i++)
		assert(events_add(&ev, 1, "a", "more", NULL) < 0 && size_of(dirfd) == size);
	assert(events_settle(&ev, NULL) < 0 && size_of(dirfd) == size);
	assert(faccessat(dirfd, ".events.jsonl.new", F_OK, 0) < 0);
	assert(!setrlimit(RLIMIT_FSIZE, &before));
	assert(ev.n == 4 && !events_settle(&ev, NULL) && !events_settle(&ev, NULL));
	assert(!events_add(&ev, 1, "a", "last", NULL));
	events_close(&ev);
	assert(!events_open(&ev, dirfd, 5, NULL));
	assert(ev.n == 5 && ev.last_seq == 5 && str_equal(events_at(&ev, 4)->body, "last"));
	events_close(&ev);
}

int main(void)
{
	int fd;

	assert(mkdtemp(scratch));
	assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	test_a_guest_does_not_push_out_the_daemons_events();
	test_a_full_disk_is_caught_up_with();
	test_events_survive_a_reopen();
	test_the_oldest_goes_first_and_the_file_stays_small();
	test_a_rewrite_keeps_what_comes_meanwhile();
	test_a_rewrite_that_is_late_or_fails_changes_nothing();
	test_torn_and_foreign_lines_are_skipped();
	test_names_and_bodies_have_limits();
	test_a_link_in_place_of_the_file_is_refused();
	fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(!rmtree(fd, scratch + 5, NULL, NULL));
	(void)close(fd);
	return 0;
}
