/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_owner: which process has a port of this host, out of proc(5)
 *
 * A process of another user is known by its user only, unless we are root.  Its name is its own choice: it is escaped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct manifest_port;

enum { PORT_OWNER_SIZE = 128 };

/* A line of /proc/net/tcp, tcp6, udp, udp6. */
struct port_socket {
	uint8_t address[16]; /* as in a struct sockaddr; of IPv4 the first four */
	bool is_v6;
	uint16_t port;
	unsigned int state; /* 0x0a: listens */
	unsigned int uid;
	uint64_t inode;
};

/* Pure.  Return: is it such a line? */
bool port_owner_line(const char *line, struct port_socket *ret);

/*
 * Who has what @p would collide with: "nginx (process 12)", "a process of user 33".  The first that is found.
 * Return: @ret; "another process" where it is not known.
 */
const char *port_owner(const struct manifest_port *p, char ret[static PORT_OWNER_SIZE]);
