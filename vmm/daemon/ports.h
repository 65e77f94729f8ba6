/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports: host ports of VMs: which may be mapped, which collide, which are taken
 */
#pragma once

#include <stdbool.h>

#include "store/manifest.h"

struct config;
struct err;

/* "tcp 127.0.0.1:8080", "udp [::]:53" into 80 bytes or more. */
const char *ports_text(const struct manifest_port *p, char *ret, size_t size);

/*
 * Would both want the same socket of the host?  The same protocol and port, and the same address
 * or either unspecified.
 */
bool ports_collide(const struct manifest_port *a, const struct manifest_port *b);

/* Is it in one of the ranges that may be mapped?  Return: 0 or ERR_INPUT. */
int ports_allowed(const struct config *c, const struct manifest_port *p, struct err *e);

/* Do two of the same VM collide?  Return: 0 or ERR_CONFLICT. */
int ports_distinct(const struct manifest *m, struct err *e);

/*
 * Try to bind each on the host for a moment.  Return: 0; ERR_CONFLICT with the first that another process has, and which;
 * ERR_INPUT for an address that the host does not have.
 */
int ports_probe(const struct manifest *m, struct err *e);

/*
 * QEMU binds them, as a user of its own if we start it: may that one have each?  @first: the lowest port that every user
 * may bind.  Return: 0; ERR_INPUT with the first that it may not, and what to do.
 */
int ports_check_user(const struct config *c, const struct manifest *m, uint32_t first,
		     struct err *e);

/* net.ipv4.ip_unprivileged_port_start, of our network namespace. */
uint32_t ports_first_of_users(void);
