/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/tee_simulator.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define Z16   "00112233445566778899aabbccddeeff"
#define HEX32 Z16 Z16
#define HEX48 Z16 Z16 Z16

static struct tee_simulator *parsed(const char *text)
{
	struct tee_simulator *s = NULL;
	struct err e = ERR_NONE;

	if (tee_simulator_parse(text, strlen(text), &s, &e) < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(s);
	return s;
}

static void refused(const char *text, const char *why)
{
	struct tee_simulator *s = NULL;
	struct err e = ERR_NONE;

	assert(tee_simulator_parse(text, strlen(text), &s, &e) == ERR_INPUT && !s);
	if (!strstr(e.text, why))
		(void)fprintf(stderr, "%s\n", e.text);
	assert(strstr(e.text, why));
}

static void test_what_dstack_writes_is_read(void)
{
	struct tee_simulator *s =
		parsed("{\"platform\":\"dstack-tdx\",\"mock_attestation_seed\":\"" HEX32
		       "\",\"collateral_base_url\":\"http://x\",\"mr_config\":\"{}\","
		       "\"vm_config\":\"{}\",\"gcp_tpm_replay\":{}}");

	assert(s->has_seed && s->seed[1] == 0x11 && s->seed[31] == 0xff);
	assert(str_equal(s->collateral_url, "http://x"));
	assert(s->n_events == 0 && s->mrtd[1] == 0);
	tee_simulator_free(s);
	s = parsed("{\"platform\":\"dstack-tdx\"}");
	assert(!s->has_seed && !s->collateral_url);
	tee_simulator_free(s);
	tee_simulator_free(NULL);
}

static void test_ours_carries_the_boot(void)
{
	struct tee_simulator *s =
		parsed("{\"platform\":\"dstack-tdx\",\"bailey\":{\"mrtd\":\"" HEX48
		       "\",\"mrconfigid\":\"" HEX48
		       "\",\"events\":[{\"imr\":2,\"event_type\":4294967295,\"digest\":\"" HEX48
		       "\",\"event\":\"initrd\"},{\"imr\":0,\"event_type\":10,\"digest\":\"" HEX48
		       "\"}]}}");

	assert(s->mrtd[47] == 0xff && s->mr_config_id[1] == 0x11 && s->n_events == 2);
	assert(s->events[0].imr == 2 && s->events[0].type == UINT32_MAX);
	assert(str_equal(s->events[0].name, "initrd") && str_equal(s->events[1].name, ""));
	assert(s->events[1].digest[47] == 0xff);
	tee_simulator_free(s);
}

#define BOOT(inside)  "{\"platform\":\"dstack-tdx\",\"bailey\":{" inside "}}"
#define EVENT(inside) BOOT("\"events\":[{" inside "}]")

static void test_refusals(void)
{
	char many[1024] = "{\"platform\":\"dstack-tdx\",\"bailey\":{\"events\":[0";
	size_t i;

	refused("[]", "expected an object");
	refused("{}", "platform");
	refused("{\"platform\":\"dstack-gcp-tdx\"}", "platform");
	refused("{\"platform\":\"dstack-tdx\",\"mock_attestation_seed\":\"00\"}",
		"32 bytes in hex");
	refused("{\"platform\":\"dstack-tdx\",\"bailey\":[]}", "bailey");
	refused(BOOT("\"mrtd\":\"00\""), "48 bytes in hex");
	refused(BOOT("\"mrconfigid\":7"), "mrconfigid");
	refused(BOOT("\"events\":{}"), "expected a list");
	refused(BOOT("\"events\":[7]"), "event 0 is no object");
	refused(EVENT("\"imr\":3,\"event_type\":1,\"digest\":\"" HEX48 "\""), "imr");
	refused(EVENT("\"imr\":0,\"event_type\":4294967296,\"digest\":\"" HEX48 "\""),
		"event_type");
	refused(EVENT("\"imr\":0,\"event_type\":1"), "digest");
	refused(EVENT("\"imr\":0,\"event_type\":1,\"digest\":\"00\""), "48 bytes in hex");
	for (i = 0; i < TEE_SIMULATOR_EVENTS_MAX; i++)
		assert(str_copy(many + strlen(many), 3, ",0") == 2);
	assert(str_copy(many + strlen(many), 4, "]}}") == 3);
	refused(many, "at most 128");
}

int main(void)
{
	test_what_dstack_writes_is_read();
	test_ours_carries_the_boot();
	test_refusals();
	return 0;
}
