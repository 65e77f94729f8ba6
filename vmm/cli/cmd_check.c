/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check: what this host lacks */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "check/check.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/host_facts.h"
#include "cli/table.h"
#include "data/json.h"

static void print_json(const struct check_row *rows, size_t n, struct check_summary s)
{
	json_t *list = json_array(), *all;
	size_t i;

	for (i = 0; i < n; i++) {
		json_t *row = json_pack("{s:s, s:s, s:s}", "name", rows[i].name, "state",
					check_state_name(rows[i].state), "for",
					check_need_name(rows[i].need));

		(void)json_object_set_new(row, "found", json_text(rows[i].found));
		(void)json_object_set_new(row, "remedy", json_text(rows[i].remedy));
		(void)json_array_append_new(list, row);
	}
	all = json_pack("{s:b, s:b, s:b, s:o}", "vms", s.vms, "kvm", s.kvm, "tdx", s.tdx, "rows",
			list);
	cli_json(all);
	json_decref(all);
}

static void print_rows(const struct cli *c, const struct check_row *rows, size_t n)
{
	static const struct table_column columns[] = { { "CHECK", false },
						       { "STATE", false },
						       { "FOR", false },
						       { "FOUND", true },
						       { NULL, false } };
	static const enum colour colours[] = { COLOUR_GOOD, COLOUR_BUSY, COLOUR_BAD };
	struct table *t = table_new(columns);
	char shown[2 * CHECK_REMEDY_MAX];
	size_t i, n_remedies = 0;

	for (i = 0; i < n; i++) {
		table_cell(t, COLOUR_NONE, "%s", rows[i].name);
		table_cell(t, colours[rows[i].state], "%s", check_state_name(rows[i].state));
		table_cell(t, COLOUR_NONE, "%s", check_need_name(rows[i].need));
		table_cell(t, COLOUR_NONE, "%s", rows[i].found);
	}
	cli_table(c, t);
	for (i = 0; i < n; i++) {
		if (!*rows[i].remedy)
			continue;
		(void)printf("%s%s: %s\n  -> %s\n", n_remedies++ ? "" : "\n", rows[i].name,
			     str_escape(shown, sizeof(shown), rows[i].found, strlen(rows[i].found)),
			     rows[i].remedy);
	}
	(void)putchar('\n');
}

static void print_summary(struct check_summary s)
{
	(void)printf("VMs without a TEE %s here%s.\n", s.vms ? "work" : "do not work",
		     s.vms && !s.kvm ? ", by emulation (slow)" : "");
	(void)printf("VMs with TDX %s here.\n", s.tdx ? "work" : "do not work");
}

int cmd_check(struct cli *c, struct err *e)
{
	auto_free struct check_row *rows = xcalloc(CHECK_ROWS_MAX, sizeof(*rows));
	struct check_host h = { .root = "" };
	bool wants_tdx = args_has(c->args, OPT_TDX);
	struct err why = ERR_NONE;
	struct check_summary s;
	json_t *known;
	size_t n;

	if (c->api.is_remote)
		return err_set(e, ERR_INPUT,
			       "check looks at the host it runs on; run it there, as by ssh HOST "
			       "bailey check");
	known = host_facts(c, &h.is_serving, &why);
	h.facts = known;
	h.facts_why = why.text;
	check_measure(&h);
	n = check_run(&h, rows);
	s = check_sum(rows, n);
	json_decref(known);
	if (c->wants_json) {
		print_json(rows, n, s);
	} else {
		if (!c->is_quiet)
			print_rows(c, rows, n);
		print_summary(s);
	}
	if (s.vms && (s.tdx || !wants_tdx))
		return 0;
	return c->wants_json ? ERR_LACKS
			     : err_set(e, ERR_LACKS, "this host lacks what %s need",
				       s.vms ? "VMs with TDX" : "VMs");
}
