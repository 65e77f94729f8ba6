/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: a folder with a guest's kernel, initramfs and what measures them
 *
 * Two depths: image_load() reads metadata.json and finds the files, image_check() also hashes them.
 *
 * Owns     its strings.
 * Trusts   nothing in the folder: names are resolved inside it, files must be regular, texts are capped.
 * Wire     metadata.json, sha256sum.txt and digest.txt as dstack's image builds write them.
 * Thread   any; image_check() blocks for as long as hashing takes.  An image_cache may be shared by threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct image_cache;

#define IMAGE_STAND_IN "stand-in.fd" /* a firmware to measure and not to start */

enum {
	IMAGE_NAME_MAX = 64,
	IMAGE_METADATA_MAX = 64 * 1024,
	IMAGE_SUMS_MAX = 16 * 1024, /* sha256sum.txt goes into .sys-config.json, which has 32 KiB */
	IMAGE_MEASUREMENT_MAX = 16 * 1024,
	IMAGE_LIST_MAX = 256,
};

struct image_version {
	uint16_t major, minor, patch; /* 0.0.0: none that we can read */
};

struct image {
	char name[IMAGE_NAME_MAX + 1];
	char *dir; /* canonical */
	/* Canonical paths inside dir; NULL: not in the metadata.  kernel and initrd are always there. */
	char *kernel, *initrd, *hda, *rootfs, *bios, *bios_sev;
	char *cmdline;		      /* NULL: none */
	char *rootfs_hash;	      /* NULL: none */
	char *version_text;	      /* "" if the metadata has none */
	struct image_version version; /* of version_text, else of the folder's name */
	bool shared_ro, is_dev;
	bool is_pre202505; /* ovmf_variant */
	char digest[65];   /* digest.txt, lower-case hex; "" if there is none */
	char *description; /* the metadata as ListImages shows it: compact JSON, every key */
	/* sha256sum.txt and measurement.tdx.cbor; both there or both empty */
	struct buf sums, tdx_measurement;
};

/* 1 to IMAGE_NAME_MAX of [A-Za-z0-9._-]; no dot at the beginning, no "..". */
bool image_name_is_valid(const char *name);

/**
 * image_load() - read and resolve the image @name of the folder @store
 *
 * Return: 0; ERR_INPUT "Invalid image name"; ERR_NOT_FOUND; ERR_CORRUPT with the file and what is wrong with it.
 */
int image_load(const char *store, const char *name, struct image **ret, struct err *e);
void image_free(struct image *im);

/* What a VM without a simulated TEE starts in; NULL: none, also if all there is, is stand-in.fd, which runs nothing. */
const char *image_firmware(const struct image *im);

/* Is @im at least version @major.@minor.@patch? */
bool image_is_at_least(const struct image *im, unsigned int major, unsigned int minor,
		       unsigned int patch);

/**
 * image_check() - does each file still hold what sha256sum.txt says, and that what digest.txt says?
 * @c: remembers which files were hashed, by device, inode, size, mtime and ctime; NULL: hash all
 *
 * Every listed file must match, and kernel, initrd, bios and metadata.json must be listed.  The rootfs is bound
 * by its dm-verity hash on the kernel command line and need not be.
 *
 * Return: 0; ERR_CORRUPT; ERR_MISSING if there is no sha256sum.txt or digest.txt.
 */
int image_check(const struct image *im, struct image_cache *c, struct err *e);

struct image_cache *image_cache_new(void);
void image_cache_free(struct image_cache *c);

/*
 * Every folder of @store that loads, sorted by name; others are skipped, with @skipped told why (may be NULL).
 * A missing @store is an empty list.  The caller frees with image_list_free().
 */
int image_list(const char *store, struct image ***ret, size_t *ret_n,
	       void (*skipped)(void *arg, const char *name, const struct err *why), void *arg,
	       struct err *e);
void image_list_free(struct image **list, size_t n);
