/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: what a VM is made of, as vm-manifest.json keeps it
 *
 * Owns     its strings and arrays.  MANIFEST_NULL is a valid empty one; manifest_deinit() is idempotent.
 * Wire     dstack's vm-manifest.json, each key and default; and ours: since_boot, gateway_service.  Keys that we do
 *          not know are kept and written back, so an older daemon does not lose what a newer one wrote.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;

enum {
	MANIFEST_MAX = 1024 * 1024, /* bytes of the file */
	MANIFEST_PORTS_MAX = 256,
	MANIFEST_LIST_MAX = 64, /* URLs, networks, volumes, GPUs */
	VM_ID_MAX = 64,
};

struct manifest_port {
	char address[64]; /* of the host: "127.0.0.1", "::1", "0.0.0.0" */
	bool is_udp;
	uint16_t from, to; /* host port, guest port */
};

struct manifest_network {
	char *mode;					       /* "user", "bridge", "custom" */
	char *bridge, *mac_prefix, *net, *dhcp_start, *netdev; /* never NULL, may be "" */
	bool restricted;
};

struct manifest_list {
	char **items;
	size_t n;
};

/* What the VM is to others if it is a gateway: data/gateway_place.h. */
struct manifest_gateway {
	char *domain, *url, *admin; /* never NULL; admin may be "" */
	uint16_t port;		    /* of its clients */
};

struct manifest {
	char id[VM_ID_MAX + 1];
	char *name, *app_id, *image; /* never NULL once loaded or made */
	uint32_t vcpu;
	uint32_t memory;    /* MiB */
	uint32_t disk_size; /* GiB */
	uint64_t created_at_ms;
	uint64_t
		since_boot; /* the first boot that has this content: vm_state's generation; 0: all */
	bool hugepages, pin_numa, no_tee, swtpm;
	char *simulated_tee;				      /* "dstack-tdx", ...; NULL: none */
	char *gpu_attach_mode;				      /* "listed" or "all" */
	struct manifest_list gpus, gpu_bridges;		      /* PCI slots */
	struct manifest_list kms_urls, gateway_urls, volumes; /* volumes: absolute paths */
	struct manifest_port *ports;
	size_t n_ports;
	struct manifest_network *networks;
	size_t n_networks;
	struct manifest_gateway *gateway; /* NULL: it is none */
	json_t *unknown;		  /* keys of the file that are not ours; may be NULL */
};

#define MANIFEST_NULL ((struct manifest){ .n_ports = 0 })

void manifest_deinit(struct manifest *m);
#define auto_manifest __attribute__((cleanup(manifest_deinit)))

/* 1 to 64 of [A-Za-z0-9_-]: fit to be a folder's name. */
bool vm_id_is_valid(const char *id);
#define VM_ID_INVALID "invalid VM id; write 1 to 64 letters, digits, - and _"

/* In the refusal of a name that another VM has; bailey up knows by it that the VM is there. */
#define VM_NAME_TAKEN "is the name of VM "

/* Read the JSON.  Return: 0; ERR_INPUT or ERR_LIMIT with the key that is wrong. */
int manifest_from_json(const json_t *j, struct manifest *ret, struct err *e);

/* A new object in dstack's key order.  The caller owns it. */
json_t *manifest_to_json(const struct manifest *m);

/* vm-manifest.json of the folder @dirfd. */
int manifest_load(int dirfd, struct manifest *ret, struct err *e);
int manifest_save(int dirfd, const struct manifest *m, struct err *e);

/* Append a copy of @s.  Return: 0; ERR_LIMIT over MANIFEST_LIST_MAX entries. */
int manifest_list_add(struct manifest_list *l, const char *s, struct err *e);
bool manifest_list_has(const struct manifest_list *l, const char *s);

/* Make them empty. */
void manifest_list_deinit(struct manifest_list *l);
void manifest_networks_deinit(struct manifest *m);

/* It is a gateway: copies.  NULL @domain: it is none. */
void manifest_set_gateway(struct manifest *m, const char *domain, uint16_t port, const char *url,
			  const char *admin);

/* A deep copy. */
void manifest_copy(const struct manifest *m, struct manifest *ret);
