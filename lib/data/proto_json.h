/* SPDX-License-Identifier: Apache-2.0 */
/* proto_json: what the ways between JSON and messages share; for lib/data only */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

struct err;

/* proto_from_json(); with @is_text every scalar is a JSON string that holds its text. */
int proto_json_read(const ProtobufCMessageDescriptor *d, const json_t *j, bool is_text,
		    ProtobufCMessage **ret, struct err *e);

/* Bytes of an element of a repeated field; only those that need no default are ever repeated in ours. */
size_t proto_json_element_size(const ProtobufCFieldDescriptor *f);
