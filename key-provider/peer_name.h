/* SPDX-License-Identifier: Apache-2.0 */
/* peer_name: who is at the ends of a socket, as the kernel says, in one short word */
#pragma once

enum { PEER_NAME_SIZE = 64 };

/* "127.0.0.1:50000", "[::1]:50000", "uid 1000" by a unix socket; "somebody" if the kernel does not say. */
void peer_name_of(int fd, char ret[static PEER_NAME_SIZE]);

/* The address that a listening socket has, in the same words; "" if it is no IP address. */
void peer_name_own(int fd, char ret[static PEER_NAME_SIZE]);
