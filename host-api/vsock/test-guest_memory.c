/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "vsockdev/guest_memory.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"

enum { PAGE = 4096, FILE_SIZE = 16 * PAGE };

static int file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert(fd >= 0 && ftruncate(fd, FILE_SIZE) == 0);
	return fd;
}

static int set(struct guest_memory *m, const struct guest_region *r, size_t n)
{
	int fd = file(), fds[GUEST_MEMORY_REGIONS + 1], rc;
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < sizeof fds / sizeof fds[0]; i++)
		fds[i] = fd;
	rc = guest_memory_set(m, r, fds, n, &e);
	assert(rc == 0 || (e.text[0] && m->n == 0));
	(void)fd_close(fd);
	return rc;
}

static void test_bad_tables_are_refused(void)
{
	static const struct guest_region bad[][2] = {
		{ { 0, 0, 0, 0 }, { PAGE, PAGE, PAGE, 0 } },	    /* empty */
		{ { 0, PAGE, 0, 0 }, { PAGE - 1, PAGE, PAGE, 0 } }, /* overlap for the guest */
		{ { 0, PAGE, 0, 0 }, { PAGE, PAGE, PAGE - 1, 0 } }, /* overlap for QEMU */
		{ { 0, PAGE, 0, 0 }, { UINT64_MAX - 5, PAGE, PAGE, 0 } },
		{ { 0, PAGE, 0, 0 }, { PAGE, PAGE, UINT64_MAX - 5, 0 } },
		{ { 0, PAGE, 0, 0 }, { PAGE, PAGE, PAGE, UINT64_MAX - 5 } },
		{ { 0, PAGE, 0, 0 }, { PAGE, PAGE, PAGE, FILE_SIZE - PAGE + 1 } }, /* too short */
		{ { 0, PAGE, 0, 0 }, { PAGE, FILE_SIZE + 1, PAGE, 0 } },
		{ { 0, PAGE, 0, 0 }, { PAGE, PAGE, PAGE, INT64_MAX } },
	};
	struct guest_memory m = { .n = 0 };
	struct guest_region many[GUEST_MEMORY_REGIONS + 1] = { { 0 } };
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert(set(&m, bad[i], 2) == ERR_PROTO);
	assert(set(&m, many, 0) == ERR_PROTO);
	assert(set(&m, many, GUEST_MEMORY_REGIONS + 1) == ERR_PROTO);
}

static void test_file_must_be_memory(void)
{
	struct guest_region r = { 0, PAGE, 0, 0 };
	struct guest_memory m = { .n = 0 };
	struct err e = ERR_NONE;
	int p[2];

	assert(pipe2(p, O_CLOEXEC) == 0);
	assert(guest_memory_set(&m, &r, p, 1, &e) == ERR_PROTO);
	(void)fd_close(p[0]);
	(void)fd_close(p[1]);
}

static void test_addresses_end_where_regions_end(void)
{
	static const struct guest_region r[] = { { 0x1000, 0x2000, 0x70000000, 0 },
						 { 0x3000, 0x1000, 0x80000000, 0x5000 } };
	struct guest_memory m = { .n = 0 };
	struct iovec iov[4];
	uint8_t *a;

	assert(set(&m, r, 2) == 0);
	a = guest_memory_at(&m, 0x1000, 0x2000);
	assert(a && a == guest_memory_at_user(&m, 0x70000000, 0x2000));
	assert(!guest_memory_at(&m, 0x1000, 0x2001)); /* one region at a time */
	assert(!guest_memory_at(&m, 0xfff, 1) && !guest_memory_at(&m, 0x4000, 1));
	assert(!guest_memory_at(&m, UINT64_MAX, 1) && !guest_memory_at(&m, 0x1001, UINT64_MAX));
	assert(!guest_memory_at_user(&m, 0x1000, 1));

	assert(guest_memory_iov(&m, 0x2ff0, 0x20, iov, 4) == 2);
	assert(iov[0].iov_len == 0x10 && iov[1].iov_len == 0x10);
	assert(iov[1].iov_base == guest_memory_at(&m, 0x3000, 1));
	assert(guest_memory_iov(&m, 0x2ff0, 0x20, iov, 1) == ERR_PROTO);
	assert(guest_memory_iov(&m, 0x3ff0, 0x11, iov, 4) == ERR_PROTO);
	assert(guest_memory_iov(&m, 0x3ff0, UINT64_MAX, iov, 4) == ERR_PROTO);
	assert(guest_memory_iov(&m, 0xdead0000, 0, iov, 0) == 0);

	/* a second table replaces the first */
	assert(set(&m, r, 1) == 0);
	assert(!guest_memory_at(&m, 0x3000, 1));
	guest_memory_deinit(&m);
	guest_memory_deinit(&m);
	assert(!guest_memory_at(&m, 0x1000, 1));
}

static void test_offset_need_not_be_a_page(void)
{
	struct guest_region r = { 0x1000, 0x100, 0, 0x1080 };
	struct guest_memory m = { .n = 0 };
	struct err e = ERR_NONE;
	int fd = file();
	char *p;

	assert(pwrite(fd, "here", 4, 0x1080) == 4);
	assert(guest_memory_set(&m, &r, &fd, 1, &e) == 0);
	p = guest_memory_at(&m, 0x1000, 4);
	assert(p && memcmp(p, "here", 4) == 0);
	guest_memory_deinit(&m);
	(void)fd_close(fd);
}

int main(void)
{
	test_bad_tables_are_refused();
	test_file_must_be_memory();
	test_addresses_end_where_regions_end();
	test_offset_need_not_be_a_page();
	return 0;
}
