/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image_metadata.h"

#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "data/json.h"

#define WHAT "metadata.json"

/* A text or null or absent. */
static int get_text(const json_t *doc, const char *key, const char **ret, struct err *e)
{
	const json_t *v = json_object_get(doc, key);

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return err_set(e, ERR_CORRUPT, WHAT ": %s: must be a string", key);
	*ret = json_string_value(v);
	return 0;
}

static int get_bool(const json_t *doc, const char *key, bool *ret, struct err *e)
{
	const json_t *v = json_object_get(doc, key);

	if (v && !json_is_null(v) && !json_is_boolean(v))
		return err_set(e, ERR_CORRUPT, WHAT ": %s: must be true or false", key);
	*ret = json_is_true(v);
	return 0;
}

static int read_texts(struct image_metadata *m, struct err *e)
{
	const struct {
		const char *key;
		const char **ret;
	} rows[] = {
		{ "kernel", &m->kernel },   { "initrd", &m->initrd },
		{ "hda", &m->hda },	    { "rootfs", &m->rootfs },
		{ "bios", &m->bios },	    { "bios-sev", &m->bios_sev },
		{ "cmdline", &m->cmdline }, { "rootfs_hash", &m->rootfs_hash },
		{ "version", &m->version },
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		rc = get_text(m->doc, rows[i].key, rows[i].ret, e);
	if (rc == 0 && (!m->kernel || !m->initrd))
		rc = err_set(e, ERR_CORRUPT, WHAT ": %s: missing", m->kernel ? "initrd" : "kernel");
	if (!m->version)
		m->version = "";
	return rc;
}

static int read_variant(struct image_metadata *m, struct err *e)
{
	const char *variant;
	int rc = get_text(m->doc, "ovmf_variant", &variant, e);

	if (rc < 0 || !variant)
		return rc;
	m->is_pre202505 = str_equal(variant, "pre202505");
	if (!m->is_pre202505)
		return err_set(e, ERR_CORRUPT,
			       WHAT ": ovmf_variant: \"pre202505\" is the only one known");
	return 0;
}

int image_metadata_parse(const void *p, size_t n, struct image_metadata *ret, struct err *e)
{
	struct image_metadata m = { .doc = NULL };
	int rc = json_parse(p, n, IMAGE_METADATA_MAX, WHAT, &m.doc, e);

	if (rc < 0)
		return err_wrap(e, ERR_CORRUPT, "cannot be read");
	if (!json_is_object(m.doc))
		rc = err_set(e, ERR_CORRUPT, WHAT ": must be an object");
	if (rc == 0)
		rc = read_texts(&m, e);
	if (rc == 0)
		rc = get_bool(m.doc, "shared_ro", &m.shared_ro, e);
	if (rc == 0)
		rc = get_bool(m.doc, "is_dev", &m.is_dev, e);
	if (rc == 0)
		rc = read_variant(&m, e);
	if (rc < 0)
		image_metadata_deinit(&m);
	else
		*ret = m;
	return rc;
}

void image_metadata_deinit(struct image_metadata *m)
{
	json_decref(m->doc);
	m->doc = NULL;
}

char *image_metadata_describe(const struct image_metadata *m)
{
	json_t *o = json_pack("{s:s?, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:b, s:s, s:b, s:s?}",
			      "cmdline", m->cmdline, "kernel", m->kernel, "initrd", m->initrd,
			      "hda", m->hda, "rootfs", m->rootfs, "bios", m->bios, "bios-sev",
			      m->bios_sev, "rootfs_hash", m->rootfs_hash, "shared_ro",
			      (int)m->shared_ro, "version", m->version, "is_dev", (int)m->is_dev,
			      "ovmf_variant", m->is_pre202505 ? "pre202505" : NULL);
	char *text = json_compact(o);

	json_decref(o);
	return text;
}

/* One part of a version, up to a dot or the end.  Return: what follows, NULL if it is not a number of 16 bits. */
static const char *part(const char *s, bool is_last, uint16_t *ret)
{
	const char *end = strchrnul(s, '.');
	char digits[6];
	uint32_t v;

	if (end - s > 5 || (!is_last && *end == 0))
		return NULL;
	memcpy(digits, s, (size_t)(end - s));
	digits[end - s] = 0;
	if (num_parse_u32(digits, 0, UINT16_MAX, &v) != 0)
		return NULL;
	*ret = (uint16_t)v;
	return *end ? end + 1 : end;
}

int image_version_parse(const char *text, struct image_version *ret)
{
	struct image_version v;
	const char *at = part(text, false, &v.major);

	at = at ? part(at, false, &v.minor) : NULL;
	at = at ? part(at, true, &v.patch) : NULL;
	if (!at)
		return 0;
	*ret = v;
	return 1;
}

const char *image_version_of_name(const char *name)
{
	static const char *const prefixes[] = { "dstack-dev-", "dstack-", "bailey-dev-",
						"bailey-" };
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (str_starts(name, prefixes[i]))
			return name + strlen(prefixes[i]);
	}
	return "";
}
