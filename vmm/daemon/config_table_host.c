/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_table_host.h"

#include "daemon/config.h"
#include "daemon/config_check.h"

#define KIB ((uint64_t)1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

const struct conf_key config_limit_keys[] = {
	{ .name = "vms",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 10000,
	  .otherwise = "256",
	  .doc = "How many VMs there may be, running or not." },
	{ .name = "vcpu",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 1024,
	  .otherwise = "256",
	  .doc = "The most virtual CPUs of one VM." },
	{ .name = "memory",
	  .type = CONF_SIZE,
	  .min = 64 * MIB,
	  .max = 64 * TIB,
	  .otherwise = "1T",
	  .doc = "The most memory of one VM." },
	{ .name = "disk",
	  .type = CONF_SIZE,
	  .min = GIB,
	  .max = 1024 * TIB,
	  .otherwise = "16T",
	  .doc = "The largest data disk of one VM." },
	{ .name = "body",
	  .type = CONF_SIZE,
	  .min = 64 * KIB,
	  .max = 256 * MIB,
	  .otherwise = "10M",
	  .doc = "The largest request body that the API reads." },
	{ .name = "vcpu_total",
	  .type = CONF_UINT,
	  .max = 65536,
	  .otherwise = "0",
	  .doc = "The most virtual CPUs of all VMs that run together; 0: no limit." },
	{ .name = "memory_total",
	  .type = CONF_SIZE,
	  .min = 64 * MIB,
	  .max = 64 * TIB,
	  .doc = "The most memory of all VMs that run together; the default is all that this host "
		 "has.",
	  .example = "200G" },
	{ .name = "disk_total",
	  .type = CONF_SIZE,
	  .max = 4096 * TIB,
	  .otherwise = "0",
	  .doc = "The most that the data disks of all VMs may grow to together; 0: no limit." },
	{ .name = "disk_free",
	  .type = CONF_SIZE,
	  .max = 1024 * TIB,
	  .otherwise = "256M",
	  .doc = "What stays free on the disk of the state folder: with less no VM is created and "
		 "no image pulled." },
	{ .name = NULL },
};

const struct conf_key config_registry_keys[] = {
	{ .name = "url",
	  .type = CONF_STRING,
	  .max = 263,
	  .otherwise = "\"\"",
	  .check = config_check_registry,
	  .doc = "Repository that guest images are pulled from: HOST[:PORT]/PATH; none: nothing is "
		 "pulled.",
	  .example = "ghcr.io/example/guest-image" },
	{ .name = "insecure",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Speak to the registry without checking who it is, or without TLS; only for one "
		 "on this host." },
	{ .name = "auth_file",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_path,
	  .doc = "Credentials of the registry, as containers-auth.json(5) has them; only its owner "
		 "may read it.",
	  .example = "/etc/bailey/registry-auth.json" },
	{ .name = "max_size",
	  .type = CONF_SIZE,
	  .min = MIB,
	  .max = TIB,
	  .otherwise = "8G",
	  .doc = "The most bytes of one image, unpacked." },
	{ .name = "timeout",
	  .type = CONF_DURATION,
	  .min = 1000,
	  .max = 86400000,
	  .otherwise = "1h",
	  .doc = "How long one image may take." },
	{ .name = NULL },
};
