/* SPDX-License-Identifier: Apache-2.0 */
/* machine: this guest's system and network right now, read from /proc and its like */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest-stub/proc_text.h"

enum {
	MACHINE_TEXT_SIZE = 192,
	MACHINE_INTERFACES_MAX = 32,
	MACHINE_ADDRESSES_MAX = 16, /* of one interface */
	MACHINE_SERVERS_MAX = 8,    /* name servers, gateways */
};

struct machine_disk {
	char name[32], mount_point[32];
	uint64_t total, free;
};

struct machine_system {
	char os_name[MACHINE_TEXT_SIZE], os_version[MACHINE_TEXT_SIZE];
	char kernel[MACHINE_TEXT_SIZE], cpu[MACHINE_TEXT_SIZE];
	uint32_t n_cpus;
	struct proc_memory memory;
	uint64_t uptime;
	uint32_t loads[3];
	struct machine_disk disk; /* the root */
};

void machine_system_now(struct machine_system *ret);

struct machine_address {
	char text[PROC_ADDRESS_SIZE];
	uint32_t prefix;
};

struct machine_interface {
	struct proc_interface counts;
	struct machine_address addresses[MACHINE_ADDRESSES_MAX];
	size_t n_addresses;
};

struct machine_network {
	char dns[MACHINE_SERVERS_MAX][PROC_ADDRESS_SIZE];
	size_t n_dns;
	char gateways[MACHINE_SERVERS_MAX][PROC_ADDRESS_SIZE];
	size_t n_gateways;
	struct machine_interface interfaces[MACHINE_INTERFACES_MAX]; /* dstack-wg0, enp*, eth* */
	size_t n_interfaces;
};

void machine_network_now(struct machine_network *ret);

/* A line of a file of the kernel's without its newline; "" if there is none. */
void machine_line(const char *path, char *dst, size_t size);

/* Does the kernel say that it runs in a TD? */
bool machine_is_td(void);

/* Display controllers that can be GPUs (PCI class 0300 and 0302). */
unsigned int machine_gpus(void);
