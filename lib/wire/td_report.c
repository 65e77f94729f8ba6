/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/td_report.h"

/* Offsets; the type of the report (0x81: a TD's) is its first byte. */
enum {
	TYPE_AT = 0,
	TYPE_TD = 0x81,
	DATA_AT = 128,
	ATTRIBUTES_AT = 512,
	MRTD_AT = 528,
	CONFIG_ID_AT = 576,
	OWNER_AT = 624,
	OWNER_CONFIG_AT = 672,
	RTMR_AT = 720,
	DIGEST = 48,
};

int td_report_parse(const uint8_t p[static TD_REPORT_SIZE], struct td_report *ret)
{
	unsigned int i;

	if (p[TYPE_AT] != TYPE_TD)
		return -1;
	*ret = (struct td_report){
		.report_data = p + DATA_AT,
		.attributes = p + ATTRIBUTES_AT,
		.mrtd = p + MRTD_AT,
		.mr_config_id = p + CONFIG_ID_AT,
		.mr_owner = p + OWNER_AT,
		.mr_owner_config = p + OWNER_CONFIG_AT,
	};
	for (i = 0; i < 4; i++)
		ret->rtmr[i] = p + RTMR_AT + (size_t)i * DIGEST;
	return 0;
}
