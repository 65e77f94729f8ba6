/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_vectors: recorded measurements, for the tests of this folder
 */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"

#ifndef SOURCE_DIR /* this header alone, without a test around it */
#define SOURCE_DIR "."
#endif

static inline json_t *vector_json(const char *name)
{
	char path[512];
	struct err e = ERR_NONE;
	json_t *j = NULL;

	assert(str_format(path, sizeof(path), SOURCE_DIR "/tests/vectors/measurement/%s", name) >
	       0);
	assert(json_read_file(AT_FDCWD, path, 1024 * 1024, &j, &e) == 0);
	return j;
}

static inline struct buf vector_bytes(const char *name)
{
	struct buf b = BUF_MAX(1024 * 1024);
	char path[512];
	struct err e = ERR_NONE;

	assert(str_format(path, sizeof(path), SOURCE_DIR "/tests/vectors/measurement/%s", name) >
	       0);
	assert(file_read(AT_FDCWD, path, b.max, &b, &e) == 0);
	return b;
}

static inline struct digest384 vector_digest(const char *hex)
{
	struct digest384 d;

	assert(hex && strlen(hex) == 2 * sizeof(d.b) && str_unhex(d.b, sizeof(d.b), hex) == 0);
	return d;
}

static inline int vector_is(const struct digest384 *d, const json_t *o, const char *key)
{
	struct digest384 want = vector_digest(json_get_str(o, key, NULL));

	return memcmp(d->b, want.b, sizeof(want.b)) == 0;
}
