/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/allow.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "kms/grant.h"
#include "tee/boot_info.h"
#include "tee/tcb.h"

enum { HEX_MAX = 2 * BOOT_INFO_DIGEST_SIZE + 1, PREFIX = 2, LIST_MOST = 4096 };

static const char *without_prefix(const char *hex)
{
	return str_starts(hex, "0x") || str_starts(hex, "0X") ? hex + PREFIX : hex;
}

static int check_hex(const char *text, size_t n, struct err *e)
{
	uint8_t raw[BOOT_INFO_DIGEST_SIZE];

	return str_unhex(raw, n, without_prefix(text)) == 0
		       ? 0
		       : err_set(e, ERR_INPUT, "is not the hex of %zu bytes", n);
}

static int check_id(const char *text, struct err *e)
{
	return check_hex(text, BOOT_INFO_ID_SIZE, e);
}

static int check_digest(const char *text, struct err *e)
{
	return check_hex(text, BOOT_INFO_DIGEST_SIZE, e);
}

static int check_status(const char *text, struct err *e)
{
	enum tcb_status s = tcb_status_of(text);

	return s != TCB_NONE && s != TCB_REVOKED
		       ? 0
		       : err_set(e, ERR_INPUT,
				 "\"%s\" is no status that can be allowed; write UpToDate, "
				 "SWHardeningNeeded, ...",
				 text);
}

#define DIGESTS .type = CONF_STRINGS, .min = 64, .max = 66, .most = LIST_MOST, .check = check_digest

static const struct conf_key kms_keys[] = {
	{ .name = "mr_aggregated",
	  DIGESTS,
	  .doc = "The aggregated measurement of each KMS that may have the root keys." },
	{ .name = "devices", DIGESTS, .doc = "The machines that it may run on; none listed: any." },
	{ .name = NULL },
};

static const struct conf_key app_keys[] = {
	{ .name = "id",
	  .type = CONF_STRING,
	  .min = 40,
	  .max = 42,
	  .required = true,
	  .check = check_id,
	  .doc = "The app's id.",
	  .example = "\"0123456789abcdef0123456789abcdef01234567\"" },
	{ .name = "compose_hashes", DIGESTS, .doc = "The composes that may have the app's keys." },
	{ .name = "devices", DIGESTS, .doc = "The machines that it may run on; none listed: any." },
	{ .name = NULL },
};

const struct conf_key allow_table[] = {
	{ .name = "gateway_app_id",
	  .type = CONF_STRING,
	  .min = 40,
	  .max = 42,
	  .check = check_id,
	  .doc = "The app that apps believe to be their gateway; without it they have none.",
	  .example = "\"0123456789abcdef0123456789abcdef01234567\"" },
	{ .name = "os_images",
	  DIGESTS,
	  .doc = "The images that a guest may have booted, by the digest of digest.txt." },
	{ .name = "tcb_statuses",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 64,
	  .most = 16,
	  .check = check_status,
	  .doc = "TCB statuses that a machine may have; none listed: those that quotes.accept of "
		 "bailey-kms.yaml lets through.",
	  .example = "[ UpToDate ]" },
	{ .name = "advisories",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = QUOTE_ADVISORY_SIZE - 1,
	  .most = 256,
	  .doc = "Intel's advisories that a machine may be subject to.",
	  .example = "[ INTEL-SA-00837 ]" },
	{ .name = "kms", .type = CONF_MAP, .keys = kms_keys, .doc = "Other key services:" },
	{ .name = "apps",
	  .type = CONF_MAPS,
	  .keys = app_keys,
	  .most = LIST_MOST,
	  .doc = "Apps that may have keys:" },
	{ .name = NULL },
};

/* The same app twice: which of the two counted would be a riddle. */
static int check_apps(const struct allow *a, const char *file, struct err *e)
{
	const json_t *apps = json_object_get(a->doc, "apps");
	json_t *seen = json_object();
	char id[HEX_MAX], key[32];
	size_t i, k;
	int rc = 0;

	for (i = 0; rc == 0 && i < json_array_size(apps); i++) {
		const json_t *app = json_array_get(apps, i);

		(void)str_copy(id, sizeof(id), without_prefix(json_get_str(app, "id", "")));
		for (k = 0; id[k]; k++)
			id[k] |= id[k] >= 'A' && id[k] <= 'F' ? 'a' - 'A' : 0;
		(void)str_format(key, sizeof(key), "apps[%zu].id", i);
		if (json_object_get(seen, id))
			rc = err_set(e, ERR_INPUT, "%s:%d: %s: the app is listed already", file,
				     conf_line(a->doc, key), key);
		(void)json_object_set_new(seen, id, json_true());
	}
	json_decref(seen);
	return rc;
}

