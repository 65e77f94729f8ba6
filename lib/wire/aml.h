/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aml: the named things of a DSDT: find one, replace it, write a new one
 *
 * Scopes and devices are entered; methods and values are taken whole.  A change moves what follows, and mends the
 * lengths of all that it lies in, as short as QEMU writes them.
 *
 * Pure: works in the caller's memory.
 *
 * Trusts   nothing: what is not understood is refused.
 * Limits   AML_DEPTH_MAX scopes and devices in each other; a name of as many segments.
 * Wire     ACPI 6.5, 20.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	AML_DEPTH_MAX = 8,
	AML_PATH_SIZE = 5 * AML_DEPTH_MAX + 1,
	AML_SEGMENT = 4, /* of a name */
};

enum aml_kind {
	AML_SCOPE,
	AML_DEVICE,
	AML_METHOD,
	AML_NAME,
	AML_OTHER, /* a region, a field, a mutex */
	AML_KIND_COUNT,
};

/* Terms, one after the other. */
struct aml {
	uint8_t *p;
	size_t n, cap;
};

/* Where something is.  Any change of the terms makes it invalid. */
struct aml_term {
	enum aml_kind kind;
	size_t at, n;		  /* whole */
	size_t body;		  /* its content: terms, code behind the flags, a value */
	char path[AML_PATH_SIZE]; /* "_SB_.PCI0.S08_" */
	size_t outer
		[AML_DEPTH_MAX]; /* where the scopes and devices around it begin, outermost first */
	size_t depth;
};

/* All terms in order, those of a scope or device right after it. */
struct aml_walk {
	size_t at[AML_DEPTH_MAX + 1], end[AML_DEPTH_MAX + 1]; /* of what is being walked */
	size_t begin[AML_DEPTH_MAX + 1];
	char path[AML_DEPTH_MAX + 1][AML_PATH_SIZE]; /* of each */
	size_t depth;
};

/* The terms from @at (a DSDT's: behind its header). */
struct aml_walk aml_walk_from(const struct aml *a, size_t at);

/* Return: 1; 0: no more; ERR_PROTO: neither is it AML that we know. */
int aml_walk_next(const struct aml *a, struct aml_walk *w, struct aml_term *ret, struct err *e);

/* The first term of that kind and path.  Return: 1; 0: there is none; ERR_PROTO. */
int aml_find(const struct aml *a, size_t from, enum aml_kind kind, const char *path,
	     struct aml_term *ret, struct err *e);

/*
 * Changes.  Return: 0; -EMSGSIZE: more than a->cap; ERR_PROTO.
 *
 * aml_replace(): put @n bytes instead of @t (0: take it away).  aml_insert(): put them before it.  aml_append(): put
 * them at the end of the scope or device @t.
 */
int aml_replace(struct aml *a, const struct aml_term *t, const void *p, size_t n, struct err *e);
int aml_insert(struct aml *a, const struct aml_term *t, const void *p, size_t n, struct err *e);
int aml_append(struct aml *a, const struct aml_term *t, const void *p, size_t n, struct err *e);

/* AML that is being written.  Once it is full it stays full. */
struct aml_out {
	uint8_t *p;
	size_t n, cap;
	bool is_full;
};

void aml_put(struct aml_out *o, const void *p, size_t n);
void aml_put_int(struct aml_out *o, uint32_t v); /* as short as can be */
void aml_put_package_length(struct aml_out *o, size_t body);

/* What has a length: begin with its opcode (0x5b82 for a device), put its content, end.  Up to 4095 bytes. */
size_t aml_begin(struct aml_out *o, unsigned int opcode);
void aml_end(struct aml_out *o, size_t begin);

/* The length at *@at of what has one, moved past it.  Return: where that ends; 0: beyond @end, or malformed. */
size_t aml_package_end(const struct aml *a, size_t *at, size_t end);
