/* SPDX-License-Identifier: Apache-2.0 */
#include "store/claims.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define ID    "0b6f1d2e-0000-4000-8000-000000000001"
#define MAGIC "bailey-claims 1\n"

static void test_what_is_written_is_read(void)
{
	auto_buf struct buf b = BUF_MAX(CLAIMS_MAX);
	struct claim vm = { .cid = 1000, .is_running = true, .pid = 42, .start = 1ull << 40 }, c;
	struct manifest_port p = { .address = "::1", .is_udp = true, .from = 53, .to = 5353 };
	struct rd r;

	(void)str_copy(vm.id, sizeof(vm.id), ID);
	(void)str_copy(vm.text, sizeof(vm.text), "two words\nand a line");
	assert(!claims_add_daemon(&b, 7, "/srv/a b\x1b"));
	assert(!claims_add_vm(&b, &vm) && !claims_add_port(&b, &p));
	r = rd_over(b.p, b.n);
	assert(!claims_begin(&r, NULL));
	assert(claims_next(&r, &c, NULL) == 1 && c.kind == CLAIM_DAEMON && c.pid == 7);
	assert(str_equal(c.text, "/srv/a b\\x1b"));
	assert(claims_next(&r, &c, NULL) == 1 && c.kind == CLAIM_VM && str_equal(c.id, ID));
	assert(c.cid == 1000 && c.is_running && c.pid == 42 && c.start == 1ull << 40);
	assert(str_equal(c.text, "two words\\x0aand a line"));
	assert(claims_next(&r, &c, NULL) == 1 && c.kind == CLAIM_PORT && c.port.is_udp);
	assert(c.port.from == 53 && str_equal(c.port.address, "::1"));
	assert(claims_next(&r, &c, NULL) == 0);
}

/* 0: all of it is right. */
static int answer(const char *text)
{
	struct rd r = rd_over(text, strlen(text));
	struct claim c;
	int rc = claims_begin(&r, NULL);

	if (rc)
		return rc;
	do {
		rc = claims_next(&r, &c, NULL);
	} while (rc == 1);
	return rc;
}

static void test_another_version_is_not_read(void)
{
	assert(answer("bailey-claims 2\n") == ERR_CORRUPT && answer("") == ERR_CORRUPT);
	assert(answer("bailey-claims 1") == ERR_CORRUPT);
}

static void test_lines_of_other_kinds_are_skipped(void)
{
	static const char text[] = MAGIC "later what ever\nport tcp 80 ::\n";
	struct rd r = rd_over(text, strlen(text));
	struct claim c;

	assert(!claims_begin(&r, NULL));
	assert(claims_next(&r, &c, NULL) == 1 && c.kind == CLAIM_PORT && c.port.from == 80);
}

static void test_lines_that_are_not_right_are_refused(void)
{
	static const char *const bad[] = {
		"vm \n",
		"vm " ID "\n",
		"vm ../x 1 0 0 0 n\n",
		"vm " ID " -1 0 0 0 n\n",
		"vm " ID " 4294967296 0 0 0 n\n",
		"vm " ID " 1 2 0 0 n\n",
		"vm " ID " 1 1 2147483648 0 n\n",
		"vm " ID " 1 1 1 x n\n",
		"port \n",
		"port sctp 1 ::\n",
		"port tcp 65536 ::\n",
		"port tcp 1 ::1 more\n",
		"port tcp 1 \n",
		"daemon x /s\n",
		"daemon 1 /s",
	};
	char line[CLAIMS_LINE_MAX + 64];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		(void)str_format(line, sizeof(line), "%s%s", MAGIC, bad[i]);
		assert(answer(line) == ERR_CORRUPT);
	}
	assert(answer(MAGIC) == 0);
}

static void test_a_long_line_is_refused(void)
{
	char line[2 * CLAIMS_LINE_MAX] = MAGIC;

	memset(line + strlen(MAGIC), 'x', CLAIMS_LINE_MAX - 1);
	line[strlen(MAGIC) + CLAIMS_LINE_MAX - 1] = '\n';
	assert(answer(line) == 0); /* of another kind, and just short enough */
	memset(line + strlen(MAGIC), 'x', CLAIMS_LINE_MAX);
	line[strlen(MAGIC) + CLAIMS_LINE_MAX] = '\n';
	assert(answer(line) == ERR_CORRUPT);
}

int main(void)
{
	test_what_is_written_is_read();
	test_another_version_is_not_read();
	test_lines_of_other_kinds_are_skipped();
	test_lines_that_are_not_right_are_refused();
	test_a_long_line_is_refused();
	return 0;
}
