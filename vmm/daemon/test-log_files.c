/* SPDX-License-Identifier: Apache-2.0 */
/* Test log_files, log_index and log_reader: no byte lost or told twice, whatever moves meanwhile. */
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/log_files.h"
#include "daemon/log_index.h"
#include "daemon/log_reader.h"
#include "store/rmtree.h"

enum { MAX = 64 * 1024 };

static char scratch[] = "/tmp/test-log-files-XXXXXX";
static int dir = -1;

static void append(const char *name, const char *text)
{
	auto_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert(fd >= 0 && !fd_write_all(fd, text, strlen(text)));
}

static void append_bytes(const char *name, char b, size_t n)
{
	auto_free char *text = xcalloc(1, n + 1);

	memset(text, b, n);
	append(name, text);
}

static void expect(struct log_reader *r, const char *want)
{
	static char buf[65536];
	uint64_t from;
	size_t n = 0;
	ssize_t got;

	while ((got = log_reader_read(r, buf + n, 7, &from)) > 0) /* the seams are tested too */
		n += (size_t)got;
	assert(got == 0);
	if (n != strlen(want) || memcmp(buf, want, n) != 0)
		(void)fprintf(stderr, "got \"%.*s\", want \"%s\"\n", (int)n, buf, want);
	assert(n == strlen(want) && memcmp(buf, want, n) == 0);
}

static void expect_lines(const char *name, uint64_t lines, const char *want)
{
	struct log_reader r;

	log_reader_open(&r, dir, name);
	log_reader_seek_lines(&r, lines);
	expect(&r, want);
	log_reader_close(&r);
}

/* Of more than is searched: as many lines as it is, or all of the boot if that many are asked for. */
static void test_a_search_has_an_end(void)
{
	enum { LINE = 64, LINES = LOG_SEARCH_MAX / LINE + 1000 };
	auto_free char *text = xcalloc(LINE * LINES + 1, 1);
	struct log_reader r;
	uint64_t base;

	memset(text, 'x', (size_t)LINE * LINES);
	for (size_t i = 1; i <= LINES; i++)
		text[i * LINE - 1] = '\n';
	append("long", text);
	log_reader_open(&r, dir, "long");
	base = r.at - (uint64_t)LINE * LINES;
	log_reader_seek_lines(&r, 10);
	assert(r.at == base + (uint64_t)LINE * (LINES - 10));
	log_reader_seek_lines(&r, LINES);
	assert(r.at == base + (uint64_t)LINE * LINES - LOG_SEARCH_MAX);
	log_reader_seek_lines(&r, UINT64_MAX);
	assert(r.at == base);
	log_reader_close(&r);
}

static void test_the_last_lines(void)
{
	append("a", "one\ntwo\nthree\n");
	expect_lines("a", 0, "");
	expect_lines("a", 1, "three\n");
	expect_lines("a", 2, "two\nthree\n");
	expect_lines("a", 3, "one\ntwo\nthree\n");
	expect_lines("a", UINT64_MAX, "one\ntwo\nthree\n");
	append("a", "torn");
	expect_lines("a", 1, "torn");
	expect_lines("a", 2, "three\ntorn");
	expect_lines("not-there", 5, "");
}

static void test_lines_longer_than_a_read(void)
{
	auto_free char *text = xcalloc(1, 20002);

	memset(text, 'x', 20000);
	text[20000] = '\n';
	append("long", "first\n");
	append("long", text);
	expect_lines("long", 1, text);
	append("long", "last\n");
	expect_lines("long", 1, "last\n");
}

static void test_what_is_added_and_what_others_cut(void)
{
	struct log_reader r;

	log_reader_open(&r, dir, "f");
	expect(&r, "");
	append("f", "begun later\n");
	expect(&r, "begun later\n");
	append("f", "more\n");
	expect(&r, "more\n");
	assert(!truncate("f", 0));
	append("f", "after\n");
	expect(&r, "after\n");
	log_reader_close(&r);
}

