/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/sim_documents.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "crypto/pck.h"

#define LEVEL_DATE "2026-01-14T00:00:00Z"
#define OLD_DATE   "2025-05-14T00:00:00Z"
#define ADVISORY   "SIMULATED-SA-00001"

enum { TIME_SIZE = 32, COMPONENTS = 16, ZEROS48 = 2 * 48, EVALUATION = 1 };

static const char zeros[ZEROS48 + 1] = "000000000000000000000000000000000000000000000000"
				       "000000000000000000000000000000000000000000000000";

static const char *of_time(char dst[static TIME_SIZE], int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(dst, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		dst[0] = 0;
	return dst;
}

/* What json_pack() made; it fails for a lack of memory only. */
static json_t *made(json_t *j)
{
	if (!j)
		abort();
	return j;
}

static json_t *components(const uint8_t *svns)
{
	json_t *list = made(json_array());
	size_t i;

	for (i = 0; i < COMPONENTS; i++)
		(void)json_array_append_new(list, made(json_pack("{s:i}", "svn", (int)svns[i])));
	return list;
}

static json_t *platform_level(const uint8_t *sgx, int pce_svn, const uint8_t *tdx,
			      const char *status)
{
	json_t *tcb = made(
		json_pack("{s:o, s:i}", "sgxtcbcomponents", components(sgx), "pcesvn", pce_svn));

	if (tdx)
		(void)json_object_set_new(tcb, "tdxtcbcomponents", components(tdx));
	return made(json_pack("{s:o, s:s, s:s}", "tcb", tcb, "tcbDate", LEVEL_DATE, "tcbStatus",
			      status));
}

static json_t *isv_levels(int svn)
{
	return made(json_pack("[{s:{s:i}, s:s, s:s}, {s:{s:i}, s:s, s:s, s:[s]}]", "tcb", "isvsvn",
			      svn, "tcbDate", LEVEL_DATE, "tcbStatus", "UpToDate", "tcb", "isvsvn",
			      0, "tcbDate", OLD_DATE, "tcbStatus", "OutOfDate", "advisoryIDs",
			      ADVISORY));
}

/* What only a TCB info of TDX has. */
static void add_modules(json_t *tcb, const uint8_t *tdx)
{
	json_t *module = made(json_pack("{s:s, s:s, s:s}", "mrsigner", zeros, "attributes",
					"0000000000000000", "attributesMask", "ffffffffffffffff"));
	json_t *named = made(json_deep_copy(module));

	(void)json_object_set_new(tcb, "tdxModule", module);
	(void)json_object_set_new(named, "id", json_string("TDX_01"));
	(void)json_object_set_new(named, "tcbLevels", isv_levels(tdx[0]));
	(void)json_object_set_new(tcb, "tdxModuleIdentities", made(json_pack("[o]", named)));
}

json_t *sim_documents_tcb(const struct pck *k, const uint8_t *tdx, int64_t from, int64_t until)
{
	static const uint8_t lowest[COMPONENTS];
	char issued[TIME_SIZE], ends[TIME_SIZE], fmspc[2 * sizeof k->fmspc + 1],
		pce_id[2 * sizeof k->pce_id + 1];
	json_t *tcb, *old;

	str_hex(fmspc, k->fmspc, sizeof k->fmspc);
	str_hex(pce_id, k->pce_id, sizeof k->pce_id);
	tcb = made(json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:i}", "id", tdx ? "TDX" : "SGX",
			     "version", 3, "issueDate", of_time(issued, from), "nextUpdate",
			     of_time(ends, until), "fmspc", fmspc, "pceId", pce_id, "tcbType", 0,
			     "tcbEvaluationDataNumber", EVALUATION));
	if (tdx)
		add_modules(tcb, tdx);
	old = platform_level(lowest, 0, tdx ? lowest : NULL, "OutOfDate");
	(void)json_object_set_new(old, "advisoryIDs", made(json_pack("[s]", ADVISORY)));
	(void)json_object_set_new(old, "tcbDate", json_string(OLD_DATE));
	(void)json_object_set_new(
		tcb, "tcbLevels",
		made(json_pack("[o, o]", platform_level(k->components, k->pce_svn, tdx, "UpToDate"),
			       old)));
	return tcb;
}

json_t *sim_documents_qe(bool is_tdx, int64_t from, int64_t until)
{
	char issued[TIME_SIZE], ends[TIME_SIZE], signer[2 * 32 + 1];
	uint8_t raw[32];

	memset(raw, SIM_QE_SIGNER, sizeof(raw));
	str_hex(signer, raw, sizeof(raw));
	return made(json_pack("{s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:o}", "id",
			      is_tdx ? "TD_QE" : "QE", "version", 2, "issueDate",
			      of_time(issued, from), "nextUpdate", of_time(ends, until),
			      "tcbEvaluationDataNumber", EVALUATION, "miscselect", "00000000",
			      "miscselectMask", "ffffffff", "attributes",
			      "11000000000000000000000000000000", "attributesMask",
			      "fbffffffffffffff0000000000000000", "mrsigner", signer, "isvprodid",
			      SIM_QE_PROD_ID, "tcbLevels", isv_levels(SIM_QE_SVN)));
}
