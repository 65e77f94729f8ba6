/* SPDX-License-Identifier: Apache-2.0 */
/* conf_value: one scalar of a document, from its text to its type; for lib/data only */
#pragma once

#include <stdbool.h>

#include <jansson.h>

struct conf_key;
struct err;

/* Is it without line breaks and other control characters? */
bool conf_is_one_line(const char *text);

/*
 * The value of @text as @k wants it.  On failure the message says what is wrong and what would be
 * right, without file, line and path.
 *
 * Return: 0 and a new value; ERR_INPUT.
 */
int conf_value_of(const struct conf_key *k, const char *text, json_t **ret, struct err *e);