static void test_only_regular_files(void)
{
	struct log_reader r;

	assert(!symlinkat("/etc/passwd", dir, "link") && !mkfifoat(dir, "fifo", 0600));
	expect_lines("link", 5, "");
	expect_lines("fifo", 5, "");
	log_reader_open(&r, dir, "fifo");
	log_reader_seek_oldest(&r);
	expect(&r, "");
	log_reader_close(&r);
	assert(log_file_trim(dir, "fifo", 0, NULL) == 0 &&
	       log_file_trim(dir, "link", 0, NULL) == 0);
	assert(symlinkat("/nonexistent/x", dir, "evil.index") == 0);
	append("evil", "12345");
	assert(log_file_trim(dir, "evil", 1, NULL) < 0 && access("/nonexistent", F_OK) < 0);
}

static bool has(const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

/* A follower reads on over boots; the last lines are those of this boot; --all begins with the oldest. */
static void test_boots(void)
{
	struct log_reader r;
	int i;

	log_reader_open(&r, dir, "b");
	for (i = 0; i < 6; i++) {
		char line[16];

		assert(!log_file_begin(dir, "b", MAX, NULL));
		(void)str_format(line, sizeof(line), "boot %d\n", i);
		append("b", line);
	}
	expect(&r, "boot 2\nboot 3\nboot 4\nboot 5\n"); /* what is kept */
	expect_lines("b", 100, "boot 5\n");
	log_reader_seek_oldest(&r);
	expect(&r, "boot 2\nboot 3\nboot 4\nboot 5\n");
	assert(has("b.1") && has("b.3") && !has("b.4") && !has("b.new"));
	assert(!log_files_begin(dir, (gid_t)-1, MAX, NULL) && has("serial.log"));
	append("b", "last words\n");
	assert(!log_file_begin(dir, "b", MAX, NULL));
	append("b", "and more\n");
	expect(&r, "last words\nand more\n");
	append("b", "until the end\n");
	log_file_remove(dir, "b");
	expect(&r, "until the end\n"); /* who had it open reads on when it is removed */
	log_reader_close(&r);
	assert(!has("b") && !has("b.1") && !has("b.3") && !has("b.index"));
}

/* What an older daemon left has no index, and is read all the same. */
static void test_parts_without_an_index(void)
{
	struct log_reader r;

	append("o.2", "oldest\n");
	append("o.1", "old\n");
	append("o", "now\n");
	log_reader_open(&r, dir, "o");
	log_reader_seek_oldest(&r);
	expect(&r, "oldest\nold\nnow\n");
	assert(!log_file_begin(dir, "o", MAX, NULL));
	append("o", "next\n");
	expect(&r, "next\n"); /* positions stay what they were */
	log_reader_seek_oldest(&r);
	expect(&r, "oldest\nold\nnow\nnext\n");
	log_reader_close(&r);
}

static uint64_t on_disk(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) < 0 ? 0 : (uint64_t)st.st_blocks * 512;
}

/* More than is kept comes between two looks: the last of it stays, the rest takes no room. */
static void test_a_flood_is_bounded(void)
{
	struct log_reader r;
	char buf[16];
	uint64_t from = 0, sum;
	int i;

	log_reader_open(&r, dir, "flood");
	for (i = 0; i < 5; i++) {
		append_bytes("flood", 'y', 40 * MAX);
		assert(log_file_trim(dir, "flood", MAX, NULL) == 1);
		sum = on_disk("flood") + on_disk("flood.1") + on_disk("flood.2") +
		      on_disk("flood.3");
		assert(sum <= (LOG_KEPT_MAX + 1) * MAX + 8 * 4096);
	}
	assert(log_reader_read(&r, buf, sizeof(buf), &from) == sizeof(buf) && buf[0] == 'y');
	assert(from == 5 * 40 * MAX - (LOG_KEPT_MAX + 1) * MAX);
	log_reader_close(&r);
}

