/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/evidence.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/account.h"
#include "tee/boot_log.h"
#include "tee/event_log.h"
#include "wire/attestation.h"
#include "wire/quote.h"

#define FIXTURE SOURCE_DIR "/tests/vectors/attestation/dstack-v0.bin"
#define LINES                                                                                      \
	"{\"event\":\"app-id\",\"payload\":\"AAE=\"}\n{\"event\":\"x\\u00e9\",\"payload\":\"\"}\n"
#define LINES2 "{\"event\":\"app-id\",\"payload\":\"AAE=\",\"version\":2}\n"

static struct event_log runtime(const char *lines)
{
	struct event_log log;

	assert(event_log_parse(lines, strlen(lines), &log, NULL) == 0);
	return log;
}

static struct boot_log_event boot_event(unsigned int imr, uint32_t type, const char *data)
{
	return (struct boot_log_event){ .imr = imr,
					.type = type,
					.digest.b = { (uint8_t)imr, (uint8_t)type },
					.data = mem_unconst(data), /* it is copied */
					.n_data = strlen(data) };
}

static struct boot_log boot(void)
{
	struct boot_log log = { 0 };
	struct boot_log_event evs[] = {
		boot_event(0, 1, "variable"),	boot_event(0, 10, "ACPI DATA"),
		boot_event(0, 10, "ACPI DATA"), boot_event(0, 10, "ACPI DATA"),
		boot_event(2, 6, "initrd"),
	};
	size_t i;

	for (i = 0; i < sizeof(evs) / sizeof(evs[0]); i++)
		assert(boot_log_add(&log, &evs[i], NULL) == 0);
	return log;
}

/* dstack's fixture, taken apart. */
struct fixture {
	struct buf bytes;
	struct attestation *a;
	struct boot_log boot;
	struct event_log own;
	struct quote q;
};

static void take_boot(struct fixture *f)
{
	const struct attestation_event *from;
	struct boot_log_event to;
	char name[BOOT_LOG_NAME_SIZE];
	size_t i;

	for (i = 0; i < f->a->n_events && f->a->events[i].imr < 3; i++) {
		from = &f->a->events[i];
		memset(name, 0, sizeof(name));
		memcpy(name, from->name.p, from->name.n);
		to = (struct boot_log_event){ .imr = from->imr,
					      .type = from->type,
					      .name = name,
					      .data = mem_unconst(from->payload.p),
					      .n_data = from->payload.n };
		memcpy(to.digest.b, from->digest.p, sizeof(to.digest.b));
		assert(boot_log_add(&f->boot, &to, NULL) == 0);
	}
}

static void take_own(struct fixture *f)
{
	const struct attestation_runtime *from;
	size_t i;

	f->own.events = xcalloc(f->a->n_runtime, sizeof(f->own.events[0]));
	for (i = 0; i < f->a->n_runtime; i++) {
		from = &f->a->runtime[i];
		f->own.events[f->own.n++] = (struct event){
			.version = 1,
			.name = strndup((const char *)from->name.p, from->name.n),
			.payload = xmemdup(from->payload.p, from->payload.n),
			.n_payload = from->payload.n,
		};
	}
}

static void open_fixture(struct fixture *f)
{
	*f = (struct fixture){ .a = xnew(struct attestation) };
	assert(file_read(AT_FDCWD, FIXTURE, 1 << 20, &f->bytes, NULL) == 0);
	assert(attestation_parse(f->bytes.p, f->bytes.n, f->a) == ATTESTATION_OK);
	assert(quote_parse(f->a->quote.p, f->a->quote.n, &f->q) == QUOTE_OK);
	take_boot(f);
	take_own(f);
	assert(f->boot.n + f->own.n == f->a->n_events);
}

static void close_fixture(struct fixture *f)
{
	boot_log_deinit(&f->boot);
	event_log_deinit(&f->own);
	buf_deinit(&f->bytes);
	free(f->a);
}

