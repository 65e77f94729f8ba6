/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system's events have an order, and each but the hashes of init scripts comes once.  Whoever reads
 * "the first app-id" may be told another than who reads the last, so what is doubled, moved or comes
 * after system-ready is a finding, whatever the register says.
 */
#include <string.h>

#include "base/str.h"
#include "data/json.h"
#include "tee/account_parts.h"

enum { JSON_PAYLOAD_MAX = 4096 };

enum payload { ANY, EMPTY, BYTES_20, BYTES_0_OR_20, BYTES_32, OBJECT, FILE_SYSTEM };

static const struct rule {
	const char *name;
	bool is_needed, may_repeat;
	enum payload payload;
} rules[] = {
	{ "system-preparing", true, false, EMPTY },
	{ "app-id", true, false, BYTES_20 },
	{ "compose-hash", true, false, BYTES_32 },
	{ "init-script-hash", false, true, BYTES_32 },
	{ "gpu-policy-hash", false, false, BYTES_32 },
	{ "gpu-attestation", false, false, OBJECT },
	{ "instance-id", true, false, BYTES_0_OR_20 },
	{ ACCOUNT_BOOT_MR, true, false, EMPTY },
	{ "mr-kms", false, false, ANY }, /* of some older guests */
	{ "os-image-hash", false, false, BYTES_32 },
	{ "key-provider", true, false, OBJECT },
	{ "storage-fs", false, false, FILE_SYSTEM },
	{ ACCOUNT_READY, true, false, EMPTY },
};

enum { N_RULES = sizeof rules / sizeof *rules };

struct progress {
	size_t seen[N_RULES], last;
	bool is_ready;
};

static size_t rule_of(const char *name)
{
	size_t i;

	for (i = 0; i < N_RULES && !str_equal(rules[i].name, name); i++)
		;
	return i;
}

static bool is_object(const struct event *ev)
{
	json_t *j = NULL;
	bool is = json_parse(ev->payload, ev->n_payload, JSON_PAYLOAD_MAX, "payload", &j, NULL) ==
			  0 &&
		  json_is_object(j);

	json_decref(j);
	return is;
}

static bool is_text(const struct event *ev, const char *text)
{
	return ev->n_payload == strlen(text) && memcmp(ev->payload, text, ev->n_payload) == 0;
}

/* What the payload must be; NULL: it is that. */
static const char *wrong_payload(const struct event *ev, enum payload kind)
{
	size_t n = ev->n_payload;

	switch (kind) {
	case ANY:
		return NULL;
	case EMPTY:
		return n == 0 ? NULL : "nothing";
	case BYTES_20:
		return n == 20 ? NULL : "20 bytes";
	case BYTES_0_OR_20:
		return n == 0 || n == 20 ? NULL : "20 bytes or nothing";
	case BYTES_32:
		return n == 32 ? NULL : "32 bytes";
	case OBJECT:
		return is_object(ev) ? NULL : "a JSON object";
	case FILE_SYSTEM:
		return is_text(ev, "zfs") || is_text(ev, "ext4") ? NULL : "zfs or ext4";
	default:
		return "known";
	}
}

static void judge_one(struct account *a, size_t entry, struct progress *p)
{
	const struct event *ev = &a->log.events[a->entries[entry].event];
	const char *wanted;
	size_t k = rule_of(ev->name);

	if (k == N_RULES) {
		if (!p->is_ready)
			account_find(a, "order", entry, "an app's event before " ACCOUNT_READY);
		return;
	}
	if (p->seen[k]++ && !rules[k].may_repeat)
		account_find(a, "doubled", entry, "%s comes once only", ev->name);
	else if (p->is_ready)
		account_find(a, "order", entry, "%s after " ACCOUNT_READY, ev->name);
	else if (k < p->last)
		account_find(a, "order", entry, "%s after %s", ev->name, rules[p->last].name);
	wanted = wrong_payload(ev, rules[k].payload);
	if (wanted)
		account_find(a, "payload", entry, "%s carries %zu bytes that are not %s", ev->name,
			     ev->n_payload, wanted);
	if (k > p->last)
		p->last = k;
	p->is_ready |= str_equal(ev->name, ACCOUNT_READY);
}

static void judge_missing(struct account *a, const struct progress *p)
{
	bool is_later = false;
	size_t i;

	for (i = 0; i < N_RULES; i++) {
		if (rules[i].is_needed && !p->seen[i]) {
			account_find(a, "missing", SIZE_MAX, "no %s", rules[i].name);
			if (a->n_findings < ACCOUNT_FINDINGS_MAX)
				a->findings[a->n_findings - 1].is_later = is_later;
		}
		is_later |= str_equal(rules[i].name, ACCOUNT_BOOT_MR);
	}
}

void account_judge_runtime(struct account *a)
{
	struct progress p = { .last = 0 };
	size_t i;

	for (i = 0; i < a->n_entries; i++) {
		if (a->entries[i].event >= 0)
			judge_one(a, i, &p);
	}
	judge_missing(a, &p);
}
