/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_store: the folder of images, and how one comes and goes whole
 *
 * Owns     <store>/.gone-<name>-<8 hex>/, images on their way out, and <store>/.pull-<name>-<8 hex>/, the stages of
 *	    images on their way in.  Nothing else is deleted.
 * Invariant an image comes and goes by a rename: a crash leaves all of it or none, and what it left of the deletion the
 *	    next image_store_sweep() finishes.
 * Thread   any; image_store_hide() is one rename, the others block on the disk.
 */
#pragma once

#include "store/image.h"

struct err;

enum { IMAGE_STORE_ASIDE_SIZE = IMAGE_NAME_MAX + 24 };

/**
 * image_store_hide() - take the image @name out of @store
 * @ret: where it went, for image_store_delete()
 *
 * Only a folder with a metadata.json in it is an image; whether it loads does not matter.
 *
 * Return: 0; ERR_INPUT "invalid image name"; ERR_NOT_FOUND; ERR_CONFLICT if it is not the folder of an image.
 */
int image_store_hide(const char *store, const char *name, char ret[static IMAGE_STORE_ASIDE_SIZE],
		     struct err *e);

/* Delete what image_store_hide() put aside.  Return: 0 or an errno; the next sweep tries again. */
int image_store_delete(const char *store, const char *aside, struct err *e);

/*
 * Make a folder of the caller's alone, beside where the image @name is to be.
 * @ret: its name in @store, for image_store_delete().  Return: 0 or an errno.
 */
int image_store_stage(const char *store, const char *name, char ret[static IMAGE_STORE_ASIDE_SIZE],
		      struct err *e);

/* Move the folder @name of the stage @aside in.  Return: 0; ERR_CONFLICT if there is one; an errno. */
int image_store_publish(const char *store, const char *aside, const char *name, struct err *e);

/* Delete what a crash left of images on their way in or out.  Return: 0 or the first errno. */
int image_store_sweep(const char *store, struct err *e);
