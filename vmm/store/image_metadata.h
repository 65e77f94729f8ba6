/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_metadata: metadata.json of an image folder
 *
 * Pure.  Owns the JSON; texts are borrowed from it.  Unknown keys are ignored, null is absent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "store/image.h"

struct image_metadata {
	json_t *doc;
	const char *kernel, *initrd;		    /* file names */
	const char *hda, *rootfs, *bios, *bios_sev; /* or NULL */
	const char *cmdline, *rootfs_hash;	    /* or NULL */
	const char *version;			    /* may be "" */
	bool shared_ro, is_dev, is_pre202505;
};

/* Return: 0, for image_metadata_deinit(); ERR_CORRUPT. */
int image_metadata_parse(const void *p, size_t n, struct image_metadata *ret, struct err *e);
void image_metadata_deinit(struct image_metadata *m);

/* Every key, in dstack's order, null where absent: compact JSON.  The caller frees. */
char *image_metadata_describe(const struct image_metadata *m);

/* "0.6.0", also with more after a third dot: 1.  0 if it is no version. */
int image_version_parse(const char *text, struct image_version *ret);

/* The version in the name of a folder: "dstack-0.6.0", "dstack-dev-0.6.0", "bailey-0.1.0"; "" if none.  Borrowed. */
const char *image_version_of_name(const char *name);
