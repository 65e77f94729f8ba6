/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_config: what the host tells a guest and its verifiers about the machine (.sys-config.json)
 *
 * Pure: made anew at each start from the values given.
 *
 * Wire     dstack's .sys-config.json and the vm_config document in it, each key and its rule of absence; and
 *          root_disk, false for a real TEE whose image has no root file system.
 * Limits   the guest refuses more than VM_CONFIG_SYS_MAX bytes, so we do not write more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct image;
struct measurement;
struct mr_config;

enum { VM_CONFIG_SYS_MAX = 32 * 1024 };

#define VM_CONFIG_HOST_API_URL "vsock://2:10000/api"

enum vm_config_variant {
	VM_CONFIG_AUTO,	  /* by memory size and what the image has */
	VM_CONFIG_LEGACY, /* verifiers compute ACPI tables */
	VM_CONFIG_LITE,	  /* verifiers use the image's measurement document */
};

/* All borrowed. */
struct vm_config_spec {
	const struct image *image;
	unsigned int cpu_count;	  /* as given to QEMU */
	unsigned int memory_mib;  /* of the manifest */
	const char *qemu_version; /* NULL or "": not known */
	uint64_t pci_hole64_size;
	bool hugepages, hotplug_off, swtpm;
	unsigned int n_gpus, n_nvswitches, n_nics, n_volumes;
	const char *share_mode; /* "9p" or "vhd" */
	bool is_tdx;		/* a real TEE */
	bool is_simulated;	/* one that stands for it, before verifiers of development too */
	enum vm_config_variant variant;
	int measure_acpi; /* requirements.tdx_measure_acpi_tables of the app: 1, 0, or -1 if absent */

	const char *const *kms_urls, *const *gateway_urls;
	size_t n_kms_urls, n_gateway_urls;
	const char *pccs_url;			  /* NULL: "" */
	const char *docker_registry;		  /* NULL: "" */
	const char *nvidia_attestation_proxy_url; /* NULL: null */
	const char *host_api_url;		  /* NULL: VM_CONFIG_HOST_API_URL */
	const char *mr_config;			  /* V3 document; NULL: none */

	/* Of a simulated TEE: what a real one would have measured of this machine.  NULL: not known. */
	const struct measurement *boot;
	const struct mr_config *mr_config_id; /* NULL: zeros */
};

/*
 * The vm_config document, compact.  The caller frees *@ret.
 * Return: 0; ERR_MISSING if lite was asked for and the image cannot.
 */
int vm_config_text(const struct vm_config_spec *s, char **ret, struct err *e);

/* The bytes of .sys-config.json.  The caller frees *@ret.  Return: as above; ERR_LIMIT over VM_CONFIG_SYS_MAX;
 * ERR_INPUT "Unsupported image version: (a, b, c)" below 0.5.0. */
int vm_config_sys(const struct vm_config_spec *s, char **ret, size_t *ret_n, struct err *e);

/*
 * The bytes of .tee-simulator.json for a simulated @platform ("dstack-tdx").  @seed (64 hex) and @collateral_url
 * may be NULL.  The caller frees *@ret.
 *
 * dstack's keys, and with @s->boot our "bailey": {"mrtd", "mrconfigid", "events": [{"imr", "event_type", "digest",
 * "event"}]}, which lib/data/tee_simulator.h reads.
 */
int vm_config_simulator(const struct vm_config_spec *s, const char *platform, const char *seed,
			const char *collateral_url, char **ret, size_t *ret_n, struct err *e);
