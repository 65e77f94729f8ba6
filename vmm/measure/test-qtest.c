/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "measure/qtest.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "measure/qemu_ask.h"

static int reply(const char *line, uint8_t *ret, size_t want)
{
	struct err e;

	return qtest_reply(line, strlen(line), ret, want, &e);
}

static void test_answers(void)
{
	uint8_t b[4] = { 0 };

	assert(reply("OK", NULL, 0) == 1);
	assert(reply("OK 0x0000", NULL, 0) == 1);
	assert(reply("OK 0x00ff10ab", b, 4) == 1 && memcmp(b, "\x00\xff\x10\xab", 4) == 0);
	assert(reply("IRQ raise 9", NULL, 0) == 0 && reply("IRQ lower 9", b, 4) == 0);
}

static void test_what_answers_otherwise_is_refused(void)
{
	static const char *const bad[] = { "",
					   "FAIL Unknown command",
					   "ERR",
					   "OKAY",
					   "O",
					   "ok",
					   "OK 0x00ff10",
					   "OK 0x00ff10abcd",
					   "OK",
					   "OK 0x00ff10aB",
					   "OK 00ff10ab",
					   "OK 0x00ff10a " };
	uint8_t b[4];
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(reply(bad[i], b, 4) == ERR_PROTO);
	for (i = 0; i < 6; i++)
		assert(reply(bad[i], NULL, 0) == ERR_PROTO);
	assert(qtest_reply("FAIL \x1b[31m", 10, NULL, 0, &e) == ERR_PROTO && !strchr(e.text, 27));
}

/* Two files, the second of which is what is asked for. */
static const uint8_t directory[4 + 2 * 64] = {
	[3] = 2, [4 + 3] = 5, [4 + 4] = 0,  [4 + 5] = 0x20,  [4 + 8] = 'e',  't', 'c',
	'/',	 'x',	      [68 + 1] = 2, [68 + 5] = 0x21, [68 + 8] = 'e', 't', 'c',
	'/',	 'x',	      'y',
};

static void test_a_file_is_found_by_its_whole_name(void)
{
	struct fw_cfg_file f;

	assert(fw_cfg_find(directory, sizeof(directory), "etc/xy", &f, NULL) == 0);
	assert(f.key == 0x21 && f.size == 0x20000);
	assert(fw_cfg_find(directory, sizeof(directory), "etc/x", &f, NULL) == 0 && f.size == 5);
	assert(fw_cfg_find(directory, sizeof(directory), "etc/", &f, NULL) == ERR_NOT_FOUND);
	assert(fw_cfg_find(directory, sizeof(directory), "etc/xyz", &f, NULL) == ERR_NOT_FOUND);
}

static void test_no_directory(void)
{
	uint8_t b[sizeof(directory)];
	struct fw_cfg_file f;
	struct err e;
	uint32_t count;
	size_t n;

	for (n = 0; n < sizeof(directory); n++)
		assert(fw_cfg_find(directory, n, "etc/xy", &f, &e) == ERR_PROTO);
	memcpy(b, directory, sizeof(b));
	b[3] = 3;
	assert(fw_cfg_find(b, sizeof(b), "etc/xy", &f, &e) == ERR_PROTO);
	memset(b, 0xff, 4);
	assert(fw_cfg_find(b, sizeof(b), "etc/xy", &f, &e) == ERR_PROTO);
	assert(fw_cfg_count(b, &count, &e) == ERR_LIMIT);
	memcpy(b, directory, sizeof(b));
	b[68 + 5] = 0x1f; /* a key that is no file's */
	assert(fw_cfg_find(b, sizeof(b), "etc/xy", &f, &e) == ERR_PROTO);
	memset(b + 68 + 8, 'a', 56); /* a name without an end */
	assert(fw_cfg_find(b, sizeof(b), "etc/xy", &f, &e) == ERR_NOT_FOUND);
}

static void version_is(const char *said, const char *want)
{
	char v[QEMU_VERSION_SIZE];
	struct err e;
	int rc = qemu_version_read(said, v, &e);

	assert(want ? rc == 0 && strcmp(v, want) == 0 : rc == ERR_PROTO);
}

static void test_versions(void)
{
	version_is("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright", "7.2.22");
	version_is("QEMU emulator version 10.0.2", "10.0.2");
	version_is("QEMU emulator version 9.0", NULL);
	version_is("QEMU emulator version x", NULL);
	version_is("", NULL);
}

int main(void)
{
	test_answers();
	test_what_answers_otherwise_is_refused();
	test_a_file_is_found_by_its_whole_name();
	test_no_directory();
	test_versions();
	return 0;
}
