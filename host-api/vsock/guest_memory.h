/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_memory: the guest's memory as QEMU shares it, and the only way to an address in it
 *
 * Owns     one mapping per region, until guest_memory_deinit() or the next set.
 * Trusts   no address and no length: each is checked against the table with
 *          arithmetic that cannot wrap.  The bytes behind a pointer may change
 *          at any moment; copy, then look.
 * Limits   GUEST_MEMORY_REGIONS regions, as vhost-user has it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct err;

enum { GUEST_MEMORY_REGIONS = 8 };

/* A region as QEMU describes it: the same bytes in three address spaces. */
struct guest_region {
	uint64_t guest;	 /* where the guest sees it */
	uint64_t size;	 /* > 0 */
	uint64_t user;	 /* where QEMU sees it: ring addresses are given so */
	uint64_t offset; /* where it begins in its file */
};

struct guest_memory {
	size_t n;
	struct guest_region regions[GUEST_MEMORY_REGIONS];
	void *mapping[GUEST_MEMORY_REGIONS]; /* from the start of the file page */
	size_t mapped[GUEST_MEMORY_REGIONS];
	uint8_t *base[GUEST_MEMORY_REGIONS]; /* where we see the first byte of the region */
};

/**
 * guest_memory_set() - replace the table
 * @fds: one per region; borrowed, the mapping outlives them
 *
 * Return: 0; ERR_PROTO when a region is empty, wraps, overlaps another or is not
 * in its file; a negative errno when mapping fails.  On failure the table is empty.
 */
int guest_memory_set(struct guest_memory *m, const struct guest_region *regions, const int *fds,
		     size_t n, struct err *e);

/* Unmap all; idempotent. */
void guest_memory_deinit(struct guest_memory *m);

/* Our pointer to @n bytes at guest address @addr, in one region; NULL if they are not. */
void *guest_memory_at(const struct guest_memory *m, uint64_t addr, uint64_t n);

/* The same for an address as QEMU sees it. */
void *guest_memory_at_user(const struct guest_memory *m, uint64_t addr, uint64_t n);

/**
 * guest_memory_iov() - a guest buffer as pieces that are contiguous for us
 *
 * A buffer may cross from one region into the next.
 *
 * Return: the number of pieces written to @iov (0 for @n = 0), or ERR_PROTO when a
 * byte of it is in no region or @max pieces are too few.
 */
int guest_memory_iov(const struct guest_memory *m, uint64_t addr, uint64_t n, struct iovec *iov,
		     size_t max);
