/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys_vm_config: the machine as its host says it built it, read by a guest and by who verifies one
 *
 * The host wrote it and may lie: a verifier computes what such a machine would measure and compares.
 *
 * Borrows  its texts from the JSON document.
 * Wire     dstack's vm_config: the text in .sys-config.json that evidence repeats.  Keys that we do not know are
 *          passed over, as they are in dstack.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;

enum { SYS_VM_CONFIG_MAX = 64 * 1024 };

struct sys_vm_config {
	bool has_os_image_hash;
	uint8_t os_image_hash[32];
	uint32_t cpu_count;
	uint64_t memory_size;	   /* bytes */
	const char *qemu_version;  /* each text: or NULL */
	int single_pass_add_pages; /* qemu_single_pass_add_pages: 1, 0, or -1 if absent */
	int pic;		   /* the same */
	uint64_t pci_hole64_size;
	bool hugepages, hotplug_off, swtpm;
	bool no_root_disk; /* root_disk is false: a key of ours, where an image has no root file system */
	uint32_t num_gpus, num_nvswitches, num_nics, num_verity_volumes;
	const char *image, *host_share_mode, *ovmf_variant;
	bool is_lite;			/* tdx_attestation_variant */
	const char *sums, *measurement; /* of tdx_measurement, base64; both or neither */
	const char *mr_config;
};

/* Out of the object @o, which messages call @what.  Return: 0; ERR_INPUT with the key. */
int sys_vm_config_read(const json_t *o, const char *what, struct sys_vm_config *ret, struct err *e);

/* Out of its text.  Return: as above, and *@ret_doc, which @ret borrows from and the caller decrefs; ERR_LIMIT. */
int sys_vm_config_parse(const void *p, size_t n, json_t **ret_doc, struct sys_vm_config *ret,
			struct err *e);
