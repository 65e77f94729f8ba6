/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acpi_cache: answers that are kept under the digest of all that they depend on
 *
 * A file holds the digest of its kind, key and content, so one that was cut, changed or renamed is none.  The folder is
 * used only if nobody else may write to it.  Losing it costs time and nothing else: no function here fails.
 *
 * Limits   ACPI_CACHE_FILES_MAX files of at most ACPI_CACHE_SIZE_MAX bytes; old ones give way.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "crypto/digest.h"

enum {
	ACPI_CACHE_FILES_MAX = 256,
	ACPI_CACHE_SIZE_MAX = 8 * 1024 * 1024,
};

/* @folder is made if absent; NULL: $XDG_CACHE_HOME/bailey/acpi; "": none.  Return: an fd; -1: there is no cache. */
int acpi_cache_open(const char *folder);

/* What was kept under @kind (a plain word) and @key.  The caller deinits.  Return: 1; 0: nothing. */
int acpi_cache_get(int dir, const char *kind, const struct digest256 *key, struct buf *ret);

void acpi_cache_put(int dir, const char *kind, const struct digest256 *key, const void *p,
		    size_t n);
