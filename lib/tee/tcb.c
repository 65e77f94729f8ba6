/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tcb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "data/json.h"

static const char *const names[TCB_STATUS_COUNT] = {
	[TCB_UP_TO_DATE] = "UpToDate",
	[TCB_SW_HARDENING] = "SWHardeningNeeded",
	[TCB_CONFIG] = "ConfigurationNeeded",
	[TCB_CONFIG_SW_HARDENING] = "ConfigurationAndSWHardeningNeeded",
	[TCB_OUT_OF_DATE] = "OutOfDate",
	[TCB_OUT_OF_DATE_CONFIG] = "OutOfDateConfigurationNeeded",
	[TCB_REVOKED] = "Revoked",
	[TCB_RELAUNCH] = "TDRelaunchAdvised",
	[TCB_RELAUNCH_CONFIG] = "TDRelaunchAdvisedConfigurationNeeded",
};

const char *tcb_status_name(enum tcb_status s)
{
	return s < TCB_STATUS_COUNT ? names[s] : NULL;
}

enum tcb_status tcb_status_of(const char *name)
{
	enum tcb_status s;

	for (s = TCB_UP_TO_DATE; s < TCB_STATUS_COUNT; s++) {
		if (str_equal(name, names[s]))
			return s;
	}
	return TCB_NONE;
}

bool tcb_time(const json_t *j, const char *key, int64_t *ret)
{
	struct tm tm = { .tm_year = 0 };
	const char *end = strptime(json_get_str(j, key, ""), "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		return false;
	*ret = timegm(&tm);
	return true;
}

/* The two of a relaunch are found by us and never published. */
static enum tcb_status status_of(const json_t *level)
{
	enum tcb_status s = tcb_status_of(json_get_str(level, "tcbStatus", ""));

	return s <= TCB_REVOKED ? s : TCB_NONE;
}

static bool svn_of(const json_t *v, uint16_t max, uint16_t *ret)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > max)
		return false;
	*ret = (uint16_t)n;
	return true;
}

static bool components(const json_t *list, uint8_t out[static TCB_COMPONENTS])
{
	uint16_t svn = 0;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) != TCB_COMPONENTS)
		return false;
	for (i = 0; i < TCB_COMPONENTS; i++) {
		if (!svn_of(json_object_get(json_array_get(list, i), "svn"), UINT8_MAX, &svn))
			return false;
		out[i] = (uint8_t)svn;
	}
	return true;
}

static bool read_level(const json_t *j, bool has_tdx, struct tcb_level *l)
{
	const json_t *tcb = json_object_get(j, "tcb");

	*l = (struct tcb_level){ .status = status_of(j) };
	l->advisories = json_object_get(j, "advisoryIDs");
	(void)tcb_time(j, "tcbDate", &l->date);
	return l->status != TCB_NONE &&
	       components(json_object_get(tcb, "sgxtcbcomponents"), l->sgx) &&
	       svn_of(json_object_get(tcb, "pcesvn"), UINT16_MAX, &l->pce_svn) &&
	       (!has_tdx || components(json_object_get(tcb, "tdxtcbcomponents"), l->tdx));
}

static int descending(const void *va, const void *vb)
{
	const struct tcb_level *a = va, *b = vb;
	int d = memcmp(b->sgx, a->sgx, TCB_COMPONENTS);

	if (d == 0)
		d = (int)b->pce_svn - (int)a->pce_svn;
	return d ? d : memcmp(b->tdx, a->tdx, TCB_COMPONENTS);
}

int tcb_levels_read(const json_t *list, bool has_tdx, struct tcb_levels *ret)
{
	size_t i, n = json_array_size(list);

	if (!json_is_array(list) || n == 0 || n > TCB_LEVELS_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (!read_level(json_array_get(list, i), has_tdx, &ret->levels[i]))
			return -EINVAL;
	}
	ret->n = n;
	qsort(ret->levels, n, sizeof *ret->levels, descending);
	for (i = 1; i < n; i++) {
		if (descending(&ret->levels[i - 1], &ret->levels[i]) == 0)
			return -EINVAL;
	}
	return 0;
}

int tcb_isv_level(const json_t *list, uint16_t svn, struct tcb_level *ret)
{
	size_t i, n = json_array_size(list);
	uint16_t wanted;

	*ret = (struct tcb_level){ .status = TCB_NONE };
	if (!json_is_array(list) || n == 0)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);

		if (!svn_of(json_object_get(json_object_get(j, "tcb"), "isvsvn"), UINT16_MAX,
			    &wanted) ||
		    status_of(j) == TCB_NONE)
			return -EINVAL;
		if (ret->status == TCB_NONE && wanted <= svn) {
			ret->status = status_of(j);
			ret->advisories = json_object_get(j, "advisoryIDs");
			(void)tcb_time(j, "tcbDate", &ret->date);
		}
	}
	return 0;
}

static bool wants_config(enum tcb_status s)
{
	return s == TCB_CONFIG || s == TCB_CONFIG_SW_HARDENING || s == TCB_OUT_OF_DATE_CONFIG;
}

enum tcb_status tcb_merge(enum tcb_status platform, enum tcb_status component)
{
	if (component == TCB_REVOKED || platform == TCB_REVOKED)
		return TCB_REVOKED;
	if (component != TCB_OUT_OF_DATE || platform >= TCB_OUT_OF_DATE)
		return platform;
	return wants_config(platform) ? TCB_OUT_OF_DATE_CONFIG : TCB_OUT_OF_DATE;
}

enum tcb_status tcb_relaunch(enum tcb_status launch, enum tcb_status now)
{
	if ((launch != TCB_OUT_OF_DATE && launch != TCB_OUT_OF_DATE_CONFIG) ||
	    now < TCB_UP_TO_DATE || now >= TCB_OUT_OF_DATE)
		return launch;
	return wants_config(launch) || wants_config(now) ? TCB_RELAUNCH_CONFIG : TCB_RELAUNCH;
}
