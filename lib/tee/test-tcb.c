/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/tcb.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static json_t *level(int first, int pce_svn, const char *status)
{
	json_t *sgx = json_array(), *tdx = json_array();
	int i;

	for (i = 0; i < TCB_COMPONENTS; i++) {
		(void)json_array_append_new(sgx, json_pack("{s:i}", "svn", i ? 0 : first));
		(void)json_array_append_new(tdx, json_pack("{s:i}", "svn", 0));
	}
	return json_pack("{s:{s:o, s:i, s:o}, s:s, s:[s]}", "tcb", "sgxtcbcomponents", sgx,
			 "pcesvn", pce_svn, "tdxtcbcomponents", tdx, "tcbStatus", status,
			 "advisoryIDs", "A");
}

static void test_levels_are_sorted_and_unique(void)
{
	json_t *list = json_pack("[o,o,o]", level(1, 5, "OutOfDate"), level(1, 9, "UpToDate"),
				 level(2, 1, "SWHardeningNeeded"));
	struct tcb_levels l;

	assert(tcb_levels_read(list, true, &l) == 0 && l.n == 3);
	assert(l.levels[0].sgx[0] == 2 && l.levels[1].pce_svn == 9 && l.levels[2].pce_svn == 5);
	assert(l.levels[0].status == TCB_SW_HARDENING && l.levels[2].status == TCB_OUT_OF_DATE);
	(void)json_array_append_new(list, level(1, 9, "Revoked"));
	assert(tcb_levels_read(list, true, &l) == -EINVAL);
	json_decref(list);
}

static void test_levels_of_a_wrong_form(void)
{
	json_t *wrong[] = {
		json_array(),
		json_pack("{}"),
		json_pack("[{}]"),
		json_pack("[o]", level(256, 5, "UpToDate")),
		json_pack("[o]", level(-1, 5, "UpToDate")),
		json_pack("[o]", level(1, 65536, "UpToDate")),
		json_pack("[o]", level(1, 5, "Fine")),
		json_pack("[o]", level(1, 5, "TDRelaunchAdvised")),
	};
	struct tcb_levels l;
	size_t i;

	/* NOLINTNEXTLINE(bugprone-sizeof-expression): the elements are pointers */
	for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert(tcb_levels_read(wrong[i], true, &l) == -EINVAL);
		json_decref(wrong[i]);
	}
}

static void test_isv_levels(void)
{
	json_t *list =
		json_pack("[{s:{s:i}, s:s}, {s:{s:i}, s:s}]", "tcb", "isvsvn", 4, "tcbStatus",
			  "UpToDate", "tcb", "isvsvn", 2, "tcbStatus", "OutOfDate");
	struct tcb_level l;

	assert(tcb_isv_level(list, 5, &l) == 0 && l.status == TCB_UP_TO_DATE);
	assert(tcb_isv_level(list, 4, &l) == 0 && l.status == TCB_UP_TO_DATE);
	assert(tcb_isv_level(list, 3, &l) == 0 && l.status == TCB_OUT_OF_DATE);
	assert(tcb_isv_level(list, 1, &l) == 0 && l.status == TCB_NONE);
	assert(tcb_isv_level(NULL, 1, &l) == -EINVAL);
	json_decref(list);
}

static void test_merging(void)
{
	static const struct {
		enum tcb_status platform, out_of_date;
	} rows[] = {
		{ TCB_UP_TO_DATE, TCB_OUT_OF_DATE },
		{ TCB_SW_HARDENING, TCB_OUT_OF_DATE },
		{ TCB_CONFIG, TCB_OUT_OF_DATE_CONFIG },
		{ TCB_CONFIG_SW_HARDENING, TCB_OUT_OF_DATE_CONFIG },
		{ TCB_OUT_OF_DATE, TCB_OUT_OF_DATE },
		{ TCB_OUT_OF_DATE_CONFIG, TCB_OUT_OF_DATE_CONFIG },
		{ TCB_REVOKED, TCB_REVOKED },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert(tcb_merge(rows[i].platform, TCB_UP_TO_DATE) == rows[i].platform);
		assert(tcb_merge(rows[i].platform, TCB_OUT_OF_DATE) == rows[i].out_of_date);
		assert(tcb_merge(rows[i].platform, TCB_REVOKED) == TCB_REVOKED);
	}
}

static void test_relaunch(void)
{
	assert(tcb_relaunch(TCB_OUT_OF_DATE, TCB_UP_TO_DATE) == TCB_RELAUNCH);
	assert(tcb_relaunch(TCB_OUT_OF_DATE, TCB_CONFIG) == TCB_RELAUNCH_CONFIG);
	assert(tcb_relaunch(TCB_OUT_OF_DATE_CONFIG, TCB_UP_TO_DATE) == TCB_RELAUNCH_CONFIG);
	assert(tcb_relaunch(TCB_OUT_OF_DATE, TCB_OUT_OF_DATE) == TCB_OUT_OF_DATE);
	assert(tcb_relaunch(TCB_OUT_OF_DATE, TCB_NONE) == TCB_OUT_OF_DATE);
	assert(tcb_relaunch(TCB_UP_TO_DATE, TCB_UP_TO_DATE) == TCB_UP_TO_DATE);
	assert(tcb_relaunch(TCB_REVOKED, TCB_UP_TO_DATE) == TCB_REVOKED);
}

int main(void)
{
	test_levels_are_sorted_and_unique();
	test_levels_of_a_wrong_form();
	test_isv_levels();
	test_merging();
	test_relaunch();
	return 0;
}
