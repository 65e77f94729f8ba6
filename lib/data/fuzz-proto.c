/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte that chooses the message, one that chooses the encoding (protobuf, JSON, query),
 * then the bytes.  Property: what is read comes back equal through JSON and through protobuf.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "data/proto.h"
#include "proto/agent.pb-c.h"
#include "proto/common.pb-c.h"
#include "proto/guest.pb-c.h"
#include "proto/host.pb-c.h"
#include "proto/vmm.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { OUT_MAX = 64 * 1024 * 1024 };

static const ProtobufCMessageDescriptor *const messages[] = {
	&bailey__vmm__vm_configuration__descriptor,
	&bailey__vmm__update_vm_request__descriptor,
	&bailey__vmm__status_request__descriptor,
	&bailey__vmm__status_response__descriptor,
	&bailey__vmm__app_id__descriptor,
	&bailey__guest__list_containers_response__descriptor,
	&bailey__guest__network_information__descriptor,
	&bailey__guest__system_info__descriptor,
	&bailey__host__notification__descriptor,
	&bailey__host__get_sealing_key_request__descriptor,
	&bailey__agent__get_tls_key_args__descriptor,
	&bailey__agent__get_quote_response__descriptor,
	&bailey__id__descriptor,
	&bailey__empty__descriptor,
};

static char *text_of(const ProtobufCMessage *m)
{
	auto_buf struct buf b = BUF_MAX(OUT_MAX);

	assert(proto_to_json(m, &b) == 0);
	return buf_take_str(&b);
}

/* A uint64 over INT64_MAX is cut in JSON, so only JSON is compared with JSON. */
static void check(const ProtobufCMessageDescriptor *d, const ProtobufCMessage *m)
{
	auto_free char *text = text_of(m), *by_json = NULL, *by_bytes = NULL, *by_jansson = NULL;
	auto_buf struct buf b = BUF_MAX(OUT_MAX);
	ProtobufCMessage *again = NULL;
	struct err e = ERR_NONE;
	json_auto_t *j = NULL;

	assert(json_parse(text, strlen(text), OUT_MAX, "again", &j, &e) == 0);
	by_jansson = json_compact_ascii(j);
	assert(strcmp(text, by_jansson) == 0);
	assert(proto_from_json(d, j, &again, &e) == 0);
	by_json = text_of(again);
	assert(strcmp(text, by_json) == 0);
	protobuf_c_message_free_unpacked(again, NULL);
	assert(proto_to_bytes(m, &b) == 0);
	assert(proto_from_bytes(d, b.p, b.n, &again, &e) == 0);
	by_bytes = text_of(again);
	assert(strcmp(text, by_bytes) == 0);
	protobuf_c_message_free_unpacked(again, NULL);
}

static int read_as(uint8_t how, const ProtobufCMessageDescriptor *d, const uint8_t *p, size_t n,
		   ProtobufCMessage **ret, struct err *e)
{
	auto_free char *query = NULL;
	json_auto_t *j = NULL;
	int rc;

	if (how % 3 == 0)
		return proto_from_bytes(d, p, n, ret, e);
	if (how % 3 == 1) {
		rc = json_parse(p, n, 1 << 20, "input", &j, e);
		return rc < 0 ? rc : proto_from_json(d, j, ret, e);
	}
	query = xcalloc(1, n + 1);
	if (n)
		memcpy(query, p, n);
	return proto_from_query(d, query, ret, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const ProtobufCMessageDescriptor *d;
	ProtobufCMessage *m = NULL;
	struct err e = ERR_NONE;

	if (n < 2)
		return 0;
	d = messages[p[0] % (sizeof(messages) / sizeof(messages[0]))];
	if (read_as(p[1], d, p + 2, n - 2, &m, &e) == 0) {
		check(d, m);
		protobuf_c_message_free_unpacked(m, NULL);
	} else {
		assert(!m && e.code < 0 && e.text[0] && str_is_utf8(e.text, strlen(e.text)));
	}
	return 0;
}
