/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_shelf: what a guest's registers must be, for the images that there are
 *
 * By the document that its vm_config carries, or by the files of an image of that digest in the folder; with ACPI
 * tables as its log tells of them, or as QEMU makes them, which is the operator's choice.
 *
 * Owns     what was computed of IMAGE_SHELF_MAX machines.
 * Trusts   an image that still has its own digest; of vm_config nothing.
 * Thread   any; it blocks while files are hashed or QEMU is asked.
 */
#pragma once

#include <stddef.h>

struct err;
struct image_shelf;
struct kms_config;
struct measurement;
struct peer;

enum { IMAGE_SHELF_MAX = 256 };

/* Borrows @c. */
struct image_shelf *image_shelf_new(const struct kms_config *c);
void image_shelf_free(struct image_shelf *s);

/* Return: 0; negative, and @e says why nothing is known. */
int image_shelf_measure(struct image_shelf *s, const struct peer *p, struct measurement *ret,
			struct err *e);

/* Forget what is known of the image with that digest (32 bytes); NULL: of all. */
void image_shelf_clear(struct image_shelf *s, const void *os_image_hash);
