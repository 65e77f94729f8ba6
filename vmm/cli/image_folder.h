/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_folder: the guest image that an operator names by its folder
 */
#pragma once

struct err;
struct image;

/*
 * Load it.  @path: a folder; or a name without a slash that is no folder here, which is then one of baileyd's in
 * /var/lib/bailey/image.
 *
 * Return: of image_load(), with @path in front; the caller frees.
 */
int image_folder_load(const char *path, struct image **ret, struct err *e);
