/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: baileyd.yaml, checked once and never changed after
 *
 * Owns     its strings and lists.
 * Invariant each value is in range, paths are absolute, users are known uids: who reads it need not
 *	    check again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "base/log.h"
#include "daemon/config_api.h"
#include "daemon/patience.h"
#include "daemon/restart.h"
#include "data/conf.h"

struct buf;
struct err;

enum {
	CONFIG_URLS_MAX = 16,
	CONFIG_RANGES_MAX = 32,
	/* sun_path, less what we put behind <run>: "/<8 hex>/vsock_10000" and its NUL. */
	CONFIG_RUN_MAX = 108 - 1 - 9 - 12,
};

enum config_carrier {
	CONFIG_CARRIER_AUTO, /* the kernel where it can, else bailey-vsock */
	CONFIG_CARRIER_KERNEL,
	CONFIG_CARRIER_BAILEY,	/* bailey-vsock */
	CONFIG_CARRIER_PROGRAM, /* another program with the same unix socket convention */
};

enum config_accel { CONFIG_ACCEL_AUTO, CONFIG_ACCEL_TCG };

enum config_share { CONFIG_SHARE_DISK, CONFIG_SHARE_9P };

struct config_range {
	bool is_udp;
	uint16_t from, to; /* inclusive */
};

struct config_urls {
	const char *items[CONFIG_URLS_MAX];
	size_t n;
};

struct config {
	const char *file; /* as it was given, borrowed; NULL: none */
	json_t *doc;	  /* owns the strings that are const below */
	const char *name;
	char *state, *run, *api_socket;
	const char *host_registry; /* the folder that the daemons of this host share */
	enum log_level log;

	uint32_t users[CONFIG_USERS_MAX]; /* who may call besides root and our own uid */
	size_t n_users;
	struct config_api api;

	char *libvirt_uri;     /* NULL: embedded */
	const char *qemu_path; /* NULL: libvirt's choice */
	char *qemu_user;       /* NULL: the one we run as */
	gid_t qemu_gid; /* group of that user alone if there is one; (gid_t)-1: none needed */
	enum config_accel accel;

	enum config_carrier carrier;
	const char *vsock_program; /* NULL: bailey-vsock beside baileyd, then in PATH */
	uint32_t cid_first, n_cids;

	enum config_share share;

	bool ports_enabled;
	const char *ports_address;
	struct config_range ranges[CONFIG_RANGES_MAX];
	size_t n_ranges;

	/* The most of one VM; vms: of all. */
	uint32_t max_vms, max_vcpu;
	uint64_t max_memory, max_disk; /* bytes */
	/* Of all together: 0 is no limit; total_memory is that of the host if nothing else was said. */
	uint32_t total_vcpu;
	uint64_t total_memory, total_disk; /* bytes */
	uint64_t disk_free;		   /* bytes that stay free in the state folder */
	uint64_t max_log;		   /* bytes of a log before it is moved on */
	size_t max_body;

	bool gpu_enabled, gpu_allow_all;
	const json_t *gpu_listing, *gpu_include,
		*gpu_exclude; /* lists of texts; borrowed from doc */

	/* Where images are pulled from.  NULL: nowhere.  auth_file: NULL if there is none. */
	const char *registry, *registry_auth_file;
	bool registry_insecure;
	uint64_t registry_max_size;
	unsigned int registry_timeout_ms;

	unsigned int host_api_rate, host_api_burst, host_api_conns; /* of each VM */

	bool key_provider_enabled;
	const char *key_provider_address;

	unsigned int guest_timeout_ms, stop_timeout_ms;
	unsigned int stop_graceful_ms, stop_firm_ms;
	struct patience stop_patience; /* by what stop_*_ms grow with a VM */
	bool host_down_asks;	       /* guests, when the host goes down */
	uint64_t host_down_ms;
	struct restart_policy restart;
	uint32_t events_max;
	bool unique_names; /* no two VMs of one name */

	struct config_urls kms_urls, gateway_urls;
	const char *gateway_domain;
	bool has_gateway_domain; /* it is written, not the default */
	uint16_t gateway_port, gateway_agent_port;
	const char *pccs_url, *docker_registry;
	uint16_t qgs_port;				   /* 0: none */
	const char *simulator_seed, *simulator_collateral; /* NULL: not given */
};

/* The table of baileyd.yaml: what may be in it, with defaults and meaning. */
extern const struct conf_key config_table[];

/* Read @path; NULL: all defaults.  Return: 0 and a config for config_free(); ERR_INPUT with file, line and key. */
int config_load(const char *path, struct config **ret, struct err *e);

/* The same from text, with @file as its name in messages. */
int config_parse(const char *text, size_t n, const char *file, struct config **ret, struct err *e);
void config_free(struct config *c);

/* What is in effect, as YAML. */
void config_print(const struct config *c, struct buf *ret);
