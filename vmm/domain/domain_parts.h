/* SPDX-License-Identifier: Apache-2.0 */
/* domain_parts: the parts of domain_xml(), one file each; nobody else's */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "domain/domain_xml.h"
#include "domain/xml_out.h"

enum { DOMAIN_SLOT_EXPANDERS = 0x10 }; /* of NUMA nodes: the first of them */

/* Which slot of pcie.0 each device has; 0: there is no such device. */
struct domain_slots {
	unsigned int rootfs, data_disk, volumes, nics, vsock, share,
		root_ports; /* volumes, nics, root_ports: the first of them */
	unsigned int n_used;
};

/* The order of dstack's command line.  Return: 0, or ERR_INPUT if there are more devices than slots. */
int domain_slots_of(const struct domain_spec *s, struct domain_slots *ret, struct err *e);

/* Can this be written down and started here?  Return: 0, ERR_INPUT, ERR_MISSING. */
int domain_check(const struct domain_spec *s, const struct host_caps *caps, struct err *e);

/* Is real TDX to be passed on QEMU's command line? */
static inline bool domain_tdx_by_args(const struct domain_spec *s, const struct host_caps *caps)
{
	return s->tee == DOMAIN_TEE_TDX && caps->tdx == HOST_TDX_COMMANDLINE;
}

/* domain_host.c: what comes from one place of the host. */
int domain_check_host(const struct domain_spec *s, struct err *e);
size_t domain_root_ports(const struct domain_spec *s); /* how many are on pcie.0 */
bool domain_has_expanders(const struct domain_spec *s);
void domain_memory(struct xml_out *o, const struct domain_spec *s);   /* to <vcpu> */
void domain_numatune(struct xml_out *o, const struct domain_spec *s); /* beside it */
void domain_cells(struct xml_out *o, const struct domain_spec *s);    /* in <cpu> */
void domain_ports(struct xml_out *o, const struct domain_spec *s, const struct domain_slots *at);
void domain_hostdevs(struct xml_out *o, const struct domain_spec *s);

/* <devices>: all that libvirt can express. */
void domain_devices(struct xml_out *o, const struct domain_spec *s, const struct host_caps *caps,
		    const struct domain_slots *at);

/* <qemu:commandline>: what it cannot. */
void domain_args(struct xml_out *o, const struct domain_spec *s, const struct host_caps *caps,
		 const struct domain_slots *at);
