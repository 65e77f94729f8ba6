/* SPDX-License-Identifier: Apache-2.0 */
/* host_port: "127.0.0.1:18080", "[::1]:18080" or "18080" (of 127.0.0.1) */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct host_port {
	char address[64]; /* numeric, without brackets */
	uint16_t port;
};

/* Return: 0; ERR_INPUT with what is wrong and what would be right, without a place. */
int host_port_parse(const char *text, struct host_port *ret, struct err *e);

/* Can the two not be bound at once?  An unspecified address takes the port on all of its family's. */
bool host_port_clash(const struct host_port *a, const struct host_port *b);
