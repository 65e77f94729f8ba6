/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/kms_answer.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/k256.h"
#include "crypto/ratls.h"
#include "crypto/x509.h"
#include "data/app_keys_file.h"
#include "data/json.h"
#include "tee/ratls_cert.h"

void kms_temp_ca_deinit(struct kms_temp_ca *t)
{
	secret_str_free(t->cert);
	secret_str_free(t->key);
	secret_str_free(t->root);
	*t = (struct kms_temp_ca){ .cert = NULL };
}

/* An object, or why not; nothing of the text is told, as it may hold keys. */
static int read_object(const void *p, size_t n, json_t **ret, struct err *e)
{
	json_t *j = NULL;
	int r = json_parse(p, n, KMS_ANSWER_MAX, "answer", &j, NULL);

	if (r == 0 && json_is_object(j)) {
		*ret = j;
		return 0;
	}
	json_decref(j);
	return err_set(e, r == ERR_LIMIT ? ERR_LIMIT : ERR_PROTO,
		       "the answer is not a JSON object of at most %d bytes", KMS_ANSWER_MAX);
}

/* A text in PEM, as far as its first line says so. */
static int take_pem(const json_t *o, const char *key, const char *begins, char **ret, struct err *e)
{
	const char *text = json_get_str(o, key, "");

	if (!str_starts(text, begins) || strlen(text) > KMS_ANSWER_PEM_MAX)
		return err_set(e, ERR_PROTO, "%s is not a text that begins with %s", key, begins);
	*ret = xstrdup(text);
	return 0;
}

/* One certificate and nothing beside it, as whoever is believed for its key is believed for all of the text. */
static int take_root(const json_t *o, char **ret, uint8_t spki[static KMS_ANSWER_SPKI_MAX],
		     size_t *ret_n, struct err *e)
{
	struct x509_cert *cert = NULL;
	struct ratls of = { .key.p = NULL };
	int r = take_pem(o, "ca_cert", "-----BEGIN CERTIFICATE-----", ret, e);

	if (r < 0)
		return r;
	r = x509_cert_read(*ret, strlen(*ret), &cert, e);
	if (r == 0)
		r = ratls_read(*ret, strlen(*ret), &of, e);
	if (r == 0 && of.key.n > KMS_ANSWER_SPKI_MAX)
		r = err_set(e, ERR_PROTO, "its key has %zu bytes, at most %d", of.key.n,
			    KMS_ANSWER_SPKI_MAX);
	if (r == 0) {
		memcpy(spki, of.key.p, of.key.n);
		*ret_n = of.key.n;
	}
	x509_cert_free(cert);
	ratls_deinit(&of);
	return r < 0 ? err_wrap(e, ERR_PROTO, "ca_cert") : 0;
}

int kms_answer_temp_ca(const void *p, size_t n, struct kms_temp_ca *ret, struct err *e)
{
	struct kms_temp_ca t = { .cert = NULL };
	json_auto_t *o = NULL;
	int r = read_object(p, n, &o, e);

	if (r == 0)
		r = take_pem(o, "temp_ca_cert", "-----BEGIN CERTIFICATE-----", &t.cert, e);
	if (r == 0)
		r = take_pem(o, "temp_ca_key", "-----BEGIN PRIVATE KEY-----", &t.key, e);
	if (r == 0)
		r = take_root(o, &t.root, t.spki, &t.n_spki, e);
	if (r < 0) {
		kms_temp_ca_deinit(&t);
		return err_wrap(e, r, "GetTempCaCert");
	}
	*ret = t;
	return 0;
}

/* Hex of @n bytes that are not all zero.  Return: 1; 0 if there are none and none are needed; ERR_PROTO. */
static int take_bytes(const json_t *o, const char *key, bool is_needed, uint8_t *ret, size_t n,
		      struct err *e)
{
	const char *hex = json_get_str(o, key, "");

	if (!*hex && !is_needed)
		return 0;
	if (str_unhex(ret, n, hex) < 0)
		return err_set(e, ERR_PROTO, "%s is not %zu bytes in hex", key, n);
	return secret_is_zero(ret, n) ? err_set(e, ERR_PROTO, "%s is all zeros", key) : 1;
}

