/* SPDX-License-Identifier: Apache-2.0 */
/* config_check: what single values of the YAML must be, beyond type and range */
#pragma once

struct err;
struct gw_config;
struct gw_network;

int config_check_domain(const char *text, struct err *e);
int config_check_absolute(const char *text, struct err *e);
int config_check_network(const char *text, struct err *e);
int config_check_endpoint(const char *text, struct err *e);
int config_check_prefix(const char *text, struct err *e);

/* "10.0.0.0/8", "fd00::/8", "192.0.2.1".  Return: 0 or ERR_INPUT. */
int config_read_network(const char *text, struct gw_network *ret, struct err *e);

int config_check_interface(const char *text, struct err *e);
int config_check_name(const char *text, struct err *e);
int config_check_peer_endpoint(const char *text, struct err *e);
int config_check_url(const char *text, struct err *e);

/* The key admin_rpc.  Return: 0 or ERR_INPUT. */
int config_read_admin(struct gw_config *c, const char *file, struct err *e);

/* The keys registration and wireguard of @c->doc into @c.  Return: 0 or ERR_INPUT. */
int config_read_registration(struct gw_config *c, const char *file, struct err *e);
