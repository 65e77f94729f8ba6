/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-account: any bytes are a log with findings or have a reason; findings point at its events, every
 * event has a name, and what its data says is fit for a terminal
 *
 * Input    the log, in any of its forms.
 */
#undef NDEBUG
#include "tee/account.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "tee/firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void judge_entry(const struct account_entry *x, size_t n_events)
{
	const struct firmware_event ev = { (unsigned int)x->imr, x->type, x->digest, x->data,
					   x->n_data };
	char text[FIRMWARE_TEXT_SIZE];
	size_t i;

	assert(x->imr >= ACCOUNT_ANY && x->imr < TEE_RTMR_COUNT && x->name);
	assert(x->event < (int)n_events);
	if (x->event >= 0)
		return;
	(void)firmware_text(&ev, text);
	assert(strlen(text) < sizeof text);
	for (i = 0; text[i]; i++)
		assert((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct account *a = NULL;
	struct err e = ERR_NONE;
	size_t i;

	if (account_read(data, n, &a, &e) < 0) {
		assert(*e.text);
		return 0;
	}
	assert(a->log.n <= EVENT_LOG_EVENTS_MAX && a->n_findings <= ACCOUNT_FINDINGS_MAX);
	for (i = 0; i < a->n_findings; i++) {
		assert(a->findings[i].check && *a->findings[i].text);
		assert(a->findings[i].event < (int)a->log.n);
	}
	for (i = 0; i < a->n_findings; i++)
		assert(a->findings[i].entry < (int)a->n_entries);
	for (i = 0; i < a->n_entries; i++)
		judge_entry(&a->entries[i], a->log.n);
	assert(a->n_findings > 0 || a->form == ACCOUNT_CCEL ||
	       (account_event(a, "app-id") && a->has_boot_mr));
	account_free(a);
	return 0;
}