static void test_dstacks_fixture_replays(void)
{
	struct digest384 rtmr[TEE_RTMR_COUNT];
	struct fixture f;
	size_t i;

	open_fixture(&f);
	boot_log_replay(&f.boot, rtmr);
	assert(event_log_replay(&f.own, NULL, &rtmr[TEE_RTMR_RUNTIME]));
	for (i = 0; i < TEE_RTMR_COUNT; i++)
		assert(memcmp(rtmr[i].b, f.q.td.rtmr[i], sizeof(rtmr[i].b)) == 0);
	close_fixture(&f);
}

static void test_dstacks_fixture_is_put_together_again(void)
{
	auto_buf struct buf again = BUF_MAX(ATTESTATION_SIZE_MAX), plain = again;
	auto_free struct attestation *b = xnew(struct attestation);
	auto_free char *config = NULL;
	struct fixture f;
	struct evidence ev;
	size_t i;

	open_fixture(&f);
	config = strndup((const char *)f.a->config.p, f.a->config.n);
	ev = (struct evidence){ &f.boot,      &f.own,		f.a->quote.p,
				f.a->quote.n, f.a->report_data, config };
	assert(evidence_attestation(&ev, &again, NULL) == 0);
	assert(attestation_parse(again.p, again.n, b) == ATTESTATION_OK);
	for (i = 0; i < b->n_events; i++) {
		if (b->events[i].imr < 3)
			b->events[i].name.n =
				0; /* guests of that age did not name the ACPI tables */
	}
	assert(attestation_write(b, ATTESTATION_V0, &plain) == 0);
	assert(plain.n == f.bytes.n && memcmp(plain.p, f.bytes.p, f.bytes.n) == 0);
	close_fixture(&f);
}

/* The aggregates that dstack publishes of its fixture. */
static void test_aggregate_is_dstacks(void)
{
	auto_buf struct buf bytes = { 0 };
	auto_free struct attestation *a = xnew(struct attestation);
	struct digest256 d;
	struct tee_td td;
	struct quote q;
	char hex[65];
	size_t i;

	assert(file_read(AT_FDCWD, FIXTURE, 1 << 20, &bytes, NULL) == 0);
	assert(attestation_parse(bytes.p, bytes.n, a) == ATTESTATION_OK);
	assert(quote_parse(a->quote.p, a->quote.n, &q) == QUOTE_OK);
	memcpy(td.mrtd.b, q.td.mr_td, 48);
	memcpy(td.mr_config_id.b, q.td.mr_config_id, 48);
	memcpy(td.mr_owner.b, q.td.mr_owner, 48);
	memcpy(td.mr_owner_config.b, q.td.mr_owner_config, 48);
	for (i = 0; i < TEE_RTMR_COUNT; i++)
		memcpy(td.rtmr[i].b, q.td.rtmr[i], 48);
	d = evidence_aggregate(&td);
	str_hex(hex, d.b, sizeof(d.b));
	assert(str_equal(hex, "85334a62c97d0f8bf82d0245d31b539d17a2d7c258e2a13efc928aaea0e107cb"));
}

static void test_public_events_keep_what_names_them(void)
{
	auto_boot_log struct boot_log log = boot();
	auto_event_log struct event_log own = runtime(LINES);
	json_auto_t *full = evidence_events(&log, &own, EVIDENCE_FULL);
	json_auto_t *told = evidence_events(&log, &own, EVIDENCE_PUBLIC);
	auto_free char *text = evidence_events_text(&log, &own, EVIDENCE_PUBLIC);
	static const char *const names[] = { "", "acpi-loader", "acpi-rsdp", "acpi-tables", "" };
	const json_t *j;
	size_t i;

	assert(json_array_size(full) == 7 && json_array_size(told) == 7);
	assert(str_equal(json_get_str(json_array_get(full, 4), "event_payload", "?"),
			 "696e69747264"));
	assert(str_equal(json_get_str(json_array_get(told, 4), "event_payload", "?"), ""));
	for (i = 0; i < 5; i++) {
		j = json_array_get(told, i);
		assert(str_equal(json_get_str(j, "event", "?"), names[i]));
		assert(strlen(json_get_str(j, "digest", "")) == 96);
		assert(boot_log_is_acpi(&log.events[i]) ==
		       str_equal(json_get_str(j, "event_payload", "?"), "414350492044415441"));
	}
	assert(str_equal(json_get_str(json_array_get(told, 5), "event_payload", "?"), "0001"));
	assert(strlen(json_get_str(json_array_get(told, 5), "digest", "")) == 96);
	for (i = 0; text[i]; i++)
		assert((unsigned char)text[i] < 0x80); /* SDKs count it as ASCII */
}

