/* SPDX-License-Identifier: Apache-2.0 */
#include "data/app_keys_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/fields.h"
#include "data/json.h"

enum { HEX_MAX = 2 * APP_KEYS_FILE_ID_MAX + 1 };

#define WHAT "app keys"

static const char *const members[] = {
	[APP_KEY_PROVIDER_NONE] = "None",
	[APP_KEY_PROVIDER_KMS] = "Kms",
	[APP_KEY_PROVIDER_LOCAL] = "Local",
	[APP_KEY_PROVIDER_TPM] = "Tpm",
};
_Static_assert(sizeof(members) / sizeof(members[0]) == APP_KEY_PROVIDER_COUNT, "each has its name");

void app_keys_file_wipe(struct app_keys_file *f)
{
	secret_str_free(f->gateway_app_id);
	secret_str_free(f->ca_cert);
	secret_str_free(f->ca_key);
	secret_str_free(f->url);
	secret_str_free(f->tmp_ca_key);
	secret_str_free(f->tmp_ca_cert);
	secret_wipe(f, sizeof(*f));
}

/* Hex of @n bytes, or "" if @may_lack.  Return: is it there? */
static bool read_bytes(struct fields *f, const char *key, uint8_t *dst, size_t n, bool may_lack)
{
	const char *hex = may_lack ? fields_text(f, key, "") : fields_need_text(f, key);

	if (may_lack && !*hex)
		return false;
	if (str_unhex(dst, n, hex) < 0) {
		fields_fail(f, key, "expected %zu bytes in hex", n);
		return false;
	}
	return true;
}

/* Hex of up to APP_KEYS_FILE_ID_MAX bytes. */
static void read_id(struct fields *f, const char *key, struct app_keys_file *keys)
{
	const char *hex = fields_need_text(f, key);
	size_t n = strlen(hex) / 2;

	if (n == 0 || n > APP_KEYS_FILE_ID_MAX || str_unhex(keys->id, n, hex) < 0)
		fields_fail(f, key, "expected 1 to %d bytes in hex", APP_KEYS_FILE_ID_MAX);
	else
		keys->n_id = n;
}

/* Printable ASCII, with line ends where @has_lines: what may come into a log or a request. */
static bool is_plain(const char *s, bool has_lines)
{
	for (; *s; s++) {
		if (!(*s > ' ' && *s <= '~') && !(has_lines && (*s == '\n' || *s == ' ')))
			return false;
	}
	return true;
}

/* PEM, by its first and last line; its reader sees to the rest. */
static char *read_pem(struct fields *f, const char *key, const char *label)
{
	const char *text = fields_need_text(f, key);
	size_t n = strlen(text);
	char first[64], last[64];

	(void)snprintf(first, sizeof(first), "-----BEGIN %s-----\n", label);
	(void)snprintf(last, sizeof(last), "\n-----END %s-----\n", label);
	if (n > APP_KEYS_FILE_TEXT_MAX)
		fields_fail(f, key, "%zu bytes, at most %d", n, APP_KEYS_FILE_TEXT_MAX);
	else if (!str_starts(text, first) || !str_ends(text, last) || !is_plain(text, true))
		fields_fail(f, key, "expected PEM, \"%s\"", label);
	return xstrdup(text);
}

static char *read_pem_or_empty(struct fields *f, const char *key, const char *label)
{
	return *fields_text(f, key, "") ? read_pem(f, key, label) : xstrdup("");
}

static char *read_plain(struct fields *f, const char *key, const char *text)
{
	if (strlen(text) > APP_KEYS_FILE_URL_MAX || !is_plain(text, false))
		fields_fail(f, key, "expected at most %d characters of ASCII without spaces",
			    APP_KEYS_FILE_URL_MAX);
	return xstrdup(text);
}

static void read_kms(struct fields *f, struct app_keys_file *keys)
{
	read_id(f, "pubkey", keys);
	keys->url = read_plain(f, "url", fields_need_text(f, "url"));
	if (!str_starts(keys->url, "https://"))
		fields_fail(f, "url", "expected one that begins with https://");
	keys->tmp_ca_key = read_pem_or_empty(f, "tmp_ca_key", "PRIVATE KEY");
	keys->tmp_ca_cert = read_pem_or_empty(f, "tmp_ca_cert", "CERTIFICATE");
}