static int take_keys(const json_t *o, struct app_keys_file *to, struct err *e)
{
	int r;

	if (!*json_get_str(o, "disk_crypt_key", ""))
		return err_set(e, ERR_PROTO, "Failed to get valid key phrase from KMS");
	r = take_bytes(o, "disk_crypt_key", true, to->disk.b, sizeof(to->disk.b), e);
	if (r > 0)
		r = take_bytes(o, "k256_key", true, to->k256.b, sizeof(to->k256.b), e);
	if (r > 0 && !k256_is_key(&to->k256))
		r = err_set(e, ERR_PROTO, "k256_key is no key of secp256k1");
	if (r > 0)
		r = take_bytes(o, "env_crypt_key", false, to->env.b, sizeof(to->env.b), e);
	to->has_env = r > 0;
	if (r >= 0)
		r = take_bytes(o, "k256_signature", true, to->k256_signature,
			       sizeof(to->k256_signature), e);
	to->has_signature = r > 0;
	if (r >= 0)
		r = take_bytes(o, "os_image_hash", false, to->os_image_hash,
			       sizeof(to->os_image_hash), e);
	to->has_os_image_hash = r > 0;
	return r < 0 ? r : 0;
}

int kms_answer_app_keys(const void *p, size_t n, const void *spki, size_t n_spki,
			struct app_keys_file *ret, struct err *e)
{
	uint8_t now[KMS_ANSWER_SPKI_MAX];
	json_auto_t *o = NULL;
	size_t n_now = 0;
	int r;

	*ret = (struct app_keys_file){ .provider = APP_KEY_PROVIDER_KMS };
	r = read_object(p, n, &o, e);
	if (r == 0)
		r = take_keys(o, ret, e);
	if (r == 0)
		r = take_root(o, &ret->ca_cert, now, &n_now, e);
	if (r == 0 && (n_now != n_spki || memcmp(now, spki, n_now) != 0))
		r = err_set(e, ERR_PROTO,
			    "ca_cert has another key than the one told by GetTempCaCert");
	if (r < 0)
		return err_wrap(e, r, "GetAppKey");
	memcpy(ret->id, now, n_now);
	ret->n_id = n_now;
	ret->gateway_app_id = xstrdup(json_get_str(o, "gateway_app_id", ""));
	return 0;
}

int kms_answer_chain(const void *p, size_t n, char *ret[static KMS_ANSWER_CHAIN_MAX], size_t *ret_n,
		     struct err *e)
{
	json_auto_t *o = NULL;
	const json_t *list;
	const char *text;
	size_t i;
	int r = read_object(p, n, &o, e);

	if (r < 0)
		return err_wrap(e, r, "SignCert");
	list = json_object_get(o, "certificate_chain");
	if (json_array_size(list) == 0 || json_array_size(list) > KMS_ANSWER_CHAIN_MAX)
		return err_set(e, ERR_PROTO, "SignCert: a chain of %zu certificates",
			       json_array_size(list));
	for (i = 0; i < json_array_size(list); i++) {
		text = json_string_value(json_array_get(list, i));
		if (!text || !str_starts(text, "-----BEGIN CERTIFICATE-----"))
			return err_set(e, ERR_PROTO, "SignCert: certificate %zu is none", i + 1);
	}
	for (i = 0; i < json_array_size(list); i++)
		ret[i] = xstrdup(json_string_value(json_array_get(list, i)));
	*ret_n = i;
	return 0;
}

int kms_answer_server(const void *cert, size_t n, struct err *e)
{
	struct ratls of = { .key.p = NULL };
	int r;

	if (n == 0)
		return err_set(e, ERR_PROTO, "missing server cert");
	r = ratls_read(cert, n, &of, e);
	if (r == 0 && !of.usage[0])
		r = err_set(e, ERR_PROTO, "missing server cert usage");
	if (r == 0 && !str_equal(of.usage, RATLS_USAGE_KMS_RPC))
		r = err_set(e, ERR_PROTO, "Invalid server cert usage: %s", of.usage);
	ratls_deinit(&of);
	return r;
}

const char *kms_answer_error(const void *p, size_t n, int status,
			     char dst[static KMS_ANSWER_ERROR_SIZE])
{
	json_auto_t *o = NULL;
	const char *text = "";

	if (json_parse(p, n, KMS_ANSWER_MAX, "answer", &o, NULL) == 0)
		text = json_get_str(o, "error", "");
	if (*text)
		return str_escape(dst, KMS_ANSWER_ERROR_SIZE, text, strlen(text));
	(void)str_format(dst, KMS_ANSWER_ERROR_SIZE, "HTTP status %d", status);
	return dst;
}