/* Whoever reads the list finds nothing wrong with its digests, and the same registers. */
static void test_our_own_reader_accepts_it(void)
{
	auto_boot_log struct boot_log log = boot();
	auto_event_log struct event_log own = runtime(LINES2);
	auto_free char *text = evidence_events_text(&log, &own, EVIDENCE_PUBLIC);
	struct digest384 rtmr[TEE_RTMR_COUNT];
	struct account *a = NULL;
	struct err e = ERR_NONE;
	size_t i;

	assert(strstr(text, "\"preimage\""));
	assert(account_read(text, strlen(text), &a, &e) == 0);
	for (i = 0; i < a->n_findings; i++)
		assert(!str_equal(a->findings[i].check, "digest") &&
		       !str_equal(a->findings[i].check, "preimage"));
	boot_log_replay(&log, rtmr);
	assert(event_log_replay(&own, NULL, &rtmr[3]));
	assert(memcmp(rtmr, a->rtmr, sizeof(rtmr)) == 0);
	account_free(a);
}

static void test_attestation_takes_the_form_it_needs(void)
{
	static const uint8_t report_data[TEE_REPORT_DATA_SIZE] = { 5 };
	auto_boot_log struct boot_log log = boot();
	auto_event_log struct event_log first = runtime(LINES), second = runtime(LINES2);
	auto_free struct attestation *a = xnew(struct attestation);
	auto_buf struct buf out = BUF_MAX(ATTESTATION_SIZE_MAX);
	struct evidence ev = { &log, &first, (const uint8_t *)"q", 1, report_data, "{}" };

	assert(evidence_attestation(&ev, &out, NULL) == 0);
	assert(attestation_parse(out.p, out.n, a) == ATTESTATION_OK && a->form == ATTESTATION_V0);
	assert(a->n_events == 7 && a->n_runtime == 2 && a->report_data[0] == 5);
	out.n = 0;
	ev.runtime = &second;
	assert(evidence_attestation(&ev, &out, NULL) == 0);
	assert(attestation_parse(out.p, out.n, a) == ATTESTATION_OK && a->form == ATTESTATION_V1);
	assert(a->runtime[0].version == 2);
}

static void test_boot_log_limits(void)
{
	struct boot_log_event ev = boot_event(4, 1, "");
	auto_boot_log struct boot_log log = { 0 };
	char name[BOOT_LOG_NAME_SIZE + 1];
	size_t i;

	assert(boot_log_add(&log, &ev, NULL) == ERR_INPUT);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	ev = boot_event(1, 1, "");
	ev.name = name;
	assert(boot_log_add(&log, &ev, NULL) == ERR_INPUT);
	ev.name = NULL;
	for (i = 0; i < BOOT_LOG_EVENTS_MAX; i++)
		assert(boot_log_add(&log, &ev, NULL) == 0);
	assert(boot_log_add(&log, &ev, NULL) == ERR_LIMIT);
	assert(boot_log_of_ccel("", 0, &log, NULL) == ERR_INPUT);
}

int main(void)
{
	test_dstacks_fixture_replays();
	test_dstacks_fixture_is_put_together_again();
	test_aggregate_is_dstacks();
	test_public_events_keep_what_names_them();
	test_our_own_reader_accepts_it();
	test_attestation_takes_the_form_it_needs();
	test_boot_log_limits();
	return 0;
}
