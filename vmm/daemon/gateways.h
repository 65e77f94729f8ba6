/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateways: the VMs of the fleet that are gateways, and what that means for the others
 *
 * Which VM is a gateway its manifest says (gateway_service); running or not, it counts, as it may be started later than
 * the apps that are to register with it.  In order of creation, so that what is shown does not change by itself.
 *
 * Limits   GATEWAYS_ADDRESSES_MAX addresses of a VM are shown, SYS_CONFIG_URLS_MAX URLs given to a guest.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct daemon;
struct manifest_gateway;
struct manifest_list;
struct scratch;
struct vm;

enum { GATEWAYS_ADDRESSES_MAX = 32 };

/* The next gateway after the VM @at (NULL: the first), which moves on.  NULL: there is none. */
const struct manifest_gateway *gateways_next(const struct daemon *d, const struct vm **at);

/*
 * What the guest of @vm is told: its own URLs or else those of baileyd.yaml; and if its app wants a gateway, those of
 * the fleet's.  None for a gateway.  @ret was empty; the caller owns it.
 */
void gateways_urls(const struct vm *vm, struct manifest_list *ret);

/* Where clients find the app of @vm; *@ret_n of them, each and the list in @s. */
char **gateways_addresses(const struct vm *vm, struct scratch *s, size_t *ret_n);

/* dstack's app_url: where the guest agent's page of @vm is, in @s; NULL if it is nowhere. */
char *gateways_agent_url(const struct vm *vm, struct scratch *s);

/* It runs, its app wants a gateway, and it was told of none that it would be told of now. */
bool gateways_lacks(const struct vm *vm);

/* Learn from the VM's folder whether its app wants one, and what its guest was told at its last start. */
void gateways_load(struct vm *vm);
