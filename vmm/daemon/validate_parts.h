/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_parts: the checks of validate.c one by one, for changes of a VM that exists
 *
 * Each looks only at its own members of the configuration.  What it fills of the manifest was empty before.
 */
#pragma once

#include <stddef.h>

#include "proto/vmm.pb-c.h"

struct daemon;
struct err;
struct manifest;
struct manifest_list;

/* compose_file: may it run here? */
int validate_app(const Bailey__Vmm__VmConfiguration *c, struct err *e);

/* The ports and that they are allowed and distinct, but not whether they are free. */
int validate_ports(const struct daemon *d, const Bailey__Vmm__VmConfiguration *c,
		   struct manifest *m, struct err *e);
int validate_networks(const Bailey__Vmm__VmConfiguration *c, struct manifest *m, struct err *e);
int validate_list(struct manifest_list *l, const char *what, char *const *urls, size_t n,
		  struct err *e);

/* gateway_service; absent: it is none. */
int validate_gateway(const Bailey__Vmm__GatewayService *g, struct manifest *m, struct err *e);
int validate_image(const struct daemon *d, const Bailey__Vmm__VmConfiguration *c,
		   struct manifest *m, struct err *e);

/* encrypted_env and user_config: would a guest read as much? */
int validate_files(const Bailey__Vmm__VmConfiguration *c, struct err *e);
