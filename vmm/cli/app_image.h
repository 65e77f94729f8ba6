/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_image: the image that a verifier believes, checked, and measured as the evidence's vm_config wants it built
 *
 * Owns     the image and the measurement.
 * Trusts   the folder that the operator names, if its own sums hold; of vm_config nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "tee/measurement.h"

struct image;

struct app_image {
	struct image *im;
	struct err fault; /* of the image; code 0: it is as its builder left it */
	bool has_measurement;
	struct measurement measurement;
	struct err why;	      /* there is none */
	bool is_config_fault; /* and it is vm_config's fault */
};

/* The image in folder @path, with @vm_config (NULL: none).  Return: 0; ERR_INPUT: there is no image. */
int app_image_read(const char *path, const char *vm_config, struct app_image *ret, struct err *e);
void app_image_deinit(struct app_image *i);
