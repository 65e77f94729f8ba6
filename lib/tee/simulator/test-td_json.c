/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "simulator/td_json.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "simulator/simulator.h"

#define HEX8  "0102030405060708"
#define HEX16 HEX8 HEX8
#define HEX48 HEX16 HEX16 HEX16
#define HEX64 HEX48 HEX16

static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static int parse(const char *text, struct simulator_td *td, struct err *e)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
	int rc;

	assert(j);
	simulator_td_init(td);
	rc = td_json_read(j, td, e);
	json_decref(j);
	return rc;
}

static void test_members_go_where_they_belong(void)
{
	struct simulator_td td;

	assert(parse("{\"mrtd\":\"" HEX48 "\",\"rtmr3\":\"" HEX48 "\",\"report_data\":\"" HEX64
		     "\",\"xfam\":\"0000000000061ae7\",\"attributes\":\"0000000010000001\","
		     "\"seam_attributes\":\"" HEX8 "\",\"mrservicetd\":null}",
		     &td, NULL) == 0);
	assert(memcmp(td.mr_td.b + 40, bytes, 8) == 0 && memcmp(td.rtmr[3].b, bytes, 8) == 0);
	assert(memcmp(td.report_data + 56, bytes, 8) == 0 && td.rtmr[2].b[0] == 0);
	assert(memcmp(td.seam_attributes, bytes, 8) == 0);
	assert(td.xfam == 0x61ae7 && td.attributes == 0x10000001);
	assert(td.version == 4 && td.body == QUOTE_BODY_TD10);
	assert(parse("{\"tee_tcb_svn2\":\"" HEX16 "\"}", &td, NULL) == 0 && td.version == 5 &&
	       td.body == QUOTE_BODY_TD15);
	assert(parse("{\"mrservicetd\":\"" HEX48 "\"}", &td, NULL) == 0 && td.version == 5);
	assert(parse("{}", &td, NULL) == 0 && td.attributes == SIMULATOR_ATTRIBUTES);
}

static void test_what_is_no_td(void)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "[]", "object" },
		{ "1", "object" },
		{ "{\"mrtd\":1}", "\"mrtd\"" },
		{ "{\"mrtd\":\"\"}", "48 bytes" },
		{ "{\"mrtd\":\"" HEX48 "00\"}", "48 bytes" },
		{ "{\"report_data\":\"" HEX48 "\"}", "64 bytes" },
		{ "{\"xfam\":\"" HEX16 "\"}", "8 bytes" },
		{ "{\"xfam\":\"6\"}", "8 bytes" },
		{ "{\"MRTD\":\"" HEX48 "\"}", "no \"MRTD\"" },
		{ "{\"mr\\ntd\":null}", "no \"mr\\x0atd\"" },
	};
	struct simulator_td td, untouched;
	struct err e;
	size_t i;

	simulator_td_init(&untouched);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		e = ERR_NONE;
		assert(parse(rows[i].text, &td, &e) == ERR_INPUT && strstr(e.text, rows[i].says));
		assert(memcmp(&td.mr_td, &untouched.mr_td, sizeof(td.mr_td)) == 0 &&
		       memcmp(td.report_data, untouched.report_data, 64) == 0 &&
		       td.xfam == untouched.xfam && td.version == untouched.version);
	}
}

int main(void)
{
	test_members_go_where_they_belong();
	test_what_is_no_td();
	return 0;
}
