/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netif: network interfaces of this machine: made, given an address, set up
 *
 * For those that only software has, such as WireGuard's; needs CAP_NET_ADMIN.
 *
 * Thread   any; each call is a question to the kernel and its answer.
 * Wire     rtnetlink(7), netdevice(7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { NETIF_NAME_MAX = 15, NETIF_KIND_MAX = 15, NETIF_MESSAGE_MAX = 128 };

/*
 * Make @name of @kind ("wireguard"), a kind that needs no more words.  The kernel loads its module by itself.
 * Return: 0; -EEXIST: there is one of that name; -EOPNOTSUPP: this kernel has none of that kind; -EPERM; others.
 */
int netif_make(const char *name, const char *kind, struct err *e);

/* Is it as netif_make() leaves it: there, down, without an IPv4 address? */
bool netif_is_bare(const char *name);

/* Its IPv4 address, host order, and the bits of its network; then set it up.  Return: 0 or negative. */
int netif_set(const char *name, uint32_t address, unsigned int bits, struct err *e);

/* Pure: the message by which an interface is made.  @ret is aligned as an int.  Return: its bytes; -EINVAL. */
int netif_message(const char *name, const char *kind, uint8_t ret[static NETIF_MESSAGE_MAX]);
