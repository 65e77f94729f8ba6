/* SPDX-License-Identifier: Apache-2.0 */
/* test-share: what a host may and may not put into its folder */
#include "guest-stub/share.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const names[] = { SHARE_COMPOSE,
				     SHARE_SYS_CONFIG,
				     SHARE_INSTANCE_INFO,
				     SHARE_ENCRYPTED_ENV,
				     SHARE_USER_CONFIG,
				     ".instance-info",
				     "unknown" };

/* Two fresh folders: what the host hands over, and where the copy goes. */
struct place {
	char from_path[64], to_path[64];
	int from, to;
};

static int folder(char path[static 64], const char *what)
{
	int fd;

	assert(str_format(path, 64, "/tmp/bailey-share-%s-XXXXXX", what) > 0);
	assert(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0);
	return fd;
}

static void write_bytes(int dirfd, const char *name, const void *p, size_t n)
{
	assert(file_replace(dirfd, name, 0644, p, n, NULL) == 0);
}

static void write_text(int dirfd, const char *name, const char *text)
{
	write_bytes(dirfd, name, text, strlen(text));
}

static struct place place_new(void)
{
	struct place p = { .from = -1, .to = -1 };

	p.from = folder(p.from_path, "from");
	p.to = folder(p.to_path, "to");
	write_text(p.from, SHARE_COMPOSE, "{}");
	write_text(p.from, SHARE_SYS_CONFIG, "{\"vm_config\":\"{}\"}");
	return p;
}

static void place_free(struct place *p)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)unlinkat(p->from, names[i], 0);
		(void)unlinkat(p->from, names[i], AT_REMOVEDIR);
		(void)unlinkat(p->to, names[i], 0);
	}
	(void)fd_close(p->from);
	(void)fd_close(p->to);
	assert(rmdir(p->from_path) == 0 && rmdir(p->to_path) == 0);
}

static void expect_copied(const struct place *p, const char *name, const char *text)
{
	auto_buf struct buf b = { 0 };
	struct stat st;

	assert(file_read(p->to, name, SHARE_COMPOSE_MAX, &b, NULL) == 0);
	assert(b.n == strlen(text) && memcmp(b.p, text, b.n) == 0);
	assert(fstatat(p->to, name, &st, 0) == 0 && (st.st_mode & 07777) == 0600);
}

static void expect_refused(const struct place *p, int code, const char *words)
{
	struct err e = ERR_NONE;

	assert(share_copy(p->from, p->to, &e) == code);
	assert(strstr(e.text, words));
}

static void test_known_files_are_copied_and_no_others(void)
{
	struct place p = place_new();

	write_text(p.from, SHARE_USER_CONFIG, "user");
	write_text(p.from, SHARE_ENCRYPTED_ENV, "");
	write_text(p.from, "unknown", "x");
	assert(share_copy(p.from, p.to, NULL) == 0);
	expect_copied(&p, SHARE_COMPOSE, "{}");
	expect_copied(&p, SHARE_SYS_CONFIG, "{\"vm_config\":\"{}\"}");
	expect_copied(&p, SHARE_USER_CONFIG, "user");
	expect_copied(&p, SHARE_ENCRYPTED_ENV, "");
	assert(faccessat(p.to, "unknown", F_OK, 0) < 0);
	assert(faccessat(p.to, SHARE_INSTANCE_INFO, F_OK, 0) < 0);
	place_free(&p);
}

static void test_missing_required_file_is_named(void)
{
	struct place p = place_new();

	assert(unlinkat(p.from, SHARE_COMPOSE, 0) == 0);
	expect_refused(&p, ERR_MISSING, "Source file app-compose.json does not exist");
	place_free(&p);
}

static void test_symlink_is_refused_even_to_a_good_file(void)
{
	struct place p = place_new();

	assert(symlinkat(SHARE_COMPOSE, p.from, SHARE_USER_CONFIG) == 0);
	expect_refused(&p, ERR_PROTO, "Source file .user-config is not a regular file");
	place_free(&p);
}

static void test_fifo_does_not_hang(void)
{
	struct place p = place_new();

	assert(mkfifoat(p.from, SHARE_USER_CONFIG, 0644) == 0);
	expect_refused(&p, ERR_PROTO, "is not a regular file");
	place_free(&p);
}

static void test_folder_is_refused(void)
{
	struct place p = place_new();

	assert(mkdirat(p.from, SHARE_ENCRYPTED_ENV, 0755) == 0);
	expect_refused(&p, ERR_PROTO, "is not a regular file");
	place_free(&p);
}

/* One byte under, at, and over each limit. */
static void test_limits_are_exact(void)
{
	static const struct {
		const char *name;
		size_t max;
	} limits[] = {
		{ SHARE_SYS_CONFIG, SHARE_SYS_CONFIG_MAX },
		{ SHARE_INSTANCE_INFO, SHARE_INSTANCE_INFO_MAX },
		{ SHARE_ENCRYPTED_ENV, SHARE_ENCRYPTED_ENV_MAX },
		{ SHARE_COMPOSE, SHARE_COMPOSE_MAX },
	};
	auto_free char *bytes = xcalloc(1, SHARE_COMPOSE_MAX + 1);
	struct place p;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		p = place_new();
		write_bytes(p.from, limits[i].name, bytes, limits[i].max);
		assert(share_copy(p.from, p.to, NULL) == 0);
		write_bytes(p.from, limits[i].name, bytes, limits[i].max + 1);
		expect_refused(&p, ERR_PROTO, "is too large, max size is");
		place_free(&p);
	}
}

static void test_instance_info_by_either_name(void)
{
	struct place p = place_new();

	write_text(p.from, ".instance-info", "{\"app_id\":\"\"}");
	assert(share_copy(p.from, p.to, NULL) == 0);
	expect_copied(&p, SHARE_INSTANCE_INFO, "{\"app_id\":\"\"}");
	write_text(p.from, SHARE_INSTANCE_INFO, "{\"app_id\":\"\"}");
	assert(share_copy(p.from, p.to, NULL) == 0);
	write_text(p.from, SHARE_INSTANCE_INFO, "{\"app_id\":\"ab\"}");
	expect_refused(&p, ERR_PROTO, "differ");
	place_free(&p);
}

int main(void)
{
	test_known_files_are_copied_and_no_others();
	test_missing_required_file_is_named();
	test_symlink_is_refused_even_to_a_good_file();
	test_fifo_does_not_hang();
	test_folder_is_refused();
	test_limits_are_exact();
	test_instance_info_by_either_name();
	return 0;
}
