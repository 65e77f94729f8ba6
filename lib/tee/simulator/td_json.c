/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/td_json.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "simulator/simulator.h"

enum { NUMBER_SIZE = 8, SHOWN_SIZE = 64 };

struct field {
	const char *key;
	size_t at, n;
	enum { BYTES, NUMBER, OF_TD15 } kind;
};

#define FIELD(key, member, kind)                                                                   \
	{                                                                                          \
		key, offsetof(struct simulator_td, member),                                        \
			sizeof(((struct simulator_td *)0)->member), kind                           \
	}

static const struct field fields[] = {
	FIELD("mrtd", mr_td, BYTES),
	FIELD("rtmr0", rtmr[0], BYTES),
	FIELD("rtmr1", rtmr[1], BYTES),
	FIELD("rtmr2", rtmr[2], BYTES),
	FIELD("rtmr3", rtmr[3], BYTES),
	FIELD("mrconfigid", mr_config_id, BYTES),
	FIELD("mrowner", mr_owner, BYTES),
	FIELD("mrownerconfig", mr_owner_config, BYTES),
	FIELD("report_data", report_data, BYTES),
	FIELD("tee_tcb_svn", tee_tcb_svn, BYTES),
	FIELD("mrseam", mr_seam, BYTES),
	FIELD("mrsignerseam", mr_signer_seam, BYTES),
	FIELD("seam_attributes", seam_attributes, BYTES),
	FIELD("xfam", xfam, NUMBER),
	FIELD("attributes", attributes, NUMBER),
	FIELD("tee_tcb_svn2", tee_tcb_svn2, OF_TD15),
	FIELD("mrservicetd", mr_service_td, OF_TD15),
};

static const struct field *field_of(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (str_equal(fields[i].key, key))
			return &fields[i];
	}
	return NULL;
}

static int read_number(const char *hex, uint64_t *ret)
{
	uint8_t raw[NUMBER_SIZE];
	uint64_t v = 0;
	size_t i;

	if (str_unhex(raw, sizeof(raw), hex) < 0)
		return -1;
	for (i = 0; i < sizeof(raw); i++)
		v = v << 8 | raw[i];
	*ret = v;
	return 0;
}

static int read_field(const struct field *f, const json_t *value, struct simulator_td *td,
		      struct err *e)
{
	const char *hex = json_string_value(value);
	uint64_t number = 0;
	int rc = -1;

	if (hex && f->kind == NUMBER)
		rc = read_number(hex, &number);
	else if (hex)
		rc = str_unhex((uint8_t *)td + f->at, f->n, hex);
	if (rc < 0)
		return err_set(e, ERR_INPUT, "\"%s\" of a TD is hex of %zu bytes", f->key, f->n);
	if (f->kind == NUMBER)
		memcpy((uint8_t *)td + f->at, &number, sizeof(number));
	if (f->kind == OF_TD15) {
		td->version = 5;
		td->body = QUOTE_BODY_TD15;
	}
	return 0;
}

int td_json_read(const json_t *j, struct simulator_td *ret, struct err *e)
{
	struct simulator_td td = *ret;
	const struct field *f;
	char shown[SHOWN_SIZE];
	const char *key;
	json_t *value;
	int rc = 0;

	if (!json_is_object(j))
		return err_set(e, ERR_INPUT, "a TD is an object of JSON");
	json_object_foreach(mem_unconst(j), key, value) {
		f = field_of(key);
		if (!f)
			return err_set(e, ERR_INPUT, "a TD has no \"%s\"",
				       str_escape(shown, sizeof(shown), key, strlen(key)));
		if (!json_is_null(value))
			rc = read_field(f, value, &td, e);
		if (rc < 0)
			return rc;
	}
	*ret = td;
	return 0;
}
