/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_collateral: fetch what a quote is verified against, to keep it.  Nothing is verified */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/collaterals.h"
#include "cli/exit.h"
#include "cli/input.h"
#include "cli/judge.h"
#include "data/json.h"
#include "wire/quote.h"

enum { TIME_SIZE = 32, SHOWN_SIZE = 400 };

static int read_platform(const char *file, struct pccs_platform *ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	enum quote_verdict v;
	struct quote q;
	int rc = input_read(file, 2 * JUDGE_QUOTE_MOST + 2, &b, e);

	if (rc < 0)
		return rc;
	input_unhex(&b);
	v = quote_parse(b.p, b.n, &q);
	if (v != QUOTE_OK)
		return err_set(e, ERR_INPUT, "this is no quote: %s", quote_verdict_text(v));
	return pccs_platform_of(&q, ret, e);
}

static void tell(const struct cli *c, const struct pccs_platform *p, const struct pccs_origin *o,
		 const char *file)
{
	const char *tee = p->is_tdx ? "TDX" : "SGX";
	const char *ca = p->is_processor_ca ? "processor" : "platform";
	char fmspc[2 * sizeof(p->fmspc) + 1], until[TIME_SIZE] = "?", shown[SHOWN_SIZE];
	json_t *j;

	str_hex(fmspc, p->fmspc, sizeof(p->fmspc));
	if (o->until > 0)
		(void)time_rfc3339(until, sizeof(until), (uint64_t)o->until);
	if (!c->wants_json) {
		cli_say(c,
			"%s: for %s platforms of FMSPC %s, %s CA; good until %s (%u of %u parts "
			"from "
			"the cache)\n",
			str_escape(shown, sizeof(shown), file, strlen(file)), tee, fmspc, ca, until,
			o->n_cached, o->n_cached + o->n_fetched);
		return;
	}
	j = json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:i}", "file", json_text(file), "tee", tee,
		      "fmspc", fmspc, "ca", ca, "collateral_expires", until, "fetched",
		      (int)o->n_fetched, "cached", (int)o->n_cached);
	cli_json(j);
	json_decref(j);
}

static int write_out(const struct cli *c, const struct buf *text, struct err *e)
{
	const char *file = c->args->options[OPT_OUTPUT];

	if (file && !str_equal(file, "-"))
		return file_replace(AT_FDCWD, file, 0644, text->p, text->n, e);
	(void)fwrite(text->p, 1, text->n, stdout);
	(void)putchar('\n');
	return 0;
}

int cmd_collateral_fetch(struct cli *c, struct err *e)
{
	const char *file = c->args->options[OPT_OUTPUT];
	auto_buf struct buf text = { 0 };
	char cache[COLLATERALS_URL_MAX];
	struct pccs_platform p = { .is_tdx = false };
	struct pccs_origin origin = { .n_fetched = 0 };
	struct pccs_args args;
	int64_t at;
	int rc = judge_time(c, &at, e);

	if (rc == 0)
		rc = collaterals_args(c, at, cache, &args, e);
	if (rc == 0)
		rc = read_platform(c->args->operands[0], &p, e);
	if (rc == 0)
		rc = pccs_fetch(&args, &p, &text, &origin, e);
	if (rc == ERR_NOT_FOUND)
		rc = ERR_REFUSED; /* and not the VM that is not found */
	if (rc == 0)
		rc = write_out(c, &text, e);
	if (rc == 0 && file && !str_equal(file, "-"))
		tell(c, &p, &origin, file);
	return rc;
}
