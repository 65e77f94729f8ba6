/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify: is a quote what it says?  No daemon is asked */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/collaterals.h"
#include "cli/exit.h"
#include "cli/input.h"
#include "cli/judge.h"
#include "cli/verdict.h"
#include "data/json.h"

struct tally {
	size_t n_good, n_refused;
	int failed; /* the code of the first that could not be judged */
};

static int one_stdin(const struct cli *c, struct err *e)
{
	size_t i, n = 0;
	const char *const others[] = { c->args->options[OPT_COLLATERAL],
				       c->args->options[OPT_ROOT] };

	for (i = 0; i < c->args->n; i++)
		n += str_equal(c->args->operands[i], "-");
	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		n += others[i] && str_equal(others[i], "-");
	return n > 1 ? err_set(e, ERR_INPUT, "only one file can be stdin (\"-\")") : 0;
}

static void tell(struct cli *c, const struct verdict *v, const char *file)
{
	json_t *o;

	if (c->wants_json) {
		o = verdict_json(v);
		(void)json_object_set_new(o, "file", json_text(file));
		cli_json(o);
		json_decref(o);
	} else if (c->args->n > 1) {
		verdict_print_line(v, file);
	} else {
		verdict_print(c, v);
	}
}

static int judge_file(struct cli *c, struct judge *j, const char *file, struct tally *t,
		      struct err *e)
{
	auto_buf struct buf quote = { 0 };
	static struct quote_result r; /* large */
	struct verdict v = { .result = &r, .at = j->at, .is_simulated = j->is_simulated };
	int rc = input_read(file, 2 * JUDGE_QUOTE_MOST + 2, &quote, e);

	if (rc < 0)
		return rc;
	input_unhex(&quote);
	rc = judge_quote(j, quote.p, quote.n, &r, e);
	if (rc < 0)
		return rc;
	v.root = j->root;
	v.policy = j->policy;
	v.source = r.has_quote ? collaterals_source(j->collaterals) : NULL;
	tell(c, &v, file);
	*(r.check ? &t->n_refused : &t->n_good) += 1;
	return 0;
}

/* One that cannot be judged does not hide what the others are. */
static int judge_all(struct cli *c, struct judge *j, struct err *e)
{
	struct tally t = { .failed = 0 };
	size_t i;
	int rc;

	for (i = 0; i < c->args->n; i++) {
		rc = judge_file(c, j, c->args->operands[i], &t, e);
		if (rc < 0 && c->args->n > 1) {
			char shown[200];

			rc = err_wrap(e, rc, "%s",
				      str_escape(shown, sizeof(shown), c->args->operands[i],
						 strlen(c->args->operands[i])));
			cli_complain(c, e, rc);
		}
		if (rc < 0 && !t.failed)
			t.failed = rc;
	}
	if (c->args->n > 1 && !c->wants_json && !c->is_quiet)
		(void)printf("%zu quotes: %zu good, %zu refused, %zu not judged\n", c->args->n,
			     t.n_good, t.n_refused, c->args->n - t.n_good - t.n_refused);
	return t.n_refused ? ERR_UNPROVEN : t.failed;
}

int cmd_verify_quote(struct cli *c, struct err *e)
{
	struct judge *j = NULL;
	int rc = one_stdin(c, e);

	if (rc == 0)
		rc = judge_new(c, &j, e);
	if (rc == 0)
		rc = judge_all(c, j, e);
	judge_free(j);
	return rc;
}
