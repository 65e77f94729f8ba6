/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allow: an allow-list, and what it says of who asks
 *
 * Pure.  Nothing is allowed that is not written down; reasons are those of dstack's auth-simple, in its order.
 *
 * Owns     the document.
 * Limits   those of data/conf and data/yaml.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "data/conf.h"

struct boot_info;
struct err;
struct grant;

struct allow {
	json_t *doc;
};

extern const struct conf_key allow_table[];

/* Return: 0 and *@ret, to be deinitialised; ERR_INPUT with file, line, key. */
int allow_parse(const char *text, size_t n, const char *file, struct allow *ret, struct err *e);
void allow_deinit(struct allow *a);

/* May that app, or that KMS, have keys?  *@ret is written in every case. */
void allow_app(const struct allow *a, const struct boot_info *b, struct grant *ret);
void allow_kms(const struct allow *a, const struct boot_info *b, struct grant *ret);

/* "" if there is none. */
const char *allow_gateway(const struct allow *a);
