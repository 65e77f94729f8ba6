/* SPDX-License-Identifier: Apache-2.0 */
/* domain_parts: the parts of domain_xml(), one file each; nobody else's */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "domain/domain_xml.h"
#include "domain/xml_out.h"

/* Which slot of pcie.0 each device has; 0: there is no such device. */
struct domain_slots {
	unsigned int rootfs, data_disk, volumes, nics, vsock,
		share; /* volumes, nics: the first of them */
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

/* <devices>: all that libvirt can express. */
void domain_devices(struct xml_out *o, const struct domain_spec *s, const struct host_caps *caps,
		    const struct domain_slots *at);

/* <qemu:commandline>: what it cannot. */
void domain_args(struct xml_out *o, const struct domain_spec *s, const struct host_caps *caps,
		 const struct domain_slots *at);
