/* SPDX-License-Identifier: Apache-2.0 */
/* create: the CreateVm request that an app becomes, and how it compares with a VM that exists */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct app;

/* A VmConfiguration; the caller owns it. */
json_t *create_request(const struct app *a, const char *image, bool is_stopped);

/*
 * What of @request differs from the configuration of a VM, as "memory (512 there, 1024 here), ports".
 * The image counts only if @with_image.  Return: how many keys differ.
 */
size_t create_differs(const json_t *request, const json_t *configuration, bool with_image,
		      char *ret, size_t size);

/* The newest of ListImages' images: by version, then by name.  Borrowed; NULL if there is none. */
const char *create_newest_image(const json_t *images);
