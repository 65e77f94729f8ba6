/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/registry_file.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/registry.h"

#define APP "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"

enum { FIRST = 0x0a080001, ALL = 4, TEXT_MAX = 64 * 1024 };

static const struct registry_options options = {
	.first = FIRST, .last = FIRST + 100, .own = FIRST, .most = 100, .most_per_app = 100
};

static char folder[64], path[80];

static struct registry_instance instance(unsigned int n)
{
	struct registry_instance in = { .app_id = APP,
					.key = { (uint8_t)n },
					.address = FIRST + n,
					.reg_time = 1700000000,
					.policy = { .is_known = n % 2 == 0,
						    .is_restricted = true,
						    .n = n % 2 == 0 ? 2 : 0,
						    .ports = { { 80, true }, { 65535, false } } } };

	if (n % 2)
		memset(in.policy.ports, 0, sizeof(in.policy.ports));
	assert(str_format(in.id, sizeof(in.id), "%040x", n) == 40);
	return in;
}

/* As it is written. */
static bool is_same(const struct registry_instance *a, const struct registry_instance *b)
{
	auto_buf struct buf x = BUF_MAX(REGISTRY_LINE_MAX), y = BUF_MAX(REGISTRY_LINE_MAX);

	assert(registry_line_write(a, &x) == 0 && registry_line_write(b, &y) == 0);
	return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

static void begin(void)
{
	assert(str_copy(folder, sizeof(folder), "/tmp/test-registry-XXXXXX") > 0);
	assert(mkdtemp(folder));
	assert(str_format(path, sizeof(path), "%s/instances", folder) > 0);
}

static void end(void)
{
	assert(unlink(path) == 0 && rmdir(folder) == 0); /* and nothing else is left there */
}

/* 1 to @n, one of them again with another key, 2 gone. */
static void write_some(struct registry_file *f, struct registry *r, unsigned int n)
{
	struct err e = ERR_NONE;
	unsigned int i;

	for (i = 1; i <= n; i++) {
		struct registry_instance in = instance(i);

		assert(registry_file_put(f, &in, &e) == 0 && registry_put(r, &in, &e) == 0);
	}
}

static void test_what_was_written_is_read(void)
{
	struct registry *r = registry_new(&options), *again = registry_new(&options);
	struct registry_file f = REGISTRY_FILE_NULL;
	struct registry_instance in = instance(3);
	struct err e = ERR_NONE;
	size_t dropped = 9;
	struct stat st;

	begin();
	assert(registry_file_open(&f, folder, r, &dropped, &e) == 0 && dropped == 0);
	write_some(&f, r, ALL);
	in.key[1] = 1;
	in.is_held = true;
	assert(registry_file_put(&f, &in, &e) == 0);
	assert(registry_file_gone(&f, instance(2).id, &e) == 0);
	registry_file_close(&f);
	assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	assert(registry_file_open(&f, folder, again, &dropped, &e) == 0 && dropped == 0);
	registry_file_close(&f);
	assert(registry_count(again) == ALL - 1 && !registry_find(again, instance(2).id));
	assert(is_same(registry_find(again, in.id), &in));
	assert(registry_find(again, in.id)->is_held);
	in = instance(4);
	assert(!registry_find(again, in.id)->is_held);
	assert(is_same(registry_find(again, in.id), &in));
	registry_free(r);
	registry_free(again);
	end();
}

/* Whatever part of the last line a crash left: those before it are there, and the file can be added to. */
static void test_any_end_is_read_to_its_last_line(void)
{
	auto_buf struct buf all = BUF_MAX(TEXT_MAX);
	struct err e = ERR_NONE;
	size_t dropped, cut, lines;
	unsigned int i;

	for (i = 1; i <= ALL; i++) {
		struct registry_instance in = instance(i);

		assert(registry_line_write(&in, &all) == 0);
	}
	begin();
	for (cut = 0; cut <= all.n; cut += 83) {
		struct registry *r = registry_new(&options);
		struct registry_file f = REGISTRY_FILE_NULL;
		struct registry_instance in = instance(50);

		for (lines = 0, i = 0; i < cut; i++)
			lines += all.p[i] == '\n';
		assert(file_replace(AT_FDCWD, path, 0600, all.p, cut, &e) == 0);
		assert(registry_file_open(&f, folder, r, &dropped, &e) == 0);
		assert(registry_count(r) == lines);
		assert(registry_file_put(&f, &in, &e) == 0);
		registry_file_close(&f);
		registry_free(r);
		r = registry_new(&options);
		assert(registry_file_open(&f, folder, r, &dropped, &e) == 0);
		assert(registry_count(r) == lines + 1);
		registry_file_close(&f);
		registry_free(r);
	}
	end();
}

static int read_text(const char *text, size_t *dropped, struct err *e)
{
	struct registry *r = registry_new(&options);
	int rc = registry_text_read(text, strlen(text), r, dropped, e);

	registry_free(r);
	return rc;
}

#define LINE(id, key, address, rest)                                                               \
	"{\"id\":\"000000000000000000000000000000000000000" id "\",\"app\":\"" APP                 \
	"\",\"compose_hash\":\"\",\"key\":\"" key                                                  \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"address\":\"" address                     \
	"\",\"since\":1,\"restrict\":false" rest "}\n"

static void test_what_nobody_wrote_is_refused_with_its_line(void)
{
	static const char *const bad[] = {
		"\n",
		"{}\n",
		"[]\n",
		"{\"gone\":1}\n",
		"{\"gone\":\"x\",\"y\":1}\n",
		LINE("1", "A", "10.8.0.2", ""),
		LINE("1", "A", "10.8.0.2", ",\"ports\":null,\"more\":1"),
		LINE("1", "A", "10.8.0.300", ",\"ports\":null"),
		LINE("1", "AA", "10.8.0.2", ",\"ports\":null"),
		LINE("1", "A", "10.8.0.2", ",\"ports\":[80]"),
		LINE("1", "A", "10.8.0.2", ",\"ports\":[[0,true]]"),
		LINE("1", "A", "10.8.0.2", ",\"ports\":[[65536,true]]"),
		LINE("1", "A", "10.8.0.2", ",\"ports\":[[80,1]]"),
		LINE("1", "A", "10.8.0.2", ",\"ports\":[[80,true,1]]"),
		LINE("1", "A", "10.8.0.2", ",\"ports\":null,\"ready\":1"),
		LINE("11", "A", "10.8.0.2", ",\"ports\":null"),
		/* two of one key, two of one address */
		LINE("1", "B", "10.8.0.2", ",\"ports\":null")
			LINE("2", "B", "10.8.0.3", ",\"ports\":null"),
		LINE("1", "B", "10.8.0.2", ",\"ports\":null")
			LINE("2", "C", "10.8.0.2", ",\"ports\":null"),
	};
	struct err e = ERR_NONE;
	size_t i, dropped = 0;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = ERR_NONE;
		assert(read_text(bad[i], &dropped, &e) == ERR_CORRUPT);
		assert(str_starts(e.text, "line "));
	}
	assert(read_text(LINE("1", "B", "10.8.0.2", ",\"ports\":[]"), &dropped, &e) == 0);
	assert(dropped == 0);
	assert(read_text("{\"gone\":\"../x\"}\n", &dropped, &e) == 0);
	/* an address of another range is not damage */
	assert(read_text(LINE("1", "B", "10.9.0.2", ",\"ports\":[]"), &dropped, &e) == 0);
	assert(dropped == 1);
}