/* The one member of "key_provider" says which it was. */
static void read_provider(struct fields *f, struct app_keys_file *keys)
{
	const json_t *o = fields_object(f, "key_provider");
	struct fields of = { .what = WHAT ": key_provider", .e = f->e, .rc = f->rc };
	enum app_key_provider p;

	for (p = 0; p < APP_KEY_PROVIDER_COUNT && !of.o; p++) {
		of.o = json_object_get(o, members[p]);
		keys->provider = p;
	}
	if (json_object_size(o) != 1 || !json_is_object(of.o)) {
		fields_fail(f, "key_provider", "expected one object: None, Kms, Local or Tpm");
		return;
	}
	if (keys->provider == APP_KEY_PROVIDER_KMS)
		read_kms(&of, keys);
	else
		keys->ca_key = read_pem(&of, "key", "PRIVATE KEY");
	if (keys->provider == APP_KEY_PROVIDER_LOCAL)
		read_id(&of, "mr", keys);
	else if (keys->provider == APP_KEY_PROVIDER_TPM)
		read_id(&of, "pubkey", keys);
	f->rc = of.rc;
}

int app_keys_file_parse(const void *p, size_t n, struct app_keys_file *ret, struct err *e)
{
	auto_app_keys_file struct app_keys_file k = { .n_id = 0 };
	struct fields f = { .what = WHAT, .e = e };
	json_auto_t *o = NULL;
	int rc = json_parse(p, n, APP_KEYS_FILE_MAX, WHAT, &o, NULL);

	if (rc == ERR_LIMIT)
		return err_set(e, rc, WHAT ": too large, at most %d bytes", APP_KEYS_FILE_MAX);
	if (rc < 0 || !json_is_object(o)) /* the parser's message would show what it stopped at */
		return err_set(e, ERR_INPUT, WHAT ": expected a JSON object");
	f.o = o;
	(void)read_bytes(&f, "disk_crypt_key", k.disk.b, sizeof(k.disk.b), false);
	k.has_env = read_bytes(&f, "env_crypt_key", k.env.b, sizeof(k.env.b), true);
	(void)read_bytes(&f, "k256_key", k.k256.b, sizeof(k.k256.b), false);
	k.has_signature =
		read_bytes(&f, "k256_signature", k.k256_signature, sizeof(k.k256_signature), true);
	k.has_os_image_hash =
		read_bytes(&f, "os_image_hash", k.os_image_hash, sizeof(k.os_image_hash), true);
	k.gateway_app_id = read_plain(&f, "gateway_app_id", fields_text(&f, "gateway_app_id", ""));
	k.ca_cert = read_pem(&f, "ca_cert", "CERTIFICATE");
	read_provider(&f, &k);
	if (f.rc < 0)
		return f.rc;
	*ret = k;
	k = (struct app_keys_file){ .n_id = 0 };
	return 0;
}

static void add_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	char hex[HEX_MAX];

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
	secret_wipe(hex, sizeof(hex));
}

static void add(json_t *o, const char *key, const char *text)
{
	(void)json_object_set_new(o, key, json_string(text ? text : ""));
}

static json_t *provider_of(const struct app_keys_file *f)
{
	json_t *o = json_object(), *of = json_object();

	if (f->provider == APP_KEY_PROVIDER_KMS) {
		add(of, "url", f->url);
		add_hex(of, "pubkey", f->id, f->n_id);
		add(of, "tmp_ca_key", f->tmp_ca_key);
		add(of, "tmp_ca_cert", f->tmp_ca_cert);
	} else {
		add(of, "key", f->ca_key);
	}
	if (f->provider == APP_KEY_PROVIDER_LOCAL)
		add_hex(of, "mr", f->id, f->n_id);
	else if (f->provider == APP_KEY_PROVIDER_TPM)
		add_hex(of, "pubkey", f->id, f->n_id);
	(void)json_object_set_new(o, members[f->provider], of);
	return o;
}

char *app_keys_file_text(const struct app_keys_file *f)
{
	json_auto_t *o = json_object();

	add_hex(o, "disk_crypt_key", f->disk.b, sizeof(f->disk.b));
	add_hex(o, "env_crypt_key", f->env.b, f->has_env ? sizeof(f->env.b) : 0);
	add_hex(o, "k256_key", f->k256.b, sizeof(f->k256.b));
	add_hex(o, "k256_signature", f->k256_signature,
		f->has_signature ? sizeof(f->k256_signature) : 0);
	add(o, "gateway_app_id", f->gateway_app_id);
	add(o, "ca_cert", f->ca_cert);
	(void)json_object_set_new(o, "key_provider", provider_of(f));
	if (f->has_os_image_hash)
		add_hex(o, "os_image_hash", f->os_image_hash, sizeof(f->os_image_hash));
	return json_compact(o);
}

int app_keys_file_read(int dirfd, const char *path, struct app_keys_file *ret, struct err *e)
{
	auto_secret_buf struct buf b = { 0 };
	int rc = file_read_secret(dirfd, path, APP_KEYS_FILE_MAX, &b, e);

	return rc < 0 ? rc : app_keys_file_parse(b.p, b.n, ret, e);
}
