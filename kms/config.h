/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: bailey-kms.yaml, checked as a whole
 *
 * Owns     the document; texts are borrowed from it.  Nothing changes after it was loaded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "crypto/p256.h"
#include "data/conf.h"

struct buf;
struct err;

enum {
	KMS_CONFIG_LISTEN_MAX = 8,
	KMS_CONFIG_NAMES_MAX = 32,
	KMS_CONFIG_ROOTS_MAX = 4,
	KMS_CONFIG_TOKEN_MAX = 256,
};

/* A root that is believed though it is not Intel's, and where its collateral comes from: one of the two. */
struct kms_config_root {
	const char *file, *collateral, *pccs;
};

struct kms_config {
	json_t *doc;
	const char *state, *user;
	enum log_level log;
	const char *listen[KMS_CONFIG_LISTEN_MAX];
	size_t n_listen;
	const char *domain;
	const char *names[KMS_CONFIG_NAMES_MAX]; /* the domain first */
	size_t n_names;
	const char *agent; /* the guest agent's socket; NULL: none */
	bool attests;	   /* rpc certificate with attestation */
	bool checks_self;
	const char *seal_key; /* file; NULL: the agent's key */
	bool auto_bootstrap;
	const char *onboard_listen, *onboard_token; /* token: file; NULL: no onboarding service */
	const char *allow_file, *webhook, *webhook_ca; /* one of the first two */
	bool has_allow_signer;
	uint8_t allow_signer[P256_SPKI]; /* SubjectPublicKeyInfo */
	unsigned int webhook_ms;
	uint32_t accept; /* 1 << enum tcb_status */
	const char *pccs, *pccs_ca;
	bool pccs_http;
	unsigned int pccs_ms;
	struct kms_config_root roots[KMS_CONFIG_ROOTS_MAX];
	size_t n_roots;
	const char *images; /* folder; NULL: only documents that a vm_config carries */
	bool acpi_computed;
	const char *qemu;
	const char *admin_listen, *admin_token;
	bool has_metrics;
	unsigned int conns, ip_conns, ip_rate, ip_burst, requests, verifications;
	uint64_t audit_max;
};

extern const struct conf_key kms_config_table[];

/* Return: 0 and *@ret; ERR_INPUT with file, line, key and what would be right. */
int kms_config_load(const char *path, struct kms_config **ret, struct err *e);
int kms_config_parse(const char *text, size_t n, const char *file, struct kms_config **ret,
		     struct err *e);
void kms_config_free(struct kms_config *c);

/* All that is in effect, as YAML. */
void kms_config_print(const struct kms_config *c, struct buf *ret);

/* A domain as dstack has it (labels of letters, digits and dashes), or an IP address. */
bool kms_config_is_domain(const char *text);