/* Whatever step a crash came after, the next look goes on from there. */
static void test_crashes_between_the_steps(void)
{
	struct log_reader r;
	struct stat st;

	append_bytes("c", 'a', MAX);
	append("c", "b");
	assert(log_file_trim(dir, "c", MAX, NULL) == 1);
	assert(!renameat(dir, "c.1", dir, "c.new")); /* before the names */
	log_reader_open(&r, dir, "c");
	log_reader_seek_oldest(&r);
	append_bytes("c", 'b', MAX - 1);
	append("c", "!");
	assert(log_file_trim(dir, "c", MAX, NULL) == 1 && has("c.1") && has("c.2") &&
	       !has("c.new"));
	assert(!fstatat(dir, "c.1", &st, 0) && st.st_size == MAX);
	append("c.new", "half"); /* before the index */
	append_bytes("c", 'c', MAX);
	assert(log_file_trim(dir, "c", MAX, NULL) == 1 && !has("c.new"));
	assert(!unlinkat(dir, "c.2", 0)); /* someone helped */
	{
		static char all[4 * MAX];
		uint64_t from, last = 0;
		size_t n = 0, lost = 0;
		ssize_t got;

		while ((got = log_reader_read(&r, all, sizeof(all), &from)) > 0) {
			lost += from - last;
			last = from + (uint64_t)got;
			n += (size_t)got;
		}
		assert(n == 2 * MAX + 1 && lost == MAX && last == 3 * MAX + 1);
	}
	log_reader_close(&r);
}

static void test_a_torn_index_is_the_one_before(void)
{
	auto_close int fd = -1;
	struct log_index x, y;
	char junk[LOG_INDEX_SLOT];

	append_bytes("t", 'a', 3 * MAX);
	assert(log_file_trim(dir, "t", MAX, NULL) == 1);
	fd = openat(dir, "t.index", O_RDWR | O_CLOEXEC);
	log_index_load(fd, dir, "t", &x);
	memset(junk, 'z', sizeof(junk));
	assert(pwrite(fd, junk, sizeof(junk) / 2, (off_t)(x.seq % 2) * LOG_INDEX_SLOT) > 0);
	log_index_load(fd, dir, "t", &y);
	assert(y.seq == x.seq - 1 && y.cut == x.cut - MAX);
	log_index_format(&x, junk);
	assert(!log_index_parse(junk, sizeof(junk), &y) && y.cut == x.cut);
	assert(log_index_parse(junk, sizeof(junk) - 1, &y) < 0);
	junk[20] ^= 1;
	assert(log_index_parse(junk, sizeof(junk), &y) < 0);
}

/* No byte more may be written: the log is let go of rather than the disk filled, and readers are told. */
static void test_a_full_disk(void)
{
	struct rlimit before, none;
	struct log_reader r;
	char buf[4];
	uint64_t from = 0;

	append_bytes("full", 'a', 2 * MAX);
	assert(!log_file_begin(dir, "full", 4 * MAX, NULL));
	append_bytes("full", 'b', 3 * MAX);
	assert(!getrlimit(RLIMIT_FSIZE, &before));
	none = before;
	none.rlim_cur =
		2 * LOG_INDEX_SLOT; /* as a disk without a free block: old ones may be written */
	assert(!setrlimit(RLIMIT_FSIZE, &none));
	log_reader_open(&r, dir, "full");
	log_reader_seek_oldest(&r);
	assert(r.at == 0);
	assert(log_file_trim(dir, "full", MAX, NULL) == 1);
	assert(!setrlimit(RLIMIT_FSIZE, &before));
	assert(on_disk("full") <= MAX + 4096 && !has("full.1") && !has("full.new"));
	assert(log_reader_read(&r, buf, 4, &from) == 4 && from == 4 * MAX && buf[0] == 'b');
	log_reader_close(&r);
}

struct writer {
	atomic_bool done;
	atomic_ulong n; /* lines */
	uint64_t lines;
};

