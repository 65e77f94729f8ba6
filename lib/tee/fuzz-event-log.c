/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-event-log: input is a runtime_events.log
 *
 * What parses, written again and parsed again, replays to the same register.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tee/event_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_event_log struct event_log log = { 0 }, again = { 0 };
	auto_buf struct buf text = BUF_MAX(16 * EVENT_LOG_SIZE_MAX);
	struct digest384 a, b;
	struct err e = ERR_NONE;
	size_t i;

	if (event_log_parse(p, n, &log, &e) < 0) {
		assert(e.code < 0 && e.text[0]);
		return 0;
	}
	for (i = 0; i < log.n; i++)
		assert(event_line(&log.events[i], &text) == 0);
	if (text.n > EVENT_LOG_SIZE_MAX)
		return 0;
	assert(event_log_parse(text.p, text.n, &again, &e) == 0);
	assert(event_log_replay(&log, NULL, &a) && event_log_replay(&again, NULL, &b));
	assert(memcmp(a.b, b.b, sizeof(a.b)) == 0);
	return 0;
}
