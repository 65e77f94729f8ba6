/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware of any kind measures in one order: what it was handed, its own settings, the line between firmware and
 * what it starts, then that, then that it is done.  An event before its place says that somebody else wrote it.
 * Which events there are differs by firmware; a dstack machine's (QEMU starts the kernel itself) are known.
 */
#include "base/str.h"
#include "tee/account_parts.h"
#include "tee/firmware.h"

/* All of them are in the log of a dstack machine. */
static const struct rule {
	int imr;
	const char *name;
} rules[] = {
	{ 0, "td-hob" },
	{ 0, "cfv" },
	{ 0, "secure-boot" },
	{ 0, "pk" },
	{ 0, "kek" },
	{ 0, "db" },
	{ 0, "dbx" },
	{ 0, "separator" },
	{ 0, "acpi-loader" },
	{ 0, "acpi-rsdp" },
	{ 0, "acpi-tables" },
	{ 0, "boot-order" },
	{ 0, "boot-0000" },
	{ 1, "kernel" },
	{ 1, "boot-option" },
	{ 1, "separator" },
	{ 1, "exit-boot-services" },
	{ 1, "exit-boot-services-done" },
	{ 2, "cmdline" },
	{ 2, "initrd" },
};

enum { N_RULES = sizeof rules / sizeof *rules, N_REGISTERS = 3 };

struct progress {
	size_t seen[N_RULES];
	size_t last[N_REGISTERS]; /* the furthest rule met, by register */
	bool has[N_REGISTERS];
};

static size_t rule_of(const struct account_entry *x)
{
	size_t i;

	for (i = 0; i < N_RULES && !(rules[i].imr == x->imr && str_equal(rules[i].name, x->name));
	     i++)
		;
	return i;
}

static bool is_firmware(const struct account_entry *x)
{
	return x->imr >= 0 && x->imr < N_REGISTERS && x->event < 0;
}

static void name_all(struct account *a)
{
	struct firmware_before before = { .acpi = 0 };
	size_t i, n_acpi = 0;

	for (i = 0; i < a->n_entries; i++) {
		struct account_entry *x = &a->entries[i];
		struct firmware_event ev = { (unsigned int)x->imr, x->type, x->digest, x->data,
					     x->n_data };

		if (x->event >= 0)
			continue;
		x->name = firmware_name(&ev, &before);
		if (!is_firmware(x))
			continue;
		a->n_firmware++;
		n_acpi += x->imr == 0 && str_starts(x->name, "acpi-");
		if (firmware_lies(&ev)) {
			account_find(a, "digest", i,
				     "%s of RTMR%d: the digest told is not that of its data",
				     x->name, x->imr);
		}
	}
	a->is_stripped = n_acpi > 0 && n_acpi == a->n_firmware;
}

/* An event that is no rule's; @last: the name of the last before it in its register that is. */
static void judge_unknown(struct account *a, size_t i, const char *last)
{
	const struct account_entry *x = &a->entries[i];

	if (str_starts(last, "exit-boot-services"))
		account_find(a, "order", i, "%s of RTMR%d after %s", x->name, x->imr, last);
	else if (a->form == ACCOUNT_LIST && str_equal(x->name, "application"))
		account_find(a, "doubled", i, "an application beside the kernel in RTMR%d", x->imr);
}

static void judge_one(struct account *a, size_t i, struct progress *p)
{
	const struct account_entry *x = &a->entries[i];
	size_t k = rule_of(x), *last = &p->last[x->imr];
	bool *has = &p->has[x->imr];

	if (k == N_RULES) {
		judge_unknown(a, i, *has ? rules[*last].name : "");
		return;
	}
	if (p->seen[k]++)
		account_find(a, "doubled", i, "%s comes once only in RTMR%d", x->name, x->imr);
	else if (*has && k < *last)
		account_find(a, "order", i, "%s of RTMR%d after %s", x->name, x->imr,
			     rules[*last].name);
	if (!*has || k > *last)
		*last = k;
	*has = true;
}

void account_judge_firmware(struct account *a)
{
	struct progress p = { .has = { false } };
	size_t i;

	name_all(a);
	if (a->n_firmware == 0 || a->is_stripped)
		return;
	for (i = 0; i < a->n_entries; i++) {
		if (is_firmware(&a->entries[i]))
			judge_one(a, i, &p);
	}
	for (i = 0; i < N_RULES && a->form == ACCOUNT_LIST; i++) {
		if (!p.seen[i])
			account_find(a, "missing", SIZE_MAX, "no %s in RTMR%d", rules[i].name,
				     rules[i].imr);
	}
}
