/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_text: numbers and names out of the text of /proc, /etc/os-release and /etc/resolv.conf
 *
 * Pure functions over C strings; what is missing or odd leaves zeros or "".
 * Trusts   nothing: resolv.conf holds what a DHCP server said.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* /proc/meminfo, in bytes. */
struct proc_memory {
	uint64_t total, available, free, swap_total, swap_free;
};

void proc_memory_of(const char *text, struct proc_memory *ret);

/* /proc/loadavg: the three averages times 100, cut. */
void proc_loads_of(const char *text, uint32_t ret[static 3]);

/* /proc/uptime: whole seconds. */
uint64_t proc_uptime_of(const char *text);

/* /proc/cpuinfo: "<model> @<MHz> MHz" of the first, and how many there are. */
uint32_t proc_cpus_of(const char *text, char *model, size_t size);

/* /proc/cpuinfo: does the first line of flags say that this is a TD? */
bool proc_is_td(const char *text);

/* A value of /etc/os-release, without its quotes; "" if it is not there. */
void proc_os_release_of(const char *text, const char *key, char *dst, size_t size);

enum { PROC_NAME_SIZE = 16, PROC_ADDRESS_SIZE = 46 };

/* A row of /proc/net/dev. */
struct proc_interface {
	char name[PROC_NAME_SIZE];
	uint64_t rx_bytes, rx_errors, tx_bytes, tx_errors;
};

/* Return: how many of at most @most rows were found. */
size_t proc_interfaces_of(const char *text, struct proc_interface *rows, size_t most);

/* Default gateways of /proc/net/route, dotted. */
size_t proc_gateways_of(const char *text, char (*rows)[PROC_ADDRESS_SIZE], size_t most);

/* "nameserver" lines of resolv.conf that hold a numeric address. */
size_t proc_nameservers_of(const char *text, char (*rows)[PROC_ADDRESS_SIZE], size_t most);
