/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adopt: the fleet as the disk and the hypervisor have it, when the daemon starts
 *
 * What the disk says is wanted, what the hypervisor says is there; each difference becomes an
 * operation.  Nothing that is not ours is touched.
 */
#pragma once

#include <stddef.h>

struct daemon;
struct err;
struct hypervisor_result;

/* Load each folder of <state>/vm.  One that cannot be loaded is left alone, with a warning. */
int adopt_folders(struct daemon *d, struct err *e);

/* Load one folder, whose VM is not known yet.  On failure it is left alone. */
int adopt_folder(struct daemon *d, const char *name, struct err *e);

/*
 * End QEMUs of VMs that do not run and have nothing to do: what the last life of the daemon had forked, and not yet made a
 * QEMU, when adopt_domains() looked.
 */
void adopt_end_strays(struct daemon *d);

/* Bring each VM and the domain of its id together.  Return: how many were found running. */
size_t adopt_domains(struct daemon *d, const struct hypervisor_result *r);
