/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lite: the measurement document of an image, by which a verifier needs none of its files
 *
 * An image's builder computes once what is the same in every machine and lists the document in sha256sum.txt,
 * whose SHA-256 is the os_image_hash.  A verifier that has both, from the host, checks that chain and adds what the
 * machine has: memory, ACPI tables, the order of QEMU's page adds.
 *
 * Trusts   nothing but os_image_hash, which the caller compares with what it wants to run.
 * Wire     CBOR, version 3: {version, image: {cmdline_sha384, kernel_authenticode, initrd_sha384}, tdvf: {ovmf:
 *          "pre202505", mrtd: {single_pass, two_pass}, td_hob}}, each key once, in any order, no other.
 * Limits   LITE_DOCUMENT_MAX, LITE_SUMS_MAX bytes.  Kernels are measured as in a machine of 2 GiB, or of 2.75 GiB and
 *          more; other sizes are refused, as QEMU puts the initrd elsewhere there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "tee/measure.h"

struct buf;
struct err;

enum { LITE_DOCUMENT_MAX = 16 * 1024, LITE_SUMS_MAX = 16 * 1024 };

#define LITE_DOCUMENT_NAME "measurement.tdx.cbor"

struct lite_document {
	struct digest384 cmdline, kernel, initrd;
	struct digest384 mrtd_single, mrtd_two;
	struct td_hob_layout layout;
};

/* Return: 0; ERR_INPUT with the key that is wrong. */
int lite_parse(const void *p, size_t n, struct lite_document *ret, struct err *e);

/* The document's bytes, as dstack's builder writes them.  Return: as buf_add(). */
int lite_write(const struct lite_document *d, struct buf *ret);

/**
 * lite_bind() - does os_image_hash vouch for the document @p, through the lines of @sums?
 *
 * Return: 0; ERR_INPUT with which link is broken.
 */
int lite_bind(const struct digest256 *os_image_hash, const void *sums, size_t n_sums, const void *p,
	      size_t n, struct err *e);

/* Is that the SHA-384 of the CFV which documents stand for? */
bool lite_knows_cfv(const struct digest384 *of);

/* Is the kernel of a machine of so much memory the one that documents measure? */
bool lite_fits(uint64_t memory);

/**
 * lite_measure() - the registers of a machine with that image
 * @acpi: of its tables
 *
 * The CFV is that of the firmware which version 3 names: EDK2 before 202505 with no key enrolled.
 *
 * Return: 0; ERR_INPUT.
 */
int lite_measure(const struct lite_document *d, uint64_t memory, bool two_pass,
		 const struct measure_acpi *acpi, struct measurement *ret, struct err *e);
