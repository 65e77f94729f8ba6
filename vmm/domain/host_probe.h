/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_probe: what this host, its QEMU and its libvirt can do
 *
 * Asks each for its capabilities; never concludes from a version.
 *
 * Thread   any but the loop's: it runs QEMU and a KVM guest.
 */
#pragma once

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "domain/domain_xml.h"

struct err;

/* @emulator: NULL for libvirt's choice.  Return: 0; ERR_HYPERVISOR, ERR_MISSING. */
int host_probe(virConnectPtr conn, const char *emulator, bool no_kvm, struct host_caps *ret,
	       struct err *e);

/* owner and confinement, for a libvirt that serves the whole system.  Return: 0; ERR_HYPERVISOR. */
int host_probe_system(virConnectPtr conn, struct host_caps *caps, struct err *e);

/* The pure parts. */

/* confinement out of libvirt's <capabilities>.  Return: 0 or ERR_HYPERVISOR. */
int host_probe_read_models(const char *xml, struct host_caps *caps, struct err *e);

/* emulator, machine and tdx out of libvirt's <domainCapabilities>.  Return: 0 or ERR_HYPERVISOR. */
int host_probe_read_caps(const char *xml, struct host_caps *caps, struct err *e);

/* "7.2.22" out of the first line of qemu --version.  Return: 0 or ERR_HYPERVISOR. */
int host_probe_read_version(const char *text, struct host_caps *caps, struct err *e);

/* Write tdx_why from the rest of @caps. */
void host_probe_explain_tdx(struct host_caps *caps);
