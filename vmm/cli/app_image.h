/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_image: the image that a verifier believes, checked, and measured as the evidence's vm_config wants it built
 *
 * Owns     the image and the measurement.
 * Trusts   the folder that the operator names, if its own sums hold, or the digest; of vm_config nothing.
 * Blocks   while files are hashed and QEMU is asked for ACPI tables (measure/image_measure.h).
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "tee/measurement.h"

struct cli;
struct image;

enum { APP_IMAGE_HASH_SIZE = 65 };

struct app_image {
	struct image *im;		/* NULL: known by its digest alone */
	char hash[APP_IMAGE_HASH_SIZE]; /* hex; "" if it has none */
	struct err fault;		/* of the image; code 0: it is as its builder left it */
	bool has_measurement;
	struct measurement measurement;
	struct err why;	      /* there is none */
	bool is_config_fault; /* and it is vm_config's fault */
};

/*
 * That of --image, or --image-hash, whose measurement document is in @vm_config (NULL: there is none).
 * Return: 1 and *@ret; 0: none was named; ERR_INPUT: there is no such image.
 */
int app_image_read(const struct cli *c, const char *vm_config, struct app_image *ret,
		   struct err *e);
void app_image_deinit(struct app_image *i);
