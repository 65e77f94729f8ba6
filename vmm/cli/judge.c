/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/collaterals.h"
#include "cli/input.h"
#include "crypto/x509.h"
#include "tee/collateral.h"
#include "tee/known.h"
#include "tee/root.h"

enum { ROOT_MOST = 64 * 1024, TOKEN_MOST = 64 };

static const int64_t last_second = 253402300799; /* of the year 9999 */

int judge_time(const struct cli *c, int64_t *ret, struct err *e)
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

int judge_new(const struct cli *c, struct judge **ret, struct err *e)
{
	struct judge *j = xnew(struct judge);
	int rc = judge_time(c, &j->at, e);

	j->known = known_new(JUDGE_KNOWN);
	if (rc == 0)
		rc = read_policy(c, &j->policy, e);
	if (rc == 0)
		rc = read_accept(c, j->policy, &j->accept, e);
	if (rc == 0)
		rc = read_root(c, &j->root, e);
	if (rc == 0)
		rc = collaterals_new(c, j->at, &j->collaterals, e);
	if (rc < 0) {
		judge_free(j);
		return rc;
	}
	j->is_simulated = !root_is_intel(j->root);
	*ret = j;
	return 0;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	collaterals_free(j->collaterals);
	known_free(j->known);
	x509_cert_free(j->root);
	free(j);
}

/* A quote that has no form, or names no platform, is refused by name without any collateral. */
static int find_collateral(struct judge *j, struct quote_verify_args *args, struct err *e)
{
	struct err why = ERR_NONE;
	struct quote q;
	int rc;

	args->collateral = NULL;
	args->collateral_fault = j->fault;
	(void)str_copy(j->fault, sizeof(j->fault), "none");
	if (quote_parse(args->quote, args->n_quote, &q) != QUOTE_OK)
		return 0;
	rc = collaterals_of(j->collaterals, &q, &args->collateral, &why);
	if (rc == ERR_INPUT) {
		(void)str_copy(j->fault, sizeof(j->fault), why.text);
		return 0;
	}
	return rc < 0 ? err_set(e, rc, "%s", why.text) : 0;
}

int judge_quote(struct judge *j, const void *quote, size_t n, struct quote_result *ret,
		struct err *e)
{
	struct quote_verify_args args = { .quote = quote,
					  .n_quote = n,
					  .root = j->root,
					  .at = j->at,
					  .policy = j->policy,
					  .accept = j->accept,
					  .known = j->known };
	int rc = find_collateral(j, &args, e);

	if (rc < 0)
		return rc;
	if (quote_verify(&args, ret) || !ret->has_quote)
		return 0;
	/* what is cached may be why: a service had an error, or somebody wrote into the file */
	if (!pccs_may_mend(ret->check) || !collaterals_renew(j->collaterals, &ret->quote))
		return 0;
	rc = find_collateral(j, &args, e);
	if (rc == 0)
		(void)quote_verify(&args, ret);
	return rc;
}