/* As QEMU does: one descriptor for a boot, appended to. */
static void *write_lines(void *arg)
{
	struct writer *w = arg;
	auto_close int fd = openat(dir, "run", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	char line[24];
	uint64_t i;

	assert(fd >= 0);
	for (i = 0; i < w->lines; i++) {
		(void)str_format(line, sizeof(line), "line %014llu\n", (unsigned long long)i);
		assert(!fd_write_all(fd, line, 20));
		atomic_store(&w->n, (unsigned long)i + 1);
	}
	atomic_store(&w->done, true);
	return NULL;
}

static void *move_on(void *arg)
{
	struct writer *w = arg;
	long moved = 0;

	while (!atomic_load(&w->done))
		moved += log_file_trim(dir, "run", MAX, NULL);
	return mem_unconst((void *)moved);
}

static void check_bytes(const char *p, size_t n, uint64_t from)
{
	char line[24];
	size_t i;

	for (i = 0; i < n; i++) {
		if (i == 0 || (from + i) % 20 == 0)
			(void)str_format(line, sizeof(line), "line %014llu\n",
					 (unsigned long long)((from + i) / 20));
		assert(p[i] == line[(from + i) % 20]);
	}
}

/*
 * A writer numbers its lines as fast as it can while its log is moved on all the time: every byte that is read is
 * the one of its position, a reader that keeps up misses none, and one that is slow, or comes back with
 * only a position, misses what is no longer kept and nothing else.
 */
static void test_readers_while_it_moves(void)
{
	struct writer w = { .lines = 400 * 1000 };
	struct log_reader fast, slow;
	static char buf[8192];
	uint64_t from, at = 0, gone = 0, resumed = 0;
	pthread_t writing, moving;
	unsigned int turn = 0;
	void *moved;
	ssize_t n = 0, got;

	append("run", "");
	log_reader_open(&fast, dir, "run");
	log_reader_open(&slow, dir, "run");
	assert(!pthread_create(&writing, NULL, write_lines, &w));
	assert(!pthread_create(&moving, NULL, move_on, &w));
	while (!atomic_load(&w.done) || n > 0) {
		n = log_reader_read(&fast, buf, 1 + (turn * 7919u) % sizeof(buf), &from);
		if (n > 0) {
			gone += from - at;
			check_bytes(buf, (size_t)n, from);
			at = from + (uint64_t)n;
		}
		if (++turn % 64 == 0) {
			got = log_reader_read(&slow, buf, 333, &from);
			check_bytes(buf, got > 0 ? (size_t)got : 0, from);
		}
		if (turn % 50 == 0) { /* a daemon restarts: only the position is left */
			from = fast.at;
			log_reader_close(&fast);
			log_reader_open(&fast, dir, "run");
			fast.at = from;
			resumed++;
		}
	}
	assert(!pthread_join(writing, NULL) && !pthread_join(moving, &moved));
	while ((n = log_reader_read(&fast, buf, sizeof(buf), &from)) > 0) {
		gone += from - at;
		check_bytes(buf, (size_t)n, from);
		at = from + (uint64_t)n;
	}
	assert(at == w.lines * 20);
	(void)printf("%ld moves, %llu resumptions, %llu bytes were gone when they were asked for\n",
		     (long)moved, (unsigned long long)resumed, (unsigned long long)gone);
	assert((long)moved > 10);
	log_reader_close(&fast);
	log_reader_close(&slow);
}

/* In step: a reader that never falls behind what is kept gets every byte. */
static void test_a_reader_that_keeps_up_misses_nothing(void)
{
	auto_close int fd = openat(dir, "step", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct log_reader r;
	static char buf[8192];
	uint64_t i, at = 0, from;
	char line[24];
	ssize_t n;

	log_reader_open(&r, dir, "step");
	for (i = 0; i < 60 * 1000; i++) {
		(void)str_format(line, sizeof(line), "line %014llu\n", (unsigned long long)i);
		assert(!fd_write_all(fd, line, 20));
		if (i % 500 == 0)
			assert(log_file_trim(dir, "step", MAX / 4, NULL) >= 0);
		if (i % 301 != 0)
			continue;
		while ((n = log_reader_read(&r, buf, 1 + i % 5000, &from)) > 0) {
			assert(from == at);
			check_bytes(buf, (size_t)n, from);
			at += (uint64_t)n;
		}
	}
	assert(at > 59000 * 20);
	log_reader_close(&r);
}

int main(void)
{
	int tmp;

	assert(mkdtemp(scratch) && !chdir(scratch));
	assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0);
	test_the_last_lines();
	test_a_search_has_an_end();
	test_lines_longer_than_a_read();
	test_what_is_added_and_what_others_cut();
	test_only_regular_files();
	test_boots();
	test_parts_without_an_index();
	test_a_flood_is_bounded();
	test_crashes_between_the_steps();
	test_a_torn_index_is_the_one_before();
	test_a_full_disk();
	test_a_reader_that_keeps_up_misses_nothing();
	test_readers_while_it_moves();
	assert(!chdir("/tmp"));
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(!rmtree(tmp, scratch + 5, NULL, NULL));
	(void)close(tmp);
	(void)close(dir);
	return 0;
}
