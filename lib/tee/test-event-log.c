/* SPDX-License-Identifier: Apache-2.0 */
/* test-event-log: parse, refuse, replay to the register of a real TDX quote */
#include "tee/event_log.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static void expect_register(const struct event_log *log, const char *until, const char *hex)
{
	struct digest384 mr;
	char text[2 * sizeof(mr.b) + 1];

	assert(event_log_replay(log, until, &mr));
	str_hex(text, mr.b, sizeof(mr.b));
	assert(str_equal(text, hex));
}

static void load_fixture(struct event_log *log)
{
	auto_buf struct buf b = { 0 };
	struct err e = ERR_NONE;

	assert(file_read(AT_FDCWD, SOURCE_DIR "/tests/fuzz/corpus/event-log/fixture",
			 EVENT_LOG_SIZE_MAX, &b, &e) == 0);
	assert(event_log_parse(b.p, b.n, log, &e) == 0);
}

/* The events of the SDKs' fixture; the registers are those its TDX quote holds. */
static void test_replay_gives_rtmr3_of_a_real_quote(void)
{
	auto_event_log struct event_log log = { 0 };

	load_fixture(&log);
	assert(log.n == 9);
	expect_register(
		&log, NULL,
		"f28a1490ee924e9396c2ccf2d93ad536b83cbe159a1d45024d1fd7acdcc102145efcfcd0cfa"
		"209416446c70226affadf");
	expect_register(
		&log, "boot-mr-done",
		"161d4d87fecefcad09ed96ba8f901e58eca0f422b8155e2829ef94ce084a757e88c7f4be29d"
		"f017ed72531e8efb643b7");
}

static void test_replay_says_when_the_end_is_not_there(void)
{
	auto_event_log struct event_log log = { 0 };
	struct digest384 mr;

	load_fixture(&log);
	assert(!event_log_replay(&log, "no-such-event", &mr));
}

static void test_json_is_dstacks(void)
{
	static const char line[] =
		"{\"event\":\"compose-hash\",\"payload\":\"q80=\",\"version\":2}\n";
	auto_event_log struct event_log log = { 0 };
	struct err e = ERR_NONE;
	auto_free char *text = NULL;
	json_t *j;

	assert(event_log_parse(line, strlen(line), &log, &e) == 0);
	j = event_log_json(&log);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	assert(str_equal(text, "[{\"imr\":3,\"event_type\":134217729,\"digest\":\""
			       "9dde1673f544faa94b921825209593ddde08d0baf9cd6990175dffaf3081f1bb"
			       "10311d56de189491feb33842a050ad7b\",\"event\":\"compose-hash\","
			       "\"event_payload\":\"abcd\",\"version\":2}]"));
}

static void test_bad_lines_are_refused_by_number(void)
{
	static const char *const bad[] = {
		"x\n",
		"\n",
		"[]\n",
		"{\"event\":\"a\"}\n",
		"{\"event\":\"a\",\"payload\":\"\"}",
		"{\"event\":\"a\",\"payload\":\"q80\"}\n",
		"{\"event\":\"a\",\"payload\":\"\",\"version\":3}\n",
		"{\"event\":\"a\",\"payload\":\"\",\"version\":4294967297}\n",
		"{\"event\":\"a\",\"payload\":\"\",\"more\":1}\n",
		"{\"event\":\"a\",\"event\":\"b\",\"payload\":\"\"}\n",
		"{\"event\":\"\\u0000\",\"payload\":\"\"}\n",
	};
	struct event_log log = { 0 };
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = ERR_NONE;
		assert(event_log_parse(bad[i], strlen(bad[i]), &log, &e) < 0);
		assert(strstr(e.text, "line 1"));
	}
}

static void test_too_many_events_are_refused(void)
{
	static const char line[] = "{\"event\":\"a\",\"payload\":\"\"}\n";
	auto_buf struct buf b = BUF_MAX(EVENT_LOG_SIZE_MAX);
	auto_event_log struct event_log log = { 0 };
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < EVENT_LOG_EVENTS_MAX; i++)
		assert(buf_add_str(&b, line) == 0);
	assert(event_log_parse(b.p, b.n, &log, &e) == 0);
	event_log_deinit(&log);
	assert(buf_add_str(&b, line) == 0);
	assert(event_log_parse(b.p, b.n, &log, &e) == ERR_LIMIT);
	assert(event_log_parse(b.p, EVENT_LOG_SIZE_MAX + 1, &log, &e) == ERR_LIMIT);
}

int main(void)
{
	test_replay_gives_rtmr3_of_a_real_quote();
	test_replay_says_when_the_end_is_not_there();
	test_json_is_dstacks();
	test_bad_lines_are_refused_by_number();
	test_too_many_events_are_refused();
	return 0;
}
