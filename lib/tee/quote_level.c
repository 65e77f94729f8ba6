/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/quote_level.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "data/json.h"
#include "tee/quote_ctx.h"

/* The identity of the module's major version; of version 0, which has no name, "tdxModule". */
static const json_t *module_of(const struct quote_ctx *c, uint8_t major)
{
	const json_t *all = json_object_get(c->documents->tcb, "tdxModuleIdentities");
	char id[8];
	size_t i;

	if (major == 0)
		return json_object_get(c->documents->tcb, "tdxModule");
	(void)str_format(id, sizeof id, "TDX_%02X", major);
	for (i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);

		if (strcasecmp(json_get_str(one, "id", ""), id) == 0)
			return one;
	}
	return NULL;
}

bool quote_level_module(struct quote_ctx *c)
{
	if (!quote_ctx_is_tdx(c))
		return true;
	c->module = module_of(c, c->q.td.tee_tcb_svn[1]);
	return json_is_object(c->module) ||
	       quote_ctx_refuse(c, "an identity of the TDX module", "none for version %u",
				c->q.td.tee_tcb_svn[1]);
}

bool quote_level_seam_signer(struct quote_ctx *c)
{
	return !quote_ctx_is_tdx(c) ||
	       quote_ctx_match(c, c->module, "mrsigner", NULL, c->q.td.mr_signer_seam,
			       QUOTE_MEASUREMENT_SIZE);
}

/* Intel's library wants them equal, and zero. */
bool quote_level_seam_attributes(struct quote_ctx *c)
{
	static const uint8_t zeros[8];

	if (!quote_ctx_is_tdx(c))
		return true;
	return quote_ctx_match(c, c->module, "attributes", NULL, c->q.td.seam_attributes, 8) &&
	       (memcmp(c->q.td.seam_attributes, zeros, 8) == 0 ||
		quote_ctx_refuse(c, "zero", "other"));
}

static bool advise(struct quote_ctx *c, const json_t *list)
{
	struct quote_result *r = c->res;
	size_t i, k;

	for (i = 0; i < json_array_size(list); i++) {
		const char *id = json_string_value(json_array_get(list, i));

		for (k = 0; id && k < r->n_advisories && !str_equal(r->advisories[k], id); k++)
			;
		if (!id || k == QUOTE_ADVISORIES_MAX ||
		    (k == r->n_advisories &&
		     str_copy(r->advisories[k], QUOTE_ADVISORY_SIZE, id) < 0))
			return quote_ctx_refuse(c, "short names of advisories",
						"others, or too many");
		if (k == r->n_advisories)
			r->n_advisories++;
	}
	return true;
}

/* Are all components from @from on at least those wanted? */
static bool reaches(const uint8_t *have, const uint8_t *want, size_t from)
{
	size_t i;

	for (i = from; i < TCB_COMPONENTS; i++) {
		if (have[i] < want[i])
			return false;
	}
	return true;
}

/*
 * Of a module that has an identity (major version above 0) the first two TDX components are judged by
 * its own levels, not here.
 */
static const struct tcb_level *platform_level(const struct quote_ctx *c, const uint8_t *tdx)
{
	size_t i;

	for (i = 0; i < c->documents->levels.n; i++) {
		const struct tcb_level *l = &c->documents->levels.levels[i];

		if (reaches(c->platform->pck.components, l->sgx, 0) &&
		    c->platform->pck.pce_svn >= l->pce_svn &&
		    (!tdx || reaches(tdx, l->tdx, tdx[1] > 0 ? 2 : 0)))
			return l;
	}
	return NULL;
}

/* A date that is not said counts as never having been. */
static void date_from(struct quote_ctx *c, const struct tcb_level *l)
{
	if (l->status != TCB_NONE && l->date < c->date)
		c->date = l->date;
}

/* The merged status of @tdx (NULL: SGX); with @is_launch its advisories are noted. */
static bool evaluate(struct quote_ctx *c, const uint8_t *tdx, bool is_launch, enum tcb_status *ret)
{
	const struct tcb_level *platform = platform_level(c, tdx);
	struct tcb_level qe, module = { .status = TCB_NONE };
	const json_t *of_module;

	if (!platform)
		return quote_ctx_refuse(c, "a TCB level that the platform reaches", "none");
	if (tcb_isv_level(json_object_get(c->documents->qe, "tcbLevels"), c->q.qe_report.isv_svn,
			  &qe) < 0 ||
	    qe.status == TCB_NONE)
		return quote_ctx_refuse(c, "a level of the QE", "none for %u",
					c->q.qe_report.isv_svn);
	*ret = tcb_merge(platform->status, qe.status);
	if (tdx && tdx[1] > 0) {
		of_module = module_of(c, tdx[1]);
		if (tcb_isv_level(json_object_get(of_module, "tcbLevels"), tdx[0], &module) < 0 ||
		    module.status == TCB_NONE)
			return quote_ctx_refuse(c, "a level of the TDX module", "none for %u",
						tdx[0]);
		*ret = tcb_merge(*ret, module.status);
	}
	if (!is_launch)
		return true;
	date_from(c, platform);
	date_from(c, &qe);
	date_from(c, &module);
	c->res->tcb_date = c->date;
	return (advise(c, platform->advisories) && advise(c, qe.advisories) &&
		advise(c, module.advisories));
}

bool quote_level_platform(struct quote_ctx *c)
{
	enum tcb_status now = TCB_REVOKED;

	if (c->documents->levels.n == 0 &&
	    tcb_levels_read(json_object_get(c->documents->tcb, "tcbLevels"), quote_ctx_is_tdx(c),
			    &c->documents->levels) < 0)
		return quote_ctx_refuse(c, "TCB levels", "none, broken or doubled ones");
	if (!evaluate(c, quote_ctx_is_tdx(c) ? c->q.td.tee_tcb_svn : NULL, true, &c->res->status))
		return false;
	if (!quote_ctx_is_tdx(c) || !c->q.td.tee_tcb_svn2)
		return true;
	if (!evaluate(c, c->q.td.tee_tcb_svn2, false, &now))
		return false;
	c->res->status = tcb_relaunch(c->res->status, now);
	return true;
}

bool quote_level_status(struct quote_ctx *c)
{
	uint32_t accepted = ~(1u << TCB_REVOKED);
	enum tcb_status s = c->res->status;

	if (c->args->policy == QUOTE_POLICY_STRICT)
		accepted = c->args->accept ? c->args->accept : 1u << TCB_UP_TO_DATE;
	return (s != TCB_REVOKED && (accepted >> s & 1)) ||
	       quote_ctx_refuse(c,
				c->args->policy == QUOTE_POLICY_INTEL ? "not Revoked"
				: c->args->accept		      ? "one of those accepted"
								      : "UpToDate",
				"%s", tcb_status_name(s));
}
