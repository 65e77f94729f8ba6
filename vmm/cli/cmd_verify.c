/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify: is a quote, or a log of events, what it says?  No daemon is asked */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/input.h"
#include "cli/verdict.h"
#include "crypto/x509.h"
#include "tee/collateral.h"
#include "tee/quote_verify.h"
#include "tee/root.h"

enum {
	QUOTE_MOST = 1024 * 1024, /* as hex twice that */
	ROOT_MOST = 64 * 1024,
	TOKEN_MOST = 64,
};

static const int64_t last_second = 253402300799; /* of the year 9999 */

static int read_at(const struct cli *c, int64_t *ret, struct err *e)
{
	const char *text = c->args->options[OPT_AT];
	uint64_t at = time_unix_ms() / 1000;

	if (text && num_parse_u64(text, 0, (uint64_t)last_second, &at) < 0) {
		return err_set(
			e, ERR_INPUT,
			"--at: \"%.40s\" is not a time; write seconds since 1970, as of date +%%s",
			text);
	}
	*ret = (int64_t)at;
	return 0;
}

static int read_policy(const struct cli *c, enum quote_policy *ret, struct err *e)
{
	const char *text = c->args->options[OPT_POLICY];

	*ret = QUOTE_POLICY_STRICT;
	if (text && str_equal(text, "intel"))
		*ret = QUOTE_POLICY_INTEL;
	else if (text && !str_equal(text, "strict"))
		return err_set(e, ERR_INPUT, "--policy: \"%.40s\" is neither strict nor intel",
			       text);
	return 0;
}

static int accept_one(const char *name, size_t n, uint32_t *accept, struct err *e)
{
	char token[TOKEN_MOST] = "";
	enum tcb_status s = TCB_NONE;

	if (n < sizeof(token)) {
		memcpy(token, name, n);
		s = tcb_status_of(token);
	}
	if (s == TCB_NONE) {
		return err_set(e, ERR_INPUT,
			       "--accept: \"%.*s\" is no status; write one of UpToDate, "
			       "SWHardeningNeeded, ConfigurationNeeded, "
			       "ConfigurationAndSWHardeningNeeded, OutOfDate, "
			       "OutOfDateConfigurationNeeded, TDRelaunchAdvised, "
			       "TDRelaunchAdvisedConfigurationNeeded",
			       (int)(n < TOKEN_MOST ? n : TOKEN_MOST), name);
	}
	if (s == TCB_REVOKED)
		return err_set(e, ERR_INPUT, "--accept: Revoked is never accepted");
	*accept |= 1u << s;
	return 0;
}

static int read_accept(const struct cli *c, enum quote_policy policy, uint32_t *ret, struct err *e)
{
	const char *text = c->args->options[OPT_ACCEPT];
	size_t n;
	int rc = 0;

	*ret = 0;
	if (!text)
		return 0;
	if (policy != QUOTE_POLICY_STRICT) {
		return err_set(
			e, ERR_INPUT,
			"--accept belongs to --policy strict; intel accepts all but Revoked");
	}
	for (; rc == 0 && text; text = text[n] ? text + n + 1 : NULL) {
		n = strcspn(text, ",");
		rc = accept_one(text, n, ret, e);
	}
	return rc;
}

static int read_root(const struct cli *c, struct x509_cert **ret, struct err *e)
{
	const char *path = c->args->options[OPT_ROOT];
	auto_buf struct buf b = { 0 };
	int rc;

	if (!path) {
		*ret = root_intel();
		return 0;
	}
	rc = input_read(path, ROOT_MOST, &b, e);
	if (rc == 0)
		rc = x509_cert_read(b.p, b.n, ret, e);
	return rc < 0 ? err_wrap(e, rc, "--root") : 0;
}

static int one_stdin(const struct cli *c, struct err *e)
{
	const char *const paths[] = { c->args->operands[0], c->args->options[OPT_COLLATERAL],
				      c->args->options[OPT_ROOT] };
	size_t i, n = 0;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		n += paths[i] && str_equal(paths[i], "-");
	return n > 1 ? err_set(e, ERR_INPUT, "only one file can be stdin (\"-\")") : 0;
}

/* Everything is read: verify and tell. */
static int judge(struct cli *c, const struct quote_verify_args *args)
{
	struct quote_result r;
	struct verdict v = { &r, args->root, args->policy, args->at, !root_is_intel(args->root) };
	bool is_good = quote_verify(args, &r);
	json_t *j;

	if (c->wants_json) {
		j = verdict_json(&v);
		cli_json(j);
		json_decref(j);
	} else {
		verdict_print(c, &v);
	}
	return is_good ? 0 : ERR_UNPROVEN;
}

/* A collateral without its form is refused by name, as one that is wrong in any other way. */
static int with_collateral(struct cli *c, const struct quote_verify_args *given, struct err *e)
{
	auto_buf struct buf quote = { 0 }, text = { 0 };
	struct collateral collateral = COLLATERAL_NULL;
	struct quote_verify_args args = *given;
	struct err why = ERR_NONE;
	int rc = input_read(c->args->operands[0], 2 * QUOTE_MOST + 2, &quote, e);

	if (rc == 0)
		rc = input_read(c->args->options[OPT_COLLATERAL], COLLATERAL_MAX, &text, e);
	if (rc < 0)
		return rc;
	input_unhex(&quote);
	args.quote = quote.p;
	args.n_quote = quote.n;
	args.collateral_fault = why.text;
	if (collateral_parse(text.p, text.n, &collateral, &why) == 0)
		args.collateral = &collateral;
	rc = judge(c, &args);
	collateral_deinit(&collateral);
	return rc;
}

int cmd_verify_quote(struct cli *c, struct err *e)
{
	struct quote_verify_args args = { .collateral = NULL };
	struct x509_cert *root = NULL;
	int rc;

	if (!c->args->options[OPT_COLLATERAL]) {
		return err_set(e, ERR_INPUT,
			       "a quote is verified against what Intel publishes of its platform: "
			       "write --collateral FILE");
	}
	rc = one_stdin(c, e);
	if (rc == 0)
		rc = read_at(c, &args.at, e);
	if (rc == 0)
		rc = read_policy(c, &args.policy, e);
	if (rc == 0)
		rc = read_accept(c, args.policy, &args.accept, e);
	if (rc == 0)
		rc = read_root(c, &root, e);
	if (rc == 0) {
		args.root = root;
		rc = with_collateral(c, &args, e);
	}
	x509_cert_free(root);
	return rc;
}
