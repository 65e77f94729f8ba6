/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host: where a daemon is, as --host and BAILEY_HOST name it
 *
 * Pure: no lookup, no connection.
 * Invariant what is in a struct host may stand in an argument list of ssh: no part begins with '-', and
 *          there is no character in it that ssh or a URL would read otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

enum host_kind { HOST_UNIX, HOST_SSH, HOST_HTTP };

enum { HOST_NAME_MAX_LEN = 253, HOST_USER_MAX = 32, HOST_PATH_MAX = 107 };

struct host {
	enum host_kind kind;
	bool is_tls;			  /* HOST_HTTP */
	char name[HOST_NAME_MAX_LEN + 1]; /* or address, IPv6 without brackets; "" for HOST_UNIX */
	uint16_t port;			  /* 0: ssh's own choice */
	char user[HOST_USER_MAX + 1];	  /* ssh; "": ssh's own choice */
	char path[HOST_PATH_MAX + 1];	  /* of the socket: here, or there by ssh */
};

/*
 * "unix:/path", "ssh://[user@]name[:port][/path]", "tcp://name:port", "http://name:port" (the same), or
 * "https://name[:port]".  Return: 0; ERR_INPUT with what is wrong and what would be right.
 */
int host_parse(const char *text, struct host *ret, struct err *e);

/* Is it an address of the loopback interface, or "localhost"? */
bool host_is_loopback(const struct host *h);
