/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconnect: what the daemon does when a libvirtd goes away, and when it is back
 *
 * VMs go on meanwhile, and guests are heard; what needs libvirt is refused with a message.  Afterwards each VM and its
 * domain are brought together again, in the VM's queue: what was cut off in between may have happened or not.
 *
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>

struct daemon;
struct err;

/* For struct hypervisor_options. */
void reconnect_on_link(void *arg, bool is_up);

/* May an operation begin that needs libvirt?  Return: 0; ERR_HYPERVISOR with the reason. */
int reconnect_check(const struct daemon *d, struct err *e);
