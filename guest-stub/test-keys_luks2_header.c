/* SPDX-License-Identifier: Apache-2.0 */
/* A header that this machine's cryptsetup made, as it is and with one thing changed in it. */
#undef NDEBUG
#include "guest-stub/luks2_header.h"

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "data/luks2_json.h"
#include "wire/luks2.h"

enum { SKIPPED = 77, COPY = 16 * 1024 };

static struct buf made; /* from the first byte to the end of the key slot */
static uint8_t *now;	/* the same, to be changed */

/* cryptsetup luksFormat on the file @path.  Return: its exit status. */
static int format(const char *path)
{
	const char *const argv[] = { "cryptsetup",
				     "luksFormat",
				     "--batch-mode",
				     "--type=luks2",
				     "--offset=32768",
				     "--sector-size=512",
				     "--cipher=aes-xts-plain64",
				     "--key-size=512",
				     "--pbkdf=pbkdf2",
				     "--pbkdf-force-iterations=1000",
				     "--luks2-keyslots-size=1m",
				     "--key-file=-",
				     path,
				     NULL };
	int input[2], status = -1;
	pid_t pid;

	assert(pipe2(input, O_CLOEXEC) == 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		(void)dup2(input[0], STDIN_FILENO);
		(void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
		(void)execvp(argv[0], mem_unconst(argv));
		_exit(SKIPPED);
	}
	assert(fd_write_all(input[1], "some key", 8) == 0);
	(void)close(input[0]);
	(void)close(input[1]);
	assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Return: false where there is no cryptsetup. */
static bool make(void)
{
	char path[] = "/tmp/b-luks2-XXXXXX";
	int fd = mkstemp(path), status, r;
	struct err e = ERR_NONE;

	assert(fd >= 0 && ftruncate(fd, 2 * LUKS2_DATA_OFFSET) == 0);
	status = format(path);
	assert(unlink(path) == 0);
	if (status != SKIPPED) {
		assert(status == 0);
		r = luks2_header_copy(fd, &made, &e);
		if (r < 0)
			(void)fprintf(stderr, "refused: %s\n", e.text);
		assert(r == 0);
		now = xcalloc(1, made.n);
	}
	(void)close(fd);
	return status != SKIPPED;
}

static void fresh(void)
{
	memcpy(now, made.p, made.n);
}

static void lay(unsigned int copy, size_t at, const void *p, size_t n)
{
	memcpy(now + (size_t)copy * COPY + at, p, n);
}

/* The checksum of a copy, made right again. */
static void seal(unsigned int copy)
{
	uint8_t *p = now + (size_t)copy * COPY;
	struct digest256 d;

	memset(p + LUKS2_SUM_AT, 0, LUKS2_SUM_ROOM);
	d = digest256_bytes(p, COPY);
	memcpy(p + LUKS2_SUM_AT, d.b, sizeof(d.b));
}

/* Another text in place of the first @from of a copy's JSON: of any length. */
static void reword(unsigned int copy, const char *from, const char *to)
{
	char *json = (char *)now + (size_t)copy * COPY + LUKS2_BINARY_SIZE;
	char *at = strstr(json, from);
	auto_free char *tail = at ? xstrdup(at + strlen(from)) : NULL;
	size_t room = COPY - LUKS2_BINARY_SIZE - (size_t)(at ? at - json : 0);

	assert(at && strlen(to) + strlen(tail) < room);
	memset(at, 0, room);
	(void)snprintf(at, room, "%s%s", to, tail);
	seal(copy);
}

/* Read @n bytes of it from a file.  Return: what luks2_header_copy() does. */
static int copy_of(size_t n, struct err *e)
{
	auto_close int fd = memfd_create("header", MFD_CLOEXEC);
	struct buf got = BUF_MAX(0);
	int r;

	assert(fd >= 0 && fd_write_all(fd, now, n) == 0);
	r = luks2_header_copy(fd, &got, e);
	assert(r < 0 ? !got.p : got.n == made.n && memcmp(got.p, now, got.n) == 0);
	buf_deinit(&got);
	return r;
}

static void refused(const char *why)
{
	struct err e = ERR_NONE;
	int r = copy_of(made.n, &e);

	if (r != ERR_PROTO || !strstr(e.text, why))
		(void)fprintf(stderr, "got %d: %s\nexpected: %s\n", r, e.text, why);
	assert(r == ERR_PROTO && strstr(e.text, why));
}

static void test_it_is_taken(void)
{
	struct err e = ERR_NONE;

	fresh();
	assert(copy_of(made.n, &e) == 0);
	seal(0);
	seal(1);
	assert(copy_of(made.n, &e) == 0 && memcmp(now, made.p, made.n) == 0);
}

static void test_each_copy_needs_its_checksum(void)
{
	fresh();
	now[LUKS2_BINARY_SIZE + 2] ^= 1;
	refused("copy 1: the checksum is wrong");
	fresh();
	now[COPY + LUKS2_BINARY_SIZE + 2] ^= 1;
	refused("copy 2: the checksum is wrong");
	fresh();
	now[COPY + 16 + 7] ^= 1; /* its sequence */
	refused("copy 2: the checksum is wrong");
	fresh();
	now[LUKS2_SUM_AT] ^= 0x80;
	refused("copy 1: the checksum is wrong");
}

/* What both programs' readers must see, in the one as in the other. */
static void test_each_copy_is_held_to_the_rules(void)
{
	unsigned int i;

	for (i = 0; i < LUKS2_COPIES; i++) {
		fresh();
		lay(i, 24, "mine", 4);
		seal(i);
		refused("it has a label");
		fresh();
		lay(i, 208, "mine", 4);
		seal(i);
		refused("it has a subsystem");
		fresh();
		reword(i, "\"encryption\":\"aes-xts-plain64\",\"sector_size\"",
		       "\"encryption\":\"cipher_null-ecb\",\"sector_size\"");
		refused(i ? "copy 2: LUKS2 header's JSON: segments.0.encryption"
			  : "copy 1: LUKS2 header's JSON: segments.0.encryption");
		fresh();
		reword(i, "\"tokens\":{}",
		       "\"tokens\":{\"0\":{\"type\":\"systemd-tpm2\",\"keyslots\":[]}}");
		refused("tokens.0: must not be there");
		fresh();
		reword(i, "\"config\":{", "\"config\":{\"flags\":[\"allow-discards\"],");
		refused("config.flags: must not be there");
	}
}

static void test_copies_of_two_sizes_are_refused(void)
{
	fresh();
	now[COPY + 8 + 5] = 1; /* 65536 and 16384 */
	refused("copy 2: the size is not a power of two");
	now[COPY + 8 + 6] = 0;
	refused("copy 2: it is cut short");
}

static void test_a_disk_that_ends_is_refused(void)
{
	static const size_t n[] = { 0, 1, LUKS2_BINARY_SIZE - 1, COPY, 2 * COPY - 1, 2 * COPY };
	struct err e;
	size_t i;

	fresh();
	for (i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		assert(copy_of(n[i], &e) == ERR_PROTO);
		assert(strstr(e.text, "the disk ends in it"));
	}
}

int main(void)
{
	if (!make()) {
		(void)printf("skipped: there is no cryptsetup to make a header\n");
		return EXIT_SUCCESS;
	}
	test_it_is_taken();
	test_each_copy_needs_its_checksum();
	test_each_copy_is_held_to_the_rules();
	test_copies_of_two_sizes_are_refused();
	test_a_disk_that_ends_is_refused();
	buf_deinit(&made);
	free(now);
	return EXIT_SUCCESS;
}
