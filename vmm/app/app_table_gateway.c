/* SPDX-License-Identifier: Apache-2.0 */
/* app_table_gateway: the keys of an app's YAML about gateways: what is reached through one, and being one */
#include "app/app_table_parts.h"

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "data/gateway_place.h"

int app_check_url(const char *text, struct err *e)
{
	if (!str_starts(text, "https://") && !str_starts(text, "http://"))
		return err_set(e, ERR_INPUT, "\"%s\" is not a URL; write https://HOST:PORT", text);
	return 0;
}

static const struct conf_key policy_port_table[] = {
	{ .name = "port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .required = true,
	  .doc = "A port of the guest that the gateway may lead clients to.",
	  .example = "8080" },
	{ .name = "pp",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "The gateway tells there by the PROXY protocol who the client is." },
	{ .name = NULL },
};

const struct conf_key app_port_policy_table[] = {
	{ .name = "restrict_mode",
	  .type = CONF_BOOL,
	  .otherwise = "false",
	  .doc = "Only the ports of the list are reached through a gateway." },
	{ .name = "ports",
	  .type = CONF_MAPS,
	  .keys = policy_port_table,
	  .most = 64,
	  .doc = "Ports that the app listens on for the gateway's clients." },
	{ .name = NULL },
};

const struct conf_key app_gateway_service_table[] = {
	{ .name = "domain",
	  .type = CONF_STRING,
	  .max = GATEWAY_DOMAIN_MAX,
	  .required = true,
	  .check = gateway_domain_check,
	  .doc = "The domain that it publishes apps below.",
	  .example = "bailey.localhost" },
	{ .name = "port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .otherwise = "443",
	  .doc = "The port that its clients use.",
	  .example = "443" },
	{ .name = "url",
	  .type = CONF_STRING,
	  .max = GATEWAY_URL_MAX,
	  .required = true,
	  .check = gateway_url_check,
	  .doc = "Where guests register with it, as guests reach it.",
	  .example = "https://10.0.2.2:9012" },
	{ .name = "admin",
	  .type = CONF_STRING,
	  .max = GATEWAY_URL_MAX,
	  .check = gateway_url_check,
	  .doc = "Where bailey gateway reaches its Admin service.",
	  .example = "https://127.0.0.1:9013" },
	{ .name = NULL },
};
