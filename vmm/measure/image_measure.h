/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_measure: the registers of a VM that starts with an image, in either form
 *
 * From the image's files, which the caller has checked (image_check()), or from the measurement document that
 * vm_config carries, which is checked here against os_image_hash.  ACPI tables come from QEMU (acpi_oracle.h) or from
 * a recording.
 *
 * Blocks   while files are hashed and QEMU is asked: a program's own thread or a worker's.
 */
#pragma once

#include <stddef.h>

#include "measure/acpi_oracle.h"
#include "measure/machine.h"
#include "tee/lite.h"
#include "tee/measurement.h"

struct err;
struct image;
struct sys_vm_config;

struct image_measure_args {
	struct machine machine;
	struct acpi_source source;
	const struct buf *tables; /* recorded, borrowed; NULL: QEMU is asked */
	/* Digests of tables that the caller takes from somebody, for image_measure(): then nobody is asked.  NULL. */
	const struct measure_acpi *acpi;
};

/**
 * image_measure() - of the files of @im
 * @ret_answer: which QEMU's tables; all zero of a recording.  May be NULL
 *
 * Return: 0; ERR_MISSING: the image has no firmware, or as acpi_oracle(); ERR_INPUT with the file that is wrong.
 */
int image_measure(const struct image *im, const struct image_measure_args *args,
		  struct measurement *ret, struct acpi_answer *ret_answer, struct err *e);

/**
 * image_measure_lite() - of the document in @vm, which need not say that it is lite
 *
 * Return: 0; ERR_MISSING: it carries none; ERR_INPUT: os_image_hash does not vouch for it, or as lite_measure().
 */
int image_measure_lite(const struct sys_vm_config *vm, const struct image_measure_args *args,
		       struct measurement *ret, struct acpi_answer *ret_answer, struct err *e);

/* What is the same in machines of any size. */
struct image_facts {
	struct lite_document
		document; /* its kernel: as in a machine of 2 GiB, or of 2.75 GiB and more */
	struct digest384 cfv;
	bool has_known_cfv; /* the one that documents stand for: without it verifiers cannot use the document */
};

/* Return: 0; ERR_MISSING: the image has no firmware; ERR_INPUT with the file that is wrong. */
int image_facts(const struct image *im, struct image_facts *ret, struct err *e);
