/* SPDX-License-Identifier: Apache-2.0 */
#include "data/proto.h"

#include <assert.h>
#include <string.h>

void proto_mark(ProtobufCMessage *m, const void *member, void *has)
{
	const ProtobufCMessageDescriptor *d = m->descriptor;
	size_t at = (size_t)((const char *)member - (const char *)m);
	unsigned int i;

	for (i = 0; i < d->n_fields && d->fields[i].offset != at; i++)
		continue;
	assert(i < d->n_fields && (d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF));
	memcpy(has, &d->fields[i].id, sizeof(d->fields[i].id));
}
