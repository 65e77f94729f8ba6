/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tar.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static uint8_t block[TAR_BLOCK];

/* The @n bytes of a text without its NUL: fields of a header need none. */
static void lay(size_t at, const void *bytes, size_t n)
{
	memcpy(block + at, bytes, n);
}

static void seal(void)
{
	unsigned int sum = 0;
	size_t i;

	memset(block + 148, ' ', 8);
	for (i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	assert(snprintf((char *)block + 148, 8, "%06o", sum) == 6);
}

static void make(const char *name, char kind, const char *size)
{
	memset(block, 0, sizeof(block));
	lay(0, name, strlen(name));
	lay(124, size, strlen(size));
	block[156] = (uint8_t)kind;
	lay(257,
	    "ustar\0"
	    "00",
	    8);
	seal();
}

static void takes(enum tar_kind kind, const char *name, uint64_t size)
{
	struct tar_entry t;

	assert(tar_header(block, NULL, &t, NULL) == 0);
	assert(t.kind == kind && t.size == size && str_equal(t.name, name));
}

static void refuses(int rc, const char *text)
{
	struct err e = ERR_NONE;
	struct tar_entry t;

	assert(tar_header(block, NULL, &t, &e) == rc);
	if (!strstr(e.text, text)) {
		(void)fprintf(stderr, "\"%s\" does not say \"%s\"\n", e.text, text);
		assert(0);
	}
}

static void test_files_and_folders(void)
{
	make("bzImage", '0', "00000000012");
	takes(TAR_FILE, "bzImage", 10);
	make("./bzImage", 0, "12 ");
	takes(TAR_FILE, "bzImage", 10);
	make("etc/", '5', "0");
	takes(TAR_FOLDER, "", 0);
	make("../../", '5', "0"); /* no folder is made, so its name is no matter */
	takes(TAR_FOLDER, "", 0);
	make("x", '0', "");
	lay(124, "\x80\0\0\0\0\0\0\2\0\0\0\0", 12);
	seal();
	takes(TAR_FILE, "x", (uint64_t)2 << 32);
	make("h", 'x', "30");
	takes(TAR_PAX, "", 24);
	make("h", 'g', "30");
	takes(TAR_SKIP, "", 24);
	memset(block, 0, sizeof(block));
	takes(TAR_END, "", 0);
}

static void test_what_is_no_plain_file(void)
{
	static const char links[] = "12", devices[] = "346", unknown[] = "7LKSVMDA\xff";
	const char *k;

	for (k = links; *k; k++) {
		make("a", *k, "0");
		refuses(ERR_INPUT, "is a link");
	}
	for (k = devices; *k; k++) {
		make("a", *k, "0");
		refuses(ERR_INPUT, "device");
	}
	for (k = unknown; *k; k++) {
		make("a", *k, "0");
		refuses(ERR_INPUT, "kind");
	}
	make("d", '5', "1");
	refuses(ERR_INPUT, "folder with data");
	make("h", 'x', "200001");
	refuses(ERR_INPUT, "too long");
	make("h", 'g', "200001");
	refuses(ERR_INPUT, "too long");
}

static void test_names(void)
{
	static const char *const bad[] = { "/etc/passwd", "../x", "a/../b", "a/b",  "..",    ".",
					   "./",	  "",	  ".wh.x",  ".//x", "./../x" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make(bad[i], '0', "0");
		refuses(ERR_INPUT, "archive entry");
	}
	make("\xff\xfe", '0', "0");
	refuses(ERR_INPUT, "UTF-8");
	make("b", '0', "0");
	lay(345, "a", 1);
	seal();
	refuses(ERR_INPUT, "in a folder");
}

static void test_damage(void)
{
	make("a", '0', "0");
	block[0]++;
	refuses(ERR_PROTO, "no tar archive");
	make("a", '0', "8");
	refuses(ERR_PROTO, "size");
	make("a", '0', "-1");
	refuses(ERR_PROTO, "size");
	make("a", '0', "");
	memset(block + 124, 0xff, 12);
	seal();
	refuses(ERR_PROTO, "size");
	make("a", '0', "");
	memset(block + 124, 0xff, 12);
	block[124] = 0x80;
	seal();
	refuses(ERR_PROTO, "size");
	memset(block, 'a', sizeof(block));
	refuses(ERR_PROTO, "no tar archive");
}

static void test_pax(void)
{
	static const char good[] = "30 mtime=1700000000.123456789\n13 path=long\n11 size=99\n";
	static const char *const bad[] = { "x",
					   "5 a=b",
					   "6 a=b\nx",
					   "99 path=a\n",
					   "12 size=9x\n\n",
					   "13 size=-123\n",
					   "0 a=b\n",
					   "3 \n",
					   "22 GNU.sparse.map=1,2\n",
					   "99999999999999999999 a=b\n" };
	struct tar_entry t;
	struct tar_more m;
	size_t i;

	assert(tar_pax(good, strlen(good), &m, NULL) == 0);
	assert(str_equal(m.path, "long") && m.has_size && m.size == 99);
	make("short", '0', "1");
	assert(tar_header(block, &m, &t, NULL) == 0 && t.size == 99 && str_equal(t.name, "long"));
	assert(tar_pax("16 path=../../x\n", 16, &m, NULL) == 0);
	assert(tar_header(block, &m, &t, NULL) == ERR_INPUT);
	make("h", 'x', "1");
	assert(tar_header(block, &m, &t, NULL) == ERR_INPUT);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(tar_pax(bad[i], strlen(bad[i]), &m, NULL) == ERR_PROTO);
	assert(tar_pax("12 path=a\0b\n", 12, &m, NULL) == ERR_PROTO);
	assert(tar_pax("", 0, &m, NULL) == 0 && !m.path[0] && !m.has_size);
}

int main(void)
{
	test_files_and_folders();
	test_what_is_no_plain_file();
	test_names();
	test_damage();
	test_pax();
	return 0;
}
