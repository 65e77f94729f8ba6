/* SPDX-License-Identifier: Apache-2.0 */
/* app_table_parts: tables below app_table's that are in files of their own; nobody else's business */
#pragma once

#include "data/conf.h"

struct err;

int app_check_url(const char *text, struct err *e);

extern const struct conf_key app_port_policy_table[], app_gateway_service_table[];
