/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs: the certificates that a key service makes: its own, and those of apps
 *
 * Wire     names, path lengths and usages are dstack's; see tee/ratls_cert.h.
 * Thread   any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct app_info;
struct buf;
struct csr;
struct err;
struct kms_keys;
struct p256_key;

struct certs_ca {
	const char *name;
	unsigned int path_length;
};

extern const struct certs_ca certs_root, certs_temp;

/* A CA that signed itself, in PEM; the caller frees.  Return: 0 or negative. */
int certs_make_ca(const struct p256_key *key, const struct certs_ca *ca, int64_t now, char **ret,
		  struct err *e);

struct certs_rpc {
	const char *const *names; /* the first is the common name */
	size_t n_names;
	const struct p256_key *key;
	const struct buf *attestation; /* NULL: none */
};

/* The service's own, signed by the root.  Return: 0 and the PEM; negative. */
int certs_make_rpc(const struct kms_keys *k, const struct certs_rpc *rpc, int64_t now, char **ret,
		   struct err *e);

struct certs_leaf {
	const struct csr *csr;
	const uint8_t *app_id;	 /* 20 bytes, of the verified attestation */
	const void *attestation; /* to be in it; NULL: none */
	size_t n_attestation;
	const struct app_info *info; /* NULL: none */
};

enum { CERTS_CHAIN = 3 };

/* Leaf, app CA, root; each the caller's.  Return: 0 or negative. */
int certs_make_leaf(const struct kms_keys *k, const struct certs_leaf *leaf, int64_t now,
		    char *ret[static CERTS_CHAIN], struct err *e);