int allow_parse(const char *text, size_t n, const char *file, struct allow *ret, struct err *e)
{
	struct allow a = { .doc = NULL };
	int rc = conf_load(allow_table, text, n, file, &a.doc, e);

	if (rc == 0)
		rc = check_apps(&a, file, e);
	if (rc < 0) {
		allow_deinit(&a);
		return rc;
	}
	conf_forget_lines(a.doc);
	*ret = a;
	return 0;
}

void allow_deinit(struct allow *a)
{
	json_decref(a->doc);
	a->doc = NULL;
}

const char *allow_gateway(const struct allow *a)
{
	return without_prefix(json_get_str(a->doc, "gateway_app_id", ""));
}

static bool has_text(const json_t *list, const char *text)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if (str_equal(json_string_value(json_array_get(list, i)), text))
			return true;
	}
	return false;
}

static bool has_hex(const json_t *list, const uint8_t *p)
{
	char hex[HEX_MAX];
	size_t i;

	str_hex(hex, p, BOOT_INFO_DIGEST_SIZE);
	for (i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (strcasecmp(without_prefix(s), hex) == 0)
			return true;
	}
	return false;
}

static bool has_device(const json_t *list, const struct boot_info *b)
{
	return json_array_size(list) == 0 || has_hex(list, b->device_id);
}

/* What holds for every machine.  NULL: nothing is against it. */
static const char *refuse_machine(const struct allow *a, const struct boot_info *b)
{
	const json_t *statuses = json_object_get(a->doc, "tcb_statuses");
	const char *status = tcb_status_name(b->tcb_status);
	size_t i;

	if (!status || (json_array_size(statuses) > 0 && !has_text(statuses, status)))
		return "TCB status is not allowed";
	for (i = 0; i < b->n_advisories; i++) {
		if (!has_text(json_object_get(a->doc, "advisories"), b->advisories[i]))
			return "advisory ID is not allowed";
	}
	if (!has_hex(json_object_get(a->doc, "os_images"), b->os_image_hash))
		return "OS image is not allowed";
	return NULL;
}

static const char *refuse_kms(const struct allow *a, const struct boot_info *b)
{
	const json_t *kms = json_object_get(a->doc, "kms");

	if (!has_hex(json_object_get(kms, "mr_aggregated"), b->mr_aggregated))
		return "aggregated MR not allowed";
	if (!has_device(json_object_get(kms, "devices"), b))
		return "KMS is not allowed to boot on this device";
	return NULL;
}

static const json_t *find_app(const struct allow *a, const struct boot_info *b, size_t *ret_at)
{
	const json_t *apps = json_object_get(a->doc, "apps");
	char id[2 * BOOT_INFO_ID_SIZE + 1];
	size_t i;

	str_hex(id, b->app_id, BOOT_INFO_ID_SIZE);
	for (i = 0; i < json_array_size(apps); i++) {
		const json_t *app = json_array_get(apps, i);

		if (strcasecmp(without_prefix(json_get_str(app, "id", "")), id) == 0) {
			*ret_at = i;
			return app;
		}
	}
	return NULL;
}

static const char *refuse_app(const json_t *app, const struct boot_info *b)
{
	if (!app)
		return "app not registered";
	if (!has_hex(json_object_get(app, "compose_hashes"), b->compose_hash))
		return "compose hash not allowed";
	if (!has_device(json_object_get(app, "devices"), b))
		return "app is not allowed to boot on this device";
	return NULL;
}

/* @rule: which one allowed it, if nothing refused it. */
static void decide(const struct allow *a, const char *refusal, const char *rule, struct grant *ret)
{
	*ret = (struct grant){ .is_allowed = !refusal };
	(void)str_copy(ret->gateway_app_id, sizeof(ret->gateway_app_id), allow_gateway(a));
	(void)str_copy(ret->reason, sizeof(ret->reason), refusal ? refusal : rule);
}

void allow_app(const struct allow *a, const struct boot_info *b, struct grant *ret)
{
	const char *refusal = refuse_machine(a, b);
	char rule[64];
	size_t at = 0;
	const json_t *app = find_app(a, b, &at);

	if (!refusal)
		refusal = refuse_app(app, b);
	(void)str_format(rule, sizeof(rule), "apps[%zu] of the allow-list", at);
	decide(a, refusal, rule, ret);
}

void allow_kms(const struct allow *a, const struct boot_info *b, struct grant *ret)
{
	const char *refusal = refuse_machine(a, b);

	if (!refusal)
		refusal = refuse_kms(a, b);
	decide(a, refusal, "kms of the allow-list", ret);
}
