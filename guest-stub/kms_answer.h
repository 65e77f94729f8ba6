/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kms_answer: what a KMS says, taken apart; also by a KMS that is none
 *
 * Pure.
 * Trusts   nothing: forms and sizes only.  Whether it is the right KMS is for keys_kms.h to say.
 * Wire     the JSON of proto/kms.proto: GetTempCaCertResponse, AppKeyResponse, SignCertResponse, {"error": text}.
 * Limits   KMS_ANSWER_MAX bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct app_keys_file;
struct err;

enum {
	KMS_ANSWER_MAX = 1024 * 1024,
	KMS_ANSWER_PEM_MAX = 32 * 1024,
	KMS_ANSWER_SPKI_MAX = 256,
	KMS_ANSWER_CHAIN_MAX = 8,
	KMS_ANSWER_ERROR_SIZE = 256,
};

/* The texts are for secret_str_free(). */
struct kms_temp_ca {
	char *cert, *key, *root; /* PEM; @root is one certificate */
	uint8_t spki[KMS_ANSWER_SPKI_MAX];
	size_t n_spki; /* of @root's key: who the KMS is */
};

void kms_temp_ca_deinit(struct kms_temp_ca *t);
#define auto_kms_temp_ca __attribute__((cleanup(kms_temp_ca_deinit)))

/* Return: 0 and *@ret, the caller's; ERR_PROTO, ERR_LIMIT. */
int kms_answer_temp_ca(const void *p, size_t n, struct kms_temp_ca *ret, struct err *e);

/**
 * kms_answer_app_keys() - disk, env, k256 and its signature, ca_cert, gateway_app_id and os_image_hash of @ret
 * @spki: of the KMS's root as it was told before: another one now is refused
 *
 * Return: 0; ERR_PROTO, ERR_LIMIT; *@ret is for app_keys_file_wipe() in every case.
 */
int kms_answer_app_keys(const void *p, size_t n, const void *spki, size_t n_spki,
			struct app_keys_file *ret, struct err *e);

/* A chain of certificates: the caller frees each text.  Return: 0; ERR_PROTO, ERR_LIMIT. */
int kms_answer_chain(const void *p, size_t n, char *ret[static KMS_ANSWER_CHAIN_MAX], size_t *ret_n,
		     struct err *e);

/*
 * Is the server that answered a KMS, as its certificate says (DER, whose chain was verified)?  The root signs for
 * apps, too.  Return: 0; ERR_PROTO "missing server cert", "missing server cert usage", "Invalid server cert usage: X".
 */
int kms_answer_server(const void *cert, size_t n, struct err *e);

/* The words of a refusal, fit for a log line; "HTTP status N" without any.  Return: @dst. */
const char *kms_answer_error(const void *p, size_t n, int status,
			     char dst[static KMS_ANSWER_ERROR_SIZE]);
