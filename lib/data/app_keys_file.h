/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_keys_file: .appkeys.json: the keys of an app while it runs, from who asked for them to who uses them
 *
 * A process wrote it that spoke to a KMS or to the host, so nothing in it is believed before it is looked at:
 * sizes, hex, PEM by its first and last line, and what belongs to which provider.
 *
 * Owns     every text in the struct; app_keys_file_wipe() wipes and frees them.
 * Limits   APP_KEYS_FILE_MAX bytes.  A program that handles it calls json_wipe_on_free() at its start, as the
 *	    tree that JSON is read into holds the keys too.
 * Wire     dstack's file, which is compact JSON: disk_crypt_key, env_crypt_key, k256_key, k256_signature (hex, may
 *	    be ""), gateway_app_id, ca_cert (PEM), key_provider {"None":{"key"}} | {"Local":{"key","mr"}} |
 *	    {"Tpm":{"key","pubkey"}} | {"Kms":{"url","pubkey","tmp_ca_key","tmp_ca_cert"}}; and of ours
 *	    os_image_hash (hex; "" or absent if no KMS said it).  What else is there is ignored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "data/app_compose.h"

struct err;

enum {
	APP_KEYS_FILE_MAX = 128 * 1024,
	APP_KEYS_FILE_TEXT_MAX = 32 * 1024, /* of one text: certificates, keys in PEM */
	APP_KEYS_FILE_URL_MAX = 1024,
	APP_KEYS_FILE_ID_MAX = 256, /* of the provider's id, bytes */
	APP_KEYS_FILE_SIGNATURE = 65,
};

struct app_keys_file {
	struct secret32 disk, env, k256;
	uint8_t k256_signature[APP_KEYS_FILE_SIGNATURE];
	uint8_t os_image_hash[32];
	bool has_env, has_signature, has_os_image_hash;
	enum app_key_provider provider;
	uint8_t id
		[APP_KEYS_FILE_ID_MAX]; /* kms: DER SPKI of the root CA; local: its measurement; else none */
	size_t n_id;
	char *gateway_app_id; /* "" if none; never NULL */
	char *ca_cert; /* PEM, may be a chain: none, local, tpm: signs certificates; kms: its root */
	char *ca_key;  /* PEM PKCS#8 of ca_cert: none, local, tpm; NULL for kms */
	char *url;     /* kms only, else NULL: where SignCert is */
	char *tmp_ca_key, *tmp_ca_cert; /* kms only, else NULL; PEM */
};

/* All there is, wiped; the struct is as if it never held any. */
void app_keys_file_wipe(struct app_keys_file *f);
#define auto_app_keys_file __attribute__((cleanup(app_keys_file_wipe)))

/* Return: 0 and *@ret, for app_keys_file_wipe(); ERR_INPUT, ERR_LIMIT; the message quotes no value. */
int app_keys_file_parse(const void *p, size_t n, struct app_keys_file *ret, struct err *e);

/* The file's text; the caller ends it with secret_str_free().  Never NULL. */
char *app_keys_file_text(const struct app_keys_file *f);

/* The same at the path, at most the limit.  Return: as above, or the error of opening and reading it. */
int app_keys_file_read(int dirfd, const char *path, struct app_keys_file *ret, struct err *e);
