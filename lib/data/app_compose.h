/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_compose: what an app-compose.json asks for, as typed values
 *
 * Host and guest read the same bytes with this reader.  The bytes themselves are measured and are
 * never written again; so the reader has no writer.
 *
 * Owns     the struct owns everything in it; texts are borrowed from @doc, which it owns too.
 * Limits   APP_COMPOSE_MAX bytes, the counts below, json.h's depth and number of values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;

enum {
	APP_COMPOSE_MAX = 50 * 1024 * 1024,
	APP_COMPOSE_VERSION_MAX = 3, /* of manifest_version; see app_compose_check() */
	APP_COMPOSE_INIT_SCRIPTS_MAX = 5,
	APP_COMPOSE_LIST_MAX = 4096, /* features, allowed_envs, platforms, ports, volumes */
	APP_COMPOSE_KEY_ID_MAX = 1024,
};

enum app_key_provider {
	APP_KEY_PROVIDER_NONE,
	APP_KEY_PROVIDER_KMS,
	APP_KEY_PROVIDER_LOCAL,
	APP_KEY_PROVIDER_TPM,
	APP_KEY_PROVIDER_COUNT,
};

struct app_texts {
	const char **p;
	size_t n;
};

struct app_port_rule {
	uint16_t port;
	bool has_proxy_protocol; /* "pp" */
};

struct app_gpu_policy {
	bool attest_gpu;  /* true if not said */
	const char *rego; /* or NULL */
	bool allow_devtools, allow_debug, allow_insecure_boot;
};

struct app_requirements {
	bool is_given;
	const char *os_version; /* semver requirement, or NULL */
	bool has_platforms;	/* then an empty list means none */
	struct app_texts platforms;
	bool has_tdx_measure_acpi_tables, tdx_measure_acpi_tables;
	bool has_launch_token_hash;
	uint8_t launch_token_hash[32];
	struct app_gpu_policy gpu_policy;
	const json_t *gpu_policy_raw; /* for its hash: json_canonical() of it, of {} if NULL */
};

struct app_verity_volume {
	const char *source;
	uint8_t root[32];
	const char *target; /* absolute */
};

struct app_compose {
	json_t *doc;
	unsigned int manifest_version; /* from 1 */
	const char *name;
	const char
		*runner; /* docker-compose, nerdctl-compose, bash; not checked: who runs it does */
	struct app_texts features;
	const char *snapshotter;	 /* overlayfs, stargz, or NULL */
	const char *docker_compose_file; /* the text; or NULL */
	const char *bash_script;	 /* or NULL */
	const char *pre_launch_script;	 /* or NULL */
	const char *init_scripts[APP_COMPOSE_INIT_SCRIPTS_MAX];
	size_t n_init_scripts;
	bool public_logs, public_sysinfo, public_tcbinfo;
	bool gateway_enabled; /* by any of its three names */
	uint16_t
		ready_port; /* ours: the app is ready once it takes connections there; 0: not said */
	enum app_key_provider key_provider; /* in effect, from key_provider or the older switches */
	uint8_t *key_provider_id;
	size_t n_key_provider_id;
	bool key_provider_unpinned; /* ours: any kms or local provider will do, as no id is given */
	struct app_texts allowed_envs;
	bool no_instance_id, secure_time;
	const char *storage_fs;		/* or NULL */
	uint64_t swap_size;		/* bytes */
	unsigned int event_log_version; /* 1 or 2 */
	struct app_port_rule *port_rules;
	size_t n_port_rules;
	bool port_restrict_mode;
	struct app_requirements requirements;
	struct app_verity_volume *volumes;
	size_t n_volumes;
};

/*
 * Parse @n bytes.  Unknown keys are ignored at the top, errors in requirements.  Messages begin with
 * what is wrong ("app-compose.json: name: missing").
 *
 * Return: 0 and a struct for app_compose_free(); ERR_INPUT; ERR_LIMIT.
 */
int app_compose_parse(const void *p, size_t n, struct app_compose **ret, struct err *e);
void app_compose_free(struct app_compose *c);

/*
 * What a guest refuses to run although it parses: a manifest_version above the newest, or below 3
 * with something that came with 3.  Return: 0 or ERR_INPUT.
 */
int app_compose_check(const struct app_compose *c, struct err *e);

/* "none", "kms", "local", "tpm" */
const char *app_key_provider_name(enum app_key_provider p);
