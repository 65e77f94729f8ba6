/* SPDX-License-Identifier: Apache-2.0 */
/* create: the CreateVm request that an app becomes */
#pragma once

#include <stdbool.h>

#include <jansson.h>

struct app;

/* A VmConfiguration; the caller owns it. */
json_t *create_request(const struct app *a, const char *image, bool is_stopped);

/* The newest of ListImages' images: by version, then the shorter name, then the later.  Borrowed; NULL if there is none. */
const char *create_newest_image(const json_t *images);
