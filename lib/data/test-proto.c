/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/proto.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "data/json.h"
#include "proto/agent.pb-c.h"
#include "proto/common.pb-c.h"
#include "proto/guest.pb-c.h"
#include "proto/host.pb-c.h"
#include "proto/vmm.pb-c.h"

enum { MAX = 1024 * 1024 };

#define VM_CONFIGURATION (&bailey__vmm__vm_configuration__descriptor)

static json_t *json(const char *text)
{
	struct err e = ERR_NONE;
	json_t *j = NULL;

	assert(json_parse(text, strlen(text), MAX, "test", &j, &e) == 0);
	return j;
}

static void *from_json(const ProtobufCMessageDescriptor *d, const char *text)
{
	json_auto_t *j = json(text);
	ProtobufCMessage *m = NULL;
	struct err e = ERR_NONE;
	int rc = proto_from_json(d, j, &m, &e);

	if (rc < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(rc == 0);
	return m;
}

static void refused(int rc, const struct err *e, int code, const char *message)
{
	if (rc != code || strcmp(e->text, message) != 0)
		(void)fprintf(stderr, "got %d: %s\nexpected %d: %s\n", rc, e->text, code, message);
	assert(rc == code && strcmp(e->text, message) == 0);
}

static void bad_json(const ProtobufCMessageDescriptor *d, const char *text, const char *message)
{
	json_auto_t *j = json(text);
	ProtobufCMessage *m = NULL;
	struct err e = ERR_NONE;

	refused(proto_from_json(d, j, &m, &e), &e, ERR_INPUT, message);
	assert(!m);
}

static void bad_query(const ProtobufCMessageDescriptor *d, const char *query, const char *message)
{
	ProtobufCMessage *m = NULL;
	struct err e = ERR_NONE;

	refused(proto_from_query(d, query, &m, &e), &e, ERR_INPUT, message);
	assert(!m);
}

static void bad_wire(const ProtobufCMessageDescriptor *d, const char *p, size_t n, int code,
		     const char *message)
{
	ProtobufCMessage *m = NULL;
	struct err e = ERR_NONE;

	refused(proto_from_bytes(d, p, n, &m, &e), &e, code, message);
	assert(!m);
}

/* As JSON text; the message is freed. */
static char *text_of(void *m)
{
	auto_buf struct buf b = BUF_MAX(MAX);

	assert(proto_to_json(m, &b) == 0 && strlen((char *)b.p) == b.n);
	protobuf_c_message_free_unpacked(m, NULL);
	return buf_take_str(&b);
}

static void same(char *got, const char *expected)
{
	if (strcmp(got, expected) != 0)
		(void)fprintf(stderr, "got %s\nexpected %s\n", got, expected);
	assert(strcmp(got, expected) == 0);
	free(got);
}

static void test_optional_fields_can_be_set(void)
{
	Bailey__Vmm__UpdateVmRequest m = BAILEY__VMM__UPDATE_VM_REQUEST__INIT;

	assert(!proto_has(&m, vcpu));
	proto_set(&m, vcpu, 4);
	assert(proto_has(&m, vcpu) && m.vcpu == 4);
	assert(m.has_vcpu_case == BAILEY__VMM__UPDATE_VM_REQUEST__HAS_VCPU_VCPU);
	assert(!proto_has(&m, memory));
}

/* The reply that dstack's own command line was seen to read (reference: vmm.md 4.6). */
static const char golden_info[] =
	"{\"found\":true,\"info\":{\"id\":\"11111111-1111-4111-8111-111111111111\",\"name\":\"n\","
	"\"status\":\"running\",\"uptime\":\"1m 2s\",\"app_url\":null,"
	"\"app_id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"instance_id\":null,"
	"\"configuration\":{\"name\":\"n\",\"image\":\"dstack-0.6.0\",\"compose_file\":\"{...}\","
	"\"vcpu\":1,\"memory\":1024,\"disk_size\":20,\"ports\":[],\"encrypted_env\":\"\","
	"\"app_id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"user_config\":\"\","
	"\"hugepages\":false,\"pin_numa\":false,\"gpus\":{\"gpus\":[],\"attach_mode\":\"listed\"},"
	"\"kms_urls\":[],\"gateway_urls\":[],\"stopped\":false,\"no_tee\":true,\"networking\":null,"
	"\"networks\":[],\"simulated_tee\":null,\"gateway_service\":null},"
	"\"exited_at\":\"never\",\"boot_progress\":\"done\",\"boot_error\":\"\","
	"\"shutdown_progress\":\"\",\"image_version\":\"0.6.0\",\"events\":[{\"event\":\"boot."
	"progress\",\"body\":\"done\",\"timestamp\":1700000000000}],"
	"\"interfaces\":[{\"mode\":\"user\",\"backend\":\"slirp\",\"mac\":\"16:36:2f:56:63:87\","
	"\"bridge_name\":null,\"netdev_id\":\"net0\"}],"
	/* ours, last: dstack's clients do not look at them */
	"\"exit_reason\":\"\",\"restart_attempts\":0,\"restart_gave_up\":false,"
	"\"restart_at_ms\":0,\"is_outdated\":false,\"addresses\":[],\"lacks_gateway\":false}}";

static void test_golden_reply_is_built_byte_for_byte(void)
{
	char id[] = "11111111-1111-4111-8111-111111111111", name[] = "n", running[] = "running";
	char app_id[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", uptime[] = "1m 2s",
	     never[] = "never";
	char image[] = "dstack-0.6.0", compose[] = "{...}", listed[] = "listed", done[] = "done";
	char version[] = "0.6.0", progress[] = "boot.progress", user[] = "user", slirp[] = "slirp";
	char mac[] = "16:36:2f:56:63:87", net0[] = "net0";
	Bailey__Vmm__GetInfoResponse reply = BAILEY__VMM__GET_INFO_RESPONSE__INIT;
	Bailey__Vmm__VmInfo info = BAILEY__VMM__VM_INFO__INIT;
	Bailey__Vmm__VmConfiguration c = BAILEY__VMM__VM_CONFIGURATION__INIT;
	Bailey__Vmm__GpuConfig gpus = BAILEY__VMM__GPU_CONFIG__INIT;
	Bailey__Vmm__GuestEvent event = BAILEY__VMM__GUEST_EVENT__INIT, *events[] = { &event };
	Bailey__Vmm__NetworkInterfaceStatus net = BAILEY__VMM__NETWORK_INTERFACE_STATUS__INIT;
	Bailey__Vmm__NetworkInterfaceStatus *nets[] = { &net };
	auto_buf struct buf b = BUF_MAX(MAX);

	event.event = progress;
	event.body = done;
	event.timestamp = 1700000000000;
	net.mode = user;
	net.backend = slirp;
	net.mac = mac;
	proto_set(&net, netdev_id, net0);
	gpus.attach_mode = listed;
	c.name = name;
	c.image = image;
	c.compose_file = compose;
	c.vcpu = 1;
	c.memory = 1024;
	c.disk_size = 20;
	c.gpus = &gpus;
	c.no_tee = true;
	proto_set(&c, app_id, app_id);
	info.id = id;
	info.name = name;
	info.status = running;
	info.uptime = uptime;
	info.app_id = app_id;
	info.configuration = &c;
	proto_set(&info, exited_at, never);
	info.boot_progress = done;
	info.image_version = version;
	info.events = events;
	info.n_events = 1;
	info.interfaces = nets;
	info.n_interfaces = 1;
	reply.found = true;
	reply.info = &info;
	assert(proto_to_json(&reply.base, &b) == 0);
	same(buf_take_str(&b), golden_info);
}

static void test_golden_reply_survives_both_encodings(void)
{
	Bailey__Vmm__GetInfoResponse *m =
		from_json(&bailey__vmm__get_info_response__descriptor, golden_info);
	auto_buf struct buf b = BUF_MAX(MAX);
	ProtobufCMessage *again = NULL;
	struct err e = ERR_NONE;

	assert(proto_to_bytes(&m->base, &b) == 0 && b.n > 100);
	assert(proto_from_bytes(m->base.descriptor, b.p, b.n, &again, &e) == 0);
	protobuf_c_message_free_unpacked(&m->base, NULL);
	same(text_of(again), golden_info);
}

static void test_every_field_is_there_when_empty(void)
{
	same(text_of(from_json(&bailey__vmm__get_info_response__descriptor, "{}")),
	     "{\"found\":false,\"info\":null}");
	same(text_of(from_json(&bailey__vmm__update_vm_request__descriptor, "{}")),
	     "{\"id\":\"\",\"compose_file\":\"\",\"encrypted_env\":\"\",\"user_config\":\"\","
	     "\"update_ports\":false,\"ports\":[],\"update_kms_urls\":false,\"kms_urls\":[],"
	     "\"update_gateway_urls\":false,\"gateway_urls\":[],\"gpus\":null,\"vcpu\":null,"
	     "\"memory\":null,\"disk_size\":null,\"image\":null,\"no_tee\":null,"
	     "\"update_networking\":false,\"networks\":[],\"clear_encrypted_env\":false,"
	     "\"clear_user_config\":false,\"update_gateway_service\":false,"
	     "\"gateway_service\":null}");
	same(text_of(from_json(&bailey__guest__container__descriptor, "{\"created\":-1}")),
	     "{\"id\":\"\",\"names\":[],\"image\":\"\",\"image_id\":\"\",\"created\":-1,"
	     "\"state\":\"\",\"status\":\"\"}");
}

static void test_empty_is_null(void)
{
	same(text_of(from_json(&bailey__empty__descriptor, "{\"anything\":1}")), "null");
	same(text_of(from_json(&bailey__empty__descriptor, "null")), "null");
}

static void test_attestation_is_left_out_while_empty(void)
{
	const ProtobufCMessageDescriptor *d = &bailey__agent__get_quote_response__descriptor;

	same(text_of(from_json(d, "{\"quote\":\"01\"}")),
	     "{\"quote\":\"01\",\"event_log\":\"\",\"report_data\":\"\",\"vm_config\":\"\"}");
	same(text_of(from_json(d, "{\"attestation\":\"02\"}")),
	     "{\"quote\":\"\",\"event_log\":\"\",\"report_data\":\"\",\"vm_config\":\"\","
	     "\"attestation\":\"02\"}");
	same(text_of(from_json(&bailey__agent__attest_response__descriptor, "{}")),
	     "{\"attestation\":\"\"}");
}

static void test_input_is_lenient_where_dstack_is(void)
{
	Bailey__Vmm__VmConfiguration *m = from_json(
		VM_CONFIGURATION,
		"{\"swap_size\":3,\"encrypted_env\":\"0x0x00fFaB\",\"app_id\":null,\"gpus\":null,"
		"\"simulated_tee\":\"\",\"name\":null,\"ports\":null,\"kms_urls\":[\"a\",\"b\"],"
		"\"vcpu\":4294967295}");

	assert(m->encrypted_env.len == 3 && memcmp(m->encrypted_env.data, "\x00\xff\xab", 3) == 0);
	assert(!proto_has(m, app_id) && !m->gpus && m->n_ports == 0 && m->name[0] == 0);
	assert(proto_has(m, simulated_tee) && m->simulated_tee[0] == 0);
	assert(m->n_kms_urls == 2 && strcmp(m->kms_urls[1], "b") == 0 && m->vcpu == UINT32_MAX);
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void test_wrong_json_is_refused_by_name(void)
{
	bad_json(VM_CONFIGURATION, "[]", "expected an object");
	bad_json(VM_CONFIGURATION, "{\"vcpu\":-1}",
		 "field 'vcpu': expected a number from 0 to 4294967295");
	bad_json(VM_CONFIGURATION, "{\"vcpu\":4294967296}",
		 "field 'vcpu': expected a number from 0 to 4294967295");
	bad_json(VM_CONFIGURATION, "{\"vcpu\":\"1\"}",
		 "field 'vcpu': expected a number from 0 to 4294967295");
	bad_json(VM_CONFIGURATION, "{\"vcpu\":1.0}",
		 "field 'vcpu': expected a number from 0 to 4294967295");
	bad_json(VM_CONFIGURATION, "{\"name\":1}", "field 'name': expected a string");
	bad_json(VM_CONFIGURATION, "{\"app_id\":[]}", "field 'app_id': expected a string");
	bad_json(VM_CONFIGURATION, "{\"stopped\":\"true\"}",
		 "field 'stopped': expected true or false");
	bad_json(VM_CONFIGURATION, "{\"ports\":{}}", "field 'ports': expected a list");
	bad_json(VM_CONFIGURATION, "{\"kms_urls\":[\"a\",null]}",
		 "field 'kms_urls': element 1: expected a string");
	bad_json(VM_CONFIGURATION, "{\"ports\":[{},{\"vm_port\":\"x\"}]}",
		 "field 'ports': element 1: field 'vm_port': expected a number from 0 to "
		 "4294967295");
	bad_json(VM_CONFIGURATION, "{\"encrypted_env\":\"abc\"}",
		 "field 'encrypted_env': expected an even number of hex digits");
	bad_json(VM_CONFIGURATION, "{\"encrypted_env\":\"zz\"}",
		 "field 'encrypted_env': expected an even number of hex digits");
	bad_json(VM_CONFIGURATION, "{\"ports\":[null]}",
		 "field 'ports': element 0: expected an object");
	bad_json(VM_CONFIGURATION, "{\"gpus\":3}", "field 'gpus': expected an object");
	bad_json(&bailey__vmm__guest_event__descriptor, "{\"timestamp\":-1}",
		 "field 'timestamp': expected a number from 0 to 9223372036854775807");
}

static void *from_query(const ProtobufCMessageDescriptor *d, const char *query)
{
	ProtobufCMessage *m = NULL;
	struct err e = ERR_NONE;

	assert(proto_from_query(d, query, &m, &e) == 0);
	return m;
}

static void test_query_is_decoded(void)
{
	const ProtobufCMessageDescriptor *d = &bailey__vmm__status_request__descriptor;
	const char *two =
		"{\"ids\":[\"a b\",\"c&\"],\"brief\":true,\"keyword\":\"\\u00E9\",\"page\":2,"
		"\"page_size\":0}";

	same(text_of(from_query(d, "ids=a+b&ids=c%26&brief=true&keyword=%C3%A9&page=2")), two);
	same(text_of(from_query(d, "ids[0]=a%20b&ids[1]=c%26&brief=1&keyword=%c3%a9&page=2&json")),
	     two);
	same(text_of(from_query(
		     d, "ids%5B%5D=a+b&ids[]=c%26&&token=x&brief=true&keyword=%C3%A9&page=2")),
	     two);
	same(text_of(from_query(&bailey__id__descriptor, "")), "{\"id\":\"\"}");
	same(text_of(from_query(&bailey__id__descriptor, NULL)), "{\"id\":\"\"}");
	same(text_of(from_query(&bailey__id__descriptor, "id=a=b&=&=x&[]=y")), "{\"id\":\"a=b\"}");
	same(text_of(from_query(&bailey__vmm__app_id__descriptor, "app_id=0xAB01")),
	     "{\"app_id\":\"ab01\",\"kms_urls\":[]}");
	same(text_of(from_query(&bailey__empty__descriptor, "a=1")), "null");
}

static void test_bad_query_is_refused(void)
{
	const ProtobufCMessageDescriptor *d = &bailey__vmm__status_request__descriptor;

	bad_query(d, "page=x", "field 'page': expected a number from 0 to 4294967295");
	bad_query(d, "page=", "field 'page': expected a number from 0 to 4294967295");
	bad_query(d, "page=-1", "field 'page': expected a number from 0 to 4294967295");
	bad_query(d, "page=4294967296", "field 'page': expected a number from 0 to 4294967295");
	bad_query(d, "brief=yes", "field 'brief': expected true or false");
	bad_query(d, "page=1&page=2", "query: field 'page' is given twice");
	bad_query(d, "page[0]=1", "query: field 'page' is not a list");
	bad_query(d, "keyword=%", "query: bad percent-encoding");
	bad_query(d, "keyword=%4", "query: bad percent-encoding");
	bad_query(d, "keyword=%zz", "query: bad percent-encoding");
	bad_query(d, "keyword=a%00b", "query: bad percent-encoding");
	bad_query(d, "keyword=%ff", "query: field 'keyword' is not valid UTF-8");
	bad_query(VM_CONFIGURATION, "gpus=x", "field 'gpus': cannot be given in a query; use POST");
}

static void test_bytes_are_read(void)
{
	/* an unknown field of each wire type around id */
	static const char wire[] = "\xa0\x06\x01\x0a\x02xy\xa9\x06"
				   "12345678\xad\x06"
				   "1234\xa2\x06\x01z";
	ProtobufCMessage *m = NULL;
	struct err e = ERR_NONE;

	assert(proto_from_bytes(&bailey__id__descriptor, wire, sizeof(wire) - 1, &m, &e) == 0);
	same(text_of(m), "{\"id\":\"xy\"}");
	assert(proto_from_bytes(&bailey__id__descriptor, NULL, 0, &m, &e) == 0);
	same(text_of(m), "{\"id\":\"\"}");
	/* last wins */
	assert(proto_from_bytes(&bailey__id__descriptor, "\x0a\x01x\x0a\x01y", 6, &m, &e) == 0);
	same(text_of(m), "{\"id\":\"y\"}");
}

static void test_malformed_bytes_are_refused(void)
{
	const ProtobufCMessageDescriptor *id = &bailey__id__descriptor;

	bad_wire(id, "\x0a\x05xy", 4, ERR_INPUT, "malformed protobuf message");
	bad_wire(id, "\x0a", 1, ERR_INPUT, "malformed protobuf message");
	bad_wire(id, "\x80", 1, ERR_INPUT, "malformed protobuf message");
	bad_wire(id, "\x02\x01x", 3, ERR_INPUT, "malformed protobuf message"); /* field 0 */
	bad_wire(id, "\x0b", 1, ERR_INPUT, "malformed protobuf message");      /* a group */
	bad_wire(id, "\x08\x01", 2, ERR_INPUT,
		 "malformed protobuf message"); /* a number for a string */
	bad_wire(id, "\x0a\x01\xff", 3, ERR_INPUT, "field 'id': not valid UTF-8 text");
	bad_wire(id, "\x0a\x03x\0y", 5, ERR_INPUT, "field 'id': not valid UTF-8 text");
	bad_wire(id, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, ERR_INPUT,
		 "malformed protobuf message");
	bad_wire(VM_CONFIGURATION, "\x3a\x03\x0a\x01\xff", 5, ERR_INPUT,
		 "field 'protocol': not valid UTF-8 text");
}

static void test_a_bomb_of_fields_is_refused(void)
{
	size_t n = 2 * (PROTO_ITEMS_MAX + 1), i;
	auto_free char *known = xcalloc(1, n), *unknown = xcalloc(1, n);

	for (i = 0; i < n; i += 2) {
		known[i] = 0x3a;   /* ports: an empty element */
		unknown[i] = 0x78; /* field 15 of Id */
	}
	bad_wire(VM_CONFIGURATION, known, n, ERR_LIMIT, "more than 65536 fields");
	bad_wire(&bailey__id__descriptor, unknown, n, ERR_LIMIT, "more than 65536 fields");
}

static void test_text_of_ours_that_is_not_utf8_is_still_written(void)
{
	auto_buf struct buf b = BUF_MAX(MAX);
	Bailey__Id m = BAILEY__ID__INIT;
	char wrong[] = "a\xff\xc3\n";

	m.id = wrong;
	assert(proto_to_json(&m.base, &b) == 0);
	same(buf_take_str(&b), "{\"id\":\"a??\\n\"}");
}

static void test_every_character_is_escaped_as_json_has_it(void)
{
	char text[] = "\x01\x1f\b\t\n\f\r\"\\/\x7f\u00e9\u20ac\uffff\U00010000\U0010ffff";
	auto_buf struct buf b = BUF_MAX(MAX);
	json_auto_t *j = NULL, *s = json_string(text);
	auto_free char *others = json_compact_ascii(s);
	Bailey__Id m = BAILEY__ID__INIT;

	m.id = text;
	assert(proto_to_json(&m.base, &b) == 0);
	assert(json_parse(b.p, b.n, MAX, "text", &j, NULL) == 0);
	assert(json_equal(json_object_get(j, "id"), s));
	assert(strlen(others) + strlen("{\"id\":}") == b.n);
	assert(memcmp(b.p + strlen("{\"id\":"), others, strlen(others)) == 0);
}

/* A message that holds another which was encoded before comes out the same, both ways. */
static void test_what_is_ready_is_put_in_its_place(void)
{
	auto_buf struct buf json = BUF_MAX(MAX), bytes = BUF_MAX(MAX);
	auto_buf struct buf whole = BUF_MAX(MAX), spliced = BUF_MAX(MAX);
	Bailey__Vmm__VmInfo v = BAILEY__VMM__VM_INFO__INIT;
	Bailey__Vmm__VmConfiguration c = BAILEY__VMM__VM_CONFIGURATION__INIT;
	Bailey__Vmm__VmInfo *back;
	struct proto_ready ready;
	char name[] = "n\"1", id[] = "i";

	c.name = name;
	c.vcpu = 3;
	v.id = id;
	v.configuration = &c;
	assert(!proto_to_json(&c.base, &json) && !proto_to_bytes(&c.base, &bytes));
	assert(!proto_to_json(&v.base, &whole));
	v.configuration = (Bailey__Vmm__VmConfiguration *)(void *)&ready.base;
	proto_ready_json(&ready, (const char *)json.p, json.n);
	assert(!proto_to_json(&v.base, &spliced) && spliced.n == whole.n);
	assert(memcmp(spliced.p, whole.p, whole.n) == 0);
	buf_deinit(&whole);
	buf_deinit(&spliced);
	proto_ready_bytes(&ready, bytes.p, bytes.n);
	assert(!proto_to_bytes(&v.base, &spliced));
	v.configuration = &c;
	assert(!proto_to_bytes(&v.base, &whole) && spliced.n == whole.n);
	assert(memcmp(spliced.p, whole.p, whole.n) == 0);
	back = bailey__vmm__vm_info__unpack(NULL, spliced.n, spliced.p);
	assert(back && back->configuration->vcpu == 3 && !strcmp(back->configuration->name, name));
	bailey__vmm__vm_info__free_unpacked(back, NULL);
	proto_ready_bytes(&ready, NULL, 0); /* a message with nothing in it */
	v.configuration = (Bailey__Vmm__VmConfiguration *)(void *)&ready.base;
	buf_deinit(&spliced);
	assert(!proto_to_bytes(&v.base, &spliced));
	assert(!proto_ready_of(&c.base) && !proto_ready_of(NULL));
}

static void test_what_does_not_fit_is_refused(void)
{
	char id[] = "0123456789";
	Bailey__Id m = BAILEY__ID__INIT;
	size_t max;

	m.id = id;
	for (max = 0; max < strlen("{\"id\":\"0123456789\"}"); max++) {
		auto_buf struct buf b = BUF_MAX(max);

		assert(proto_to_json(&m.base, &b) == -EMSGSIZE);
	}
}

int main(void)
{
	test_optional_fields_can_be_set();
	test_golden_reply_is_built_byte_for_byte();
	test_golden_reply_survives_both_encodings();
	test_every_field_is_there_when_empty();
	test_empty_is_null();
	test_attestation_is_left_out_while_empty();
	test_input_is_lenient_where_dstack_is();
	test_wrong_json_is_refused_by_name();
	test_query_is_decoded();
	test_bad_query_is_refused();
	test_bytes_are_read();
	test_malformed_bytes_are_refused();
	test_a_bomb_of_fields_is_refused();
	test_text_of_ours_that_is_not_utf8_is_still_written();
	test_every_character_is_escaped_as_json_has_it();
	test_what_is_ready_is_put_in_its_place();
	test_what_does_not_fit_is_refused();
	return 0;
}