static void test_a_file_that_grew_is_replaced(void)
{
	struct registry *r = registry_new(&options);
	struct registry_file f = REGISTRY_FILE_NULL;
	struct registry_instance in = instance(1);
	struct err e = ERR_NONE;
	size_t dropped;

	begin();
	assert(registry_file_open(&f, folder, r, &dropped, &e) == 0);
	write_some(&f, r, 1);
	f.size += REGISTRY_FILE_SLACK; /* as if 4000 lines more had been added */
	assert(registry_file_tidy(&f, r, &e) == 0);
	assert(f.size < REGISTRY_LINE_MAX && f.size == f.tidy);
	f.is_torn = true;
	assert(registry_file_put(&f, &in, &e) < 0);
	assert(registry_file_tidy(&f, r, &e) == 0 && !f.is_torn);
	assert(registry_file_put(&f, &in, &e) == 0);
	registry_file_close(&f);
	registry_free(r);
	end();
}

#ifdef BAILEY_INJECT

/* Each is said to @fd once it lasts. */
static void work(int fd)
{
	struct registry *r = registry_new(&options);
	struct registry_file f = REGISTRY_FILE_NULL;
	struct err e = ERR_NONE;
	size_t dropped;
	unsigned int i;

	assert(registry_file_open(&f, folder, r, &dropped, &e) == 0);
	for (i = 1; i <= ALL; i++) {
		struct registry_instance in = instance(i);

		if (registry_find(r, in.id))
			continue;
		assert(registry_file_put(&f, &in, &e) == 0 && registry_put(r, &in, &e) == 0);
		assert(write(fd, "x", 1) == 1);
		f.is_torn = i % 2; /* every other time the whole file is written */
		assert(registry_file_tidy(&f, r, &e) == 0);
	}
	_exit(0);
}

static size_t kill_at(const char *point, unsigned int nth, bool *was_killed)
{
	char what[64], said[ALL + 1];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert(pipe(fds) == 0);
	assert(str_format(what, sizeof(what), "%s:%u", point, nth) > 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		assert(setenv("BAILEY_INJECT", what, 1) == 0);
		(void)close(fds[0]);
		work(fds[1]);
	}
	(void)close(fds[1]);
	assert(waitpid(pid, &status, 0) == pid);
	*was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	assert(*was_killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	n = read(fds[0], said, sizeof(said));
	(void)close(fds[0]);
	return n > 0 ? (size_t)n : 0;
}

static void test_what_was_acknowledged_survives_a_kill_at_any_step(void)
{
	static const char *const points[] = { "registry.written", "registry.synced", "file.written",
					      "file.synced",	  "file.renamed",    "file.kept" };
	size_t i, said, dropped;
	unsigned int nth;
	bool was_killed;

	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		for (nth = 1, was_killed = true; was_killed; nth++) {
			struct registry *r = registry_new(&options);
			struct registry_file f = REGISTRY_FILE_NULL;
			struct err e = ERR_NONE;

			begin();
			said = kill_at(points[i], nth, &was_killed);
			assert(registry_file_open(&f, folder, r, &dropped, &e) == 0);
			assert(registry_count(r) == said || registry_count(r) == said + 1);
			registry_file_close(&f);
			registry_free(r);
			end();
		}
		assert(nth > 2); /* there is such a point */
	}
}

#endif

int main(void)
{
	test_what_was_written_is_read();
	test_any_end_is_read_to_its_last_line();
	test_what_nobody_wrote_is_refused_with_its_line();
	test_a_file_that_grew_is_replaced();
#ifdef BAILEY_INJECT
	test_what_was_acknowledged_survives_a_kill_at_any_step();
#endif
	return 0;
}
