/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/guest_memory.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"

static bool overlap(uint64_t a, uint64_t n_a, uint64_t b, uint64_t n_b)
{
	return a < b ? b - a < n_a : a - b < n_b;
}

static int check_shape(const struct guest_region *r, size_t i, struct err *e)
{
	uint64_t end;

	if (r->size == 0)
		return err_set(e, ERR_PROTO, "memory region %zu is empty", i);
	if (!num_add(r->guest, r->size, &end) || !num_add(r->user, r->size, &end) ||
	    !num_add(r->offset, r->size, &end) || end > INT64_MAX)
		return err_set(e, ERR_PROTO, "memory region %zu wraps around", i);
	return 0;
}

static int check_table(const struct guest_region *regions, size_t n, struct err *e)
{
	size_t i, j;
	int rc;

	if (n == 0 || n > GUEST_MEMORY_REGIONS)
		return err_set(e, ERR_PROTO, "memory table of %zu regions, not 1 to %d", n,
			       GUEST_MEMORY_REGIONS);
	for (i = 0; i < n; i++) {
		rc = check_shape(&regions[i], i, e);
		if (rc < 0)
			return rc;
		for (j = 0; j < i; j++) {
			if (overlap(regions[i].guest, regions[i].size, regions[j].guest,
				    regions[j].size) ||
			    overlap(regions[i].user, regions[i].size, regions[j].user,
				    regions[j].size))
				return err_set(e, ERR_PROTO, "memory regions %zu and %zu overlap",
					       j, i);
		}
	}
	return 0;
}

/* A file shorter than the region would turn a guest's address into SIGBUS. */
static int check_file(const struct guest_region *r, int fd, size_t i, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "memory region %zu: cannot stat its file", i);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_PROTO, "memory region %zu: its file is not regular memory",
			       i);
	if ((uint64_t)st.st_size < r->offset + r->size)
		return err_set(e, ERR_PROTO, "memory region %zu: its file is too short", i);
	return 0;
}

static int map(struct guest_memory *m, const struct guest_region *r, int fd, struct err *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), skip = r->offset & (page - 1), size;
	size_t i = m->n;
	void *p;

	if (!num_add(r->size, skip, &size))
		return err_set(e, ERR_PROTO, "memory region %zu wraps around", i);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		 (off_t)(r->offset - skip));
	if (p == MAP_FAILED)
		return err_errno(e, errno, "memory region %zu: cannot map it", i);
	(void)madvise(p, size, MADV_DONTDUMP); /* a core file of ours must not hold a guest */
	m->regions[i] = *r;
	m->mapping[i] = p;
	m->mapped[i] = size;
	m->base[i] = (uint8_t *)p + skip;
	m->n++;
	return 0;
}

int guest_memory_set(struct guest_memory *m, const struct guest_region *regions, const int *fds,
		     size_t n, struct err *e)
{
	size_t i;
	int rc;

	guest_memory_deinit(m);
	rc = check_table(regions, n, e);
	for (i = 0; rc == 0 && i < n; i++) {
		rc = check_file(&regions[i], fds[i], i, e);
		if (rc == 0)
			rc = map(m, &regions[i], fds[i], e);
	}
	if (rc < 0)
		guest_memory_deinit(m);
	return rc;
}

void guest_memory_deinit(struct guest_memory *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		(void)munmap(m->mapping[i], m->mapped[i]);
	*m = (struct guest_memory){ .n = 0 };
}

/* Which region holds @addr, and how many bytes of it lie from there on. */
static uint8_t *find(const struct guest_memory *m, uint64_t addr, bool user, uint64_t *ret_left)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		uint64_t start = user ? m->regions[i].user : m->regions[i].guest;

		if (addr >= start && addr - start < m->regions[i].size) {
			*ret_left = m->regions[i].size - (addr - start);
			return m->base[i] + (addr - start);
		}
	}
	return NULL;
}

void *guest_memory_at(const struct guest_memory *m, uint64_t addr, uint64_t n)
{
	uint64_t left = 0;
	uint8_t *p = find(m, addr, false, &left);

	return p && left >= n ? p : NULL;
}

void *guest_memory_at_user(const struct guest_memory *m, uint64_t addr, uint64_t n)
{
	uint64_t left = 0;
	uint8_t *p = find(m, addr, true, &left);

	return p && left >= n ? p : NULL;
}

int guest_memory_iov(const struct guest_memory *m, uint64_t addr, uint64_t n, struct iovec *iov,
		     size_t max)
{
	size_t used = 0;

	while (n > 0) {
		uint64_t left = 0;
		uint8_t *p = find(m, addr, false, &left);

		if (!p || used == max)
			return ERR_PROTO;
		if (left > n)
			left = n;
		iov[used++] = (struct iovec){ .iov_base = p, .iov_len = left };
		n -= left;
		addr += left; /* cannot wrap: the end of a region was checked */
	}
	return (int)used;
}
