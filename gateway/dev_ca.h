/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dev_ca: certificates for domains that have none: of an authority of the gateway's own, for development
 *
 * Who trusts the authority trusts whoever has the folder: clients get its certificate from the gateway, over a
 * connection that they can verify otherwise.  It may sign for these domains only (name constraints), so with others it is
 * another authority, of the same key.  A domain's key stays when its certificate is renewed.
 *
 * Owns     in the folder state: dev-ca.key, dev-ca.pem; of each such domain domains/NAME.key and NAME.pem.  Keys are of
 *	    mode 0600.
 */
#pragma once

#include <stdbool.h>

struct buf;
struct err;
struct gw_config;

enum { DEV_CA_PEM_MAX = 16 * 1024 };

/* Are there domains of it? */
bool dev_ca_is_used(const struct gw_config *c);

/* Make what is missing, does not read, or ends soon; the rest stays.  Return: 0 or negative. */
int dev_ca_ensure(const struct gw_config *c, struct err *e);

/* Its certificate, PEM, for buf_deinit().  Return: 0 or negative. */
int dev_ca_read(const struct gw_config *c, struct buf *ret, struct err *e);
