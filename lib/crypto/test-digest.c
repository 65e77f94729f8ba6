/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "crypto/digest.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

/* FIPS 180-4 examples for "abc". */
static void test_known_answers(void)
{
	struct digest256 d = digest256_bytes("abc", 3);
	struct digest384 w = digest384_bytes("abc", 3);
	char hex[97];

	str_hex(hex, d.b, sizeof(d.b));
	assert(str_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	str_hex(hex, w.b, sizeof(w.b));
	assert(str_equal(hex, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
			      "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"));
}

static void test_parts_are_one_text(void)
{
	const struct digest_part parts[] = { { "a", 1 }, { "", 0 }, { "bc", 2 } };
	struct digest256 a = digest256_of(parts, 3), b = digest256_bytes("abc", 3);

	assert(memcmp(&a, &b, sizeof(a)) == 0);
}

static void test_a_file_from_its_offset(void)
{
	struct digest256 a, b = digest256_bytes("abc", 3);
	struct err e = ERR_NONE;
	int fd = memfd_create("t", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, "xabc", 4) == 4 && lseek(fd, 1, SEEK_SET) == 1);
	assert(digest256_fd(fd, &a, &e) == 0 && memcmp(&a, &b, sizeof(a)) == 0);
	(void)close(fd);
	assert(digest256_fd(fd, &a, &e) < 0);
}

int main(void)
{
	test_known_answers();
	test_parts_are_one_text();
	test_a_file_from_its_offset();
	return 0;
}
