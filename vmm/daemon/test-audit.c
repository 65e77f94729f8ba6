/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "daemon/audit.h"
#include "data/json.h"
#include "rpc/rpc.h"

static const struct rpc_method stop = { .name = "StopVm", .changes = true };
static const struct rpc_peer alice = { .name = "token alice" };
static char folder[64];

static void test_a_line_says_who_did_what(void)
{
	const struct rpc_outcome o = { .method = &stop,
				       .peer = &alice,
				       .subject = "a\n\x1b[31m\"",
				       .error = "no\xff",
				       .status = 400 };
	auto_buf struct buf b = BUF_MAX(0);
	struct audit a;
	struct stat st;
	json_t *j;

	assert(audit_open(&a, folder, NULL) == 0 && fstat(a.file.fd, &st) == 0);
	assert((st.st_mode & 0777) == 0600);
	audit_add(&a, &o);
	assert(file_read(a.file.dirfd, "audit.jsonl", 65536, &b, NULL) == 0);
	assert(strchr((const char *)b.p, '\n') == (const char *)b.p + b.n - 1);
	assert(json_parse(b.p, b.n, 65536, "line", &j, NULL) == 0);
	assert(!strcmp(json_get_str(j, "who", ""), "token alice"));
	assert(!strcmp(json_get_str(j, "about", ""), "a\\x0a\\x1b[31m\""));
	assert(!strcmp(json_get_str(j, "error", ""), "no\\xff") &&
	       json_get_u64(j, "status", 0) == 400);
	json_decref(j);
	audit_close(&a);
}

/* Calls that are refused, which anybody may make, do not push out those that were not. */
static void test_refusals_push_out_nothing(void)
{
	struct rpc_outcome o = {
		.method = &stop, .peer = &alice, .subject = "kept", .status = 200
	};
	auto_buf struct buf b = BUF_MAX(0);
	struct audit a;
	struct stat st;
	int i;

	assert(audit_open(&a, folder, NULL) == 0);
	a.file.max = 64 * 1024;
	audit_add(&a, &o);
	for (i = 0; i < 2000; i++) {
		o.subject = "refused";
		o.status = i % 2 ? 403 : 405;
		audit_add(&a, &o);
	}
	o.subject = "after";
	o.status = 400; /* of who may: it failed */
	audit_add(&a, &o);
	assert(fstatat(a.file.dirfd, "audit.jsonl.1", &st, 0) < 0);
	assert(file_read(a.file.dirfd, "audit.jsonl", 65536, &b, NULL) == 0);
	assert(strstr((const char *)b.p, "kept") && strstr((const char *)b.p, "refused") &&
	       strstr((const char *)b.p, "after"));
	(void)unlinkat(a.file.dirfd, "audit.jsonl", 0);
	audit_close(&a);
}

static void test_the_file_is_bounded(void)
{
	const struct rpc_outcome o = {
		.method = &stop, .peer = &alice, .subject = "x", .status = 200
	};
	struct audit a;
	struct stat st;
	int i;

	assert(audit_open(&a, folder, NULL) == 0);
	a.file.max = 1000;
	for (i = 0; i < 200; i++)
		audit_add(&a, &o);
	assert(fstatat(a.file.dirfd, "audit.jsonl", &st, 0) == 0 && st.st_size <= 1200 &&
	       st.st_size > 0);
	assert(fstatat(a.file.dirfd, "audit.jsonl.1", &st, 0) == 0 && st.st_size <= 1200);
	assert(fstatat(a.file.dirfd, "audit.jsonl.2", &st, 0) < 0 && a.n_lost == 0);
	(void)unlinkat(a.file.dirfd, "audit.jsonl", 0);
	(void)unlinkat(a.file.dirfd, "audit.jsonl.1", 0);
	audit_close(&a);
}

static void test_a_symlink_is_not_followed(void)
{
	struct err e = ERR_NONE;
	struct audit a;
	char link[96];

	(void)snprintf(link, sizeof(link), "%s/audit.jsonl", folder);
	assert(symlink("/dev/null", link) == 0);
	assert(audit_open(&a, folder, &e) < 0 && strstr(e.text, "audit.jsonl"));
	(void)unlink(link);
}

int main(void)
{
	(void)snprintf(folder, sizeof(folder), "./audit-test-%d", (int)getpid());
	assert(mkdir(folder, 0700) == 0);
	test_a_line_says_who_did_what();
	test_refusals_push_out_nothing();
	test_the_file_is_bounded();
	test_a_symlink_is_not_followed();
	assert(rmdir(folder) == 0);
	return 0;
}
