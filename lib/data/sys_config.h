/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys_config: .sys-config.json of the shared folder, as a guest reads it
 *
 * The host wrote it and may lie: nothing in it is believed that is not measured or checked later.
 *
 * Owns     the struct owns everything in it; texts are borrowed from @doc and @vm_doc, which it owns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "data/sys_vm_config.h"

struct err;

enum {
	SYS_CONFIG_MAX = 32 * 1024,
	SYS_CONFIG_URLS_MAX = 64,
};

struct sys_urls {
	const char *p[SYS_CONFIG_URLS_MAX];
	size_t n;
};

struct sys_config {
	json_t *doc, *vm_doc;
	struct sys_urls kms_urls, gateway_urls;
	const char *pccs_url, *collateral_pccs,
		*collateral_amd_kds; /* each text: or NULL; may be "" */
	const char *nvidia_attestation_proxy_url, *docker_registry;
	const char *host_api_url; /* NULL: the host wants no notices */
	const char *vm_config;	  /* the text, as evidence repeats it */
	struct sys_vm_config vm;
	const char *mr_config; /* the document in force: its own or vm_config's; NULL: none */
};

/* Return: 0 and a struct for sys_config_free(); ERR_INPUT; ERR_LIMIT. */
int sys_config_parse(const void *p, size_t n, struct sys_config **ret, struct err *e);
void sys_config_free(struct sys_config *c);

/* Where host_api_url leads: "vsock://2:10000/api". */
struct sys_host_api {
	uint32_t cid, port;
	const char *prefix; /* "/api"; "" if none; borrowed */
};

/* Return: 0; ERR_NOT_FOUND if there is no URL; ERR_INPUT if it is not a vsock URL. */
int sys_config_host_api(const struct sys_config *c, struct sys_host_api *ret, struct err *e);
